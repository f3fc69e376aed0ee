//! A version: the tables of each level at one moment, open, for whoever reads.
//!
//! ```text
//!   get(k)     level 0   each table that spans k, newest first    until one knows the key
//!              level 1   the one table that spans k
//!              level 2   the one table that spans k
//!
//!   cursor     level 0   a cursor for each table        ┐
//!              level 1   one cursor, table after table  ├ a merge
//!              level 2   one cursor, table after table  ┘
//! ```
//!
//! A version is never changed: what a reader has, it keeps. A flush or a compaction makes the next
//! one, which shares all other tables with it. A table that no manifest names any more is a file
//! for as long as some version has it.
//!
//! Merging forgets: of versions that no reader could see any more, compaction keeps the newest. So a
//! version can answer only for snapshots from some number on, its `floor`.

mod level;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use memtable::Lookup;
use sstable::{BlockCache, Table};
use wal::fs::Fs;
use wal::{Error, Result, Seq};

use crate::files::table_path;
use crate::levels::{LEVEL_COUNT, Levels, TableMeta};
use crate::source::Source;
use crate::values::{LiveFiles, ValueFile};

pub use self::level::LevelCursor;

/// A table of a store that is open. Versions share it: each has one more `Arc` of it.
pub struct LiveTable {
    /// What the manifest says of it.
    pub meta: Arc<TableMeta>,
    /// The table itself.
    pub table: Table,
    fs: Arc<dyn Fs>,
    /// Whether the file goes when nobody reads it any more.
    is_obsolete: AtomicBool,
    /// Each value file that it points into, and how many bytes of that. Set once, before anybody
    /// reads the table, if there are any.
    values: OnceLock<Vec<(Arc<ValueFile>, u64)>>,
}

impl LiveTable {
    /// Opens table `number` in `dir`.
    ///
    /// # Errors
    ///
    /// Those of [`Table::open`], which name the file.
    pub fn open(
        fs: &Arc<dyn Fs>,
        dir: &Path,
        number: u64,
        cache: Option<Arc<BlockCache>>,
    ) -> Result<LiveTable> {
        let table = Table::open(&**fs, &table_path(dir, number), number, cache)?;
        let meta = Arc::new(TableMeta::of(&table));
        let is_obsolete = AtomicBool::new(false);
        Ok(LiveTable { meta, table, fs: Arc::clone(fs), is_obsolete, values: OnceLock::new() })
    }

    /// Opens the table that a manifest calls `meta`.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if the file is missing, or is another one; those of [`Table::open`].
    pub fn reopen(
        fs: &Arc<dyn Fs>,
        dir: &Path,
        meta: &TableMeta,
        cache: Option<Arc<BlockCache>>,
    ) -> Result<LiveTable> {
        let path = table_path(dir, meta.number);
        let damaged = |reason| Error::corruption(&path, 0, reason);
        match LiveTable::open(fs, dir, meta.number, cache) {
            Err(error) if error.is_not_found() => {
                Err(damaged("the manifest names it, and it is not there"))
            }
            Ok(table) if *table.meta != *meta => {
                Err(damaged("it is not the table that the manifest names"))
            }
            opened => opened,
        }
    }

    /// Says that no manifest names the file any more. It is still there: whoever has the table reads
    /// on, and the last of them takes the file along.
    pub fn retire(&self) {
        if !self.is_obsolete.swap(true, Ordering::Release) {
            self.values().iter().for_each(|(file, _)| file.release());
        }
    }

    /// Each value file that it points into, and how many bytes of that.
    pub fn values(&self) -> &[(Arc<ValueFile>, u64)] {
        self.values.get().map_or(&[], Vec::as_slice)
    }

    /// Says into which value files it points: they stay for as long as the table does.
    ///
    /// # Panics
    ///
    /// If that was said before.
    pub fn set_values(&self, values: Vec<(Arc<ValueFile>, u64)>) {
        values.iter().for_each(|(file, _)| file.hold());
        assert!(self.values.set(values).is_ok(), "table {} has its values", self.meta.number);
    }
}

impl Drop for LiveTable {
    /// Removes the file of a table that is retired; nobody has the table any more.
    ///
    /// **Day 1**, chapter `week04/day1-version.md`. What cannot be removed stays, and nobody hears of
    /// it: the next opener removes it.
    fn drop(&mut self) {
        // ANCHOR: day1_drop
        // `Acquire`, as `retire` has it with `Release`. A `drop` must not panic.
        // STUB: let _ = &self.fs;
        if self.is_obsolete.load(Ordering::Acquire) {
            let _ = self.fs.remove(self.table.path());
        }
        // ANCHOR_END: day1_drop
    }
}

impl fmt::Debug for LiveTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table.fmt(f)
    }
}

/// The tables of each level, open.
#[derive(Debug)]
pub struct Version {
    levels: [Vec<Arc<LiveTable>>; LEVEL_COUNT],
    /// Snapshots below this number may miss what they should see.
    floor: Seq,
    /// The value files that these tables point into.
    values: LiveFiles,
}

impl Version {
    /// The version of these tables: of level 0 the newest first, of all others by key.
    pub fn new(levels: [Vec<Arc<LiveTable>>; LEVEL_COUNT], floor: Seq) -> Version {
        let values = LiveFiles::of(levels.iter().flatten());
        Version { levels, floor, values }
    }

    /// The same tables, whose values were set meanwhile.
    pub(crate) fn with_values(self) -> Version {
        Version::new(self.levels, self.floor)
    }

    /// The version of `levels`, whose tables are among `tables`.
    ///
    /// # Panics
    ///
    /// If one of them is not.
    pub fn of(levels: &Levels, tables: &[Arc<LiveTable>], floor: Seq) -> Version {
        let tables: HashMap<u64, &Arc<LiveTable>> =
            tables.iter().map(|table| (table.meta.number, table)).collect();
        let find = |meta: &Arc<TableMeta>| match tables.get(&meta.number) {
            Some(table) => Arc::clone(table),
            None => panic!("table {} is in the levels, and not among the tables", meta.number),
        };
        let open = |level| levels.level(level).iter().map(find).collect();
        Version::new(std::array::from_fn(open), floor)
    }

    /// The tables of `level`, in the order of [`Levels::level`].
    pub fn level(&self, level: usize) -> &[Arc<LiveTable>] {
        &self.levels[level]
    }

    /// All tables.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<LiveTable>> {
        self.levels.iter().flatten()
    }

    /// The files that its tables need: their own, and the value files that they point into. None of
    /// them ever changes, and all are there for as long as somebody has the version.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let tables = self.tables().map(|table| table.table.path());
        tables.chain(self.values.iter().map(|live| live.file.path()))
    }

    /// The smallest number of a snapshot that this version can answer.
    pub fn floor(&self) -> Seq {
        self.floor
    }

    /// The value files that its tables point into.
    pub fn values(&self) -> &LiveFiles {
        &self.values
    }

    /// What a snapshot at `seq` sees of `key` in these tables.
    ///
    /// **Day 1**, chapter `week04/day1-version.md`. The first table that knows anything of the key
    /// has the last word, and a tombstone is a word, too. Of a pointer into a value file, which only
    /// lab `valuelog` makes, it is the value, with its tag; that is given.
    ///
    /// # Errors
    ///
    /// Those of [`Table::get`], and of [`LiveFiles::read`]. A table that cannot be read is an error,
    /// not a reason to look into an older one.
    ///
    /// # Cost
    ///
    /// Of level 0, a look at each table down to the first that knows; of each level below, a binary
    /// search and one table at most. No allocation besides what [`Table::get`] needs.
    pub fn get(&self, key: &[u8], seq: Seq) -> Result<Lookup> {
        let find = || {
            // ANCHOR: day1_get
            // Level 0 table by table, the others by `table_of`. Only tables that span the key are
            // asked.
            let newest = self.levels[0].iter().filter(|table| table.meta.spans(key));
            let sorted = self.levels[1..].iter().filter_map(|level| table_of(level, key));
            for table in newest.chain(sorted) {
                match table.table.get(key, seq)? {
                    Lookup::Absent => {}
                    known => return Ok(known),
                }
            }
            Ok(Lookup::Absent)
            // ANCHOR_END: day1_get
        };
        let found: Result<Lookup> = find();
        match found? {
            Lookup::Value(stored) if !self.values.is_empty() => {
                Ok(Lookup::Value(self.values.resolve(key, stored)?))
            }
            known => Ok(known),
        }
    }

    /// Cursors over all tables, the newest first: what a merge needs.
    pub fn cursors(&self) -> Vec<Source<'_>> {
        cursors(&self.levels)
    }
}

/// Cursors over these tables of each level, the newest first: what a merge needs. For a level below 0
/// it is one, and none for one without tables.
///
/// **Day 1**.
///
/// # Cost
///
/// Nothing is read before a cursor is moved.
pub(crate) fn cursors(levels: &[Vec<Arc<LiveTable>>; LEVEL_COUNT]) -> Vec<Source<'_>> {
    // ANCHOR: day1_cursors
    // A cursor for each table of level 0, and a `LevelCursor` for each level below that has any.
    let newest = levels[0].iter().map(|table| Source::Table(table.table.cursor()));
    let sorted = levels[1..].iter().filter(|level| !level.is_empty());
    newest.chain(sorted.map(|level| Source::Level(LevelCursor::new(level)))).collect()
    // ANCHOR_END: day1_cursors
}

/// The table of `level`, which is in the order of its keys, that spans `key`: the only one that can
/// have a version of it.
///
/// **Day 1**.
///
/// # Cost
///
/// A binary search over the largest keys.
fn table_of<'a>(level: &'a [Arc<LiveTable>], key: &[u8]) -> Option<&'a Arc<LiveTable>> {
    // ANCHOR: day1_table_of
    // The first that does not end before the key. It may begin behind it.
    let index = level.partition_point(|table| table.meta.largest[..] < *key);
    level.get(index).filter(|table| table.meta.smallest[..] <= *key)
    // ANCHOR_END: day1_table_of
}
