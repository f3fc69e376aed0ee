//! A checkpoint: a copy of an open store, as it was at one moment, while writes go on.
//!
//! ```text
//!   operations   1 ─────────────── 640 ──────────── 655        ──► writers go on
//!                ├─ in tables ─────┤├─ in memory ────┤├─ too new
//!                     linked           a new table     left out
//! ```
//!
//! Tables never change, nor do the value files of lab `valuelog`, so a second name makes a copy of them.
//! What is in no table yet is in memory, in order, and becomes a table of the copy: the store itself
//! flushes nothing, and no writer waits.

use std::path::Path;
use std::sync::Arc;

use memtable::LogMark;
use wal::Result;
#[cfg(feature = "backup")]
use wal::fs::Fs;

use super::Lsm;
use crate::draft::Draft;
use crate::edit::Edit;
use crate::manifest::take_number;

impl Lsm {
    /// Makes a copy of the store in `to`, which is another store from then on: all that was
    /// acknowledged before the call, whatever its durability, and perhaps what was acknowledged
    /// meanwhile; whole batches, in order. When this has returned, the copy survives a power cut, if the
    /// directory above it does.
    ///
    /// Tables and value files are one file with two names where the disk can do that: same file system,
    /// and what the store has compacted away takes room until the copy lets it go, too.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`](wal::Error::Closed), and nothing was touched. Those of [`Draft::begin`]: `to`
    /// is locked, or has something in it. [`Error::Io`](wal::Error::Io); `to` is a draft then, which
    /// nobody can open, and which a second call clears.
    ///
    /// # Cost
    ///
    /// A link for each file, whatever their size, and one table with what is in memory.
    pub fn checkpoint(&self, to: &Path) -> Result<()> {
        self.check_open()?;
        let (fs, _) = self.store.tree.place();
        self.copy_to(&Draft::begin(Arc::clone(fs), to)?)
    }

    /// Where the store is.
    #[cfg(feature = "backup")]
    pub(crate) fn place(&self) -> (&Arc<dyn Fs>, &Path) {
        self.store.tree.place()
    }

    /// Fills `draft` with what the store holds now, and finishes it.
    ///
    /// **Lab backup**, chapter `week04/lab-backup.md`. The moment is that at which memory was looked
    /// at, or the end of the last flush, if that came later.
    ///
    /// # Errors
    ///
    /// Those of the draft, [`Error::Closed`](wal::Error::Closed).
    pub(crate) fn copy_to(&self, draft: &Draft) -> Result<()> {
        // ANCHOR: backup_copy_to
        // Memory first, as always: `MemStore::now`. Then state and version of one moment, `pinned`, which
        // keeps the version's `files` until all are linked. Up to `flushed.seq` all is in tables; what
        // memory has behind that, up to the number at which it was seen, becomes a table of level 0.
        // `take_number` gives it a number, `tree.table_options(0)` are the store's own options for a
        // table there, and an edit puts it into the state, with the new end: that is a number, `seq`.
        // The mark's `lsn` stays what it is, for `finish` begins a log elsewhere.
        let memory = self.store.mem.now()?;
        let tree = &self.store.tree;
        let (mut state, version) = tree.pinned();
        for file in version.files() {
            draft.link(file)?;
        }
        if memory.seq > state.flushed.seq {
            let number = take_number(draft.dir(), &mut state)?;
            let seqs = state.flushed.seq + 1..=memory.seq;
            let table = draft.write_memory(&memory.view, seqs, number, tree.table_options(0))?;
            let flushed = Some(LogMark { seq: memory.seq, ..state.flushed });
            let edit = Edit { flushed, added: vec![(0, Arc::new(table))], ..Edit::default() };
            state = state.apply(&edit).expect("it is newer than all tables");
        }
        draft.finish(state)
        // ANCHOR_END: backup_copy_to
    }
}
