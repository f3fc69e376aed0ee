//! Power cuts and kills, at every operation and at random ones.

use lsm::manifest::EDITS_SIZE_MAX;
use wal::Result;
use wal::fs::SimFs;
use wal::testing::{
    Crash, Workload, crash_at_every_operation, for_each_seed, kill_at_every_operation, seeds,
};

use super::given::*;
use super::promised::Promised;

/// A store's first life: flushes and compactions.
fn small_life(sim: &SimFs, promised: &mut Promised) -> Result<()> {
    make_dir(sim)?;
    let mut manifest = promised.open(sim)?;
    for _ in 0..2 {
        promised.flush(sim, &mut manifest, 10)?;
        promised.flush(sim, &mut manifest, 10)?;
        promised.compact(sim, &mut manifest)?;
    }
    promised.flush(sim, &mut manifest, 600)
}

/// What every crash must leave: the old set or the new one; and a directory in which a store can go
/// on, with no more files than it needs.
#[track_caller]
fn check(sim: &SimFs, promised: &mut Promised) {
    // As whoever opens a store does.
    make_dir(sim).expect("a good disk");
    promised.expect_after_crash(sim);
    let mut manifest = match promised.open(sim) {
        Ok(manifest) => manifest,
        Err(error) => panic!("opening it again fails: {error} {NAMES}"),
    };
    let live = manifest.state().levels.tables().count();
    let names = names(sim);
    assert_eq!(
        names.len(),
        live + 2,
        "{live} tables, a manifest and `CURRENT`: {names:?} {RECOVERS}"
    );
    if let Err(error) = promised.flush(sim, &mut manifest, 10) {
        panic!("a flush fails on a good disk: {error} {COUNTS}");
    }
    sim.power_cycle();
    promised.expect_after_crash(sim);
}

#[test]
fn a_power_cut_at_any_operation_leaves_the_old_set_or_the_new_one() {
    crash_at_every_operation(small_life, |sim, promised| check(sim, promised));
}

#[test]
fn a_kill_at_any_operation_leaves_the_old_set_or_the_new_one() {
    kill_at_every_operation(small_life, |sim, promised| check(sim, promised));
}

#[test]
fn a_power_cut_while_a_long_manifest_is_begun_anew_leaves_the_old_set_or_the_new_one() {
    for seed in seeds(4) {
        for operation in 1.. {
            let (sim, mut promised) = (disk(seed), Promised::default());
            let mut manifest = promised.open(&sim).expect("the power is on");
            let flushed = promised.flush(&sim, &mut manifest, EDITS_SIZE_MAX as usize);
            flushed.expect("the power is on");
            let (named, (_, size)) = (current(&sim), edits_behind_the_first(&sim));
            assert!(
                size >= EDITS_SIZE_MAX,
                "after the first edit, of 1 MiB, manifest {} has {size} bytes of edits: it goes \
                 into the manifest that is there, and the next one begins another {LONG}",
                named.1
            );
            sim.crash_at(operation);
            // It removes the table with the long key: what begins anew is small.
            let compacted = promised.compact(&sim, &mut manifest);
            if sim.is_powered() {
                assert!(
                    compacted.is_ok(),
                    "seed {seed}: got {compacted:?} with the power on {NAMES}"
                );
                assert!(
                    current(&sim) != named,
                    "manifest {} has {size} bytes of edits, and goes on {LONG}",
                    named.1
                );
                break;
            }
            sim.power_cycle();
            check(&sim, &mut promised);
        }
    }
}

#[test]
fn a_power_cut_while_a_store_is_opened_again_leaves_what_it_had() {
    let first_life = |sim: &SimFs, promised: &mut Promised| {
        small_life(sim, promised).expect("the power is on");
        sim.power_cycle();
        promised.expect_after_crash(sim)
    };
    for seed in seeds(20) {
        for operation in 1.. {
            let (sim, mut promised) = (SimFs::new(seed), Promised::default());
            let before = first_life(&sim, &mut promised);
            sim.crash_at(operation);
            let opened = promised.open(&sim).is_ok();
            let was_cut = !sim.is_powered();
            sim.power_cycle();
            let found = promised.expect_after_crash(&sim);
            assert!(
                found.levels == before.levels,
                "seed {seed}, a power cut at operation {operation} of opening: want {:?}, got {:?} {NAMES}",
                numbers(&before.levels),
                numbers(&found.levels)
            );
            if !was_cut {
                assert!(opened, "seed {seed}: opening fails with the power on {NAMES}");
                break;
            }
        }
    }
}

#[test]
fn many_lives_never_mix_two_sets_nor_give_a_number_twice() {
    for_each_seed(200, |sim| {
        let mut dice = Workload::new(sim.seed());
        let mut promised = Promised::default();
        let crash = [Crash::PowerCut, Crash::Kill][dice.below(2)];
        make_dir(sim).expect("the power is on");
        for _ in 0..8 {
            sim.crash_at(1 + dice.below(60) as u64);
            let life = promised.open(sim).and_then(|mut manifest| {
                for _ in 0..dice.below(20) {
                    match dice.below(4) {
                        0 if !manifest.state().levels.level(0).is_empty() => {
                            promised.compact(sim, &mut manifest)?;
                        }
                        // A number for a table that never comes to be.
                        1 => drop(manifest.new_number()?),
                        _ => promised.flush(sim, &mut manifest, dice.below(100))?,
                    }
                }
                Ok(())
            });
            assert!(life.is_ok() || !sim.is_powered(), "the power is on: {life:?} {COUNTS}");
            match crash {
                Crash::PowerCut => sim.power_cycle(),
                Crash::Kill => sim.kill(),
            }
            promised.expect_after_crash(sim);
        }
    });
}
