//! Flushes, readers and an end in the middle of a compaction.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use lsm::Tree;
use wal::Error;
use wal::fs::SimFs;

use super::given::*;

#[test]
fn flushes_go_on_while_a_compaction_runs() {
    // The compaction's inputs were chosen before; what is flushed meanwhile stays above its run.
    let tree = Arc::new(open(&disk(1)));
    flush_all(&tree, &["a@1=1 b@2=2", "a@3=3"]);
    let compaction = all_of(&tree, &[0], 1);
    flush_all(&tree, &["a@4=4 c@5=5"]);
    run(&tree, &compaction);
    assert_eq!(shape(&tree.version()), [1, 1], "tables of each level {DURABLE}");
    expect_get(&tree.version(), "a", 99, &value("4"), DURABLE);
    expect_get(&tree.version(), "a", 3, &value("3"), DURABLE);
}

/// Compacts three flushes into level 1, and has `hook` done in front of one operation of that; for each
/// operation. Then `check` sees the store and what came of the compaction.
fn at_every_operation<T: 'static + Send>(
    hook: impl Fn(&Tree) -> T + Clone + Send + 'static,
    check: impl Fn(&str, &SimFs, &Tree, wal::Result<()>, T),
) {
    let history = history(3);
    for nth in 1.. {
        let sim = disk(1);
        let disk = Meanwhile::on(&sim);
        let tree = Arc::new(open_on(Arc::new(disk.clone())).expect("a good disk"));
        (0..3).for_each(|index| flush_of(&tree, &history, index).expect("a good disk"));
        let (send, receive) = std::sync::mpsc::channel();
        disk.before(nth, {
            let (tree, hook) = (Arc::clone(&tree), hook.clone());
            move || send.send(hook(&tree)).expect("it is waited for")
        });
        let compacted = tree.compact(&all_of(&tree, &[0], 1));
        if disk.forget() {
            assert!(nth > 8, "a compaction into several tables has {nth} operations {CUT}");
            return;
        }
        let came = receive.recv().expect("it was done");
        check(
            &format!("in front of operation {nth} of a compaction"),
            &sim,
            &tree,
            compacted,
            came,
        );
    }
}

#[test]
fn a_flush_at_any_operation_of_a_compaction_stays_above_its_run() {
    let hook = |tree: &Tree| {
        let seq = tree.snapshots().add(|| Ok(24)).expect("it is given");
        (flush_of(tree, &history(4), 3), seq)
    };
    at_every_operation(hook, |when, sim, tree, compacted, (flushed, seq)| {
        let when = format!("a flush {when}");
        flushed.unwrap_or_else(|error| panic!("{when} fails: {error} {MEANWHILE}"));
        compacted.unwrap_or_else(|error| panic!("{when}, and that fails: {error} {MEANWHILE}"));
        assert_eq!(shape(&tree.version())[0], 1, "{when}: tables of level 0 {MEANWHILE}");
        assert_eq!(tree.version().floor(), 32, "{when}: the floor {FLOOR}");
        let list = in_order(history(4).concat());
        expect_keys(tree, &list, &[seq, 32], &when, MEANWHILE);
        expect_only_named_files(sim, tree, &when);
        drop(Arc::clone(&tree.version()));
        let tree = open(sim);
        expect_keys(&tree, &list, &[32], &format!("{when}, opened again"), MEANWHILE);
    });
}

#[test]
fn a_reader_at_any_operation_of_a_compaction_keeps_its_tables() {
    let list = in_order(history(3).concat());
    at_every_operation(Tree::version, |when, sim, tree, compacted, version| {
        compacted.unwrap_or_else(|error| panic!("a reader {when}, which fails: {error} {LEAVES}"));
        let found = entries_of(&version);
        let is_right = found.iter().all(|entry| list.contains(entry));
        assert!(is_right, "a reader {when} sees {found:?}, of {list:?} {LEAVES}");
        assert_eq!(shape(&version), [3], "tables that a reader has {when} {LEAVES}");
        drop(version);
        expect_only_named_files(sim, tree, &format!("a reader {when} has gone"));
    });
}

#[test]
fn a_compaction_that_is_stopped_leaves_the_store_as_it_was() {
    let list = in_order(history(3).concat());
    let mut stopped = 0;
    let count = std::cell::RefCell::new(&mut stopped);
    at_every_operation(Tree::stop, |when, sim, tree, compacted, ()| {
        let when = format!("stopped {when}");
        match compacted {
            Err(Error::Closed) => {
                **count.borrow_mut() += 1;
                assert_eq!(shape(&tree.version()), [3], "{when}: tables {LEAVES}");
            }
            // The table that it was at is the last one.
            Ok(()) => assert_eq!(shape(&tree.version())[0], 0, "{when}: tables {LEAVES}"),
            Err(error) => panic!("{when}: want Closed, got {error} {LEAVES}"),
        }
        expect_only_named_files(sim, tree, &when);
        expect_keys(tree, &list, &[24], &when, LEAVES);
        // Not a flush: the memtable is in the log, and in no table.
        let flushed = flush_of(tree, &history(4), 3);
        flushed.unwrap_or_else(|error| panic!("{when}, and a flush fails: {error} {MEANWHILE}"));
    });
    assert!(stopped > 4, "only {stopped} of them ended early: ask before each table {LEAVES}");
}

#[test]
fn flushes_compactions_and_readers_at_the_same_time_miss_nothing() {
    const ROUNDS: u64 = 60;
    for seed in wal::testing::seeds(8) {
        let (sim, latest) = (disk(seed), AtomicU64::new(0));
        let tree = open(&sim);
        std::thread::scope(|scope| {
            let flusher = scope.spawn(|| {
                for round in 1..=ROUNDS {
                    let text = format!("a@{}={round} b@{}={round}", 2 * round - 1, 2 * round);
                    flush_all(&tree, &[&text]);
                    latest.store(round, Ordering::Release);
                }
            });
            let compactor = scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let compaction = all_of(&tree, &[0, 1], 1);
                    if compaction.inputs.len() > 1 {
                        run(&tree, &compaction);
                    }
                }
            });
            for _ in 0..20 * ROUNDS {
                let least = latest.load(Ordering::Acquire);
                let version = tree.version();
                for key in ["a", "b"] {
                    let came = version.get(key.as_bytes(), 999).expect("a good disk").into_value();
                    let round = came.and_then(|value| str::from_utf8(&value).ok()?.parse().ok());
                    assert!(
                        round.unwrap_or(0) >= least,
                        "flush {least} has returned, and a reader sees {round:?} of {key} {MEANWHILE}"
                    );
                }
            }
            for thread in [flusher, compactor] {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        });
        expect_get(&tree.version(), "a", 999, &value(&ROUNDS.to_string()), MEANWHILE);
        expect_only_named_files(&sim, &tree, "when all have ended");
    }
}

#[test]
fn an_edit_that_waits_for_another_changes_what_that_one_has_left() {
    // Whoever lets the manifest go in between has many chances to be overtaken.
    for round in 1..=12 {
        let sim = disk(round);
        let disk = Meanwhile::on(&sim);
        let tree = Arc::new(open_on(Arc::new(disk.clone())).expect("a good disk"));
        (0..2).for_each(|index| flush_of(&tree, &history(2), index).expect("a good disk"));
        let edits = |sim: &SimFs| {
            sim.trace().iter().filter(|line| line.starts_with("write MANIFEST")).count()
        };
        let (send, receive) = mpsc::channel();
        // A run of level 0 is one table. In front of its rename, a flush goes as far as its edit's sync.
        disk.before(2, {
            let (sim, tree, disk) = (sim.clone(), Arc::clone(&tree), disk.clone());
            move || {
                let gate = sim.hold_syncs();
                gate.pass(1);
                let flushing = Arc::clone(&tree);
                let flush = std::thread::spawn(move || flush_of(&flushing, &history(3), 2));
                gate.wait_for(1);
                let (written, seen) = (edits(&sim), shape(&tree.version()));
                let (named, is_named) = mpsc::channel();
                // The compaction goes on: it syncs the directory, and opens what has a name now. Its
                // edit has to wait for the flush's, and would come to the gate if it did not.
                disk.before(2, move || named.send(()).expect("it is waited for"));
                let opener = std::thread::spawn(move || {
                    is_named.recv().expect("the compaction opens its table");
                    gate.comes_to(2, Duration::from_millis(20));
                    let too_early = edits(&sim) - written;
                    drop(gate);
                    too_early
                });
                send.send((flush, opener, seen)).expect("they are waited for");
            }
        });
        run(&tree, &all_of(&tree, &[0], 0));
        let (flush, opener, seen) = receive.recv().expect("the compaction has a table to name");
        assert_eq!(seen, [2], "readers see an edit that is not on disk {DURABLE}");
        let too_early = opener.join().expect("it opens the gate");
        assert_eq!(too_early, 0, "edits written while the one before is not on disk {MEANWHILE}");
        let flushed = flush.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        flushed.unwrap_or_else(|error| panic!("the flush fails: {error} {MEANWHILE}"));
        let when = "an edit waited for another one";
        assert_eq!(shape(&tree.version()), [2], "{when}: a run, and what was flushed {MEANWHILE}");
        expect_keys(&tree, &in_order(history(3).concat()), &[24], when, MEANWHILE);
        expect_only_named_files(&sim, &tree, when);
    }
}
