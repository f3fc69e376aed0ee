//! Many at once: eight threads, started together.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::testing::{Crash, OpenEngine, batch, given, put, scan, show_value};
use crate::{Direction, Durability, Engine, Entry, KeyRange, Seq};

const WRITERS: usize = 4;
const READERS: usize = 4;
const BATCHES_PER_WRITER: usize = 40;
const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// All five keys always have one value: that of the batch written last.
pub fn readers_see_whole_batches_while_many_write(open: &OpenEngine) {
    let store = given(open, &[]);
    store.apply(KEYS.map(|key| put(key, "start")));
    let engine: &dyn Engine = &*store;
    let start = Barrier::new(WRITERS + READERS);
    let writing = AtomicUsize::new(WRITERS);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (start, writing) = (&start, &writing);
            scope.spawn(move || {
                let _done = OnDrop(|| writing.fetch_sub(1, Ordering::Release));
                start.wait();
                write_batches(engine, writer);
            });
        }
        for _ in 0..READERS {
            scope.spawn(|| {
                start.wait();
                let mut last_round = false;
                while !last_round {
                    last_round = writing.load(Ordering::Acquire) == 0;
                    expect_one_batch(engine);
                }
            });
        }
    });
}

/// A writer that panics must not leave the readers waiting for it.
struct OnDrop<F: FnMut() -> usize>(F);

impl<F: FnMut() -> usize> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Writes one value under all keys, again and again, and returns number and value of the last.
#[track_caller]
fn write_batches(engine: &dyn Engine, writer: usize) -> (Seq, String) {
    let mut last = (0, String::new());
    for number in 0..BATCHES_PER_WRITER {
        let value = format!("writer {writer}, batch {number}");
        let batch = batch(&KEYS.map(|key| put(key, &value)));
        let durability = match number % 10 {
            0 => Durability::Synced,
            5 => Durability::Flushed,
            _ => Durability::Buffered,
        };
        let written = engine.write(batch, durability);
        let seq = written.unwrap_or_else(|error| panic!("a write must work, and failed: {error}"));
        assert!(
            seq > last.0,
            "a thread's later batch got number {seq}, its earlier one {}",
            last.0
        );
        last = (seq, value);
    }
    last
}

#[track_caller]
fn expect_one_batch(engine: &dyn Engine) {
    for direction in [Direction::Forward, Direction::Backward] {
        expect_one_value(&scan(engine, KeyRange::all(), direction));
    }
    let snapshot = engine.snapshot();
    let snapshot = snapshot.unwrap_or_else(|error| panic!("a snapshot must be given: {error}"));
    let first = snapshot.get(KEYS[0].as_bytes()).ok().flatten();
    let last = snapshot.get(KEYS[4].as_bytes()).ok().flatten();
    assert!(
        first == last && first.is_some(),
        "a batch writes one value under all keys; in one snapshot the first key has {} and the \
         last {}: a batch was seen in part",
        show_value(first.as_deref()),
        show_value(last.as_deref())
    );
}

#[track_caller]
fn expect_one_value(entries: &[Entry]) {
    let one_value = entries.iter().all(|(_, value)| *value == entries[0].1);
    assert!(
        entries.len() == KEYS.len() && one_value,
        "a batch writes one value under all keys; a scan saw a batch in part: {entries:?}"
    );
}

/// The batch with the highest number is the one that counts, before and after reopening.
pub fn the_order_of_writes_is_that_of_their_numbers(open: &OpenEngine) {
    let mut store = given(open, &[]);
    let engine: &dyn Engine = &*store;
    let start = Barrier::new(WRITERS + READERS);
    let lasts: Vec<(Seq, String)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..WRITERS + READERS)
            .map(|writer| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    write_batches(engine, writer)
                })
            })
            .collect();
        let results = threads.into_iter().map(|thread| thread.join());
        results
            .map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let (seq, value) = lasts.iter().max().expect("there were writers");
    let operations = (WRITERS + READERS) * BATCHES_PER_WRITER * KEYS.len();
    assert_eq!(
        *seq, operations as Seq,
        "{operations} operations were written, and the last has another number"
    );
    let expected = KEYS.map(|key| (key, value.as_str()));
    store.expect(&expected);
    store.reopen();
    store.expect(&expected);
}

/// Each thread's every write was acknowledged as synced, so all of them are there.
pub fn synced_writes_of_many_threads_survive_a_power_cut(open: &OpenEngine) {
    let mut store = given(open, &[]);
    let engine: &dyn Engine = &*store;
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for thread in 0..8 {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for number in 0..10 {
                    let key = format!("{thread} {number}");
                    let written = engine.put(key.as_bytes(), b"there", Durability::Synced);
                    written.unwrap_or_else(|error| panic!("a write must work: {error}"));
                }
            });
        }
    });
    store.crash(Crash::PowerCut);
    let found = scan(&*store, KeyRange::all(), Direction::Forward).len();
    assert_eq!(
        found, 80,
        "eight threads wrote ten keys each, all acknowledged as Synced; after the power cut some \
         are missing"
    );
}
