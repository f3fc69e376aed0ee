//! Day 2: a concurrent skip list takes writers and readers at once.

#[path = "day2/given.rs"]
mod given;

use std::sync::atomic::{AtomicU64, Ordering};

use given::*;
use memtable::{Lookup, SEQ_MAX};
use wal::testing::{Workload, delete, put, seeds};
use wal::{Operation, Seq};

use super::{MemTable, NODE_SIZE_MAX};
use crate::allocated_by;

// What a snapshot sees.

#[test]
fn what_was_put_is_read_back() {
    // ANCHOR: listing_example
    let table = given(&[
        put("moss", "green"),
        put("stone", "flint"),
        put("fern", "dew"),
        delete("moss"),
        put("stone", "slate"),
        put("lichen", ""),
    ]);
    // ANCHOR_END: listing_example
    let why = "it was put, and at this number nothing newer had been (rule 1 of day 2)";
    expect_value(&table, b"stone", 2, b"flint", why);
    expect_value(&table, b"stone", 6, b"slate", why);
    expect_value(&table, b"fern", 6, b"dew", why);
    expect_value(&table, b"lichen", 6, b"", why);
    assert_eq!(table.len(), 6, "six operations are six entries (rule 1 of day 2)");
}

#[test]
fn a_tombstone_is_not_an_absent_key() {
    let table = given(&[put("moss", "green"), delete("moss"), delete("never"), put("moss", "")]);
    let why = "three answers, and each means something else to whoever asks (rule 2 of day 2)";
    expect_at(&table, "moss", 0..=0, &Lookup::Absent, why);
    expect_at(&table, "moss", 2..=3, &Lookup::Deleted, why);
    expect_at(&table, "never", 0..=2, &Lookup::Absent, why);
    expect_at(
        &table,
        "never",
        3..=4,
        &Lookup::Deleted,
        "something older may know the key: \
        whether anything older does, a memtable cannot know (rule 2 of day 2)",
    );
    expect_value(&table, b"moss", 4, b"", "an empty value is a value (rule 2 of day 2)");
}

#[test]
fn a_snapshot_sees_the_newest_version_that_is_not_above_it() {
    let versions = [(2, put("k", "two")), (3, delete("k")), (5, put("k", "")), (8, put("k", "8"))];
    let mut history = History::default();
    versions.iter().for_each(|(seq, change)| history.add(*seq, change));
    for order in orders(versions.len()) {
        let table = MemTable::new();
        order.iter().for_each(|&at| insert(&table, versions[at].0, &versions[at].1));
        for seq in 0..=9 {
            let why = format!(
                "versions 2, 3 (deleted), 5 and 8 were inserted in the order {order:?}, which must \
                 not matter (rule 1 of day 2)"
            );
            expect(&table, b"k", seq, &history.get(b"k", seq), &why);
        }
    }
}

#[test]
fn a_snapshot_above_all_numbers_sees_everything() {
    let table = given(&[put("a", "1")]);
    insert(&table, SEQ_MAX, &put("last", "value"));
    for seq in [SEQ_MAX, SEQ_MAX + 1, Seq::MAX - 1, Seq::MAX] {
        let why = "a snapshot may be any number; above the largest, it sees all there is";
        expect_value(&table, b"a", seq, b"1", why);
        expect_value(&table, b"last", seq, b"value", why);
    }
    expect_at(&table, "last", SEQ_MAX - 1..=SEQ_MAX - 1, &Lookup::Absent, "it came later");
}

/// Keys of three kinds of bytes, alone and behind eight zeros, among them each key's own beginnings;
/// every other one is there.
#[test]
fn a_key_between_others_is_absent() {
    let mut keys = vec![vec![], vec![0; 8]];
    for at in 0..160 {
        let shorter = keys[at].clone();
        keys.extend([0, 1, 0xff].map(|byte| [&shorter[..], &[byte]].concat()));
    }
    keys.sort();
    keys.dedup();
    for there in [0, 1] {
        let table = MemTable::new();
        let inserted = keys.iter().skip(there).step_by(2);
        inserted.for_each(|key| insert(&table, 5, &put(key, key)));
        for (at, key) in keys.iter().enumerate() {
            let value = Lookup::Value(key.clone().into());
            let want = if at % 2 == there { value } else { Lookup::Absent };
            let why = "a key is found by all of its bytes; what stands at or behind its place in \
                       the list may be another key's (rule 2 of day 2)";
            expect(&table, key, 5, &want, why);
            expect(&table, key, 4, &Lookup::Absent, "no snapshot sees what is above it");
        }
    }
}

#[test]
fn random_histories_read_as_they_were_written() {
    for seed in seeds(30) {
        let (table, mut history, mut random) =
            (MemTable::new(), History::default(), Workload::new(seed));
        let changes: Vec<_> = (0..40).flat_map(|_| random.batch()).collect();
        for (change, seq) in changes.iter().zip(1..) {
            insert(&table, seq, change);
            history.add(seq, change);
        }
        for _ in 0..1_000 {
            let (key, seq) = (random.key(), random.below(changes.len() + 2) as Seq);
            let why = format!("seed {seed}; `CAIRN_SEED={seed}` replays it (rule 1 of day 2)");
            expect(&table, key.as_bytes(), seq, &history.get(key.as_bytes(), seq), &why);
        }
    }
}

// Threads.

#[test]
fn eight_threads_read_and_write_as_a_model_does() {
    for seed in seeds(8) {
        let scripts = [0, 1, 2, 3].map(|writer| Script::new(seed, writer, 1_000));
        let done = [0; 4].map(AtomicU64::new);
        let table = MemTable::new();
        let write = |writer: usize| {
            for (seq, change) in &scripts[writer].changes {
                insert(&table, *seq, change);
                done[writer].store(*seq, Ordering::Release);
            }
        };
        let read = |reader: usize| {
            let mut random = Workload::new(seed << 8 | 0x80 | reader as u64);
            for _ in 0..2_000 {
                let writer = random.below(4);
                let newest = done[writer].load(Ordering::Acquire);
                let key = Script::key(writer, &mut random);
                let seq = random.below(newest as usize + 1) as Seq;
                let want = scripts[writer].history.get(key.as_bytes(), seq);
                let why = format!(
                    "seed {seed}; the key's only writer was done with all numbers up to {newest} \
                     (rule 3 of day 2)"
                );
                expect(&table, key.as_bytes(), seq, &want, &why);
            }
        };
        at_once(8, |thread| if thread < 4 { write(thread) } else { read(thread) });
        assert_eq!(table.len(), 4_000, "four writers inserted 1000 versions each (seed {seed})");
    }
}

#[test]
fn threads_that_insert_at_once_mix_up_neither_bytes_nor_sizes() {
    const ENTRIES: usize = 8_000;
    // Of five, the last does not go to a chunk.
    let size = |n: usize| if n % 5 == 4 { 2_048 } else { n % 300 };
    let entries: Vec<_> = (0..ENTRIES).map(|n| (key_of(n), pattern(n, size(n)))).collect();
    let insert_every = |step: usize, from: usize, table: &MemTable| {
        for ((key, value), seq) in entries.iter().zip(1..).skip(from).step_by(step) {
            table.insert(seq, Operation::Put { key, value });
        }
    };
    let alone = MemTable::new();
    insert_every(1, 0, &alone);
    for round in 0..20 {
        let table = MemTable::new();
        at_once(8, |thread| insert_every(8, thread, &table));
        for (key, value) in &entries {
            let why = "eight threads inserted at once, and each entry must have the bytes of its \
                       own operation, key and value in one piece (rule 4 of day 2)";
            expect_value(&table, key, SEQ_MAX, value, why);
        }
        assert_eq!(
            table.size(),
            alone.size(),
            "`size` after eight threads inserted {ENTRIES} entries (round {round}), and after one \
             thread did: what one adds, another must not write over (rule 5 of day 2)"
        );
    }
}

// Bytes.

#[test]
fn keys_and_values_of_every_size_come_back_whole() {
    // Every small size; those around the powers of two; those at which a chunk is full.
    let powers = (11..=17).flat_map(|power| (1 << power) - 36..=(1 << power) + 2);
    let sizes: Vec<usize> = (0..2_100).chain(powers).chain([1 << 20]).collect();
    let table = MemTable::new();
    let entry = |n: usize, size: usize| match n % 4 {
        0 => ([&key_of(n)[..], &pattern(n, size)].concat(), vec![]),
        1 => ([&key_of(n)[..], &pattern(n, size / 2)].concat(), pattern(n, size / 2)),
        _ => (key_of(n).to_vec(), pattern(n, size)),
    };
    for (n, &size) in sizes.iter().enumerate() {
        let (key, value) = entry(n, size);
        table.insert(n as Seq + 1, Operation::Put { key: &key, value: &value });
        expect_value(&table, &key, SEQ_MAX, &value, "it was just put (rule 4 of day 2)");
    }
    for (n, &size) in sizes.iter().enumerate() {
        let (key, value) = entry(n, size);
        let why = "it was right when it was put, and something inserted later has changed it \
                   (rule 4 of day 2)";
        expect_value(&table, &key, SEQ_MAX, &value, why);
    }
}

#[test]
fn a_value_outlives_its_table_and_keeps_no_more_than_its_chunk() {
    let (kept, memory) = kept_by(|| {
        let table = table_of(8_000, &[100]);
        let at = |n| table.get(&key_of(n), SEQ_MAX);
        [at(0), at(4_000), at(7_999)]
    });
    for lookup in kept {
        let want = Lookup::Value(vec![b'v'; 100].into());
        assert_eq!(lookup, want, "a value that was handed out is its reader's (rule 4 of day 2)");
    }
    assert!(
        memory <= 3 * (34 << 10),
        "a table of 1 MiB is gone, three of its values are kept, and with them {memory} bytes: a \
         value may keep its chunk of 32 KiB, and nothing else (rule 4 of day 2)"
    );
}

// Memory.

#[test]
fn get_allocates_nothing() {
    let table = table_of(100, &[0, 20, 1_000, 2_031, 2_032, 5_000, 100_000]);
    (0..700).step_by(5).for_each(|n| insert(&table, 1_000, &delete(key_of(n))));
    for (kind, what) in ["empty", "small", "longer", "almost large", "large", "5 KB", "100 KB"]
        .into_iter()
        .enumerate()
    {
        // Each is read for the first time: that is when a `Bytes` made of a `Vec` allocates.
        let mut keys = (0..100).map(|n| key_of(n * 7 + kind)).collect::<Vec<_>>().into_iter();
        let allocated = allocated_by(20, || table.get(&keys.next().unwrap(), 999));
        assert_eq!(
            allocated, 0,
            "bytes allocated by the first `get` of a value ({what}): it is shared with the \
             table, neither copied nor given a reference count only now (rule 4 of day 2)"
        );
    }
    let others = [(key_of(0), "a tombstone"), (*b"key that is none", "a key that is not there")];
    for (key, what) in others {
        let allocated = allocated_by(20, || table.get(&key, SEQ_MAX));
        assert_eq!(allocated, 0, "bytes allocated by `get` of {what} (rule 4 of day 2)");
    }
}

#[test]
fn a_small_entry_costs_its_bytes_and_the_node_of_the_list() {
    for value in [0, 8, 100] {
        let allocated = allocated_by(3, || table_of(10_000, &[value])) / 10_000;
        assert!(
            allocated <= 16 + value + NODE_SIZE_MAX,
            "an entry of {} bytes cost {allocated} bytes of allocations, {} more than its bytes: \
             with them in a chunk, the list's node, of less than {NODE_SIZE_MAX} bytes, is the only \
             allocation (rule 4 of day 2)",
            16 + value,
            allocated - 16 - value
        );
    }
}

#[test]
fn size_is_the_memory_that_is_taken_within_a_tenth() {
    for value in [0, 8, 100, 1_000, 2_000, 5_000, 20_000, 33_000, 100_000, 1_000_000] {
        let count = (800_000 / (value + 100)).max(20);
        expect_size(&format!("values of {value} bytes"), || table_of(count, &[value]));
    }
    // A chunk's worst sizes: one more does not fit.
    for entries in 2..40 {
        let value = (32 << 10) / entries + 1 - 16;
        expect_size(&format!("values of {value} bytes"), || table_of(30 * entries, &[value]));
    }
}

#[test]
fn a_large_value_does_not_cost_the_room_of_a_chunk() {
    for sizes in [[10, 40_000], [10, 32_760], [10, 5_000], [1_000, 2_040], [1, 500_000]] {
        let what = format!("values of {} and {} bytes, turn by turn", sizes[0], sizes[1]);
        let count = (600_000 / (sizes[0] + sizes[1])).max(100);
        expect_size(&what, || table_of(count, &sizes));
    }
    let key = [b'k'; 20_000];
    let put = |table: &MemTable, seq| table.insert(seq, Operation::Put { key: &key, value: b"v" });
    expect_size("keys of 20 000 bytes", || {
        let table = MemTable::new();
        (1..=50).for_each(|seq| put(&table, seq));
        table
    });
}

#[test]
fn what_fills_a_sixteenth_of_a_chunk_has_an_allocation_of_its_own() {
    let allocated = |size: usize| {
        let value = vec![b'v'; size - 16];
        allocated_by(3, || {
            let table = MemTable::new();
            table.insert(1, Operation::Put { key: &key_of(1), value: &value });
            table
        })
    };
    // The first small entry brings a chunk of 32 KiB, a large one brings what it needs.
    let [small, large] = [2_047, 2_048].map(allocated);
    let saved = small.saturating_sub(large);
    assert!(
        saved.abs_diff((32 << 10) - 2_048) < 1_000,
        "a table with one entry of 2 047 bytes has allocated {small}, with one of 2 048 bytes \
         {large}: the one goes to a chunk, the other is a sixteenth of one (rule 4 of day 2)"
    );
}

#[test]
fn tombstones_and_old_versions_count_in_size() {
    let deletes = || {
        let table = MemTable::new();
        (1..=8_000).for_each(|n| insert(&table, n, &delete(key_of(n as usize))));
        table
    };
    expect_size("tombstones", deletes);
    let versions = || {
        let table = MemTable::new();
        (1..=8_000).for_each(|seq| insert(&table, seq, &put("the same key", "a new value")));
        table
    };
    expect_size("versions of one key", versions);
}

// In many orders of steps.

#[path = "day2/schedule.rs"]
mod schedule;
