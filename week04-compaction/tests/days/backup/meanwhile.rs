//! Checkpoints of a store that does not stand still.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use lsm::moments::{Moment, interrupt};
use lsm::{Lsm, LsmOptions};
use wal::fs::SimFs;
use wal::testing::put;
use wal::{Engine, Error, Reader};

use super::given::*;

/// A store of three tables and a little in memory, on a disk with a hook at links, which flushes as soon
/// as something more is written.
fn about_to_flush(sim: &SimFs, options: LsmOptions) -> (Arc<Linking>, Arc<Lsm>) {
    let store = open(disk(sim), DIR, still());
    while store.version().level(0).len() < 3 {
        overwrite(&store, 0..1);
        thread::yield_now();
    }
    store.close().expect("a good disk");
    drop(store);
    let fs = Linking::new(sim, Links::Work);
    let store = Arc::new(open(fs.clone(), DIR, options));
    (fs, store)
}

/// Writes until nothing is in memory that was there before.
fn flush_all(store: &Lsm) {
    let last_seq = stat(store, "last_seq");
    while store.version().tables().map(|table| table.meta.largest_seq).max() < Some(last_seq)
        || stat(store, "frozen_tables") > 0
    {
        write(store, &[put("more", [0; 300])]);
        thread::yield_now();
    }
}

#[test]
fn what_is_flushed_while_tables_are_linked_is_in_the_checkpoint() {
    let sim = SimFs::new(1);
    let (fs, store) = about_to_flush(&sim, still());
    write(&store, &[put("early", "acknowledged before the call")]);
    let other = Arc::clone(&store);
    fs.at_link(move || flush_all(&other));
    checkpoint(&store, COPY);
    fs.expect_linked();
    let copy = open_copy(disk(&sim), COPY, in_memory());
    let found = copy.get(b"early").expect("a good disk");
    assert!(
        found.is_some(),
        "it was in memory before the call, and in a table before memory was looked at, and in none of \
         those that are linked {MOMENT}"
    );
    for key in 0..10 {
        let found = copy.get(format!("key{key}").as_bytes()).expect("a good disk");
        assert!(found.is_some(), "key{key} was in a table before the call {MOMENT}");
    }
}

#[test]
fn what_is_flushed_between_the_two_looks_is_in_the_checkpoint() {
    let sim = SimFs::new(1);
    let (_, store) = about_to_flush(&sim, still());
    write(&store, &[put("early", "acknowledged before the call")]);
    let (other, is_flushed) = (Arc::clone(&store), Arc::new(AtomicBool::new(false)));
    let flushed = Arc::clone(&is_flushed);
    // When `pinned` has what it gives, and before anything else is done.
    let flush = move || {
        flush_all(&other);
        flushed.store(true, Ordering::SeqCst);
    };
    interrupt(Moment::Pinned, flush, || checkpoint(&store, COPY));
    assert!(is_flushed.load(Ordering::SeqCst), "nobody has asked for what is `pinned` {MOMENT}");
    let found = open_copy(disk(&sim), COPY, in_memory()).get(b"early").expect("a good disk");
    assert!(
        found.is_some(),
        "it was in memory when the tables were looked at, and was flushed at once: who looks at memory \
         then finds it in neither {MOMENT}"
    );
}

#[test]
fn tables_that_are_compacted_meanwhile_are_there_until_they_are_linked() {
    let sim = SimFs::new(1);
    // Not yet: its tables and some more.
    let (fs, store) = about_to_flush(&sim, LsmOptions { level0_tables: 20, ..still() });
    write(&store, &[put("early", "acknowledged before the call")]);
    let want: Vec<_> = all(&*store);
    let other = Arc::clone(&store);
    fs.at_link(move || {
        while stat(&other, "compactions") == 0 {
            flush_all(&other);
        }
        other.settle().expect("a good disk");
    });
    let made = store.checkpoint(Path::new(COPY));
    fs.expect_linked();
    assert!(
        made.is_ok(),
        "a compaction has put others in the place of its tables, and the checkpoint is {made:?}: who \
         keeps the version? {LINKED}"
    );
    let copy = open_copy(disk(&sim), COPY, in_memory());
    for (key, value) in want {
        let found = copy.get(&key).expect("a good disk");
        assert_eq!(found, Some(value), "{key:?} of the copy {MOMENT}");
    }
    drop((copy, store));
    let there = names(&sim, DIR);
    let store = open(disk(&sim), DIR, still());
    let tables = store.version().tables().count();
    let files = there.iter().filter(|name| name.ends_with(".sst")).count();
    assert_eq!(
        files, tables,
        "tables on disk after the checkpoint has let its version go {LINKED}"
    );
}

#[test]
fn while_it_is_filled_a_directory_is_nobody_elses() {
    let sim = SimFs::new(1);
    let (fs, store) = about_to_flush(&sim, in_memory());
    let (other, sim_below) = (Arc::clone(&store), sim.clone());
    fs.at_link(move || {
        let second = other.checkpoint(Path::new(COPY));
        assert!(
            matches!(second, Err(Error::Locked { .. })),
            "two checkpoints in one directory at a time: the second gives {second:?} {FIRST}"
        );
        let opened = Lsm::open(disk(&sim_below), Path::new(COPY), small()).map(|_| "a store");
        assert!(
            matches!(opened, Err(Error::Locked { .. })),
            "half a checkpoint is opened while it is made: {opened:?} {FIRST}"
        );
    });
    checkpoint(&store, COPY);
    fs.expect_linked();
    expect_copy(disk(&sim), COPY, &all(&*store), "after others were refused,");
}

#[test]
fn a_checkpoint_has_whole_batches_and_all_before_it_while_many_write() {
    const WRITERS: usize = 3;
    let sim = SimFs::new(1);
    let store = open(disk(&sim), DIR, small());
    let counts = || std::array::from_fn::<AtomicU64, WRITERS, _>(|_| AtomicU64::new(0));
    let (begun, acknowledged, is_over) = (counts(), counts(), AtomicBool::new(false));
    let now =
        |counts: &[AtomicU64; WRITERS]| counts.each_ref().map(|count| count.load(Ordering::SeqCst));
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, begun, acknowledged) = (&store, &begun[writer], &acknowledged[writer]);
            let is_over = &is_over;
            scope.spawn(move || {
                for count in 1.. {
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    begun.store(count, Ordering::SeqCst);
                    let key = |half: &str| put(format!("{half} of {writer}"), count.to_string());
                    write(store, &[key("left"), key("right")]);
                    acknowledged.store(count, Ordering::SeqCst);
                }
            });
        }
        let _checks = crate::RaiseAtEnd(&is_over);
        for number in 0..40 {
            let dir = format!("/copy{number}");
            let before = now(&acknowledged);
            checkpoint(&store, &dir);
            let after = now(&begun);
            let copy = open_copy(disk(&sim), &dir, in_memory());
            for writer in 0..WRITERS {
                let half = |half: &str| {
                    let found = copy.get(format!("{half} of {writer}").as_bytes());
                    let found = found.expect("a good disk").unwrap_or_default();
                    String::from_utf8(found.to_vec()).expect("text").parse().unwrap_or(0)
                };
                let (left, right): (u64, u64) = (half("left"), half("right"));
                assert_eq!(left, right, "a batch of writer {writer} is there in part {MOMENT}");
                let (least, most) = (before[writer], after[writer]);
                assert!(
                    (least..=most).contains(&left),
                    "writer {writer} had {least} batches acknowledged before the checkpoint and \
                     had begun {most} after it, and the copy has its batch {left} {MOMENT}"
                );
            }
        }
    });
}
