//! Where the values of a flush or a compaction go: into the table, apart, or from one value file to
//! the next.
//!
//! ```text
//!   what comes                              what the table gets
//!   inline, small                           the same
//!   inline, large                           a pointer into the new value file
//!   a pointer into a file that is well      the same pointer
//!   a pointer into a file that is due       as the value that it leads to: moved, or inline
//! ```

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use memtable::{InternalKey, Kind};
use sstable::TableBuilder;
use wal::{Error, Result};

use crate::compaction::RunBuilder;
use crate::values::{LiveFile, LiveFiles, References, Stored, ValueFile, ValueWriter};
use crate::version::LiveTable;

/// Decides for each value of a run. All values that it puts apart go into one file.
pub struct Placing<'a> {
    /// Where the store is.
    dir: &'a Path,
    /// Values of so many bytes or more go apart.
    value_min: usize,
    /// With more garbage than this a file is due.
    garbage_percent: u64,
    /// The files that inputs may point into.
    live: &'a LiveFiles,
    /// Begins the new value file.
    begin: &'a dyn Fn() -> Result<ValueWriter>,
    /// The new value file, if a value went there.
    writer: Option<ValueWriter>,
}

impl<'a> Placing<'a> {
    /// Nothing is written yet. `begin` is called for the first value that goes apart.
    pub fn new(
        dir: &'a Path,
        (value_min, garbage_percent): (usize, u64),
        live: &'a LiveFiles,
        begin: &'a dyn Fn() -> Result<ValueWriter>,
    ) -> Placing<'a> {
        Placing { dir, value_min, garbage_percent, live, begin, writer: None }
    }

    /// What the table is to have for `key` if an input has `stored`; a pointer is counted in
    /// `references`.
    ///
    /// **Lab valuelog**, chapter `week04/lab-valuelog.md`. See the table at the top of the file.
    ///
    /// # Errors
    ///
    /// Those of [`LiveFiles::read`], of a pointer into a file that no table points into, too; those of
    /// the writer. [`Error::Corruption`] about the store's directory if `stored` is neither a value nor
    /// a pointer. Whoever gets an error drops all of it, and no value file is left.
    ///
    /// # Cost
    ///
    /// For a value that moves, a read and a copy. What stays inline is not copied.
    pub fn place<'s>(
        &mut self,
        key: &[u8],
        stored: &'s [u8],
        references: &mut References,
    ) -> Result<Cow<'s, [u8]>> {
        // A pointer first: it stays if its file is there, and not due. If not, follow it, and go on as
        // with any other value. The file is begun when there is something for it.
        todo!("lab valuelog: place")
    }

    /// Finishes the value file, and tells each table into which files it points: `references` has
    /// theirs, one by one. Says how many bytes the new file's records have, 0 if there is none.
    ///
    /// **Lab valuelog**. A table that points nowhere is told nothing.
    ///
    /// # Errors
    ///
    /// Those of [`ValueWriter::finish`]; no table has been told then.
    ///
    /// # Panics
    ///
    /// If a table points into a file that is none: a bug of ours, for `place` lets no such pointer by.
    pub fn finish(self, tables: &[Arc<LiveTable>], references: &[References]) -> Result<u64> {
        // A file is the new one, or one of those that are live.
        todo!("lab valuelog: placing finish")
    }
}

/// A table that is being built, of whose values some go apart.
pub struct Output<'a, 'b> {
    /// The table.
    pub table: TableBuilder,
    /// Who decides; nobody in a store without a value log.
    pub placing: Option<&'b RefCell<Placing<'a>>>,
    /// Where it points.
    pub references: References,
}

impl RunBuilder for Output<'_, '_> {
    fn add(&mut self, key: InternalKey<'_>, value: &[u8]) -> Result<()> {
        let Some(placing) = self.placing.filter(|_| key.kind == Kind::Put) else {
            return self.table.add(key, value);
        };
        let stored = placing.borrow_mut().place(key.user_key, value, &mut self.references)?;
        self.table.add(key, &stored)
    }

    fn estimated_size(&self) -> u64 {
        self.table.estimated_size()
    }
}
