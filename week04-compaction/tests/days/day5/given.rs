//! What day 5's tests are given: tables of any size, stores that are full, and threads that wait.

use std::hint::spin_loop;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lsm::compaction::Compaction;
use lsm::simulator::Simulator;
use lsm::{Edit, LEVEL_COUNT, Levels, LsmOptions, Strategy, TableMeta, Tree, tiered};
use memtable::{Flush, Frozen, LogMark, StoreTable};
use sstable::{Codec, TableOptions};
use wal::fs::{Fault, Fs, Operation as SimOperation, SimFs, SyncGate};
use wal::{Error, Operation, Result};

use crate::script::in_order;

pub(super) const TIERS: &str = "(rule 1 of day 5: a tier is runs side by side, none more than twice \
                                as large as its newest; the newest tier that has enough of them, \
                                `level0_tables` and at least two, becomes one run, in the place of \
                                its inputs)";
pub(super) const SPACE: &str = "(rule 2 of day 5: with enough runs, as in rule 1, if all but the \
                                oldest are together more than `space_max_percent` of it, all become \
                                one; that comes first)";
pub(super) const PRESSURE: &str = "(rule 3 of day 5: below `level0_slow` writes go on, from \
                                   `level0_stop` on they stop; in between they are slowed for 1, 2, \
                                   4 and 8 ms, one for each quarter of the way)";
pub(super) const AT_WORK: &str = "(rule 4 of day 5: who is stopped has a compaction to wait for: \
                                  with enough runs, as in rule 1, and nothing else due, all of level \
                                  0 is merged if it has two tables and makes writes wait; and no \
                                  write stops at fewer tables than `level0_tables`, or than two)";
pub(super) const ADMIT: &str = "(rule 5 of day 5: a failed store refuses with its first failure; each \
                                other write is counted once, by its first look; a slowed one sleeps \
                                once and is let in; a stopped one waits until it sees no stop any \
                                more, the store stops or fails; and none keeps others from work)";

/// What to ask when a thread waits for ever, though there was a change that helps.
pub(super) const LOST: &str = "did that come between the look of a write and its wait?";

pub(super) const DIR: &str = "/db";

// Levels.

/// So many runs make a compaction due, and nothing is ever too much room.
pub(super) fn tiers_of(level0_tables: usize) -> LsmOptions {
    LsmOptions {
        strategy: Strategy::Tiered,
        level0_tables,
        space_max_percent: u64::MAX,
        ..LsmOptions::default()
    }
}

/// As [`tiers_of`] four, with all but the oldest run limited to so many percent of it.
pub(super) fn space_of(space_max_percent: u64) -> LsmOptions {
    LsmOptions { space_max_percent, ..tiers_of(4) }
}

/// Tables of the sizes in a text: `0: 1 1 2  5: 30 30` has three in level 0, the newest first, and
/// two in level 5. They are numbered as they stand there, from 1 on.
pub(super) fn levels(text: &str) -> Levels {
    let (mut level, mut added) = (0, Vec::new());
    for word in text.split_whitespace() {
        if let Some(number) = word.strip_suffix(':') {
            level = number.parse().expect("a level");
            continue;
        }
        let number = added.len() as u64 + 1;
        let seq = 1_000_000 - number;
        let (smallest, largest) = match level {
            0 => (b"a".to_vec(), b"z".to_vec()),
            _ => (format!("k{number:06}").into_bytes(), format!("k{number:06}z").into_bytes()),
        };
        let table = TableMeta {
            number,
            size: word.parse().expect("a size"),
            entry_count: 1,
            tombstone_count: 0,
            smallest_seq: seq,
            largest_seq: seq,
            smallest,
            largest,
        };
        added.push((level, Arc::new(table)));
    }
    let edit = Edit { added, ..Edit::default() };
    Levels::default().apply(&edit).expect("they are in order")
}

/// What comes of `work`, without a panic.
#[track_caller]
pub(super) fn guarded<T>(what: &str, rule: &str, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default().to_owned();
        if text.starts_with("not yet implemented") {
            resume_unwind(panic);
        }
        panic!("{what}: must not panic, and did: \"{text}\" {rule}");
    })
}

/// What is picked of tables of these sizes.
#[track_caller]
pub(super) fn expect_pick(text: &str, options: &LsmOptions, want: &str, rule: &str) {
    let what = format!("of tables of these sizes, the newest first: {text}");
    let levels = levels(text);
    let came = match guarded(&what, rule, || tiered::pick(&levels, options)) {
        Some(compaction) => in_order(&compaction, &levels).to_string(),
        None => "nothing".to_owned(),
    };
    let runs = options.level0_tables;
    let percent = match options.space_max_percent {
        u64::MAX => String::new(),
        percent => format!(" and at most {percent} % beside the oldest"),
    };
    assert!(
        came == want,
        "{what}\nwith {runs} runs to a compaction{percent}, want {want}, got {came}\n(tables are numbered as they stand there, from 1 on) \
         {rule}"
    );
}

/// The size of each run, the newest first.
pub(super) fn run_sizes(levels: &Levels) -> Vec<u64> {
    let newest = levels.level(0).iter().map(|table| table.size);
    let below = (1..LEVEL_COUNT).map(|level| levels.size(level));
    newest.chain(below.filter(|&size| size > 0)).collect()
}

/// After every settling there is at most so much beside the oldest run, or fewer runs than make
/// anything due.
#[track_caller]
pub(super) fn expect_bound(simulator: &Simulator, options: &LsmOptions, when: &str) {
    let sizes = run_sizes(simulator.levels());
    let Some((oldest, newer)) = sizes.split_last() else { return };
    let newer: u64 = newer.iter().sum();
    let is_held = sizes.len() < options.level0_tables.max(2)
        || 100 * newer <= options.space_max_percent * oldest;
    assert!(
        is_held,
        "{when}, with nothing due any more: runs of {sizes:?} bytes, so {newer} beside {oldest}, and \
         the limit is {} % {SPACE}",
        options.space_max_percent
    );
}

// Stores.

/// A tiered store in whose level 0 so many tables slow writes down, and so many stop them.
pub(super) fn limits(level0_slow: usize, level0_stop: usize) -> LsmOptions {
    let table = TableOptions { block_size: 100, codec: Codec::None, ..TableOptions::default() };
    LsmOptions { table, table_size: 500, level0_slow, level0_stop, ..tiers_of(2) }
}

pub(super) fn disk(seed: u64) -> SimFs {
    let sim = SimFs::new(seed);
    sim.create_dir(Path::new(DIR)).expect("a good disk");
    sim
}

#[track_caller]
pub(super) fn open(sim: &SimFs, options: LsmOptions) -> Arc<Tree> {
    let tree = Tree::open(Arc::new(sim.clone()), Path::new(DIR), options);
    Arc::new(tree.unwrap_or_else(|error| panic!("an empty directory must open: {error}")))
}

/// A store whose level 0 has so many tables.
#[track_caller]
pub(super) fn filled(sim: &SimFs, options: LsmOptions, count: usize) -> Arc<Tree> {
    let tree = open(sim, options);
    (0..count).for_each(|_| flush(&tree));
    tree
}

/// Flushes one entry, newer than all that was flushed before, under a key of its own.
#[track_caller]
pub(super) fn flush(tree: &Tree) {
    try_flush(tree).unwrap_or_else(|error| panic!("a flush fails on a good disk: {error}"));
}

pub(super) fn try_flush(tree: &Tree) -> Result<()> {
    let LogMark { lsn, seq } = tree.flushed();
    let key = format!("key{seq:06}");
    flush_entry(tree, &key, "x", LogMark { lsn: lsn + 100, seq: seq + 1 })
}

pub(super) fn flush_entry(tree: &Tree, key: &str, value: &str, end: LogMark) -> Result<()> {
    let table = StoreTable::new();
    let put = Operation::Put { key: key.as_bytes(), value: value.as_bytes() };
    table.insert(end.seq, put);
    tree.flush(&Frozen { table: Arc::new(table), end })
}

/// The oldest table of level 0 goes to the last level, as it is.
#[track_caller]
pub(super) fn move_oldest(tree: &Tree) {
    try_move_oldest(tree).unwrap_or_else(|error| panic!("a move fails on a good disk: {error}"));
}

fn try_move_oldest(tree: &Tree) -> Result<()> {
    let oldest = tree.version().level(0).last().map(|table| Arc::clone(&table.meta));
    let inputs = oldest.map(|meta| (0, meta)).into_iter().collect();
    tree.compact(&Compaction { inputs, output_level: LEVEL_COUNT - 1 })
}

pub(super) fn level0(tree: &Tree) -> usize {
    tree.version().level(0).len()
}

pub(super) fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::SeqCst)
}

/// How many writes were slowed down, and how many were stopped.
pub(super) fn waited(tree: &Tree) -> (u64, u64) {
    let counters = tree.counters();
    (count(&counters.slowed_writes), count(&counters.stopped_writes))
}

/// So many writes were slowed down, and so many stopped.
#[track_caller]
pub(super) fn expect_waited(tree: &Tree, slowed: u64, stopped: u64, when: &str) {
    let came = waited(tree);
    assert!(
        came == (slowed, stopped),
        "{when}: {slowed} writes were slowed and {stopped} stopped, and the counters say {} and {} \
         {ADMIT}",
        came.0,
        came.1
    );
}

/// The newest entry of `key`.
pub(super) fn newest(tree: &Tree, key: &str) -> Option<Vec<u8>> {
    let found = tree.version().get(key.as_bytes(), tree.flushed().seq);
    found.expect("a good disk").into_value().map(|value| value.to_vec())
}

/// A write is let in.
#[track_caller]
pub(super) fn expect_admitted(admitted: Result<()>, why: &str) {
    admitted.unwrap_or_else(|error| panic!("{why}: a write must be let in, got {error} {ADMIT}"));
}

/// A write is refused, because of this.
#[track_caller]
pub(super) fn expect_refused(admitted: Result<()>, cause: &str, why: &str) {
    let is_refused =
        matches!(&admitted, Err(Error::Poisoned { cause: came }) if came.contains(cause));
    assert!(
        is_refused,
        "{why}: want Poisoned with \"{cause}\" in its cause, got {admitted:?} {ADMIT}"
    );
}

// Threads.

/// How often a test gives way to others before it takes what should come for lost.
const PATIENCE: usize = 400_000;

/// A thread that has not ended by then is stuck.
const STUCK: Duration = Duration::from_secs(10);

/// A thread that nothing holds has ended by then, mostly.
const MOMENT: Duration = Duration::from_millis(5);

/// A thread, and word of its end.
pub(super) struct Begun<T> {
    thread: JoinHandle<T>,
    /// Nothing is ever sent: the other side goes with the thread.
    end: Receiver<()>,
}

/// Does it in a thread of its own.
pub(super) fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Begun<T> {
    let (goes_with_it, end) = mpsc::channel();
    let thread = thread::spawn(move || {
        let _goes_with_it: Sender<()> = goes_with_it;
        work()
    });
    Begun { thread, end }
}

impl<T> Begun<T> {
    /// Whether it has ended.
    pub(super) fn is_finished(&self) -> bool {
        self.ends_within(Duration::ZERO)
    }

    /// Whether it ends, if it is given a moment: long enough to wake up, and to go on by mistake.
    pub(super) fn ends_in_a_moment(&self) -> bool {
        self.ends_within(MOMENT)
    }

    fn ends_within(&self, time: Duration) -> bool {
        self.end.recv_timeout(time) != Err(RecvTimeoutError::Timeout)
    }
}

/// Gives way to others until `what` is so; whether it ever was.
pub(super) fn comes(what: impl Fn() -> bool) -> bool {
    iter::repeat_with(|| (what(), thread::yield_now()).0).take(PATIENCE).any(|is_so| is_so)
}

/// What a thread returns, which must come to its end, and not by a panic.
#[track_caller]
pub(super) fn returned<T>(begun: Begun<T>, why: &str) -> T {
    assert!(
        begun.ends_within(STUCK),
        "a thread waits for ever: {why} (Does a write hold a lock while it waits, or lock `failure` \
         twice?) {ADMIT}"
    );
    begun.thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Does it in a thread, which must come to its end.
#[track_caller]
pub(super) fn must_end<T: Send + 'static>(
    why: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    returned(begin(work), why)
}

/// A write in a thread of its own, which must come to its end.
#[track_caller]
pub(super) fn admit(tree: &Arc<Tree>, why: &str) -> Result<()> {
    let tree = Arc::clone(tree);
    must_end(why, move || tree.admit())
}

/// A write in a thread of its own; what it is told, and how many tables level 0 had then.
pub(super) type Write = Begun<(Result<()>, usize)>;

pub(super) fn write(tree: &Arc<Tree>) -> Write {
    let tree = Arc::clone(tree);
    begin(move || {
        let admitted = tree.admit();
        (admitted, level0(&tree))
    })
}

/// No write is let in, also if they are given a moment.
#[track_caller]
pub(super) fn expect_out(writes: &[Write], why: &str) {
    // The first waits for all: they have come together.
    let lets_in = writes.iter().take(1).any(Write::ends_in_a_moment);
    let lets_in = lets_in || writes.iter().any(Write::is_finished);
    assert!(!lets_in, "{why}, and a write is let in {ADMIT}");
}

/// A store where somebody has `failure` locked, as long as this lives: who settles has it, and wants
/// the manifest, which a move has that waits for its sync. The sync will fail, and so the move wakes
/// nobody.
pub(super) struct Held {
    gate: SyncGate,
    moved: JoinHandle<()>,
}

impl Held {
    pub(super) fn begin(sim: &SimFs, tree: &Arc<Tree>) -> Held {
        let gate = sim.hold_syncs();
        sim.fail(SimOperation::Sync, 1, Fault::Io);
        let (mover, settler) = (Arc::clone(tree), Arc::clone(tree));
        let moved = thread::spawn(move || drop(try_move_oldest(&mover)));
        gate.wait_for(1);
        let settled = begin(move || drop(settler.settle()));
        assert!(
            !settled.ends_in_a_moment(),
            "there is something to settle, and it has no manifest"
        );
        Held { gate, moved }
    }

    /// Lets them go on; returns when the manifest is free, and `failure` is about to be.
    pub(super) fn end(self) {
        drop(self.gate);
        while !self.moved.is_finished() {
            spin_loop();
        }
    }
}

/// So many writes, all of which are stopped, or about to be.
#[track_caller]
pub(super) fn stopped(tree: &Arc<Tree>, count: u64) -> Vec<Write> {
    let (_, before) = waited(tree);
    let mut writes: Vec<Write> = (0..count).map(|_| write(tree)).collect();
    let is_counted = || waited(tree).1 >= before + count;
    comes(|| is_counted() || writes.iter().any(Write::is_finished));
    if is_counted() {
        return writes;
    }
    if let Some(at) = writes.iter().position(Write::is_finished) {
        let (admitted, tables) = returned(writes.swap_remove(at), "it has ended");
        panic!(
            "with {tables} tables in level 0 a write must stop, and is told {admitted:?} {ADMIT}"
        );
    }
    panic!(
        "{count} writes are stopped, and the counter of these, which is counted up before a write \
         waits, goes from {before} to {} {ADMIT}",
        waited(tree).1
    );
}
