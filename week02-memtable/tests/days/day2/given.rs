//! What day 2's tests are given, and the sentences they speak about it.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::RangeInclusive;
use std::sync::Barrier;
use std::thread;

use memtable::Lookup;
use wal::testing::{Change, Workload, delete, put, show};
use wal::{Operation, Seq};

use super::MemTable;
use crate::MEMORY;

/// A table with these changes, numbered from 1.
pub(super) fn given(changes: &[Change]) -> MemTable {
    let table = MemTable::new();
    for (change, seq) in changes.iter().zip(1..) {
        insert(&table, seq, change);
    }
    table
}

pub(super) fn insert(table: &MemTable, seq: Seq, change: &Change) {
    let key = &change.key;
    table.insert(
        seq,
        match &change.value {
            Some(value) => Operation::Put { key, value },
            None => Operation::Delete { key },
        },
    );
}

/// Every change there ever was, by key and number: slow, and plain enough to be believed.
#[derive(Default)]
pub(super) struct History(BTreeMap<(Vec<u8>, Seq), Lookup>);

impl History {
    pub(super) fn add(&mut self, seq: Seq, change: &Change) {
        let what = change.value.clone().map_or(Lookup::Deleted, Lookup::Value);
        self.0.insert((change.key.to_vec(), seq), what);
    }

    pub(super) fn get(&self, key: &[u8], seq: Seq) -> Lookup {
        let seen = self.0.range((key.to_vec(), 0)..=(key.to_vec(), seq)).next_back();
        seen.map_or(Lookup::Absent, |(_, what)| what.clone())
    }
}

/// Checks what a snapshot sees of a key; `why` names the rule.
#[track_caller]
pub(super) fn expect(table: &MemTable, key: &[u8], seq: Seq, want: &Lookup, why: &str) {
    let came = table.get(key, seq);
    assert!(
        came == *want,
        "a snapshot at {seq} must find {} under {}, and found {}: {why}",
        name(want),
        show(key),
        name(&came)
    );
}

#[track_caller]
pub(super) fn expect_value(table: &MemTable, key: &[u8], seq: Seq, value: &[u8], why: &str) {
    expect(table, key, seq, &Lookup::Value(value.to_vec().into()), why);
}

/// As `expect`, for each of these snapshots.
#[track_caller]
pub(super) fn expect_at(
    table: &MemTable,
    key: &str,
    snapshots: RangeInclusive<Seq>,
    want: &Lookup,
    why: &str,
) {
    for seq in snapshots {
        expect(table, key.as_bytes(), seq, want, why);
    }
}

fn name(lookup: &Lookup) -> String {
    match lookup {
        Lookup::Value(value) => format!("the value {}", show(value)),
        Lookup::Deleted => "a tombstone (`Deleted`)".into(),
        Lookup::Absent => "nothing (`Absent`)".into(),
    }
}

/// What one of four writers does: keys of its own, and every fourth number.
pub(super) struct Script {
    pub(super) changes: Vec<(Seq, Change)>,
    pub(super) history: History,
}

impl Script {
    pub(super) fn new(seed: u64, writer: usize, count: usize) -> Script {
        let mut random = Workload::new(seed << 8 | writer as u64);
        let mut script = Script { changes: Vec::new(), history: History::default() };
        for n in 0..count {
            let key = Script::key(writer, &mut random);
            let value = random.key().repeat(random.below(8));
            let change = if random.below(4) == 0 { delete(key) } else { put(key, value) };
            let seq = (1 + writer + n * 4) as Seq;
            script.history.add(seq, &change);
            script.changes.push((seq, change));
        }
        script
    }

    /// One of the writer's keys; in the order, they stand between those of the others.
    pub(super) fn key(writer: usize, random: &mut Workload) -> String {
        format!("{}/{writer}", random.key())
    }
}

/// Four bytes that no other number has, again and again: where they are found, there is no doubt
/// whose they are.
pub(super) fn pattern(number: usize, size: usize) -> Vec<u8> {
    let mut bytes = (number as u32).wrapping_mul(0x9e37_79b1).to_le_bytes().repeat(size / 4 + 1);
    bytes.truncate(size);
    bytes
}

/// A table with `count` values of each of these sizes, turn by turn, under keys of 16 bytes.
pub(super) fn table_of(count: usize, sizes: &[usize]) -> MemTable {
    let table = MemTable::new();
    let value = vec![b'v'; sizes.iter().copied().max().unwrap_or(0)];
    for n in 0..count * sizes.len() {
        let (key, size) = (key_of(n), sizes[n % sizes.len()]);
        table.insert(n as Seq + 1, Operation::Put { key: &key, value: &value[..size] });
    }
    table
}

/// Key number `n`: sixteen bytes, in the order of the numbers, and no allocation.
pub(super) fn key_of(n: usize) -> [u8; 16] {
    let mut key = [0; 16];
    write!(&mut key[..], "key{n:013}").expect("a number of at most thirteen digits");
    key
}

/// What is made, and the bytes of memory that it keeps: the middle of three measurements, as under
/// plain `cargo test` others come and go at the same time.
pub(super) fn kept_by<T>(make: impl Fn() -> T) -> (T, usize) {
    table_of(1, &[1]); // A thread's first use of a list allocates for the thread.
    let mut measured = [0; 3].map(|_| {
        let before = MEMORY.allocated();
        let made = make();
        (MEMORY.allocated().saturating_sub(before), made)
    });
    measured.sort_by_key(|(kept, _)| *kept);
    let [_, (kept, made), _] = measured;
    (made, kept)
}

/// Checks that `size` is the memory that a table takes, within a tenth.
#[track_caller]
pub(super) fn expect_size(what: &str, make: impl Fn() -> MemTable) {
    let (table, kept) = kept_by(make);
    let size = table.size();
    assert!(
        size.abs_diff(kept) <= kept / 10,
        "{what}: {} entries keep {kept} bytes of memory, {} each, and `size` says {size}, {} each; \
         it may be off by a tenth (rule 5 of day 2)",
        table.len(),
        kept / table.len(),
        size / table.len()
    );
}

/// Runs `work` on so many threads, which begin together and are told their number.
pub(super) fn at_once(threads: usize, work: impl Fn(usize) + Sync) {
    let (start, work) = (&Barrier::new(threads), &work);
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                start.wait();
                work(thread);
            });
        }
    });
}

/// All orders of `count` things.
pub(super) fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![vec![]] };
    let place = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut order = order.clone();
            order.insert(at, last);
            order
        })
    };
    orders(last).into_iter().flat_map(place).collect()
}
