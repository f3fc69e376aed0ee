//! A bucket that is gone at any call, and back when one tries again.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;

use lsm::Lsm;
use lsm::backup::List;
use wal::Engine;
use wal::fs::SimFs;
use wal::testing::put;

use super::given::*;
use super::send::{backup, expect_back};

/// Does `attempt` with the bucket gone from its first call on, from its second, and so on, until it is
/// not gone at all; each time, `again` is told whether it has worked.
#[track_caller]
pub(super) fn gone_from_every_call(
    mut attempt: impl FnMut() -> (TestBucket, Box<dyn FnOnce() -> bool>),
    mut again: impl FnMut(bool, &str),
) {
    for nth in 1.. {
        let mut was_gone = false;
        for answer_is_lost in [false, true] {
            let (bucket, work) = attempt();
            bucket.fail_from(nth, answer_is_lost);
            let has_worked = work();
            was_gone = bucket.recover();
            let how = if answer_is_lost { ", its answer lost," } else { "" };
            let when = format!("with the bucket gone from call {nth} on{how}");
            assert!(
                !(was_gone && has_worked),
                "{when} nobody was told: an error of the bucket is an error of the call"
            );
            again(has_worked, &when);
        }
        if !was_gone {
            assert!(nth > 1, "the bucket was never called");
            return;
        }
    }
}

#[test]
fn an_interrupted_backup_is_none_and_the_next_one_goes_on_with_what_is_there() {
    let kept = RefCell::new(None);
    let attempt = || {
        let (sim, bucket) = (SimFs::new(1), TestBucket::new());
        let store = filled(disk(&sim));
        let first = all(&store);
        backup(&store, &bucket.backups());
        // Enough for new tables beside that of memory.
        let tables = store.version().tables().count();
        drop(store);
        let store = open(disk(&sim), DIR, still());
        overwrite(&store, 5..7);
        store.close().expect("a good disk");
        drop(store);
        let store = Rc::new(open(disk(&sim), DIR, in_memory()));
        assert!(store.version().tables().count() > tables + 2, "twenty puts are some tables");
        bucket.take_sent();
        let backups = bucket.backups();
        *kept.borrow_mut() = Some((bucket.clone(), Rc::clone(&store), first));
        (bucket, Box::new(move || store.backup(&backups).is_ok()) as Box<dyn FnOnce() -> bool>)
    };
    gone_from_every_call(attempt, |has_worked, when| {
        let (bucket, store, first) = kept.borrow_mut().take().expect("it was attempted");
        let backups = bucket.backups();
        let mut sent = bucket.take_sent();
        let listed = backups.list().expect("the bucket is back");
        assert!(!has_worked || listed.len() == 2, "{when} it has worked: {listed:?} {LISTED}");
        expect_back(&backups, 1, &first, when);
        let id = backup(&store, &backups);
        expect_back(&backups, id, &all(&*store), &format!("{when} and then made again,"));
        sent.retain(|(name, _)| name.starts_with("files/"));
        let again = bucket.take_sent();
        let twice: Vec<_> =
            again.iter().filter(|(name, _)| sent.iter().any(|s| s.0 == *name)).collect();
        assert!(twice.is_empty(), "{when} this was sent, and is sent again: {twice:?} {LISTED}");
    });
}

#[test]
fn an_interrupted_restore_is_no_store_and_works_when_it_is_tried_again() {
    let bucket = TestBucket::new();
    let backups = Rc::new(bucket.backups());
    let want = {
        let store = filled(disk(&SimFs::new(1)));
        backup(&store, &backups);
        all(&store)
    };
    let kept = RefCell::new(SimFs::new(0));
    let attempt = || {
        let sim = SimFs::new(1);
        *kept.borrow_mut() = sim.clone();
        let backups = Rc::clone(&backups);
        let work = move || backups.restore(1, disk(&sim), Path::new(COPY)).is_ok();
        (bucket.clone(), Box::new(work) as Box<dyn FnOnce() -> bool>)
    };
    gone_from_every_call(attempt, |has_worked, when| {
        let sim = kept.borrow().clone();
        if !has_worked {
            let half = names(&sim, COPY);
            if !half.is_empty() {
                let opened = Lsm::open(disk(&sim), Path::new(COPY), small()).map(|_| "a store");
                assert!(opened.is_err(), "{when} there is {half:?}, and it opens {FIRST}");
            }
            let again = backups.restore(1, disk(&sim), Path::new(COPY));
            again.unwrap_or_else(|error| panic!("{when} the next restore fails: {error} {FIRST}"));
        }
        drop(expect_copy(disk(&sim), COPY, &want, when));
    });
}

#[test]
fn an_interrupted_removal_harms_no_other_backup() {
    let kept = RefCell::new(None);
    let attempt = || {
        let (sim, bucket) = (SimFs::new(1), TestBucket::new());
        let (store, backups) = (filled(disk(&sim)), bucket.backups());
        let mut made = Vec::new();
        for round in 0..3 {
            write(&store, &[put("round", round.to_string())]);
            made.push((backup(&store, &backups), all(&store)));
        }
        bucket.put("files/000099-4-0000000000000000.sst", b"left");
        *kept.borrow_mut() = Some((bucket.clone(), made));
        (bucket, Box::new(move || backups.remove(2).is_ok()) as Box<dyn FnOnce() -> bool>)
    };
    gone_from_every_call(attempt, |_, when| {
        let (bucket, made) = kept.borrow_mut().take().expect("it was attempted");
        let backups = bucket.backups();
        let listed = backups.list().unwrap_or_else(|error| {
            panic!("{when} a removal leaves lists that cannot be read: {error} {NEEDED}")
        });
        // Of the one that was to go: all of it, or no list.
        for backup in &listed {
            let (_, want) = made.iter().find(|(id, _)| *id == backup.id).expect("it was made");
            expect_back(&backups, backup.id, want, &format!("{when} while 2 was removed,"));
        }
        assert!(listed.len() >= 2, "{when} there are {listed:?} {NEEDED}");
        backups.remove(1).unwrap_or_else(|error| panic!("{when} then 1 stays: {error} {NEEDED}"));
        let mut needed = BTreeSet::new();
        for backup in backups.list().expect("the bucket is back") {
            let list = List::decode(&bucket.get(&format!("backups/{:010}", backup.id)));
            needed.extend(list.expect("it was just read").objects());
        }
        let needed: Vec<String> = needed.into_iter().collect();
        assert_eq!(
            bucket.files(),
            needed,
            "{when} and with 1 removed since: files that are there, and files that are named {NEEDED}"
        );
        expect_back(&backups, 3, &made[2].1, &format!("{when} and with 1 removed since,"));
    });
}

#[test]
fn a_number_is_not_given_out_again_wherever_its_removal_is_cut_off() {
    let kept = RefCell::new(None);
    let attempt = || {
        let (sim, bucket) = (SimFs::new(1), TestBucket::new());
        let (store, backups) = (Rc::new(filled(disk(&sim))), bucket.backups());
        (1..=3).for_each(|id| assert_eq!(backup(&store, &backups), id, "a number {LISTED}"));
        backups.remove(2).expect("a good bucket");
        *kept.borrow_mut() = Some((bucket.clone(), Rc::clone(&store)));
        (bucket, Box::new(move || backups.remove(3).is_ok()) as Box<dyn FnOnce() -> bool>)
    };
    gone_from_every_call(attempt, |has_worked, when| {
        let (bucket, store) = kept.borrow_mut().take().expect("it was attempted");
        let backups = bucket.backups();
        let next = backup(&store, &backups);
        assert_eq!(next, 4, "{when} while 3 was removed: the number of the next backup {NEEDED}");
        let ids = backups.list().expect("the bucket is back");
        let ids: Vec<u64> = ids.iter().map(|backup| backup.id).collect();
        assert!(
            ids == [1, 4] || ids == [1, 3, 4] && !has_worked,
            "{when} while 3 was removed, and a backup was made: there are {ids:?} {NEEDED}"
        );
    });
}
