//! Power cuts, kills and full disks, with flushes and compactions under way.

use wal::fs::{Fault, Operation, SimFs};
use wal::testing::{Crash, Model, Workload, batch, for_each_seed, put};
use wal::{Durability, Engine, Error, Reader};

use super::given::*;

#[test]
fn a_thousand_crashes_take_nothing_that_was_promised() {
    // Each of the stores ends in four crashes, and some while they are opened.
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
                    assert!(!sim.is_powered(), "a write fails on a good disk: {error} {ENDS}");
                    break;
                }
            }
            restart(sim);
            drop((store, snapshot));
        }
        let store = open(sim, any_options(&mut dice));
        model.expect_after(crash, &store);
    });
}

#[test]
fn a_disk_that_is_full_leaves_a_store_that_reads() {
    for free in (0..12_000).step_by(300) {
        let sim = SimFs::new(free);
        let store = open(&sim, small());
        overwrite(&store, 0..3);
        store.sync().expect("a good disk");
        sim.set_free_space(Some(free));
        let mut acknowledged = [2; 10];
        let failure = (3..2_000).flat_map(|round| (0..10).map(move |key| (round, key))).find_map(
            |(round, key)| {
                let change = put(format!("key{key}"), value(round));
                match store.write(batch(&[change]), Durability::Flushed) {
                    Ok(_) => acknowledged[key] = round,
                    Err(error) => return Some(error),
                }
                None
            },
        );
        let failure = failure.unwrap_or_else(|| {
            panic!("with {free} bytes free, 20 000 writes of 44 bytes were acknowledged {ENDS}")
        });
        assert!(
            matches!(failure, Error::Io { .. } | Error::Poisoned { .. }),
            "with {free} bytes free a write fails with {failure:?}, and not because of the disk {ENDS}"
        );
        let again = store.write(batch(&[put("z", "")]), Durability::Flushed);
        assert!(
            again.is_err(),
            "with {free} bytes free: {failure}; and then a write is taken {ENDS}"
        );
        let look = |store: &dyn Reader, when: &str| {
            for (key, &round) in acknowledged.iter().enumerate() {
                let found = store.get(format!("key{key}").as_bytes());
                let found = found.unwrap_or_else(|error| {
                    panic!(
                        "{when}, with {free} bytes free, key{key} cannot be read: {error} {ENDS}"
                    )
                });
                let is_right = found.as_deref().is_some_and(|found| {
                    *found == *value(round).as_bytes() || *found == *value(round + 1).as_bytes()
                });
                assert!(
                    is_right,
                    "{when}, key{key} has {found:?}, and round {round} was put {ENDS}"
                );
            }
            assert_eq!(
                all(store).len(),
                10,
                "{when}, with {free} bytes free: entries of a scan {ENDS}"
            );
        };
        look(&store, "on the full disk");
        let _ = store.close();
        drop(store);
        sim.set_free_space(None);
        look(&open(&sim, small()), "opened again with room");
    }
}

#[test]
fn a_failure_in_the_background_refuses_writes_and_says_why() {
    for nth in 1..40 {
        let sim = SimFs::new(nth);
        let store = open(&sim, small());
        // Of the files that are made from now on, some are tables of flushes, some of compactions.
        sim.fail_from(Operation::Rename, nth, Fault::Io);
        let failure = (0..4_000).find_map(|round| {
            store.write(batch(&[put("key", value(round))]), Durability::Buffered).err()
        });
        let failure = failure.unwrap_or_else(|| {
            panic!("no table can be made any more, and 4 000 writes were acknowledged {ENDS}")
        });
        let says = failure.to_string();
        assert!(
            says.contains("rename") && says.contains(".sst"),
            "a write is refused with {says:?}, which does not say what failed, on which file {ENDS}"
        );
        let found = store.get(b"key").unwrap_or_else(|error| panic!("get fails: {error} {ENDS}"));
        assert!(found.is_some(), "the key is not found any more {ENDS}");
        let _ = store.close();
        drop(store);
        sim.clear_faults();
        let store = open(&sim, small());
        assert!(store.get(b"key").expect("a good disk").is_some(), "it was put {FUNCTION}");
        write(&store, "key", "new", Durability::Synced);
    }
}
