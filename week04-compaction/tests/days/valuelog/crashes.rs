//! Power cuts, kills and failures, while values are written and moved.

use lsm::Tree;
use wal::fs::{Fault, Operation, SimFs};
use wal::testing::{
    Crash, Model, Workload, crash_at_every_operation, for_each_seed, kill_at_every_operation,
};
use wal::{Engine, Reader, Result};

use super::given::*;

/// What is flushed, one after the other.
const FLUSHES: [&str; 4] = [
    "a@1=LARGE b@2=LARGE c@3=LARGE d@4=x e@5=LARGE",
    "a@6=LARGE b@7=LARGE c@8-",
    "a@9=LARGE d@10=LARGE",
    "b@11=LARGE f@12=LARGE",
];
/// What a store has after each of them.
const AFTER: [&str; 5] = [
    "",
    "a=LARGE1 b=LARGE2 c=LARGE3 d=x e=LARGE5",
    "a=LARGE6 b=LARGE7 d=x e=LARGE5",
    "a=LARGE9 b=LARGE7 d=LARGE10 e=LARGE5",
    "a=LARGE9 b=LARGE11 d=LARGE10 e=LARGE5 f=LARGE12",
];

/// Flushes, merges and collects, from where the store is to the end; and notes what was promised.
fn go_on(tree: &Tree, promised: &mut usize) -> Result<()> {
    let done = (tree.flushed().lsn / 100) as usize;
    for (index, text) in FLUSHES.iter().enumerate().skip(done) {
        try_flush(tree, text)?;
        *promised = index + 1;
        if index % 2 == 1 {
            tree.compact(&all_of(tree, &[0, 6], 6))?;
        }
        while let Some(due) = tree.pick() {
            tree.compact(&due)?;
        }
    }
    Ok(())
}

fn workload(sim: &SimFs, promised: &mut usize) -> Result<()> {
    make_dir(sim)?;
    let tree = try_tree(sim, by_hand())?;
    tree.remove_orphans()?;
    go_on(&tree, promised)
}

/// That a store has all that was promised, and no file too many or too few; and goes on.
fn check(sim: &SimFs, promised: &mut usize) {
    make_dir(sim).expect("a good disk");
    let tree = tree(sim);
    let flushed = (tree.flushed().lsn / 100) as usize;
    assert!(flushed >= *promised, "{promised} flushes were done, and {flushed} are there {WHOLE}");
    for when in ["after the crash", "some time later"] {
        let flushed = (tree.flushed().lsn / 100) as usize;
        let version = tree.version();
        expect_values(&version, AFTER[flushed], when, WHOLE);
        assert!(flushed < 2 || look(&version, "c", 99).is_none(), "{when}: c is deleted {WHOLE}");
        expect_only_needed(sim, &version, when);
        expect_counted(sim, &version, when);
        drop(version);
        go_on(&tree, promised).expect("a good disk");
    }
}

#[test]
fn a_power_cut_at_any_operation_loses_no_value() {
    crash_at_every_operation(workload, check);
}

#[test]
fn a_kill_at_any_operation_loses_no_value() {
    kill_at_every_operation(workload, check);
}

#[test]
fn a_thousand_crashes_take_no_value_that_was_promised() {
    for_each_seed(250, |sim| {
        let mut dice = Workload::new(sim.seed());
        let mut model = Model::new();
        let crash = [Crash::PowerCut, Crash::Kill][dice.below(2)];
        let restart = match crash {
            Crash::PowerCut => SimFs::power_cycle,
            Crash::Kill => SimFs::kill,
        };
        for _ in 0..4 {
            if dice.below(3) == 0 {
                // While it is opened, or not long after.
                sim.crash_at(1 + dice.below(30) as u64);
                let half_open = try_open(sim, any_options(&mut dice));
                restart(sim);
                drop(half_open);
            }
            let store = open(sim, any_options(&mut dice));
            model.expect_after(crash, &store);
            sim.crash_at(1 + dice.below(250) as u64);
            let snapshot = store.snapshot().ok().filter(|_| dice.below(2) == 0);
            for _ in 0..dice.below(120) {
                let (batch, durability) = (dice.batch(), dice.durability());
                if let Err(error) = model.write(&store, batch, durability) {
                    assert!(!sim.is_powered(), "a write fails on a good disk: {error} {MOVES}");
                    break;
                }
            }
            restart(sim);
            drop((store, snapshot));
        }
        let store = open(sim, any_options(&mut dice));
        model.expect_after(crash, &store);
        store.close().expect("a good disk");
        let when = format!("seed {}, after all crashes", sim.seed());
        expect_only_needed(sim, &store.version(), &when);
        expect_counted(sim, &store.version(), &when);
    });
}

#[test]
fn a_failure_at_any_operation_leaves_no_file_behind() {
    let mut failures = 0;
    for operation in [Operation::Create, Operation::Write, Operation::Sync, Operation::SyncDir] {
        for nth in 1.. {
            let sim = disk(nth);
            let tree = tree(&sim);
            flush(&tree, FLUSHES[0]);
            flush(&tree, FLUSHES[1]);
            compact(&tree, &all_of(&tree, &[0], 6));
            sim.fail(operation, nth, Fault::Io);
            let mut promised = 0;
            let done = go_on(&tree, &mut promised);
            sim.clear_faults();
            let Err(error) = done else { break };
            let what = format!("{operation:?} {nth} has failed");
            failures += 1;
            // If the manifest has failed, nobody knows which files count.
            if !error.to_string().contains("MANIFEST") {
                expect_only_needed(&sim, &tree.version(), &what);
            }
            let flushed = promised.max(2);
            expect_values(&tree.version(), AFTER[flushed], &what, STAYS);
            drop(tree);
            check(&sim, &mut promised);
        }
    }
    assert!(failures > 20, "only {failures} of the failures hit anything {WHOLE}");
}

#[test]
fn a_full_disk_leaves_values_that_can_be_read() {
    for free in (0..6_000).step_by(200) {
        let sim = SimFs::new(free);
        let store = open(&sim, small());
        overwrite(&store, 0..3);
        store.sync().expect("a good disk");
        sim.set_free_space(Some(free));
        let mut acknowledged = [2; 10];
        'full: for round in 3..2_000 {
            for key in 0..10 {
                let change = wal::testing::put(format!("key{key}"), value_of(key, round));
                let batch = wal::testing::batch(&[change]);
                match store.write(batch, wal::Durability::Flushed) {
                    Ok(_) => acknowledged[key as usize] = round,
                    Err(_) => break 'full,
                }
            }
        }
        assert!(acknowledged[9] < 1_999, "{free} bytes free took 20 000 writes {WHOLE}");
        let look = |store: &dyn Reader, when: &str| {
            for (key, &round) in acknowledged.iter().enumerate() {
                let found = store.get(format!("key{key}").as_bytes());
                let found = found.unwrap_or_else(|error| {
                    panic!("{when}, {free} bytes free, key{key}: {error} {WHOLE}")
                });
                let is_right = [round, round + 1]
                    .iter()
                    .any(|&round| found.as_deref() == Some(value_of(key as u64, round).as_bytes()));
                assert!(is_right, "{when}, key{key} has {found:?}, want round {round} {WHOLE}");
            }
        };
        look(&store, "on the full disk");
        let _ = store.close();
        drop(store);
        sim.set_free_space(None);
        let store = open(&sim, small());
        look(&store, "opened again with room");
        store.close().expect("a good disk");
        expect_only_needed(&sim, &store.version(), "opened again with room");
    }
}

#[test]
fn an_edit_that_nobody_wrote_takes_its_values_along() {
    // After a failed edit nothing more is written to the manifest: so what comes then is nobody's.
    let sim = disk(1);
    let tree = tree(&sim);
    flush(&tree, FLUSHES[0]);
    let before = names(&sim, ".val");
    // The third sync of a flush is the manifest's: the table's and the value file's are before.
    sim.fail(Operation::Sync, 3, Fault::Io);
    let failed = try_flush(&tree, FLUSHES[1]);
    assert!(failed.is_err(), "the manifest's sync has failed {WHOLE}");
    let unsure = names(&sim, ".val");
    assert_eq!(unsure.len(), before.len() + 1, "nobody knows whether that edit counts {STAYS}");
    let poisoned = try_flush(&tree, FLUSHES[2]);
    assert!(poisoned.is_err(), "nothing follows an edit that has failed {WHOLE}");
    assert_eq!(names(&sim, ".val"), unsure, "and this one was not written for sure {STAYS}");
    expect_values(&tree.version(), AFTER[1], "readers see no change", STAYS);
}
