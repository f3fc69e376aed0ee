//! Bitcask: the log is the database, and memory holds only where every key's value lies.
//!
//! ```text
//!   write ──► end of the log ──► key directory        get ──► key directory ──► one read
//!
//!   log    ├──── oldest ────┼─────────┼─────────┼── being written ──┤
//!          │ a  b' c  d'    │         │         │                   │ a  c
//!          └ a and c still count; b and d       └───────────────────┴─ merge: written again, synced,
//!            were written again or deleted                              and then the oldest goes
//! ```
//!
//! `keydir.rs` is the directory, `hint.rs` how it is found again without reading every value.
//! After Sheehy and Smith, "Bitcask: A Log-Structured Hash Table for Fast Key/Value Data", 2010;
//! theirs merges whichever files it likes, and keeps no order of keys. That the log is used up
//! from its oldest end is from Rosenblum and Ousterhout, "The Design and Implementation of a
//! Log-Structured File System", SOSP 1991.

pub mod hint;
pub mod keydir;
mod merge;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use self::keydir::{DataFile, KeyDir};
use crate::engine::{Counter, Direction, Durability, Engine, Entry, KeyRange, Reader, Scan, Stats};
use crate::fs::{Fs, Lock};
use crate::scan::MapScan;
use crate::segment::{self, Segment};
use crate::{
    Error, HEADER_SIZE, LogOptions, Lsn, Recovered, RecoveryMode, Result, Seq, Wal, WriteBatch,
    recover,
};

pub use merge::Merged;

/// How a [`Bitcask`] is opened.
#[derive(Debug, Clone)]
pub struct BitcaskOptions {
    /// How the log is laid out. `spare_segments` counts as 0 here: a snapshot may still be reading
    /// a file whose name is gone, so the file must not be used again.
    pub log: LogOptions,
    /// What to do about bytes in the log that are no record.
    pub recovery: RecoveryMode,
    /// Whether to write hint files, and to believe them. Default true. In any mode of recovery but
    /// [`RecoveryMode::TolerateTail`] they are not used: whoever asks for another one wants every
    /// byte looked at.
    pub hints: bool,
}

impl Default for BitcaskOptions {
    fn default() -> BitcaskOptions {
        let (log, recovery) = (LogOptions::default(), RecoveryMode::default());
        BitcaskOptions { log, recovery, hints: true }
    }
}

/// A store whose values are in the log and nowhere else.
#[derive(Debug)]
pub struct Bitcask {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    wal: Wal,
    /// Held from numbering a batch until it is in the key directory, so that log, numbers and
    /// directory have one order.
    head: Mutex<Head>,
    keys: RwLock<Arc<KeyDir>>,
    recovered: Recovered,
    hints: bool,
    /// Held while a segment is merged: one at a time.
    merging: Mutex<()>,
    closed: AtomicBool,
    lock: Mutex<Option<Lock>>,
}

/// Where writes go.
#[derive(Debug)]
struct Head {
    /// Number of the last operation.
    last_seq: Seq,
    /// The segment that the last record went into.
    file: Arc<DataFile>,
}

impl Bitcask {
    /// Opens the store in `dir`, making it if there is none.
    ///
    /// **Lab bitcask**, chapter `week01/lab-bitcask.md`. Takes the directory's lock first, and only
    /// then looks at anything. A segment's hint, where there is a good one, stands for reading the
    /// segment; from the first segment without, and in any case from the newest, the log is
    /// recovered, record by record.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if the store is open elsewhere; nothing was touched then.
    /// [`Error::Corruption`] if what was read of the log is damaged; [`Error::Io`].
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, options: BitcaskOptions) -> Result<Bitcask> {
        // As on day 6: the directory, its lock, its name, then the log. `open_files` gives the
        // segments, `load_hints` says where the log has to be read from, and each record belongs
        // to the file that `holding` finds. Hints that were not used are in the way of better
        // ones: `hint::sweep` removes them, before recovery may change what they were made from.
        // Recovery may also have put another file under an empty newest segment's name: the file
        // to go on in is the one that `Wal::segment` knows.
        todo!("lab bitcask: open")
    }

    /// Appends `batch` to the log, hands it to the system, and notes in the key directory where
    /// its values lie now. Returns where its record begins.
    ///
    /// **Lab bitcask**. Whoever finds a place in the directory reads it from the file at once: so
    /// the bytes are there before the place is.
    ///
    /// # Errors
    ///
    /// As for [`Wal::append`] and [`Wal::flush`]; the directory is then unchanged.
    fn append(&self, head: &mut Head, batch: &mut WriteBatch, first_seq: Seq) -> Result<Lsn> {
        // Log, file, directory. The record may have begun a new segment: `Wal::segment` tells.
        todo!("lab bitcask: append")
    }

    /// What was found when the store was opened. Records that a hint stood for are not counted.
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// [`Error::Closed`] after [`close`](Engine::close).
    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }

    /// The key directory as it is now.
    fn view(&self) -> Result<View> {
        self.check_open()?;
        Ok(View { keys: Arc::clone(&self.keys.read()) })
    }
}

impl Reader for Bitcask {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.check_open()?;
        // The lock is for the place alone: nobody waits for this read.
        let place = self.keys.read().get(key).cloned();
        place.map(|place| place.read(key)).transpose()
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Scan<'_>> {
        Ok(self.view()?.into_scan(range, direction))
    }
}

impl Engine for Bitcask {
    /// **Lab bitcask**. Memory holds no values, so `Buffered` costs a system call, too, and
    /// survives the end of this process.
    fn write(&self, mut batch: WriteBatch, durability: Durability) -> Result<Seq> {
        // As on day 6: number and append under one lock, and sync without it.
        todo!("lab bitcask: write")
    }

    /// The snapshot keeps open every file that it has a value in. The next write copies the key
    /// directory, as day 6's copies the map.
    fn snapshot(&self) -> Result<Box<dyn Reader>> {
        Ok(Box::new(self.view()?))
    }

    fn sync(&self) -> Result<()> {
        self.check_open()?;
        self.wal.sync()
    }

    fn stats(&self) -> Stats {
        // One lock at a time: a writer holds the head while it waits for the directory.
        let log = self.wal.stats();
        let last_seq = self.head.lock().last_seq;
        let entries = self.keys.read().len() as u64;
        let begin = self.begin().unwrap_or(0);
        let counter = |name, unit, value| Counter { name, unit, value };
        Stats {
            engine: "Bitcask",
            counters: vec![
                counter("entries", "", entries),
                counter("last_seq", "", last_seq),
                counter("log_records", "", log.records),
                counter("log_bytes", "bytes", log.bytes),
                counter("log_begin", "bytes", begin),
                counter("log_end", "bytes", self.wal.end()),
                counter("syncs", "", log.syncs),
                counter("recovered_records", "", self.recovered.records),
                counter("torn_bytes", "bytes", self.recovered.torn_bytes),
            ],
        }
    }

    fn close(&self) -> Result<()> {
        let _no_merge = self.merging.lock();
        let _no_more_writes = self.head.lock();
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // A hint that cannot be written costs the next opener time, and nothing else.
        let _ = self.write_hints();
        let synced = self.wal.close();
        self.lock.lock().take();
        synced
    }
}

/// A snapshot: the key directory, kept alive, and with it the files that it points into.
struct View {
    keys: Arc<KeyDir>,
}

impl View {
    /// A scan that keeps the directory alive by itself. Each value is read when it is asked for.
    fn into_scan(self, range: KeyRange, direction: Direction) -> Scan<'static> {
        let mut places = MapScan::new(self.keys, range, direction);
        let mut failed = false;
        Box::new(std::iter::from_fn(move || {
            if failed {
                return None;
            }
            let (key, place) = places.next()?;
            let value = place.read(&key);
            failed = value.is_err();
            Some(value.map(|value| -> Entry { (key, value) }))
        }))
    }
}

impl Reader for View {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.keys.get(key).map(|place| place.read(key)).transpose()
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Scan<'_>> {
        Ok(View { keys: Arc::clone(&self.keys) }.into_scan(range, direction))
    }
}

/// The segments in `dir`, oldest first, opened to be read.
fn open_files(fs: &dyn Fs, dir: &Path) -> Result<Vec<Arc<DataFile>>> {
    let segments = segment::list(fs, dir)?;
    let open = |segment: Segment| {
        Ok(Arc::new(DataFile { base: segment.base, file: fs.open(&segment.path)? }))
    };
    segments.into_iter().map(open).collect()
}

/// The file, of several in order, that the byte at `lsn` lies in.
fn holding(files: &[Arc<DataFile>], lsn: Lsn) -> &Arc<DataFile> {
    let behind = files.partition_point(|file| file.base <= lsn);
    &files[behind.checked_sub(1).expect("no record begins before the first segment")]
}

/// Fills `keys` from hint files, from the oldest segment on, as long as each has a good one.
/// Returns where the log has to be read from, and the number of the last operation before that.
///
/// **Lab bitcask**, chapter `week01/lab-bitcask.md`. The newest segment has no hint: it is being
/// written.
fn load_hints(fs: &dyn Fs, dir: &Path, files: &[Arc<DataFile>], keys: &mut KeyDir) -> (Lsn, Seq) {
    // A segment ends where the next one begins: `windows(2)` gives the pairs. A hint behind a
    // segment that has none is of no use: changes are made in the order of the log.
    todo!("lab bitcask: load hints")
}
