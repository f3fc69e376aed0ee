//! A log to commit to, a sync to hold, and what is expected of both.

use std::fmt::Debug;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::{self, ScopedJoinHandle};

use wal::Durability::{Buffered, Flushed, Synced};
use wal::fs::{SimFs, SyncGate};
use wal::{Error, LogOptions, LogWriter, Lsn, Result, Wal};

use crate::log::{dir, payload, records, shared, shown};

/// A log with one record that is on disk.
#[track_caller]
pub(super) fn started(fs: &SimFs) -> Wal {
    started_with(fs, LogOptions::default())
}

/// The same, laid out in another way.
#[track_caller]
pub(super) fn started_with(fs: &SimFs, options: LogOptions) -> Wal {
    let wal = Wal::open(shared(fs), dir(), 0, options);
    let wal = wal.unwrap_or_else(|error| panic!("a new log must open, and failed: {error}"));
    wal.commit(&payload(0), Synced).expect("a first commit, on a disk that works");
    wal
}

#[track_caller]
pub(super) fn new_writer(fs: &SimFs, options: LogOptions) -> LogWriter {
    LogWriter::open(shared(fs), dir(), 0, options).expect("a new log opens")
}

/// Runs `work` in that many threads, and waits for all.
pub(super) fn in_threads(count: usize, work: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for number in 0..count {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}

/// Runs `meanwhile` while record 1 is being committed and its sync is held at the gate, and returns
/// what the commit said when the gate was opened again.
#[track_caller]
pub(super) fn during_a_sync(
    fs: &SimFs,
    wal: &Wal,
    meanwhile: impl FnOnce(&SyncGate),
) -> Result<Lsn> {
    thread::scope(|scope| {
        let gate = fs.hold_syncs();
        let leader = scope.spawn(|| wal.commit(&payload(1), Synced));
        while gate.waiting() == 0 {
            let returned = leader.is_finished();
            assert!(!returned, "a synced commit returned, and no sync has begun: rule 1 of day 3");
            thread::yield_now();
        }
        meanwhile(&gate);
        drop(gate);
        join(leader)
    })
}

/// Lets each of `threads` make `commits`, one a round, on a disk so slow that no sync ends before all
/// have appended their record of the round.
pub(super) fn on_a_slow_disk(fs: &SimFs, wal: &Wal, threads: usize, commits: usize) {
    let [appended, returned] = [const { AtomicUsize::new(0) }; 2];
    let round_over = Barrier::new(threads);
    let commit_all = |thread| {
        for round in 0..commits {
            let lsn = wal.append(&payload(thread * commits + round));
            appended.fetch_add(1, SeqCst);
            lsn.and_then(|lsn| wal.sync_past(lsn)).expect("the disk works");
            returned.fetch_add(1, SeqCst);
            round_over.wait();
        }
    };
    thread::scope(|scope| {
        let gate = fs.hold_syncs();
        for thread in 0..threads {
            let commit_all = &commit_all;
            scope.spawn(move || commit_all(thread));
        }
        for all in (1..=commits).map(|round| round * threads) {
            while returned.load(SeqCst) < all {
                if appended.load(SeqCst) == all && gate.waiting() > 0 {
                    let before = returned.load(SeqCst);
                    gate.pass(1);
                    while returned.load(SeqCst) == before {
                        thread::yield_now();
                    }
                }
                thread::yield_now();
            }
        }
    });
}

/// The payloads written as number 0, 1, 2, … must be there, at least `acknowledged` of them, in
/// order and without a gap.
#[track_caller]
pub(super) fn expect_survivors(fs: &SimFs, acknowledged: usize) {
    let survived: Vec<_> = records(fs).into_iter().map(|(_, payload)| payload).collect();
    let want: Vec<_> = (0..survived.len().max(acknowledged)).map(payload).collect();
    assert!(
        survived == want,
        "{acknowledged} records were acknowledged, and this is there after the crash:\n  {}\n\
         acknowledged means on disk, and nothing overtakes: rule 1 of day 3",
        shown(&survived).join("\n  "),
    );
}

/// So many records were acknowledged, and must be there.
#[track_caller]
pub(super) fn expect_count_after_power_cut(fs: &SimFs, acknowledged: usize) {
    fs.power_cycle();
    let survived = records(fs).len();
    assert_eq!(
        survived, acknowledged,
        "records after a power cut, and records that were acknowledged before it: a shared sync \
         counts for what was written before it began: rule 1 of day 3"
    );
}

/// What a thread came back with.
#[track_caller]
pub(super) fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().expect("the thread runs through")
}

#[track_caller]
pub(super) fn expect_acknowledged(commit: Result<Lsn>) {
    assert!(commit.is_ok(), "the disk works, and a commit failed: {commit:?}");
}

/// What the operating system said.
#[track_caller]
pub(super) fn expect_io<T: Debug>(result: Result<T>, what: &str) -> String {
    match result {
        Err(Error::Io { source, .. }) => source.to_string(),
        other => panic!("{what}: want Error::Io, got {other:?}\nrule 4 of day 3"),
    }
}

/// The cause that is told.
#[track_caller]
pub(super) fn expect_poisoned<T: Debug>(result: Result<T>, what: &str) -> String {
    match result {
        Err(Error::Poisoned { cause }) => cause.to_string(),
        other => panic!(
            "{what}: want Error::Poisoned, got {other:?}\n\
             after a failed write or sync nobody knows what is on disk: rule 4 of day 3"
        ),
    }
}

/// Nothing that could acknowledge anything works any more, all of it names the same cause, and the
/// disk is left alone.
#[track_caller]
pub(super) fn expect_all_poisoned(fs: &SimFs, wal: &Wal) {
    let before = fs.counts();
    let results = [
        ("a synced commit", wal.commit(b"more", Synced).map(drop)),
        ("a flushed commit", wal.commit(b"more", Flushed).map(drop)),
        ("a buffered commit", wal.commit(b"more", Buffered).map(drop)),
        ("an append", wal.append(b"more").map(drop)),
        ("a flush", wal.flush()),
        ("a sync", wal.sync()),
        ("a sync for a record that is on disk", wal.sync_past(0)),
    ];
    for (what, result) in results {
        let cause = expect_poisoned(result, &format!("{what}, after a failure"));
        assert!(
            cause.contains("injected by the test") || cause.contains("no storage space"),
            "{what} says {cause:?}, which does not name what failed: rule 4 of day 3"
        );
    }
    assert_eq!(
        fs.counts(),
        before,
        "a log that does not know what is on disk writes no more: rule 4"
    );
}
