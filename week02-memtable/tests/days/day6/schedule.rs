//! Day 6, in many orders of steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use scheduled::{Flush, Frozen, Group, MemOptions, MemStore, WriteQueue};
use shuttle::thread::{self, JoinHandle};
use wal::fs::SimFs;
use wal::testing::scan;
use wal::{Direction, Durability, Engine, Error, KeyRange, Result, Seq};

use super::given::{dir, puts};
use crate::orders::in_many_orders;

/// A line, and what it writes: no two groups may be written at the same time.
struct Line {
    queue: WriteQueue,
    is_writing: AtomicBool,
    last: Mutex<Seq>,
}

impl Line {
    fn new() -> Arc<Line> {
        let (is_writing, last) = (AtomicBool::new(false), Mutex::new(0));
        Arc::new(Line { queue: WriteQueue::new(1 << 20), is_writing, last })
    }

    /// A thread that writes one batch after the other, each of so many operations.
    fn writer(self: &Arc<Line>, counts: &'static [usize]) -> JoinHandle<Vec<Seq>> {
        let line = Arc::clone(self);
        thread::spawn(move || {
            let write = |&count| {
                let batch = puts(1, count);
                let told = line.queue.write(batch, Durability::Buffered, |group| line.write(group));
                told.expect("nothing fails here")
            };
            counts.iter().map(write).collect()
        })
    }

    fn write(&self, group: Group) -> Result<Seq> {
        self.exclusively(|| {
            let mut last = self.last.lock();
            *last += group.batch.len() as Seq;
            Ok(*last)
        })
    }

    fn exclusively<T>(&self, work: impl FnOnce() -> T) -> T {
        assert!(
            !self.is_writing.swap(true, Ordering::SeqCst),
            "two write at the same time: rule 1"
        );
        thread::yield_now();
        let done = work();
        self.is_writing.store(false, Ordering::SeqCst);
        done
    }
}

#[test]
fn two_writers_are_both_told_in_many_orders_of_steps() {
    in_many_orders(2_000, || {
        let line = Line::new();
        let writers = [line.writer(&[1]), line.writer(&[1])];
        let mut numbers = writers.map(|writer| writer.join().expect("a writer ends")).concat();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2], "what two writers of one operation each are told: rule 1");
    });
}

#[test]
fn nobody_passes_the_line_in_many_orders_of_steps() {
    in_many_orders(1_000, || {
        // Which of the three may come: the second when the first is writing, the third when the
        // second stands in line.
        let (line, may_come) = (Line::new(), Arc::new(AtomicUsize::new(1)));
        let writers = [1, 2, 3].map(|number| {
            let (line, may_come) = (Arc::clone(&line), Arc::clone(&may_come));
            thread::spawn(move || {
                while may_come.load(Ordering::SeqCst) < number {
                    thread::yield_now();
                }
                let write = |group| {
                    may_come.fetch_max(2, Ordering::SeqCst);
                    while number == 1 && line.queue.waiting() == 0 {
                        thread::yield_now();
                    }
                    may_come.store(3, Ordering::SeqCst);
                    line.write(group)
                };
                line.queue.write(puts(number, 1), Durability::Buffered, write)
            })
        });
        let told = writers.map(|writer| writer.join().expect("a writer ends"));
        let told = told.map(|told| told.expect("nothing fails here"));
        assert_eq!(told, [1, 2, 3], "numbers, in the order in which they came: rule 1");
    });
}

#[test]
fn every_writer_is_told_its_own_number_in_many_orders_of_steps() {
    in_many_orders(1_000, || {
        let line = Line::new();
        let writers = [line.writer(&[1, 2]), line.writer(&[2, 1]), line.writer(&[3])];
        let mut told = writers.map(|writer| writer.join().expect("a writer ends"));
        for numbers in &told {
            assert!(numbers.is_sorted(), "a writer's second batch is behind its first: {told:?}");
        }
        let mut ends: Vec<_> = Vec::new();
        for (numbers, counts) in told.iter_mut().zip([&[1, 2][..], &[2, 1], &[3]]) {
            ends.extend(numbers.iter().copied().zip(counts.iter().copied()));
        }
        ends.sort_unstable();
        let mut last = 0;
        for (end, count) in ends {
            last += count;
            assert_eq!(end, last, "the number of a batch of {count} behind the others: rule 1");
        }
    });
}

#[test]
fn who_wants_to_be_alone_is_alone_and_does_not_wait_for_ever() {
    in_many_orders(1_000, || {
        let line = Line::new();
        let writers = [line.writer(&[1, 1]), line.writer(&[1])];
        line.queue.alone(|| line.exclusively(|| ()));
        let _ = writers.map(|writer| writer.join().expect("a writer ends"));
    });
}

/// Takes full tables, or fails from the second on.
#[derive(Debug, Default)]
struct Sink {
    ends: Mutex<Vec<Seq>>,
    entries: Mutex<usize>,
    fails: bool,
}

impl Flush for Sink {
    fn flush(&self, frozen: &Frozen) -> Result<()> {
        thread::yield_now();
        if self.fails && !self.ends.lock().is_empty() {
            return Err(Error::io("write", dir(), std::io::Error::other("full")));
        }
        self.ends.lock().push(frozen.end.seq);
        *self.entries.lock() += frozen.table.len();
        Ok(())
    }
}

/// A store in which every write finds the table full, and so many full tables may wait.
fn open(fs: &SimFs, sink: &Arc<Sink>, frozen_max: usize) -> Arc<MemStore> {
    let flush = Some(Arc::clone(sink) as Arc<dyn Flush>);
    let options = MemOptions { memtable_size: 1, frozen_max, flush, ..MemOptions::default() };
    let store = MemStore::open(Arc::new(fs.clone()), dir(), options);
    Arc::new(store.expect("the store opens"))
}

/// A thread that puts these keys, until it is refused, and returns what it was told last, and how
/// many were acknowledged.
fn putter(store: &Arc<MemStore>, keys: [u8; 3]) -> JoinHandle<(usize, Option<Error>)> {
    let store = Arc::clone(store);
    thread::spawn(move || {
        for (count, key) in keys.into_iter().enumerate() {
            if let Err(error) = store.put(&[key], b"value", Durability::Flushed) {
                return (count, Some(error));
            }
        }
        (keys.len(), None)
    })
}

fn count(store: &MemStore) -> usize {
    scan(store, KeyRange::all(), Direction::Forward).len()
}

/// With two of them, one is being flushed while the other is frozen.
const FROZEN_MAX: usize = 2;

#[test]
fn each_full_table_is_flushed_once_in_many_orders_of_steps() {
    in_many_orders(1_000, || {
        let sink = Arc::new(Sink::default());
        let store = open(&SimFs::new(1), &sink, FROZEN_MAX);
        let writer = putter(&store, [1, 2, 3]);
        let frozen = store.stats().get("frozen_tables");
        let allowed = frozen <= Some(FROZEN_MAX as u64);
        assert!(allowed, "{frozen:?} full tables wait, and {FROZEN_MAX} may: rule 5");
        let (_, refused) = writer.join().expect("a writer ends");
        assert!(refused.is_none(), "there is or comes room, and a write fails: {refused:?}");
        store.close().expect("an open store closes");
        let ends = sink.ends.lock();
        let once = ends.is_sorted_by(|a, b| a < b);
        assert!(once, "each table is flushed once, the oldest first: rule 4; flushed: {ends:?}");
    });
}

#[test]
fn what_is_flushed_and_what_is_left_is_all_that_was_written() {
    in_many_orders(1_000, || {
        let sink = Arc::new(Sink::default());
        let store = open(&SimFs::new(1), &sink, FROZEN_MAX);
        putter(&store, [1, 2, 3]).join().expect("the writer ends");
        // A table leaves the view after it was flushed, so a scan may find it in both places.
        let found = count(&store);
        let flushed = *sink.entries.lock();
        assert!(found + flushed >= 3, "{flushed} entries flushed, {found} left, of 3: rule 4");
        store.close().expect("an open store closes");
        assert!(*sink.entries.lock() <= 3, "something was flushed twice");
    });
}

#[test]
fn nobody_waits_for_room_that_will_not_come() {
    in_many_orders(1_000, || {
        let sink = Arc::new(Sink { fails: true, ..Sink::default() });
        let store = open(&SimFs::new(1), &sink, FROZEN_MAX);
        let writers = [putter(&store, [1, 2, 3]), putter(&store, [4, 5, 6])];
        for writer in writers {
            let (_, refused) = writer.join().expect("a writer ends");
            let poisoned = matches!(refused, None | Some(Error::Poisoned { .. }));
            assert!(poisoned, "a flush failed, which is Error::Poisoned, and not {refused:?}");
            let frozen = store.stats().get("frozen_tables");
            let was_full = refused.is_none() || frozen == Some(FROZEN_MAX as u64);
            assert!(was_full, "refused at {frozen:?} full tables, with room for another (rule 5)");
        }
        store.close().expect("an open store closes");
    });
}

#[test]
fn a_store_closes_whole_in_many_orders_of_steps() {
    in_many_orders(1_000, || {
        let (fs, sink) = (SimFs::new(1), Arc::new(Sink::default()));
        let store = open(&fs, &sink, 1);
        let writers = [putter(&store, [1, 2, 3]), putter(&store, [4, 5, 6])];
        store.close().expect("an open store closes");
        let mut acknowledged = 0;
        for writer in writers {
            let (count, refused) = writer.join().expect("a writer ends");
            let closed = matches!(refused, None | Some(Error::Closed));
            assert!(closed, "a closed store is Error::Closed, and not {refused:?}");
            acknowledged += count;
        }
        drop(store);
        // What was flushed is in the log as long as its segment is: the log here has only one.
        let store = MemStore::open(Arc::new(fs), dir(), MemOptions::default());
        let found = count(&store.expect("a store that was closed opens"));
        assert_eq!(found, acknowledged, "opened again, the entries that were acknowledged");
    });
}
