//! One directory, one owner.

use std::path::PathBuf;

use wal::Error;
use wal::fs::{Fs, OsFs};

use super::same::RealDir;
use super::{disk, path};

/// Runs `test` on the real disk and on a simulated one.
fn on_both(name: &str, test: impl Fn(&dyn Fs, PathBuf)) {
    let real = RealDir::new(name);
    test(&OsFs, real.0.join("LOCK"));
    test(&disk(1), path("LOCK"));
}

#[test]
fn a_held_lock_refuses_a_second_opener_in_the_same_process() {
    on_both("held", |fs, path| {
        let held = fs.lock(&path).expect("nobody has the lock");
        for _ in 0..2 {
            let refused = fs.lock(&path);
            let locked = matches!(&refused, Err(Error::Locked { path: named }) if *named == path);
            assert!(locked, "the lock is held, and a second opener gets {refused:?}");
        }
        drop(held);
    });
}

#[test]
fn a_dropped_lock_is_free_again_and_its_file_stays() {
    on_both("dropped", |fs, path| {
        for _ in 0..3 {
            let lock = fs.lock(&path);
            assert!(lock.is_ok(), "the lock was dropped, and is still held: {lock:?}");
        }
        assert!(fs.open(&path).is_ok(), "the lock file is not removed: another may wait for it");
    });
}

#[test]
fn locks_of_two_directories_have_nothing_to_do_with_each_other() {
    on_both("two", |fs, path| {
        let first = fs.lock(&path);
        let second = fs.lock(&path.with_file_name("OTHER"));
        assert!(first.is_ok() && second.is_ok(), "{first:?} and {second:?}");
    });
}

#[test]
fn a_lock_needs_a_directory() {
    on_both("nowhere", |fs, path| {
        let nowhere = path.with_file_name("missing").join("LOCK");
        let error = fs.lock(&nowhere).expect_err("there is no such directory");
        assert!(error.is_not_found(), "{error} should say that something was not found");
    });
}

#[test]
fn a_lock_dies_with_its_process_and_with_the_power() {
    let fs = disk(1);
    let old = fs.lock(&path("LOCK")).expect("nobody has the lock");
    fs.kill();
    let new = fs.lock(&path("LOCK")).expect("the process that had the lock was killed");
    drop(old);
    assert!(fs.lock(&path("LOCK")).is_err(), "a dead process let go of a lock of a living one");
    fs.power_cycle();
    let newer = fs.lock(&path("LOCK"));
    assert!(newer.is_ok(), "no lock survives a reboot: {newer:?}");
    drop(new);
}
