//! The tables of an open store: one version after another, made by flushes and compactions.
//!
//! ```text
//!   frozen memtable ──► flush ──┐                        ┌──► current version ──► readers
//!                               ├──► edit ──► manifest ──┤
//!   tables ──► compaction ──────┘      (durable first)   └──► tables that nobody names any more
//! ```
//!
//! One thread flushes, one compacts; readers wait for neither. An edit is durable before anybody sees
//! what it says, so that nothing that was read can be gone after a power cut.

mod background;
mod merge;
mod parallel;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use memtable::{Flush, Frozen, LogMark};
use parking_lot::{Condvar, Mutex};
use sstable::{BlockCache, TableBuilder, TableOptions};
use wal::fs::Fs;
use wal::{Error, Result, Seq};

use crate::compaction::{Compaction, Survivors, write_tables};
use crate::edit::Edit;
use crate::files::table_path;
use crate::levels::{LEVEL_COUNT, TableMeta};
use crate::manifest::{Manifest, State, orphans};
use crate::moments::{Moment, reach};
use crate::options::{LsmOptions, Strategy};
use crate::pacer::Pacer;
use crate::snapshots::Snapshots;
use crate::source::Source;
use crate::values::{OpenValues, Output, Placing, References, TAGGED, Tags, ValueWriter};
use crate::version::{LiveTable, Version};
use crate::{leveled, tiered, values};

/// The tables of an open store.
pub struct Tree {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    options: LsmOptions,
    cache: Arc<BlockCache>,
    /// What readers see.
    current: ArcSwap<Version>,
    /// Held while an edit is made durable, and its version takes the place of the one before.
    manifest: Mutex<Manifest>,
    /// Files that nobody needed when it was opened.
    orphans: Vec<PathBuf>,
    snapshots: Snapshots,
    tags: Tags,
    /// What compactions in parts wait for before they write.
    pacer: Arc<Pacer>,
    /// Why nothing more is flushed or compacted.
    failure: Mutex<Option<Arc<str>>>,
    /// Signalled, with `failure`, when there is a new version, a failure, or it is time to stop.
    changed: Condvar,
    stopping: AtomicBool,
    has_failed: AtomicBool,
    counters: Counters,
}

/// What was done since the store was opened.
#[derive(Debug, Default)]
pub struct Counters {
    /// Flushes that went well, of nothing too.
    pub flushes: AtomicU64,
    /// Size of these tables, in bytes.
    pub flushed_bytes: AtomicU64,
    /// Compactions that went well, but for moves.
    pub compactions: AtomicU64,
    /// Compactions that moved a table.
    pub moves: AtomicU64,
    /// Size of the tables that went into compactions, in bytes.
    pub compaction_read: AtomicU64,
    /// Size of those that came of them, in bytes.
    pub compaction_written: AtomicU64,
    /// Size of the records that were written to value files, in bytes.
    pub value_written: AtomicU64,
    /// Writes that waited a little.
    pub slowed_writes: AtomicU64,
    /// Writes that waited for compaction.
    pub stopped_writes: AtomicU64,
}

impl Counters {
    fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

impl Tree {
    /// Opens the tables that the manifest in `dir` names. Nothing is removed: see
    /// [`remove_orphans`](Tree::remove_orphans).
    ///
    /// # Errors
    ///
    /// Those of [`Manifest::recover`], of [`LiveTable::reopen`] and of [`Manifest::create`]; of a store
    /// with a value log, those of [`values::check_setting`] and of [`OpenValues::open`].
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, options: LsmOptions) -> Result<Tree> {
        let cache = Arc::new(BlockCache::new(options.cache_size));
        let mut state = Manifest::recover(&*fs, dir)?;
        let mut values = OpenValues::default();
        if options.value_min.is_some() || state.notes.contains_key(&TAGGED) {
            values::check_setting(&*fs, dir, &mut state, &options)?;
            values = OpenValues::open(&fs, dir, &state)?;
        }
        let (manifest, mut version) = open_tables(&fs, dir, state, &cache)?;
        let mut orphans = orphans(&*fs, dir, &manifest)?;
        if options.value_min.is_some() {
            values.give_to(version.tables());
            version = version.with_values();
            orphans.extend(values::orphans(&*fs, dir, manifest.state())?);
        }
        Ok(Tree {
            orphans,
            fs,
            tags: Tags::of(dir, &options),
            dir: dir.to_path_buf(),
            pacer: Arc::new(Pacer::new(options.compaction_rate)),
            options,
            cache,
            current: ArcSwap::from_pointee(version),
            manifest: Mutex::new(manifest),
            snapshots: Snapshots::default(),
            failure: Mutex::new(None),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            counters: Counters::default(),
        })
    }

    /// Removes the files that nobody needed when it was opened. Their numbers are not given out again.
    ///
    /// Call it once, when the log has been read, too.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], with which opening fails: a disk that cannot remove is no good. What is left does no
    /// harm, and goes the next time.
    pub fn remove_orphans(&self) -> Result<()> {
        self.orphans.iter().try_for_each(|path| match self.fs.remove(path) {
            // Somebody who read it to the end has removed it.
            Err(error) if error.is_not_found() => Ok(()),
            removed => removed,
        })
    }

    /// What readers see now, for a moment: no reference is counted, no lock taken.
    pub fn current(&self) -> impl std::ops::Deref<Target = Arc<Version>> + use<> {
        reach(Moment::BeforeVersion);
        let current = self.current.load();
        reach(Moment::AfterVersion);
        current
    }

    /// What readers see now, to keep.
    pub fn version(&self) -> Arc<Version> {
        reach(Moment::BeforeVersion);
        let version = self.current.load_full();
        reach(Moment::AfterVersion);
        version
    }

    /// Where the log goes on.
    pub fn flushed(&self) -> LogMark {
        self.manifest.lock().state().flushed
    }

    /// What the manifest says now, and the tables that it names: whoever has these keeps their files.
    pub fn pinned(&self) -> (State, Arc<Version>) {
        // With the manifest locked, no edit comes between the two.
        let pinned = {
            let manifest = self.manifest.lock();
            (manifest.state().clone(), self.version())
        };
        reach(Moment::Pinned);
        pinned
    }

    /// Where the tables are.
    pub(crate) fn place(&self) -> (&Arc<dyn Fs>, &Path) {
        (&self.fs, &self.dir)
    }

    /// The blocks that were read.
    pub fn cache(&self) -> &BlockCache {
        &self.cache
    }

    /// What values have in front of them in memory and in tables.
    pub(crate) fn tags(&self) -> &Tags {
        &self.tags
    }

    /// The snapshots that are alive.
    pub fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    /// What was done since it was opened.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Makes tables of what survives of `sources`, for `level`: complete, synced, open, and named by
    /// nobody yet; so is the value file that they point into, if there is one. `snapshots` ascend, and
    /// `is_oldest` says of a key whether nothing older has it; `may_go_on` is asked before each table.
    ///
    /// Do not hold the manifest meanwhile: each table takes a number from it.
    ///
    /// # Errors
    ///
    /// Those of the sources, of the builders and of `may_go_on`; no table is left then.
    fn write(
        &self,
        sources: Vec<Source<'_>>,
        snapshots: &[Seq],
        is_oldest: &dyn Fn(&[u8]) -> bool,
        level: usize,
        may_go_on: impl Fn() -> Result<()>,
    ) -> Result<Vec<Arc<LiveTable>>> {
        let mut tables = Vec::new();
        let written = Survivors::new(sources, snapshots, is_oldest).and_then(|survivors| {
            self.write_to(&self.fs, survivors, level, may_go_on, &mut tables)
        });
        if let Err(error) = written {
            tables.iter().for_each(|table| table.retire());
            return Err(error);
        }
        Ok(tables)
    }

    /// As [`write`](Tree::write), of `survivors` and to the disk `fs`. Each table is put into `tables`,
    /// which has none yet, when it is complete, and stays there whatever comes.
    fn write_to(
        &self,
        fs: &Arc<dyn Fs>,
        mut survivors: Survivors<'_>,
        level: usize,
        may_go_on: impl Fn() -> Result<()>,
        tables: &mut Vec<Arc<LiveTable>>,
    ) -> Result<()> {
        let mut references = Vec::new();
        let number = Cell::new(0);
        let version = self.version();
        let begin_values = || {
            let number = self.manifest.lock().new_number()?;
            ValueWriter::create(fs, &self.dir, number as u32)
        };
        let placing = self.options.value_min.map(|value_min| {
            let settings = (value_min, self.options.value_garbage_percent);
            RefCell::new(Placing::new(&self.dir, settings, version.values(), &begin_values))
        });
        let begin = || {
            may_go_on()?;
            number.set(self.manifest.lock().new_number()?);
            let path = table_path(&self.dir, number.get());
            let table = TableBuilder::create(Arc::clone(fs), &path, self.table_options(level))?;
            Ok(Output { table, placing: placing.as_ref(), references: References::default() })
        };
        let finish = |output: Output<'_, '_>| {
            output.table.finish()?;
            references.push(output.references);
            let cache = Some(Arc::clone(&self.cache));
            let opened = LiveTable::open(&self.fs, &self.dir, number.get(), cache);
            if opened.is_err() {
                // If it stays, the next opener removes it.
                let _ = self.fs.remove(&table_path(&self.dir, number.get()));
            }
            tables.push(Arc::new(opened?));
            Ok(())
        };
        // A run of level 0 is one table.
        let table_size = if level == 0 { u64::MAX } else { self.options.table_size };
        write_tables(&mut survivors, table_size, begin, finish)?;
        if let Some(placing) = placing {
            let size = placing.into_inner().finish(tables, &references)?;
            Counters::add(&self.counters.value_written, size);
        }
        Ok(())
    }

    pub(crate) fn table_options(&self, level: usize) -> TableOptions {
        let mut options = self.options.table.clone();
        if let Some(codec) = self.options.last_codec.filter(|_| level == LEVEL_COUNT - 1) {
            options.codec = codec;
        }
        options
    }

    /// [`install`](Tree::install)s `edit`, and wakes all who wait for a change.
    ///
    /// # Errors
    ///
    /// Those of [`install`](Tree::install).
    fn apply(&self, mut edit: Edit, added: &[Arc<LiveTable>], floor: Seq) -> Result<()> {
        if self.options.value_min.is_some() {
            values::note_references(&mut edit, added);
        }
        self.install(edit, added, floor)?;
        self.lift_limit();
        self.notify();
        Ok(())
    }

    /// Makes `edit` count, and lets readers see it. `added` are the tables that it adds and that no
    /// version has yet; snapshots below `floor` cannot be answered from then on.
    ///
    /// **Day 3**. A floor never sinks.
    ///
    /// # Errors
    ///
    /// Those of [`Manifest::append`]; readers see no change. [`Error::Poisoned`] says that nothing was
    /// written, and `added` is retired. With any other nobody knows whether the edit counts, and no
    /// file goes.
    fn install(&self, edit: Edit, added: &[Arc<LiveTable>], floor: Seq) -> Result<()> {
        // Durable first, then seen; what is in no level any more is retired last. Hold the manifest
        // all the while, the look at the current version included: two edits must not be seen in
        // another order. A manifest that is poisoned has written nothing.
        todo!("day 3: install")
    }

    /// The next compaction, if one is due.
    pub fn pick(&self) -> Option<Compaction> {
        let manifest = self.manifest.lock();
        let levels = &manifest.state().levels;
        let picked = match self.options.strategy {
            Strategy::Leveled => leveled::pick(levels, &self.options),
            Strategy::Tiered => tiered::pick(levels, &self.options),
        };
        let percent = self.options.value_garbage_percent;
        let collect =
            || self.options.value_min.and_then(|_| values::pick(&self.current(), percent));
        picked.or_else(collect)
    }
}

/// The tables that `state` names, which was recovered in `dir`, open, and a new manifest that names
/// the same.
///
/// **Day 3**, chapter `week04/day3-compact.md`. Nobody has a snapshot yet: the version's floor is 0.
///
/// # Errors
///
/// Those of [`LiveTable::reopen`]; nothing on disk has changed then. Those of [`Manifest::create`].
///
/// # Cost
///
/// Every table is opened: a few reads each.
fn open_tables(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    state: State,
    cache: &Arc<BlockCache>,
) -> Result<(Manifest, Version)> {
    // The state's tables, each of which must be the one that the manifest means; and a manifest of
    // your own when all of them are there.
    todo!("day 3: open tables")
}

impl Flush for Tree {
    /// A table of level 0, of all that a snapshot could see.
    ///
    /// **Day 3**. The log goes on at the memtable's end, by the same edit that names the table.
    /// A flush that went well is counted, one of nothing too.
    ///
    /// # Cost
    ///
    /// One table written, synced and opened, and one edit.
    fn flush(&self, frozen: &Frozen) -> Result<()> {
        let flush = || {
            // One source, and no tombstone is left out: there is something older, as far as anybody
            // knows. Nothing stops a flush. Readers that come now see at least the largest
            // number that goes in.
            todo!("day 3: flush")
        };
        let flushed: Result<()> = flush();
        if let Err(error) = &flushed {
            self.fail(&format!("a flush failed: {error}"));
        }
        flushed
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree").field("dir", &self.dir).finish_non_exhaustive()
    }
}
