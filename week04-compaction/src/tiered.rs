//! Tiered compaction: runs of like size are merged, and nothing else is.
//!
//! ```text
//!   newest   1   1   1   1          four runs of like size: merge them
//!                  4          4     one of 4 now, beside the other of 4
//!   oldest               16                       when there are four of these, merge them
//! ```
//!
//! A byte is written once for each size that its run grows through, so log₄ n times where leveled
//! compaction writes it ten times a level. The price is that a lookup has more runs to ask, and that
//! old versions stay longer: when all is merged into one, both copies are on disk at once.
//!
//! A run is a table of level 0, or all of a level below. Newest first they stand as levels do, and a
//! run that is made takes the place of its inputs, so reads know nothing of all this. (RocksDB calls
//! it universal compaction; Lakshman and Malik, "Cassandra", 2010, size-tiered.)

use std::sync::Arc;

use crate::compaction::Compaction;
use crate::levels::{LEVEL_COUNT, Levels, TableMeta};
use crate::options::LsmOptions;

/// A sorted run: where it is, and its tables.
#[derive(Debug, Clone)]
struct Run<'a> {
    level: usize,
    tables: &'a [Arc<TableMeta>],
}

impl Run<'_> {
    fn size(&self) -> u64 {
        self.tables.iter().map(|table| table.size).sum()
    }
}

/// The runs of `levels`, the newest first.
fn runs(levels: &Levels) -> Vec<Run<'_>> {
    let newest = levels.level(0).chunks(1).map(|tables| Run { level: 0, tables });
    let below = (1..LEVEL_COUNT).map(|level| Run { level, tables: levels.level(level) });
    newest.chain(below.filter(|run| !run.tables.is_empty())).collect()
}

/// The next compaction of `levels`, if one is due.
///
/// **Day 5**, chapter `week04/day5-tiered.md`. None with fewer than `level0_tables` runs. Else:
///
/// 1. if all runs but the oldest are together more than `space_max` percent of the oldest, all of
///    them;
/// 2. else the newest run with those behind it, as long as the next is not larger than all before it
///    together, if that makes two or more;
/// 3. else so many of the newest that fewer than `level0_tables` are left.
pub fn pick(levels: &Levels, options: &LsmOptions) -> Option<Compaction> {
    // How many of the newest? Then they are merged to where `output_level`, given, says.
    todo!("day 5: pick")
}

/// How many of the newest runs are alike: as long as the next is not larger than all before it
/// together.
///
/// **Day 5**.
fn alike(sizes: &[u64]) -> usize {
    // The first is alike by itself.
    todo!("day 5: alike")
}

/// Where a run goes that is made of the newest `count`: into the last level if they are all;
/// directly above the next older run, if there is a level; else it stays in level 0.
fn output_level(runs: &[Run<'_>], count: usize) -> usize {
    match runs.get(count) {
        None => LEVEL_COUNT - 1,
        Some(older) => older.level.saturating_sub(1),
    }
}
