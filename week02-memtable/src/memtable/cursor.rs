//! A cursor over a memtable that is being written.

use std::cmp::Ordering;
use std::ops::Bound;

use bytes::Bytes;
use crossbeam_skiplist::SkipMap;
use crossbeam_skiplist::map;
use wal::Result;

use super::entry::{Entry, Position, Target};
use crate::cursor::Cursor;
use crate::key::InternalKey;

/// A place in a memtable.
///
/// The node it is at cannot go away: nothing is ever removed from a memtable. So the place stays
/// good whatever is written meanwhile, and costs no lock. Memory does not fail, and neither does
/// any of the moves.
pub struct MemCursor<'a> {
    entries: &'a SkipMap<Entry, ()>,
    at: Option<map::Entry<'a, Entry, ()>>,
}

impl<'a> MemCursor<'a> {
    pub(super) fn new(entries: &'a SkipMap<Entry, ()>) -> MemCursor<'a> {
        MemCursor { entries, at: None }
    }

    /// The value that it is at, where it stands; empty at no entry. For whoever copies entries from
    /// here to elsewhere.
    pub fn value(&self) -> &[u8] {
        self.at.as_ref().map_or(&[], |at| at.key().value_bytes())
    }
}

impl Cursor for MemCursor<'_> {
    /// **Day 3**, chapter `week02/day3-cursor.md`.
    fn first(&mut self) -> Result<()> {
        // The list knows both of its ends.
        todo!("day 3: first")
    }

    /// **Day 3**.
    fn last(&mut self) -> Result<()> {
        // As `first`.
        todo!("day 3: last")
    }

    /// **Day 3**.
    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        // A lower bound is the first entry that is not before it.
        todo!("day 3: seek")
    }

    /// **Day 3**.
    fn seek_back(&mut self, target: InternalKey<'_>) -> Result<()> {
        // An upper bound is the last entry that is not behind it.
        todo!("day 3: seek back")
    }

    /// **Day 3**. Where there is no entry to go to, the cursor is at none, not where it was.
    fn next(&mut self) -> Result<()> {
        // `move_next` says whether it moved.
        todo!("day 3: next")
    }

    /// **Day 3**.
    fn prev(&mut self) -> Result<()> {
        // As `next`.
        todo!("day 3: prev")
    }

    fn key(&self) -> Option<InternalKey<'_>> {
        self.at.as_ref().map(|at| at.key().internal_key())
    }

    fn entry(&self) -> (Bytes, Bytes) {
        let at = self.at.as_ref().expect("entry() of a cursor that is at none");
        (at.key().key_bytes(), at.key().value())
    }

    fn is_at(&self, user_key: &[u8]) -> bool {
        self.at.as_ref().is_some_and(|at| at.key().is_of(user_key))
    }

    fn compare(&self, other: &Self) -> Ordering {
        let (left, right) = (self.at.as_ref(), other.at.as_ref());
        left.map(map::Entry::key).cmp(&right.map(map::Entry::key))
    }
}

impl std::fmt::Debug for MemCursor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemCursor").field("at", &self.key()).finish()
    }
}
