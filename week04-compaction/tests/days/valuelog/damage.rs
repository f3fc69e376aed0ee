//! Value files that are damaged, missing, or others': an error that names them, and nothing lost.

use std::path::{Path, PathBuf};

use lsm::{Lsm, LsmOptions};
use wal::fs::{Fs, SimFs};
use wal::testing::{batch, delete};
use wal::{Direction, Durability, Engine, Error, KeyRange, Reader};

use super::given::*;

/// A disk with a store of several value files, closed. What was written last is not compacted, and
/// nothing of it is in the log: there, deletes of keys that are none have taken its place.
fn closed_store() -> SimFs {
    let sim = SimFs::new(1);
    let store = open(&sim, small());
    overwrite(&store, 0..9);
    settle(&store);
    store.close().expect("a good disk");
    drop(store);
    let store = open(&sim, LsmOptions { level0_tables: 100, level0_stop: 1_000, ..small() });
    overwrite(&store, 9..13);
    for none in 0..200 {
        let deleted = store.write(batch(&[delete(format!("z{none}"))]), Durability::Buffered);
        deleted.expect("a good disk");
    }
    store.close().expect("a good disk");
    drop(store);
    assert!(names(&sim, ".val").len() > 1, "{:?}", names(&sim, ".val"));
    sim
}

fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

#[track_caller]
fn expect_named(error: &Error, name: &str, what: &str) {
    let is_named = matches!(error, Error::Corruption { file, .. } if *file == path(name));
    assert!(is_named, "{what}: the error does not name it: {error} {WHOLE}");
}

/// Opens a store of which `name` is damaged: either that fails, and nothing is removed, or what is read
/// of it is as [`expect_right_or_named`] says. Says whether anything was wrong.
#[track_caller]
fn expect_nothing_wrong(sim: &SimFs, name: &str, what: &str) -> bool {
    let before = names(sim, "");
    match try_open(sim, quiet()) {
        Ok(store) => expect_right_or_named(&store, name, what),
        Err(error) => {
            expect_named(&error, name, what);
            let after = names(sim, "");
            assert_eq!(after, before, "{what}: opening fails, and files were removed {STAYS}");
            true
        }
    }
}

/// That each value of a store of which `name` is damaged is right, or an error that names the file.
/// Says whether anything was wrong.
#[track_caller]
fn expect_right_or_named(store: &Lsm, name: &str, what: &str) -> bool {
    let mut is_wrong = false;
    for (key, value) in after(12) {
        match store.get(&key) {
            Ok(found) => assert!(
                found.as_ref() == Some(&value),
                "{what}: get({key:?}) gives {found:?} {WHOLE}"
            ),
            Err(error) => {
                is_wrong = true;
                expect_named(&error, name, what);
            }
        }
    }
    let scanned: Result<Vec<_>, Error> =
        store.scan(KeyRange::all(), Direction::Forward).and_then(Iterator::collect);
    match scanned {
        Ok(found) => assert!(found == after(12), "{what}: a scan gives {found:?} {WHOLE}"),
        Err(error) => expect_named(&error, name, what),
    }
    is_wrong
}

#[test]
fn a_bit_that_is_flipped_in_a_value_file_is_named_or_does_no_harm() {
    let sim = closed_store();
    let mut wrong = 0;
    let mut flipped = |name: &str, at: u64, expect: &dyn Fn(&str) -> bool| {
        sim.flip_bit(path(name), at, (at % 8) as u32);
        wrong += u64::from(expect(&format!("byte {at} of {name} flipped")));
        sim.flip_bit(path(name), at, (at % 8) as u32);
    };
    let all = names(&sim, ".val");
    // The header is read when a store is opened, and nothing else is; a record each time it is asked
    // for.
    for name in &all {
        for at in 0..16 {
            flipped(name, at, &|what| expect_nothing_wrong(&sim, name, what));
        }
    }
    let store = open(&sim, quiet());
    for name in &all {
        // Three and eight have no factor in common: each bit of a byte has its turn.
        for at in (16..sim.contents(path(name)).len() as u64).step_by(3) {
            flipped(name, at, &|what| expect_right_or_named(&store, name, what));
        }
    }
    // Seven of the ten keys have their values there, in records of 69 bytes.
    assert!(wrong >= 7 * 69 / 3, "only {wrong} flipped bits were found {WHOLE}");
}

#[test]
fn a_value_file_that_is_cut_short_is_named() {
    let sim = closed_store();
    for name in names(&sim, ".val") {
        let bytes = sim.contents(path(&name));
        for size in [0, 1, 15, 16, 17, bytes.len() / 2] {
            sim.overwrite(path(&name), &bytes[..size]);
            expect_nothing_wrong(&sim, &name, &format!("{name} cut to {size} bytes"));
            if size <= 17 {
                let error =
                    try_open(&sim, quiet()).expect_err("it must not open: no record is left");
                expect_named(&error, &name, &format!("{name} cut to {size} bytes"));
            }
        }
        sim.overwrite(path(&name), &bytes);
    }
    assert!(try_open(&sim, quiet()).is_ok(), "with all of their bytes {WHOLE}");
}

#[test]
fn a_value_file_that_is_missing_or_another_one_is_named_and_nothing_is_removed() {
    let sim = closed_store();
    let all = names(&sim, ".val");
    let expect_refused = |name: &str, what: &str| {
        let before = names(&sim, "");
        let Err(error) = try_open(&sim, small()) else {
            panic!("{name} is {what}: it must not open {WHOLE}")
        };
        expect_named(&error, name, &format!("{name} is {what}"));
        assert_eq!(names(&sim, ""), before, "{name} is {what}: files of the store {STAYS}");
    };
    for name in &all {
        let (bytes, other) = (sim.contents(path(name)), &all[usize::from(*name == all[0])]);
        sim.remove(&path(name)).expect("it is there");
        expect_refused(name, "missing");
        sim.overwrite(path(name), &sim.contents(path(other)));
        expect_refused(name, "another one");
        sim.overwrite(path(name), &bytes);
    }
}

#[test]
fn a_damaged_value_stops_a_collection_and_is_named() {
    let sim = disk(1);
    let tree = tree(&sim);
    flush(&tree, "a@1=LARGE b@2=LARGE c@3=LARGE");
    let found = pointers_of(&tree.version()).remove(0);
    let name = name_of(found.pointer.file);
    sim.flip_bit(path(&name), found.pointer.offset + 20, 3);
    flush(&tree, "b@4=LARGE c@5=y");
    // The pointer stays what it is, and nobody looks where it leads.
    compact(&tree, &all_of(&tree, &[0], 6));
    let (before, tables) = (names(&sim, ".val"), names(&sim, ".sst"));
    let due = tree.pick().unwrap_or_else(|| panic!("two of three records are garbage {MOVES}"));
    let stopped = tree.compact(&due);
    let error = stopped.expect_err("the value that is to move is damaged");
    expect_named(&error, &name, "a value that is to move is damaged");
    assert_eq!(names(&sim, ".val"), before, "value files, with nothing left behind {STAYS}");
    assert_eq!(names(&sim, ".sst"), tables, "tables, with nothing left behind {STAYS}");
    let error = tree.version().get(b"a", 9).expect_err("it is damaged");
    expect_named(&error, &name, "the value of a is damaged");
    expect_values(&tree.version(), "b=LARGE4 c=y", "all others", STAYS);
}
