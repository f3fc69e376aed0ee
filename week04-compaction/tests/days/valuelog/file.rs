//! A value file: what is written, and what is read of it.

use std::path::{Path, PathBuf};

use lsm::values::{Pointer, RECORD_OVERHEAD, ValueFile, ValueWriter};
use wal::fs::{Fault, Operation, SimFs};
use wal::testing::Workload;
use wal::{Error, Result};

use super::given::*;
use crate::allocated_by;

fn path(number: u32) -> PathBuf {
    Path::new(DIR).join(name_of(number))
}

#[track_caller]
fn begin(sim: &SimFs, number: u32) -> ValueWriter {
    ValueWriter::create(&fs(sim), Path::new(DIR), number).expect("a good disk")
}

/// Value file `number` with these values, and where they are.
#[track_caller]
fn file_of(sim: &SimFs, number: u32, entries: &[(&str, &[u8])]) -> (ValueFile, Vec<Pointer>) {
    let mut writer = begin(sim, number);
    let mut append =
        |(key, value): &(&str, &[u8])| writer.append(key.as_bytes(), value).expect("a good disk");
    let pointers = entries.iter().map(&mut append).collect();
    (writer.finish().expect("a good disk"), pointers)
}

#[track_caller]
fn expect_damage<T: std::fmt::Debug>(
    came: Result<T>,
    number: u32,
    offset: Option<u64>,
    what: &str,
) {
    match came {
        Err(Error::Corruption { file, offset: at, .. })
            if file == path(number) && offset.is_none_or(|offset| offset == at) => {}
        came => {
            panic!("{what}: want damage of {} at {offset:?}, got {came:?} {WHOLE}", name_of(number))
        }
    }
}

#[test]
fn a_value_file_is_exactly_these_bytes() {
    let sim = disk(1);
    let entries: [(&str, &[u8]); 2] = [("agate", b"banded"), ("lamp", b"brass, two wicks")];
    let (_, pointers) = file_of(&sim, 9, &entries);
    let hex: String = sim.contents(path(9)).iter().map(|byte| format!("{byte:02x}")).collect();
    #[rustfmt::skip]
    // ANCHOR: listing_golden_values
    let bytes = concat!(
        "434149524e56414c", "01000000", "09000000",       // magic, version 1, file 9
        "1bcbd0a9", "06000000", "00", "62616e646564", // byte 16: agate's, of 6 bytes, inline
        "f18c8d1b", "10000000", "00",                 // byte 31: lamp's, of 16 bytes, inline
        "62726173732c2074776f207769636b73",               // brass, two wicks
    );
    // ANCHOR_END: listing_golden_values
    assert_eq!(hex, bytes, "the value file of the chapter {WHOLE}");
    let want =
        [Pointer { file: 9, offset: 16, size: 6 }, Pointer { file: 9, offset: 31, size: 16 }];
    assert_eq!(pointers, want, "where its two records are {WHOLE}");
}

#[test]
fn values_of_any_size_come_back_with_their_tag() {
    let sizes = [0, 1, 2, 4_000, 255 << 10, (256 << 10) - 9, 256 << 10, 1, 300 << 10, 700_000, 3];
    let values: Vec<Vec<u8>> =
        sizes.iter().enumerate().map(|(at, &size)| vec![at as u8; size]).collect();
    let entries: Vec<(&str, &[u8])> = values.iter().map(|value| ("key", &value[..])).collect();
    let (file, pointers) = file_of(&disk(1), 5, &entries);
    let mut end = 16;
    for (value, pointer) in values.iter().zip(&pointers) {
        let came = file.read(b"key", pointer);
        let came =
            came.unwrap_or_else(|error| panic!("{pointer:?} cannot be read: {error} {WHOLE}"));
        let is_right = came[..1] == [0] && came[1..] == value[..];
        assert!(is_right, "{pointer:?}: {} bytes came, and other ones {WHOLE}", came.len());
        assert_eq!(pointer.offset, end, "records stand one behind the other {WHOLE}");
        end += (RECORD_OVERHEAD + value.len()) as u64;
    }
    assert_eq!(file.records_size(), end - 16, "size of all records {WHOLE}");
}

#[test]
fn a_pointer_that_leads_elsewhere_is_an_error() {
    let sim = disk(1);
    // Each of these records is good where it is; two of them have the same size.
    let (file, pointers) =
        file_of(&sim, 8, &[("a", b"first value"), ("b", b"other value"), ("c", b"x")]);
    let (twin, _) = file_of(&sim, 9, &[("a", b"first value"), ("b", b"other value"), ("c", b"x")]);
    let [a, b, _] = pointers[..] else { panic!("three records") };
    expect_damage(file.read(b"b", &a), 8, Some(16), "the record of another key");
    expect_damage(file.read(b"a", &b), 8, Some(36), "the record of another key");
    expect_damage(file.read(b"", &a), 8, Some(16), "the record of another key");
    expect_damage(
        twin.read(b"a", &Pointer { file: 9, offset: 17, ..a }),
        9,
        Some(17),
        "between two records",
    );
    for size in [0, 10, 12, 31] {
        let pointer = Pointer { size, ..a };
        expect_damage(file.read(b"a", &pointer), 8, Some(16), &format!("a record of {size} bytes"));
    }
    for offset in [0, 15, 46, 57, 1 << 40, u64::MAX - 8, u64::MAX] {
        let pointer = Pointer { offset, ..a };
        expect_damage(file.read(b"a", &pointer), 8, Some(offset), &format!("at byte {offset}"));
    }
    // A disk that has put one file's bytes in the place of another's, behind the header.
    let mut swapped = sim.contents(path(8));
    swapped[12..16].copy_from_slice(&9u32.to_le_bytes());
    drop(twin);
    sim.overwrite(path(9), &swapped);
    let twin = ValueFile::open(&fs(&sim), Path::new(DIR), 9).expect("its header is good");
    expect_damage(twin.read(b"a", &Pointer { file: 9, ..a }), 9, Some(16), "another file's record");
}

#[test]
fn every_flipped_bit_of_a_record_is_found() {
    let sim = disk(1);
    let (file, pointers) = file_of(&sim, 8, &[("a", b"first"), ("b", b"second")]);
    let pointer = pointers[1];
    for bit in 0..8 * pointer.record_size() {
        let at = pointer.offset + bit / 8;
        sim.flip_bit(path(8), at, (bit % 8) as u32);
        let what = format!("bit {} of byte {at} flipped", bit % 8);
        expect_damage(file.read(b"b", &pointer), 8, Some(pointer.offset), &what);
        sim.flip_bit(path(8), at, (bit % 8) as u32);
    }
    assert!(file.read(b"b", &pointer).is_ok(), "with every bit as it was {WHOLE}");
}

#[test]
fn a_record_has_the_size_that_its_pointer_says_and_the_tag() {
    let sim = disk(1);
    for (size, tag) in [(5_u32, 0), (4, 0), (6, 0), (5, 1), (5, 2)] {
        let covered = [&size.to_le_bytes()[..], &[tag], b"first"].concat();
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&8_u32.to_le_bytes());
        hasher.update(&16_u64.to_le_bytes());
        hasher.update(b"a");
        hasher.update(&covered);
        let crc = hasher.finalize().to_le_bytes();
        sim.overwrite(path(8), &[&header_of(8)[..], &crc, &covered].concat());
        let file = ValueFile::open(&fs(&sim), Path::new(DIR), 8).expect("its header is good");
        let came = file.read(b"a", &Pointer { file: 8, offset: 16, size: 5 });
        let what = format!("a record with a right checksum, size {size} and tag {tag}");
        if (size, tag) == (5, 0) {
            assert_eq!(came.expect("it is good")[..], stored("first"), "{what} {WHOLE}");
        } else {
            expect_damage(came, 8, Some(16), &format!("{what}, for a pointer of size 5"));
        }
    }
}

#[test]
fn a_pointer_whose_size_lies_gets_no_memory() {
    let (file, pointers) = file_of(&disk(1), 8, &[("a", b"first"), ("b", b"second")]);
    for size in [7, 1 << 20, u32::MAX - 9, u32::MAX] {
        let pointer = Pointer { size, ..pointers[1] };
        let what = format!("a value of {size} bytes in a file of 45");
        expect_damage(file.read(b"b", &pointer), 8, None, &what);
        let allocated = allocated_by(20, || file.read(b"b", &pointer));
        assert!(allocated < 1_000, "{what}: {allocated} bytes were asked for {WHOLE}");
    }
}

#[test]
fn a_lookup_reads_once_and_copies_nothing_twice() {
    let sim = disk(1);
    let value = vec![7; 100_000];
    let (file, pointers) = file_of(&sim, 8, &[("a", &value)]);
    let before = sim.counts();
    file.read(b"a", &pointers[0]).expect("a good disk");
    let after = sim.counts();
    assert_eq!(after.reads - before.reads, 1, "reads of a value {WHOLE}");
    let allocated = allocated_by(20, || file.read(b"a", &pointers[0]));
    assert!(
        allocated < 150_000,
        "a value of 100 000 bytes takes {allocated} bytes of memory: give a slice of what was read"
    );
}

#[test]
fn a_finished_file_survives_a_power_cut_with_its_name() {
    for seed in 0..20 {
        let sim = disk(seed);
        let (file, pointers) = file_of(&sim, 8, &[("a", b"first"), ("b", &[7; 5_000])]);
        let bytes = sim.contents(path(8));
        sim.power_cycle();
        drop(file);
        let there = names(&sim, ".val");
        assert_eq!(there, ["000008.val"], "after a power cut, seed {seed} {WHOLE}");
        assert!(sim.contents(path(8)) == bytes, "it has other bytes now, seed {seed} {WHOLE}");
        let file = ValueFile::open(&fs(&sim), Path::new(DIR), 8).expect("it is whole");
        let came = file.read(b"b", &pointers[1]);
        assert!(came.is_ok(), "and is read: {came:?} {WHOLE}");
    }
}

#[test]
fn a_file_that_is_not_finished_leaves_nothing() {
    let sim = disk(1);
    let mut writer = begin(&sim, 8);
    writer.append(b"a", &[7; 300_000]).expect("a good disk");
    drop(writer);
    assert_eq!(names(&sim, ".val"), [""; 0], "a writer was dropped {WHOLE}");
    let steps = [
        Operation::Write,
        Operation::Sync,
        Operation::SyncDir,
        // Of opening it.
        Operation::Open,
        Operation::Read,
    ];
    for operation in steps {
        let sim = disk(1);
        let mut writer = begin(&sim, 8);
        writer.append(b"a", b"first").expect("it is in memory");
        sim.fail(operation, 1, Fault::Io);
        let finished = writer.finish();
        assert!(finished.is_err(), "{operation:?} has failed, and `finish` says nothing {WHOLE}");
        drop(finished);
        assert_eq!(names(&sim, ".val"), [""; 0], "{operation:?} has failed {WHOLE}");
    }
}

#[test]
fn small_values_are_written_together() {
    let sim = disk(1);
    let (mut writer, mut dice) = (begin(&sim, 8), Workload::new(1));
    let before = sim.counts().writes;
    let mut size = 0;
    while size < 1 << 20 {
        let value = vec![7; dice.below(2_000)];
        size += value.len();
        writer.append(b"key", &value).expect("a good disk");
    }
    drop(writer.finish().expect("a good disk"));
    let writes = sim.counts().writes - before;
    assert!((4..=6).contains(&writes), "1 MiB in pieces of 256 KiB: {writes} writes {WHOLE}");
}
