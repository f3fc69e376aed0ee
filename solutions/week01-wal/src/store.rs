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
        // ANCHOR: day6_open
        // The directory, its lock, and then its own name, which stands in the directory above: a
        // store whose directory is forgotten is lost with all its files. After that: checkpoint,
        // recover, log. Each record is replayed into what the checkpoint says.
        fs.create_dir(dir)?;
        let lock = fs.lock(&dir.join("LOCK"))?;
        fs.sync_dir(dir.parent().unwrap_or(dir))?;
        let mut state = checkpoint::read(&*fs, dir)?;
        let recovered = recover(&fs, dir, state.resume_at, options.recovery, &mut |record| {
            let replayed = state.replay(record.payload);
            replayed.map_err(|reason| not_ours(&*fs, dir, record.lsn, reason))
        })?;
        let wal = Wal::open(Arc::clone(&fs), dir, recovered.end, options.log)?;
        Ok(LogStore {
            fs,
            dir: dir.to_path_buf(),
            wal,
            last_seq: Mutex::new(state.last_seq),
            map: RwLock::new(state.entries),
            recovered,
            checkpointing: Mutex::new(()),
            closed: AtomicBool::new(false),
            lock: Mutex::new(Some(lock)),
        })
        // ANCHOR_END: day6_open
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
        // ANCHOR: day6_checkpoint
        // A place, a number and a map that belong together, taken under the writers' lock. Without
        // it, the order of things on disk: the log up to that place, the checkpoint, the purge.
        let _one_at_a_time = self.checkpointing.lock();
        self.check_open()?;
        let checkpoint = {
            let last_seq = self.last_seq.lock();
            let entries = Arc::clone(&self.map.read());
            Checkpoint { resume_at: self.wal.end(), last_seq: *last_seq, entries }
        };
        self.wal.sync()?;
        checkpoint::write(&*self.fs, &self.dir, &checkpoint)?;
        self.wal.purge(checkpoint.resume_at)?;
        Ok(())
        // ANCHOR_END: day6_checkpoint
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
        // ANCHOR: day6_write
        // Number, log and map under one lock, so that all three agree; the sync without it, so
        // that it can be shared.
        let mut last_seq = self.last_seq.lock();
        self.check_open()?;
        if batch.is_empty() {
            return Ok(*last_seq);
        }
        let lsn = self.wal.append(batch.encode(*last_seq + 1))?;
        *last_seq += batch.len() as u64;
        let seq = *last_seq;
        apply(Arc::make_mut(&mut self.map.write()), &batch);
        drop(last_seq);
        self.wal.make_durable(lsn, durability)?;
        Ok(seq)
        // ANCHOR_END: day6_write
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
        // ANCHOR: day6_close
        // Nothing may be written once the directory is free for others: let what is under way
        // finish, and nothing new begin. The lock is let go of even if the sync fails.
        let _no_checkpoint = self.checkpointing.lock();
        let _no_more_writes = self.last_seq.lock();
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let synced = self.wal.close();
        self.lock.lock().take();
        synced
        // ANCHOR_END: day6_close
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
