//! Files that somebody or something has changed.

use std::path::Path;

use memtable::{Cursor, InternalKey, SEQ_MAX};
use sstable::format::{FOOTER_SIZE, HANDLE_SIZE, Handle};
use wal::Result;
use wal::fs::{Fault, Fs, Operation, SimFs};
use wal::testing::{Workload, seeds};

use super::given::*;
use crate::allocated_by;

// Opening.

#[test]
fn to_open_a_table_takes_a_read_for_each_part_and_none_for_its_data() {
    for (block_size, count) in [(4096, 1), (64, 2000)] {
        let sim = disk_with(&file_of(block_size, &numbered(count, 10)));
        let reads = sim.counts().reads;
        let table = open(&sim).expect("a good table");
        let came = (sim.counts().reads - reads, table.stats().blocks_read);
        assert_eq!(came, (3, 0), "reads to open {count} entries, and data blocks read {OPENS}");
    }
}

#[test]
fn a_table_knows_its_properties_and_its_size_when_it_is_open() {
    let stones = entries(STONES);
    let given = given(64, &stones);
    let properties = given.table.properties();
    let came = (properties.entry_count, properties.data_size, properties.block_counts[0]);
    assert_eq!(came, (4, 93, 2), "entries, bytes and number of data blocks {OPENS}");
    let came = (given.table.size(), given.table.path(), given.table.id());
    assert_eq!(came, (330, Path::new(PATH), 1), "size of the file, its path, its id {OPENS}");
}

#[test]
fn a_read_that_fails_while_a_table_is_opened_is_an_error() {
    let sim = disk_with(&file_of(64, &entries(STONES)));
    for nth in 1..=3 {
        sim.fail(Operation::Read, nth, Fault::Io);
        let opened = open(&sim).map(|_| "a table");
        let is_io = opened.as_ref().is_err_and(|error| error.io_kind().is_some());
        assert!(is_io, "read {nth} fails: want the disk's error, got {opened:?} {OPENS}");
    }
    assert!(open(&sim).is_ok(), "a disk that is well again: the table must open {OPENS}");
}

// Every byte, every length.

/// Whatever a lookup or a walk says of the damaged file is an error that names the block at `at`,
/// or right.
#[track_caller]
fn expect_right_or_named(sim: &SimFs, all: &[Entry], at: u64, what: &str) {
    let table =
        open(sim).unwrap_or_else(|error| panic!("{what}, in a data block: {error} {OPENS}"));
    let mut failed = 0;
    for entry in all {
        let (want, came) =
            (in_list(all, &entry.user_key, entry.seq), table.get(&entry.user_key, entry.seq));
        failed += usize::from(came.is_err());
        assert!(
            names_part(&came, at) || came.as_ref().is_ok_and(|came| *came == want),
            "{what}: {entry}: want {want:?}, or an error that names byte {at}; got {came:?} {FAILS}"
        );
    }
    assert!(failed > 0, "{what}: all entries are found, and nobody hears of the damage {FAILS}");
    let mut cursor = table.cursor();
    let mut result = cursor.first();
    for entry in all {
        let Some(came) = entry_of(&cursor) else { break };
        assert!(came == *entry, "{what}: a walk gives {came} in the place of {entry} {FAILS}");
        result = cursor.next();
    }
    let is_named = names_part(&result, at) && cursor.key().is_none();
    assert!(is_named, "{what}: the walk must end with an error naming {at}: {result:?} {FAILS}");
}

#[test]
fn every_flipped_byte_is_named_and_no_answer_is_wrong() {
    let all = entries(STONES);
    let file = file_of(64, &all);
    let places = places(&file);
    for at in 0..file.len() {
        let part = *places.iter().rfind(|&&place| place <= at as u64).expect("the first is 0");
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = file.clone();
            damaged[at] ^= flip;
            let what = format!("byte {at} of the file, xor {flip:#04x}");
            if places[..2].contains(&part) {
                expect_right_or_named(&disk_with(&damaged), &all, part, &what);
            } else {
                expect_refused(&damaged, part, &what);
            }
        }
    }
}

#[test]
fn every_other_length_of_a_file_is_refused() {
    let file = file_of(64, &entries(STONES));
    for size in 0..file.len() {
        let opened = open(&disk_with(&file[..size])).map(|_| "a table");
        let why = format!("the first {size} bytes of {}", file.len());
        let is_damage = matches!(opened, Err(wal::Error::Corruption { .. }));
        assert!(is_damage, "{why}: want an error that says so, got {opened:?} {OPENS}");
    }
    for more in 1..2 * FOOTER_SIZE {
        let opened = open(&disk_with(&[&file[..], &vec![0; more]].concat())).map(|_| "a table");
        assert!(opened.is_err(), "{more} zeros behind the footer: got {opened:?} {OPENS}");
    }
}

#[test]
fn a_file_that_gets_shorter_while_it_is_open_gives_errors() {
    let given = given(64, &entries(STONES));
    let file = given.sim.open(Path::new(PATH)).expect("it is there");
    for size in (0..=92).rev() {
        file.set_len(size).expect("a good disk");
        let came = given.table.get(b"stone", 9);
        assert!(
            names_part(&came, 49),
            "stone, whose block is bytes 49 to 93, cut at {size}: {came:?} {FAILS}"
        );
        if size >= 49 {
            given.expect_get(b"marble", 9);
        }
    }
}

#[test]
fn a_block_in_the_place_of_another_is_refused() {
    // Two blocks of one size, with their trailers, change places.
    let all = entries("aa@1=x bb@2=y");
    let file = file_of(1, &all);
    let places = places(&file);
    let (size, mut swapped) = (places[1] as usize, file.clone());
    assert_eq!(places[2], 2 * places[1], "the two blocks have one size (rule 1 of day 2)");
    swapped[..size].copy_from_slice(&file[size..2 * size]);
    swapped[size..2 * size].copy_from_slice(&file[..size]);
    let table = open(&disk_with(&swapped)).expect("index, properties and footer are good");
    for (entry, place) in all.iter().zip(places) {
        let came = table.get(&entry.user_key, 9);
        let why = "its block is whole, and stands in another's place";
        assert!(names_part(&came, place), "{entry}: {why}: got {came:?} {FAILS}");
    }
}

#[test]
fn a_block_that_is_none_is_named_although_its_checksum_is_good() {
    let mut parts = Parts::of(&file_of(64, &entries(STONES)));
    let (mut count, mut lengths) = (parts.clone(), parts.clone());
    *count.blocks[1].last_mut().expect("it has bytes") = 9;
    lengths.blocks[1][0] = 9;
    parts.blocks[1][1] = 0x7f;
    for (what, parts) in [("restart count", count), ("shared", lengths), ("unshared", parts)] {
        let table = open(&disk_with(&parts.file())).expect("a data block is not read to open");
        let came = table.get(b"stone", 9);
        assert!(names_part(&came, 49), "{what} of block 1 is wrong: {came:?} {FAILS}");
        let mut cursor = table.cursor();
        let came = cursor.seek(InternalKey::lookup(b"stone", 9));
        let is_at_none = cursor.key().is_none();
        assert!(names_part(&came, 49) && is_at_none, "{what}, by a cursor: {came:?} {FAILS}");
        let came = cursor.first().map(|()| cursor.key().is_some());
        assert!(matches!(came, Ok(true)), "block 0 is good: first gives {came:?} {FAILS}");
    }
}

#[test]
fn a_block_whose_codec_nobody_knows_is_an_error() {
    for (codec, parts) in
        [4, 9, 0xff].map(|codec| (codec, Parts::of(&file_of(64, &entries(STONES)))))
    {
        let mut file = Vec::new();
        seal(&mut file, &parts.blocks[0], codec);
        let whole = parts.file();
        file.extend_from_slice(&whole[file.len()..]);
        let table = open(&disk_with(&file)).expect("a data block is not read to open");
        let came = table.get(b"marble", 9);
        let is_error = came.as_ref().is_err_and(|error| error.io_kind().is_some());
        assert!(
            is_error,
            "codec {codec} with a good checksum: want Unsupported, got {came:?} {FAILS}"
        );
    }
}

// The index, with good checksums.

/// The table of the chapter, with an index that was changed.
#[track_caller]
fn expect_index_refused(what: &str, change: impl FnOnce(&mut Parts)) {
    let mut parts = Parts::of(&file_of(64, &entries(STONES)));
    change(&mut parts);
    expect_refused(&parts.file(), 93, what);
}

#[test]
fn data_blocks_that_leave_a_gap_or_overlap_are_refused() {
    for (offset, size) in [(49, 44), (49, 38), (48, 39), (50, 38), (50, 39), (0, 88), (0, 44)] {
        expect_index_refused("the second block is elsewhere", |parts| {
            parts.index[1].1 = Handle { offset, size }.encode().to_vec();
        });
    }
    expect_index_refused("the first block is not at 0", |parts| {
        parts.index[0].1 = Handle { offset: 1, size: 43 }.encode().to_vec();
    });
    expect_index_refused("the blocks change places", |parts| {
        let [first, second] = [0, 1].map(|at| parts.index[at].1.clone());
        (parts.index[0].1, parts.index[1].1) = (second, first);
    });
}

#[test]
fn an_index_that_ends_before_the_data_or_behind_it_is_refused() {
    expect_index_refused("the index has the first block only", |parts| {
        parts.index.pop();
        // The properties agree: only the place tells.
        parts.properties[64] = 1;
    });
    expect_index_refused("a third block begins where the data end", |parts| {
        let handle = Handle { offset: 93, size: 10 };
        parts.index.push((b"z\x01\x07\0\0\0\0\0\0".to_vec(), handle.encode().to_vec()));
        parts.properties[64] = 3;
    });
}

#[test]
fn separators_that_do_not_ascend_are_refused() {
    let encoded = |key: InternalKey<'_>| {
        let mut out = Vec::new();
        key.encode(&mut out);
        out
    };
    // Behind r@MAX in the first place: none of these is behind stove@9.
    for (key, seq) in [(&b"stove"[..], 9), (b"stove", 8), (b"stove\0", 9), (b"z", SEQ_MAX)] {
        expect_index_refused("the first separator is not before the second", |parts| {
            parts.index[0].0 = encoded(InternalKey::lookup(key, seq));
        });
    }
}

#[test]
fn an_index_value_that_is_no_handle_is_refused() {
    for size in [0, 1, HANDLE_SIZE - 1, HANDLE_SIZE + 1, 40] {
        expect_index_refused("a value of another size than a handle's", |parts| {
            parts.index[1].1.resize(size, 0);
        });
    }
}

#[test]
fn an_index_that_is_no_block_is_refused() {
    let parts = Parts::of(&file_of(64, &entries(STONES)));
    let good = parts.index_block();
    let mut shared = good.clone();
    shared[0] = 1;
    for index in [&b""[..], b"\0\0\0\0", &good[..good.len() - 1], &good[1..], &shared] {
        expect_refused(&parts.file_with_index(index), 93, "an index block that is none");
    }
}

#[test]
fn a_handle_to_the_end_of_the_world_gets_no_memory() {
    for (offset, size) in [(49, u32::MAX), (49, 1 << 30), (u64::MAX, 5), (u64::MAX - 4, u32::MAX)] {
        let mut parts = Parts::of(&file_of(64, &entries(STONES)));
        parts.index[1].1 = Handle { offset, size }.encode().to_vec();
        let file = parts.file();
        expect_refused(&file, 93, "a block that goes past the end of the data");
        let sim = disk_with(&file);
        let allocated = allocated_by(300, || open(&sim).is_err());
        assert!(allocated < 100_000, "{allocated} bytes for a handle of {size} {OPENS}");
    }
}

// Properties and filter, with good checksums or not.

#[test]
fn properties_that_are_none_or_do_not_agree_with_the_index_are_refused() {
    let parts = Parts::of(&file_of(64, &entries(STONES)));
    // Byte 48 begins the size of the data blocks, 64 the numbers of blocks of each codec.
    for (at, byte) in [(48, 92), (48, 94), (52, 1), (64, 1), (64, 3), (64, 0), (68, 1), (76, 1)] {
        let mut parts = parts.clone();
        parts.properties[at] = byte;
        let what = format!("byte {at} of the properties is {byte}: two blocks, of 93 bytes");
        expect_refused(&parts.file(), 158, &what);
    }
    for size in [0, 1, 87, 88, 114] {
        let mut parts = parts.clone();
        parts.properties.truncate(size);
        expect_refused(&parts.file(), 158, "properties that are cut off");
    }
    // 2³² − 1 blocks of one codec and 3 of another are 2 only in 32 bits.
    let mut parts = parts;
    parts.properties[64..72].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0]);
    expect_refused(&parts.file(), 158, "more data blocks by the properties than 32 bits can count");
}

#[test]
fn a_filter_block_is_read_and_checked_when_the_table_is_opened() {
    let all = entries(STONES);
    let mut parts = Parts::of(&file_of(64, &all));
    // A line full of ones, and six probes: it lets all keys through.
    parts.filter = Some([&[0xff; 64][..], &[6]].concat());
    let file = parts.file();
    let sim = disk_with(&file);
    let table = open(&sim).unwrap_or_else(|error| panic!("a table with a filter: {error} {OPENS}"));
    assert_eq!(sim.counts().reads, 4, "reads to open a table with a filter {OPENS}");
    for entry in &all {
        let (want, came) = (in_list(&all, &entry.user_key, 9), table.get(&entry.user_key, 9));
        assert!(came.as_ref().is_ok_and(|came| *came == want), "{entry}: got {came:?} {GETS}");
    }
    for at in 93..93 + 70 {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        expect_refused(&damaged, 93, "a flipped bit in the filter block");
    }
}

/// Every move and every lookup, and what they say does not matter.
fn use_all(sim: &SimFs, targets: &[Entry], limit: usize) -> Result<()> {
    let table = open(sim)?;
    for target in targets {
        let mut cursor = table.cursor();
        let _ = table.get(&target.user_key, target.seq);
        let _ = cursor.seek(target.key()).and_then(|()| cursor.next());
        let _ = cursor.seek_back(target.key()).and_then(|()| cursor.prev());
    }
    for forward in [true, false] {
        let mut cursor = table.cursor();
        let mut moved = if forward { cursor.first() } else { cursor.last() };
        for count in 0.. {
            assert!(count <= limit, "a walk of more than {limit} entries never ends {WALKS}");
            if moved.is_err() || cursor.key().is_none() {
                break;
            }
            moved = if forward { cursor.next() } else { cursor.prev() };
        }
        assert!(cursor.key().is_none(), "behind its end, or an error: at none {FAILS}");
    }
    Ok(())
}

#[test]
fn good_checksums_over_any_bytes_make_no_panic_and_no_endless_walk() {
    for seed in seeds(300) {
        let mut dice = Workload::new(seed);
        let entries = random(&mut dice, 12);
        let good = Parts::of(&file_of(80, &entries));
        for _ in 0..4 {
            let (mut parts, mut index) = (good.clone(), good.index_block());
            let part = match dice.below(3) {
                0 => &mut index,
                1 => &mut parts.properties,
                _ => {
                    let at = dice.below(parts.blocks.len());
                    &mut parts.blocks[at]
                }
            };
            for _ in 0..1 + dice.below(3) {
                let at = dice.below(part.len());
                let byte = [0, 1, 0xff, part[at].wrapping_add(1), dice.below(256) as u8];
                part[at] = byte[dice.below(5)];
            }
            let sim = disk_with(&parts.file_with_index(&index));
            let _ = use_all(&sim, &targets(&entries), 1000);
        }
    }
}
