//! Tiered compaction: runs of like size are merged, and nothing else is.
//!
//! ```text
//!   newest    1   1   1   1     a tier of four: one run now, four times as large,
//!            4   4   4          in the next tier, and with it that has four:
//!   oldest   40                 one run of 16
//! ```
//!
//! A byte is written once for each tier that it goes through, so log₄ n times, where leveled
//! compaction writes it several times a level. The price: a lookup has more runs to ask, and old
//! versions stay longer. When they take too much room everything is merged into one, and then both
//! copies are on disk at once.
//!
//! A run is a table of level 0, or all of a level below. Newest first they stand as levels do, and a
//! run that is made takes the place of its inputs, so reads know nothing of all this. (RocksDB calls
//! it universal compaction; Lakshman and Malik, "Cassandra", 2010, size-tiered.)

use std::ops::Range;
use std::sync::Arc;

use crate::compaction::Compaction;
use crate::control::Pressure;
use crate::levels::{LEVEL_COUNT, Levels, TableMeta};
use crate::options::LsmOptions;

/// A sorted run: where it is, and its tables.
#[derive(Debug, Clone)]
struct Run<'a> {
    level: usize,
    tables: &'a [Arc<TableMeta>],
}

impl Run<'_> {
    /// In bytes. In 128 bits there is room for sums and percentages of all that a disk holds.
    fn size(&self) -> u128 {
        self.tables.iter().map(|table| u128::from(table.size)).sum()
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
/// **Day 5**, chapter `week04/day5-tiered.md`. None with fewer than enough runs: `level0_tables`, and
/// at least two. Else:
///
/// 1. if all runs but the oldest are together more than `space_max_percent` of the oldest, all of
///    them;
/// 2. else the newest tier that has enough runs;
/// 3. else, if level 0 has two tables or more and makes writes wait, slowed or stopped, all of it.
///
/// Inputs are all tables of these runs, each with its level.
pub fn pick(levels: &Levels, options: &LsmOptions) -> Option<Compaction> {
    // Which runs? Then they are merged to where `output_level`, given, says.
    todo!("day 5: pick")
}

/// The tiers of runs of these sizes, the newest first, as ranges of their places: a tier is runs side
/// by side, none of them more than twice as large as its newest.
///
/// **Day 5**.
fn tiers(sizes: &[u128]) -> Vec<Range<usize>> {
    // The first run that is too large for a tier is the newest of the next.
    todo!("day 5: tiers")
}

/// Where a run goes that is made of the runs in front of `end`: directly above the next older one, if
/// there is a level, else it stays in level 0; without an older one, into the last level.
fn output_level(runs: &[Run<'_>], end: usize) -> usize {
    match runs.get(end) {
        None => LEVEL_COUNT - 1,
        Some(older) => older.level.saturating_sub(1),
    }
}
