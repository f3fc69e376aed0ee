//! What is looked at when a store is opened: its setting, its value files, and what nobody needs.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use lsm::values::{OpenValues, TAGGED, check_setting, orphans};
use lsm::{LsmOptions, State};
use wal::Error;

use super::given::*;

#[test]
fn only_a_new_store_gets_the_note_that_it_is_tagged() {
    // Whether there is a note and a store, whether tags are wanted; and whether there is a note then.
    for (was_tagged, is_there, is_wanted, want) in [
        (false, false, false, Some(false)),
        (false, false, true, Some(true)),
        (false, true, false, Some(false)),
        (false, true, true, None),
        (true, true, false, None),
        (true, true, true, Some(true)),
    ] {
        let (sim, mut state) = (disk(1), State::new());
        if is_there {
            sim.overwrite(Path::new(DIR).join("CURRENT"), b"MANIFEST-000001");
        }
        if was_tagged {
            state.notes.insert(TAGGED, [1].into());
        }
        let options = LsmOptions { value_min: is_wanted.then_some(VALUE_MIN), ..small() };
        let checked = check_setting(&sim, Path::new(DIR), &mut state, &options);
        let what = format!("tagged {was_tagged}, `CURRENT` {is_there}, tags wanted {is_wanted}");
        match (checked, want) {
            (Ok(()), Some(is_tagged)) => {
                let has_note = state.notes.contains_key(&TAGGED);
                assert_eq!(has_note, is_tagged, "{what}: is there a note under `TAGGED`? {TAGS}");
                let kept = State::new().apply(&state.as_edit()).expect("a good edit");
                let why = "the manifest takes a note without a byte for none";
                assert_eq!(kept, state, "{what}: what a manifest keeps of the state: {why} {TAGS}");
            }
            (Err(error), None) => {
                let kind = error.io_kind();
                assert_eq!(kind, Some(ErrorKind::InvalidInput), "{what}: {error} {TAGS}");
                let says = error.to_string();
                let is_named = says.contains(DIR) && says.contains("value_min");
                assert!(is_named, "{what}: name {DIR} and `value_min`, not: {says} {TAGS}");
                let has_note = state.notes.contains_key(&TAGGED);
                assert_eq!(has_note, was_tagged, "{what}: refused, and the state changed {TAGS}");
            }
            (checked, want) => panic!("{what}: got {checked:?}, want a note: {want:?} {TAGS}"),
        }
    }
}

#[test]
fn a_value_file_has_at_least_what_all_tables_together_point_at() {
    let state = state_of(&[(1, 11, &[(9, 300)]), (1, 12, &[(9, 200)]), (6, 13, &[])]);
    for size in [0, 199, 299, 300, 499, 500, 501] {
        let sim = disk(1);
        value_file(&sim, 9, size);
        let opened = OpenValues::open(&fs(&sim), Path::new(DIR), &state);
        let what = format!("of {size} bytes two tables have 300 and 200");
        match opened {
            Ok(_) => assert!(size >= 500, "{what}: that is damage {COUNTED}"),
            Err(Error::Corruption { file, .. }) if size < 500 => {
                assert_eq!(file, Path::new(DIR).join(name_of(9)), "{what}: which file? {COUNTED}");
            }
            Err(error) => panic!("{what}: {error} {COUNTED}"),
        }
    }
}

#[test]
fn value_files_that_no_table_points_into_are_orphans() {
    let sim = disk(1);
    let state = state_of(&[(0, 11, &[(3, 9), (5, 9)]), (4, 12, &[(5, 9)]), (6, 13, &[])]);
    let ours = ["000003.val", "000004.val", "000005.val", "000012.val", "000011.sst"];
    let theirs = ["7.val", "notes.val", "000009.value"];
    for name in ours.iter().chain(&theirs) {
        sim.overwrite(Path::new(DIR).join(name), b"x");
    }
    let mut found = orphans(&sim, Path::new(DIR), &state).expect("a good disk");
    found.sort();
    let want: Vec<PathBuf> =
        ["000004.val", "000012.val"].iter().map(|name| Path::new(DIR).join(name)).collect();
    assert_eq!(found, want, "tables point into 3 and 5, and three names are not ours {STAYS}");
}
