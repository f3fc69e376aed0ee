//! The log that threads share: many commits wait, one of them syncs for all.
//!
//! ```text
//!   A  append ─ sync ═══════════════════ done
//!   B     append ─ wait ················ └ sync ════════════════ done
//!   C        append ─ wait ·················· └ wait ··········· done
//!   D           append ─ wait ··················· └ wait ······· done
//! ```
//!
//! While A is in the disk's hands, B, C and D append and wait. When A is done, one of them, the
//! next leader, syncs everything that has gathered: two syncs for four commits. The slower the
//! disk, the more a sync carries. (DeWitt et al., "Implementation Techniques for Main Memory
//! Database Systems", SIGMOD 1984.)

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::fs::{File, Fs};
use crate::segment::{self, Segment};
use crate::{Durability, Error, LogOptions, LogWriter, Lsn, Result, spare};

/// A log that any number of threads append to.
///
/// Once a write or a sync has failed, nothing more is accepted or acknowledged: the log is
/// *poisoned*, and only recovery can tell what is on disk.
#[derive(Debug)]
pub struct Wal {
    state: Mutex<State>,
    /// Signalled when a sync is over, well or badly.
    sync_over: Condvar,
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    options: LogOptions,
    /// Held while segments are purged: one purge at a time.
    purging: Mutex<()>,
}

#[derive(Debug)]
struct State {
    writer: LogWriter,
    /// Whether a leader is inside `sync_data`, without the lock.
    syncing: bool,
    /// The first failure.
    poisoned: Option<Arc<str>>,
    stats: WalStats,
}

/// What a log has done since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WalStats {
    /// Records appended.
    pub records: u64,
    /// Bytes appended, headers included.
    pub bytes: u64,
    /// Times that a leader synced.
    pub syncs: u64,
}

impl Wal {
    /// Opens the log in `dir` to append at `end`; see [`LogWriter::open`].
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, end: Lsn, options: LogOptions) -> Result<Wal> {
        spare::trim(&*fs, dir, options.spare_segments)?;
        let writer = LogWriter::open(Arc::clone(&fs), dir, end, options.clone())?;
        writer.extend()?;
        let state = State { writer, syncing: false, poisoned: None, stats: WalStats::default() };
        Ok(Wal {
            state: Mutex::new(state),
            sync_over: Condvar::new(),
            fs,
            dir: dir.to_path_buf(),
            options,
            purging: Mutex::new(()),
        })
    }

    /// Appends a record, makes it as durable as asked, and returns where it begins.
    ///
    /// Records have the order in which `commit` and [`append`](Wal::append) were called.
    ///
    /// # Errors
    ///
    /// As for `append` and [`make_durable`](Wal::make_durable).
    pub fn commit(&self, payload: &[u8], durability: Durability) -> Result<Lsn> {
        let lsn = self.append(payload)?;
        self.make_durable(lsn, durability)?;
        Ok(lsn)
    }

    /// Appends a record to the log's memory, and returns where it begins.
    ///
    /// **Day 3**, chapter `week01/day3-sync.md`. A new segment must not be begun while a leader is
    /// syncing the old one: rotation syncs that file too, and if the leader's sync fails, the
    /// kernel may tell the second one that all is well. What was appended is counted in
    /// [`WalStats::records`] and [`WalStats::bytes`].
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`]: an earlier call failed. [`Error::RecordTooLarge`]: nothing has changed.
    /// [`Error::Io`]: this call failed, and the log is poisoned from now on.
    pub fn append(&self, payload: &[u8]) -> Result<Lsn> {
        // Wait while a rotation is due and a sync is under way. After a wait look again at
        // everything: the log may have been poisoned or rotated by others.
        todo!("day 3: append")
    }

    /// Makes the record at `lsn`, and all before it, as durable as asked.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] or [`Error::Poisoned`]; the record was then not acknowledged, and whether it
    /// is on disk shows only when the log is recovered.
    pub fn make_durable(&self, lsn: Lsn, durability: Durability) -> Result<()> {
        match durability {
            Durability::Buffered => Ok(()),
            Durability::Flushed => self.flush(),
            Durability::Synced => self.sync_past(lsn),
        }
    }

    /// Returns when the record that begins at `lsn` is on disk.
    ///
    /// **Day 3**. If nobody is syncing, the caller becomes the leader: it flushes, syncs with the
    /// lock released, so that others can append meanwhile, and wakes all who wait. Otherwise it
    /// waits, and looks again: its record may be in this sync or in the next.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] for the leader whose sync failed, [`Error::Poisoned`] for everybody else from
    /// then on, those included whose records an earlier sync had already carried.
    ///
    /// # Panics
    ///
    /// If the log ends at or before `lsn`: no record begins there, and no sync could ever reach it.
    pub fn sync_past(&self, lsn: Lsn) -> Result<()> {
        // A loop with three exits: poisoned, already on disk, or lead. Whoever leads lets go of
        // the lock only around `sync_data`: `MutexGuard::unlocked` does that.
        todo!("day 3: group commit")
    }

    /// Makes everything appended so far durable.
    pub fn sync(&self) -> Result<()> {
        match self.end().checked_sub(1) {
            Some(last_byte) => self.sync_past(last_byte),
            None => self.state.lock().check_poison(),
        }
    }

    /// Hands everything appended so far to the operating system.
    pub fn flush(&self) -> Result<()> {
        let mut state = self.state.lock();
        state.check_poison()?;
        let flushed = state.writer.flush();
        state.poison_on_failure(flushed)
    }

    /// Removes the segments that hold nothing at or above `below`; see [`segment::purge`]. The
    /// first of them become spares, if [`LogOptions::spare_segments`] says so.
    ///
    /// If making spares fails, the log is poisoned: a file that may have two names after a crash
    /// must not become a segment.
    pub fn purge(&self, below: Lsn) -> Result<Vec<Segment>> {
        let _one_at_a_time = self.purging.lock();
        let mut gone = match self.options.spare_segments {
            0 => Vec::new(),
            limit => self.poison_on_failure(spare::recycle(&*self.fs, &self.dir, below, limit))?,
        };
        gone.extend(segment::purge(&*self.fs, &self.dir, below)?);
        Ok(gone)
    }

    /// Makes everything appended so far durable, and leaves nothing behind its end: not even the
    /// space that was set aside. Whoever goes on appending only loses that space.
    pub fn close(&self) -> Result<()> {
        self.sync()?;
        if self.options.spare_segments == 0 {
            return Ok(());
        }
        let mut state = self.state.lock();
        while state.syncing {
            self.sync_over.wait(&mut state);
        }
        state.check_poison()?;
        let sealed = state.writer.seal();
        state.poison_on_failure(sealed)
    }

    /// Passes `result` on; if the disk failed, the log is poisoned from now on. For stores whose
    /// own files belong to the log.
    pub(crate) fn poison_on_failure<T>(&self, result: Result<T>) -> Result<T> {
        self.state.lock().poison_on_failure(result)
    }

    /// Where the next record will begin.
    pub fn end(&self) -> Lsn {
        self.state.lock().writer.end()
    }

    /// Where the segment that is being written begins, and its file.
    pub fn segment(&self) -> (Lsn, Arc<dyn File>) {
        self.state.lock().writer.segment()
    }

    /// Everything below this is on disk.
    pub fn synced(&self) -> Lsn {
        self.state.lock().writer.synced()
    }

    /// What the log has done so far.
    pub fn stats(&self) -> WalStats {
        self.state.lock().stats
    }
}

impl State {
    /// [`Error::Poisoned`] if an earlier write or sync failed.
    fn check_poison(&self) -> Result<()> {
        match &self.poisoned {
            Some(cause) => Err(Error::Poisoned { cause: Arc::clone(cause) }),
            None => Ok(()),
        }
    }

    /// Passes `result` on; if the disk failed, the log is poisoned from now on.
    ///
    /// **Day 3**, chapter `week01/day3-sync.md`. A record that was too large is no failure of the
    /// disk.
    fn poison_on_failure<T>(&mut self, result: Result<T>) -> Result<T> {
        // Keep the first cause: later ones are its consequences.
        todo!("day 3: poison")
    }
}
