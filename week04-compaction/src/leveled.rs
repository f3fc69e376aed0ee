//! Leveled compaction: each level holds ten times what the one above holds.
//!
//! ```text
//!             size    target                  score
//!   level 0   4 tables                        4 / 4     = 1.0
//!   level 4   31 MiB  2 600 MiB / 10² = 26    31 / 26   = 1.2   ◄── pick one table of this one
//!   level 5   190     2 600 MiB / 10  = 260   190 / 260 = 0.7
//!   level 6   2 600   what there is           never
//! ```
//!
//! Targets are counted from the last level upward: it is as large as it is, and each above a tenth.
//! So nine of ten bytes are in the last level, whatever its size, and at most one in nine is there
//! twice. Level 0 goes to the *base*, the uppermost level that has a target; those between are
//! empty. (Dong et al., "Optimizing Space Amplification in RocksDB", CIDR 2017.)

use std::cmp::Ordering;
use std::sync::Arc;

use crate::compaction::Compaction;
use crate::levels::{LEVEL_COUNT, Levels, TableMeta, span};
use crate::options::LsmOptions;

/// The last level.
const LAST: usize = LEVEL_COUNT - 1;

/// How large each level should be, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Targets {
    /// The level that tables of level 0 go to.
    pub base: usize,
    /// Largest size of each level from the base on; 0 above, where nothing should be.
    pub sizes: [u64; LEVEL_COUNT],
}

impl Targets {
    /// Those of `levels`.
    ///
    /// **Day 4**, chapter `week04/day4-leveled.md`. The last level's target is its size, and at least
    /// `base_level_size`. As long as a target is more than `base_level_size`, the level above has
    /// one, too, `level_ratio` times smaller, rounded down; level 1 is the uppermost. The base is the
    /// uppermost level with a target: in a small store, the last one.
    pub fn of(levels: &Levels, options: &LsmOptions) -> Targets {
        // From the bottom up, as long as the level below is too large to be the base.
        todo!("day 4: targets")
    }

    /// How many bytes are written for each that is flushed, if keys come in any order, in tables of
    /// `flushed_size` bytes, and levels are as large as they should be.
    ///
    /// One byte by the flush. Then one to the base, and with it a part of what the base has:
    /// `level0_tables` tables share the cost of writing all of it. Then one to each level below, and
    /// with it half of `level_ratio`.
    pub fn write_amplification(&self, flushed_size: u64, options: &LsmOptions) -> f64 {
        let share =
            self.sizes[self.base] as f64 / (options.level0_tables as u64 * flushed_size) as f64;
        let to_base = 1.0 + share;
        let below = (LAST - self.base) as f64 * (1.0 + options.level_ratio as f64 / 2.0);
        1.0 + to_base + below
    }
}

/// How urgent it is to compact `level`: from 1.0 on it is. The larger, the more.
///
/// **Day 4**. Level 0's is its number of tables, divided by `level0_tables`. Of levels 1 to 5, an
/// empty one has 0; one above the base, if it is not empty, has one that is larger than any number,
/// as it stands in the way of what level 0 has; any other its size, divided by its target. The last
/// level's is 0.
pub fn score(levels: &Levels, targets: &Targets, level: usize, options: &LsmOptions) -> f64 {
    // A target of 0 makes infinity, and of nothing it makes no number.
    todo!("day 4: score")
}

/// The next compaction of `levels`, if one is due.
///
/// **Day 4**. That of the level with the largest score, if that is 1.0 or more; of equal ones, the
/// upper level's. From level 0 goes the oldest table with all that overlap it, directly or through
/// others, to the base. From another level goes one table to the level below: the one that has least
/// to be merged with there, for each of its own bytes. Of the output's level, all that overlaps what
/// comes goes along.
///
/// The answer depends on `levels` and `options`, and on nothing else.
///
/// # Cost
///
/// For each table of the level that is due, two binary searches in the next. Of level 0, which has
/// few tables, each may be looked at as often as there are tables.
pub fn pick(levels: &Levels, options: &LsmOptions) -> Option<Compaction> {
    // Scores first. Then the tables, and what they overlap in the level that they go to.
    todo!("day 4: pick")
}

/// The oldest of these tables of level 0, at least one, and all that overlap it, directly or through
/// others, in any order.
///
/// **Day 4**. The oldest is the last one, whatever its number. Each that goes down must take along what is older and overlaps it: in level 0 that
/// would be found first. Newer ones that overlap could stay, but would soon be merged with the same
/// tables of the base once more.
fn oldest_overlapping(level0: &[Arc<TableMeta>]) -> Vec<Arc<TableMeta>> {
    // With each table that joins, the span may grow, and so may what overlaps it. Look again until
    // nothing joins.
    todo!("day 4: oldest overlapping")
}

/// The table of `level`, one of 1 to 5, that has least to be merged with in the level below, for each
/// of its own bytes; of equal ones, the first.
///
/// **Day 4**. `None` if the level is empty.
fn cheapest(levels: &Levels, level: usize) -> Option<Arc<TableMeta>> {
    // Two fractions are compared without dividing: a/b < c/d where a·d < c·b. In 128 bits nothing
    // overflows.
    todo!("day 4: cheapest")
}
