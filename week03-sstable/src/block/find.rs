//! Finding one key in a block without putting any key together.

use std::cmp::Ordering;
use std::ops::Range;

use memtable::{InternalKey, Kind};

use super::{BadBlock, Block};
use crate::block::builder::shared_prefix;

/// A version of the key that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What the operation did.
    pub kind: Kind,
    /// Where the value is, in bytes from the block's first.
    pub value: Range<usize>,
}

impl Block {
    /// The first entry at or behind `target`, if it is a version of the same user key.
    ///
    /// **Day 3**, chapter `week03/day3-reader.md`. No key on the way is put together. All that is
    /// kept of the entry before, whose key is smaller than the target, is how many first bytes it
    /// has in common with it, `common`:
    ///
    /// ```text
    ///   target    s t o v e        common = 3: "sto"
    ///   before    s t o n e
    ///   next      shared > 3    it has the same "n" there: still smaller, and `common` stays
    ///             shared ≤ 3    its rest and the target's decide, from byte `shared` on
    /// ```
    ///
    /// The walk is over one run, and ends at the restart point behind it: that one is not before
    /// the target. Any bytes may stand in the block, and none may make it panic.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] at an entry on the way that is none, shares more than the user key before it
    /// has, or reaches across the restart point.
    ///
    /// # Cost
    ///
    /// A binary search among restart points and a walk of at most an interval, in place: no copy,
    /// no allocation.
    pub fn find(&self, target: InternalKey<'_>) -> Result<Option<Found>, BadBlock> {
        // Begin at the restart point before the target, as if an empty key stood in front of it.
        // Besides `common`, keep the size of the user key before: nobody can share more. Where user
        // keys are equal, trailers decide, the larger one first.
        todo!("day 3: find")
    }
}
