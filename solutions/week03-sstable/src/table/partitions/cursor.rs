//! A cursor over a table with partitions: a place in the top, one in an index part, and one in a
//! data block.
//!
//! ```text
//!   top          │ partition 0 │ partition 1 │ partition 2 │
//!                                      ▲
//!   index part 1              │ block 4 │ block 5 │ block 6 │
//!                                                     ▲
//!   block 6                                    a@7  a@3  b@5
//!                                                   ▲
//! ```
//!
//! It holds one index part and one data block at most, whichever way it walks. Filter parts it does
//! not need.

use memtable::InternalKey;
use wal::Result;

use super::{Partitions, handle_of};
use crate::block::{BadBlock, BlockCursor};
use crate::table::Table;
use crate::table::read::corruption;

/// A place in a table with partitions.
///
/// * If `data` is at an entry, `within` is at its block, in the index part of `partition`.
/// * After an error `data` is at no entry.
pub(crate) struct PartitionCursor<'a> {
    table: &'a Table,
    partitions: &'a Partitions,
    /// Which partition's index part `within` is in.
    partition: usize,
    /// The place in the index part; `None` before the first move.
    within: Option<BlockCursor>,
    /// Where the data block begins that `data` is in.
    block_at: u64,
    /// The place in the data block; `None` before the first move.
    data: Option<BlockCursor>,
}

impl<'a> PartitionCursor<'a> {
    /// A cursor at no entry.
    pub(crate) fn new(table: &'a Table, partitions: &'a Partitions) -> PartitionCursor<'a> {
        PartitionCursor { table, partitions, partition: 0, within: None, block_at: 0, data: None }
    }

    /// As [`memtable::Cursor::first`], and so on for the others.
    pub(crate) fn first(&mut self) -> Result<()> {
        self.go(0, BlockCursor::first)?;
        self.enter(BlockCursor::first)
    }

    /// The last block of the last partition.
    pub(crate) fn last(&mut self) -> Result<()> {
        self.go(self.partitions.len() - 1, BlockCursor::last)?;
        self.enter(BlockCursor::last)
    }

    /// **Lab partitions**, chapter `week03/lab-partitions.md`. Behind the last partition's key there
    /// is nothing.
    pub(crate) fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        // ANCHOR: partitions_seek
        // Three seeks. All entries of the block may be before the target: then `onward`.
        let partition = self.partitions.index.find(&target);
        if partition == self.partitions.len() {
            self.leave();
            return Ok(());
        }
        self.go(partition, |within| within.seek(target))?;
        self.enter(|data| data.seek(target))?;
        self.onward()
        // ANCHOR_END: partitions_seek
    }

    /// **Lab partitions**. Which block can have it is the same question in both directions.
    pub(crate) fn seek_back(&mut self, target: InternalKey<'_>) -> Result<()> {
        // ANCHOR: partitions_seek_back
        // The same block as for `seek`, but the last entry at or before the target in it; if there
        // is none, `back`.
        let partition = self.partitions.index.find(&target);
        if partition == self.partitions.len() {
            return self.last();
        }
        self.go(partition, |within| within.seek(target))?;
        self.enter(|data| data.seek_back(target))?;
        self.back()
        // ANCHOR_END: partitions_seek_back
    }

    /// **Lab partitions**.
    pub(crate) fn next(&mut self) -> Result<()> {
        // ANCHOR: partitions_next
        // From no entry, nowhere.
        if !self.is_at_entry() {
            return Ok(());
        }
        self.enter(BlockCursor::next)?;
        self.onward()
        // ANCHOR_END: partitions_next
    }

    /// **Lab partitions**.
    pub(crate) fn prev(&mut self) -> Result<()> {
        // ANCHOR: partitions_prev
        // As `next`.
        if !self.is_at_entry() {
            return Ok(());
        }
        self.enter(BlockCursor::prev)?;
        self.back()
        // ANCHOR_END: partitions_prev
    }

    /// If there is no entry left in the data block, moves to the first entry of the next; behind
    /// the last block of all, to none.
    ///
    /// **Lab partitions**. No block and no partition is empty.
    fn onward(&mut self) -> Result<()> {
        // ANCHOR: partitions_onward
        // A step in the index part. If that is at its end: the first block of the next partition,
        // if there is one.
        if self.is_at_entry() {
            return Ok(());
        }
        self.go(self.partition, BlockCursor::next)?;
        if !self.is_at_block() {
            if self.partition + 1 == self.partitions.len() {
                return Ok(());
            }
            self.go(self.partition + 1, BlockCursor::first)?;
        }
        self.enter(BlockCursor::first)
        // ANCHOR_END: partitions_onward
    }

    /// If there is no entry left in the data block, moves to the last entry of the block before; in
    /// front of the first block of all, to none.
    ///
    /// **Lab partitions**.
    fn back(&mut self) -> Result<()> {
        // ANCHOR: partitions_back
        // As `onward`, the other way.
        if self.is_at_entry() {
            return Ok(());
        }
        self.go(self.partition, BlockCursor::prev)?;
        if !self.is_at_block() {
            if self.partition == 0 {
                return Ok(());
            }
            self.go(self.partition - 1, BlockCursor::last)?;
        }
        self.enter(BlockCursor::last)
        // ANCHOR_END: partitions_back
    }

    /// Goes to the index part of partition `partition`, and in it where `place` says; `data` is
    /// then at no entry, whatever comes of it. In the same part as before, nothing is read.
    ///
    /// # Errors
    ///
    /// Those of reading the part, or of the move in it.
    fn go(
        &mut self,
        partition: usize,
        place: impl FnOnce(&mut BlockCursor) -> Result<(), BadBlock>,
    ) -> Result<()> {
        self.leave();
        let part = || self.table.index_part(self.partitions, partition);
        let within = match &mut self.within {
            Some(within) if self.partition == partition => within,
            Some(within) => {
                within.reset(part()?);
                within
            }
            none => none.insert(part()?.cursor()),
        };
        self.partition = partition;
        let at = self.partitions.get(partition).index.offset;
        place(within).map_err(|bad| corruption(self.table.path(), "index part", at, bad))
    }

    /// Goes to the data block that `within` is at, and in it where `place` says. In the same block
    /// as before, nothing is read.
    ///
    /// # Errors
    ///
    /// Those of reading the block, or of the move in it; `data` is then at no entry.
    fn enter(
        &mut self,
        place: impl FnOnce(&mut BlockCursor) -> Result<(), BadBlock>,
    ) -> Result<()> {
        let within = self.within.as_ref().expect("`go` comes before `enter`");
        let handle = handle_of(within.value()).expect("it is at a block");
        let data = match &mut self.data {
            Some(data) if self.block_at == handle.offset => data,
            Some(data) => {
                data.leave();
                data.reset(self.table.data_block(handle)?);
                data
            }
            none => none.insert(self.table.data_block(handle)?.cursor()),
        };
        self.block_at = handle.offset;
        place(data).map_err(|bad| corruption(self.table.path(), "data block", handle.offset, bad))
    }

    /// The place in the data block.
    pub(crate) fn block_cursor(&self) -> Option<&BlockCursor> {
        self.data.as_ref()
    }

    /// Whether it is at an entry.
    fn is_at_entry(&self) -> bool {
        self.data.as_ref().is_some_and(|data| data.key().is_some())
    }

    /// Whether `within` is at a data block.
    fn is_at_block(&self) -> bool {
        self.within.as_ref().is_some_and(|within| within.key().is_some())
    }

    /// Goes to no entry.
    fn leave(&mut self) {
        if let Some(data) = &mut self.data {
            data.leave();
        }
    }
}
