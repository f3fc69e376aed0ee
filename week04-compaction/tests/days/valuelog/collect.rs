//! What becomes garbage, what moves, and when a file goes.

use lsm::{LsmOptions, Strategy};
use wal::fs::SimFs;
use wal::testing::{Workload, seeds};
use wal::{Direction, Engine, KeyRange, Reader};

use super::given::*;

/// A disk and a tree whose first value file has eight values, two of them live: all else was
/// overwritten, and merged into level 6.
fn with_garbage(options: LsmOptions, level: usize) -> (SimFs, lsm::Tree) {
    let sim = disk(1);
    let tree = tree_with(&sim, options);
    let all: Vec<String> = (1..=8).map(|seq| format!("k{seq}@{seq}=LARGE")).collect();
    flush(&tree, &all.join(" "));
    let all: Vec<String> = (1..=6).map(|seq| format!("k{seq}@{}=LARGE", seq + 10)).collect();
    flush(&tree, &all.join(" "));
    compact(&tree, &all_of(&tree, &[0], level));
    (sim, tree)
}

/// What the keys have then.
const LEFT: &str = "k1=LARGE11 k2=LARGE12 k3=LARGE13 k4=LARGE14 k5=LARGE15 k6=LARGE16 k7=LARGE7 \
                    k8=LARGE8";

/// Live values, garbage and size of each value file, in records of 69 bytes.
fn counts(tree: &lsm::Tree) -> Vec<(u64, u64, u64)> {
    let version = tree.version();
    let count =
        |live: &lsm::values::LiveFile| (live.live / 69, live.garbage() / 69, live.size() / 69);
    version.values().iter().map(count).collect()
}

#[test]
fn what_no_table_points_at_is_garbage() {
    let (sim, tree) = with_garbage(by_hand(), 6);
    assert_eq!(counts(&tree), [(2, 6, 8), (6, 0, 6)], "live, garbage, all, of two files {COUNTED}");
    expect_counted(&sim, &tree.version(), "two flushes, merged");
    expect_values(&tree.version(), LEFT, "merged", COUNTED);
    drop(tree);
    let tree = tree_with(&sim, by_hand());
    assert_eq!(counts(&tree), [(2, 6, 8), (6, 0, 6)], "and when it is opened again {COUNTED}");
}

#[test]
fn a_merge_moves_what_it_finds_in_a_file_that_is_due() {
    let (sim, tree) = with_garbage(by_hand(), 6);
    flush(&tree, "k1@20=x k8@21=y");
    let before = pointers_of(&tree.version());
    compact(&tree, &all_of(&tree, &[0, 6], 6));
    // k7 has moved. k8 was overwritten, k1 too: that leaves five of six in the other file.
    assert_eq!(counts(&tree), [(5, 1, 6), (1, 0, 1)], "live, garbage, all, of two files {MOVES}");
    let stayed = pointers_of(&tree.version()).into_iter().filter(|found| found.key != b"k7");
    for found in stayed {
        let same = before.iter().any(|it| it.key == found.key && it.pointer == found.pointer);
        assert!(same, "a pointer into a file that is not due stays what it is: {found:?} {MOVES}");
    }
    let want = LEFT.replace("k1=LARGE11", "k1=x").replace("k8=LARGE8", "k8=y");
    expect_values(&tree.version(), &want, "merged once more", MOVES);
    expect_only_needed(&sim, &tree.version(), "merged once more");
    expect_counted(&sim, &tree.version(), "merged once more");
}

#[test]
fn a_file_is_due_with_more_garbage_than_the_option_says() {
    // Six of eight are garbage: 75 percent.
    for (percent, is_due) in [(0, true), (50, true), (74, true), (75, false), (100, false)] {
        let options = LsmOptions { value_garbage_percent: percent, ..by_hand() };
        let (_, tree) = with_garbage(options, 6);
        let picked = tree.pick();
        assert_eq!(picked.is_some(), is_due, "75 of 100, more than {percent}? {picked:?} {MOVES}");
    }
    let options = LsmOptions { value_garbage_percent: u64::MAX, ..by_hand() };
    assert_eq!(with_garbage(options, 6).1.pick(), None, "nothing is more than that {MOVES}");
}

#[test]
fn a_table_that_nobody_merges_is_written_anew_in_its_place() {
    for level in [1, 4, 6] {
        let (sim, tree) = with_garbage(by_hand(), level);
        let version = tree.version();
        let picked = lsm::values::pick(&version, 50);
        let picked = picked.unwrap_or_else(|| panic!("a file is due, in level {level} {MOVES}"));
        let [table] = version.level(level) else { panic!("one table") };
        let inputs: Vec<_> = picked.inputs.iter().map(|(at, table)| (*at, table.number)).collect();
        assert_eq!(inputs, [(level, table.meta.number)], "the table that points there {MOVES}");
        assert_eq!(picked.output_level, level, "and where it goes {MOVES}");
        drop(version);
        compact(&tree, &picked);
        assert_eq!(lsm::values::pick(&tree.version(), 50), None, "that was all {MOVES}");
        assert_eq!(counts(&tree), [(6, 0, 6), (2, 0, 2)], "live, garbage, all {MOVES}");
        assert_eq!(shape(&tree.version())[level], 1, "tables of level {level} {MOVES}");
        expect_values(&tree.version(), LEFT, "collected", MOVES);
        expect_only_needed(&sim, &tree.version(), "collected");
        expect_counted(&sim, &tree.version(), "collected");
    }
}

#[test]
fn a_table_of_level_0_stays_where_it_is_among_the_others() {
    let options = LsmOptions { strategy: Strategy::Tiered, ..by_hand() };
    let (sim, tree) = with_garbage(options, 0);
    flush(&tree, "k7@30=newer k9@31=LARGE");
    flush(&tree, "k9@32=newest");
    assert_eq!(collect(&tree), 1, "compactions until nothing is due {MOVES}");
    assert_eq!(shape(&tree.version()), [3], "tables of level 0 {MOVES}");
    let want = LEFT.replace("k7=LARGE7", "k7=newer") + " k9=newest";
    expect_values(&tree.version(), &want, "collected below two newer tables", MOVES);
    assert_eq!(look(&tree.version(), "k7", 29), Some(large(7)), "k7 before 30 {MOVES}");
    assert_eq!(look(&tree.version(), "k9", 31), Some(large(31)), "k9 before 32 {MOVES}");
    expect_only_needed(&sim, &tree.version(), "collected");
}

#[test]
fn a_collection_keeps_what_a_snapshot_sees() {
    let sim = disk(1);
    let tree = tree(&sim);
    flush(&tree, "a@1=LARGE b@2=LARGE c@3=LARGE d@4=LARGE");
    flush(&tree, "a@5=LARGE b@6=LARGE");
    let snapshot = tree.snapshots().add(|| Ok(6)).expect("it is given");
    flush(&tree, "a@7=LARGE b@8- c@9=LARGE d@10=x");
    compact(&tree, &all_of(&tree, &[0], 6));
    assert_eq!(counts(&tree)[0], (2, 2, 4), "c@3 and d@4 are seen by the snapshot {COUNTED}");
    collect(&tree);
    // One value more is hidden from everybody, and the file is due.
    flush(&tree, "d@11=y");
    let second = tree.snapshots().add(|| Ok(11)).expect("it is given");
    tree.snapshots().remove(snapshot);
    let third = tree.snapshots().add(|| Ok(4)).expect("it is given");
    compact(&tree, &all_of(&tree, &[0, 6], 6));
    collect(&tree);
    for (key, want) in [("a", Some(large(7))), ("b", None), ("c", Some(large(9)))] {
        assert_eq!(look(&tree.version(), key, 11), want, "{key} at 11 {STAYS}");
    }
    assert_eq!(look(&tree.version(), "c", 6), Some(large(3)), "c at 6, which 4 sees, too {STAYS}");
    assert_eq!(look(&tree.version(), "d", 4), Some(large(4)), "d at 4 {STAYS}");
    [second, third].into_iter().for_each(|seq| tree.snapshots().remove(seq));
    flush(&tree, "a@12=x");
    compact(&tree, &all_of(&tree, &[0, 6], 6));
    collect(&tree);
    // Half of that file is garbage, and half is not more than half.
    assert_eq!(counts(&tree), [(1, 1, 2)], "without snapshots c@9 alone is left {MOVES}");
    expect_only_needed(&sim, &tree.version(), "without snapshots");
}

#[test]
fn a_file_stays_as_long_as_somebody_reads_a_table_that_points_there() {
    let (sim, tree) = with_garbage(by_hand(), 6);
    let reader = tree.version();
    let files = needed_by(&reader);
    collect(&tree);
    let there = names(&sim, ".val");
    assert!(files.iter().all(|file| there.contains(file)), "{files:?} are read: {there:?} {STAYS}");
    expect_values(&reader, LEFT, "the version from before", STAYS);
    drop(reader);
    expect_only_needed(&sim, &tree.version(), "nobody reads it any more");
    let files = needed_by(&tree.version());
    drop(tree);
    assert_eq!(names(&sim, ".val"), files, "a store that is closed keeps its files {STAYS}");
}

#[test]
fn a_scan_that_was_begun_keeps_its_values() {
    let sim = SimFs::new(1);
    let store = open(&sim, LsmOptions { value_garbage_percent: 0, ..small() });
    overwrite(&store, 0..30);
    settle(&store);
    let mut begun = store.scan(KeyRange::all(), Direction::Forward).expect("a good disk");
    let first = begun.next().expect("there are ten").expect("a good disk");
    overwrite(&store, 30..90);
    settle(&store);
    let rest: Result<Vec<_>, wal::Error> = begun.collect();
    let rest = rest.unwrap_or_else(|error| {
        panic!(
            "a scan that began before values moved must not notice it, and fails: {error} {STAYS}"
        )
    });
    let found: Vec<_> = [first].into_iter().chain(rest).collect();
    assert!(found == after(29), "begun after round 29, the scan gives {found:?} {STAYS}");
    store.close().expect("a good disk");
    expect_only_needed(&sim, &store.version(), "without readers");
}

#[test]
fn a_table_that_moves_down_keeps_its_values() {
    let sim = disk(1);
    let tree = tree(&sim);
    flush(&tree, "a@1=LARGE b@2=LARGE");
    compact(&tree, &all_of(&tree, &[0], 3));
    let moved = all_of(&tree, &[3], 6);
    assert!(moved.is_move(), "one table that comes alone {COUNTED}");
    compact(&tree, &moved);
    expect_counted(&sim, &tree.version(), "moved from level 3 to 6");
    drop(tree);
    let tree = tree_with(&sim, by_hand());
    expect_values(&tree.version(), "a=LARGE1 b=LARGE2", "moved, and opened again", COUNTED);
    expect_only_needed(&sim, &tree.version(), "moved, and opened again");
}

#[test]
fn tables_and_manifest_agree_whatever_was_done() {
    for seed in seeds(40) {
        let (sim, mut dice) = (disk(seed), Workload::new(seed));
        let mut tree = tree_with(&sim, LsmOptions { table_size: 150, ..by_hand() });
        let (mut seq, mut latest) = (0, std::collections::BTreeMap::new());
        for step in 0..30 {
            match dice.below(4) {
                0 if step > 0 => compact_some(&tree, &mut dice),
                1 if dice.below(3) == 0 => {
                    drop(tree);
                    tree = tree_with(&sim, LsmOptions { table_size: 150, ..by_hand() });
                }
                _ => {
                    let mut entries = Vec::new();
                    for _ in 0..1 + dice.below(6) {
                        seq += 1;
                        let key = format!("k{}", dice.below(8));
                        let value = ["LARGE", "x", ""][dice.below(3)];
                        entries.push(format!("{key}@{seq}={value}"));
                        let value = if value == "LARGE" { large(seq) } else { value.to_owned() };
                        latest.insert(key, value);
                    }
                    flush(&tree, &entries.join(" "));
                }
            }
            let when = format!("seed {seed}, step {step}");
            expect_counted(&sim, &tree.version(), &when);
            expect_only_needed(&sim, &tree.version(), &when);
            for (key, value) in &latest {
                let came = look(&tree.version(), key, seq);
                assert_eq!(came.as_ref(), Some(value), "{when}: {key} {MOVES}");
            }
        }
    }
}

/// All of level 0 to level 6, or what is due.
fn compact_some(tree: &lsm::Tree, dice: &mut Workload) {
    if dice.below(2) == 0 {
        let both = all_of(tree, &[0, 6], 6);
        if !both.inputs.is_empty() {
            compact(tree, &both);
        }
    }
    collect(tree);
}

#[test]
fn collecting_ends_and_keeps_the_room_that_it_should() {
    for (strategy, percent) in [
        (Strategy::Leveled, 50),
        (Strategy::Leveled, 0),
        (Strategy::Tiered, 50),
        (Strategy::Tiered, 10),
    ] {
        let sim = SimFs::new(1);
        let options = LsmOptions { strategy, value_garbage_percent: percent, ..small() };
        let store = open(&sim, options);
        overwrite(&store, 0..150);
        settle(&store);
        let what = format!("{strategy:?}, at most {percent} percent");
        let version = store.version();
        for live in version.values().iter() {
            assert!(!live.is_due(percent), "{what}: settled, and {live:?} is due {MOVES}");
        }
        let (bytes, garbage) = (stat(&store, "value_bytes"), stat(&store, "value_garbage"));
        let live: u64 = version.values().iter().map(|live| live.live).sum();
        assert_eq!(bytes, live + garbage, "{what}: bytes are live or garbage {COUNTED}");
        assert!(100 * garbage <= percent * bytes, "{what}: {garbage} of {bytes} bytes {MOVES}");
        let files = stat(&store, "value_files");
        assert_eq!(files, version.values().iter().count() as u64, "{what}: files {COUNTED}");
        expect_all(&store, &after(149), &what, MOVES);
        store.close().expect("a good disk");
        expect_only_needed(&sim, &store.version(), &what);
    }
}
