//! Writes that wait, and what lets them go on.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use lsm::Tree;
use lsm::control::Pressure;
use wal::fs::{Fault, Operation};
use wal::testing::seeds;

use super::given::*;

// What waits, and how long.

#[test]
fn a_write_without_pressure_is_let_in_and_counted_nowhere() {
    let sim = disk(1);
    let tree = open(&sim, limits(3, 6));
    for tables in 0..3 {
        let why = format!("{tables} tables in level 0, slow from 3 on");
        expect_admitted(admit(&tree, &why), &why);
        expect_waited(&tree, 0, 0, &why);
        flush(&tree);
    }
}

#[test]
fn a_write_without_pressure_needs_no_lock() {
    for seed in 0..5 {
        let sim = disk(seed);
        let tree = filled(&sim, limits(3, 6), 2);
        // The compactor, too, picks with `failure` locked, and wants the manifest for it.
        let held = Held::begin(&sim, &tree);
        let why = "somebody has `failure` locked for as long as a disk syncs, and this write has \
                   nothing to wait for: does it lock without need?";
        expect_admitted(admit(&tree, why), why);
        held.end();
        tree.stop();
    }
}

#[test]
fn a_slowed_write_waits_once_and_is_counted_once() {
    let sim = disk(1);
    let options = limits(2, 6);
    let tree = filled(&sim, options.clone(), 2);
    for slowed in 1..=4 {
        let Pressure::Slow(delay) = Pressure::of(level0(&tree), &options) else {
            panic!("with {} tables, slow from 2 on, stop from 6 on {PRESSURE}", level0(&tree));
        };
        // A clock that goes on and a wait that lasts at least so long: true on any machine.
        let begun = Instant::now();
        let why = "slow, not stop: it waits once, whatever comes meanwhile";
        expect_admitted(admit(&tree, why), why);
        let lasted = begun.elapsed();
        assert!(
            lasted >= delay,
            "a write that is to wait for {delay:?} was let in after {lasted:?} {ADMIT}"
        );
        expect_waited(&tree, slowed, 0, "each of them once");
        flush(&tree);
    }
}

#[test]
fn slowed_writes_wait_side_by_side() {
    const WRITES: u64 = 8;
    let sim = disk(1);
    let tree = filled(&sim, limits(0, 4), 3);
    let returned_count = Arc::new(AtomicU64::new(0));
    let mut most = 0;
    // Each waits for 8 ms. How many have begun and not returned, when one returns? A machine that
    // has much to do may begin them one by one, but not every time.
    for _ in 0..25 {
        let write = |_| {
            let (tree, returned_count) = (Arc::clone(&tree), Arc::clone(&returned_count));
            begin(move || {
                let admitted = tree.admit();
                let side_by_side = waited(&tree).0.saturating_sub(count(&returned_count));
                returned_count.fetch_add(1, Ordering::SeqCst);
                (admitted, side_by_side)
            })
        };
        let writes: Vec<_> = (0..WRITES).map(write).collect();
        for write in writes {
            let (admitted, side_by_side) = returned(write, "slow, not stop");
            expect_admitted(admitted, "slow, not stop");
            most = most.max(side_by_side);
        }
        if most > WRITES / 2 {
            return;
        }
    }
    panic!(
        "of {WRITES} writes that come at the same time, never more than {most} are slowed at the same \
         time: does one of them hold a lock while it waits, or is it counted only after its wait? \
         {ADMIT}"
    );
}

#[test]
fn slowed_writes_keep_nobody_from_work() {
    const WRITES: u64 = 4;
    let sim = disk(1);
    let tree = filled(&sim, limits(0, 4), 3);
    let mut overtaken = 0;
    // Each waits for 8 ms, and a move takes much less: before the first can have done its waiting, the
    // move is done, unless it waits for that. A machine that has much to do may be late with it, but not
    // every time.
    for round in 1..=60 {
        let begun = Instant::now();
        let writes: Vec<Write> = (0..WRITES).map(|_| write(&tree)).collect();
        let are_counted = || waited(&tree).0 >= WRITES * round;
        comes(|| are_counted() || writes.iter().all(Write::is_finished));
        move_oldest(&tree);
        overtaken += u32::from(begun.elapsed() < Duration::from_millis(8));
        for write in writes {
            expect_admitted(returned(write, "slow, not stop").0, "slow, not stop");
        }
        assert!(are_counted(), "{WRITES} writes came, and were not all counted as slowed {ADMIT}");
        if overtaken == 3 {
            return;
        }
        flush(&tree);
    }
    panic!(
        "{WRITES} writes are slowed, for 8 ms each, and a compaction that moves a table is never done \
         before the first of them is let in: does a write hold a lock while it waits, or is it counted \
         only after its wait? {ADMIT}"
    );
}

#[test]
fn a_slowed_write_sleeps_whatever_changes_meanwhile() {
    let delay = Duration::from_millis(8);
    for seed in 0..8 {
        let sim = disk(seed);
        let tree = filled(&sim, limits(0, 4), 3);
        let shared = Arc::clone(&tree);
        let write = begin(move || {
            let begun = Instant::now();
            (shared.admit(), begun.elapsed())
        });
        comes(|| waited(&tree).0 > 0 || write.is_finished());
        // Now there are so many that the next write has to stop; and all who wait for a change wake.
        flush(&tree);
        let why = "it was slowed, and has done its waiting, whatever the pressure is now";
        let (admitted, lasted) = returned(write, why);
        expect_admitted(admitted, why);
        assert!(
            lasted >= delay,
            "a write that is to sleep for {delay:?} was let in after {lasted:?}: did a change wake it? \
             {ADMIT}"
        );
        expect_waited(&tree, 1, 0, why);
    }
}

#[test]
fn a_stopped_write_is_counted_once_and_goes_on_when_level_0_has_shrunk() {
    let sim = disk(1);
    let tree = filled(&sim, limits(2, 4), 6);
    let writes = stopped(&tree, 6);
    while level0(&tree) >= 4 {
        assert!(
            !writes.iter().any(Write::is_finished),
            "{} tables, stop from 4 on, and a write is let in {ADMIT}",
            level0(&tree)
        );
        let shared = Arc::clone(&tree);
        must_end("a compaction, while writes are stopped", move || move_oldest(&shared));
    }
    for write in writes {
        let (admitted, _) = returned(write, "level 0 has 3 tables, and stop is from 4 on");
        expect_admitted(admitted, "level 0 has shrunk");
    }
    expect_waited(&tree, 0, 6, "level 0 has shrunk from stop to slow, and who was stopped goes on");
}

#[test]
fn a_change_that_does_not_help_lets_nobody_go_on() {
    let sim = disk(1);
    let tree = filled(&sim, limits(4, 4), 4);
    let mut writes = stopped(&tree, 1);
    let change = |change: fn(&Tree)| {
        let shared = Arc::clone(&tree);
        must_end("a flush or a compaction, while a write is stopped", move || change(&shared));
    };
    let why =
        "4 tables or more, stop from 4 on; a write was woken by a change, and must look again";
    for _ in 0..20 {
        change(flush);
        expect_out(&writes, why);
    }
    while level0(&tree) > 4 {
        change(move_oldest);
        expect_out(&writes, why);
    }
    change(move_oldest);
    let write = writes.remove(0);
    let (admitted, tables) = returned(write, "level 0 has 3 tables, and stop is from 4 on");
    expect_admitted(admitted, "level 0 has shrunk");
    assert!(
        tables < 4,
        "a write that is to stop from 4 tables on goes on with {tables}: it was woken by a change, and \
         must look again {ADMIT}"
    );
}

#[test]
fn who_waits_keeps_nobody_from_work() {
    let sim = disk(1);
    let tree = filled(&sim, limits(2, 3), 3);
    let writes = stopped(&tree, 2);
    let shared = Arc::clone(&tree);
    let why = "a flush, a look, a snapshot, or a compaction, while writes are stopped";
    must_end(why, move || {
        flush(&shared);
        assert!(newest(&shared, "key000000").is_some(), "the first key that was flushed {ADMIT}");
        let seq = shared.snapshots().add(|| Ok(3)).expect("it is given");
        shared.snapshots().remove(seq);
        let compaction = shared.pick();
        assert!(compaction.is_some(), "four runs of like size, two to a compaction {TIERS}");
        compaction.iter().for_each(|compaction| {
            let compacted = shared.compact(compaction);
            compacted.unwrap_or_else(|error| panic!("{compaction} fails: {error}"));
        });
    });
    for write in writes {
        let (admitted, _) = returned(write, "all of level 0 was merged");
        expect_admitted(admitted, "level 0 has shrunk");
    }
}

// A store that stops.

#[test]
fn a_stopped_write_goes_on_when_the_store_stops() {
    for round in 0..100 {
        let sim = disk(round);
        let tree = filled(&sim, limits(2, 2), 2);
        // The first round waits until it sleeps, the others do not.
        let writes = stopped(&tree, 1 + round % 2);
        if round == 0 {
            expect_out(&writes, "level 0 is full, and nothing has changed");
        }
        let shared = Arc::clone(&tree);
        must_end("the store is to stop", move || shared.stop());
        for write in writes {
            let why = format!("the store stops; {LOST}");
            let (admitted, _) = returned(write, &why);
            expect_admitted(admitted, "the store stops, and says so to whoever writes next");
        }
        expect_admitted(admit(&tree, "a store that has stopped"), "the store has stopped");
    }
}

// A store that fails.

#[test]
fn a_stopped_write_is_refused_when_the_store_fails() {
    for round in 0..100 {
        let sim = disk(round);
        let tree = filled(&sim, limits(2, 2), 2);
        let writes = stopped(&tree, 1 + round % 2);
        if round == 0 {
            expect_out(&writes, "level 0 is full, and nothing has changed");
        }
        sim.fail(Operation::Write, 1, Fault::NoSpace);
        let shared = Arc::clone(&tree);
        let failed = must_end("a flush that fails", move || try_flush(&shared));
        assert!(failed.is_err(), "the disk is full, and the flush says {failed:?}");
        for write in writes {
            let why = "a flush has failed, and nobody will compact any more: does a write look at \
                       that, with the lock, before each wait?";
            let (admitted, _) = returned(write, why);
            expect_refused(admitted, "a flush failed", "a flush fails while a write is stopped");
        }
    }
}

#[test]
fn a_failed_store_refuses_at_any_pressure_with_its_first_failure() {
    for tables in 0..8 {
        let sim = disk(1);
        let tree = filled(&sim, limits(3, 5), tables);
        for fault in [Fault::NoSpace, Fault::Io, Fault::Io] {
            sim.fail(Operation::Write, 1, fault);
            let failed = try_flush(&tree);
            assert!(failed.is_err(), "a write fails, and the flush says {failed:?}");
            let why = format!("{tables} tables, slow from 3 on, stop from 5 on, a failed flush");
            expect_refused(admit(&tree, &why), "space", &why);
        }
        expect_waited(&tree, 0, 0, "all were refused at once");
    }
}

#[test]
fn a_failed_store_that_stops_still_refuses() {
    let sim = disk(1);
    let tree = filled(&sim, limits(2, 2), 2);
    sim.fail(Operation::Write, 1, Fault::NoSpace);
    assert!(try_flush(&tree).is_err(), "the disk is full");
    tree.stop();
    let why = "the store has failed, and then stopped";
    expect_refused(admit(&tree, why), "a flush failed", why);
}

// No wake-up is lost.

#[test]
fn a_write_that_comes_just_when_level_0_shrinks_goes_on() {
    for seed in seeds(20) {
        let sim = disk(seed);
        let tree = filled(&sim, limits(2, 2), 1);
        for step in 0..25_u64 {
            flush(&tree);
            // Another head start each time, so that the two meet at every point of their ways.
            let barrier = Arc::new(Barrier::new(2));
            let write = begin({
                let (barrier, tree) = (Arc::clone(&barrier), Arc::clone(&tree));
                move || {
                    barrier.wait();
                    (0..(seed * 25 + step) * 37 % 2_000).for_each(|_| spin_loop());
                    tree.admit()
                }
            });
            let shared = Arc::clone(&tree);
            must_end("a compaction, while a write comes", move || {
                barrier.wait();
                move_oldest(&shared);
            });
            let why = format!("level 0 has shrunk; {LOST}");
            expect_admitted(returned(write, &why), "level 0 has shrunk");
        }
    }
}

#[test]
fn changes_that_come_one_behind_the_other_wake_all_who_wait() {
    for seed in seeds(60) {
        let sim = disk(seed);
        let more = 1 + seed as usize % 3;
        let tree = filled(&sim, limits(2, 2), 2 + more);
        let writes = stopped(&tree, 8);
        // Those that do not help wake all, and while all look the one comes that does.
        let shared = Arc::clone(&tree);
        must_end("compactions, while writes are stopped", move || {
            (0..=more).for_each(|_| move_oldest(&shared));
        });
        for write in writes {
            let why = format!("level 0 has shrunk; {LOST}");
            expect_admitted(returned(write, &why).0, "level 0 has shrunk");
        }
        expect_waited(&tree, 0, 8, "level 0 has shrunk");
    }
}

#[test]
fn a_change_while_writes_queue_for_the_lock_is_lost_by_none() {
    for round in 0..100 {
        let sim = disk(round);
        let tree = filled(&sim, limits(2, 2), 2);
        // All writes have come, and want the lock, which is held. Who has looked already, and waits
        // without another look, sleeps too late: the store stops while they get it one by one.
        let held = Held::begin(&sim, &tree);
        let writes: Vec<Write> = (0..32).map(|_| write(&tree)).collect();
        expect_out(&writes, "level 0 is full, and `failure` is locked");
        let shared = Arc::clone(&tree);
        must_end("the store is to stop", move || {
            held.end();
            (0..round * 97 % 5_000).for_each(|_| spin_loop());
            shared.stop();
        });
        for write in writes {
            let why = format!("the store stops; {LOST} Look with the lock in your hand");
            expect_admitted(returned(write, &why).0, "the store stops");
        }
    }
}
