//! Syncs that are held: order between threads without a sleep.

use std::thread;
use std::time::Duration;

use wal::fs::{Fault, Operation};

use super::{disk, read, sync_dir, write};

#[test]
fn a_held_sync_waits_until_the_gate_opens() {
    let fs = disk(1);
    let file = write(&fs, "a", b"1");
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        let sync = scope.spawn(|| file.sync_data());
        gate.wait_for(1);
        assert!(!sync.is_finished(), "the sync came back through a closed gate");
        drop(gate);
        assert!(sync.join().expect("no panic").is_ok(), "the gate is open");
    });
}

#[test]
fn one_sync_passes_while_others_stay() {
    let fs = disk(1);
    let file = write(&fs, "a", b"1");
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        let syncs = [(); 3].map(|()| scope.spawn(|| file.sync_data()));
        gate.wait_for(3);
        gate.pass(1);
        while !syncs.iter().any(|sync| sync.is_finished()) {
            thread::yield_now();
        }
        assert_eq!(gate.waiting(), 2, "one was let through");
        drop(gate);
    });
    assert_eq!(fs.counts().syncs, 3);
}

#[test]
fn who_waits_for_a_sync_that_does_not_come_ends() {
    let fs = disk(1);
    let file = write(&fs, "a", b"1");
    let gate = fs.hold_syncs();
    assert!(!gate.comes_to(1, Duration::from_millis(1)), "nobody syncs");
    thread::scope(|scope| {
        scope.spawn(|| file.sync_data());
        assert!(gate.comes_to(1, Duration::from_secs(10)), "somebody does");
        assert!(!gate.comes_to(2, Duration::from_millis(1)), "one is not two");
        drop(gate);
    });
}

#[test]
fn who_waited_when_the_gate_opened_is_free_even_if_it_closes_again() {
    let fs = disk(1);
    let file = write(&fs, "a", b"1");
    thread::scope(|scope| {
        let gate = fs.hold_syncs();
        let sync = scope.spawn(|| file.sync_data());
        gate.wait_for(1);
        drop(gate);
        let again = fs.hold_syncs();
        sync.join().expect("no panic").expect("synced");
        assert_eq!(again.waiting(), 0, "nobody came since it closed again");
    });
}

#[test]
fn a_sync_is_not_for_writes_that_came_while_it_was_under_way() {
    let mut lost = 0;
    for seed in 0..50 {
        let fs = disk(seed);
        let file = write(&fs, "a", b"before");
        sync_dir(&fs);
        let gate = fs.hold_syncs();
        thread::scope(|scope| {
            let sync = scope.spawn(|| file.sync_data());
            gate.wait_for(1);
            file.write_at(6, b" during").expect("writes pass the gate");
            drop(gate);
            sync.join().expect("no panic").expect("synced");
        });
        fs.power_cycle();
        let found = read(&fs, "a").expect("its name was synced");
        assert!(found.starts_with(b"before"), "written before the sync began: {found:?}");
        lost += usize::from(found != b"before during");
    }
    assert!(lost > 0, "a write during a sync was never lost");
}

#[test]
fn a_failed_sync_leaves_alone_what_came_while_it_was_under_way() {
    let fs = disk(1);
    let file = write(&fs, "a", b"before");
    sync_dir(&fs);
    fs.fail(Operation::Sync, 1, Fault::Io);
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        let sync = scope.spawn(|| file.sync_data());
        gate.wait_for(1);
        file.write_at(0, b"during").expect("writes pass the gate");
        drop(gate);
        assert!(sync.join().expect("no panic").is_err(), "the first sync fails");
    });
    file.sync_data().expect("synced");
    fs.power_cycle();
    assert_eq!(read(&fs, "a").as_deref(), Some(&b"during"[..]), "the second sync carried it");
}

#[test]
fn a_power_cut_ends_the_wait_with_an_error() {
    let fs = disk(1);
    let file = write(&fs, "a", b"1");
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        let sync = scope.spawn(|| file.sync_data());
        gate.wait_for(1);
        fs.power_cycle();
        assert!(sync.join().expect("no panic").is_err(), "the power was cut during this sync");
    });
}
