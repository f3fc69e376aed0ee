//! Flushes and compactions of tables on a disk.

use std::path::Path;
use std::sync::Arc;

use lsm::{LiveTable, LsmOptions, Tree};
use memtable::{Flush, LogMark, Lookup};
use sstable::TableOptions;
use wal::testing::{Workload, seeds};

use super::given::*;

// Flushes.

#[test]
fn a_flush_makes_one_table_of_level_0() {
    let (sim, all) = (disk(1), entries("a@3=x b@2- c@1=y"));
    let tree = open(&sim);
    tree.flush(&frozen(&all, 100)).expect("a good disk");
    let version = tree.version();
    assert_eq!(shape(&version), [1], "tables of each level {DURABLE}");
    let found = entries_of(&version);
    assert!(found == all, "want {all:?}, got {found:?} {SEEN} {HIDES}");
    assert_eq!(tree.flushed(), LogMark { lsn: 100, seq: 3 }, "where the log goes on {LOG}");
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
    assert_eq!(shape(&tree.version()), [3], "tables of each level, opened again {DURABLE}");
    assert_eq!(tree.flushed(), mark, "where the log goes on, opened again {LOG}");
    let loaded = tree.cache().stats().misses;
    assert!(
        loaded > 0,
        "three tables were opened again and read, and the tree's cache has loaded {loaded} blocks: give \
         it to each table, as `write` does (step 4 of the chapter)"
    );
}

#[test]
fn a_flush_of_nothing_makes_no_table_and_the_log_goes_on() {
    let sim = disk(1);
    let tree = open(&sim);
    tree.flush(&frozen(&[], 100)).expect("a good disk");
    assert_eq!(shape(&tree.version()), Vec::<usize>::new(), "tables of each level {CUT}");
    assert_eq!(tree.flushed(), LogMark { lsn: 100, seq: 0 }, "where the log goes on {LOG}");
    assert!(table_names(&sim).is_empty(), "left: {:?} {CUT}", table_names(&sim));
    let counted = tree.counters().flushes.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(counted, 1, "flushes that went well, of nothing too: see `Counters` in tree.rs");
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
fn a_version_says_from_which_number_on_it_can_answer() {
    let tree = open(&disk(1));
    assert_eq!(tree.version().floor(), 0, "the floor of a store that is new {FLOOR}");
    let before = tree.version();
    flush_all(&tree, &["a@9=9 a@6=6"]);
    assert_eq!(tree.version().floor(), 9, "a@6 is gone: who reads below 9 could miss it {FLOOR}");
    flush_all(&tree, &["a@12=x a@11=y"]);
    let older = all_of(&tree, &[0], 1);
    flush_all(&tree, &["b@15=x"]);
    assert_eq!(tree.version().floor(), 15, "the largest number of what was flushed {FLOOR}");
    run(&tree, &older);
    assert_eq!(tree.version().floor(), 15, "behind a merge up to 12 {FLOOR}");
    assert_eq!(before.floor(), 0, "a version that somebody has does not change {FLOOR}");
}

#[test]
fn a_compaction_that_drops_versions_raises_the_floor() {
    // Flushed with a snapshot at 1 alive, a@1 stays. After the store was opened again, nobody has it.
    let sim = disk(1);
    let tree = open(&sim);
    tree.snapshots().add(|| Ok(1)).expect("it is given");
    flush_all(&tree, &["a@2=2 a@1=1", "b@3=3"]);
    drop(tree);
    let tree = open(&sim);
    assert_eq!(tree.version().floor(), 0, "opened again, with a@1 still there {FLOOR}");
    // Somebody sees b@3 from here, and is no measure for those who come.
    tree.snapshots().add(|| Ok(2)).expect("it is given");
    compact(&tree, &[0], 1);
    let version = tree.version();
    assert!(entries_of(&version) == entries("a@2=2 b@3=3"), "{:?} {SEEN}", entries_of(&version));
    assert_eq!(version.floor(), 3, "the largest number of the inputs {FLOOR}");
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
fn snapshots_keep_theirs_until_they_are_gone() {
    let tree = open(&disk(1));
    for seq in [2, 4] {
        tree.snapshots().add(|| Ok(seq)).expect("it is given");
    }
    flush_all(&tree, &["a@1=1 a@2=2 b@2=2", "a@3- a@4=4 b@4-", "a@5- a@6=6"]);
    for (gone, want) in [
        (None, "a@6=6 a@4=4 a@2=2 b@4- b@2=2"),
        (Some(4), "a@6=6 a@2=2 b@4- b@2=2"),
        (Some(2), "a@6=6"),
    ] {
        if let Some(seq) = gone {
            tree.snapshots().remove(seq);
        }
        // Two tables, so that there is something to merge.
        flush_all(&tree, &[&format!("z{}@{}=z", gone.unwrap_or(9), tree.flushed().seq + 1)]);
        compact(&tree, &[0, 1], 1);
        let mut found = entries_of(&tree.version());
        found.retain(|entry| entry.user_key[0] != b'z');
        let want = entries(want);
        assert!(found == want, "without {gone:?}: want {want:?}, got {found:?} {SEEN} {HIDES}");
    }
}

#[test]
fn what_is_no_input_stays_what_it_is() {
    let tree = open(&disk(1));
    flush_all(&tree, &["a@1=1 b@2=2", "m@3=3 n@4=4"]);
    compact(&tree, &[0], 2);
    flush_all(&tree, &["a@5=5", "c@6=6", "a@7=7 b@8-", "d@9=9"]);
    let before = tree.version();
    // Two in the middle of level 0.
    run(&tree, &part_of_level_0(&tree, 1..3));
    let version = tree.version();
    assert_eq!(shape(&version), [3, 0, 1], "tables of each level {DURABLE}");
    for (level, was, is) in [(0, 0, 0), (0, 3, 2), (2, 0, 0)] {
        let was = before.level(level)[was].meta.number;
        let is = version.level(level)[is].meta.number;
        assert_eq!(is, was, "a table of level {level} that is no input {MEANWHILE}");
    }
    let found = entries_of(&version);
    let want = entries("a@7=7 a@5=5 a@1=1 b@8- b@2=2 c@6=6 d@9=9 m@3=3 n@4=4");
    assert!(found == want, "want {want:?}, got {found:?} {MEANWHILE}");
}

#[test]
fn some_tables_of_a_level_go_down_and_their_neighbours_stay() {
    let tree = open(&disk(1));
    let text: Vec<String> = (0..60).map(|n| format!("key{n:03}@{}={:0>60}", n + 1, n)).collect();
    flush_all(&tree, &[&text[..30].join(" "), &text[30..].join(" ")]);
    compact(&tree, &[0], 1);
    let before = tree.version();
    let numbers = |tables: &[Arc<LiveTable>]| -> Vec<u64> {
        tables.iter().map(|table| table.meta.number).collect()
    };
    let mut compaction = all_of(&tree, &[1], 2);
    compaction.inputs = compaction.inputs[2..4].to_vec();
    run(&tree, &compaction);
    let version = tree.version();
    let mut neighbours = numbers(before.level(1));
    neighbours.drain(2..4);
    assert_eq!(numbers(version.level(1)), neighbours, "tables of level 1 {MEANWHILE}");
    let count = version.level(2).len();
    assert_eq!(count, 2, "tables of level 2, of two of level 1 {MEANWHILE}");
    let found = entries_of(&version);
    assert!(found == entries_of(&before), "no version is new or gone: got {found:?} {MEANWHILE}");
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
fn a_tombstone_above_an_older_table_of_level_0_stays() {
    let tree = open(&disk(1));
    flush_all(&tree, &["a@1=1 b@2=2", "a@3- c@4=4", "c@5-"]);
    run(&tree, &part_of_level_0(&tree, 0..2));
    let found = entries_of(&tree.version());
    let want = entries("a@3- a@1=1 b@2=2");
    assert!(
        found == want,
        "nothing older has c, and a@1 is older: want {want:?}, got {found:?} {HIDES}"
    );
}

#[test]
fn nothing_comes_back_from_the_dead() {
    for seed in seeds(60) {
        let mut dice = Workload::new(seed);
        let tree = open(&disk(seed));
        let mut all = Vec::new();
        let mut next = 1;
        let mut snapshots = Vec::new();
        for round in 0..16 {
            let batch = operations(&mut dice, 8, next);
            next += 8;
            all.extend(batch.iter().cloned());
            tree.flush(&frozen(&batch, next * 10)).expect("a good disk");
            match dice.below(4) {
                0 => snapshots.push(tree.snapshots().add(|| Ok(next - 1)).expect("it is given")),
                1 if !snapshots.is_empty() => {
                    tree.snapshots().remove(snapshots.swap_remove(dice.below(snapshots.len())));
                }
                _ => {}
            }
            let count = tree.version().level(0).len();
            match dice.below(6) {
                0 => compact(&tree, &[0, 1], 1),
                1 => compact(&tree, &[1, 2], 2),
                2 => compact(&tree, &[0, 1, 2, 3], 3),
                3 if count > 1 => {
                    let first = dice.below(count - 1);
                    let end = first + 2 + dice.below(count - first - 1);
                    let compaction = part_of_level_0(&tree, first..end);
                    run(&tree, &compaction);
                }
                _ => {}
            }
            let list = in_order(all.clone());
            let seen: Vec<u64> = snapshots.iter().copied().chain([next - 1]).collect();
            let when = format!("seed {seed}, round {round}, with snapshots {snapshots:?}");
            expect_keys(&tree, &list, &seen, &when, &format!("{SEEN} {HIDES}"));
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
    assert_eq!(shape(&tree.version()), [2], "a memtable becomes one table {CUT}");
    compact(&tree, &[0], 0);
    assert_eq!(shape(&tree.version()), [1], "a run of level 0 is one table {CUT}");
    flush_all(&tree, &["key030@99=last"]);
    compact(&tree, &[0], 4);
    let count = tree.version().level(4).len();
    assert!(count > 5, "some 6 000 bytes in tables of 500: {count} tables {CUT}");
    assert_eq!(entries_of(&tree.version()).len(), 60, "entries {CUT}");
}

#[test]
fn flushes_and_compactions_are_counted_with_their_bytes() {
    let tree = open(&disk(1));
    flush_all(&tree, &["a@1=1 b@2=2", "a@3- c@4=4"]);
    let size = |level: usize| -> u64 {
        tree.version().level(level).iter().map(|table| table.meta.size).sum()
    };
    let flushed = size(0);
    compact(&tree, &[0], 1);
    let written = size(1);
    flush_all(&tree, &["b@5-"]);
    let counters = tree.counters();
    let counted = [
        &counters.flushes,
        &counters.flushed_bytes,
        &counters.compactions,
        &counters.compaction_read,
        &counters.compaction_written,
    ]
    .map(|counter| counter.load(std::sync::atomic::Ordering::Relaxed));
    assert_eq!(
        counted,
        [3, flushed + size(0), 1, flushed, written],
        "flushes and their bytes, compactions, bytes they read and wrote: see `Counters` in tree.rs"
    );
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

#[test]
fn the_tables_of_the_chapter_are_as_it_says() {
    let sim = disk(1);
    let options = LsmOptions { table: TableOptions::plain(), ..LsmOptions::default() };
    let tree = Tree::open(Arc::new(sim.clone()), Path::new(DIR), options);
    let tree = tree.unwrap_or_else(|error| panic!("the tables must open: {error} {DURABLE}"));
    let found = |level: usize| -> Vec<(u64, Vec<Entry>)> {
        let version = tree.version();
        let tables = version.level(level).iter();
        tables.map(|table| (table.meta.size, all_at(table.table.cursor()))).collect()
    };
    let table = |size, text: &str| (size, entries(text));
    flush_all(&tree, &["lamp@1=brass quartz@2=rose stove@3=iron"]);
    tree.snapshots().add(|| Ok(3)).expect("it is given");
    flush_all(&tree, &["lamp@4- quartz@5=milky quartz@6=smoky"]);
    let first = table(285, "lamp@1=brass quartz@2=rose stove@3=iron");
    let second = table(263, "lamp@4- quartz@6=smoky");
    assert_eq!(found(0), [second, first], "two flushes, with a snapshot at 3 {SEEN}");
    compact(&tree, &[0], 6);
    let merged = "lamp@4- lamp@1=brass quartz@6=smoky quartz@2=rose stove@3=iron";
    assert_eq!(found(6), [table(312, merged)], "their run, with a snapshot at 3 {SEEN} {HIDES}");
    tree.snapshots().remove(3);
    flush_all(&tree, &["stove@7-"]);
    assert_eq!(found(0), [table(241, "stove@7-")], "a flush of one tombstone {HIDES}");
    let compaction = all_of(&tree, &[0, 6], 6);
    let before = sim.trace().len();
    run(&tree, &compaction);
    assert_eq!(found(6), [table(250, "quartz@6=smoky")], "the run without a snapshot {HIDES}");
    let mut told: Vec<String> = sim.trace()[before..].to_vec();
    told.retain(|line| !line.starts_with("write 000006"));
    let (done, mut gone) = (told[..6].to_vec(), told[6..].to_vec());
    // Which of the inputs goes first does not matter.
    gone.sort();
    let want = [
        "create 000006.sst.tmp",
        "sync 000006.sst.tmp",
        "rename 000006.sst.tmp to 000006.sst",
        "sync directory db",
        "write MANIFEST-000001 483..598",
        "sync MANIFEST-000001",
    ];
    assert_eq!(done, want, "what the disk is told, but for the table's bytes {DURABLE}");
    assert_eq!(gone, ["remove 000004.sst", "remove 000005.sst"], "and then {LEAVES}");
}
