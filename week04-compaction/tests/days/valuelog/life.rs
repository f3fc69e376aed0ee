//! A store whose values live apart, from outside.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lsm::{Lsm, LsmOptions, Strategy};
use wal::fs::{Fs, SimFs};
use wal::testing::conformance;
use wal::{Direction, Engine, Entry, Error, KeyRange, Reader};

use super::given::*;

/// A store as the suite opens it; its values are small, so nearly all of them go apart.
fn open_engine(fs: Arc<dyn Fs>, dir: &Path) -> wal::Result<Box<dyn Engine>> {
    let options = LsmOptions { value_min: Some(3), memtable_size: 800, ..small() };
    Ok(Box::new(Lsm::open(fs, dir, options)?))
}

#[test]
fn large_values_leave_the_tables_and_small_ones_stay() {
    let sim = disk(1);
    let tree = tree(&sim);
    let (least, less) = ("x".repeat(VALUE_MIN), "x".repeat(VALUE_MIN - 1));
    flush(&tree, &format!("a@1={least} b@2={less} c@3= d@4-"));
    let version = tree.version();
    let stored_there: Vec<_> = stored_in(&version);
    let sizes: Vec<usize> = stored_there.iter().map(|(_, _, stored)| stored.len()).collect();
    let want = [17, VALUE_MIN, 1, 0];
    assert_eq!(
        sizes, want,
        "sizes in the table: a pointer, a value, an empty one, a delete {TAGS}"
    );
    let apart: Vec<_> = pointers_of(&version).into_iter().map(|found| found.key).collect();
    assert_eq!(apart, [b"a"], "keys whose values are apart {TAGS}");
    let want = format!("a={least} b={less} c=");
    expect_values(&version, &want, "flushed", TAGS);
    assert_eq!(look(&version, "d", 9), None, "d was deleted {TAGS}");
    flush(&tree, "e@5=x");
    assert_eq!(names(&sim, ".val").len(), 1, "a flush without large values makes no file {TAGS}");
}

#[test]
fn values_of_every_size_come_back_from_wherever_they_are() {
    for strategy in [Strategy::Leveled, Strategy::Tiered] {
        let sim = SimFs::new(1);
        let store = open(&sim, LsmOptions { strategy, ..small() });
        let sizes = [0, 1, VALUE_MIN - 1, VALUE_MIN, VALUE_MIN + 1, 500, 5_000];
        let want: Vec<Entry> = (0..70)
            .map(|key| (format!("k{key:02}").into(), vec![key as u8; sizes[key % 7]].into()))
            .collect();
        for (key, value) in &want {
            let key = std::str::from_utf8(key).expect("a text");
            write(&store, key, value);
            let came = store.get(key.as_bytes()).expect("a good disk");
            assert!(came.as_ref() == Some(value), "{key}, just written: {came:?} {TAGS}");
        }
        expect_all(&store, &want, &format!("{strategy:?}, written,"), TAGS);
        let snapshot = store.snapshot().expect("it is open");
        write(&store, "k03", large(9));
        expect_all(&*snapshot, &want, &format!("{strategy:?}, a snapshot,"), TAGS);
        drop(snapshot);
        write(&store, "k03", &want[3].1);
        settle(&store);
        expect_all(&store, &want, &format!("{strategy:?}, compacted,"), TAGS);
        store.close().expect("a good disk");
        drop(store);
        let store = open(&sim, LsmOptions { strategy, ..small() });
        expect_all(&store, &want, &format!("{strategy:?}, opened again,"), TAGS);
    }
}

#[test]
fn another_least_size_holds_for_what_is_written_from_then_on() {
    let sim = SimFs::new(1);
    let store = open(&sim, LsmOptions { value_min: Some(1_000), ..small() });
    overwrite(&store, 0..5);
    store.close().expect("a good disk");
    drop(store);
    assert_eq!(names(&sim, ".val"), [""; 0], "no value has 1000 bytes {TAGS}");
    let store = open(&sim, small());
    expect_all(&store, &after(4), "opened with a smaller least size,", TAGS);
    overwrite(&store, 5..20);
    expect_all(&store, &after(19), "some rounds later,", TAGS);
    assert!(stat(&store, "value_files") > 0, "values of 60 bytes go apart at 40 or more {TAGS}");
    store.close().expect("a good disk");
    drop(store);
    let store = open(&sim, LsmOptions { value_min: Some(1_000), ..small() });
    expect_all(&store, &after(19), "opened with a larger one again,", TAGS);
    drop(store);
    // What moves out of a file that is due is small now, and stays in the table.
    let sim = disk(1);
    let tree_of = tree(&sim);
    flush(&tree_of, "a@1=LARGE b@2=LARGE c@3=LARGE");
    flush(&tree_of, "a@4=x b@5=y");
    compact(&tree_of, &all_of(&tree_of, &[0], 6));
    drop(tree_of);
    let tree = tree_with(&sim, LsmOptions { value_min: Some(1_000), ..by_hand() });
    collect(&tree);
    expect_values(&tree.version(), "a=x b=y c=LARGE3", "collected with a larger one", MOVES);
    let left = pointers_of(&tree.version());
    assert!(left.is_empty(), "60 bytes are less than 1000, and are apart: {left:?} {MOVES}");
}

#[test]
fn a_store_is_opened_as_it_was_made_or_not_at_all() {
    for (made, other) in [(Some(VALUE_MIN), None), (None, Some(VALUE_MIN)), (Some(0), None)] {
        let with = |value_min| LsmOptions { value_min, ..small() };
        // With tables, and with nothing but a log.
        for rounds in [1, 30] {
            let sim = SimFs::new(1);
            let store = open(&sim, with(made));
            overwrite(&store, 0..rounds);
            store.close().expect("a good disk");
            drop(store);
            let (before, files) =
                (sim.trace().len(), sim.list(Path::new(DIR)).expect("it is there"));
            let refused = try_open(&sim, with(other));
            let what = format!("made with {made:?} and opened with {other:?}");
            let Err(error) = refused else { panic!("{what}: it must not open {TAGS}") };
            let kind = error.io_kind();
            assert_eq!(kind, Some(std::io::ErrorKind::InvalidInput), "{what}: {error} {TAGS}");
            let says = error.to_string();
            let is_named = says.contains(DIR) && says.contains("value_min");
            assert!(is_named, "{what}: name {DIR} and `value_min`, not: {says} {TAGS}");
            let mut did = sim.trace().split_off(before);
            let harmless = ["create directory", "lock", "sync directory"];
            did.retain(|line| !harmless.iter().any(|start| line.starts_with(start)));
            assert!(did.is_empty(), "{what}: the disk was told {did:#?} {TAGS}");
            assert_eq!(sim.list(Path::new(DIR)).expect("it is there"), files, "{what} {TAGS}");
            let store = open(&sim, with(made));
            expect_all(&store, &after(rounds - 1), &format!("{what}, then as it was made,"), TAGS);
        }
    }
}

#[test]
fn a_store_that_was_never_made_is_made_as_it_is_opened() {
    for operation in 1.. {
        let sim = SimFs::new(operation);
        sim.crash_at(operation);
        let opened = try_open(&sim, small());
        let is_through = opened.is_ok();
        sim.power_cycle();
        drop(opened);
        let was_made = sim.open(&Path::new(DIR).join("CURRENT")).is_ok();
        let plain = try_open(&sim, LsmOptions { value_min: None, ..small() });
        let what = format!("after a power cut at operation {operation}");
        assert_eq!(plain.is_err(), was_made, "{what}: made {was_made}, without: {plain:?} {TAGS}");
        if was_made {
            let store = open(&sim, small());
            overwrite(&store, 0..10);
            expect_all(&store, &after(9), &what, TAGS);
        }
        if is_through {
            return;
        }
    }
}

#[test]
fn files_of_others_stay_and_orphans_go() {
    let sim = SimFs::new(1);
    let store = open(&sim, small());
    overwrite(&store, 0..20);
    settle(&store);
    store.close().expect("a good disk");
    let needed = needed_by(&store.version());
    drop(store);
    let theirs = ["7.val", "notes.val", "-00001.val", "000009.value", "0000009.val"];
    theirs.iter().for_each(|name| sim.overwrite(Path::new(DIR).join(name), b"theirs"));
    sim.overwrite(Path::new(DIR).join("000999.val"), b"nobody needs it");
    let _store = open(&sim, quiet());
    for name in theirs {
        let is_there = sim.open(&Path::new(DIR).join(name)).is_ok();
        assert!(is_there, "{name} is not the store's, and is gone {STAYS}");
        sim.remove(&Path::new(DIR).join(name)).expect("it is there");
    }
    assert_eq!(names(&sim, ".val"), needed, "value files, without 999, which nobody needs {STAYS}");
    let all = names(&sim, "");
    let is_above = all.contains(&"MANIFEST-001000".to_owned());
    assert!(is_above, "number 999 was in a name, and is not given again: {all:?} {STAYS}");
}

#[test]
fn a_store_with_values_apart_is_an_engine_like_any_other() {
    conformance::random_operations_agree_with_a_model(&open_engine);
    conformance::every_byte_is_allowed_in_keys_and_values(&open_engine);
    conformance::all_nine_kinds_of_bounds_agree_with_a_model(&open_engine);
    conformance::a_failed_read_is_an_error_and_never_a_wrong_answer(&open_engine);
}

#[test]
fn readers_of_values_apart_see_one_instant() {
    conformance::a_scan_sees_one_instant(&open_engine);
    conformance::a_snapshot_does_not_see_later_batches_in_any_scan(&open_engine);
    conformance::readers_see_whole_batches_while_many_write(&open_engine);
}

#[test]
fn a_value_that_is_always_there_is_always_found() {
    for strategy in [Strategy::Leveled, Strategy::Tiered] {
        let options = LsmOptions { strategy, value_garbage_percent: 10, ..small() };
        let store = open(&SimFs::new(1), options);
        overwrite(&store, 0..1);
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            for reader in 0..3 {
                let (store, is_done) = (&store, &is_done);
                scope.spawn(move || {
                    let mut last = 0;
                    while !is_done.load(Ordering::Acquire) {
                        let came = match reader {
                            0 => store.get(b"key1"),
                            1 => store.snapshot().and_then(|snapshot| snapshot.get(b"key1")),
                            _ => store
                                .scan(KeyRange::all(), Direction::Backward)
                                .and_then(Iterator::collect::<Result<Vec<_>, Error>>)
                                .map(|all| all.into_iter().nth(8).map(|(_, value)| value)),
                        };
                        let came = came.unwrap_or_else(|error| {
                            panic!("reader {reader}, while values move: {error} {STAYS}")
                        });
                        let came = came.unwrap_or_else(|| panic!("key1 is not found {STAYS}"));
                        let round = String::from_utf8_lossy(&came).trim_end_matches('-').parse();
                        let round: u64 = round.expect("a number");
                        assert!(round >= last, "key1 had round {last}, and now {round} {STAYS}");
                        last = round;
                    }
                });
            }
            let _writer = crate::RaiseAtEnd(&is_done);
            overwrite(&store, 1..400);
        });
        settle(&store);
        expect_all(&store, &after(399), "after 400 rounds", MOVES);
    }
}

#[test]
fn what_is_deleted_takes_its_value_along() {
    let sim = disk(1);
    let tree = tree(&sim);
    flush(&tree, "a@1=LARGE b@2=LARGE c@3=x");
    flush(&tree, "a@4- b@5- d@6=y");
    compact(&tree, &all_of(&tree, &[0], 6));
    expect_values(&tree.version(), "c=x d=y", "merged", COUNTED);
    let left = pointers_of(&tree.version());
    assert!(left.is_empty(), "a and b are deleted, and pointers are left: {left:?} {COUNTED}");
    assert_eq!(names(&sim, ".val"), [""; 0], "value files without a pointer into them {STAYS}");
}
