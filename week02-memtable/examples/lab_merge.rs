//! Day 4's experiment: a full scan over the number of sources, with your heap and without one.
//!
//! The same entries are spread over 1 to 64 memtables. They are scanned through your `Visible`,
//! once over your `Merge`, and once over the simplest merge there is, which looks at the key of
//! every source at each step.

use std::time::Instant;

use bytes::Bytes;
use memtable::{Cursor, InternalKey, MemTable, Merge, SEQ_MAX, Visible};
use wal::{Direction, KeyRange, Operation, Result};

/// Sources that share the entries.
const SOURCES: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
/// Few enough for the processor's cache: it is the merge that we want to see, not the memory.
const ENTRIES: u64 = 10_000;
const VALUE: [u8; 20] = [0x5a; 20];
/// Of so many runs the best counts: the others were disturbed.
const RUNS: usize = 100;

fn main() -> Result<()> {
    let mut best = [[f64::INFINITY; SOURCES.len()]; 2];
    for (n, count) in SOURCES.into_iter().enumerate() {
        let tables = tables(count);
        for _ in 0..RUNS {
            let sources = || tables.iter().map(MemTable::cursor).collect();
            best[0][n] = best[0][n].min(scan(Merge::new(sources()))?);
            best[1][n] = best[1][n].min(scan(EverySource { sources: sources(), at: None })?);
        }
    }
    let [heap, every] = best;

    println!("# title: A scan of {ENTRIES} entries in memtables");
    println!("# x: sources");
    println!("# y: nanoseconds per entry");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    for (series, times) in [("your merge", heap), ("every source looked at", every)] {
        for (count, time) in SOURCES.iter().zip(times) {
            println!("{series},{count},{time:.0}");
        }
    }
    let last = SOURCES.len() - 1;
    println!(
        "# says: Over one source your merge takes {:.0} ns an entry, over {} it takes {:.0}. \
         Without a heap it is {:.0} and {:.0}: with {} sources, {:.1} times as long.",
        heap[0],
        SOURCES[last],
        heap[last],
        every[0],
        every[last],
        SOURCES[last],
        every[last] / heap[last],
    );
    Ok(())
}

/// All entries, each in one of `count` tables, as if by a throw of dice.
fn tables(count: usize) -> Vec<MemTable> {
    let tables: Vec<MemTable> = (0..count).map(|_| MemTable::new()).collect();
    for seq in 1..=ENTRIES {
        // A number that looks random and comes once: the multiplier is odd.
        let random = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let key = random.to_be_bytes();
        let table = &tables[(random >> 8) as usize % count];
        table.insert(seq, Operation::Put { key: &key, value: &VALUE });
    }
    tables
}

/// Nanoseconds per entry.
fn scan(cursor: impl Cursor) -> Result<f64> {
    let start = Instant::now();
    let scan = Visible::new(cursor, KeyRange::all(), Direction::Forward, SEQ_MAX);
    let mut seen = 0;
    for entry in scan {
        entry?;
        seen += 1;
    }
    assert_eq!(seen, ENTRIES, "a scan must see every entry once");
    Ok(start.elapsed().as_nanos() as f64 / ENTRIES as f64)
}

/// A merge without a heap. It goes forward only.
struct EverySource<C> {
    sources: Vec<C>,
    /// The source with the smallest key.
    at: Option<usize>,
}

impl<C: Cursor> EverySource<C> {
    fn find_smallest(&mut self) {
        let keys = self.sources.iter().enumerate();
        let keys = keys.filter_map(|(index, source)| Some((source.key()?, index)));
        self.at = keys.min().map(|(_, index)| index);
    }
}

impl<C: Cursor> Cursor for EverySource<C> {
    fn first(&mut self) -> Result<()> {
        self.sources.iter_mut().try_for_each(C::first)?;
        self.find_smallest();
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        if let Some(at) = self.at {
            self.sources[at].next()?;
            self.find_smallest();
        }
        Ok(())
    }

    fn key(&self) -> Option<InternalKey<'_>> {
        self.at.and_then(|at| self.sources[at].key())
    }

    fn entry(&self) -> (Bytes, Bytes) {
        self.sources[self.at.expect("entry() of a merge that is at none")].entry()
    }

    fn last(&mut self) -> Result<()> {
        unreachable!("the experiment scans forward")
    }

    fn seek(&mut self, _: InternalKey<'_>) -> Result<()> {
        unreachable!("the experiment scans everything")
    }

    fn seek_back(&mut self, _: InternalKey<'_>) -> Result<()> {
        unreachable!("the experiment scans forward")
    }

    fn prev(&mut self) -> Result<()> {
        unreachable!("the experiment scans forward")
    }
}
