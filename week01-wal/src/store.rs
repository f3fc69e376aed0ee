//! The first database: a map in memory that is a cache of the log.
//!
//! ```text
//!   write ──► log ──► map ──► acknowledged          get, scan, snapshot ──► map
//!              │
//!              └ sync, shared with all who wait
//!
//!   open  ──► checkpoint ──► map ◄── log from where the checkpoint ends
//! ```
//!
//! Everything that matters is in the log and the checkpoint; the map can be lost at any moment.
//! The map is shared with snapshots and copied, whole, by the first write after a snapshot that is
//! still alive, as Redis does with the operating system's help when it forks to save. That costs
//! memory and a pause that grow with the store. Week 2 has a better way.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use crate::checkpoint::{self, Checkpoint, Map, apply};
use crate::engine::{Counter, Direction, Durability, Engine, KeyRange, Reader, Scan, Stats};
use crate::fs::{Fs, Lock};
use crate::scan::MapScan;
use crate::{
    Error, LogOptions, Lsn, Recovered, RecoveryMode, Result, Seq, Wal, WriteBatch, recover, segment,
};

/// How a [`LogStore`] is opened.
#[derive(Debug, Clone, Default)]
pub struct StoreOptions {
    /// How the log is laid out.
    pub log: LogOptions,
    /// What to do about bytes in the log that are no record.
    pub recovery: RecoveryMode,
}

/// A store whose data is in memory and whose truth is in the log.
#[derive(Debug)]
pub struct LogStore {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    wal: Wal,
    /// Number of the last operation. Held from numbering a batch until it is in the map, so that
    /// log, numbers and map have one order.
    last_seq: Mutex<Seq>,
    map: RwLock<Arc<Map>>,
    recovered: Recovered,
    /// Held while a checkpoint is written: one at a time.
    checkpointing: Mutex<()>,
    closed: AtomicBool,
    lock: Mutex<Option<Lock>>,
}

impl LogStore {
    /// Opens the store in `dir`, making it if there is none.
    ///
    /// **Day 6**, chapter `week01/day6-store.md`. Takes the lock, the file `LOCK` in the directory,
    /// before it looks at anything else there. Then reads the checkpoint, then the log from where
    /// the checkpoint ends. If the directory above `dir` is new as well, make its name durable
    /// first: this looks after `dir` alone.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if the store is open elsewhere; nothing was touched then.
    /// [`Error::Corruption`] if the checkpoint or the log is damaged, with file and offset;
    /// [`Error::Io`].
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, options: StoreOptions) -> Result<LogStore> {
        // The directory, its lock, and then its own name, which stands in the directory above: a
        // store whose directory is forgotten is lost with all its files. After that: checkpoint,
        // recover, log. Each record is replayed into what the checkpoint says.
        todo!("day 6: open")
    }

    /// Writes the whole map to a checkpoint and removes the part of the log that it replaces.
    ///
    /// **Day 6**. Reads and writes go on meanwhile. One checkpoint is written at a time; whoever
    /// comes second waits and then writes a newer one.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Poisoned`], [`Error::Closed`]. Nothing is lost: the old checkpoint
    /// and all of the log that it needs are still there, or the new one is. Writes may go on.
    ///
    /// # Cost
    ///
    /// Every entry is written once. The first write meanwhile copies the map in memory.
    pub fn checkpoint(&self) -> Result<()> {
        // A place, a number and a map that belong together, taken under the writers' lock. Without
        // it, the order of things on disk: the log up to that place, the checkpoint, the purge.
        todo!("day 6: checkpoint")
    }

    /// What was found when the store was opened.
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// [`Error::Closed`] after [`close`](Engine::close).
    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }

    /// The map as it is now.
    fn view(&self) -> Result<View> {
        self.check_open()?;
        Ok(View { map: Arc::clone(&self.map.read()) })
    }
}

/// The error for the record at `lsn`, which is whole but not what this store wrote there. It names
/// the file and the place in it, as for any other damage.
fn not_ours(fs: &dyn Fs, dir: &Path, lsn: Lsn, reason: String) -> Error {
    match segment::holding(fs, dir, lsn) {
        Err(error) => error,
        Ok(segment) => Error::corruption(&segment.path, lsn - segment.base, reason),
    }
}

impl Reader for LogStore {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.check_open()?;
        Ok(self.map.read().get(key).cloned())
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Scan<'_>> {
        self.view()?.into_scan(range, direction)
    }
}

impl Engine for LogStore {
    /// **Day 6**. A batch becomes visible when it is in the log, and durable when its sync
    /// returns: a reader may see what a power cut would still take back. Week 2 closes that gap.
    fn write(&self, mut batch: WriteBatch, durability: Durability) -> Result<Seq> {
        // Number, log and map under one lock, so that all three agree; the sync without it, so
        // that it can be shared.
        todo!("day 6: write")
    }

    fn snapshot(&self) -> Result<Box<dyn Reader>> {
        Ok(Box::new(self.view()?))
    }

    fn sync(&self) -> Result<()> {
        self.check_open()?;
        self.wal.sync()
    }

    fn stats(&self) -> Stats {
        // One lock at a time: a writer holds the numbers while it waits for the map.
        let entry_count = self.map.read().len() as u64;
        let last_seq = *self.last_seq.lock();
        let log = self.wal.stats();
        let counter = |name, unit, value| Counter { name, unit, value };
        Stats {
            engine: "LogStore",
            counters: vec![
                counter("entries", "", entry_count),
                counter("last_seq", "", last_seq),
                counter("log_records", "", log.records),
                counter("log_bytes", "bytes", log.bytes),
                counter("log_end", "bytes", self.wal.end()),
                counter("syncs", "", log.syncs),
                counter("recovered_records", "", self.recovered.records),
                counter("torn_bytes", "bytes", self.recovered.torn_bytes),
            ],
        }
    }

    /// **Day 6**.
    fn close(&self) -> Result<()> {
        // Nothing may be written once the directory is free for others: let what is under way
        // finish, and nothing new begin. The lock is let go of even if the sync fails.
        todo!("day 6: close")
    }
}

/// A snapshot: the map, kept alive.
struct View {
    map: Arc<Map>,
}

impl View {
    /// A scan that keeps the map alive by itself.
    fn into_scan(self, range: KeyRange, direction: Direction) -> Result<Scan<'static>> {
        Ok(Box::new(MapScan::new(self.map, range, direction).map(Ok)))
    }
}

impl Reader for View {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.map.get(key).cloned())
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Scan<'_>> {
        View { map: Arc::clone(&self.map) }.into_scan(range, direction)
    }
}
