//! The engine: week 2's store in front, tables behind it, and two threads that keep them in order.
//!
//! ```text
//!   write ──► back-pressure ──► log and memtable ──► acknowledged
//!                                    │ full
//!                                    ▼
//!                       flush ──► level 0 ──► compaction ──► levels below
//!
//!   get ──► memtable, frozen ones ──► level 0 ──► level 1 ──► …     no lock on the way
//! ```
//!
//! Readers look at memory first and take the version second: what leaves memory meanwhile is in the
//! version by then. And they look at the version's floor: if what they want to see could be merged
//! away in it, they begin again, with a newer number.

mod checkpoint;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use bytes::Bytes;
use memtable::{Flush, Lookup, MemStore, Merge, View, Visible};
use parking_lot::Mutex;
use self_cell::self_cell;
use wal::fs::{Fs, Lock};
use wal::{
    Counter, Direction, Durability, Engine, Entry, Error, KeyRange, Reader, Recovered, Result,
    Scan, Seq, Stats, Visitor, WriteBatch, show_all,
};

use crate::files::{LOCK, LOG};
use crate::levels::LEVEL_COUNT;
use crate::options::LsmOptions;
use crate::source::Source;
use crate::tree::Tree;
use crate::values::LiveFile;
use crate::version::Version;

/// A log-structured merge tree: an engine whose writes are never in place.
pub struct Lsm {
    store: Arc<Store>,
    compactor: Mutex<Option<JoinHandle<()>>>,
    closed: AtomicBool,
}

/// What snapshots read. A read that is under way keeps it when the engine is dropped, and with it the
/// flusher, which writes: so the lock is here as well, and goes last.
struct Store {
    mem: MemStore,
    tree: Arc<Tree>,
    lock: Mutex<Option<Lock>>,
}

impl Lsm {
    /// Opens the store in `dir`, making it if there is none.
    ///
    /// **Day 6**, chapter `week04/day6-engine.md`. What it holds is a function of what is in the
    /// directory, and of nothing else.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if the store is open elsewhere; nothing was touched then.
    /// [`Error::Corruption`] names the file that is damaged or missing, and nothing was removed;
    /// [`Error::Io`].
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, options: LsmOptions) -> Result<Lsm> {
        // ANCHOR: day6_open
        // The directory, its lock and its name; the tables, and the log from where it goes on. If all
        // that is there, the orphans go. The thread that compacts begins last.
        fs.create_dir(dir)?;
        let lock = fs.lock(&dir.join(LOCK))?;
        fs.sync_dir(dir.parent().unwrap_or(dir))?;
        let mut mem = options.mem();
        let tree = Arc::new(Tree::open(Arc::clone(&fs), dir, options)?);
        mem.begin = tree.flushed();
        mem.flush = Some(Arc::clone(&tree) as Arc<dyn Flush>);
        let mem = MemStore::open(fs, &dir.join(LOG), mem)?;
        tree.remove_orphans()?;
        let compactor = std::thread::spawn({
            let tree = Arc::clone(&tree);
            move || tree.run_compactor()
        });
        Ok(Lsm {
            store: Arc::new(Store { mem, tree, lock: Mutex::new(Some(lock)) }),
            compactor: Mutex::new(Some(compactor)),
            closed: AtomicBool::new(false),
        })
        // ANCHOR_END: day6_open
    }

    /// What was found in the log when the store was opened.
    pub fn recovered(&self) -> Recovered {
        self.store.mem.recovered()
    }

    /// Its tables now, to keep. In a store with a value log, what they have for a key has a tag.
    pub fn version(&self) -> Arc<Version> {
        self.store.tree.version()
    }

    /// Waits until nothing is to be compacted of what is in tables.
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`] if a flush or a compaction has failed, [`Error::Closed`].
    pub fn settle(&self) -> Result<()> {
        self.store.tree.settle()
    }

    /// Ends the thread that compacts, when it has finished the table that it is at.
    fn stop_compactor(&self) {
        self.store.tree.stop();
        if let Some(compactor) = self.compactor.lock().take() {
            // What it panicked of is the store's failure by now.
            let _ = compactor.join();
        }
    }

    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }
}

impl Store {
    /// What is seen now of `key`.
    ///
    /// **Day 6**.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        // ANCHOR: day6_get
        // Memory, and if that knows nothing, the version. Is its floor above the number that you
        // have seen memory at? Begin again.
        loop {
            let (seq, found) = self.mem.read(|seq, view| (seq, view.get(key, seq)))?;
            if found != Lookup::Absent {
                return Ok(found.into_value());
            }
            let version = self.tree.current();
            if version.floor() <= seq {
                return Ok(version.get(key, seq)?.into_value());
            }
        }
        // ANCHOR_END: day6_get
    }

    /// What a snapshot at `seq` sees of `key`.
    ///
    /// **Day 6**.
    fn get_at(&self, key: &[u8], seq: Seq) -> Result<Option<Bytes>> {
        // ANCHOR: day6_get_at
        // As `get`, without a look at the floor: compaction keeps what an alive snapshot sees.
        match self.mem.read(|_, view| view.get(key, seq))? {
            Lookup::Absent => Ok(self.tree.current().get(key, seq)?.into_value()),
            known => Ok(known.into_value()),
        }
        // ANCHOR_END: day6_get_at
    }

    /// Memory and tables of one instant, and the number at which they are seen.
    ///
    /// **Day 6**.
    fn now(&self) -> Result<(Seq, Picture)> {
        // ANCHOR: day6_now
        // As `get`: memory first, then the version, and its floor.
        loop {
            let now = self.mem.now()?;
            let version = self.tree.version();
            if version.floor() <= now.seq {
                return Ok((now.seq, Picture { view: now.view, version }));
            }
        }
        // ANCHOR_END: day6_now
    }

    /// Shows what `picture` has in a range to `visitor`, in a direction and as seen at a number.
    fn visit(
        &self,
        picture: Picture,
        (range, direction, seq): (KeyRange, Direction, Seq),
        visitor: &mut Visitor<'_>,
    ) -> Result<()> {
        if self.tree.tags().are_there() {
            // What stands in a table is not the value.
            let scan = picture.into_scan(range, direction, seq);
            return show_all(self.tree.tags().take_off_all(scan), visitor);
        }
        Visible::new(picture.cursor(), range, direction, seq)
            .visit(|merge| merge.source().map_or(&[], Source::value), visitor)
    }
}

/// Memory and tables, of which nothing goes as long as somebody has them.
struct Picture {
    view: Arc<View>,
    version: Arc<Version>,
}

impl Picture {
    /// A scan at number `seq`, which keeps the picture.
    fn into_scan(self, range: KeyRange, direction: Direction, seq: Seq) -> Scan<'static> {
        Box::new(PictureScan::new(self, |picture| {
            Visible::new(picture.cursor(), range, direction, seq)
        }))
    }

    /// One cursor over memory and tables.
    ///
    /// **Day 6**.
    fn cursor(&self) -> Merge<Source<'_>> {
        // ANCHOR: day6_cursor
        // The newest source first: the memtable that is written, the frozen ones, the version's.
        let frozen = self.view.frozen.iter().map(|frozen| &frozen.table);
        let memory = [&self.view.active].into_iter().chain(frozen);
        let memory = memory.map(|table| Source::Mem(table.cursor()));
        Merge::new(memory.chain(self.version.cursors()).collect())
        // ANCHOR_END: day6_cursor
    }
}

type PictureCursor<'a> = Visible<Merge<Source<'a>>>;

self_cell! {
    /// A scan and what its cursors borrow from.
    struct PictureScan {
        owner: Picture,
        #[not_covariant]
        dependent: PictureCursor,
    }
}

impl Iterator for PictureScan {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        self.with_dependent_mut(|picture, visible| {
            let values = picture.version.values();
            let entry = visible.next()?;
            Some(match values.is_empty() {
                true => entry,
                false => entry.and_then(|(key, stored)| {
                    let value = values.resolve(&key, stored)?;
                    Ok((key, value))
                }),
            })
        })
    }
}

/// A store as it was after operation `seq`. Compaction keeps what it sees.
struct Snapshot {
    /// Nobody, if the store is gone: then the snapshot is closed, as the store is.
    store: Weak<Store>,
    seq: Seq,
}

impl Snapshot {
    fn store(&self) -> Result<Arc<Store>> {
        self.store.upgrade().ok_or(Error::Closed)
    }

    /// Memory and tables, which have all that it sees.
    ///
    /// **Day 6**.
    fn picture(&self, store: &Store) -> Result<Picture> {
        // ANCHOR: day6_picture
        // As `now` takes one, but without a look at the floor.
        let view = store.mem.now()?.view;
        Ok(Picture { view, version: store.tree.version() })
        // ANCHOR_END: day6_picture
    }
}

impl Reader for Snapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let store = self.store()?;
        store.tree.tags().take_off(store.get_at(key, self.seq)?)
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Scan<'_>> {
        let store = self.store()?;
        let scan = self.picture(&store)?.into_scan(range, direction, self.seq);
        Ok(store.tree.tags().take_off_all(scan))
    }

    fn visit(
        &self,
        range: KeyRange,
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<()> {
        let store = self.store()?;
        store.visit(self.picture(&store)?, (range, direction, self.seq), visitor)
    }
}

impl Drop for Snapshot {
    /// **Day 6**. Compaction need not know of it any more.
    fn drop(&mut self) {
        // ANCHOR: day6_snapshot_drop
        // If the store is still there.
        // STUB: let _ = &self.store;
        if let Some(store) = self.store.upgrade() {
            store.tree.snapshots().remove(self.seq);
        }
        // ANCHOR_END: day6_snapshot_drop
    }
}

impl Reader for Lsm {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.store.tree.tags().take_off(self.store.get(key)?)
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Scan<'_>> {
        let (seq, picture) = self.store.now()?;
        Ok(self.store.tree.tags().take_off_all(picture.into_scan(range, direction, seq)))
    }

    fn visit(
        &self,
        range: KeyRange,
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<()> {
        let (seq, picture) = self.store.now()?;
        self.store.visit(picture, (range, direction, seq), visitor)
    }
}

impl Engine for Lsm {
    /// **Day 6**. An empty batch changes nothing, and waits for nothing.
    fn write(&self, batch: WriteBatch, durability: Durability) -> Result<Seq> {
        let batch = self.store.tree.tags().put_on(batch);
        // ANCHOR: day6_write
        // Open? May it begin? Then memory has it.
        self.check_open()?;
        if !batch.is_empty() {
            self.store.tree.admit()?;
        }
        self.store.mem.write(batch, durability)
        // ANCHOR_END: day6_write
    }

    /// **Day 6**. Compaction knows of it before anybody has it.
    fn snapshot(&self) -> Result<Box<dyn Reader>> {
        // ANCHOR: day6_snapshot
        // Its number is taken inside of `Snapshots::add`: between the two no compaction begins.
        let store = &self.store;
        let seq = store.tree.snapshots().add(|| store.mem.read(|seq, _| seq))?;
        Ok(Box::new(Snapshot { store: Arc::downgrade(store), seq }))
        // ANCHOR_END: day6_snapshot
    }

    fn sync(&self) -> Result<()> {
        self.store.mem.sync()
    }

    fn stats(&self) -> Stats {
        const LEVEL_NAMES: [(&str, &str); LEVEL_COUNT] = [
            ("level0_tables", "level0_bytes"),
            ("level1_tables", "level1_bytes"),
            ("level2_tables", "level2_bytes"),
            ("level3_tables", "level3_bytes"),
            ("level4_tables", "level4_bytes"),
            ("level5_tables", "level5_bytes"),
            ("level6_tables", "level6_bytes"),
        ];
        let (tree, version) = (&self.store.tree, self.version());
        let counter = |name, unit, value| Counter { name, unit, value };
        let count =
            |name, unit, value: &AtomicU64| counter(name, unit, value.load(Ordering::Relaxed));
        let mut counters = self.store.mem.stats().counters;
        for (level, (tables, bytes)) in LEVEL_NAMES.into_iter().enumerate() {
            let size = version.level(level).iter().map(|table| table.meta.size).sum();
            counters.push(counter(tables, "", version.level(level).len() as u64));
            counters.push(counter(bytes, "bytes", size));
        }
        let (done, cache, values) = (tree.counters(), tree.cache().stats(), version.values());
        counters.extend([
            count("flushes", "", &done.flushes),
            count("flushed_bytes", "bytes", &done.flushed_bytes),
            count("compactions", "", &done.compactions),
            count("moves", "", &done.moves),
            count("compaction_read", "bytes", &done.compaction_read),
            count("compaction_written", "bytes", &done.compaction_written),
            count("slowed_writes", "", &done.slowed_writes),
            count("stopped_writes", "", &done.stopped_writes),
            counter("value_files", "", values.iter().count() as u64),
            counter("value_bytes", "bytes", values.iter().map(|file| file.size()).sum()),
            counter("value_garbage", "bytes", values.iter().map(LiveFile::garbage).sum()),
            count("value_written", "bytes", &done.value_written),
            counter("snapshots", "", tree.snapshots().count() as u64),
            counter("cache_hits", "", cache.hits),
            counter("cache_misses", "", cache.misses),
        ]);
        Stats { engine: "Lsm", counters }
    }

    /// **Day 6**. Waits for the table that is being written, and for no compaction to end. Who closes
    /// it a second time waits for nothing.
    fn close(&self) -> Result<()> {
        // ANCHOR: day6_close
        // Once. The compactor first, then memory with its flusher; the lock last, whatever came.
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.stop_compactor();
        let closed = self.store.mem.close();
        self.store.lock.lock().take();
        closed
        // ANCHOR_END: day6_close
    }
}

impl Drop for Lsm {
    fn drop(&mut self) {
        self.stop_compactor();
    }
}

impl fmt::Debug for Lsm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lsm").field("tree", &self.store.tree).finish_non_exhaustive()
    }
}
