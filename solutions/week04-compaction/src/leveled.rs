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
        // ANCHOR: day4_targets
        // From the bottom up, as long as the level below is too large to be the base.
        let mut sizes = [0; LEVEL_COUNT];
        let mut base = LAST;
        sizes[LAST] = levels.size(LAST).max(options.base_level_size);
        while base > 1 && sizes[base] > options.base_level_size {
            base -= 1;
            sizes[base] = sizes[base + 1] / options.level_ratio;
        }
        Targets { base, sizes }
        // ANCHOR_END: day4_targets
    }

    /// How many bytes are written for each that is flushed, if keys come in any order, in tables of
    /// `flushed_size` bytes, and levels are as large as they should be.
    ///
    /// One byte by the flush. Then one to the base, and with it a part of what the base has:
    /// `level0_tables` tables share the cost of writing all of it. Then one to each level below, and
    /// with it half of `level_ratio`.
    pub fn write_amplification(&self, flushed_size: u64, options: &LsmOptions) -> f64 {
        // ANCHOR: listing_write_amplification
        let share =
            self.sizes[self.base] as f64 / (options.level0_tables as u64 * flushed_size) as f64;
        let to_base = 1.0 + share;
        let below = (LAST - self.base) as f64 * (1.0 + options.level_ratio as f64 / 2.0);
        1.0 + to_base + below
        // ANCHOR_END: listing_write_amplification
    }
}

/// How urgent it is to compact `level`: from 1.0 on it is. The larger, the more.
///
/// **Day 4**. Level 0's is its number of tables, divided by `level0_tables`. Of levels 1 to 5, an
/// empty one has 0; one above the base, if it is not empty, has one that is larger than any number,
/// as it stands in the way of what level 0 has; any other its size, divided by its target. The last
/// level's is 0.
pub fn score(levels: &Levels, targets: &Targets, level: usize, options: &LsmOptions) -> f64 {
    // ANCHOR: day4_score
    // A target of 0 makes infinity, and of nothing it makes no number.
    match level {
        0 => levels.level(0).len() as f64 / options.level0_tables as f64,
        LAST => 0.0,
        _ if levels.level(level).is_empty() => 0.0,
        _ => levels.size(level) as f64 / targets.sizes[level] as f64,
    }
    // ANCHOR_END: day4_score
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
    // ANCHOR: day4_pick
    // Scores first. Then the tables, and what they overlap in the level that they go to.
    let targets = Targets::of(levels, options);
    let scored = (0..LEVEL_COUNT).map(|level| (level, score(levels, &targets, level, options)));
    let (level, score) = scored.rev().max_by(|left, right| left.1.total_cmp(&right.1))?;
    if score < 1.0 {
        return None;
    }
    let (tables, output_level) = match level {
        0 => (oldest_overlapping(levels.level(0)), targets.base),
        _ => (vec![cheapest(levels, level)?], level + 1),
    };
    let (smallest, largest) = span(&tables).into_inner();
    let beside = levels.overlapping(output_level, smallest, largest);
    let inputs = tables.iter().map(|table| (level, Arc::clone(table)));
    let inputs = inputs.chain(beside.iter().map(|table| (output_level, Arc::clone(table))));
    Some(Compaction { inputs: inputs.collect(), output_level })
    // ANCHOR_END: day4_pick
}

/// The oldest of these tables of level 0, at least one, and all that overlap it, directly or through
/// others, in any order.
///
/// **Day 4**. The oldest is the last one, whatever its number. Each that goes down must take along what is older and overlaps it: in level 0 that
/// would be found first. Newer ones that overlap could stay, but would soon be merged with the same
/// tables of the base once more.
fn oldest_overlapping(level0: &[Arc<TableMeta>]) -> Vec<Arc<TableMeta>> {
    // ANCHOR: day4_oldest_overlapping
    // With each table that joins, the span may grow, and so may what overlaps it. Look again until
    // nothing joins.
    let mut chosen: Vec<Arc<TableMeta>> = level0.last().cloned().into_iter().collect();
    loop {
        let (smallest, largest) = span(&chosen).into_inner();
        let joined = level0.iter().filter(|table| table.overlaps(smallest, largest));
        let joined: Vec<_> = joined.cloned().collect();
        if joined.len() == chosen.len() {
            return joined;
        }
        chosen = joined;
    }
    // ANCHOR_END: day4_oldest_overlapping
}

/// The table of `level`, one of 1 to 5, that has least to be merged with in the level below, for each
/// of its own bytes; of equal ones, the first.
///
/// **Day 4**. `None` if the level is empty.
fn cheapest(levels: &Levels, level: usize) -> Option<Arc<TableMeta>> {
    // ANCHOR: day4_cheapest
    // Two fractions are compared without dividing: a/b < c/d where a·d < c·b. In 128 bits nothing
    // overflows.
    let cost = |table: &TableMeta| {
        let beside = levels.overlapping(level + 1, &table.smallest, &table.largest);
        beside.iter().map(|table| u128::from(table.size)).sum::<u128>()
    };
    let compare = |left: &(u128, &Arc<TableMeta>), right: &(u128, &Arc<TableMeta>)| -> Ordering {
        (left.0 * u128::from(right.1.size)).cmp(&(right.0 * u128::from(left.1.size)))
    };
    let tables = levels.level(level).iter().map(|table| (cost(table), table));
    tables.min_by(compare).map(|(_, table)| Arc::clone(table))
    // ANCHOR_END: day4_cheapest
}
