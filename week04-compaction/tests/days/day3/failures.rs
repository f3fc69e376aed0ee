//! Power cuts, faults, damage, and files that nobody needs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lsm::Tree;
use memtable::Flush;
use wal::fs::{Fault, Fs, Operation, SimFs};
use wal::testing::{Workload, crash_at_every_operation, for_each_seed, kill_at_every_operation};
use wal::{Error, Result};

use super::given::*;

/// Flushes three times, compacts, and flushes once more in the middle of that. Notes how many flushes
/// have returned.
fn live(sim: &SimFs, done: &mut usize) -> Result<()> {
    sim.create_dir(Path::new(DIR))?;
    sim.sync_dir(Path::new("/"))?;
    let (history, disk) = (history(4), Meanwhile::on(sim));
    let tree = Arc::new(open_on(Arc::new(disk.clone()))?);
    for index in 0..3 {
        flush_of(&tree, &history, index)?;
        *done = index + 1;
    }
    let last = Arc::new(AtomicUsize::new(0));
    // A table takes four operations, so this is between two tables.
    disk.before(5, {
        let (tree, last) = (Arc::clone(&tree), Arc::clone(&last));
        move || last.store(flush_of(&tree, &history, 3).is_ok().into(), Ordering::Relaxed)
    });
    let compacted = tree.compact(&all_of(&tree, &[0], 1));
    disk.forget();
    *done += last.load(Ordering::Relaxed);
    compacted
}

/// Opens what is left of such a life, looks at it, and goes on with it.
#[track_caller]
fn expect_alive(sim: &SimFs, done: usize) {
    let history = history(5);
    sim.create_dir(Path::new(DIR)).expect("a good disk");
    let tree = open(sim);
    let count = flushed(&tree);
    assert!(
        count == done || count == done + 1,
        "{done} flushes had returned, and the log goes on behind flush {count} {DURABLE}"
    );
    let when = format!("after {count} flushes, opened again");
    expect_keys(&tree, &in_order(history[..count].concat()), &[99], &when, DURABLE);
    expect_only_named_files(sim, &tree, &when);
    flush_of(&tree, &history, count).expect("a good disk");
    compact(&tree, &[0, 1], 1);
    let when = format!("after {} flushes and one more compaction", count + 1);
    expect_keys(&tree, &in_order(history[..=count].concat()), &[99], &when, DURABLE);
    expect_only_named_files(sim, &tree, &when);
}

#[test]
fn a_power_cut_at_any_operation_leaves_the_old_tables_or_the_new_ones() {
    crash_at_every_operation(live, |sim, done| expect_alive(sim, *done));
}

#[test]
fn a_process_killed_at_any_operation_leaves_the_old_tables_or_the_new_ones() {
    kill_at_every_operation(live, |sim, done| expect_alive(sim, *done));
}

#[test]
fn nothing_comes_back_from_the_dead_after_any_number_of_crashes() {
    for_each_seed(60, |sim| {
        sim.create_dir(Path::new(DIR)).expect("a good disk");
        sim.sync_dir(Path::new("/")).expect("a good disk");
        let (mut dice, history) = (Workload::new(sim.seed()), history(40));
        let mut done = 0;
        while done < 30 {
            let tree = open(sim);
            let count = flushed(&tree);
            assert!(count == done || count == done + 1, "{count} flushes, of {done} {DURABLE}");
            done = count;
            expect_keys(&tree, &in_order(history[..done].concat()), &[999], "opened", DURABLE);
            expect_only_named_files(sim, &tree, "opened");
            sim.crash_at(1 + dice.below(120) as u64);
            while done < 39 {
                let compaction = match dice.below(4) {
                    0 => Some(all_of(&tree, &[0, 1], 1)),
                    1 => Some(all_of(&tree, &[1, 2], 2)),
                    _ => None,
                };
                let worked = match compaction.filter(|compaction| !compaction.inputs.is_empty()) {
                    Some(compaction) => tree.compact(&compaction),
                    None => flush_of(&tree, &history, done).map(|()| done += 1),
                };
                if worked.is_err() {
                    break;
                }
            }
            sim.power_cycle();
        }
    });
}

/// Lets `work` fail at each call of each kind, every time on a store with two tables in level 0, and
/// looks at what is left.
fn fail_at_every_call(work: impl Fn(&Tree) -> Result<()>) {
    let history = history(4);
    let given = || {
        let sim = disk(1);
        let tree = open(&sim);
        (0..2).for_each(|index| flush_of(&tree, &history, index).expect("a good disk"));
        (sim, tree)
    };
    let calls_without_fault = || {
        let (sim, tree) = given();
        let before = sim.counts();
        work(&tree).expect("a good disk");
        let after = sim.counts();
        let tables = after.dir_syncs - before.dir_syncs;
        [
            (Operation::Create, tables),
            (Operation::Write, after.writes - before.writes),
            (Operation::Sync, after.syncs - before.syncs),
            (Operation::Rename, tables),
            (Operation::SyncDir, tables),
            (Operation::Read, after.reads - before.reads),
        ]
    };
    // Of another one: what was read is in the cache.
    let want = entries_of(&given().1.version());
    for (operation, count) in calls_without_fault() {
        for nth in 1..=count {
            let (sim, tree) = given();
            let names = table_names(&sim);
            sim.fail(operation, nth, Fault::Io);
            let failed = work(&tree);
            sim.clear_faults();
            let what = format!("{operation:?} number {nth} fails");
            let is_told = failed.as_ref().is_err_and(|error| error.io_kind().is_some());
            assert!(is_told, "{what}: want that error, got {failed:?} {DURABLE}");
            let (version, mark) = (tree.version(), flushed(&tree));
            assert!(entries_of(&version) == want, "{what}, and readers see a change {DURABLE}");
            assert_eq!(mark, 2, "{what}, and the log goes on elsewhere: behind which flush {LOG}");
            let counters = tree.counters();
            let counted = [&counters.flushes, &counters.compactions]
                .map(|counter| counter.load(Ordering::Relaxed));
            assert_eq!(counted, [2, 0], "{what}, and is counted as if it had gone well {DURABLE}");
            let left: Vec<String> =
                table_names(&sim).into_iter().filter(|name| !names.contains(name)).collect();
            // If it was the manifest's, the edit may be there, and the tables that it names must.
            match flush_of(&tree, &history, 3) {
                Err(Error::Poisoned { .. }) => assert!(
                    !left.is_empty(),
                    "{what}, of the edit: nobody knows whether it counts, and its tables are gone \
                     {DURABLE}"
                ),
                _ => assert!(left.is_empty(), "{what}, and {left:?} is left {LEAVES}"),
            }
            drop((version, tree));
            let tree = open(&sim);
            let list = in_order(history[..flushed(&tree)].concat());
            let when = format!("{what}, and the store is opened again");
            expect_keys(&tree, &list, &[16], &when, DURABLE);
        }
    }
}

#[test]
fn a_compaction_that_fails_leaves_the_store_as_it_was() {
    fail_at_every_call(|tree| tree.compact(&all_of(tree, &[0], 1)));
}

#[test]
fn a_flush_that_fails_leaves_the_store_as_it_was() {
    fail_at_every_call(|tree| flush_of(tree, &history(3), 2));
}

#[test]
fn after_an_edit_that_failed_nothing_more_is_written() {
    let sim = disk(1);
    let tree = open(&sim);
    flush_all(&tree, &["a@1=1 b@2=2"]);
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
    let names = table_names(&sim);
    let after = tree.flush(&frozen(&entries("a@40=y"), 1000));
    assert!(
        matches!(after, Err(Error::Poisoned { .. })),
        "nobody knows what the manifest says: want Poisoned, got {after:?} {DURABLE}"
    );
    assert_eq!(
        table_names(&sim),
        names,
        "tables behind a flush that was refused: its edit was not written, and cannot name its table \
         {LEAVES}"
    );
}

#[test]
fn a_damaged_input_stops_a_compaction_and_is_named() {
    // A block for each version of b: five that somebody saw when they were flushed, and nobody now.
    let versions: Vec<String> = (2..=6).rev().map(|seq| format!("b@{seq}={seq:0>120}")).collect();
    for (at, block) in [(0, "first"), (1, "second"), (3, "fourth"), (4, "last")] {
        let sim = disk(1);
        let tree = open(&sim);
        for seq in 2..=5 {
            tree.snapshots().add(|| Ok(seq)).expect("it is given");
        }
        flush_all(&tree, &["a@1=1", &versions.join(" "), "d@7=7"]);
        (2..=5).for_each(|seq| tree.snapshots().remove(seq));
        let number = tree.version().level(0)[1].meta.number;
        let path = lsm::files::table_path(Path::new(DIR), number);
        let mut bytes = sim.contents(&path);
        let value = format!("{:0>120}", 6 - at);
        let place = bytes.windows(120).position(|part| part == value.as_bytes());
        bytes[place.expect("values are not compressed")] ^= 0xff;
        sim.overwrite(&path, &bytes);
        let failed = tree.compact(&all_of(&tree, &[0], 1));
        let is_named = matches!(&failed, Err(Error::Corruption { file, .. }) if *file == path);
        assert!(
            is_named,
            "the {block} block of table {number} is damaged: got {failed:?} {DURABLE}"
        );
        assert_eq!(shape(&tree.version()), [3], "tables of each level {DURABLE}");
        let names = table_names(&sim);
        assert_eq!(names.len(), 3, "files: {names:?} {LEAVES}");
    }
}

#[test]
fn a_table_that_is_missing_is_named_and_nothing_is_removed() {
    let sim = disk(1);
    let tree = open(&sim);
    flush_all(&tree, &["a@1=1 b@2=2 c@3=3", "a@4- c@5=5", "d@6=6"]);
    drop(tree);
    let names = table_names(&sim);
    sim.remove(&Path::new(DIR).join(&names[0])).expect("a good disk");
    // A table that no manifest names: whoever opens all first does not get to remove it.
    sim.overwrite(Path::new(DIR).join("000099.sst"), b"nobody's");
    let all_names = |sim: &SimFs| sim.list(Path::new(DIR)).expect("a good disk");
    let before = all_names(&sim);
    let failed = try_open(&sim).map(|_| "a store");
    let is_named = matches!(
        &failed, Err(Error::Corruption { file, .. }) if *file == Path::new(DIR).join(&names[0])
    );
    assert!(is_named, "{} is missing: got {failed:?} {LEAVES}", names[0]);
    assert_eq!(all_names(&sim), before, "files, after a store was not opened {LEAVES}");
}

#[test]
fn a_table_in_the_place_of_another_is_named() {
    let sim = disk(1);
    let tree = open(&sim);
    flush_all(&tree, &["a@1=1 b@2=2", "a@3=3 b@4-"]);
    drop(tree);
    let [one, other] = [0, 1].map(|index| Path::new(DIR).join(&table_names(&sim)[index]));
    sim.overwrite(&one, &sim.contents(&other));
    let failed = try_open(&sim).map(|_| "a store");
    let is_named = matches!(&failed, Err(Error::Corruption { file, .. }) if *file == one);
    assert!(is_named, "{} has the bytes of {other:?}: got {failed:?} {LEAVES}", one.display());
}

#[test]
fn what_nobody_needs_goes_when_it_is_said_and_not_before() {
    let sim = disk(1);
    let tree = open(&sim);
    flush_all(&tree, &["a@1=1"]);
    drop(tree);
    for name in ["000077.sst", "000078.sst.tmp", "MANIFEST-000079", "notes.txt"] {
        sim.overwrite(Path::new(DIR).join(name), b"nobody's");
    }
    let names = |sim: &SimFs| sim.list(Path::new(DIR)).expect("a good disk");
    let before = names(&sim);
    let tree = try_open(&sim).expect("nothing that is named is missing");
    let gone: Vec<_> = before.iter().filter(|name| !names(&sim).contains(name)).collect();
    assert!(gone.is_empty(), "opening removes {gone:?} {LEAVES}");
    tree.remove_orphans().expect("a good disk");
    // The new manifest's number is above those of all files.
    assert_eq!(
        names(&sim),
        ["000002.sst", "CURRENT", "MANIFEST-000080", "notes.txt"],
        "files: a table, what is named, and what is not ours {LEAVES}"
    );
    expect_get(&tree.version(), "a", 9, &value("1"), LEAVES);
}
