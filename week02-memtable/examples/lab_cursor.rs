//! Day 3's experiment: ten entries from somewhere in a table, over the size of the table.
//!
//! By a cursor: seek, and nine steps. Beside it, by a copy: everything from the same place on goes
//! into a vector first, and ten entries are read from that. Both copy nothing but references to
//! keys and values.

use std::hint::black_box;
use std::time::{Duration, Instant};

use memtable::{Cursor, InternalKey, MemTable, SEQ_MAX};
use wal::testing::Workload;
use wal::{Entry, Operation, Result};

/// Entries of the tables.
const SIZES: [usize; 6] = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000];
const VALUE: [u8; 100] = [0x5a; 100];
/// How many entries somebody wants.
const WANTED: usize = 10;
/// How long each measurement takes, or a single read if that takes longer.
const WINDOW: Duration = Duration::from_millis(20);
/// Of so many runs the best counts: the others were disturbed.
const RUNS: usize = 40;

fn main() -> Result<()> {
    let [cursor, copy] = measure()?;

    println!("# title: Seek, and read {WANTED} entries");
    println!("# x: entries in the table");
    println!("# y: microseconds");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    for (series, times_us) in [("your cursor", cursor), ("a copy of the range", copy)] {
        for (size, time_us) in SIZES.iter().zip(times_us) {
            println!("{series},{size},{time_us:.2}");
        }
    }
    let last = SIZES.len() - 1;
    println!(
        "# says: Ten entries take your cursor {:.1} µs in a table of {}, and {:.1} µs in one of {}: \
         the search is longer, and what it reads is out of the processor's cache. A copy of the \
         range takes {:.0} µs in the small one and {:.0} in the large.",
        cursor[0], SIZES[0], cursor[last], SIZES[last], copy[0], copy[last],
    );
    Ok(())
}

/// Microseconds for each size of table, the least of all runs: by a cursor, and by a copy.
fn measure() -> Result<[[f64; SIZES.len()]; 2]> {
    let mut best_us = [[f64::INFINITY; SIZES.len()]; 2];
    for (n, size) in SIZES.into_iter().enumerate() {
        let table = table_of(size);
        for _ in 0..RUNS {
            for (series, read) in [by_cursor as Read, by_copy].into_iter().enumerate() {
                let time_us = time_us(&table, size, read)?;
                best_us[series][n] = best_us[series][n].min(time_us);
            }
        }
    }
    Ok(best_us)
}

fn table_of(size: usize) -> MemTable {
    let table = MemTable::new();
    for index in 0..size {
        // In an order that is none: neighbours do not lie side by side in memory.
        let index = index * 7_919 % size;
        table.insert(1 + index as u64, Operation::Put { key: &key(index), value: &VALUE });
    }
    table
}

fn key(index: usize) -> [u8; 16] {
    let mut key = [b'0'; 16];
    key[8..].copy_from_slice(&(index as u64).to_be_bytes());
    key
}

/// Gives the entries that are wanted to `use_entry`, from this key on.
type Read = fn(&MemTable, &[u8], &mut dyn FnMut(Entry)) -> Result<()>;

fn by_cursor(table: &MemTable, start: &[u8], use_entry: &mut dyn FnMut(Entry)) -> Result<()> {
    let mut cursor = table.cursor();
    cursor.seek(InternalKey::lookup(start, SEQ_MAX))?;
    for _ in 0..WANTED {
        if cursor.key().is_none() {
            break;
        }
        use_entry(cursor.entry());
        cursor.next()?;
    }
    Ok(())
}

fn by_copy(table: &MemTable, start: &[u8], use_entry: &mut dyn FnMut(Entry)) -> Result<()> {
    let mut cursor = table.cursor();
    let mut range = Vec::new();
    cursor.seek(InternalKey::lookup(start, SEQ_MAX))?;
    while cursor.key().is_some() {
        range.push(cursor.entry());
        cursor.next()?;
    }
    range.into_iter().take(WANTED).for_each(use_entry);
    Ok(())
}

/// Microseconds for a read, from places all over the first half of the table.
fn time_us(table: &MemTable, size: usize, read: Read) -> Result<f64> {
    let mut random = Workload::new(size as u64);
    let (start, mut reads) = (Instant::now(), 0);
    while start.elapsed() < WINDOW {
        read(table, &key(random.below(size / 2)), &mut |entry| drop(black_box(entry)))?;
        reads += 1;
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(reads))
}
