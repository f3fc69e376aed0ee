//! Day 2: the set of live files is itself a log.

mod given;

use given::*;
use lsm::{BadEdit, Edit, LEVEL_COUNT, TableMeta};
use memtable::LogMark;
use wal::testing::{Workload, seeds};

use crate::allocated_by;

/// Edits with something of everything.
fn edits() -> Vec<Edit> {
    let mut dice = Workload::new(1);
    let large = Edit {
        added: vec![flushed(3), flushed(300), (6, table(4, (0, 9), ("", "")))],
        ..edit_of_the_chapter()
    };
    [edit_of_the_chapter(), large]
        .into_iter()
        .chain((0..10).map(|_| random_edit(&mut dice)))
        .collect()
}

/// Checks that bytes are refused, or are what `encode` writes of what they say.
#[track_caller]
fn expect_one_way(bytes: &[u8], what: &str) -> Option<Edit> {
    let edit = Edit::decode(bytes).ok()?;
    let again = bytes_of(&edit);
    assert!(
        again == bytes,
        "{what}: {} is read as {}, which is written as {} {FORMAT}",
        hex(bytes),
        show_edit(&edit),
        hex(&again)
    );
    Some(edit)
}

#[track_caller]
fn expect_refused(bytes: &[u8], why: &str) {
    if let Ok(came) = Edit::decode(bytes) {
        panic!("{why}: {} must be refused, and is {} {FORMAT}", hex(bytes), show_edit(&came));
    }
}

#[track_caller]
fn expect_edit(bytes: &[u8], want: &Edit, what: &str) {
    match Edit::decode(bytes) {
        Ok(came) if came == *want => {}
        Ok(came) => {
            panic!("{what}: want {}, got {} {FORMAT}", show_edit(want), show_edit(&came))
        }
        Err(bad) => panic!("{what}: want {}, got an error: {bad} {FORMAT}", show_edit(want)),
    }
}

// Bytes.

#[test]
fn an_edit_is_exactly_these_bytes() {
    #[rustfmt::skip]
    // ANCHOR: listing_golden_edit
    let bytes = concat!(
        "01", "280a000000000000", "6400000000000000", // flushed: lsn 2600, seq 100
        "02", "0a00000000000000",                     // next_number: 10
        "03", "00", "0700000000000000",               // removed: from level 0 table 7
        "03", "01", "0500000000000000",               // removed: from level 1 table 5
        "04", "01", "0900000000000000",               // added: to level 1 table 9,
        "e110000000000000",                           // of 4321 bytes,
        "3c00000000000000", "0200000000000000",       // 60 entries, two of them tombstones,
        "0c00000000000000", "5000000000000000",       // with seq 12 to 80,
        "05000000", "6167617465",                     // from agate
        "04000000", "6c616d70",                       // to lamp
    );
    // ANCHOR_END: listing_golden_edit
    let came = hex(&bytes_of(&edit_of_the_chapter()));
    assert_eq!(came, bytes, "the edit of the chapter, in bytes {FORMAT}");
    expect_edit(&bytes_of(&edit_of_the_chapter()), &edit_of_the_chapter(), "the same, read back");
}

#[test]
fn notes_stand_behind_all_else_as_they_came() {
    let mut edit = edit_of_the_chapter();
    edit.notes = [(7, "abc"), (2, ""), (7, "d")].map(|(key, text)| (key, of_text(text))).into();
    let notes = concat!(
        "05",
        "0700000000000000",
        "03000000616263",
        "05",
        "0200000000000000",
        "00000000",
        "05",
        "0700000000000000",
        "0100000064",
    );
    let want = hex(&bytes_of(&edit_of_the_chapter())) + notes;
    assert_eq!(hex(&bytes_of(&edit)), want, "an edit with three notes, in bytes {FORMAT}");
    expect_edit(&bytes_of(&edit), &edit, "the same, read back");
}

#[test]
fn an_edit_that_changes_nothing_has_no_bytes() {
    let came = bytes_of(&Edit::default());
    assert!(came.is_empty(), "no field, no byte: got {} {FORMAT}", hex(&came));
    expect_edit(&[], &Edit::default(), "no bytes");
}

#[test]
fn encode_leaves_what_is_there() {
    let mut out = b"before".to_vec();
    edit_of_the_chapter().encode(&mut out);
    let want = [b"before".to_vec(), bytes_of(&edit_of_the_chapter())].concat();
    assert_eq!(hex(&out), hex(&want), "an edit is appended to what `out` has {FORMAT}");
}

#[test]
fn edits_come_back_as_they_were() {
    for seed in seeds(300) {
        let edit = random_edit(&mut Workload::new(seed));
        expect_edit(&bytes_of(&edit), &edit, &format!("seed {seed}, read back"));
    }
}

#[test]
fn keys_may_be_empty_or_long() {
    for (smallest, largest) in
        [(0, 0), (0, 1), (1, 300), (255, 256), (65_535, 65_536), (70_000, 200_000)]
    {
        let table = table_of(1, (1, 1), vec![b'k'; smallest], vec![b'k'; largest]);
        let edit = add(&[(0, table.clone()), (3, table)]);
        let bytes = bytes_of(&edit);
        let came = Edit::decode(&bytes);
        assert!(
            came == Ok(edit),
            "keys of {smallest} and {largest} bytes do not come back {FORMAT}"
        );
    }
}

// Bytes that are none.

#[test]
fn an_edit_that_is_cut_is_one_with_fewer_fields_or_none() {
    for edit in edits() {
        let bytes = bytes_of(&edit);
        let mut ends = 0;
        for cut in 0..bytes.len() {
            let what = format!("the first {cut} of {} bytes", bytes.len());
            ends += usize::from(expect_one_way(&bytes[..cut], &what).is_some());
        }
        let fields = usize::from(edit.flushed.is_some())
            + usize::from(edit.next_number.is_some())
            + edit.removed.len()
            + edit.added.len()
            + edit.notes.len();
        assert_eq!(
            ends,
            fields,
            "cuts of {} that are edits: one in front of each field {FORMAT}",
            show_edit(&edit)
        );
    }
}

#[test]
fn every_flipped_bit_of_an_edit_is_another_edit_or_none() {
    for edit in edits() {
        let bytes = bytes_of(&edit);
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let came = expect_one_way(&flipped, &format!("bit {bit} flipped"));
            assert!(came.as_ref() != Some(&edit), "bit {bit} flipped, and nobody sees it {FORMAT}");
        }
    }
}

#[test]
fn any_bytes_may_come_in() {
    for seed in seeds(3_000) {
        let mut dice = Workload::new(seed);
        // Bytes that look like fields, and get further than others.
        let mut bytes = bytes_of(&random_edit(&mut dice));
        for _ in 0..dice.below(4) {
            let at = dice.below(bytes.len() + 1);
            match dice.below(3) {
                0 => bytes.insert(at, dice.below(8) as u8),
                1 => bytes.truncate(at),
                _ => {
                    bytes.iter_mut().skip(at).take(4).for_each(|byte| *byte = dice.below(256) as u8)
                }
            }
        }
        expect_one_way(&bytes, &format!("seed {seed}"));
    }
}

#[test]
fn fields_out_of_order_are_refused() {
    let flushed = bytes_of(&Edit { flushed: Some(LogMark { lsn: 9, seq: 1 }), ..Edit::default() });
    let next = bytes_of(&Edit { next_number: Some(9), ..Edit::default() });
    let removed = bytes_of(&remove(&[(0, 1)]));
    let added = bytes_of(&add(&[given::flushed(2)]));
    let note = bytes_of(&note(7, "abc"));
    let fields = [
        ("flushed", flushed),
        ("next_number", next),
        ("removed", removed),
        ("added", added),
        ("note", note),
    ];
    for (index, (name, field)) in fields.iter().enumerate() {
        for (later_name, later) in &fields[index + 1..] {
            expect_refused(&[&later[..], field].concat(), &format!("{name} behind {later_name}"));
        }
        let twice = [&field[..], field].concat();
        match index {
            0 | 1 => expect_refused(&twice, &format!("{name} twice")),
            _ => drop(expect_one_way(&twice, name).unwrap_or_else(|| {
                panic!("{name} twice: {} may be, and is refused {FORMAT}", hex(&twice))
            })),
        }
    }
}

#[test]
fn a_tag_that_is_none_is_refused() {
    let content = bytes_of(&edit_of_the_chapter());
    for tag in (0..=255).filter(|tag| !(1..=5).contains(tag)) {
        expect_refused(&[tag], &format!("tag {tag}, alone"));
        expect_refused(&[&[tag], &content[1..]].concat(), &format!("tag {tag} for 1"));
        expect_refused(&[&content[..], &[tag]].concat(), &format!("tag {tag} behind all"));
    }
    expect_edit(&content, &edit_of_the_chapter(), "tags 1 to 4");
}

#[test]
fn a_level_that_is_none_is_refused() {
    for edit in [remove(&[(0, 1)]), add(&[flushed(2)])] {
        for level in 0..=255 {
            let mut bytes = bytes_of(&edit);
            bytes[1] = level;
            match usize::from(level) < LEVEL_COUNT {
                true => assert!(
                    Edit::decode(&bytes).is_ok(),
                    "level {level} is one, and {} is refused {FORMAT}",
                    hex(&bytes)
                ),
                false => expect_refused(&bytes, &format!("level {level}")),
            }
        }
    }
}

#[test]
fn a_table_that_contradicts_itself_is_refused() {
    let good =
        TableMeta { entry_count: 3, tombstone_count: 3, ..(*table(1, (5, 5), ("b", "b"))).clone() };
    let edit = |table: TableMeta| bytes_of(&add(&[(1, table.into())]));
    expect_edit(
        &edit(good.clone()),
        &add(&[(1, good.clone().into())]),
        "one key, one number, three deletes",
    );
    for (bad, why) in [
        (TableMeta { tombstone_count: 4, ..good.clone() }, "four of three entries are deletes"),
        (TableMeta { smallest_seq: 6, ..good.clone() }, "the smallest seq is above the largest"),
        (
            TableMeta { smallest: b"c".to_vec(), ..good.clone() },
            "the smallest key is above the largest",
        ),
        (
            TableMeta { largest: Vec::new(), ..good.clone() },
            "the largest key is below the smallest",
        ),
    ] {
        expect_refused(&edit(bad), why);
    }
}

#[test]
fn a_length_that_lies_gets_no_memory() {
    let bytes = bytes_of(&add(&[(0, table(1, (1, 1), ("a", "b")))]));
    // Tag, level and six numbers are in front of the first length.
    for (at, which) in [(50, "smallest"), (55, "largest")] {
        for length in [2, 100, 1 << 20, 1 << 28, u32::MAX - 1, u32::MAX] {
            let mut bytes = bytes.clone();
            bytes[at..at + 4].copy_from_slice(&u32::to_le_bytes(length));
            expect_refused(&bytes, &format!("a {which} key of {length} bytes"));
            let allocated = allocated_by(20, || Edit::decode(&bytes));
            assert!(
                allocated < 1_000,
                "{} bytes say that the {which} key has {length}: decode allocates {allocated} {FORMAT}",
                bytes.len()
            );
        }
    }
}

#[test]
fn a_bad_edit_says_what_is_wrong() {
    let cut = &bytes_of(&edit_of_the_chapter())[..5];
    for bytes in [&[9][..], cut, &[3, 200, 0, 0, 0, 0, 0, 0, 0, 0]] {
        let Err(BadEdit { reason }) = Edit::decode(bytes) else {
            panic!("{} must be refused {FORMAT}", hex(bytes));
        };
        assert!(!reason.is_empty(), "{} is refused without a reason {FORMAT}", hex(bytes));
    }
    expect_edit(
        &bytes_of(&edit_of_the_chapter()),
        &edit_of_the_chapter(),
        "and the whole edit is none of these",
    );
}

// `edit.rs` is done. `levels.rs`:
mod fits;

// `manifest.rs`: it is made, grows, and is read.
mod manifest;

// Files that nobody names.
mod orphans;

// Edits of several records.
mod pieces;

// Files that are not as they were written.
mod damage;

// Disks that refuse.
mod failures;

// Power cuts, which ask for everything.
mod crashes;
mod promised;
