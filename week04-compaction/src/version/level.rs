//! A cursor over a level below 0: table after table, as if they were one.
//!
//! ```text
//!   level 1     ├─ a … c ─┤├─ d … k ─┤├─ m … z ─┤
//!                               ▲
//!   table 1                     └─ d@7  e@3  k@9
//! ```
//!
//! As a table's cursor is a block's number and a place in that block, this is a table's number and a
//! place in that table. It holds one block of one table, whichever way it walks.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use memtable::{Cursor, InternalKey};
use sstable::TableCursor;
use wal::Result;

use super::LiveTable;

/// A place in a level whose tables are in the order of their keys.
///
/// An error of a table comes out as it is; the cursor is then at no entry, and another seek may go
/// elsewhere.
pub struct LevelCursor<'a> {
    tables: &'a [Arc<LiveTable>],
    /// Which table `within` is in.
    index: usize,
    /// The place in that table, or none in it; `None` in no table, whatever `index` says.
    within: Option<TableCursor<'a>>,
}

impl<'a> LevelCursor<'a> {
    /// A cursor over `tables`, which are in the order of their keys and have none in common; at no
    /// entry.
    pub fn new(tables: &'a [Arc<LiveTable>]) -> LevelCursor<'a> {
        LevelCursor { tables, index: 0, within: None }
    }

    /// Goes to table `index`, and in it where `place` says; to no entry if there is no such table.
    ///
    /// **Day 1**, chapter `week04/day1-version.md`. A cursor that is in that table already stays in
    /// it, with the block that it has.
    ///
    /// # Errors
    ///
    /// Those of the move; the cursor is then at no entry.
    ///
    /// # Cost
    ///
    /// That of the move. For a table that it was not in, a cursor is made, which needs memory.
    fn go(
        &mut self,
        index: usize,
        place: impl FnOnce(&mut TableCursor<'a>) -> Result<()>,
    ) -> Result<()> {
        // The old table's cursor goes when it is left: with it goes its block.
        todo!("day 1: go")
    }

    /// Whether it is at an entry.
    fn is_at_entry(&self) -> bool {
        self.key().is_some()
    }
}

impl Cursor for LevelCursor<'_> {
    /// **Day 1**.
    fn first(&mut self) -> Result<()> {
        // No table has no entry.
        todo!("day 1: first")
    }

    /// **Day 1**.
    fn last(&mut self) -> Result<()> {
        // There may be no table.
        todo!("day 1: last")
    }

    /// **Day 1**. All entries of the tables before are before the target.
    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        // The first table that does not end before the target's user key. All of its entries may be
        // before the target even so, if that is a version of its largest key.
        todo!("day 1: seek")
    }

    /// **Day 1**. All entries of the tables behind are behind the target.
    fn seek_back(&mut self, target: InternalKey<'_>) -> Result<()> {
        // The last table that does not begin behind the target's user key; if all of its entries are
        // behind the target, the last of the table before.
        todo!("day 1: seek back")
    }

    /// **Day 1**.
    fn next(&mut self) -> Result<()> {
        // A step in the table; from its last entry, to the first of the next table.
        todo!("day 1: next")
    }

    /// **Day 1**.
    fn prev(&mut self) -> Result<()> {
        // As `next`, the other way.
        todo!("day 1: prev")
    }

    fn key(&self) -> Option<InternalKey<'_>> {
        self.within.as_ref()?.key()
    }

    fn entry(&self) -> (Bytes, Bytes) {
        self.within.as_ref().expect("entry() of a cursor that is at none").entry()
    }

    fn is_at(&self, user_key: &[u8]) -> bool {
        self.within.as_ref().is_some_and(|within| within.is_at(user_key))
    }
}

impl LevelCursor<'_> {
    /// The value that it is at, where it stands in the block; empty at no entry.
    pub fn value(&self) -> &[u8] {
        self.within.as_ref().map_or(&[], TableCursor::value)
    }
}

impl fmt::Debug for LevelCursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LevelCursor").field("at", &self.key()).finish()
    }
}
