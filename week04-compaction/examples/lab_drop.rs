//! Day 3's experiment: what a compaction writes of what it reads, over the part of the keys that were
//! overwritten or deleted since the last one.
//!
//! A level of old versions, and a flush that has something new to say of some of its keys. Both are
//! merged: once in the last level; once while somebody has a snapshot from before the flush; and once
//! above a level that has still older versions of all keys.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use lsm::compaction::Compaction;
use lsm::{LsmOptions, Tree};
use memtable::{Flush, Frozen, LogMark, StoreTable};
use sstable::TableOptions;
use wal::fs::{Fs, SimFs};
use wal::{Operation, Result};

/// Keys in a level.
const KEYS: u64 = 20_000;
/// Bytes of a value.
const VALUE_SIZE: usize = 100;
/// How many of a hundred keys are written again.
const PARTS: [u64; 11] = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100];
/// Where the old versions are, with older ones below or not.
const ABOVE: usize = 5;
const LAST: usize = 6;

/// What is done with some keys.
#[derive(Clone, Copy)]
enum Change {
    Overwrite,
    Delete,
}

/// Who is there when it is compacted.
#[derive(Clone, Copy, PartialEq)]
enum Beside {
    Nobody,
    Snapshot,
    OlderVersions,
}

fn main() -> Result<()> {
    let series = [
        ("overwritten", Change::Overwrite, Beside::Nobody),
        ("deleted", Change::Delete, Beside::Nobody),
        ("deleted, with older versions below", Change::Delete, Beside::OlderVersions),
        ("overwritten, with a snapshot from before", Change::Overwrite, Beside::Snapshot),
    ];
    println!("# title: What a compaction writes, of a hundred bytes that it reads");
    println!("# x: keys that were overwritten or deleted, of a hundred");
    println!("# y: bytes written, of a hundred read");
    println!("series,x,y");
    let mut at_half = Vec::new();
    for (name, change, beside) in series {
        for part in PARTS {
            let (read, written) = compact(change, beside, part)?;
            let percent = 100.0 * written as f64 / read as f64;
            println!("{name},{part},{percent:.1}");
            if part == 50 {
                at_half.push(percent);
            }
        }
    }
    println!(
        "# says: With half of the keys overwritten, a compaction writes {:.0} of a hundred bytes that \
         it reads; with half of them deleted {:.0}, or {:.0} if their tombstones have to stay. While \
         somebody has a snapshot from before, it writes {:.0}.",
        at_half[0], at_half[1], at_half[2], at_half[3],
    );
    Ok(())
}

/// Bytes that the compaction reads and writes.
fn compact(change: Change, beside: Beside, part: u64) -> Result<(u64, u64)> {
    let fs: Arc<dyn Fs> = Arc::new(SimFs::new(0));
    fs.create_dir(Path::new("/db"))?;
    let options =
        LsmOptions { table: TableOptions::plain(), table_size: 256 << 10, ..LsmOptions::default() };
    let tree = Tree::open(fs, Path::new("/db"), options)?;
    let level = if beside == Beside::OlderVersions { ABOVE } else { LAST };
    if beside == Beside::OlderVersions {
        flush(&tree, Change::Overwrite, 100)?;
        tree.compact(&all_of(&tree, &[0], LAST))?;
    }
    flush(&tree, Change::Overwrite, 100)?;
    tree.compact(&all_of(&tree, &[0], level))?;
    if beside == Beside::Snapshot {
        tree.snapshots().add(|| Ok(tree.flushed().seq))?;
    }
    flush(&tree, change, part)?;
    let bytes = || {
        let counters = tree.counters();
        let bytes = [&counters.compaction_read, &counters.compaction_written];
        bytes.map(|counter| counter.load(Ordering::Relaxed))
    };
    let before = bytes();
    tree.compact(&all_of(&tree, &[0, level], level))?;
    let after = bytes();
    Ok((after[0] - before[0], after[1] - before[1]))
}

/// Flushes a memtable that has something to say of `part` of a hundred keys, all over.
fn flush(tree: &Tree, change: Change, part: u64) -> Result<()> {
    let table = StoreTable::new();
    let mut mark = tree.flushed();
    for number in (0..KEYS).filter(|number| number % 100 < part) {
        mark.seq += 1;
        let key = format!("stone/{number:012}");
        let value = [mark.seq as u8; VALUE_SIZE];
        let operation = match change {
            Change::Overwrite => Operation::Put { key: key.as_bytes(), value: &value },
            Change::Delete => Operation::Delete { key: key.as_bytes() },
        };
        table.insert(mark.seq, operation);
    }
    let end = LogMark { lsn: mark.lsn + 1, seq: mark.seq };
    tree.flush(&Frozen { table: Arc::new(table), end })
}

/// All tables of these levels, to be made into a run for `output_level`.
fn all_of(tree: &Tree, levels: &[usize], output_level: usize) -> Compaction {
    let version = tree.version();
    let tables = levels.iter().flat_map(|&level| {
        version.level(level).iter().map(move |table| (level, Arc::clone(&table.meta)))
    });
    Compaction { inputs: tables.collect(), output_level }
}
