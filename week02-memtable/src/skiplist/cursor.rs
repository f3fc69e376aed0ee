//! A cursor over our own skip list: the number of an entry.

use std::cmp::Ordering;

use bytes::Bytes;
use wal::Result;

use super::list::{HEAD, List};
use crate::cursor::Cursor;
use crate::key::InternalKey;
use crate::memtable::entry::{Entry, Target, compare};

/// A place in a table.
///
/// No node is ever removed, so the place stays good whatever is written meanwhile, and costs no
/// lock. Memory does not fail, and neither does any of the moves.
pub struct SkipCursor<'a> {
    list: &'a List,
    /// The entry's number; [`HEAD`] at no entry.
    at: u32,
}

impl<'a> SkipCursor<'a> {
    pub(super) fn new(list: &'a List) -> SkipCursor<'a> {
        SkipCursor { list, at: HEAD }
    }

    /// The value that it is at, where it stands; empty at no entry. For whoever copies entries from
    /// here to elsewhere.
    pub fn value(&self) -> &[u8] {
        self.list.entry(self.at).map_or(&[], Entry::value_bytes)
    }
}

impl Cursor for SkipCursor<'_> {
    /// **Lab skiplist**, chapter `week02/lab-skiplist.md`.
    fn first(&mut self) -> Result<()> {
        // What the head is linked to on the lowest level.
        todo!("lab skiplist: first")
    }

    /// **Lab skiplist**.
    fn last(&mut self) -> Result<()> {
        // The list finds it.
        todo!("lab skiplist: last")
    }

    /// **Lab skiplist**.
    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.at = self.list.place(&Target::new(target)).next.node();
        Ok(())
    }

    /// **Lab skiplist**.
    fn seek_back(&mut self, target: InternalKey<'_>) -> Result<()> {
        // What stands before the place, unless the target itself stands right behind it.
        todo!("lab skiplist: seek back")
    }

    /// **Lab skiplist**. Where there is no entry to go to, the cursor is at none, not where it was.
    fn next(&mut self) -> Result<()> {
        // At no entry it does nothing, and the head is no entry.
        todo!("lab skiplist: next")
    }

    /// **Lab skiplist**.
    ///
    /// # Cost
    ///
    /// A search: links lead forward only.
    fn prev(&mut self) -> Result<()> {
        // The place of the entry that it is at has a node before it.
        todo!("lab skiplist: prev")
    }

    fn key(&self) -> Option<InternalKey<'_>> {
        self.list.entry(self.at).map(Entry::internal_key)
    }

    fn entry(&self) -> (Bytes, Bytes) {
        let entry = self.list.entry(self.at).expect("entry() of a cursor that is at none");
        (entry.key_bytes(), entry.value())
    }

    fn is_at(&self, user_key: &[u8]) -> bool {
        self.list.entry(self.at).is_some_and(|entry| entry.is_of(user_key))
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.list.entry(self.at).cmp(&other.list.entry(other.at))
    }
}

impl std::fmt::Debug for SkipCursor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SkipCursor").field("at", &self.key()).finish()
    }
}
