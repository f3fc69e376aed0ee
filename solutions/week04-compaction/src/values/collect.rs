//! Garbage collection where nothing else would be merged.
//!
//! A compaction moves on what it finds in files that are due. But a table that nobody touches keeps
//! its pointers, and with them a file that may be garbage for the most part. So when there is nothing
//! else to do, such a table is merged with itself, in its place.
//!
//! It ends: a table that was written has no pointer into a file that is due, and the file that it was
//! given is live from end to end. With each of these compactions, there are fewer tables that point
//! into files that are due; and to make another file due, entries must be left out, of which there are
//! only so many.

use std::sync::Arc;

use crate::compaction::Compaction;
use crate::levels::LEVEL_COUNT;
use crate::version::{LiveTable, Version};

/// The table to be written anew, if a value file is due: of the file that has most garbage, of equal
/// ones the first, the first table that points into it, the uppermost level's first.
///
/// **Lab valuelog**, chapter `week04/lab-valuelog.md`. `percent` is the option. The table goes to where
/// it is. That is right in level 0, too: what comes of it has no sequence number that it had not.
///
/// # Cost
///
/// A look at all tables, if a file is due.
pub fn pick(version: &Version, percent: u64) -> Option<Compaction> {
    // ANCHOR: valuelog_pick
    // The file first, then a table that points into it, with its level.
    let due = version.values().iter().filter(|live| live.is_due(percent));
    let file = due.rev().max_by_key(|live| live.garbage())?.file.number();
    let points_there = |(_, table): &(usize, &Arc<LiveTable>)| {
        table.values().iter().any(|(other, _)| other.number() == file)
    };
    let at_level = |level| version.level(level).iter().map(move |table| (level, table));
    let (level, table) = (0..LEVEL_COUNT).flat_map(at_level).find(points_there)?;
    Some(Compaction { inputs: vec![(level, Arc::clone(&table.meta))], output_level: level })
    // ANCHOR_END: valuelog_pick
}
