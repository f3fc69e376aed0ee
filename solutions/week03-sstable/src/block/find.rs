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
        // ANCHOR: day3_find
        // Begin at the restart point before the target, as if an empty key stood in front of it.
        // Besides `common`, keep the size of the user key before: nobody can share more. Where user
        // keys are equal, trailers decide, the larger one first.
        let restart_index = self.restart_before(&target)?;
        let run_end = match restart_index + 1 {
            next if next < self.restart_count => self.restart(next),
            _ => self.entries_end,
        };
        let (mut at, mut common, mut size_before) = (self.restart(restart_index), 0, 0);
        while at < self.entries_end {
            let entry = self.entry_at(at)?;
            if entry.shared > size_before {
                return Err(BadBlock { at, reason: "an entry shares more than there is" });
            }
            if at < run_end && entry.value.end > run_end {
                return Err(BadBlock { at, reason: "an entry reaches across a restart point" });
            }
            size_before = entry.shared + entry.rest.len();
            at = entry.value.end;
            if entry.shared > common {
                continue;
            }
            let rest = &self.bytes[entry.rest];
            let wanted = &target.user_key[entry.shared..];
            let further = shared_prefix(rest, wanted);
            match rest[further..].first().cmp(&wanted[further..].first()) {
                Ordering::Greater => return Ok(None),
                Ordering::Equal if entry.trailer <= target.trailer() => {
                    let kind = if entry.trailer as u8 == 0 { Kind::Delete } else { Kind::Put };
                    return Ok(Some(Found { kind, value: entry.value }));
                }
                Ordering::Less | Ordering::Equal => common = entry.shared + further,
            }
        }
        Ok(None)
        // ANCHOR_END: day3_find
    }
}
