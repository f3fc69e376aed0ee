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
    // The file first, then a table that points into it, with its level.
    todo!("lab valuelog: pick")
}
