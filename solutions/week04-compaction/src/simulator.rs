//! A store without files, locks and threads: to see what a strategy does, and what it costs.
//!
//! ```text
//!   flush 1 5 9       level 0   1: 1-9 ×3
//!   flush 2 9         level 0   2: 2-9 ×2   1: 1-9 ×3
//!   compact           level 6   3: 1-9 ×4              5 keys were flushed, and 9 written
//! ```
//!
//! A table is a list of keys, and each entry has the same size. Flushes add tables, and steps do what
//! the strategy picks, one after the other: so every run of it is the same, and a million keys take
//! seconds. What is counted is what an engine on a disk would read and write.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use wal::Seq;

use crate::compaction::Compaction;
use crate::edit::Edit;
use crate::levels::{LEVEL_COUNT, Levels, TableMeta};
use crate::options::{LsmOptions, Strategy};
use crate::{leveled, tiered};

/// Levels of tables that are lists of keys.
#[derive(Debug)]
pub struct Simulator {
    options: LsmOptions,
    /// Size of an entry, in bytes.
    entry_size: u64,
    levels: Levels,
    /// The keys of each table, ascending, by its number.
    keys: HashMap<u64, Vec<u32>>,
    next_number: u64,
    next_seq: Seq,
    flushed_entries: u64,
    written_entries: u64,
}

impl Simulator {
    /// A store without tables, whose entries have so many bytes.
    pub fn new(options: LsmOptions, entry_size: u64) -> Simulator {
        Simulator {
            options,
            entry_size,
            levels: Levels::default(),
            keys: HashMap::new(),
            next_number: 1,
            next_seq: 1,
            flushed_entries: 0,
            written_entries: 0,
        }
    }

    /// The tables.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Flushes a memtable with these keys, at least one, in any order.
    pub fn flush(&mut self, keys: impl IntoIterator<Item = u32>) {
        let keys: BTreeSet<u32> = keys.into_iter().collect();
        let seqs = (self.next_seq, self.next_seq + keys.len().max(1) as Seq - 1);
        self.flushed_entries += keys.len() as u64;
        self.next_seq = seqs.1 + 1;
        let table = self.add_table(keys.into_iter().collect(), seqs);
        self.apply(Edit { added: vec![(0, table)], ..Edit::default() }, &"a flush");
    }

    /// Does the next compaction, if one is due, and returns it.
    pub fn step(&mut self) -> Option<Compaction> {
        let compaction = match self.options.strategy {
            Strategy::Leveled => leveled::pick(&self.levels, &self.options),
            Strategy::Tiered => tiered::pick(&self.levels, &self.options),
        }?;
        self.compact(&compaction);
        Some(compaction)
    }

    /// Does compactions until none is due.
    ///
    /// # Panics
    ///
    /// After ten thousand: the strategy goes in circles.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            if self.step().is_none() {
                return;
            }
        }
        panic!("after ten thousand compactions one more is due:\n{self}");
    }

    fn compact(&mut self, compaction: &Compaction) {
        let Compaction { inputs, output_level } = compaction;
        let removed = compaction.removed();
        let tables = || inputs.iter().map(|(_, table)| table);
        let added: Vec<Arc<TableMeta>> = if compaction.is_move() {
            tables().cloned().collect()
        } else {
            let mut merged: Vec<u32> =
                tables().flat_map(|table| &self.keys[&table.number]).copied().collect();
            merged.sort();
            merged.dedup();
            let smallest = tables().map(|table| table.smallest_seq).min().unwrap_or(0);
            let largest = tables().map(|table| table.largest_seq).max().unwrap_or(0);
            // A run of level 0 is one table.
            let count = match output_level {
                0 => merged.len(),
                _ => (self.options.table_size / self.entry_size) as usize,
            };
            let parts = merged.chunks(count.max(1));
            parts.map(|keys| self.add_table(keys.to_vec(), (smallest, largest))).collect()
        };
        let added = added.into_iter().map(|table| (*output_level, table)).collect();
        self.apply(Edit { removed, added, ..Edit::default() }, compaction);
    }

    /// A table with these keys, at least one, which are written.
    fn add_table(&mut self, keys: Vec<u32>, seqs: (Seq, Seq)) -> Arc<TableMeta> {
        let span = keys.first().zip(keys.last()).expect("a table has keys");
        let table = TableMeta {
            number: self.next_number,
            size: keys.len() as u64 * self.entry_size,
            entry_count: keys.len() as u64,
            tombstone_count: 0,
            smallest_seq: seqs.0,
            largest_seq: seqs.1,
            smallest: span.0.to_be_bytes().to_vec(),
            largest: span.1.to_be_bytes().to_vec(),
        };
        self.written_entries += keys.len() as u64;
        self.next_number += 1;
        self.keys.insert(table.number, keys);
        Arc::new(table)
    }

    /// # Panics
    ///
    /// If the edit does not fit: the strategy has picked tables that may not be merged.
    fn apply(&mut self, edit: Edit, what: &dyn fmt::Display) {
        self.levels = self.levels.apply(&edit).unwrap_or_else(|bad| panic!("{what}: then {bad}"));
        for (_, number) in &edit.removed {
            let is_moved = edit.added.iter().any(|(_, table)| table.number == *number);
            if !is_moved {
                self.keys.remove(number);
            }
        }
    }

    /// Size of each level, in bytes.
    pub fn sizes(&self) -> [u64; LEVEL_COUNT] {
        std::array::from_fn(|level| self.levels.size(level))
    }

    /// Bytes written by flushes and compactions for each byte that was flushed.
    pub fn write_amplification(&self) -> f64 {
        self.written_entries as f64 / self.flushed_entries.max(1) as f64
    }

    /// Runs that a lookup may have to ask: tables of level 0, and other levels that have any.
    pub fn read_amplification(&self) -> usize {
        let below = (1..LEVEL_COUNT).filter(|&level| !self.levels.level(level).is_empty());
        self.levels.level(0).len() + below.count()
    }

    /// Bytes on disk for each byte that a store without old versions would have, while nothing is
    /// compacted.
    pub fn space_amplification(&self) -> f64 {
        let alive: BTreeSet<u32> = self.keys.values().flatten().copied().collect();
        let stored: usize = self.keys.values().map(Vec::len).sum();
        stored as f64 / alive.len().max(1) as f64
    }
}

/// A line for each level that has tables, and of each table its number, its first and last key, and
/// how many there are.
impl fmt::Display for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for level in (0..LEVEL_COUNT).filter(|&level| !self.levels.level(level).is_empty()) {
            write!(f, "level {level}")?;
            for table in self.levels.level(level) {
                let keys = &self.keys[&table.number];
                let (first, last) = (keys[0], keys[keys.len() - 1]);
                write!(f, "   {}: {first}-{last} ×{}", table.number, keys.len())?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
