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
//! Targets are counted from the bottom: the last level is as large as it is, and each above a tenth.
//! So nine of ten bytes are in the last level, whatever its size, and at most one in ten is there
//! twice. Level 0 goes to the *base*, the first level whose target is worth a level; those between
//! are empty. (Dong et al., "Optimizing Space Amplification in RocksDB", CIDR 2017.)

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
    /// `base_level_size`. The target of a level above is `level_ratio` times smaller than that of the
    /// one below. The base is the first level, from the top, whose level below has a target of more
    /// than `base_level_size`: with a small store, the last one.
    pub fn of(levels: &Levels, options: &LsmOptions) -> Targets {
        // From the bottom up, as long as the level below is too large to be the base.
        todo!("day 4: targets")
    }
}

/// How urgent it is to compact `level`: from 1.0 on it is. The larger, the more.
///
/// **Day 4**. Of level 0, its number of tables by `level0_tables`; of another, its size by its
/// target. The last level never is. A level above the base is, at once, if anything is in it.
pub fn score(levels: &Levels, targets: &Targets, level: usize, options: &LsmOptions) -> f64 {
    // A target of 0 makes infinity, and of nothing it makes no number.
    todo!("day 4: score")
}

/// The next compaction of `levels`, if one is due.
///
/// **Day 4**. That of the level with the largest score, of equal ones the upper level's. From level
/// 0 goes the oldest table with all that overlap it, directly or through others, to the base. From
/// another level goes one table to the level below: the one that has least to be merged with there,
/// by its own size. What overlaps in the output's level goes along.
pub fn pick(levels: &Levels, options: &LsmOptions) -> Option<Compaction> {
    // Scores first. Then the tables, and what they overlap in the level that they go to.
    todo!("day 4: pick")
}

/// The oldest of these tables of level 0, and all that overlap it, directly or through others; the
/// newest first.
///
/// **Day 4**. A newer table that does not overlap may stay. One that does may not: its entries would
/// be below older ones.
fn oldest_overlapping(level0: &[Arc<TableMeta>]) -> Vec<Arc<TableMeta>> {
    // With each table that joins, the span may grow, and so may what overlaps it. Look again until
    // nothing joins.
    todo!("day 4: oldest overlapping")
}

/// The table of `level` that has least to be merged with in the level below, by its own size; of
/// equal ones, the first.
///
/// **Day 4**.
fn cheapest(levels: &Levels, level: usize) -> Option<Arc<TableMeta>> {
    // Two fractions are compared without dividing: a/b < c/d where a·d < c·b. In 128 bits nothing
    // overflows.
    todo!("day 4: cheapest")
}
