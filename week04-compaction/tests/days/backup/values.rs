//! Stores whose values live apart, and are collected: their value files are copied as their tables are.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lsm::backup::Backups;
use lsm::{Lsm, LsmOptions};
use wal::fs::SimFs;
use wal::testing::{batch, put};
use wal::{Durability, Engine, Entry, Error};

use super::faults::gone_from_every_call;
use super::given::*;
use super::send::backup;

/// As [`apart`], but what is flushed stays as it is.
fn apart_still() -> LsmOptions {
    LsmOptions { value_min: Some(30), value_garbage_percent: 100, ..still() }
}

/// Overwrites all in so many rounds, and waits until nothing is to be flushed or collected: what is
/// flushed late is due late.
#[track_caller]
fn overwrite_and_settle(store: &Lsm, rounds: std::ops::Range<usize>) {
    overwrite(store, rounds);
    loop {
        let is_flushed = stat(store, "frozen_tables") == 0;
        store.settle().expect("a good disk");
        if is_flushed {
            return;
        }
        thread::yield_now();
    }
}

/// The names of the value files in `dir`.
fn value_files(sim: &SimFs, dir: &str) -> Vec<String> {
    let mut names = names(sim, dir);
    names.retain(|name| name.ends_with(".val"));
    names
}

/// A store with value files, nothing left to collect, and a value in memory, where it stays.
#[track_caller]
fn collected(sim: &SimFs) -> Lsm {
    let store = open(disk(sim), DIR, apart());
    overwrite_and_settle(&store, 0..20);
    store.close().expect("a good disk");
    drop(store);
    let store = open(disk(sim), DIR, LsmOptions { memtable_size: 1 << 30, ..apart_still() });
    write(&store, &[put("late", format!("{:-<40}", "in memory"))]);
    assert!(!value_files(sim, DIR).is_empty(), "200 values of 40 bytes, and no value file");
    store
}

/// Brings backup `id` back on a disk of its own, and checks that it holds what is wanted.
#[track_caller]
fn expect_back(backups: &Backups, id: u64, want: &[Entry], when: &str) {
    let sim = SimFs::new(id);
    let restored = backups.restore(id, disk(&sim), Path::new(COPY));
    restored.unwrap_or_else(|error| {
        panic!("{when} backup {id} must come back, and fails: {error} {BACK}")
    });
    sim.power_cycle();
    let when = format!("{when} backup {id}, after a power cut,");
    expect_copy_with(apart(), disk(&sim), COPY, want, &when);
}

/// As [`has_values`], with a backup.
#[track_caller]
fn has_values_to_send() -> bool {
    let has_values = crate::has_value_log();
    if !has_values {
        backup(&filled(disk(&SimFs::new(1))), &TestBucket::new().backups());
    }
    has_values
}

#[test]
fn a_checkpoint_takes_value_files_along_as_it_takes_tables() {
    if !has_values() {
        return;
    }
    let sim = SimFs::new(1);
    let store = collected(&sim);
    let want = all(&store);
    let told = sim.trace().len();
    checkpoint(&store, COPY);
    let did = sim.trace().split_off(told);
    let there = value_files(&sim, COPY);
    assert!(
        !there.is_empty(),
        "the copy has no value file, and its tables point into some {LINKED}"
    );
    for name in &there {
        let is_synced = did.contains(&format!("sync {name}"));
        assert!(
            !is_synced,
            "{name} was synced before a table pointed into it, and is again {LINKED}"
        );
    }
    // So often that none of the store's value files is what it was.
    store.close().expect("a good disk");
    drop(store);
    let store = open(disk(&sim), DIR, apart());
    overwrite_and_settle(&store, 20..60);
    let now = value_files(&sim, DIR);
    assert!(!now.iter().any(|name| there.contains(name)), "{there:?} were collected: {now:?}");
    store.close().expect("a good disk");
    drop(store);
    sim.power_cycle();
    let when = "when its store had collected all, and after a power cut,";
    let copy = expect_copy_with(apart(), disk(&sim), COPY, &want, when);
    overwrite_and_settle(&copy, 60..80);
    copy.close().expect("a good disk");
    drop(copy);
    let refused = Lsm::open(disk(&sim), Path::new(COPY), small()).err();
    assert!(
        refused.as_ref().is_some_and(|error| error.to_string().contains("value_min")),
        "a copy of a store with a value log has one, and opened without it gives {refused:?}: what is \
         noted with the state belongs to it {MOMENT}"
    );
}

#[test]
fn without_links_value_files_are_copied_and_synced() {
    if !has_values() {
        return;
    }
    let sim = SimFs::new(1);
    let store = open(disk(&sim), DIR, apart_still());
    overwrite(&store, 0..3);
    store.close().expect("a good disk");
    drop(store);
    let in_memory = LsmOptions { memtable_size: 1 << 30, ..apart_still() };
    let store = open(Linking::new(&sim, Links::None), DIR, in_memory);
    let want = all(&store);
    checkpoint(&store, COPY);
    sim.power_cycle();
    drop(store);
    let there = value_files(&sim, DIR);
    assert!(!there.is_empty(), "thirty values of 40 bytes, and no value file");
    for name in there {
        let (store, copy) = (Path::new(DIR).join(&name), Path::new(COPY).join(&name));
        assert_eq!(
            sim.contents(copy),
            sim.contents(store),
            "{name}: after a power cut the copy is not the value file {LINKED}"
        );
    }
    expect_copy_with(apart_still(), disk(&sim), COPY, &want, "copied without links,");
}

#[test]
fn value_files_are_sent_once_and_stay_as_long_as_a_backup_needs_them() {
    if !has_values_to_send() {
        return;
    }
    let (sim, bucket) = (SimFs::new(1), TestBucket::new());
    let backups = bucket.backups();
    let sent_values = || {
        let mut sent = bucket.take_sent();
        sent.retain(|(name, _)| name.ends_with(".val"));
        sent
    };
    let store = collected(&sim);
    let first = (backup(&store, &backups), all(&store));
    assert_eq!(sent_values().len(), value_files(&sim, DIR).len(), "value files that went {LISTED}");
    write(&store, &[put("later", "small")]);
    let second = (backup(&store, &backups), all(&store));
    assert_eq!(sent_values(), [], "value files that went twice {LISTED}");
    store.close().expect("a good disk");
    drop(store);
    let store = open(disk(&sim), DIR, apart());
    overwrite_and_settle(&store, 20..40);
    let third = (backup(&store, &backups), all(&store));
    assert!(!sent_values().is_empty(), "all is collected, and no value file went {LISTED}");
    let mut left = vec![first, second, third];
    for gone in [1, 1, 0] {
        for (id, want) in &left {
            expect_back(&backups, *id, want, "of a store with values apart,");
        }
        let (id, _) = left.remove(gone);
        backups.remove(id).unwrap_or_else(|error| panic!("removing {id} fails: {error} {NEEDED}"));
    }
    assert_eq!(bucket.files(), [""; 0], "files that no backup needs {NEEDED}");
}

#[test]
fn a_damaged_or_missing_value_file_is_an_error_that_names_it() {
    if !has_values_to_send() {
        return;
    }
    let bucket = TestBucket::new();
    let backups = bucket.backups();
    let store = collected(&SimFs::new(1));
    let (id, want) = (backup(&store, &backups), all(&store));
    let names = bucket.files().into_iter().filter(|name| name.ends_with(".val"));
    for name in names {
        let whole = bucket.get(&name);
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 4;
        for (bytes, what) in [
            (Some(&flipped[..]), "a bit is flipped"),
            (Some(&whole[..whole.len() - 1]), "a byte is missing"),
            (None, "it is missing"),
        ] {
            match bytes {
                Some(bytes) => bucket.put(&name, bytes),
                None => bucket.remove(&name),
            }
            let restored = backups.restore(id, disk(&SimFs::new(1)), Path::new(COPY));
            let is_right = restored.as_ref().is_err_and(|error| {
                matches!(error, Error::Corruption { .. }) && error.to_string().contains(&name)
            });
            assert!(is_right, "{name}: {what}, and restore gives {restored:?} {BACK}");
        }
        bucket.put(&name, &whole[..whole.len() / 2]);
        backup(&store, &backups);
        assert_eq!(
            bucket.get(&name),
            whole,
            "half of it was there, and it is not sent again {LISTED}"
        );
    }
    expect_back(&backups, id, &want, "with all value files as they were,");
}

#[test]
fn a_backup_of_values_is_whole_wherever_the_one_before_was_cut_off() {
    if !has_values_to_send() {
        return;
    }
    let kept = RefCell::new(None);
    let attempt = || {
        let (sim, bucket) = (SimFs::new(1), TestBucket::new());
        let store = Rc::new(open(disk(&sim), DIR, apart()));
        let backups = bucket.backups();
        overwrite(&store, 0..4);
        let first = (backup(&store, &backups), all(&*store));
        overwrite(&store, 4..8);
        *kept.borrow_mut() = Some((bucket.clone(), Rc::clone(&store), first, all(&*store)));
        (bucket, Box::new(move || store.backup(&backups).is_ok()) as Box<dyn FnOnce() -> bool>)
    };
    gone_from_every_call(attempt, |_, when| {
        let (bucket, store, first, second) = kept.borrow_mut().take().expect("it was attempted");
        let backups = bucket.backups();
        let listed = backups.list().expect("the bucket is back");
        overwrite_and_settle(&store, 8..12);
        let third = (backup(&store, &backups), all(&*store));
        let mut there = vec![first, third];
        there.extend(listed.get(1).map(|backup| (backup.id, second)));
        while let Some((id, want)) = there.pop() {
            expect_back(&backups, id, &want, when);
            backups.remove(id).unwrap_or_else(|error| panic!("removing {id}: {error} {NEEDED}"));
        }
        assert_eq!(bucket.files(), [""; 0], "{when} files that are left of no backup {NEEDED}");
    });
}

#[test]
fn copies_have_their_values_while_these_are_collected() {
    if !has_values() {
        return;
    }
    let (sim, bucket) = (SimFs::new(1), TestBucket::new());
    let backups = bucket.backups();
    let store = open(disk(&sim), DIR, apart());
    let is_over = Arc::new(AtomicBool::new(false));
    let write_round = |round: u64| {
        let changes = (0..10).map(|key| put(format!("key{key}"), format!("{round:-<40}")));
        store
            .write(batch(&changes.collect::<Vec<_>>()), Durability::Buffered)
            .expect("a good disk");
    };
    let expect_round = |copy: &Lsm, when: &str| {
        let found = all(copy);
        let is_one = found.windows(2).all(|two| two[0].1 == two[1].1);
        assert!(
            found.len() == 10 && is_one,
            "{when}: ten keys of one round, and not {found:?} {MOMENT}"
        );
    };
    thread::scope(|scope| {
        write_round(0);
        let writer = scope
            .spawn(|| (1..).take_while(|_| !is_over.load(Ordering::Acquire)).for_each(write_round));
        let checks = crate::RaiseAtEnd(&is_over);
        for number in 0..10 {
            let dir = format!("/copy{number}");
            checkpoint(&store, &dir);
            expect_round(&open_copy(disk(&sim), &dir, apart_still()), &dir);
            let id = backup(&store, &backups);
            let other = SimFs::new(id);
            let restored = backups.restore(id, disk(&other), Path::new(COPY));
            restored.unwrap_or_else(|error| panic!("backup {id} must come back: {error} {BACK}"));
            expect_round(&open_copy(disk(&other), COPY, apart_still()), &format!("backup {id}"));
        }
        drop(checks);
        writer.join().expect("it writes on");
    });
}
