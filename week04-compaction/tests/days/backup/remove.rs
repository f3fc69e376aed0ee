//! What goes with a backup that is removed, and what stays.

use std::path::Path;

use lsm::Lsm;
use lsm::backup::Backups;
use wal::Entry;
use wal::fs::{Fs, SimFs};
use wal::testing::put;

use super::given::*;
use super::send::{backup, expect_back};

/// A store with three backups, each of which shares tables with its neighbours and has some of its own.
fn three(bucket: &TestBucket) -> (Lsm, Backups, Vec<(u64, Vec<Entry>)>) {
    let (sim, backups) = (SimFs::new(1), bucket.backups());
    drop(filled(disk(&sim)));
    let store = open(disk(&sim), DIR, in_memory());
    let made = (0..3).map(|round| {
        write(&store, &[put("round", round.to_string()), put(format!("new{round}"), "")]);
        (backup(&store, &backups), all(&store))
    });
    let made = made.collect();
    (store, backups, made)
}

#[test]
fn what_other_backups_need_stays_and_the_rest_goes() {
    for gone in 0..3 {
        let bucket = TestBucket::new();
        let (_store, backups, mut made) = three(&bucket);
        let before = bucket.files().len();
        let (id, _) = made.remove(gone);
        backups.remove(id).unwrap_or_else(|error| panic!("removing {id} fails: {error} {NEEDED}"));
        let ids: Vec<u64> = backups.list().expect("a good bucket").iter().map(|b| b.id).collect();
        let want: Vec<u64> = made.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, want, "backups after {id} was removed {NEEDED}");
        // The table of memory was its own, and all others are in all three.
        assert_eq!(bucket.files().len(), before - 1, "tables after {id} was removed {NEEDED}");
        for (id, want) in &made {
            expect_back(&backups, *id, want, "after another one was removed,");
        }
    }
}

#[test]
fn when_all_are_removed_a_number_is_left_and_the_next_backup_sends_all() {
    let bucket = TestBucket::new();
    let (store, backups, made) = three(&bucket);
    for (id, _) in made {
        backups.remove(id).unwrap_or_else(|error| panic!("removing {id} fails: {error} {NEEDED}"));
    }
    assert_eq!(bucket.names(), ["used/0000000003"], "objects that are left {NEEDED}");
    bucket.take_sent();
    let id = backup(&store, &backups);
    assert_eq!(id, 4, "the number of a backup after three that were removed {NEEDED}");
    let tables = store.version().tables().count() + 1;
    let sent = bucket.take_sent();
    assert_eq!(
        sent.len(),
        tables + 1,
        "tables and a list, when nothing was there: {sent:?} {LISTED}"
    );
    expect_back(&backups, id, &all(&store), "after all were removed,");
}

#[test]
fn what_an_interrupted_backup_left_goes_with_the_next_that_is_removed() {
    let bucket = TestBucket::new();
    let (store, backups, made) = three(&bucket);
    bucket.put("files/000099-4-0000000000000000.sst", b"left");
    write(&store, &[put("more", "")]);
    // The table of memory is sent, and the list is not.
    bucket.fail_from(5, false);
    assert!(store.backup(&backups).is_err(), "its list cannot be put");
    assert!(bucket.recover(), "the bucket was called five times");
    backups.remove(made[0].0).expect("a good bucket");
    let needed = store.version().tables().count() + 2;
    let tables = bucket.files();
    assert_eq!(
        tables.len(),
        needed,
        "the tables of two backups, and there are {tables:?} {NEEDED}"
    );
    for (id, want) in &made[1..] {
        expect_back(&backups, *id, want, "after leftovers went,");
    }
}

#[test]
fn objects_of_other_names_are_left_alone() {
    let bucket = TestBucket::new();
    let (_store, backups, made) = three(&bucket);
    let others = [
        "files/readme",
        "files/000099-4-0000000000000000.txt",
        "files/99-4-0000000000000000.sst",
        "files/000099-4-00000000000000AB.sst",
        "files/000099.sst",
        "files/old/000099-4-0000000000000000.sst",
    ];
    others.iter().for_each(|name| bucket.put(name, b"somebody's"));
    made.iter().for_each(|(id, _)| backups.remove(*id).expect("a good bucket"));
    let mut want = others;
    want.sort();
    assert_eq!(
        bucket.files(),
        want,
        "objects of names that we do not make, when all backups are removed: they are somebody's \
         {NEEDED}"
    );
}

#[test]
fn while_a_list_cannot_be_read_nothing_else_is_removed() {
    let bucket = TestBucket::new();
    let (_store, backups, made) = three(&bucket);
    let damaged = "backups/0000000002";
    let whole = bucket.get(damaged);
    bucket.put(damaged, &whole[..whole.len() - 1]);
    let before = bucket.names();
    let refused = backups.remove(1);
    assert!(
        refused.as_ref().is_err_and(|error| error.to_string().contains(damaged)),
        "nobody knows what backup 2 needs, and removing 1 gives {refused:?} {NEEDED}"
    );
    assert_eq!(bucket.names(), before, "objects after a removal that was refused {NEEDED}");
    backups.remove(2).unwrap_or_else(|error| {
        panic!("2 is damaged and may go, its own list is not needed for it: {error} {NEEDED}")
    });
    for (id, want) in [&made[0], &made[2]] {
        expect_back(&backups, *id, want, "after a damaged one was removed,");
    }
}

#[test]
fn a_backup_that_is_not_there_is_an_error_and_nothing_is_touched() {
    let bucket = TestBucket::new();
    let (_store, backups, _) = three(&bucket);
    let before = bucket.names();
    for id in [0, 4, u64::MAX] {
        let refused = backups.remove(id);
        assert!(
            refused.as_ref().is_err_and(|error| error.is_not_found()),
            "there is no backup {id}, and removing it gives {refused:?} {NEEDED}"
        );
        assert_eq!(bucket.names(), before, "objects after that {NEEDED}");
        let sim = SimFs::new(1);
        let restored = backups.restore(id, disk(&sim), Path::new(COPY));
        assert!(
            restored.as_ref().is_err_and(|error| {
                error.is_not_found() && error.to_string().contains(&format!("backups/{id:010}"))
            }),
            "there is no backup {id}, and restore gives {restored:?} {BACK}"
        );
        assert!(sim.list(Path::new(COPY)).is_err(), "a directory was made for it {BACK}");
    }
}
