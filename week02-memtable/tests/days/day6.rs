//! Day 6: writers wait in line together, and one writes for all.

mod given;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::allocated_by;
use given::*;
use memtable::WriteQueue;
use parking_lot::Mutex;
use wal::fs::{Fault, Operation};
use wal::testing::{batch, put, scan};
use wal::{Direction, Durability, Engine, Error, KeyRange, Reader};

// Groups.

#[test]
fn who_comes_alone_is_written_alone_and_at_once() {
    let queue = WriteQueue::new(1 << 20);
    let groups = Groups::default();
    for number in 1..=3 {
        let seq = queue.write(puts(number, 2), Durability::Flushed, |group| groups.write(group));
        assert_eq!(
            seq.expect("it is written"),
            number as u64 * 2,
            "the number of its last operation"
        );
    }
    assert_eq!(groups.keys(), [["1.0", "1.1"], ["2.0", "2.1"], ["3.0", "3.1"]], "three groups");
}

#[test]
fn who_is_alone_needs_no_memory_for_its_place() {
    let queue = WriteQueue::new(1 << 20);
    let mut batches = (0..20).map(|number| puts(number, 1)).collect::<Vec<_>>().into_iter();
    let allocated = allocated_by(20, || {
        let batch = batches.next().expect("one for each run");
        queue.write(batch, Durability::Buffered, |_group| Ok(1)).expect("it is written")
    });
    assert_eq!(
        allocated, 0,
        "bytes allocated in the line for a writer who meets nobody there: no ticket, no group to \
         collect (rule 1 of day 6)"
    );
}

#[test]
fn who_waits_together_is_written_together_in_the_order_of_the_line() {
    let line = a_line_behind_a_leader(1 << 20, &[(1, 1), (2, 3), (3, 2)]);
    let behind = &line.groups[1..];
    let expected: &[&[&str]] = &[&["1.0", "2.0", "2.1", "2.2", "3.0", "3.1"]];
    assert_eq!(behind, expected, "three who waited are one group, in their order: rule 1");
}

#[test]
fn each_member_is_told_the_number_of_its_own_last_operation() {
    let line = a_line_behind_a_leader(1 << 20, &[(1, 1), (2, 3), (3, 2)]);
    let numbers: Vec<_> = line.outcomes.into_iter().map(|outcome| outcome.ok()).collect();
    // The leader's own batch has one operation, number 1.
    let expected = [Some(2), Some(5), Some(7)];
    assert_eq!(numbers, expected, "after operation 1 come batches of 1, 3 and 2: rule 1");
}

#[test]
fn a_group_is_as_durable_as_its_most_demanding_member_wants() {
    use Durability::{Buffered, Flushed, Synced};
    for (wanted, expected) in [
        ([Buffered, Buffered, Buffered], Buffered),
        ([Buffered, Synced, Buffered], Synced),
        ([Synced, Buffered, Flushed], Synced),
        ([Buffered, Buffered, Flushed], Flushed),
    ] {
        let durabilities = durabilities_behind_a_leader(&wanted);
        assert_eq!(durabilities, [expected], "a group of {wanted:?}: rule 2");
    }
}

#[test]
fn a_group_stays_within_its_size_and_nobody_is_overtaken() {
    // A batch of one such put is 12 bytes of header and 8 of operation.
    let small = |writer| (writer, 1);
    let writers: Vec<_> = [1, 2].map(small).into_iter().chain([(3, 20)]).collect();
    let line = a_line_behind_a_leader(100, &[writers, (4..=9).map(small).collect()].concat());
    let firsts: Vec<Vec<&str>> = line.groups[1..]
        .iter()
        .map(|group| group.iter().map(|key| key.split('.').next().unwrap_or_default()).collect())
        .map(|mut writers: Vec<&str>| {
            writers.dedup();
            writers
        })
        .collect();
    let expected: [&[&str]; 4] = [&["1", "2"], &["3"], &["4", "5", "6", "7", "8"], &["9"]];
    assert_eq!(
        firsts, expected,
        "batches of 20, 20, 172 and six more of 20 bytes, and groups of 100: five of 20 fit just so, \
         one that does not fit begins the next group, one that never fits goes alone, and nobody is \
         overtaken: rule 1"
    );
}

#[test]
fn one_group_is_written_at_a_time() {
    let queue = WriteQueue::new(1 << 20);
    let (last, writing) = (AtomicU64::new(0), AtomicBool::new(false));
    let written = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 0..8 {
            let (queue, last, writing, written) = (&queue, &last, &writing, &written);
            scope.spawn(move || {
                for number in 0..200 {
                    let batch = puts(thread * 1000 + number, 1 + number % 3);
                    let count = batch.len() as u64;
                    let seq = queue.write(batch, Durability::Buffered, |group| {
                        let alone = !writing.swap(true, Ordering::SeqCst);
                        assert!(alone, "two threads write at the same time: rule 1");
                        let len = group.batch.len() as u64;
                        let seq = last.fetch_add(len, Ordering::SeqCst) + len;
                        writing.store(false, Ordering::SeqCst);
                        Ok(seq)
                    });
                    written.lock().push((seq.expect("it is written"), count));
                }
            });
        }
    });
    let mut written = written.into_inner();
    written.sort_unstable();
    let mut next = 0;
    for (seq, count) in written {
        next += count;
        assert_eq!(seq, next, "numbers of all writers together have no gap and no double: rule 1");
    }
}

#[test]
fn the_line_is_open_while_a_group_is_written() {
    // The first finds nobody, and the second leads from the line: while each of them writes, the
    // next one comes.
    let queue = &WriteQueue::new(1 << 20);
    let [begun, come, locked_out] = &[const { AtomicU64::new(0) }; 3];
    thread::scope(|scope| {
        for number in 1..=3 {
            let write = move |_group| {
                begun.store(number, Ordering::SeqCst);
                if number < 3 && !comes_true(|| come.load(Ordering::SeqCst) > number) {
                    locked_out.store(number + 1, Ordering::SeqCst);
                }
                Ok(number)
            };
            let batch = puts(number as usize, 1);
            let writer = scope.spawn(move || queue.write(batch, Durability::Buffered, write));
            let is_writing = || begun.load(Ordering::SeqCst) == number || writer.is_finished();
            wait_until("who comes is written, or stands in line: rule 1", || {
                is_writing() || queue.waiting() == 1
            });
            come.store(number, Ordering::SeqCst);
            wait_until("and is written when it is the first: rule 1", is_writing);
        }
    });
    let locked_out = locked_out.load(Ordering::SeqCst);
    assert_eq!(
        locked_out, 0,
        "the writer that could not get into the line while the one before it was writing: rule 1"
    );
}

// Failures.

#[test]
fn a_failed_group_fails_for_all_of_its_members() {
    let (leader, others) = a_failing_line(|| Error::io("sync", dir(), std::io::Error::other("no")));
    assert!(
        matches!(leader, Err(Error::Io { .. })),
        "rule 3: the leader is told what failed: {leader:?}"
    );
    for outcome in others {
        let Err(Error::Poisoned { cause }) = &outcome else {
            panic!("rule 3: a member of a group that failed is Error::Poisoned, not {outcome:?}");
        };
        assert!(
            cause.contains("sync"),
            "rule 3: the cause is the leader's error, as text: {cause}"
        );
    }
}

#[test]
fn a_store_that_is_closed_says_so_to_all_members() {
    let (leader, others) = a_failing_line(|| Error::Closed);
    for outcome in others.into_iter().chain([leader]) {
        assert!(
            matches!(outcome, Err(Error::Closed)),
            "rule 3: closed is Error::Closed, not {outcome:?}"
        );
    }
}

#[test]
fn after_a_failed_group_the_line_goes_on() {
    let queue = WriteQueue::new(1 << 20);
    let failed = queue.write(puts(1, 1), Durability::Buffered, |_| Err(Error::Closed));
    assert!(failed.is_err(), "the group failed");
    let groups = Groups::default();
    let seq = queue.write(puts(2, 1), Durability::Buffered, |group| groups.write(group));
    assert_eq!(seq.ok(), Some(1), "whoever comes after a failure leads, as anyone does: rule 3");
}

#[test]
fn a_leader_that_panics_fails_its_group_and_nobody_else() {
    // Whoever is not told waits for ever.
    let ends = a_panicking_line();
    let panic = ends[0].as_ref().expect_err("the leader's panic goes on in its thread: rule 3");
    let text = panic.downcast_ref::<&str>();
    assert_eq!(text, Some(&"a bug"), "what the leader panicked with, goes on as it is: rule 3");
    let Ok(Err(Error::Poisoned { cause })) = &ends[1] else {
        panic!("the leader of its group panicked, and the other member is told {:?}", ends[1]);
    };
    assert!(!cause.is_empty(), "and it is told why: rule 3");
    let behind: Vec<_> = ends[2..].iter().flatten().flatten().copied().collect();
    assert_eq!(behind, [2, 3], "those behind are the next group, after operation 1: rule 3");
}

#[test]
fn after_a_panic_the_line_is_free() {
    let queue = WriteQueue::new(1 << 20);
    let write = || queue.write(puts(1, 1), Durability::Buffered, |_| panic_in_silence());
    let panicked = catch_unwind(AssertUnwindSafe(write)).is_err();
    assert!(panicked, "a panic is not swallowed: it goes on in the thread that led: rule 3");
    // A line that is still led lets nobody through.
    queue.alone(|| ());
    let groups = Groups::default();
    let seq = queue.write(puts(2, 1), Durability::Buffered, |group| groups.write(group));
    assert_eq!(seq.ok(), Some(1), "whoever comes after a panic leads, as anyone does: rule 3");
}

#[test]
fn who_wants_to_be_alone_waits_for_the_group_under_way() {
    let queue = WriteQueue::new(1 << 20);
    let (leading, done) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let alone = scope.spawn(|| {
            wait_until("who comes alone leads", || leading.load(Ordering::SeqCst));
            queue.alone(|| done.load(Ordering::SeqCst))
        });
        let written = queue.write(puts(1, 1), Durability::Buffered, |_| {
            leading.store(true, Ordering::SeqCst);
            (0..1_000).for_each(|_| thread::yield_now());
            done.store(true, Ordering::SeqCst);
            Ok(1)
        });
        assert_eq!(written.ok(), Some(1), "it is written");
        // Whoever is not woken when the leader is back waits for ever.
        let was_done = alone.join().expect("it ends");
        assert!(was_done, "`alone` ran its work while a group was being written: rule 1");
    });
}

// In the store.

#[test]
fn a_write_that_panics_half_way_is_the_last() {
    let (fs, store) = store();
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        let whole = scope.spawn(|| store.put(b"whole", b"value", Durability::Synced));
        gate.wait_for(1);
        let half = scope.spawn(|| store.put(b"half", b"value", Durability::Flushed));
        wait_for_writers(&store, 1);
        // Nobody knows then how much of the record the log has, and its number is not published.
        fs.fail(Operation::Write, 1, Fault::Panic);
        drop(gate);
        whole.join().expect("the first one's disk is good").expect("it is written");
        assert!(half.join().is_err(), "the panic goes on in the thread that led: rule 3");
    });
    let next = store.put(b"next", b"value", Durability::Flushed);
    assert!(
        matches!(next, Err(Error::Poisoned { .. })),
        "a write panicked half way, and the next one is given the same numbers: it gave {next:?}. \
         `write_whole` knows of the panic: rule 3"
    );
    drop(store);
    let found = reopen(&fs).get(b"whole").expect("memory answers");
    assert!(found.is_some(), "it was synced before the panic, and is not there any more: rule 2");
}

#[test]
fn a_synced_write_behind_a_buffered_one_survives_a_power_cut() {
    let (fs, store) = store();
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        let put = |key: &'static [u8], durability| {
            let store = &store;
            scope.spawn(move || store.put(key, b"value", durability).expect("the disk syncs"))
        };
        put(b"first", Durability::Synced);
        gate.wait_for(1);
        for (index, durability) in
            [Durability::Buffered, Durability::Synced].into_iter().enumerate()
        {
            put([&b"buffered"[..], b"synced"][index], durability);
            wait_for_writers(&store, index as u64 + 1);
        }
        drop(gate);
    });
    fs.power_cycle();
    drop(store);
    let store = reopen(&fs);
    let found = store.get(b"synced").expect("memory answers");
    assert!(found.is_some(), "it was acknowledged as synced, and a power cut took it: rule 2");
}

#[test]
fn thirty_two_writers_share_records_and_syncs() {
    let (fs, store) = store();
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        let put = |number: usize| {
            let store = &store;
            scope.spawn(move || {
                let key = format!("{number:04}");
                store.put(key.as_bytes(), b"value", Durability::Synced).expect("the disk syncs")
            })
        };
        put(0);
        gate.wait_for(1);
        (1..32).for_each(|number| drop(put(number)));
        wait_for_writers(&store, 31);
        drop(gate);
    });
    let stats = store.stats();
    let [records, syncs] = ["log_records", "syncs"].map(|name| stats.get(name).unwrap_or_default());
    assert_eq!(records, 2, "31 writers waited for one, and are one record together: rule 1");
    assert_eq!(syncs, 2, "and one sync: rule 2");
    let found = scan(&store, KeyRange::all(), Direction::Forward);
    assert_eq!(found.len(), 32, "everything that was acknowledged is there");
}

#[test]
fn a_buffered_write_in_a_group_with_a_synced_one_is_seen_with_it() {
    let (fs, store) = store();
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        scope.spawn(|| store.put(b"a", b"1", Durability::Synced).expect("the disk syncs"));
        gate.wait_for(1);
        scope.spawn(|| store.put(b"b", b"2", Durability::Buffered).expect("it is written"));
        wait_for_writers(&store, 1);
        scope.spawn(|| store.put(b"c", b"3", Durability::Synced).expect("the disk syncs"));
        wait_for_writers(&store, 2);
        let seen = store.get(b"b").expect("memory answers");
        assert_eq!(seen, None, "what stands in line is not in the memtable yet, and not seen");
        drop(gate);
    });
    let found = scan(&store, KeyRange::all(), Direction::Forward);
    assert_eq!(found.len(), 3, "all three were acknowledged");
}

#[test]
fn what_a_failed_group_wrote_is_never_seen() {
    let (fs, store) = store();
    let gate = fs.hold_syncs();
    let failures = thread::scope(|scope| {
        let put = |key: &'static [u8]| {
            let store = &store;
            scope.spawn(move || store.put(key, b"value", Durability::Synced).is_err())
        };
        let first = put(b"first");
        gate.wait_for(1);
        fs.fail(wal::fs::Operation::Sync, 1, wal::fs::Fault::Io);
        let others = [put(b"a"), put(b"b"), put(b"c")];
        wait_for_writers(&store, 3);
        drop(gate);
        let failed = others.map(|other| other.join().expect("it ends"));
        (first.join().expect("it ends"), failed)
    });
    assert_eq!(
        failures,
        (false, [true; 3]),
        "the first sync went well, the second failed for three"
    );
    let found = scan(&store, KeyRange::all(), Direction::Forward);
    let keys: Vec<_> = found.iter().map(|(key, _)| &key[..]).collect();
    assert_eq!(keys, [b"first"], "what was not acknowledged is never seen: rule 3 of day 5");
}

#[test]
fn close_waits_for_the_group_under_way_and_refuses_the_rest() {
    let (fs, store) = store();
    let store = Arc::new(store);
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        let first = scope.spawn(|| store.put(b"a", b"1", Durability::Synced));
        gate.wait_for(1);
        let second = scope.spawn(|| store.put(b"b", b"2", Durability::Synced));
        wait_for_writers(&store, 1);
        let closing = scope.spawn(|| store.close());
        drop(gate);
        closing.join().expect("it ends").expect("an open store closes");
        first.join().expect("it ends").expect("it was under way, and came to its end");
        let told = second.join().expect("it ends");
        let fits = matches!(told, Ok(2) | Err(Error::Closed));
        assert!(fits, "who stood in line is written before the end or told of it, not {told:?}");
    });
    let late = store.write(batch(&[put("late", "1")]), Durability::Buffered);
    assert!(matches!(late, Err(Error::Closed)), "a closed store says Closed, and not {late:?}");
}

// Room for full tables.

mod room;

// In many orders of steps.

mod schedule;
