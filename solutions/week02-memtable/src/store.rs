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
use std::sync::atomic::Ordering;

use bytes::Bytes;
use wal::fs::{Fs, Lock};
use wal::{
    Batch, Counter, Direction, Durability, Engine, Error, KeyRange, LogOptions, Lsn, Reader,
    Recovered, RecoveryMode, Result, Scan, Seq, Stats, Visitor, Wal, WriteBatch, recover, segment,
};

use crate::key::SEQ_MAX;
use crate::queue::{Group, WriteQueue};
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{AtomicBool, Mutex, Number};
use crate::tables::{Flush, Tables};
use crate::view::{LogMark, Snapshot, View};

/// How a [`MemStore`] is opened.
#[derive(Debug, Clone)]
pub struct MemOptions {
    /// How the log is laid out.
    pub log: LogOptions,
    /// What to do about bytes in the log that are no record.
    pub recovery: RecoveryMode,
    /// Where the log is to be read from: what is before that has been flushed. Default 0.
    pub begin: LogMark,
    /// A memtable of this size is full, in bytes. Default 64 MiB.
    ///
    /// Larger ones make fewer and larger files in week 4, and a longer recovery.
    pub memtable_size: usize,
    /// Where full memtables go. Default nowhere: then they stay, and so does the log.
    pub flush: Option<Arc<dyn Flush>>,
    /// So many full memtables may wait to be flushed; then writers wait. Default 4.
    ///
    /// Each takes `memtable_size` of memory; with few of them, a slow moment of the disk stops
    /// writers sooner.
    pub frozen_max: usize,
    /// Writers that wait together are written together up to this size, in bytes. Default 1 MiB.
    pub group_size_max: usize,
}

impl Default for MemOptions {
    fn default() -> MemOptions {
        MemOptions {
            log: LogOptions::default(),
            recovery: RecoveryMode::default(),
            begin: LogMark::default(),
            memtable_size: 64 << 20,
            flush: None,
            frozen_max: 4,
            group_size_max: 1 << 20,
        }
    }
}

/// A store in memory, whose truth is in the log, and whose readers never wait.
#[derive(Debug)]
pub struct MemStore {
    wal: Arc<Wal>,
    queue: WriteQueue,
    tables: Arc<Tables>,
    /// The thread that flushes full memtables, if there is one.
    flusher: Mutex<Option<JoinHandle<()>>>,
    /// Number of the last operation that readers see.
    published: Number,
    recovered: Recovered,
    /// Whether a group is half way through [`write_group`](MemStore::write_group).
    half_written: AtomicBool,
    closed: AtomicBool,
    lock: Mutex<Option<Lock>>,
}

impl MemStore {
    /// Opens the store in `dir`, making it if there is none.
    ///
    /// **Day 5**, chapter `week02/day5-freeze.md`. As week 1's store, without a checkpoint: the lock,
    /// the file `LOCK` in the directory, before anything else there; then the log, from the mark
    /// where it begins. Memtables that fill up on the way are frozen, as they were when the batches
    /// were written.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if the store is open elsewhere; nothing was touched then.
    /// [`Error::Corruption`] if the log is damaged, or is not this store's; [`Error::Io`].
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, options: MemOptions) -> Result<MemStore> {
        // ANCHOR: day5_open
        // The directory, its lock, its name in the directory above. Then every record of the log:
        // full? freeze; and replay it. `begin` makes the store of what you have then.
        fs.create_dir(dir)?;
        let lock = fs.lock(&dir.join("LOCK"))?;
        fs.sync_dir(dir.parent().unwrap_or(dir))?;
        let (mut view, LogMark { lsn, seq: mut last_seq }) = (View::new(), options.begin);
        let recovered = recover(&fs, dir, lsn, options.recovery, &mut |record| {
            if view.active.size() >= options.memtable_size {
                view = view.freeze(LogMark { lsn: record.lsn, seq: last_seq });
            }
            replay(&view, &mut last_seq, record.payload)
                .map_err(|reason| not_ours(&*fs, dir, record.lsn, reason))
        })?;
        let wal = Wal::open(Arc::clone(&fs), dir, recovered.end, options.log.clone())?;
        Ok(MemStore::begin(options, lock, recovered, wal, view, last_seq))
        // ANCHOR_END: day5_open
    }

    /// The open store: `view` has what the log had, up to operation `last_seq`, which is published.
    fn begin(
        options: MemOptions,
        lock: Lock,
        recovered: Recovered,
        wal: Wal,
        view: View,
        last_seq: Seq,
    ) -> MemStore {
        // A group is one record.
        let group_size_max = options.group_size_max.min(options.log.payload_size_max());
        let frozen_max = options.flush.is_some().then_some(options.frozen_max);
        let tables = Arc::new(Tables::new(view, options.memtable_size, frozen_max));
        let wal = Arc::new(wal);
        MemStore {
            queue: WriteQueue::new(group_size_max),
            flusher: Mutex::new(begin_flusher(options.flush, &tables, &wal)),
            tables,
            wal,
            published: Number::new(last_seq),
            recovered,
            half_written: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            lock: Mutex::new(Some(lock)),
        }
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
        // ANCHOR: day5_write_group
        // Closed? Full? Then the log, as durable as asked; then each operation with its number;
        // and the number last. Mind which view you insert into.
        self.check_open()?;
        let mut seq = self.published.get();
        self.tables.freeze_if_full(LogMark { lsn: self.wal.end(), seq })?;
        let lsn = self.wal.append(group.batch.encode(seq + 1))?;
        self.wal.make_durable(lsn, group.durability)?;
        let view = self.tables.view().peek();
        for operation in &group.batch {
            seq += 1;
            view.active.insert(seq, operation);
        }
        self.published.set(seq);
        Ok(seq)
        // ANCHOR_END: day5_write_group
    }

    /// [`write_group`](MemStore::write_group), unless it panicked before: then nobody knows what log
    /// and memtable have of that group, and its numbers must not be given out again.
    fn write_whole(&self, group: Group) -> Result<Seq> {
        if self.half_written.swap(true, Ordering::AcqRel) {
            return Err(Error::Poisoned { cause: "a write panicked half way".into() });
        }
        let written = self.write_group(group);
        self.half_written.store(false, Ordering::Release);
        written
    }

    /// The store as it is now: what [`Engine::snapshot`] gives, as a type that says its number.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`].
    ///
    /// # Cost
    ///
    /// Two atomic reads and a reference; no lock, no allocation.
    pub fn now(&self) -> Result<Snapshot> {
        self.read(|seq, view| Snapshot { view: Arc::clone(view), seq })
    }

    /// Does `work` with the number of what is published and a view that holds all operations up to
    /// it.
    ///
    /// **Day 5**.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`]; nothing is done then.
    ///
    /// # Cost
    ///
    /// Two atomic reads; no lock, no allocation, and no reference is counted. The view is held for
    /// the moment that `work` takes: keep a reference in longer work.
    pub fn read<T>(&self, work: impl FnOnce(Seq, &Arc<View>) -> T) -> Result<T> {
        self.check_open()?;
        // ANCHOR: day5_read
        // Two reads, `peek` among them. Which one first?
        let seq = self.published.get();
        Ok(work(seq, &self.tables.view().peek()))
        // ANCHOR_END: day5_read
    }

    /// What was found when the store was opened.
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// Ends the thread that flushes, when it has done what it is at: from then on nobody touches the
    /// directory.
    fn stop_flusher(&self) {
        self.tables.stop();
        if let Some(flusher) = self.flusher.lock().take() {
            // What it panicked of it has printed.
            let _ = flusher.join();
        }
    }

    /// [`Error::Closed`] after [`close`](Engine::close).
    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }
}

impl Drop for MemStore {
    fn drop(&mut self) {
        self.stop_flusher();
    }
}

/// Starts the thread that flushes full memtables, if they go anywhere.
fn begin_flusher(
    flush: Option<Arc<dyn Flush>>,
    tables: &Arc<Tables>,
    wal: &Arc<Wal>,
) -> Option<JoinHandle<()>> {
    let (tables, wal) = (Arc::clone(tables), Arc::clone(wal));
    flush.map(|flush| thread::spawn(move || tables.run_flusher(&*flush, &wal)))
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
    // ANCHOR: day5_replay
    // Decode, compare the numbers, insert. No number is above `SEQ_MAX`.
    let batch = Batch::decode(payload).map_err(|malformed| malformed.to_string())?;
    if batch.first_seq.checked_sub(1) != Some(*last_seq) {
        let found = batch.first_seq;
        return Err(format!("operation {found} follows operation {last_seq}"));
    }
    if batch.last_seq() > SEQ_MAX {
        return Err(format!("operation {} has a number of more than 56 bits", batch.last_seq()));
    }
    for operation in batch.operations {
        *last_seq += 1;
        view.active.insert(*last_seq, operation);
    }
    Ok(())
    // ANCHOR_END: day5_replay
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
        self.read(|seq, view| view.get(key, seq).into_value())
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Scan<'_>> {
        Ok(self.now()?.into_scan(range, direction))
    }

    fn visit(
        &self,
        range: KeyRange,
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<()> {
        self.now()?.visit(range, direction, visitor)
    }
}

impl Engine for MemStore {
    fn write(&self, batch: WriteBatch, durability: Durability) -> Result<Seq> {
        self.check_open()?;
        if batch.is_empty() {
            return Ok(self.published.get());
        }
        // ANCHOR: day6_engine_write
        // Until day 6 each writer is alone. From then on it stands in line.
        // STUB: self.queue.alone(|| self.write_whole(Group { batch, durability }))
        self.queue.write(batch, durability, |group| self.write_whole(group))
        // ANCHOR_END: day6_engine_write
    }

    fn snapshot(&self) -> Result<Box<dyn Reader>> {
        Ok(Box::new(self.now()?))
    }

    fn sync(&self) -> Result<()> {
        self.check_open()?;
        self.wal.sync()
    }

    fn stats(&self) -> Stats {
        let view = self.tables.view().get();
        let log = self.wal.stats();
        let tables = || [&view.active].into_iter().chain(view.frozen.iter().map(|f| &f.table));
        let frozen_end = view.frozen.first().map(|newest| newest.end).unwrap_or_default();
        let counter = |name, unit, value| Counter { name, unit, value };
        Stats {
            engine: "MemStore",
            counters: vec![
                counter("versions", "", tables().map(|table| table.len() as u64).sum()),
                counter("memory", "bytes", tables().map(|table| table.size() as u64).sum()),
                counter("frozen_tables", "", view.frozen.len() as u64),
                counter("frozen_end", "bytes", frozen_end.lsn),
                counter("frozen_last_seq", "", frozen_end.seq),
                counter("last_seq", "", self.published.get()),
                counter("waiting_writers", "", self.queue.waiting() as u64),
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
            self.stop_flusher();
            let synced = self.wal.close();
            self.lock.lock().take();
            synced
        })
    }
}
