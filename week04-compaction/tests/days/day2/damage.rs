//! Manifests that are cut off, damaged, or not what was written here.

use std::path::Path;

use lsm::Edit;
use lsm::files::{CURRENT, manifest_name};
use lsm::manifest::{PIECE_SIZE, base_of};
use memtable::LogMark;
use wal::fs::{Fault, Fs, Operation, SimFs};

use super::given::*;

/// A manifest of four edits, after each of which there is another table 2 or so; and the tables
/// after each.
fn four_edits() -> (Vec<u8>, Vec<Vec<Vec<u64>>>) {
    let edits = [
        first_edit(),
        Edit { next_number: Some(9), ..add(&[flushed(8)]) },
        Edit {
            removed: vec![(0, 2), (1, 1)],
            next_number: Some(10),
            ..add(&[(1, table(9, (1, 2), ("a", "z")))])
        },
        Edit {
            next_number: Some(20),
            flushed: Some(LogMark { lsn: 300, seq: 8 }),
            ..add(&[flushed(11)])
        },
    ];
    let payloads = edits.map(|edit| bytes_of(&edit));
    let bytes = file_of(7, &[&payloads[0], &payloads[1], &payloads[2], &payloads[3]]);
    let after = vec![
        vec![vec![2], vec![1]],
        vec![vec![8, 2], vec![1]],
        vec![vec![8], vec![9]],
        vec![vec![11, 8], vec![9]],
    ];
    (bytes, after)
}

const NAME: &str = "MANIFEST-000007";

fn slices(tables: &[Vec<u64>]) -> Vec<&[u64]> {
    tables.iter().map(|level| &level[..]).collect()
}

#[test]
fn a_manifest_cut_anywhere_has_the_edits_that_are_whole() {
    let (bytes, after) = four_edits();
    let records = records_of(&bytes, 7);
    for cut in 0..=bytes.len() {
        let what = format!("the first {cut} of {} bytes", bytes.len());
        let sim = disk_with(&bytes[..cut]);
        match records.iter().take_while(|(_, end, _)| *end <= cut).count() {
            0 => expect_damage(&sim, NAME, None, &format!("{what}, the first edit cut")),
            whole => expect_tables(&sim, &slices(&after[whole - 1]), &what, RECOVERS),
        }
    }
}

#[test]
fn zeros_behind_the_end_are_a_torn_tail() {
    let (bytes, after) = four_edits();
    for zeros in [1, 15, 16, 17, 100, 5_000] {
        let bytes = [bytes.clone(), vec![0; zeros]].concat();
        let what = format!("{zeros} zeros behind the last edit");
        expect_tables(&disk_with(&bytes), &slices(&after[3]), &what, RECOVERS);
    }
}

#[test]
fn every_flipped_bit_is_damage_or_in_the_last_edit() {
    let (bytes, after) = four_edits();
    let records = records_of(&bytes, 7);
    for (index, (start, end, _)) in records.iter().enumerate() {
        for bit in 8 * start..8 * end {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let what =
                format!("bit {} of byte {} flipped, in edit {index} of 0 to 3", bit % 8, bit / 8);
            let sim = disk_with(&flipped);
            match index {
                // Nobody can tell it from an edit that was being written.
                3 => expect_tables(&sim, &slices(&after[2]), &what, RECOVERS),
                _ => expect_damage(&sim, NAME, Some(*start as u64), &what),
            }
        }
    }
}

#[test]
fn a_hole_in_front_of_a_later_edit_is_damage() {
    let (bytes, _) = four_edits();
    let records = records_of(&bytes, 7);
    for (index, (start, end, _)) in records[..3].iter().enumerate() {
        let mut zeros = bytes.clone();
        zeros[*start..*end].fill(0);
        let what = format!("edit {index} is all zeros, and those behind it are whole");
        expect_damage(&disk_with(&zeros), NAME, Some(*start as u64), &what);
    }
    expect_tables(&disk_with(&bytes), &[&[11, 8], &[9]], "without a hole", RECOVERS);
}

#[test]
fn a_first_edit_that_is_not_whole_is_damage() {
    let first = file_of(7, &[&bytes_of(&first_edit())]);
    // Of two pieces, as they would be written.
    let large = bytes_of(&edit_of_size(2, PIECE_SIZE + 1000));
    let large = file_of(7, &[&large[..PIECE_SIZE], &large[PIECE_SIZE..]]);
    let second = records_of(&large, 7)[1].0;
    let mut bad = large.clone();
    bad[second + 20] ^= 1;
    for (bytes, at, what) in [
        (Vec::new(), 0, "no bytes"),
        (first[..first.len() - 1].to_vec(), 0, "the last byte is missing"),
        (vec![0; 1000], 0, "zeros"),
        (vec![0xff; 1000], 0, "ones"),
        (file_of(8, &[&bytes_of(&first_edit())]), 0, "the bytes of manifest 8"),
        (large[..second].to_vec(), second, "the second of two pieces is missing"),
        (large[..second + 30].to_vec(), second, "the second of two pieces is cut off"),
        (bad, second, "the second of two pieces is no record"),
    ] {
        let what = format!("the first edit: {what}, in a manifest that `CURRENT` names");
        expect_damage(&disk_with(&bytes), NAME, Some(at as u64), &what);
    }
    expect_tables(&disk_with(&first), &[&[2], &[1]], "a whole first edit", RECOVERS);
}

#[test]
fn an_edit_that_does_not_fit_is_damage_even_if_it_is_the_last() {
    let first = bytes_of(&first_edit());
    for (payload, what) in [
        (bytes_of(&remove(&[(0, 3)])), "it removes a table that is not there"),
        (bytes_of(&add(&[flushed(2)])), "table 2 is there already"),
        (
            bytes_of(&add(&[(1, table(4, (1, 1), ("stove", "z")))])),
            "two tables of level 1 have a key in common",
        ),
        (bytes_of(&add(&[flushed(9)])), "number 9 was not given"),
        (bytes_of(&Edit { next_number: Some(3), ..Edit::default() }), "the next number goes back"),
        (
            bytes_of(&Edit { flushed: Some(LogMark::default()), ..Edit::default() }),
            "the log goes back",
        ),
        (vec![9], "it is no edit"),
        (first[..first.len() - 1].to_vec(), "it is an edit's first bytes"),
    ] {
        let good = bytes_of(&add(&[flushed(5)]));
        let bytes = file_of(7, &[&first, &good, &payload]);
        let start = records_of(&bytes, 7)[2].0 as u64;
        let what = format!("a whole record with a good checksum, but {what}");
        expect_damage(&disk_with(&bytes), NAME, Some(start), &what);
        let bytes = file_of(7, &[&first, &payload, &good]);
        expect_damage(&disk_with(&bytes), NAME, None, &format!("{what}, and an edit behind it"));
    }
}

#[test]
fn bytes_of_an_older_manifest_behind_the_end_are_no_edits() {
    // The file lies where that of manifest 6 was, whose records had the same sizes.
    let (new, _) = four_edits();
    let first = bytes_of(&first_edit());
    let old = file_of(6, &[&first, &bytes_of(&add(&[flushed(3)])), &bytes_of(&add(&[flushed(4)]))]);
    let end = records_of(&new, 7)[0].1;
    let bytes = [&new[..end], &old[end..]].concat();
    expect_tables(
        &disk_with(&bytes),
        &[&[2], &[1]],
        "behind one edit are those of manifest 6",
        RECOVERS,
    );
}

#[test]
fn an_opener_never_writes_behind_a_torn_tail() {
    let (bytes, after) = four_edits();
    let last = records_of(&bytes, 7)[3].0;
    for cut in last..bytes.len() {
        let sim = disk_with(&bytes[..cut]);
        let mut manifest = open(&sim);
        let number = append_flush(&mut manifest);
        let mut want = after[2].clone();
        want[0].insert(0, number);
        let what =
            format!("{} bytes of an edit were torn, and one was made after that", cut - last);
        expect_tables(&sim, &slices(&want), &what, NAMES);
    }
}

// `CURRENT`.

#[test]
fn a_missing_current_is_damage_if_there_are_tables() {
    let (bytes, _) = four_edits();
    let sim = disk(1);
    sim.overwrite(path(NAME), &bytes);
    expect_tables(&sim, &[], "a manifest that was never named, and no tables", RECOVERS);
    sim.overwrite(path("000001.sst.tmp"), b"");
    sim.overwrite(path("notes.sst"), b"");
    expect_tables(&sim, &[], "a table that was never finished, and another one's file", RECOVERS);
    sim.overwrite(path("000001.sst"), b"");
    expect_damage(&sim, CURRENT, None, "`CURRENT` is missing, and 000001.sst is there");
}

#[test]
fn a_current_that_names_no_manifest_is_damage() {
    let (bytes, after) = four_edits();
    let sim = disk_with(&bytes);
    for line in [
        &b""[..],
        b"\n",
        b"MANIFEST-000007",
        b"MANIFEST-000007\n\n",
        b"MANIFEST-000007\r\n",
        b"MANIFEST-7\n",
        b"MANIFEST-\n",
        b"000007.sst\n",
        b"CURRENT.tmp\n",
        b"../MANIFEST-000007\n",
        b"MANIFEST-000007\nMANIFEST-000008\n",
        b"MANIFEST-9999999999\n",
        b"MANIFEST-\xff\xff\n",
        &[0; 16],
    ] {
        sim.overwrite(path(CURRENT), line);
        expect_damage(&sim, CURRENT, None, &format!("`CURRENT` has \"{}\"", line.escape_ascii()));
    }
    sim.overwrite(path(CURRENT), b"MANIFEST-000007\n");
    expect_tables(&sim, &slices(&after[3]), "`CURRENT` names the manifest", RECOVERS);
}

#[test]
fn a_current_that_names_a_missing_manifest_is_damage() {
    let (bytes, after) = four_edits();
    let sim = disk_with(&bytes);
    sim.overwrite(path(CURRENT), b"MANIFEST-000008\n");
    expect_damage(&sim, CURRENT, None, "`CURRENT` names manifest 8, and only 7 is there");
    sim.overwrite(path(&manifest_name(8)), &bytes);
    expect_damage(&sim, "MANIFEST-000008", None, "manifest 8 has the bytes of 7");
    sim.overwrite(path(CURRENT), b"MANIFEST-000007\n");
    expect_tables(&sim, &slices(&after[3]), "`CURRENT` names manifest 7", RECOVERS);
}

// Reads that fail.

/// Whether the planned fault has struck: else it strikes one of these calls.
fn has_struck(sim: &SimFs, operation: Operation, nth: u64) -> bool {
    let call = || -> wal::Result<()> {
        let file = sim.open(&path(CURRENT))?;
        match operation {
            Operation::Read => drop(file.read_at(0, &mut [0])?),
            Operation::Len => drop(file.len()?),
            Operation::List => drop(sim.list(Path::new(DIR))?),
            _ => {}
        }
        Ok(())
    };
    (0..nth).all(|_| call().is_ok())
}

#[test]
fn a_read_that_fails_is_an_error_and_not_the_end() {
    // The last edit is so large that it takes a read of its own.
    let (mut bytes, mut after) = four_edits();
    let (lsn, payload) = (base_of(7) + bytes.len() as u64, bytes_of(&edit_of_size(20, 400_000)));
    let record = wal::Record { lsn, synced: lsn, payload: &payload };
    wal::encode(&record, &mut bytes).expect("it is not too large");
    after[3][0].insert(0, 20);
    let start = records_of(&bytes, 7)[1].0;
    let mut damaged = bytes.clone();
    damaged[start + 20] ^= 1;
    for operation in [Operation::Read, Operation::Open, Operation::List, Operation::Len] {
        for (bytes, is_damaged) in [(&damaged, true), (&bytes, false)] {
            for nth in 1.. {
                let sim = disk_with(bytes);
                sim.fail(operation, nth, Fault::Io);
                let came = try_recover(&sim);
                if !has_struck(&sim, operation, nth) {
                    // It comes through with fewer calls. Damage is found before names are listed.
                    let may_be = operation == Operation::Len || is_damaged;
                    assert!(nth > 1 || may_be, "recovery does without {operation:?} {RECOVERS}");
                    break;
                }
                let of = if is_damaged { "a damaged manifest" } else { "a whole manifest" };
                let what = format!("{operation:?} {nth} of the recovery of {of} fails");
                match came {
                    Err(error) if error.io_kind().is_some() => {}
                    Err(error) => panic!("{what}: want the disk's error, got {error} {RECOVERS}"),
                    Ok(state) => panic!(
                        "{what}, and nobody is told: recovery finds {:?} {RECOVERS}",
                        numbers(&state.levels)
                    ),
                }
            }
        }
    }
    expect_tables(&disk_with(&bytes), &slices(&after[3]), "no call fails", RECOVERS);
    expect_damage(&disk_with(&damaged), NAME, Some(start as u64), "no call fails, edit 1 damaged");
}
