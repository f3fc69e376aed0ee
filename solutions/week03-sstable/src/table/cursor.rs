//! A cursor over a table: a place among its blocks, and a place in one of them.
//!
//! ```text
//!   index      │ block 0 │ block 1 │ block 2 │ block 3 │
//!                             ▲
//!   block 1                   └─ a@7  a@3  b@5  c@9
//!                                          ▲
//! ```
//!
//! It holds one data block at most, whichever way it walks.

use std::fmt;

use bytes::Bytes;
use memtable::{Cursor, InternalKey};
use wal::Result;

use super::Table;
use super::partitions::PartitionCursor;
use crate::block::{BadBlock, BlockCursor};

/// A place in a table.
///
/// An error of a block is [`wal::Error::Corruption`] with the file and the block's offset; the
/// cursor is then at no entry, and another seek may go elsewhere.
pub struct TableCursor<'a> {
    table: &'a Table,
    /// Which data block `within` is in.
    block_index: usize,
    /// The place in that block, or none in it; `None` before the first move.
    within: Option<BlockCursor>,
    /// In the place of all that, if the table has partitions.
    partitioned: Option<PartitionCursor<'a>>,
}

impl<'a> TableCursor<'a> {
    /// A cursor over `table`, at no entry.
    pub(super) fn new(table: &'a Table) -> TableCursor<'a> {
        let partitioned = table.partitions.as_ref();
        let partitioned = partitioned.map(|partitions| PartitionCursor::new(table, partitions));
        TableCursor { table, block_index: 0, within: None, partitioned }
    }

    /// Goes to data block `block_index`, and in it where `place` says.
    ///
    /// **Day 3**, chapter `week03/day3-reader.md`. A cursor that is in that block already stays in
    /// it: nothing is read.
    ///
    /// # Errors
    ///
    /// Those of reading the block, or of the move in it; the cursor is then at no entry.
    ///
    /// # Cost
    ///
    /// A block, unless it is the same. No allocation for a cursor that has been in a block before.
    fn go(
        &mut self,
        block_index: usize,
        place: impl FnOnce(&mut BlockCursor) -> Result<(), BadBlock>,
    ) -> Result<()> {
        // ANCHOR: day3_go
        // `reset` puts another block into the cursor that is there, and only then it is in that
        // block. If there is none to be had, `leave` is what is left.
        let within = match &mut self.within {
            Some(within) if self.block_index == block_index => within,
            Some(within) => {
                within.leave();
                within.reset(self.table.block(block_index)?);
                within
            }
            none => none.insert(self.table.block(block_index)?.cursor()),
        };
        self.block_index = block_index;
        place(within).map_err(|bad| self.table.corruption(block_index, bad))
        // ANCHOR_END: day3_go
    }

    /// Whether it is at an entry.
    fn is_at_entry(&self) -> bool {
        self.key().is_some()
    }
}

impl Cursor for TableCursor<'_> {
    /// **Day 3**.
    fn first(&mut self) -> Result<()> {
        if let Some(partitioned) = &mut self.partitioned {
            return partitioned.first();
        }
        // ANCHOR: day3_first
        // There is no table without a block, and no block without an entry.
        self.go(0, BlockCursor::first)
        // ANCHOR_END: day3_first
    }

    /// **Day 3**.
    fn last(&mut self) -> Result<()> {
        if let Some(partitioned) = &mut self.partitioned {
            return partitioned.last();
        }
        // ANCHOR: day3_last
        // As `first`.
        self.go(self.table.index.len() - 1, BlockCursor::last)
        // ANCHOR_END: day3_last
    }

    /// **Day 3**. A separator may be behind all entries of its block.
    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        if let Some(partitioned) = &mut self.partitioned {
            return partitioned.seek(target);
        }
        // ANCHOR: day3_seek
        // The one block that can have an entry at the target. If all of its entries are before it,
        // the next block begins behind it. Is there one?
        let block_index = self.table.index.find(&target);
        if block_index == self.table.index.len() {
            self.leave();
            return Ok(());
        }
        self.go(block_index, |within| within.seek(target))?;
        if !self.is_at_entry() && block_index + 1 < self.table.index.len() {
            self.go(block_index + 1, BlockCursor::first)?;
        }
        Ok(())
        // ANCHOR_END: day3_seek
    }

    /// **Day 3**. All entries of the blocks before are before the target.
    fn seek_back(&mut self, target: InternalKey<'_>) -> Result<()> {
        if let Some(partitioned) = &mut self.partitioned {
            return partitioned.seek_back(target);
        }
        // ANCHOR: day3_seek_back
        // The same block; if all of its entries are behind the target, the last of the block
        // before.
        let block_index = self.table.index.find(&target);
        if block_index == self.table.index.len() {
            return self.last();
        }
        self.go(block_index, |within| within.seek_back(target))?;
        if !self.is_at_entry() && block_index > 0 {
            self.go(block_index - 1, BlockCursor::last)?;
        }
        Ok(())
        // ANCHOR_END: day3_seek_back
    }

    /// **Day 3**.
    fn next(&mut self) -> Result<()> {
        if let Some(partitioned) = &mut self.partitioned {
            return partitioned.next();
        }
        // ANCHOR: day3_next
        // A step in the block; from its last entry, to the first of the next block.
        if !self.is_at_entry() {
            return Ok(());
        }
        self.go(self.block_index, BlockCursor::next)?;
        if !self.is_at_entry() && self.block_index + 1 < self.table.index.len() {
            self.go(self.block_index + 1, BlockCursor::first)?;
        }
        Ok(())
        // ANCHOR_END: day3_next
    }

    /// **Day 3**.
    fn prev(&mut self) -> Result<()> {
        if let Some(partitioned) = &mut self.partitioned {
            return partitioned.prev();
        }
        // ANCHOR: day3_prev
        // As `next`, the other way.
        if !self.is_at_entry() {
            return Ok(());
        }
        self.go(self.block_index, BlockCursor::prev)?;
        if !self.is_at_entry() && self.block_index > 0 {
            self.go(self.block_index - 1, BlockCursor::last)?;
        }
        Ok(())
        // ANCHOR_END: day3_prev
    }

    fn key(&self) -> Option<InternalKey<'_>> {
        self.block_cursor()?.key()
    }

    /// The key is copied, as it is nowhere whole; the value is a slice of the block.
    fn entry(&self) -> (Bytes, Bytes) {
        let key = self.key().expect("entry() of a cursor that is at none");
        let within = self.block_cursor().expect("a key is in a block");
        (Bytes::copy_from_slice(key.user_key), within.shared_value())
    }
}

impl TableCursor<'_> {
    /// The value that it is at, where it stands in the block; empty at no entry. For whoever copies
    /// entries from one file to another.
    pub fn value(&self) -> &[u8] {
        self.block_cursor().map_or(&[], BlockCursor::value)
    }

    /// The place in the data block.
    fn block_cursor(&self) -> Option<&BlockCursor> {
        match &self.partitioned {
            Some(partitioned) => partitioned.block_cursor(),
            None => self.within.as_ref(),
        }
    }

    /// Goes to no entry.
    fn leave(&mut self) {
        if let Some(within) = &mut self.within {
            within.leave();
        }
    }
}

impl fmt::Debug for TableCursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableCursor").field("at", &self.key()).finish()
    }
}
