//! A manifest that is made, grows, and is read.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lsm::files::CURRENT;
use lsm::manifest::{EDITS_SIZE_MAX, base_of};
use lsm::{Edit, State};
use memtable::LogMark;

use super::given::*;

/// A store that was flushed twice, as the chapter has it.
fn of_the_chapter() -> wal::fs::SimFs {
    let sim = disk(1);
    let mut manifest = begin(&sim);
    for (keys, mark) in [(("agate", "onyx"), (700, 40)), (("basalt", "zinc"), (2600, 100))] {
        let number = manifest.new_number().expect("there are enough");
        let LogMark { seq, .. } = manifest.state().flushed;
        let edit = add(&[(0, table(number, (seq + 1, mark.1), keys))]);
        append(&mut manifest, Edit { flushed: Some(LogMark { lsn: mark.0, seq: mark.1 }), ..edit });
    }
    sim
}

// `create` and `append` alone.

#[test]
fn a_manifest_is_exactly_these_bytes() {
    #[rustfmt::skip]
    let bytes = concat!(
        // Byte 0: 26 bytes of payload, and all below LSN 2^63 + 2^32 was on disk.
        "853ca90f", "1a000000", "0000000001000080",
        "01", "0000000000000000", "0000000000000000",
        "02", "0200000000000000",
        // Byte 42: 93 bytes, written when the 42 in front of them were on disk.
        "326d43d8", "5d000000", "2a00000001000080",
        "01", "bc02000000000000", "2800000000000000",
        "02", "0300000000000000",
        "04", "00", "0200000000000000", "ea03000000000000", "0c00000000000000",
        "0200000000000000", "0100000000000000", "2800000000000000",
        "05000000", "6167617465", "04000000", "6f6e7978",
        // Byte 151: 94 bytes.
        "11a4b9cd", "5e000000", "9700000001000080",
        "01", "280a000000000000", "6400000000000000",
        "02", "0400000000000000",
        "04", "00", "0300000000000000", "eb03000000000000", "0d00000000000000",
        "0300000000000000", "2900000000000000", "6400000000000000",
        "06000000", "626173616c74", "04000000", "7a696e63",
    );
    let sim = of_the_chapter();
    let line = sim.contents(path(CURRENT));
    assert_eq!(line.escape_ascii().to_string(), "MANIFEST-000001\\n", "what `CURRENT` has {NAMES}");
    let came = hex(&sim.contents(path("MANIFEST-000001")));
    assert_eq!(came, bytes, "the chapter's manifest, in bytes {COUNTS}");
}

#[test]
fn each_edit_is_a_record_at_its_position_and_knows_what_was_synced() {
    let sim = of_the_chapter();
    let bytes = sim.contents(path("MANIFEST-000001"));
    let records = records_of(&bytes, 1);
    let added: Vec<Vec<u64>> = records
        .iter()
        .map(|(_, _, payload)| {
            let edit = Edit::decode(payload).expect("a record has a whole edit");
            edit.added.iter().map(|(_, table)| table.number).collect()
        })
        .collect();
    assert_eq!(added, [&[][..], &[2], &[3]], "tables that each record adds {COUNTS}");
    for (start, end, _) in records {
        let wal::Decoded::Record(record) =
            wal::decode(&bytes[start..end], base_of(1) + start as u64)
        else {
            unreachable!("it was one a moment ago");
        };
        let synced = record.synced.wrapping_sub(base_of(1));
        assert_eq!(synced, start as u64, "all in front of byte {start} was on disk {COUNTS}");
    }
}

#[test]
fn a_manifest_begins_with_all_of_the_state() {
    let sim = disk(1);
    let before = State::new().apply(&first_edit()).expect("it fits");
    let manifest = create(&sim, before.clone());
    let (path, number) = current(&sim);
    assert_eq!(number, 8, "the number of the manifest: the next one of the state {NAMES}");
    let want = State { next_number: 9, ..before };
    assert_eq!(*manifest.state(), want, "the state of manifest 8 {NAMES}");
    let [(_, _, payload)] = &records_of(&sim.contents(path), number)[..] else {
        panic!("a new manifest is one record {NAMES}");
    };
    assert_eq!(Edit::decode(payload), Ok(want.as_edit()), "the edit it begins with {NAMES}");
}

#[test]
fn a_manifest_costs_four_syncs() {
    let sim = disk(1);
    let (before, told) = (sim.counts(), sim.trace().len());
    drop(begin(&sim));
    let after = sim.counts();
    let syncs = (after.syncs - before.syncs, after.dir_syncs - before.dir_syncs);
    assert_eq!(
        syncs,
        (2, 2),
        "syncs of bytes, the manifest's and those of `CURRENT.tmp`, and of the directory, for each \
         name; the disk was told {:?} {NAMES}",
        &sim.trace()[told..]
    );
}

#[test]
fn an_edit_costs_one_write_and_one_sync() {
    let sim = disk(1);
    let mut manifest = begin(&sim);
    for _ in 0..20 {
        let before = sim.counts();
        append_flush(&mut manifest);
        let after = sim.counts();
        assert_eq!(after.operations - before.operations, 2, "operations of an append {COUNTS}");
        assert_eq!(after.writes - before.writes, 1, "writes of an append {COUNTS}");
        assert_eq!(after.syncs - before.syncs, 1, "syncs of an append {COUNTS}");
        let written = after.bytes_written - before.bytes_written;
        assert!(
            written < 200,
            "an edit of one table is {written} bytes: only what changed {COUNTS}"
        );
    }
}

#[test]
fn an_edit_that_does_not_fit_changes_nothing() {
    let sim = disk(1);
    let mut manifest = begin(&sim);
    let number = append_flush(&mut manifest);
    let (state, bytes) = (manifest.state().clone(), sim.contents(current(&sim).0));
    for (edit, why) in [
        (remove(&[(0, number + 1)]), "it removes what is not there"),
        (
            Edit {
                removed: vec![(0, number)],
                ..add(&[(1, table(number + 1, (1, 1), ("a", "b")))])
            },
            "its number was never given",
        ),
        (remove(&[(0, number), (0, number)]), "it removes a table twice"),
        (
            Edit { flushed: Some(LogMark { lsn: 1, seq: 9 }), ..add(&[flushed(number)]) },
            "the table is there already",
        ),
    ] {
        let appended = catch_unwind(AssertUnwindSafe(|| manifest.append(edit)));
        assert!(appended.is_err(), "{why}: a bug of ours, at which append must panic {FITS_WHOLE}");
        assert!(
            *manifest.state() == state,
            "{why}: the state is {} now {FITS_WHOLE}",
            show_state(manifest.state())
        );
        assert!(
            sim.contents(current(&sim).0) == bytes,
            "{why}, and something is written {FITS_WHOLE}"
        );
    }
}

#[test]
fn numbers_are_given_one_after_the_other() {
    let sim = disk(1);
    let mut manifest = begin(&sim);
    let (_, own) = current(&sim);
    let given: Vec<u64> =
        (0..5).map(|_| manifest.new_number().expect("there are enough")).collect();
    let want: Vec<u64> = (own + 1..own + 6).collect();
    assert_eq!(given, want, "numbers behind that of the manifest {NAMES}");
}

#[test]
fn an_edit_makes_durable_which_numbers_are_given() {
    let sim = disk(1);
    let mut manifest = begin(&sim);
    let last = (0..5).map(|_| manifest.new_number().expect("there are enough")).last();
    let last = last.expect("there were five");
    // Whatever the caller thinks: the manifest knows better.
    for of_the_caller in [Some(1_000), Some(3), None] {
        append(&mut manifest, Edit { next_number: of_the_caller, ..Edit::default() });
        let (written, _) = edits_behind_the_first(&sim);
        let written = Edit::decode(written.last().expect("it was appended")).expect("an edit");
        assert_eq!(
            written.next_number,
            Some(last + 1),
            "the next number in the file, of an edit that says {of_the_caller:?} {NAMES}"
        );
    }
}

#[test]
fn an_edit_that_finds_1_mib_of_edits_begins_a_new_manifest() {
    // A record has 16 bytes in front of its payload.
    for (size, is_long) in [(EDITS_SIZE_MAX - 1, false), (EDITS_SIZE_MAX, true)] {
        let sim = disk(1);
        let mut manifest = begin(&sim);
        let named = current(&sim);
        let number = manifest.new_number().expect("there are enough");
        append(&mut manifest, edit_of_size(number, size as usize - 16));
        assert_eq!(
            current(&sim),
            named,
            "the first edit of all finds none, however large it is {LONG}"
        );
        let (_, found) = edits_behind_the_first(&sim);
        assert_eq!(found, size, "bytes of edits, with the records' headers {COUNTS}");
        append_flush(&mut manifest);
        let is_new = current(&sim) != named;
        assert_eq!(is_new, is_long, "an edit that finds {size} bytes begins a new manifest {LONG}");
        if is_new {
            let (path, number) = current(&sim);
            let records = records_of(&sim.contents(path), number);
            let all: Vec<u8> = records.into_iter().flat_map(|(_, _, piece)| piece).collect();
            let is_all = all == bytes_of(&manifest.state().as_edit());
            assert!(is_all, "the new manifest has the state behind the edit, and no more {LONG}");
        }
    }
}

#[test]
fn the_state_that_a_manifest_begins_with_does_not_make_it_long() {
    let sim = disk(1);
    let large = State::new().apply(&edit_of_size(1, 3_000_000)).expect("it fits");
    let mut manifest = create(&sim, large);
    let named = current(&sim);
    let before = sim.counts().bytes_written;
    for _ in 0..20 {
        append_flush(&mut manifest);
    }
    assert_eq!(current(&sim), named, "a state of 3 MB, and twenty small edits behind it {LONG}");
    let written = sim.counts().bytes_written - before;
    assert!(
        written < 5_000,
        "twenty small edits write {written} bytes: only what changed {COUNTS}"
    );
}

// What `recover` finds.

#[test]
fn a_directory_without_a_manifest_is_a_new_store() {
    let sim = disk(1);
    let state = recover(&sim, RECOVERS);
    assert_eq!(state, State::new(), "the state in an empty directory {RECOVERS}");
    // A first manifest that `CURRENT` never came to name.
    sim.overwrite(path("MANIFEST-000001"), &file_of(1, &[&bytes_of(&first_edit())]));
    let state = recover(&sim, RECOVERS);
    assert_eq!(
        numbers(&state.levels).len(),
        0,
        "`CURRENT` is not there, and names nothing {RECOVERS}"
    );
    assert_eq!(state.next_number, 2, "the next number: 1 is in a name {NAMES}");
}

#[test]
fn what_was_appended_is_recovered() {
    let sim = disk(1);
    let mut manifest = open(&sim);
    let mut live: Vec<u64> = Vec::new();
    for round in 0..50 {
        live.insert(0, append_flush(&mut manifest));
        if round % 7 == 6 {
            let gone = live.remove(live.len() / 2);
            append(&mut manifest, remove(&[(0, gone)]));
        }
        let want = manifest.state();
        assert_eq!(numbers(&want.levels), [&live[..]], "tables after {round} flushes {COUNTS}");
        let came = recover(&sim, RECOVERS);
        assert!(
            came == *want,
            "after {round} flushes recovery finds {}, want {} {RECOVERS}",
            show_state(&came),
            show_state(want)
        );
    }
}

#[test]
fn an_edit_without_tables_moves_the_log_on() {
    let sim = disk(1);
    let mut manifest = open(&sim);
    let mark = LogMark { lsn: 5_000, seq: 44 };
    append(&mut manifest, Edit { flushed: Some(mark), ..Edit::default() });
    assert_eq!(manifest.state().flushed, mark, "where the log goes on {COUNTS}");
    append_flush(&mut manifest);
    assert_eq!(recover(&sim, RECOVERS).flushed, mark, "and it stays there {RECOVERS}");
}

#[test]
fn notes_are_remembered_until_they_are_taken_away() {
    let sim = disk(1);
    let mut manifest = open(&sim);
    for (key, text) in [(3, "slate"), (9, "flint"), (3, "marble"), (9, ""), (8, "chalk"), (7, "")] {
        append(&mut manifest, note(key, text));
    }
    let want = [(3, of_text("marble")), (8, of_text("chalk"))];
    for time in ["by the edits", "by the manifest that came of them"] {
        let found: Vec<_> = recover(&sim, RECOVERS).notes.into_iter().collect();
        assert_eq!(found, want, "notes that recovery finds, {time} {RECOVERS}");
        open(&sim);
    }
}

#[test]
fn recovery_changes_nothing_on_disk() {
    let sim = of_the_chapter();
    let bytes = sim.contents(path("MANIFEST-000001"));
    for cut in [bytes.len(), bytes.len() - 1] {
        sim.overwrite(path("MANIFEST-000001"), &bytes[..cut]);
        sim.overwrite(path("000099.sst.tmp"), b"");
        let (operations, names_before) = (sim.counts().operations, names(&sim));
        recover(&sim, RECOVERS);
        let changes = sim.counts().operations - operations;
        assert_eq!(changes, 0, "operations of recovery that change something {RECOVERS}");
        assert_eq!(names(&sim), names_before, "names in the directory {RECOVERS}");
    }
}

#[test]
fn every_opener_begins_a_manifest_of_its_own() {
    let sim = disk(1);
    let mut live = Vec::new();
    let mut seen = Vec::new();
    for life in 0..10 {
        let mut manifest = open(&sim);
        let (path, number) = current(&sim);
        assert!(
            !seen.contains(&number),
            "manifest {number} is begun in life {life}, after {seen:?} {NAMES}"
        );
        let there = names(&sim);
        for old in seen.iter().map(|&old| lsm::files::manifest_name(old)) {
            assert!(
                there.contains(&old),
                "{old} is gone: `create` removes nothing; whoever opens the store removes orphans, \
                 when all that is named has been opened (the warning in day 2's chapter)"
            );
        }
        let (old, bytes): (Vec<_>, _) = (seen.clone(), sim.contents(path));
        seen.push(number);
        live.insert(0, append_flush(&mut manifest));
        assert!(
            sim.contents(current(&sim).0).starts_with(&bytes),
            "an edit goes behind the {} bytes that are there {COUNTS}",
            bytes.len()
        );
        let came = numbers(&recover(&sim, RECOVERS).levels);
        assert_eq!(came, [&live[..]], "tables of life {life}, after manifests {old:?} {NAMES}");
    }
}

// Numbers.

#[test]
fn the_number_of_a_table_that_is_gone_is_not_given_again() {
    let sim = disk(1);
    let mut manifest = open(&sim);
    let number = append_flush(&mut manifest);
    append(&mut manifest, remove(&[(0, number)]));
    for _ in 0..3 {
        let mut manifest = open(&sim);
        let next = manifest.new_number().expect("there are enough");
        assert!(next > number, "{next} is given, and table {number} was in an edit {NAMES}");
    }
}

#[test]
fn numbers_in_names_are_not_given_again() {
    for (name, number) in [
        ("000050.sst", 50),
        ("000050.sst.tmp", 50),
        ("MANIFEST-000050", 50),
        ("1000000.sst", 1_000_000),
        ("MANIFEST-1000000", 1_000_000),
    ] {
        for is_new in [true, false] {
            let sim = disk(1);
            if !is_new {
                sim.overwrite(path(CURRENT), b"MANIFEST-000007\n");
                sim.overwrite(path("MANIFEST-000007"), &file_of(7, &[&bytes_of(&first_edit())]));
            } else if name.ends_with(".sst") {
                // With a table, a `CURRENT` that is missing is damage.
                continue;
            }
            sim.overwrite(path(name), b"");
            let next = recover(&sim, NAMES).next_number;
            assert_eq!(next, number + 1, "the next number, with {name} in the directory {NAMES}");
            drop(open(&sim));
            let (_, own) = current(&sim);
            assert_eq!(
                own,
                number + 1,
                "the number of a manifest, with {name} in the directory {NAMES}"
            );
        }
    }
}

#[test]
fn when_all_numbers_are_given_that_is_an_error() {
    let last = (1 << 31) - 1;
    let state = State { next_number: last - 1, ..State::new() };
    let sim = disk(1);
    let mut manifest = try_create(&sim, state).expect("there are two numbers left");
    assert_eq!(manifest.new_number().ok(), Some(last), "the last number {NAMES}");
    for _ in 0..2 {
        let came = manifest.new_number();
        assert!(came.is_err(), "a number behind the last one: {came:?} {NAMES}");
    }
    append(&mut manifest, add(&[flushed(last)]));
    let state = recover(&sim, NAMES);
    assert_eq!(state, *manifest.state(), "what is recovered {RECOVERS}");
    assert!(try_create(&sim, state).is_err(), "a manifest without a number {NAMES}");
}

#[test]
fn a_long_manifest_is_begun_anew() {
    let sim = disk(1);
    let mut manifest = open(&sim);
    let (mut named, mut begun) = (current(&sim), 0);
    let mut seen = vec![named.1];
    for _ in 0..100 {
        let number = manifest.new_number().expect("there are enough");
        let removed =
            manifest.state().levels.tables().map(|(level, table)| (level, table.number)).collect();
        append(&mut manifest, Edit { removed, ..edit_of_size(number, 100_000) });
        let want = manifest.state();
        assert_eq!(numbers(&want.levels), [[number]], "tables after an edit {COUNTS}");
        let came = recover(&sim, RECOVERS);
        assert_eq!(numbers(&came.levels), [[number]], "tables that recovery finds {NAMES}");
        let size = sim.contents(current(&sim).0).len() as u64;
        assert!(
            size < EDITS_SIZE_MAX + 3 * 101_000,
            "the manifest has {size} bytes, with edits of 100 000 {LONG}"
        );
        if current(&sim) != named {
            assert!(!seen.contains(&current(&sim).1), "a number is given twice: {seen:?} {NAMES}");
            named = current(&sim);
            seen.push(named.1);
            begun += 1;
        }
        let manifests = names(&sim).iter().filter(|name| name.starts_with("MANIFEST")).count();
        assert_eq!(manifests, 1, "manifests in the directory, the old one removed {NAMES}");
    }
    assert!(
        (8..=9).contains(&begun),
        "100 edits of 100 000 bytes begin {begun} manifests, want 8 or 9 {LONG}"
    );
}
