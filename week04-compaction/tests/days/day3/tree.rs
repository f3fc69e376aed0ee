//! Flushes and compactions of tables on a disk.

use std::path::Path;
use std::sync::Arc;

use memtable::{Flush, LogMark, Lookup};
use wal::Error;
use wal::fs::{Fault, Fs, Operation, SimFs};
use wal::testing::{Workload, crash_at_every_operation, seeds};

use super::given::*;

fn value(text: &str) -> Lookup {
    Lookup::Value(text.to_owned().into())
}

// Flushes.

#[test]
fn a_flush_makes_one_table_of_level_0() {
    let (sim, all) = (disk(1), entries("a@3=x b@2- c@1=y"));
    let tree = open(&sim);
    tree.flush(&frozen(&all, 100)).expect("a good disk");
    let version = tree.version();
    assert_eq!(shape(&version), [1], "tables of each level {DURABLE}");
    assert!(entries_of(&version) == all, "got {:?} {DURABLE}", entries_of(&version));
    assert_eq!(tree.flushed(), LogMark { lsn: 100, seq: 3 }, "where the log goes on {DURABLE}");
}

#[test]
fn what_was_flushed_is_there_when_the_tables_are_opened_again() {
    let sim = disk(1);
    let tree = open(&sim);
    flush_all(&tree, &["a@1=1 b@2=2", "a@3- c@4=4", "b@5=5"]);
    let (want, mark) = (entries_of(&tree.version()), tree.flushed());
    drop(tree);
    sim.power_cycle();
    let tree = open(&sim);
    let found = entries_of(&tree.version());
    assert!(found == want, "want {want:?}, got {found:?} {DURABLE}");
    assert_eq!((shape(&tree.version()), tree.flushed()), (vec![3], mark), "{DURABLE}");
}

#[test]
fn the_newest_flush_stands_first_in_level_0() {
    let tree = open(&disk(1));
    flush_all(&tree, &["a@1=1", "a@2=2", "a@3=3"]);
    expect_get(&tree.version(), "a", 99, &value("3"), DURABLE);
    let largest: Vec<u64> =
        tree.version().level(0).iter().map(|table| table.meta.largest_seq).collect();
    assert_eq!(largest, [3, 2, 1], "largest numbers of the tables of level 0 {DURABLE}");
}

#[test]
fn a_flush_leaves_out_what_no_snapshot_sees_and_keeps_tombstones() {
    let tree = open(&disk(1));
    let seq = tree.snapshots().add(|| Ok(4)).expect("it is given");
    flush_all(&tree, &["a@9=9 a@6=6 a@3=3 a@2=2 b@8- b@1=1 c@5-"]);
    let found = entries_of(&tree.version());
    let want = entries("a@9=9 a@3=3 b@8- b@1=1 c@5-");
    assert!(found == want, "with a snapshot at {seq}: want {want:?}, got {found:?} {SEEN} {HIDES}");
}

#[test]
fn a_version_says_from_which_number_on_it_can_answer() {
    let tree = open(&disk(1));
    assert_eq!(tree.version().floor(), 0, "the floor of a store that is new {SEEN}");
    let before = tree.version();
    flush_all(&tree, &["a@9=9 a@6=6"]);
    assert_eq!(tree.version().floor(), 9, "a@6 is gone: who reads below 9 could miss it {SEEN}");
    flush_all(&tree, &["a@12=x a@11=y"]);
    compact(&tree, &[0], 1);
    assert_eq!(tree.version().floor(), 12, "the largest number of what was merged {SEEN}");
    assert_eq!(before.floor(), 0, "a version that somebody has does not change {SEEN}");
}

// Compactions.

#[test]
fn a_compaction_puts_a_run_in_the_place_of_its_inputs() {
    let sim = disk(1);
    let tree = open(&sim);
    flush_all(&tree, &["a@1=1 c@2=2 e@3=3", "a@4- b@5=5", "c@6=6 d@7=7"]);
    compact(&tree, &[0], 2);
    let version = tree.version();
    assert_eq!(shape(&version), [0, 0, 1], "tables of each level {DURABLE}");
    let (found, want) = (entries_of(&version), entries("b@5=5 c@6=6 d@7=7 e@3=3"));
    assert!(found == want, "want {want:?}, got {found:?} {SEEN} {HIDES}");
    drop((version, tree));
    let tree = open(&sim);
    assert!(entries_of(&tree.version()) == want, "opened again {DURABLE}");
}

#[test]
fn versions_of_a_key_in_two_levels_are_merged_the_newer_first() {
    let tree = open(&disk(1));
    flush_all(&tree, &["a@1=1 b@2=2 c@3=3"]);
    compact(&tree, &[0], 1);
    flush_all(&tree, &["a@4=4", "b@5-"]);
    compact(&tree, &[0, 1], 1);
    let (found, want) = (entries_of(&tree.version()), entries("a@4=4 c@3=3"));
    assert!(found == want, "want {want:?}, got {found:?} {SEEN} {HIDES}");
}

#[test]
fn a_tombstone_above_a_level_that_has_its_key_stays() {
    let tree = open(&disk(1));
    flush_all(&tree, &["a@1=1 z@2=2"]);
    compact(&tree, &[0], 3);
    flush_all(&tree, &["a@3-"]);
    compact(&tree, &[0], 1);
    expect_get(&tree.version(), "a", 99, &Lookup::Deleted, HIDES);
    compact(&tree, &[1, 3], 3);
    let found = entries_of(&tree.version());
    assert!(found == entries("z@2=2"), "at the bottom it goes: got {found:?} {HIDES}");
    expect_get(&tree.version(), "a", 99, &Lookup::Absent, HIDES);
}

#[test]
fn nothing_comes_back_from_the_dead() {
    for seed in seeds(40) {
        let mut dice = Workload::new(seed);
        let tree = open(&disk(seed));
        let mut all = Vec::new();
        let mut next = 1;
        let mut snapshots = Vec::new();
        for _ in 0..12 {
            let batch = operations(&mut dice, 8, next);
            next += 8;
            all.extend(batch.iter().cloned());
            tree.flush(&frozen(&batch, next * 10)).expect("a good disk");
            if dice.below(3) == 0 {
                snapshots.push(tree.snapshots().add(|| Ok(next - 1)).expect("it is given"));
            }
            match dice.below(5) {
                0 => compact(&tree, &[0, 1], 1),
                1 => compact(&tree, &[1, 2], 2),
                2 => compact(&tree, &[0, 1, 2, 3], 3),
                _ => {}
            }
            let list = in_order(all.clone());
            for &seq in snapshots.iter().chain([&(next - 1)]) {
                for key in 0..12 {
                    let key = format!("k{key:02}");
                    let want = in_list(&list, key.as_bytes(), seq);
                    let came = tree.version().get(key.as_bytes(), seq).expect("a good disk");
                    let same = came.clone().into_value() == want.clone().into_value();
                    assert!(
                        same,
                        "{key} at {seq}, with snapshots {snapshots:?}: want {want:?}, got {came:?} \
                         {SEEN} {HIDES}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_compaction_of_which_nothing_survives_leaves_no_table() {
    let sim = disk(1);
    let tree = open(&sim);
    flush_all(&tree, &["a@1=1 b@2=2", "a@3- b@4-"]);
    compact(&tree, &[0], 6);
    assert_eq!(shape(&tree.version()), Vec::<usize>::new(), "tables of each level {CUT}");
    assert!(table_names(&sim).is_empty(), "left: {:?} {LEAVES}", table_names(&sim));
}

#[test]
fn a_run_of_a_lower_level_is_cut_into_tables_and_one_of_level_0_is_not() {
    let tree = open(&disk(1));
    let text: Vec<String> = (0..60).map(|n| format!("key{n:03}@{}={:0>60}", n + 1, n)).collect();
    flush_all(&tree, &[&text[..30].join(" "), &text[30..].join(" ")]);
    compact(&tree, &[0], 0);
    assert_eq!(shape(&tree.version()), [1], "a run of level 0 is one table {CUT}");
    flush_all(&tree, &["key030@99=last"]);
    compact(&tree, &[0], 4);
    let count = tree.version().level(4).len();
    assert!(count > 5, "some 6 000 bytes in tables of 500: {count} tables {CUT}");
    assert_eq!(entries_of(&tree.version()).len(), 60, "entries {CUT}");
}

// Files.

#[test]
fn inputs_go_when_nobody_reads_them_any_more() {
    let sim = disk(1);
    let tree = open(&sim);
    flush_all(&tree, &["a@1=1 b@2=2", "a@3=3"]);
    let before = tree.version();
    let inputs = table_names(&sim);
    compact(&tree, &[0], 1);
    assert!(
        inputs.iter().all(|name| table_names(&sim).contains(name)),
        "somebody reads {inputs:?}, and there are {:?} {LEAVES}",
        table_names(&sim)
    );
    expect_get(&before, "a", 2, &value("1"), LEAVES);
    drop(before);
    let names = table_names(&sim);
    assert!(
        names.len() == 1 && !inputs.contains(&names[0]),
        "nobody reads {inputs:?} any more, and there are {names:?} {LEAVES}"
    );
}

#[test]
fn every_table_has_a_number_of_its_own() {
    let sim = disk(1);
    let tree = open(&sim);
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..6 {
        flush_all(&tree, &[&format!("a@{}=x b@{}=y", 2 * round + 1, 2 * round + 2)]);
        seen.extend(table_names(&sim));
        if round % 2 == 1 {
            compact(&tree, &[0, 1], 1);
            seen.extend(table_names(&sim));
        }
    }
    assert_eq!(seen.len(), 9, "names after six flushes and three compactions: {seen:?} {LEAVES}");
}

/// Flushes twice and compacts; what each version of this should hold.
const HISTORY: [&str; 3] = ["a@1=1 b@2=2 c@3=3", "a@4- c@5=5", "d@6=6"];

fn run_history(sim: &SimFs, done: &mut usize) -> wal::Result<()> {
    let tree = try_open(sim)?;
    for (index, text) in HISTORY.iter().enumerate() {
        tree.flush(&frozen(&entries(text), 100 * (index as u64 + 1)))?;
        *done = index + 1;
    }
    tree.compact(&all_of(&tree, &[0], 1))
}

#[test]
fn a_power_cut_at_any_operation_leaves_the_old_tables_or_the_new_ones() {
    crash_at_every_operation(
        |sim, done: &mut usize| {
            sim.create_dir(Path::new(DIR))?;
            sim.sync_dir(Path::new("/"))?;
            run_history(sim, done)
        },
        |sim, done| {
            sim.create_dir(Path::new(DIR)).expect("a good disk");
            let tree = open(sim);
            let flushed = (tree.flushed().lsn / 100) as usize;
            assert!(
                flushed == *done || flushed == *done + 1,
                "{done} flushes had returned, and the log goes on behind flush {flushed} {DURABLE}"
            );
            let all = in_order(HISTORY[..flushed].iter().flat_map(|text| entries(text)).collect());
            for key in ["a", "b", "c", "d"] {
                let want = in_list(&all, key.as_bytes(), 99).into_value();
                let came = tree.version().get(key.as_bytes(), 99).expect("a good disk");
                assert_eq!(came.into_value(), want, "{key} after {flushed} flushes {DURABLE}");
            }
            let named: Vec<u64> = tree.version().tables().map(|table| table.meta.number).collect();
            assert_eq!(table_names(sim).len(), named.len(), "files, and tables named {LEAVES}");
        },
    );
}

#[test]
fn a_flush_or_a_compaction_that_fails_leaves_the_store_as_it_was() {
    for nth in 1.. {
        let sim = disk(1);
        let tree = open(&sim);
        flush_all(&tree, &HISTORY[..2]);
        let (want, names) = (entries_of(&tree.version()), table_names(&sim));
        let compaction = all_of(&tree, &[0], 1);
        sim.fail(Operation::Write, nth, Fault::NoSpace);
        let failed = match tree.compact(&compaction) {
            Err(error) => error,
            Ok(()) if nth > 3 => break,
            Ok(()) => panic!("write {nth} fails, and the compaction says nothing {DURABLE}"),
        };
        sim.clear_faults();
        assert!(failed.io_kind().is_some(), "write {nth} fails: {failed} {DURABLE}");
        let version = tree.version();
        assert!(entries_of(&version) == want, "write {nth} fails, and entries change {DURABLE}");
        let left: Vec<String> =
            table_names(&sim).into_iter().filter(|name| !names.contains(name)).collect();
        // If it was the manifest's write, the edit may be there, and the tables that it names must.
        let next = tree.flush(&frozen(&entries("z@99=z"), 900));
        match matches!(next, Err(Error::Poisoned { .. })) {
            true => {
                assert!(!left.is_empty(), "write {nth}, of the edit, fails: its tables {LEAVES}")
            }
            false => assert!(left.is_empty(), "write {nth} fails, and {left:?} are left {LEAVES}"),
        }
        drop((version, tree));
        let found: Vec<Entry> = entries_of(&open(&sim).version());
        let is_old = found.iter().filter(|entry| entry.seq < 99).eq(&want);
        assert!(is_old, "opened again after write {nth}: {found:?} {DURABLE}");
    }
}

#[test]
fn after_an_edit_that_failed_nothing_more_is_written() {
    let sim = disk(1);
    let tree = open(&sim);
    flush_all(&tree, &HISTORY[..1]);
    // A flush syncs its table, the directory, and then the manifest.
    let syncs = |text: &str| {
        let before = sim.counts().syncs;
        flush_all(&tree, &[text]);
        sim.counts().syncs - before
    };
    let count = syncs("a@20=x");
    sim.fail(Operation::Sync, count, Fault::Io);
    let failed = tree.flush(&frozen(&entries("a@30=x"), 900));
    assert!(failed.is_err(), "the manifest's sync fails, and the flush says {failed:?} {DURABLE}");
    expect_get(&tree.version(), "a", 99, &value("x"), DURABLE);
    let after = tree.flush(&frozen(&entries("a@40=y"), 1000));
    assert!(
        matches!(after, Err(Error::Poisoned { .. })),
        "nobody knows what the manifest says: want Poisoned, got {after:?} {DURABLE}"
    );
}

#[test]
fn a_damaged_input_stops_a_compaction_and_is_named() {
    let sim = disk(1);
    let tree = open(&sim);
    flush_all(&tree, &HISTORY);
    let number = tree.version().level(0)[1].meta.number;
    let path = lsm::files::table_path(Path::new(DIR), number);
    let mut bytes = sim.contents(&path);
    bytes[2] ^= 0xff;
    sim.overwrite(&path, &bytes);
    let failed = tree.compact(&all_of(&tree, &[0], 1));
    let is_named = matches!(&failed, Err(Error::Corruption { file, .. }) if *file == path);
    assert!(is_named, "table {number} is damaged: got {failed:?} {DURABLE}");
    assert_eq!(shape(&tree.version()), [3], "tables of each level {DURABLE}");
    let names = table_names(&sim);
    assert_eq!(names.len(), 3, "files: {names:?} {LEAVES}");
}

#[test]
fn a_table_that_is_missing_is_named_and_nothing_is_removed() {
    let sim = disk(1);
    let tree = open(&sim);
    flush_all(&tree, &HISTORY);
    drop(tree);
    let names = table_names(&sim);
    sim.remove(&Path::new(DIR).join(&names[0])).expect("a good disk");
    // A table that no manifest names: whoever opens all first does not get to remove it.
    sim.overwrite(Path::new(DIR).join("000099.sst"), b"nobody's");
    let failed = try_open(&sim).map(|_| "a store");
    let is_named = matches!(
        &failed, Err(Error::Corruption { file, .. }) if *file == Path::new(DIR).join(&names[0])
    );
    assert!(is_named, "{} is missing: got {failed:?} {LEAVES}", names[0]);
    assert_eq!(table_names(&sim).len(), 3, "two tables and the stranger are still there {LEAVES}");
}

#[test]
fn flushes_go_on_while_a_compaction_runs() {
    // The compaction's inputs were chosen before; what is flushed meanwhile stays above its run.
    let tree = Arc::new(open(&disk(1)));
    flush_all(&tree, &["a@1=1 b@2=2", "a@3=3"]);
    let compaction = all_of(&tree, &[0], 1);
    flush_all(&tree, &["a@4=4 c@5=5"]);
    tree.compact(&compaction).expect("a good disk");
    assert_eq!(shape(&tree.version()), [1, 1], "tables of each level {DURABLE}");
    expect_get(&tree.version(), "a", 99, &value("4"), DURABLE);
    expect_get(&tree.version(), "a", 3, &value("3"), DURABLE);
}
