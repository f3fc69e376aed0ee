//! References: where a table points, and what the manifest has of it.

use std::sync::Arc;

use lsm::Edit;
use lsm::values::{Pointer, References, note_references};

use super::given::*;

#[test]
fn references_are_a_note_and_no_other_bytes_are() {
    let pointer = |file, size| Pointer { file, offset: 16, size };
    let mut references = References::default();
    [pointer(11, 100), pointer(8, 0), pointer(11, 5)].iter().for_each(|it| references.add(it));
    let note = references.encode();
    let hex: String = note.iter().map(|byte| format!("{byte:02x}")).collect();
    let want = "08000000 0900000000000000 0b000000 7b00000000000000".replace(' ', "");
    assert_eq!(
        hex, want,
        "9 bytes of file 8 and 123 of file 11, records with their heads {COUNTED}"
    );
    assert_eq!(References::decode(&note), Some(references), "the note, read back {COUNTED}");
    assert_eq!(References::decode(b""), Some(References::default()), "no references {COUNTED}");
    let swapped = [&note[12..], &note[..12]].concat();
    let twice = [&note[..12], &note[..12]].concat();
    let nothing = [&note[..4], &[0; 8]].concat();
    for (bad, why) in [
        (&note[..23], "it is cut off"),
        (&note[..5], "it is cut off"),
        (&swapped[..], "files descend"),
        (&twice[..], "a file comes twice"),
        (&nothing[..], "a size is 0"),
    ] {
        assert_eq!(References::decode(bad), None, "{why}, and it is no note {COUNTED}");
    }
}

#[test]
fn an_edit_forgets_the_tables_that_go_and_not_those_that_move() {
    // 77 goes, 5 moves from level 0 to level 1. No table is new.
    let mut edit = Edit {
        removed: vec![(0, 5), (3, 77)],
        added: vec![(1, Arc::new(meta(5)))],
        notes: vec![(99, b"of somebody else".as_slice().into())],
        ..Edit::default()
    };
    note_references(&mut edit, &[]);
    let notes: Vec<_> = edit.notes.iter().map(|(key, note)| (*key, note.len())).collect();
    let why = "table 77 goes and 5 moves: only 77 is forgotten, and what was there stays";
    assert_eq!(notes, [(99, 16), (77, 0)], "notes by key, with their sizes; {why} {COUNTED}");
}

#[test]
fn an_edit_remembers_where_new_tables_point() {
    let sim = disk(1);
    let (eight, nine) = (value_file(&sim, 8, 500), value_file(&sim, 9, 500));
    let plain = live_table(&sim, 11, Vec::new());
    let apart = live_table(&sim, 12, vec![(eight, 100), (nine, 300)]);
    let mut edit = Edit::default();
    note_references(&mut edit, &[plain, apart]);
    let keys: Vec<u64> = edit.notes.iter().map(|(key, _)| *key).collect();
    let why = "table 11 points nowhere, and 12 does";
    assert_eq!(keys, [12], "notes of two new tables; {why} {COUNTED}");
    let want = note_of(&[(8, 100), (9, 300)]);
    assert_eq!(*edit.notes[0].1, want[..], "100 bytes of file 8 and 300 of file 9 {COUNTED}");
}
