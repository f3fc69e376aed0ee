//! Lab valuelog: values of some size live apart from the tree.

mod collect;
mod crashes;
mod damage;
mod file;
mod given;
mod life;

use given::*;
use lsm::Edit;
use lsm::values::{POINTER_SIZE, Pointer, References, Stored, note_references, tag_all};
use wal::WriteBatch;
use wal::testing::{Workload, batch, delete, put, seeds, show};

// Tags and pointers.

#[test]
fn a_batch_is_tagged_value_by_value() {
    let batch = batch(&[put("a", "1"), delete("b"), put("", ""), put("a", "\x01x"), delete("a")]);
    let want = [
        ("a", Some("\x001")),
        ("b", None),
        ("", Some("\x00")),
        ("a", Some("\x00\x01x")),
        ("a", None),
    ];
    let mut expected = WriteBatch::new();
    for (key, value) in want {
        match value {
            Some(value) => expected.put(key.as_bytes(), value.as_bytes()),
            None => expected.delete(key.as_bytes()),
        }
    }
    let tagged = tag_all(&batch);
    let same = tagged.iter().collect::<Vec<_>>() == expected.iter().collect::<Vec<_>>();
    assert!(same, "a byte 0 in front of each value, and nothing else: {tagged:?} {TAGS}");
}

#[test]
fn a_pointer_is_exactly_these_bytes() {
    let pointer = Pointer { file: 8, offset: 0x0102_0304, size: 300 };
    let hex: String = pointer.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    let want = "01 08000000 0403020100000000 2c010000".replace(' ', "");
    assert_eq!(hex, want, "tag, file 8, offset 0x01020304, size 300 {TAGS}");
}

#[test]
fn what_stands_in_the_place_of_a_value_is_one_of_two_things() {
    for value in ["", "x", "\x01", &large(7)] {
        let stored = stored(value);
        let came = Stored::decode(&stored);
        let want = Some(Stored::Inline(value.as_bytes()));
        assert_eq!(came, want, "{} behind the tag 0 {TAGS}", show(value.as_bytes()));
    }
    for seed in seeds(100) {
        let mut dice = Workload::new(seed);
        let number = |dice: &mut Workload| (dice.below(1 << 31) as u32) >> dice.below(32);
        let offset = (u64::from(number(&mut dice)) << 32) | u64::from(number(&mut dice));
        let pointer = Pointer { file: number(&mut dice), offset, size: number(&mut dice) };
        let bytes = pointer.encode();
        let came = Stored::decode(&bytes);
        assert_eq!(came, Some(Stored::Apart(pointer)), "a pointer, read back {TAGS}");
        for bad in [&bytes[..POINTER_SIZE - 1], &[&bytes[..], b"x"].concat(), &bytes[..1]] {
            let came = Stored::decode(bad);
            assert_eq!(came, None, "{} bytes with a pointer's tag {TAGS}", bad.len());
        }
    }
    for tag in 2..=255 {
        let stored = [tag, 1, 2, 3];
        assert_eq!(Stored::decode(&stored), None, "{tag} is no tag {TAGS}");
    }
    assert_eq!(Stored::decode(b""), None, "nothing has no tag {TAGS}");
}

// References.

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
fn an_edit_remembers_where_new_tables_point_and_forgets_those_that_go() {
    let sim = disk(1);
    let tree = tree(&sim);
    flush(&tree, "a@1=LARGE b@2=LARGE");
    flush(&tree, "c@3=x");
    let version = tree.version();
    let [plain, apart] = version.level(0) else { panic!("two tables of level 0") };
    let (plain_number, apart_number) = (plain.meta.number, apart.meta.number);
    // One goes, one moves, and both come, as if they were new.
    let moved = (1, std::sync::Arc::clone(&apart.meta));
    let mut edit = Edit {
        removed: vec![(0, apart_number), (3, 77)],
        added: vec![moved],
        notes: vec![(99, b"of somebody else".as_slice().into())],
        ..Edit::default()
    };
    note_references(&mut edit, &[]);
    let notes: Vec<_> = edit.notes.iter().map(|(key, note)| (*key, note.len())).collect();
    let why = "table 77 goes and 1 moves: only 77 is forgotten, and what was there stays";
    assert_eq!(notes, [(99, 16), (77, 0)], "notes by key, with their sizes; {why} {COUNTED}");
    let mut edit = Edit::default();
    note_references(&mut edit, &[plain.clone(), apart.clone()]);
    let keys: Vec<u64> = edit.notes.iter().map(|(key, _)| *key).collect();
    let why = format!("table {plain_number} points nowhere, {apart_number} does");
    assert_eq!(keys, [apart_number], "notes of two new tables; {why} {COUNTED}");
    let note = References::decode(&edit.notes[0].1).expect("a note");
    let sizes: Vec<u64> = note.iter().map(|(_, &size)| size).collect();
    assert_eq!(sizes, [2 * (60 + 9)], "bytes that two records of 60 take {COUNTED}");
}
