//! Faults on demand, and a look at what happened.

use std::io::ErrorKind;

use wal::fs::{Fault, Fs, Operation};

use super::{DIR, disk, path, read, sync_dir, write};

#[test]
fn the_nth_call_of_its_kind_fails_and_no_other() {
    let fs = disk(1);
    let file = write(&fs, "a", b"");
    fs.fail(Operation::Write, 3, Fault::Io);
    let results: Vec<bool> = (0..5).map(|at| file.write_at(at, b"x").is_ok()).collect();
    assert_eq!(results, [true, true, false, true, true], "the third write should fail, once");
    assert!(file.sync_data().is_ok(), "a fault of writes is none of syncs");
}

#[test]
fn from_the_nth_call_on_all_fail_until_the_fault_is_cleared() {
    let fs = disk(1);
    let file = write(&fs, "a", b"abc");
    fs.fail_from(Operation::Read, 2, Fault::Io);
    let results: Vec<bool> = (0..4).map(|at| file.read_at(at, &mut [0]).is_ok()).collect();
    assert_eq!(results, [true, false, false, false], "reads should fail from the second on");
    fs.clear_faults();
    assert!(file.read_at(0, &mut [0]).is_ok(), "the fault was cleared");
}

#[test]
fn every_kind_of_call_can_fail() {
    let fs = disk(1);
    let file = write(&fs, "a", b"abc");
    let expect = |operation, call: &dyn Fn() -> bool| {
        fs.fail(operation, 1, Fault::Io);
        assert!(!call(), "{operation:?} should have failed");
        assert!(call(), "{operation:?} should go well again");
    };
    let dir = DIR.as_ref();
    expect(Operation::Create, &|| fs.create(&path("b")).is_ok());
    expect(Operation::Open, &|| fs.open(&path("a")).is_ok());
    expect(Operation::Rename, &|| fs.rename(&path("b"), &path("c")).is_ok());
    expect(Operation::Remove, &|| fs.remove(&path("c")).is_ok());
    expect(Operation::List, &|| fs.list(dir).is_ok());
    expect(Operation::CreateDir, &|| fs.create_dir(dir).is_ok());
    expect(Operation::SyncDir, &|| fs.sync_dir(dir).is_ok());
    expect(Operation::Lock, &|| fs.lock(&path("LOCK")).is_ok());
    expect(Operation::Read, &|| file.read_at(0, &mut [0]).is_ok());
    expect(Operation::Write, &|| file.write_at(0, b"x").is_ok());
    expect(Operation::Sync, &|| file.sync_data().is_ok());
    expect(Operation::SetLen, &|| file.set_len(1).is_ok());
    expect(Operation::Len, &|| file.len().is_ok());
}

#[test]
fn a_failed_sync_drops_its_pages_for_good() {
    for seed in 0..50 {
        let fs = disk(seed);
        let file = write(&fs, "a", b"old");
        file.sync_data().expect("synced");
        sync_dir(&fs);
        file.write_at(0, b"new").expect("written");
        fs.fail(Operation::Sync, 1, Fault::Io);
        assert!(file.sync_data().is_err(), "the first sync fails");
        assert_eq!(read(&fs, "a").as_deref(), Some(&b"new"[..]), "reads still see the write");
        assert!(file.sync_data().is_ok(), "the second sync has nothing to do and says all is well");
        file.write_at(3, b"!").expect("written");
        file.sync_data().expect("synced");
        fs.power_cycle();
        assert_eq!(
            read(&fs, "a").as_deref(),
            Some(&b"old!"[..]),
            "what a failed sync dropped is lost, and what later ones synced is there"
        );
    }
}

#[test]
fn a_failed_directory_sync_forgets_the_names() {
    let fs = disk(1);
    write(&fs, "a", b"1").sync_data().expect("synced");
    fs.fail(Operation::SyncDir, 1, Fault::Io);
    assert!(fs.sync_dir(DIR.as_ref()).is_err(), "the first sync fails");
    sync_dir(&fs);
    fs.power_cycle();
    assert_eq!(read(&fs, "a"), None, "the second sync could not know what the first one lost");
}

#[test]
fn a_file_with_two_names_takes_its_room_once() {
    let fs = disk(1);
    write(&fs, "a", b"1234");
    fs.set_free_space(Some(3));
    fs.hard_link(&path("a"), &path("b")).expect("a link takes no room");
    fs.remove(&path("a")).expect("removed");
    assert_eq!(fs.contents(path("b")), b"1234", "the bytes are those of the other name, too");
    let file = fs.create(&path("c")).expect("made");
    assert!(file.write_at(0, b"56789").is_err(), "a name less frees nothing");
    fs.remove(&path("b")).expect("removed");
    fs.remove(&path("c")).expect("removed");
    write(&fs, "d", b"7 bytes");
}

#[test]
fn a_full_disk_takes_what_fits() {
    let fs = disk(1);
    let file = write(&fs, "a", b"1234");
    fs.set_free_space(Some(3));
    let error = file.write_at(4, b"56789").expect_err("five bytes do not fit into three");
    assert_eq!(error.io_kind(), Some(ErrorKind::StorageFull), "{error}");
    assert_eq!(fs.contents(path("a")), b"1234567", "what fits is written");
    assert!(file.write_at(0, b"abc").is_ok(), "an overwrite needs no space");
    assert!(file.set_len(9).is_err(), "growing needs space");
    fs.remove(&path("a")).expect("removed");
    write(&fs, "b", b"7 bytes");
}

#[test]
fn a_flipped_bit_stays_flipped() {
    for synced in [false, true] {
        let fs = disk(3);
        let file = write(&fs, "a", b"abc");
        sync_dir(&fs);
        if synced {
            file.sync_data().expect("synced");
        }
        fs.flip_bit(path("a"), 1, 0);
        assert_eq!(read(&fs, "a").as_deref(), Some(&b"acc"[..]), "b is 0x62, c is 0x63");
        file.sync_data().expect("synced");
        fs.power_cycle();
        assert_eq!(read(&fs, "a").as_deref(), Some(&b"acc"[..]), "after a power cut");
    }
}

#[test]
fn overwritten_bytes_are_durable_wherever_they_are_put() {
    let fs = disk(1);
    fs.overwrite("/elsewhere/deep/file", b"abc");
    fs.power_cycle();
    assert_eq!(fs.contents("/elsewhere/deep/file"), b"abc");
    fs.overwrite("/elsewhere/deep/file", b"d");
    fs.power_cycle();
    assert_eq!(fs.contents("/elsewhere/deep/file"), b"d");
}

#[test]
fn a_missing_file_is_named_together_with_those_that_are_there() {
    let fs = disk(1);
    write(&fs, "here", b"");
    let message = super::panic_of(|| drop(fs.contents(path("not here"))));
    let message = message.expect("there is no such file");
    assert!(message.contains("not here") && message.contains("/db/here"), "{message}");
}

#[test]
fn everything_is_counted_and_told() {
    let fs = disk(1);
    let before = fs.counts();
    let file = write(&fs, "tmp", b"12345");
    file.sync_data().expect("synced");
    file.set_len(2).expect("cut");
    file.read_at(0, &mut [0; 9]).expect("read");
    fs.rename(&path("tmp"), &path("log")).expect("renamed");
    sync_dir(&fs);
    fs.fail(Operation::Write, 1, Fault::NoSpace);
    assert!(file.write_at(2, b"345").is_err(), "the disk is full");
    fs.crash_at(1);
    assert!(fs.remove(&path("log")).is_err(), "the power went off");
    fs.power_cycle();
    let counts = fs.counts();
    assert_eq!(counts.operations - before.operations, 8, "reads change nothing: {counts:?}");
    assert_eq!((counts.reads, counts.writes, counts.syncs), (1, 2, 1), "{counts:?}");
    assert_eq!((counts.dir_syncs - before.dir_syncs, counts.bytes_written), (1, 8), "{counts:?}");
    let told = [
        "create directory db",
        "sync directory /",
        "create tmp",
        "write tmp 0..5",
        "sync tmp",
        "set the length of tmp to 2",
        "rename tmp to log",
        "sync directory db",
        "write tmp 2..5: fails with ENOSPC",
        "remove log: the power goes off",
        "-- power cycle --",
    ];
    assert_eq!(fs.trace(), told);
}
