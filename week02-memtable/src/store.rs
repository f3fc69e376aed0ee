//! The week's store: a log, a memtable that is being written, and full ones.
//!
//! ```text
//!   write ──► line ──► log ──► memtable ──► number ──► acknowledged
//!                       │                     │
//!                       └ sync                └ now it is seen
//!
//!   get, scan, snapshot ──► number, then view: no lock
//! ```
//!
//! What a reader sees is decided by one number, that of the last operation that is *published*. It
//! moves only when a whole batch is in the log, as durable as was asked, and in the memtable. So no
//! reader meets half a batch, and none sees what a power cut could take back.
//!
//! Readers take the number first and the view second. A view that is taken later holds at least
//! what was published before; the other way round, the number could be ahead of the view.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use wal::fs::{Fs, Lock};
use wal::{
    Batch, Counter, Direction, Durability, Engine, Error, KeyRange, LogOptions, Lsn, Reader,
    Recovered, RecoveryMode, Result, Scan, Seq, Stats, Wal, WriteBatch, recover, segment,
};

use crate::key::SEQ_MAX;
use crate::queue::{Group, WriteQueue};
use crate::sync::{Mutex, Number, Place};
use crate::view::{Snapshot, View};

/// How a [`MemStore`] is opened.
#[derive(Debug, Clone)]
pub struct MemOptions {
    /// How the log is laid out.
    pub log: LogOptions,
    /// What to do about bytes in the log that are no record.
    pub recovery: RecoveryMode,
    /// A memtable of this size is full, in bytes. Default 64 MiB.
    ///
    /// Larger ones make fewer and larger files in week 4, and a longer recovery.
    pub memtable_size: usize,
    /// Writers that wait together are written together up to this size, in bytes. Default 1 MiB.
    pub group_size_max: usize,
}

impl Default for MemOptions {
    fn default() -> MemOptions {
        MemOptions {
            log: LogOptions::default(),
            recovery: RecoveryMode::default(),
            memtable_size: 64 << 20,
            group_size_max: 1 << 20,
        }
    }
}

/// A store in memory, whose truth is in the log, and whose readers never wait.
#[derive(Debug)]
pub struct MemStore {
    wal: Wal,
    memtable_size: usize,
    queue: WriteQueue,
    view: Place<View>,
    /// Number of the last operation that readers see.
    published: Number,
    recovered: Recovered,
    closed: AtomicBool,
    lock: Mutex<Option<Lock>>,
}

impl MemStore {
    /// Opens the store in `dir`, making it if there is none.
    ///
    /// **Day 5**, chapter `week02/day5-freeze.md`. As week 1's store, without a checkpoint: the lock
    /// first, then the log from its beginning. Memtables that fill up on the way are frozen, as
    /// they were when the batches were written.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if the store is open elsewhere; nothing was touched then.
    /// [`Error::Corruption`] if the log is damaged, or is not this store's; [`Error::Io`].
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, options: MemOptions) -> Result<MemStore> {
        // The directory, its lock, its name in the directory above. Then replay each record, and
        // publish the last number.
        todo!("day 5: open")
    }

    /// Writes a group of batches: log, memtable, number. Returns the number of its last operation.
    ///
    /// **Day 5**. Only one thread at a time is here. Nothing of the group is seen before all of it
    /// is as durable as asked.
    ///
    /// # Errors
    ///
    /// As for [`Engine::write`]; nothing of the group is ever seen then.
    fn write_group(&self, mut group: Group) -> Result<Seq> {
        // Closed? Full? Then the log, as durable as asked; then each operation with its number;
        // and the number last. Mind which view you insert into.
        todo!("day 5: write group")
    }

    /// Freezes the active memtable if it is full.
    ///
    /// **Day 5**. Called by whoever writes, so nobody adds to the table meanwhile.
    fn freeze_if_full(&self) {
        // `Place::get` gives the view to keep, `Place::set` puts the next one in its place.
        todo!("day 5: freeze if full")
    }

    /// The store as it is now.
    ///
    /// **Day 5**.
    fn now(&self) -> Result<Snapshot> {
        self.check_open()?;
        // Two reads. Which one first?
        todo!("day 5: now")
    }

    /// What was found when the store was opened.
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// [`Error::Closed`] after [`close`](Engine::close).
    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }
}

/// Applies the batch that a record of the log holds, the next in the store's history, to the active
/// memtable of `view`.
///
/// **Day 5**.
///
/// # Errors
///
/// Says what is wrong: the bytes are no batch, or its numbers are not those after `last_seq`.
fn replay(view: &View, last_seq: &mut Seq, payload: &[u8]) -> Result<(), String> {
    // Decode, compare the numbers, insert. No number is above `SEQ_MAX`.
    todo!("day 5: replay")
}

/// The error for the record at `lsn`, which is whole but not what this store wrote there.
fn not_ours(fs: &dyn Fs, dir: &Path, lsn: Lsn, reason: String) -> Error {
    match segment::holding(fs, dir, lsn) {
        Err(error) => error,
        Ok(segment) => Error::corruption(&segment.path, lsn - segment.base, reason),
    }
}

impl Reader for MemStore {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.now()?.get(key)
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Scan<'_>> {
        Ok(self.now()?.into_scan(range, direction))
    }
}

impl Engine for MemStore {
    fn write(&self, batch: WriteBatch, durability: Durability) -> Result<Seq> {
        self.check_open()?;
        if batch.is_empty() {
            return Ok(self.published.get());
        }
        self.queue.write(batch, durability, |group| self.write_group(group))
    }

    fn snapshot(&self) -> Result<Box<dyn Reader>> {
        Ok(Box::new(self.now()?))
    }

    fn sync(&self) -> Result<()> {
        self.check_open()?;
        self.wal.sync()
    }

    fn stats(&self) -> Stats {
        let view = self.view.get();
        let log = self.wal.stats();
        let tables = || [&view.active].into_iter().chain(view.frozen.iter().map(|f| &f.table));
        let counter = |name, unit, value| Counter { name, unit, value };
        Stats {
            engine: "MemStore",
            counters: vec![
                counter("versions", "", tables().map(|table| table.len() as u64).sum()),
                counter("memory", "bytes", tables().map(|table| table.size() as u64).sum()),
                counter("frozen_tables", "", view.frozen.len() as u64),
                counter("last_seq", "", self.published.get()),
                counter("log_records", "", log.records),
                counter("log_bytes", "bytes", log.bytes),
                counter("log_end", "bytes", self.wal.end()),
                counter("syncs", "", log.syncs),
                counter("recovered_records", "", self.recovered.records),
                counter("torn_bytes", "bytes", self.recovered.torn_bytes),
            ],
        }
    }

    fn close(&self) -> Result<()> {
        self.queue.alone(|| {
            if self.closed.swap(true, Ordering::AcqRel) {
                return Ok(());
            }
            let synced = self.wal.close();
            self.lock.lock().take();
            synced
        })
    }
}
