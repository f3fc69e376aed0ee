//! Day 6: full memtables are flushed, and writers wait when too many stand in line.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use memtable::{Flush, Frozen, LogMark, MemOptions, MemStore};
use parking_lot::{Condvar, Mutex};
use wal::fs::SimFs;
use wal::testing::scan;
use wal::{Direction, Durability, Engine, Error, KeyRange, LogOptions, Reader, Result, segment};

use super::given::*;

/// Full tables come here, and wait until they are let through.
#[derive(Debug, Default)]
struct Sink {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    flushed: Vec<Frozen>,
    /// How many more may be flushed; the next waits.
    permits: usize,
    waiting: bool,
    fails: bool,
    panics: bool,
}

impl Flush for Sink {
    fn flush(&self, frozen: &Frozen) -> Result<()> {
        let mut state = self.state.lock();
        state.waiting = true;
        while state.permits == 0 {
            self.changed.wait(&mut state);
        }
        state.waiting = false;
        state.permits -= 1;
        if state.panics {
            drop(state);
            panic_in_silence();
        }
        if state.fails {
            return Err(Error::io("write", Path::new("/elsewhere"), std::io::Error::other("full")));
        }
        state.flushed.push(frozen.clone());
        Ok(())
    }
}

impl Sink {
    fn permit(&self, count: usize) {
        self.state.lock().permits += count;
        self.changed.notify_all();
    }

    fn fail(&self) {
        self.state.lock().fails = true;
        self.permit(1);
    }

    fn panic(&self) {
        self.state.lock().panics = true;
        self.permit(1);
    }

    /// How many tables, and how many entries in them.
    fn flushed(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.flushed.len(), state.flushed.iter().map(|frozen| frozen.table.len()).sum())
    }

    fn is_waiting(&self) -> bool {
        self.state.lock().waiting
    }
}

/// At most so many full tables wait.
const FROZEN_MAX: usize = 3;

fn open(fs: &SimFs, sink: &Arc<Sink>, begin: LogMark) -> MemStore {
    open_with(fs, Some(Arc::clone(sink) as Arc<dyn Flush>), begin)
}

fn open_with(fs: &SimFs, flush: Option<Arc<dyn Flush>>, begin: LogMark) -> MemStore {
    let log = LogOptions { segment_size: 400, ..LogOptions::default() };
    let (memtable_size, frozen_max) = (1_000, FROZEN_MAX);
    let options =
        MemOptions { log, begin, memtable_size, frozen_max, flush, ..MemOptions::default() };
    let store = MemStore::open(Arc::new(fs.clone()), dir(), options);
    store.unwrap_or_else(|error| panic!("the store must open, and fails: {error}"))
}

/// A new store whose full tables wait in a sink.
fn with_sink() -> (SimFs, Arc<Sink>, MemStore) {
    let (fs, sink) = (SimFs::new(1), Arc::new(Sink::default()));
    let store = open(&fs, &sink, LogMark::default());
    (fs, sink, store)
}

fn write(store: &MemStore, number: usize) -> Result<u64> {
    store.put(format!("{number:04}").as_bytes(), &[b'v'; 50], Durability::Flushed)
}

#[track_caller]
fn write_all(store: &MemStore, numbers: Range<usize>) {
    for number in numbers {
        let written = write(store, number);
        written.unwrap_or_else(|error| panic!("there is or comes room, and write fails: {error}"));
    }
}

fn frozen(store: &MemStore) -> usize {
    store.stats().get("frozen_tables").expect("the store counts them") as usize
}

fn count(store: &MemStore) -> usize {
    scan(store, KeyRange::all(), Direction::Forward).len()
}

/// Writes until so many full tables wait, and returns how many entries there are.
fn fill(store: &MemStore, tables: usize) -> usize {
    let mut number = 0;
    while frozen(store) < tables {
        write(store, number).expect("there is room");
        number += 1;
    }
    number
}

/// Returns when there is no room for another full table, and the active one is full, too.
fn wait_until_all_is_full(store: &MemStore) {
    let memory = || store.stats().get("memory").expect("the store counts it");
    wait_until("writers fill the last table before they wait: rule 5", || memory() > 3_900);
}

#[test]
fn a_full_table_is_flushed_and_leaves_with_its_part_of_the_log() {
    let (fs, sink, store) = with_sink();
    let written = fill(&store, 2);
    assert_eq!(count(&store), written, "tables that wait to be flushed are read");
    sink.permit(2);
    wait_until("every full table is flushed and leaves: rule 4", || frozen(&store) == 0);
    let (tables, flushed) = sink.flushed();
    assert_eq!(tables, 2, "both tables were flushed: rule 4");
    assert_eq!(count(&store), written - flushed, "what was flushed is read elsewhere from now on");
    store.close().expect("an open store closes");
    let begins = segment::list(&fs, dir()).expect("the disk works")[0].base;
    assert!(begins > 0, "the log of tables that were flushed is not needed any more: rule 4");
}

#[test]
fn tables_are_flushed_the_oldest_first() {
    let (_fs, sink, store) = with_sink();
    sink.permit(usize::MAX / 2);
    write_all(&store, 0..200);
    store.close().expect("an open store closes");
    let state = sink.state.lock();
    let ends: Vec<_> = state.flushed.iter().map(|frozen| frozen.end.seq).collect();
    assert!(ends.len() > 5, "200 entries fill many tables, and {} were flushed", ends.len());
    assert!(ends.is_sorted(), "the log goes from its old end, so the oldest comes first: {ends:?}");
}

#[test]
fn opening_at_the_mark_of_what_was_flushed_finds_the_rest() {
    let (fs, sink, store) = with_sink();
    let written = fill(&store, FROZEN_MAX);
    sink.permit(1);
    wait_until("one full table is flushed and leaves: rule 4", || frozen(&store) < FROZEN_MAX);
    // The second one stays, and so does the third.
    sink.fail();
    store.close().expect("an open store closes");
    drop(store);
    let flushed = sink.flushed().1;
    let mark = sink.state.lock().flushed[0].end;
    let sink = Arc::new(Sink::default());
    let store = open(&fs, &sink, mark);
    let found = count(&store);
    sink.permit(usize::MAX / 2);
    assert_eq!(found, written - flushed, "entries that had not been flushed: rule 4");
    assert_eq!(write(&store, 0).ok(), Some(written as u64 + 1), "and the numbers go on");
}

#[test]
fn the_log_reaches_the_mark_of_what_was_flushed_after_a_power_cut() {
    // In the second log, no segment ends in between: the end of a segment is a sync, too.
    for segment_size in [400, 1 << 20] {
        let (fs, sink) = (SimFs::new(1), Arc::new(Sink::default()));
        let open = |flush: &Arc<Sink>, begin| {
            let log = LogOptions { segment_size, ..LogOptions::default() };
            let flush: Option<Arc<dyn Flush>> = Some(Arc::clone(flush) as _);
            let options =
                MemOptions { log, begin, memtable_size: 1_000, flush, ..MemOptions::default() };
            MemStore::open(Arc::new(fs.clone()), dir(), options).expect("a good log opens")
        };
        let store = open(&sink, LogMark::default());
        let mut number = 0;
        while frozen(&store) == 0 {
            store.put(&[number], &[b'v'; 50], Durability::Buffered).expect("there is room");
            number += 1;
        }
        sink.permit(1);
        wait_until("the full table is flushed and leaves: rule 4", || frozen(&store) == 0);
        let mark = sink.state.lock().flushed[0].end;
        fs.power_cycle();
        drop(store);
        let store = open(&Arc::new(Sink::default()), mark);
        let last = store.stats().get("last_seq");
        assert!(
            last >= Some(mark.seq),
            "the log goes on behind {mark:?}, and ends at {last:?}: rule 4"
        );
    }
}

#[test]
fn writers_wait_when_too_many_tables_stand_in_line() {
    let (_fs, sink, store) = with_sink();
    const ENTRIES: usize = 300;
    let most = thread::scope(|scope| {
        let writer = scope.spawn(|| write_all(&store, 0..ENTRIES));
        let mut most = 0;
        while !writer.is_finished() {
            // A table is let through when there is no room for another: so the writer has to wait.
            let is_full = || writer.is_finished() || frozen(&store) >= FROZEN_MAX;
            wait_until("full tables stand in line until they are flushed: rule 4", is_full);
            for _ in 0..100 {
                most = most.max(frozen(&store));
                thread::yield_now();
            }
            sink.permit(1);
        }
        most
    });
    assert_eq!(most, FROZEN_MAX, "full tables at the same time: rule 5");
    sink.permit(usize::MAX / 2);
    wait_until("every full table is flushed and leaves: rule 4", || frozen(&store) == 0);
    let all = count(&store) + sink.flushed().1;
    assert_eq!(all, ENTRIES, "entries in the store and in flushed tables together");
}

#[test]
fn writers_wait_in_a_store_that_opens_with_too_many_full_tables() {
    let fs = SimFs::new(1);
    let store = open_with(&fs, None, LogMark::default());
    let mut written = fill(&store, FROZEN_MAX + 2);
    store.close().expect("an open store closes");
    drop(store);
    let sink = Arc::new(Sink::default());
    let store = open(&fs, &sink, LogMark::default());
    assert_eq!(frozen(&store), FROZEN_MAX + 2, "a store without flusher has no limit");
    thread::scope(|scope| {
        let writer = scope.spawn(|| write_all(&store, 5_000..5_100));
        for _ in 0..2_000 {
            thread::yield_now();
        }
        let is_through = writer.is_finished();
        sink.permit(usize::MAX / 2);
        assert!(!is_through, "there was no room for 100 more entries, nor for one table: rule 5");
    });
    written += 100;
    wait_until("every full table is flushed and leaves: rule 4", || frozen(&store) == 0);
    assert_eq!(count(&store) + sink.flushed().1, written, "nothing was lost while writers waited");
}

#[test]
fn a_log_that_cannot_be_removed_stops_nobody() {
    let (fs, sink, store) = with_sink();
    sink.permit(usize::MAX / 2);
    fs.fail(wal::fs::Operation::Remove, 1, wal::fs::Fault::Io);
    write_all(&store, 0..200);
    wait_until("every full table is flushed and leaves: rule 4", || frozen(&store) == 0);
    let all = count(&store) + sink.flushed().1;
    assert_eq!(all, 200, "a purge that fails costs room on the disk, and nothing else: rule 4");
}

#[test]
fn readers_go_on_while_writers_wait_for_room() {
    let (_fs, sink, store) = with_sink();
    let mut written = fill(&store, FROZEN_MAX);
    thread::scope(|scope| {
        let writer = scope.spawn(|| write_all(&store, 5_000..5_100));
        wait_until_all_is_full(&store);
        for _ in 0..50 {
            assert!(count(&store) >= written, "all that was acknowledged is read");
            assert!(store.get(b"0000").expect("memory answers").is_some(), "and found by its key");
        }
        assert!(!writer.is_finished(), "there is no room for 100 more entries: rule 5");
        sink.permit(usize::MAX / 2);
    });
    written += 100;
    wait_until("every full table is flushed and leaves: rule 4", || frozen(&store) == 0);
    assert_eq!(count(&store) + sink.flushed().1, written, "nothing was lost while writers waited");
}

#[test]
fn no_write_is_lost_between_full_and_frozen() {
    let (_fs, sink, store) = with_sink();
    sink.permit(usize::MAX / 2);
    thread::scope(|scope| {
        for writer in 0..8 {
            let store = &store;
            scope.spawn(move || write_all(store, writer * 100..writer * 100 + 100));
        }
    });
    wait_until("every full table is flushed and leaves: rule 4", || frozen(&store) == 0);
    let all = count(&store) + sink.flushed().1;
    assert_eq!(all, 800, "each write is in a table that was flushed or in one that is still here");
}

#[test]
fn a_failed_flush_stops_the_writers_and_not_the_readers() {
    let (fs, sink, store) = with_sink();
    let mut written = fill(&store, 1);
    sink.fail();
    let refused = loop {
        match write(&store, written) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1_000, "nothing is flushed any more, and writes are taken without end");
    };
    let Error::Poisoned { cause } = &refused else {
        panic!("no room will come, which is Error::Poisoned, and the store says: {refused}");
    };
    assert!(cause.contains("/elsewhere"), "the cause is what the flush said, and not: {cause}");
    assert_eq!(count(&store), written, "everything that was acknowledged is still read: rule 5");
    drop(store);
    let sink = Arc::new(Sink::default());
    let store = open(&fs, &sink, LogMark::default());
    let found = count(&store);
    sink.permit(usize::MAX / 2);
    assert_eq!(found, written, "and is there after a restart: rule 5");
}

#[test]
fn a_failed_flush_is_told_to_writers_who_wait_for_room_already() {
    let (_fs, sink, store) = with_sink();
    let written = fill(&store, FROZEN_MAX);
    thread::scope(|scope| {
        let writer = scope.spawn(|| (5_000..5_100).find_map(|number| write(&store, number).err()));
        wait_until_all_is_full(&store);
        (0..1_000).for_each(|_| thread::yield_now());
        sink.fail();
        // Who is not woken waits for ever.
        let refused = writer.join().expect("it ends");
        let poisoned = matches!(refused, Some(Error::Poisoned { .. }));
        assert!(
            poisoned,
            "there is no room and will be none, and a write says {refused:?}: rule 5"
        );
    });
    assert_eq!(frozen(&store), FROZEN_MAX, "full tables after a failed flush: rule 5");
    assert!(count(&store) >= written, "everything that was acknowledged is still read: rule 5");
}

#[test]
fn a_flush_that_panics_has_failed() {
    let (_fs, sink, store) = with_sink();
    let mut written = fill(&store, 1);
    sink.panic();
    // With a flusher that is gone without a word, the writer waits for room for ever.
    let refused = loop {
        match write(&store, written) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1_000, "nothing is flushed any more, and writes are taken without end");
    };
    let poisoned = matches!(refused, Error::Poisoned { .. });
    assert!(poisoned, "no room will come, which is Error::Poisoned: rule 5, and not {refused}");
    assert_eq!(count(&store), written, "everything that was acknowledged is still read: rule 5");
}

#[test]
fn a_store_that_is_dropped_leaves_no_thread_behind() {
    let (_fs, sink, store) = with_sink();
    let written = fill(&store, 1);
    sink.permit(1);
    wait_until("the full table is flushed and leaves: rule 4", || frozen(&store) == 0);
    assert!(written > count(&store), "what was flushed is read elsewhere from now on");
    drop(store);
    let holders = Arc::strong_count(&sink);
    assert_eq!(holders, 1, "the store is gone, and its flusher still waits for full tables");
}

#[test]
fn close_waits_for_a_flush_under_way() {
    let (fs, sink, store) = with_sink();
    fill(&store, 1);
    wait_until("a full table comes to be flushed: rule 4", || sink.is_waiting());
    thread::scope(|scope| {
        let closing = scope.spawn(|| store.close());
        for _ in 0..100 {
            assert!(!closing.is_finished(), "close returned while a table was being flushed");
            thread::yield_now();
        }
        sink.permit(1);
        closing.join().expect("it ends").expect("an open store closes");
    });
    let operations = fs.counts().operations;
    drop(store);
    assert_eq!(fs.counts().operations, operations, "after close nobody touches the directory");
}
