//! Lab ranges' experiment: a scan over keys that are deleted, one by one or by one entry.
//!
//! A table has a hundred keys, and in their midst 10 to 300 000 more, which are deleted: each by a
//! tombstone of its own, or all by one range tombstone. A scan of the table sees the hundred. What
//! the deletes cost to write is in the figure, too.

use std::hint::black_box;
use std::time::Instant;

use memtable::ranges::{RangeTable, scan};
use wal::{Direction, KeyRange, Operation, Result, Seq};

/// Keys that are deleted.
const DELETED: [usize; 8] = [10, 30, 100, 1_000, 3_000, 30_000, 100_000, 300_000];
/// Keys on either side that are not.
const KEPT: usize = 50;
/// Of so many runs the best counts: the others were disturbed.
const RUNS: usize = 7;
const VALUE: [u8; 20] = [0x5a; 20];

fn main() -> Result<()> {
    let names = ["scan, one by one", "scan, one range", "write, one by one", "write, one range"];
    let mut best = [[f64::INFINITY; DELETED.len()]; 4];
    for (n, count) in DELETED.into_iter().enumerate() {
        for run in 0..RUNS {
            if count > 10_000 && run > 2 {
                break;
            }
            for (by, delete) in [one_by_one, by_range].into_iter().enumerate() {
                let (table, seq) = filled(count);
                let (last_seq, write) = micros(|| delete(&table, count, seq));
                let (seen, read) = micros(|| read(&table, last_seq));
                assert_eq!(seen?, 2 * KEPT, "a scan must see the keys that are not deleted");
                best[by][n] = best[by][n].min(read);
                best[2 + by][n] = best[2 + by][n].min(write);
            }
        }
    }

    println!("# title: Keys that are deleted, and a scan over them");
    println!("# x: keys deleted");
    println!("# y: microseconds");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    for (series, times) in names.iter().zip(&best) {
        for (count, time) in DELETED.iter().zip(times) {
            println!("{series},{count},{time:.2}");
        }
    }
    let last = DELETED.len() - 1;
    let [scan_each, scan_range, write_each, write_range] = best.map(|times| times[last]);
    println!(
        "# says: With {} keys deleted one by one, a scan of the {} others takes {:.1} ms, and the \
         deletes took {:.1} ms to write. With one range tombstone the scan takes {scan_range:.0} \
         microseconds, and the delete took {write_range:.1}.",
        DELETED[last],
        2 * KEPT,
        scan_each / 1e3,
        write_each / 1e3,
    );
    Ok(())
}

/// A table with so many keys between those that are kept, and its last number.
fn filled(count: usize) -> (RangeTable, Seq) {
    let table = RangeTable::new();
    let mut seq = 0;
    for n in 0..count + 2 * KEPT {
        seq += 1;
        table.insert(seq, Operation::Put { key: &key(n), value: &VALUE });
    }
    (table, seq)
}

/// Deletes `count` keys, and returns the last number.
fn one_by_one(table: &RangeTable, count: usize, mut seq: Seq) -> Seq {
    for n in KEPT..KEPT + count {
        seq += 1;
        table.insert(seq, Operation::Delete { key: &key(n) });
    }
    seq
}

fn by_range(table: &RangeTable, count: usize, seq: Seq) -> Seq {
    let [start, end] = [key(KEPT), key(KEPT + count)].map(|key| key.to_vec());
    table.delete_range(seq + 1, &KeyRange::half_open(start, end));
    seq + 1
}

/// How many entries a scan sees.
fn read(table: &RangeTable, seq: Seq) -> Result<usize> {
    let view = table.view();
    let mut seen = 0;
    for entry in scan(&[&view], KeyRange::all(), Direction::Forward, seq) {
        black_box(entry?);
        seen += 1;
    }
    Ok(seen)
}

fn key(n: usize) -> [u8; 8] {
    (n as u64).to_be_bytes()
}

/// What `work` returns, and how many microseconds it took.
fn micros<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed().as_nanos() as f64 / 1e3)
}
