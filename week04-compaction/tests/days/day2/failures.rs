//! Disks that refuse.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lsm::{Edit, State};
use wal::Error;
use wal::fs::{Fault, Operation, SimFs};

use super::given::*;

/// A manifest with two tables, whose next append begins a new manifest if `is_long`.
fn given_manifest(is_long: bool) -> (SimFs, lsm::Manifest) {
    let sim = disk(3);
    let mut manifest = begin(&sim);
    append_flush(&mut manifest);
    let number = manifest.new_number().expect("there are enough");
    append(&mut manifest, edit_of_size(number, if is_long { 1 << 20 } else { 200 }));
    (sim, manifest)
}

/// The calls that an append makes.
const CALLS: [(Operation, bool); 7] = [
    (Operation::Write, false),
    (Operation::Sync, false),
    (Operation::Create, true),
    (Operation::Write, true),
    (Operation::Sync, true),
    (Operation::SyncDir, true),
    (Operation::Rename, true),
];

/// Lets each call of an append fail, the first of its kind, the second, and so on; `check` gets the
/// disk, the manifest, the error, and the states before and behind the edit.
#[track_caller]
fn for_each_failure(check: impl Fn(&SimFs, &mut lsm::Manifest, Error, [&State; 2], &str)) {
    for (operation, is_long) in CALLS {
        for (nth, fault) in (1..=4).flat_map(|nth| [(nth, Fault::Io), (nth, Fault::NoSpace)]) {
            let (sim, mut manifest) = given_manifest(is_long);
            let number = manifest.new_number().expect("there are enough");
            let edit = add(&[flushed(number)]);
            let before = manifest.state().clone();
            let behind = before.apply(&edit).expect("it fits");
            sim.fail(operation, nth, fault);
            let appended = manifest.append(edit);
            sim.clear_faults();
            let of = if is_long { "whose manifest has 1 MiB of edits" } else { "to a manifest" };
            let what = format!("{operation:?} {nth} of an append {of} fails with {fault:?}");
            match appended {
                Ok(()) => assert!(nth > 1, "{what}, and the edit is acknowledged {COUNTS}"),
                Err(error) => check(&sim, &mut manifest, error, [&before, &behind], &what),
            }
        }
    }
}

#[test]
fn after_a_failure_nothing_more_is_accepted() {
    for_each_failure(|sim, manifest, error, [before, _], what| {
        assert!(error.io_kind().is_some(), "{what}: want the disk's error, got {error} {COUNTS}");
        assert!(
            manifest.state() == before,
            "{what}: the state is {}, want {} {COUNTS}",
            show_state(manifest.state()),
            show_state(before)
        );
        let operations = sim.counts().operations;
        for edit in [Edit::default(), add(&[flushed(2)])] {
            let Ok(appended) = catch_unwind(AssertUnwindSafe(|| manifest.append(edit))) else {
                panic!(
                    "{what}, and the next append panics, as its edit does not fit: first the \
                     poison, then the next state {COUNTS}"
                );
            };
            match appended {
                Err(Error::Poisoned { cause }) => assert_eq!(
                    *cause,
                    *error.to_string(),
                    "{what}: why nothing more is accepted {COUNTS}"
                ),
                other => {
                    panic!("{what}, and the next append gives {other:?}, want Poisoned {COUNTS}")
                }
            }
        }
        let more = sim.counts().operations - operations;
        assert_eq!(more, 0, "{what}: operations of the appends behind it {COUNTS}");
        assert!(
            manifest.state() == before,
            "{what}: the state is {}, want {} {COUNTS}",
            show_state(manifest.state()),
            show_state(before)
        );
    });
}

#[test]
fn after_a_failure_the_old_state_or_the_new_one_is_on_disk() {
    for is_power_cut in [false, true] {
        for_each_failure(|sim, _, error, [before, behind], what| {
            if is_power_cut {
                sim.power_cycle();
            }
            let came = recover(sim, COUNTS);
            let is_either = came.levels == before.levels || came.levels == behind.levels;
            assert!(
                is_either,
                "{what}: {error}; recovered is {:?} {COUNTS}",
                numbers(&came.levels)
            );
            // And the store goes on from there.
            let mut manifest = open(sim);
            let number = append_flush_on(&mut manifest);
            sim.power_cycle();
            let came = recover(sim, COUNTS);
            let is_live = came.levels.tables().any(|(_, table)| table.number == number);
            assert!(is_live, "{what}; opened again, table {number} is added, and lost {COUNTS}");
        });
    }
}

/// As `append_flush`, with numbers that are newer than those of all tables.
#[track_caller]
fn append_flush_on(manifest: &mut lsm::Manifest) -> u64 {
    let number = manifest.new_number().expect("there are enough");
    append(manifest, add(&[(0, table(number, (1 << 40, 1 << 40), ("a", "z")))]));
    number
}

#[test]
fn a_failed_sync_is_not_tried_again() {
    let (sim, mut manifest) = given_manifest(false);
    let before = manifest.state().clone();
    sim.fail(Operation::Sync, 1, Fault::Io);
    let number = manifest.new_number().expect("there are enough");
    let appended = manifest.append(add(&[flushed(number)]));
    assert!(appended.is_err(), "its sync failed, and the edit is acknowledged {COUNTS}");
    // What the failed sync dropped, none that comes later brings back.
    sim.power_cycle();
    let came = recover(&sim, COUNTS);
    assert!(
        came.levels == before.levels,
        "the edit never reached the disk: got {} {COUNTS}",
        show_state(&came)
    );
}

#[test]
fn a_manifest_that_cannot_be_begun_leaves_the_old_one() {
    for operation in [
        Operation::Create,
        Operation::Write,
        Operation::Sync,
        Operation::SyncDir,
        Operation::Rename,
    ] {
        for nth in 1..=3 {
            for is_power_cut in [false, true] {
                let (sim, manifest) = given_manifest(false);
                let before = manifest.state().levels.clone();
                drop(manifest);
                let state = recover(&sim, RECOVERS);
                sim.fail(operation, nth, Fault::Io);
                let created = try_create(&sim, state);
                sim.clear_faults();
                let what = format!("{operation:?} {nth} of create fails");
                assert!(created.is_err() || nth > 1, "{what}, and nobody is told {NAMES}");
                if is_power_cut {
                    sim.power_cycle();
                }
                let came = recover(&sim, NAMES).levels;
                assert!(
                    came == before,
                    "{what}: want {}, got {} {NAMES}",
                    show_levels(&before),
                    show_levels(&came)
                );
                let opened = open(&sim).state().levels.clone();
                assert!(opened == before, "{what}; opened again: {} {NAMES}", show_levels(&opened));
            }
        }
    }
}

#[test]
fn an_old_manifest_that_cannot_be_removed_is_an_orphan_and_no_failure() {
    let (sim, mut manifest) = given_manifest(true);
    let (_, old) = current(&sim);
    let number = manifest.new_number().expect("there are enough");
    sim.fail(Operation::Remove, 1, Fault::Io);
    let appended = manifest.append(add(&[flushed(number)]));
    sim.clear_faults();
    assert!(
        appended.is_ok(),
        "the edit is durable in a new manifest, and only the removal of the old one failed: got \
         {appended:?} {COUNTS}"
    );
    assert_ne!(
        current(&sim).1,
        old,
        "the manifest that `CURRENT` names, after an edit that finds 1 MiB of them {LONG}"
    );
    let orphans = orphan_names(&sim, &manifest);
    assert_eq!(
        orphans,
        [format!("MANIFEST-{old:06}")],
        "orphans: the old manifest, which `append` removes once, and `create` not at all; that failed, \
         so it is there {RECOVERS}"
    );
    append_flush(&mut manifest);
}

#[test]
fn a_full_disk_loses_nothing() {
    for free in (0..400).step_by(7) {
        let (sim, mut manifest) = given_manifest(false);
        sim.set_free_space(Some(free));
        let mut told = manifest.state().clone();
        let failed = (0..20).find_map(|_| {
            let number = manifest.new_number().expect("there are enough");
            let appended = manifest.append(add(&[flushed(number)]));
            told = manifest.state().clone();
            appended.err()
        });
        assert!(failed.is_some(), "{free} bytes are free, and twenty edits fit {COUNTS}");
        sim.power_cycle();
        let came = recover(&sim, COUNTS);
        assert!(
            came.levels == told.levels,
            "with {free} bytes free: want {}, got {} {COUNTS}",
            show_state(&told),
            show_state(&came)
        );
    }
}
