//! The lab's experiment: inserts, gets and a scan, of your table and of day 2's, with one thread.
//!
//! Both get the same entries in the same order without pattern, keys of 16 bytes that begin alike and
//! values of 100.

use std::hint::black_box;
use std::ops::Range;
use std::time::Instant;

use memtable::skiplist::SkipTable;
use memtable::{Cursor, Lookup, MemTable, SEQ_MAX};
use wal::{Operation, Result, Seq};

/// Enough to fill a processor's cache several times over.
const ENTRIES: u64 = 500_000;
/// Keys come in by steps of this, which has no divisor in common with their count.
const STRIDE: u64 = 214_027;
const VALUE: [u8; 100] = [0x5a; 100];
/// So many at a time, for one table and then for the other.
const BATCH: u64 = 5_000;
/// Of so many runs the best of each batch counts: the others were disturbed.
const RUNS: usize = 3;
const WORK: [&str; 4] = ["insert", "get", "get nothing", "scan"];

/// A versioned table.
trait Table {
    fn insert(&self, key: &[u8], seq: Seq);
    fn get(&self, key: &[u8]) -> Lookup;
}

impl Table for MemTable {
    fn insert(&self, key: &[u8], seq: Seq) {
        MemTable::insert(self, seq, Operation::Put { key, value: &VALUE });
    }

    fn get(&self, key: &[u8]) -> Lookup {
        MemTable::get(self, key, SEQ_MAX)
    }
}

impl Table for SkipTable {
    fn insert(&self, key: &[u8], seq: Seq) {
        SkipTable::insert(self, seq, Operation::Put { key, value: &VALUE });
    }

    fn get(&self, key: &[u8]) -> Lookup {
        SkipTable::search(self, key, SEQ_MAX)
    }
}

/// A table whose index is asked first.
struct Indexed<'a>(&'a SkipTable);

impl Table for Indexed<'_> {
    fn insert(&self, key: &[u8], seq: Seq) {
        Table::insert(self.0, key, seq);
    }

    fn get(&self, key: &[u8]) -> Lookup {
        self.0.get(key, SEQ_MAX)
    }
}

fn main() -> Result<()> {
    let mut best = [const { [const { Vec::new() }; WORK.len()] }; 3];
    for _ in 0..RUNS {
        let (day2, own) = (MemTable::new(), SkipTable::new());
        // Batch by batch, so that what disturbs one table for a while disturbs both.
        for (n, batch) in batches().enumerate() {
            note(&mut best[0][0], n, || insert(&day2, batch.clone()));
            note(&mut best[1][0], n, || insert(&own, batch.clone()));
        }
        for (n, batch) in batches().enumerate() {
            note(&mut best[0][1], n, || get(&day2, batch.clone()));
            note(&mut best[1][1], n, || get(&own, batch.clone()));
            note(&mut best[0][2], n, || get_nothing(&day2, batch.clone()));
            note(&mut best[1][2], n, || get_nothing(&own, batch.clone()));
            note(&mut best[2][1], n, || get(&Indexed(&own), batch.clone()));
            note(&mut best[2][2], n, || get_nothing(&Indexed(&own), batch.clone()));
        }
        let (mut day2, mut own) = (day2.cursor(), own.cursor());
        day2.first()?;
        own.first()?;
        for (n, batch) in batches().enumerate() {
            note(&mut best[0][3], n, || step(&mut day2, batch.clone()));
            note(&mut best[1][3], n, || step(&mut own, batch.clone()));
        }
    }
    let [day2, own, indexed] =
        best.map(|table| table.map(|work| work.iter().sum::<f64>() / ENTRIES as f64));

    println!("# title: Two skip lists, {ENTRIES} entries");
    println!("# x: work");
    println!("# y: nanoseconds per entry");
    println!("# kind: bar");
    println!("series,x,y");
    let all = [("day 2's table", day2), ("your list", own), ("with the index", indexed)];
    for (series, times) in all {
        for (work, time) in WORK.iter().zip(times).filter(|(_, time)| *time > 0.0) {
            println!("{series},{work},{time:.0}");
        }
    }
    println!(
        "# says: For an insert day 2's table takes {:.0} ns and yours {:.0}, so yours is {:.2} \
         times as fast; for a get {:.0} and your list {:.0}, {:.2} times as fast, and of what is not \
         there {:.0} and {:.0}, {:.2} times as fast; with the index these are {:.0} and {:.0}. For a \
         step of a scan it is {:.0} and {:.0}.",
        day2[0],
        own[0],
        day2[0] / own[0],
        day2[1],
        own[1],
        day2[1] / own[1],
        day2[2],
        own[2],
        day2[2] / own[2],
        indexed[1],
        indexed[2],
        day2[3],
        own[3],
    );
    Ok(())
}

fn batches() -> impl Iterator<Item = Range<u64>> {
    (0..ENTRIES / BATCH).map(|n| n * BATCH..(n + 1) * BATCH)
}

/// Does the work, and keeps its time in nanoseconds if no run's was better.
fn note(best: &mut Vec<f64>, batch: usize, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    let time = start.elapsed().as_nanos() as f64;
    match best.get_mut(batch) {
        Some(best) => *best = best.min(time),
        None => best.push(time),
    }
}

fn insert(table: &impl Table, numbers: Range<u64>) {
    numbers.for_each(|n| table.insert(&key(n * STRIDE % ENTRIES), n + 1));
}

/// In another order than they came in.
fn get(table: &impl Table, numbers: Range<u64>) {
    let found =
        numbers.filter(|n| matches!(table.get(&key(n * 514_229 % ENTRIES)), Lookup::Value(_)));
    assert_eq!(found.count() as u64, BATCH, "every key must be found");
}

/// Of keys between those that are there.
fn get_nothing(table: &impl Table, numbers: Range<u64>) {
    let found = numbers.filter(|n| table.get(&odd(&key(n * 514_229 % ENTRIES))) != Lookup::Absent);
    assert_eq!(found.count(), 0, "none of these was put in");
}

fn step(cursor: &mut impl Cursor, numbers: Range<u64>) {
    for _ in numbers {
        black_box(cursor.entry());
        cursor.next().expect("memory does not fail");
    }
}

/// The key of this number, which is even.
fn key(n: u64) -> [u8; 16] {
    let mut key = *b"user000000000000";
    let mut rest = 2 * n;
    for digit in key.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    key
}

/// The key behind an even one.
fn odd(key: &[u8; 16]) -> [u8; 16] {
    let mut key = *key;
    key[15] += 1;
    key
}
