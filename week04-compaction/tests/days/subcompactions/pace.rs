//! Who waits for tokens, who does not, and what ends a wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lsm::pacer::{Pace, Pacer};
use lsm::{LsmOptions, Tree};
use wal::{Error, Result};

use super::given::*;

/// So many bytes would take decades.
const FOR_EVER: u64 = 1 << 30;

/// A thread that waits for so many bytes.
fn waiting(pacer: &Arc<Pacer>, bytes: u64) -> Running<Result<()>> {
    let pacer = Arc::clone(pacer);
    run(move || pacer.wait_for(bytes, || false))
}

#[track_caller]
fn expect_closed(ended: Result<()>, why: &str) {
    assert!(matches!(ended, Err(Error::Closed)), "{why}: want Closed, got {ended:?}");
}

#[test]
fn without_a_limit_nobody_waits() {
    let pacer = Arc::new(Pacer::new(None));
    for _ in 0..3 {
        let waited = returned(waiting(&pacer, u64::MAX), TOKENS);
        waited.unwrap_or_else(|error| panic!("nothing is over, got {error} {TOKENS}"));
    }
}

#[test]
fn a_wait_lasts_until_there_are_tokens() {
    let pacer = Pacer::new(Some(100_000));
    // A clock that goes on and a wait that lasts at least so long: true on any machine.
    let begun = Instant::now();
    pacer.wait_for(10_000, || false).expect("nothing is over");
    pacer.wait_for(3_000, || false).expect("nothing is over");
    let lasted = begun.elapsed();
    assert!(
        lasted >= Duration::from_millis(29),
        "13 000 bytes, of 100 000 a second with 10 000 in the bucket, go out after {lasted:?} {TOKENS}"
    );
}

#[test]
fn all_threads_wait_for_one_bucket() {
    let pacer = Arc::new(Pacer::new(Some(100_000)));
    let begun = Instant::now();
    let write = |_| {
        let pacer = Arc::clone(&pacer);
        thread::spawn(move || (0..4).try_for_each(|_| pacer.wait_for(1_000, || false)))
    };
    let threads: Vec<_> = (0..4).map(write).collect();
    for thread in threads {
        thread.join().expect("it does not panic").expect("nothing is over");
    }
    let lasted = begun.elapsed();
    assert!(
        lasted >= Duration::from_millis(59),
        "four threads write 4 000 bytes each, of 100 000 a second with 10 000 in the bucket, in \
         {lasted:?} {TOKENS}"
    );
}

#[test]
fn to_be_woken_is_not_to_go_on_and_costs_no_tokens() {
    let pacer = Arc::new(Pacer::new(Some(100_000)));
    pacer.wait_for(10_000, || false).expect("nothing is over");
    let begun = Instant::now();
    let waiting = waiting(&pacer, 5_000);
    assert!(
        (0..5_000).any(|_| (pacer.wake(), waiting.ends_in(Duration::from_millis(1))).1),
        "5 000 bytes of 100 000 a second, and somebody who wakes the thread that waits for them: does \
         it take its tokens again each time? {TOKENS}"
    );
    let lasted = begun.elapsed();
    returned(waiting, TOKENS).expect("nothing is over");
    assert!(
        lasted >= Duration::from_millis(49),
        "5 000 bytes of 100 000 a second go out after {lasted:?}: to be woken is to look again {TOKENS}"
    );
}

#[test]
fn a_store_that_stops_ends_all_waits() {
    let pacer = Arc::new(Pacer::new(Some(1)));
    let threads: Vec<_> = (0..3).map(|_| waiting(&pacer, FOR_EVER)).collect();
    threads.iter().for_each(|thread| expect_waiting(thread, TOKENS));
    pacer.stop();
    for thread in threads {
        expect_closed(returned(thread, LIFTED), "the store stops");
    }
    expect_closed(returned(waiting(&pacer, 0), LIFTED), "the store has stopped");
    let pacer = Arc::new(Pacer::new(None));
    pacer.stop();
    expect_closed(returned(waiting(&pacer, 0), LIFTED), "the store has stopped, without a limit");
}

#[test]
fn a_compaction_that_is_over_ends_its_own_waits() {
    let pacer = Arc::new(Pacer::new(Some(1)));
    let [mine, other] = [(), ()].map(|()| Arc::new(Pace::new(Arc::clone(&pacer))));
    let wait = |pace: &Arc<Pace>| {
        let pace = Arc::clone(pace);
        run(move || pace.wait_for(FOR_EVER))
    };
    let (first, second) = (wait(&mine), wait(&other));
    expect_waiting(&first, TOKENS);
    mine.end(Ok(Err(Error::Closed)));
    expect_closed(returned(first, ENDS), "a part has ended the compaction");
    expect_closed(returned(wait(&mine), ENDS), "a part has ended the compaction before");
    expect_waiting(&second, "it is of another compaction, which goes on");
    pacer.stop();
    expect_closed(returned(second, LIFTED), "the store stops");
}

#[test]
fn who_waits_goes_on_when_the_limit_is_lifted() {
    let pacer = Arc::new(Pacer::new(Some(1)));
    let thread = waiting(&pacer, FOR_EVER);
    pacer.lift_if(|| false);
    expect_waiting(&thread, "the limit counts");
    pacer.lift_if(|| true);
    returned(thread, LIFTED).unwrap_or_else(|error| panic!("it is lifted: {error} {LIFTED}"));
    returned(waiting(&pacer, FOR_EVER), LIFTED).expect("it is lifted");
    pacer.stop();
    expect_closed(returned(waiting(&pacer, 0), LIFTED), "lifted or not, the store stops");
}

#[test]
fn what_goes_out_while_the_limit_is_lifted_takes_no_tokens() {
    let pacer = Arc::new(Pacer::new(Some(100_000)));
    pacer.lift_if(|| true);
    for _ in 0..10 {
        returned(waiting(&pacer, FOR_EVER), LIFTED).expect("it is lifted");
    }
    pacer.lift_if(|| false);
    let why = "the bucket is full: what went out while the limit was lifted is not to be paid for";
    returned(waiting(&pacer, 10_000), why).expect("nothing is over");
    let thread = waiting(&pacer, FOR_EVER);
    expect_waiting(&thread, "the limit counts again");
    pacer.stop();
    expect_closed(returned(thread, LIFTED), "the store stops");
}

#[test]
fn what_was_taken_before_a_lift_is_not_owed_afterwards() {
    let pacer = Arc::new(Pacer::new(Some(1)));
    let thread = waiting(&pacer, FOR_EVER);
    expect_waiting(&thread, "the limit counts");
    pacer.lift_if(|| true);
    returned(thread, LIFTED).expect("it is lifted");
    pacer.lift_if(|| false);
    let why = "a lift has begun anew, and who asks for no byte finds a full bucket";
    returned(waiting(&pacer, 0), why).expect("nothing is over");
}

#[test]
fn nobody_is_woken_between_a_look_and_a_wait() {
    // While somebody asks whether it is over, and hears that it is not, it comes to be over. Whoever
    // says so needs the lock, so that the one who asked waits by then, and hears it.
    let pacer = Arc::new(Pacer::new(Some(1)));
    let (is_over, has_begun) = (Arc::new(AtomicBool::new(false)), AtomicBool::new(false));
    let shared = Arc::clone(&pacer);
    let asking = run(move || {
        shared.wait_for(FOR_EVER, || {
            let was_over = is_over.load(Ordering::SeqCst);
            if !has_begun.swap(true, Ordering::SeqCst) {
                let (pacer, is_over) = (Arc::clone(&shared), Arc::clone(&is_over));
                // Ends now if nobody has the lock, and else when there is a wait.
                run(move || {
                    is_over.store(true, Ordering::SeqCst);
                    pacer.wake();
                })
                .ends_in(Duration::from_millis(50));
            }
            was_over
        })
    });
    let why =
        "it was told that it is over, between its look and its wait: is it asked with the lock?";
    expect_closed(returned(asking, why), "it is over");
}

// Compactions.

/// Compacts all of level 0 into level 1, in a thread.
fn compacting(tree: &Arc<Tree>) -> Running<Result<()>> {
    let (tree, compaction) = (Arc::clone(tree), all_of(tree, &[0], 1));
    run(move || tree.compact(&compaction))
}

/// A store whose compactions take years, and which has something to compact. From so many tables of
/// level 0 on, writes are slowed down.
fn slow_store(threads: usize, level0_slow: usize) -> Arc<Tree> {
    let limits = LsmOptions { level0_slow, level0_stop: 100, level0_tables: 2, ..options(threads) };
    let tree = open(disk(1), LsmOptions { compaction_rate: Some(1), ..limits });
    flush(&tree, &puts(0..60, 1));
    flush(&tree, &puts(30..90, 101));
    tree
}

#[test]
fn a_compaction_takes_as_long_as_its_bytes() {
    for threads in [1, 3] {
        let limited = LsmOptions { compaction_rate: Some(200_000), ..options(threads) };
        let tree = open(disk(1), limited);
        put_into_level_1(&tree, &puts(0..250, 1));
        let begun = Instant::now();
        compact(&tree, &[1], 1);
        let lasted = begun.elapsed();
        let size: u64 = tree.version().level(1).iter().map(|table| table.meta.size).sum();
        let least = Duration::from_secs_f64((size - 20_000) as f64 / 200_000.0);
        assert!(
            lasted >= least,
            "{threads} threads write {size} bytes, of 200 000 a second with 20 000 in the bucket, in \
             {lasted:?}, and not in {least:?} at least {TOKENS}"
        );
    }
}

#[test]
fn a_flush_waits_for_no_tokens() {
    for threads in [1, 3] {
        let tree = slow_store(threads, 50);
        let compacting = compacting(&tree);
        let shared = Arc::clone(&tree);
        let flushing = run(move || {
            (0..3).for_each(|number| flush(&shared, &puts(0..20, 1000 + 100 * number)));
        });
        returned(flushing, LIFTED);
        expect_waiting(&compacting, TOKENS);
        tree.stop();
        expect_closed(returned(compacting, LIFTED), "the store stops");
    }
}

#[test]
fn a_compaction_that_waits_ends_when_the_store_stops() {
    let tree = slow_store(3, 50);
    let before = entries_of(&tree.version());
    let compacting = compacting(&tree);
    expect_waiting(&compacting, TOKENS);
    tree.stop();
    expect_closed(returned(compacting, LIFTED), "the store stops");
    assert!(entries_of(&tree.version()) == before, "the inputs are still the store {ENDS}");
}

#[test]
fn back_pressure_lifts_the_limit_of_a_compaction_that_begins() {
    for threads in [1, 3] {
        let tree = slow_store(threads, 2);
        let why = "two tables of level 0, and writes are slowed down from two on: they wait for this \
                   compaction, so its limit does not count";
        returned(compacting(&tree), why).expect("a good disk");
    }
}

#[test]
fn back_pressure_lifts_the_limit_of_a_compaction_that_waits_and_only_while_it_lasts() {
    let tree = slow_store(3, 4);
    let first = compacting(&tree);
    expect_waiting(&first, TOKENS);
    flush(&tree, &puts(0..60, 1001));
    expect_waiting(&first, "three tables of level 0, and writes are slowed down from four on");
    flush(&tree, &puts(0..60, 1101));
    let why = "four tables of level 0, and writes are slowed down from four on: they wait for this \
               compaction, and a flush has said so";
    returned(first, why).expect("a good disk");
    assert_eq!(
        shape(&tree.version())[0],
        2,
        "tables of level 0 that were flushed meanwhile {ONCE}"
    );
    let second = compacting(&tree);
    expect_waiting(&second, "two tables of level 0 are left, and the limit counts again");
    tree.stop();
    expect_closed(returned(second, LIFTED), "the store stops");
}
