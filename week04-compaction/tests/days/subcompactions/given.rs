//! What the lab's tests are given: stores of many small tables, and a disk that somebody watches.

use std::collections::HashMap;
use std::fmt;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

use lsm::compaction::Compaction;
use lsm::{LEVEL_COUNT, LsmOptions, TableMeta, Tree, Version};
use memtable::{Cursor, Flush, Frozen, Kind, LogMark, Merge, StoreTable};
use sstable::{Codec, TableOptions};
use wal::fs::{File, Fs, Lock, SimFs};
use wal::testing::Workload;
use wal::{Operation, Result, Seq};

pub(super) use crate::entries::{Entry, entries, in_order};
use crate::walk::entry_of;

pub(super) const CUTS: &str = "(rule 1 of lab subcompactions: a cut is a user key, and belongs to the \
                               part in front of it, so that every key is in one part with all of its \
                               versions; a part ends with the first key that gives it its share of \
                               what is left)";
pub(super) const COUNT: &str = "(rule 1 of lab subcompactions: there are no more parts than threads, \
                                and no more than tables' sizes in what is read; a run of level 0 \
                                is one part)";
pub(super) const SAME: &str = "(rule 2 of lab subcompactions: a part begins at its start, ends at its \
                               end, and drops what one thread would drop; without survivors it \
                               writes no table)";
pub(super) const ONCE: &str = "(rule 2 of lab subcompactions: all parts are merged at the same time, \
                               entry by entry, and one edit has the tables of all)";
pub(super) const ENDS: &str = "(rule 3 of lab subcompactions: a part that fails or panics ends the \
                               others, and so does a store that stops; no table is left, the inputs \
                               are the store, and the first failure is the one that is told)";
pub(super) const TOKENS: &str = "(rule 4 of lab subcompactions: a byte takes a token; a full bucket \
                                 has those of a tenth of a second; what is not there is taken from \
                                 what will come, and waited for)";
pub(super) const LIFTED: &str = "(rule 5 of lab subcompactions: no flush waits for tokens, nobody does \
                                 while level 0 makes writes wait, and a store that stops ends all \
                                 waits)";

pub(super) const DIR: &str = "/db";

/// Blocks of an entry or two, tables of some ten, and so many threads.
pub(super) fn options(compaction_threads: usize) -> LsmOptions {
    let table = TableOptions {
        block_size: 100,
        restart_interval: 3,
        codec: Codec::None,
        ..TableOptions::default()
    };
    LsmOptions {
        table,
        table_size: 1000,
        cache_size: 100_000,
        compaction_threads,
        ..LsmOptions::default()
    }
}

/// A disk with an empty directory.
pub(super) fn disk(seed: u64) -> SimFs {
    let sim = SimFs::new(seed);
    sim.create_dir(Path::new(DIR)).expect("a good disk");
    sim.sync_dir(Path::new("/")).expect("a good disk");
    sim
}

pub(super) fn try_open(fs: impl Fs + 'static, options: LsmOptions) -> Result<Arc<Tree>> {
    let tree = Tree::open(Arc::new(fs), Path::new(DIR), options)?;
    tree.remove_orphans()?;
    Ok(Arc::new(tree))
}

#[track_caller]
pub(super) fn open(fs: impl Fs + 'static, options: LsmOptions) -> Arc<Tree> {
    try_open(fs, options).unwrap_or_else(|error| panic!("the tables must open, and fail: {error}"))
}

// Entries and tables.

/// `k0000` and so on.
pub(super) fn key(number: usize) -> String {
    format!("k{number:04}")
}

/// A value of 60 bytes for each of these keys; numbers from `first` on.
pub(super) fn puts(keys: impl IntoIterator<Item = usize>, first: Seq) -> Vec<Entry> {
    let keys = keys.into_iter().zip(first..);
    in_order(keys.map(|(key_, seq)| Entry::put(key(key_), seq, format!("{seq:0>60}"))).collect())
}

/// A tombstone for each of these keys; numbers from `first` on.
pub(super) fn deletes(keys: impl IntoIterator<Item = usize>, first: Seq) -> Vec<Entry> {
    let entry = |(number, seq)| Entry {
        user_key: key(number).into_bytes(),
        seq,
        kind: Kind::Delete,
        value: Vec::new(),
    };
    in_order(keys.into_iter().zip(first..).map(entry).collect())
}

/// So many operations on `key_count` keys, with numbers from `first` on.
pub(super) fn operations(
    dice: &mut Workload,
    key_count: usize,
    count: usize,
    first: Seq,
) -> Vec<Entry> {
    let entry = |seq: Seq| {
        let number = dice.below(key_count);
        match dice.below(3) {
            0 => deletes([number], seq).remove(0),
            _ => puts([number], seq).remove(0),
        }
    };
    in_order((first..first + count as Seq).map(entry).collect())
}

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

pub(super) fn try_flush(tree: &Tree, entries: &[Entry]) -> Result<()> {
    let lsn = tree.flushed().lsn + 100;
    let seq = entries.iter().map(|entry| entry.seq).max().unwrap_or(0);
    let table = Arc::new(memtable_of(entries));
    tree.flush(&Frozen { table, end: LogMark { lsn, seq } })
}

#[track_caller]
pub(super) fn flush(tree: &Tree, entries: &[Entry]) {
    try_flush(tree, entries).unwrap_or_else(|error| panic!("a flush fails: {error}"));
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

/// Compacts all tables of `levels`, which must go well.
#[track_caller]
pub(super) fn compact(tree: &Tree, levels: &[usize], output_level: usize) {
    let compaction = all_of(tree, levels, output_level);
    let compacted = tree.compact(&compaction);
    compacted.unwrap_or_else(|error| panic!("the compaction {compaction} fails: {error} {ONCE}"));
}

/// Flushes these entries, and moves the table as it is to level 1, to be compacted there.
#[track_caller]
pub(super) fn put_into_level_1(tree: &Tree, entries: &[Entry]) {
    flush(tree, entries);
    compact(tree, &[0], 1);
    assert_eq!(shape(&tree.version()), [0, 1], "tables of each level, of one that was moved");
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

/// The names of the tables in the directory, finished or not.
pub(super) fn table_names(sim: &SimFs) -> Vec<String> {
    let names = sim.list(Path::new(DIR)).expect("it is there");
    names.into_iter().filter(|name| name.contains(".sst")).collect()
}

/// That there are files for the tables that are named, and for no others.
#[track_caller]
pub(super) fn expect_only_named_files(sim: &SimFs, tree: &Tree, when: &str) {
    let version = tree.version();
    let path = |number| lsm::files::table_path(Path::new(""), number).display().to_string();
    let mut named: Vec<String> = version.tables().map(|table| path(table.meta.number)).collect();
    named.sort();
    let there = table_names(sim);
    assert_eq!(there, named, "{when}: files that are there, and tables that are named {ENDS}");
}

/// What a reader at `seq` sees of each of these keys, and of no other.
pub(super) fn seen(list: &[Entry], seq: Seq) -> Vec<Entry> {
    let mut seen: Vec<Entry> = list.iter().filter(|entry| entry.seq <= seq).cloned().collect();
    seen.dedup_by(|later, first| later.user_key == first.user_key);
    seen.retain(|entry| entry.kind == Kind::Put);
    seen
}

// A disk that is watched.

/// What somebody does to a table or a value file.
pub(super) enum Call<'a> {
    Create,
    Read,
    Write(&'a [u8]),
    Remove,
}

type Hook = dyn Fn(&Path, &Call<'_>) -> Result<()> + Send + Sync;

/// A disk that calls a hook before anything is done to a table or a value file, with the file's name. What the hook
/// refuses is not done.
#[derive(Clone)]
pub(super) struct Watched {
    sim: SimFs,
    hook: Arc<Hook>,
}

impl Watched {
    pub(super) fn new(
        sim: &SimFs,
        hook: impl Fn(&Path, &Call<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Watched {
        Watched { sim: sim.clone(), hook: Arc::new(hook) }
    }

    fn call(&self, path: &Path, call: &Call<'_>) -> Result<()> {
        let name = path.to_string_lossy();
        match name.contains(".sst") || name.ends_with(".val") {
            true => (self.hook)(path, call),
            false => Ok(()),
        }
    }

    fn watched(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(WatchedFile { file, disk: self.clone() })
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sim.fmt(f)
    }
}

impl Fs for Watched {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.call(path, &Call::Create)?;
        Ok(self.watched(self.sim.create(path)?))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        Ok(self.watched(self.sim.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.sim.rename(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.call(path, &Call::Remove)?;
        self.sim.remove(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        self.sim.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.sim.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.sim.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> Result<Lock> {
        self.sim.lock(path)
    }
}

#[derive(Debug)]
struct WatchedFile {
    file: Arc<dyn File>,
    disk: Watched,
}

impl File for WatchedFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.disk.call(self.file.path(), &Call::Read)?;
        self.file.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.disk.call(self.file.path(), &Call::Write(bytes))?;
        self.file.write_at(offset, bytes)
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data()
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file.set_len(len)
    }

    fn len(&self) -> Result<u64> {
        self.file.len()
    }

    fn path(&self) -> &Path {
        self.file.path()
    }
}

/// How many bytes each thread has written to tables.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<Mutex<HashMap<ThreadId, u64>>>);

impl Written {
    /// A disk that counts.
    pub(super) fn on(&self, sim: &SimFs) -> Watched {
        let written = Arc::clone(&self.0);
        Watched::new(sim, move |_, call| {
            if let Call::Write(bytes) = call {
                let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
                *written.entry(thread::current().id()).or_default() += bytes.len() as u64;
            }
            Ok(())
        })
    }

    /// What there was since the last look, the most first.
    pub(super) fn take(&self) -> Vec<u64> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes: Vec<u64> = written.drain().map(|(_, bytes)| bytes).collect();
        bytes.sort_unstable_by_key(|&bytes| std::cmp::Reverse(bytes));
        bytes
    }
}

// Threads.

/// How long a test waits for others before it takes them for stuck. Only wrong code waits so long: the
/// right one is there as soon as it has had its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// What several threads know, and wait for.
#[derive(Default)]
pub(super) struct Shared<T> {
    state: Mutex<T>,
    changed: Condvar,
}

impl<T> Shared<T> {
    /// Changes what all know, and tells them.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let changed = change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
        changed
    }

    /// Waits until `what` is so; `why` says what somebody waits for.
    #[track_caller]
    pub(super) fn wait_until(&self, why: &str, what: impl Fn(&T) -> bool) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, PATIENCE, |state| !what(state));
        let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(state);
        assert!(!waited.timed_out(), "somebody waits for ever: {why}");
    }
}

/// A thread of a test, which says when it has ended.
pub(super) struct Running<T> {
    thread: JoinHandle<T>,
    /// Nothing is sent: it is closed when the thread has ended, be it by a panic.
    ended: Receiver<()>,
}

/// Runs `work` in a thread.
pub(super) fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Running<T> {
    let (running, ended) = channel::<()>();
    let thread = thread::spawn(move || {
        let _running = running;
        work()
    });
    Running { thread, ended }
}

impl<T> Running<T> {
    /// Whether it ends in this time.
    pub(super) fn ends_in(&self, time: Duration) -> bool {
        self.ended.recv_timeout(time) == Err(RecvTimeoutError::Disconnected)
    }
}

/// What a thread returns, which must come to its end, and not by a panic.
#[track_caller]
pub(super) fn returned<T>(running: Running<T>, why: &str) -> T {
    assert!(running.ends_in(PATIENCE), "a thread waits for ever: {why}");
    running.thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// That a thread waits for what comes later, if ever. Whoever does so never fails here; whoever does
/// not has time to come to an end.
#[track_caller]
pub(super) fn expect_waiting<T>(running: &Running<T>, why: &str) {
    let has_ended = running.ends_in(Duration::from_millis(50));
    assert!(!has_ended, "somebody should wait, and does not: {why}");
}
