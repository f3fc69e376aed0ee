//! What day 3's tests are given: memtables, stores of tables, and lists beside them.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use lsm::compaction::{Compaction, Survivor, Survivors};
use lsm::{LEVEL_COUNT, LsmOptions, Source, TableMeta, Tree, Version};
use memtable::{Cursor, Flush, Frozen, Kind, LogMark, Lookup, Merge, StoreTable};
use sstable::{Codec, TableOptions};
use wal::fs::{File, Fs, Lock, SimFs};
use wal::testing::{Workload, show};
use wal::{Operation, Result, Seq};

pub(super) use crate::entries::{Entry, entries, in_order};
pub(super) use crate::walk::entry_of;

pub(super) const SEEN: &str = "(rule 1 of day 3: of the versions of a key that lie between two \
                               neighbouring snapshots, the newest stays, and no other; what is newer \
                               than all snapshots stays)";
pub(super) const FLOOR: &str = "(rule 1 of day 3: the last snapshot of a merge is the largest number \
                                that goes into it; that is the floor of the next version, and a \
                                floor never sinks)";
pub(super) const HIDES: &str = "(rule 2 of day 3: a tombstone goes if every snapshot sees it and \
                                nothing older could have a version of its key; else it stays, and a \
                                flush keeps its tombstones)";
pub(super) const LOG: &str = "(rule 4 of day 3: one edit says all that a flush changes, and so where \
                              the log goes on)";
pub(super) const CUT: &str = "(rule 3 of day 3: a table ends when it has its size, and never between \
                              two versions of a key; without entries there is none; one is finished \
                              before the next is begun)";
pub(super) const DURABLE: &str = "(rule 4 of day 3: tables are on disk before an edit names them, and \
                                  an edit is on disk before anybody sees what it says; until then \
                                  the old tables are the store)";
pub(super) const MEANWHILE: &str = "(rule 4 of day 3: flushes go on while a compaction runs, and each \
                                    edit changes what the one before has left, and nothing else)";
pub(super) const LEAVES: &str = "(rule 5 of day 3: a table that no manifest names goes when nobody \
                                 reads it, and what failed leaves no table behind)";

pub(super) const DIR: &str = "/db";

// Survivors.

/// A memtable of these entries.
pub(super) fn memtable_of(entries: &[Entry]) -> StoreTable {
    let table = StoreTable::new();
    for Entry { user_key: key, seq, kind, value } in entries {
        let operation = match kind {
            Kind::Put => Operation::Put { key, value },
            Kind::Delete => Operation::Delete { key },
        };
        table.insert(*seq, operation);
    }
    table
}

/// What survives of these memtables, the newest first, each with whether it is the first of its key.
pub(super) fn survivors_of(
    tables: &[StoreTable],
    snapshots: &[Seq],
    is_oldest: &dyn Fn(&[u8]) -> bool,
) -> Vec<(Entry, bool)> {
    let sources = tables.iter().map(|table| Source::Mem(table.cursor())).collect();
    let mut survivors = Survivors::new(sources, snapshots, is_oldest).expect("memory answers");
    let mut found = Vec::new();
    while let Some(Survivor { key, value, is_first }) = survivors.get() {
        let entry = Entry {
            user_key: key.user_key.to_vec(),
            seq: key.seq,
            kind: key.kind,
            value: value.to_vec(),
        };
        found.push((entry, is_first));
        survivors.advance().expect("memory answers");
    }
    found
}

/// What survives of `text`, at these snapshots, if something older may have the keys of `older`.
#[track_caller]
pub(super) fn expect_survivors(text: &str, snapshots: &[Seq], older: &str, want: &str, rule: &str) {
    let is_oldest = |key: &[u8]| !older.split_whitespace().any(|other| other.as_bytes() == key);
    let found = survivors_of(&[memtable_of(&entries(text))], snapshots, &is_oldest);
    let found: Vec<Entry> = found.into_iter().map(|(entry, _)| entry).collect();
    let want = entries(want);
    assert!(
        found == want,
        "of {text}, with snapshots {snapshots:?} and [{older}] in older tables, {found:?} survive; \
         want {want:?} {rule}"
    );
}

/// What a snapshot at `seq` sees of `key`, looked for one by one.
pub(super) fn in_list(entries: &[Entry], key: &[u8], seq: Seq) -> Lookup {
    match entries.iter().find(|entry| entry.user_key == key && entry.seq <= seq) {
        Some(Entry { kind: Kind::Put, value, .. }) => Lookup::Value(value.clone().into()),
        Some(_) => Lookup::Deleted,
        None => Lookup::Absent,
    }
}

pub(super) fn value(text: &str) -> Lookup {
    Lookup::Value(text.to_owned().into())
}

// Stores.

/// Blocks and tables of a few entries.
pub(super) fn options() -> LsmOptions {
    let table = TableOptions {
        block_size: 100,
        restart_interval: 3,
        codec: Codec::None,
        ..TableOptions::default()
    };
    LsmOptions { table, table_size: 500, cache_size: 100_000, ..LsmOptions::default() }
}

/// A disk with an empty directory.
pub(super) fn disk(seed: u64) -> SimFs {
    let sim = SimFs::new(seed);
    sim.create_dir(Path::new(DIR)).expect("a good disk");
    sim.sync_dir(Path::new("/")).expect("a good disk");
    sim
}

pub(super) fn try_open(sim: &SimFs) -> Result<Tree> {
    open_on(Arc::new(sim.clone()))
}

pub(super) fn open_on(fs: Arc<dyn Fs>) -> Result<Tree> {
    Tree::open(fs, Path::new(DIR), options())
}

#[track_caller]
pub(super) fn open(sim: &SimFs) -> Tree {
    let tree = try_open(sim)
        .unwrap_or_else(|error| panic!("the tables must open, and fail: {error} {DURABLE}"));
    tree.remove_orphans().expect("a good disk");
    tree
}

/// A full memtable of these entries; the log goes on at `lsn`.
pub(super) fn frozen(entries: &[Entry], lsn: u64) -> Frozen {
    let seq = entries.iter().map(|entry| entry.seq).max().unwrap_or(0);
    Frozen { table: Arc::new(memtable_of(entries)), end: LogMark { lsn, seq } }
}

/// Flushes each of these, the oldest first.
#[track_caller]
pub(super) fn flush_all(tree: &Tree, texts: &[&str]) {
    for text in texts {
        let lsn = tree.flushed().lsn + 100;
        let flushed = tree.flush(&frozen(&entries(text), lsn));
        flushed.unwrap_or_else(|error| panic!("flushing {text} fails: {error} {DURABLE}"));
    }
}

/// All tables of `levels`, to be made into a run for `output_level`.
pub(super) fn all_of(tree: &Tree, levels: &[usize], output_level: usize) -> Compaction {
    let version = tree.version();
    let inputs = levels.iter().flat_map(|&level| {
        let tables: Vec<Arc<TableMeta>> =
            version.level(level).iter().map(|table| Arc::clone(&table.meta)).collect();
        tables.into_iter().map(move |table| (level, table))
    });
    Compaction { inputs: inputs.collect(), output_level }
}

/// Some tables of level 0, counted from the newest, to be made into one in their place.
pub(super) fn part_of_level_0(tree: &Tree, tables: std::ops::Range<usize>) -> Compaction {
    let mut compaction = all_of(tree, &[0], 0);
    compaction.inputs = compaction.inputs[tables].to_vec();
    compaction
}

/// Compacts all tables of `levels`, if there are any.
#[track_caller]
pub(super) fn compact(tree: &Tree, levels: &[usize], output_level: usize) {
    let compaction = all_of(tree, levels, output_level);
    if !compaction.inputs.is_empty() {
        run(tree, &compaction);
    }
}

/// Runs a compaction that must go well.
#[track_caller]
pub(super) fn run(tree: &Tree, compaction: &Compaction) {
    let compacted = panic::catch_unwind(AssertUnwindSafe(|| tree.compact(compaction)));
    match compacted {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("the compaction {compaction} fails: {error} {MEANWHILE}"),
        Err(cause) => match cause.downcast_ref::<String>() {
            Some(text) if !text.starts_with("not yet implemented") => {
                panic!("the compaction {compaction} panics: {text} {MEANWHILE}")
            }
            _ => panic::resume_unwind(cause),
        },
    }
}

/// All entries of a version, in order.
pub(super) fn entries_of(version: &Version) -> Vec<Entry> {
    all_at(Merge::new(version.cursors()))
}

/// All entries of a cursor.
pub(super) fn all_at(mut cursor: impl Cursor) -> Vec<Entry> {
    cursor.first().expect("a good disk");
    let mut found = Vec::new();
    while let Some(entry) = entry_of(&cursor) {
        found.push(entry);
        cursor.next().expect("a good disk");
    }
    found
}

/// How many tables each level has, without the empty levels at the end.
pub(super) fn shape(version: &Version) -> Vec<usize> {
    let counts: Vec<usize> = (0..LEVEL_COUNT).map(|level| version.level(level).len()).collect();
    let used = counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
    counts[..used].to_vec()
}

/// The names of the tables in the directory.
pub(super) fn table_names(sim: &SimFs) -> Vec<String> {
    let names = sim.list(Path::new(DIR)).expect("it is there");
    names.into_iter().filter(|name| name.contains(".sst")).collect()
}

#[track_caller]
pub(super) fn expect_get(version: &Version, key: &str, seq: Seq, want: &Lookup, rule: &str) {
    let came = version.get(key.as_bytes(), seq);
    let is_right = came.as_ref().is_ok_and(|came| came == want);
    assert!(is_right, "{} at {seq}: want {want:?}, got {came:?} {rule}", show(key.as_bytes()));
}

/// That there are files for the tables that are named, and for no others.
#[track_caller]
pub(super) fn expect_only_named_files(sim: &SimFs, tree: &Tree, when: &str) {
    let version = tree.version();
    let path = |number| lsm::files::table_path(Path::new(""), number).display().to_string();
    let mut named: Vec<String> = version.tables().map(|table| path(table.meta.number)).collect();
    named.sort();
    let there = table_names(sim);
    assert_eq!(there, named, "{when}: files that are there, and tables that are named {LEAVES}");
}

/// That each key of [`operations`] is as in a list of all operations, for each of these snapshots.
#[track_caller]
pub(super) fn expect_keys(tree: &Tree, list: &[Entry], snapshots: &[Seq], when: &str, rule: &str) {
    let version = tree.version();
    for (key, &seq) in (0..12).flat_map(|key| snapshots.iter().map(move |seq| (key, seq))) {
        let key = format!("k{key:02}");
        let want = in_list(list, key.as_bytes(), seq);
        let came = version.get(key.as_bytes(), seq).expect("a good disk");
        // To be deleted and never to have been is the same.
        assert!(
            came.clone().into_value() == want.clone().into_value(),
            "{when}, {key} at {seq}: want {want:?}, got {came:?} {rule}"
        );
    }
}

/// So many operations on few keys, with numbers from `first` on.
pub(super) fn operations(dice: &mut Workload, count: usize, first: Seq) -> Vec<Entry> {
    let entry = |seq: Seq| {
        let user_key = format!("k{:02}", dice.below(12)).into_bytes();
        match dice.below(3) {
            0 => Entry { user_key, seq, kind: Kind::Delete, value: Vec::new() },
            _ => Entry::put(user_key, seq, seq.to_string()),
        }
    };
    in_order((first..first + count as Seq).map(entry).collect())
}

/// Flushes of some operations each, the oldest first, whose values are so long that a compaction of
/// all makes several tables.
pub(super) fn history(count: u64) -> Vec<Vec<Entry>> {
    let flush = |number: u64| {
        let mut entries = operations(&mut Workload::new(number), 8, 1 + 8 * number);
        for entry in entries.iter_mut().filter(|entry| entry.kind == Kind::Put) {
            entry.value = format!("{:0>100}", entry.seq).into_bytes();
        }
        entries
    };
    (0..count).map(flush).collect()
}

/// Flushes number `index` of a [`history`].
pub(super) fn flush_of(tree: &Tree, history: &[Vec<Entry>], index: usize) -> Result<()> {
    tree.flush(&frozen(&history[index], 100 * (index as u64 + 1)))
}

/// How many flushes of a [`history`] the manifest knows of.
pub(super) fn flushed(tree: &Tree) -> usize {
    (tree.flushed().lsn / 100) as usize
}

/// Something to be done in the middle of something else.
type Hook = Box<dyn FnOnce() + Send>;

/// A disk where something is done in front of one of the operations on names: between two tables
/// that a compaction writes, or between a table's bytes and its name.
#[derive(Clone)]
pub(super) struct Meanwhile {
    sim: SimFs,
    /// How many operations are left until then, and what is to be done.
    planned: Arc<Mutex<Option<(u64, Hook)>>>,
}

impl Meanwhile {
    pub(super) fn on(sim: &SimFs) -> Meanwhile {
        Meanwhile { sim: sim.clone(), planned: Arc::default() }
    }

    /// Plans `hook` for the `nth` operation from now.
    pub(super) fn before(&self, nth: u64, hook: impl FnOnce() + Send + 'static) {
        *self.hook() = Some((nth, Box::new(hook)));
    }

    /// Whether it is still to come; it is forgotten.
    pub(super) fn forget(&self) -> bool {
        self.hook().take().is_some()
    }

    fn hook(&self) -> std::sync::MutexGuard<'_, Option<(u64, Hook)>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self) -> &SimFs {
        let mut planned = self.hook();
        if let Some((left, _)) = &mut *planned {
            *left -= 1;
        }
        // What is done may use this disk, too.
        let due = planned.take_if(|(left, _)| *left == 0);
        drop(planned);
        if let Some((_, hook)) = due {
            hook();
        }
        &self.sim
    }
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sim.fmt(f)
    }
}

impl Fs for Meanwhile {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.step().create(path)
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.step().open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.step().rename(from, to)
    }

    /// Nothing is done here: a file goes with whoever reads it last, and that may be anybody.
    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        self.sim.hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.sim.remove(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        self.sim.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.sim.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.step().sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> Result<Lock> {
        self.sim.lock(path)
    }
}
