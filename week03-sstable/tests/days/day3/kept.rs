//! What a reader keeps: the block at hand, the memory it has, and the error that came.

use memtable::{Cursor, InternalKey, Lookup, SEQ_MAX};
use wal::Result;
use wal::fs::{Fault, Operation, SimFs};

use super::given::*;
use crate::allocated_by;

// Opening.

#[track_caller]
fn expect_disks_error<T>(result: &Result<T>, what: &str) {
    let came = result.as_ref().map(|_| "a table");
    let is_io = came.is_err_and(|error| error.io_kind().is_some());
    assert!(is_io, "{what}: want the disk's error, got {came:?} {OPENS}");
}

#[test]
fn a_disk_that_cannot_say_how_long_the_file_is_gives_its_error() {
    let sim = disk_with(&file_of(64, &entries(STONES)));
    sim.fail(Operation::Len, 1, Fault::Io);
    expect_disks_error(&open(&sim), "the file's length is not to be had");
}

#[test]
fn a_filter_that_cannot_be_read_is_an_error_and_not_a_table_without_one() {
    let mut parts = Parts::of(&file_of(64, &entries(STONES)));
    parts.filter = Some([&[0xff; 64][..], &[6]].concat());
    let sim = disk_with(&parts.file());
    for nth in 1..=4 {
        sim.fail(Operation::Read, nth, Fault::Io);
        expect_disks_error(&open(&sim), &format!("read {nth} of four fails"));
    }
}

// Lookups.

#[test]
fn a_snapshot_at_the_largest_number_sees_what_was_written_there() {
    let given = given(64, &[Entry::put("a", SEQ_MAX, "x"), Entry::put("a", 5, "y")]);
    for seq in [5, SEQ_MAX - 1, SEQ_MAX, SEQ_MAX + 1, u64::MAX] {
        given.expect_get(b"a", seq);
    }
}

#[test]
fn a_get_puts_no_key_together() {
    let key = vec![b'k'; 40_000];
    let given = given(1, &[Entry::put(key.clone(), 7, "x")]);
    let allocated = allocated_by(300, || given.table.get(&key, 7));
    assert!(
        allocated < 60_000,
        "a get from a block whose one key has 40 000 bytes allocates {allocated}: the block is \
         read to one place, and its key is compared where it stands {GETS}"
    );
}

#[test]
fn a_small_value_is_a_slice_of_its_block_too() {
    let given = given(4096, &entries("a@7=12345678901234567890 b@7=x d@7=x"));
    let get = |key| given.table.get(key, 7).expect("a good disk");
    let found = allocated_by(300, || assert!(matches!(get(b"a"), Lookup::Value(_))));
    let absent = allocated_by(300, || assert!(matches!(get(b"c"), Lookup::Absent)));
    assert_eq!(
        found, absent,
        "bytes allocated by a get of 20 bytes, and by one of an absent key in the same block {GETS}"
    );
}

#[test]
fn the_index_of_many_blocks_is_halved() {
    // A look at each separator takes a minute here, and halving well under a second.
    let given = given(1, &numbered(20_000, 1));
    for _ in 0..100_000 {
        let came = given.table.get(b"key39999", 7);
        assert!(matches!(came, Ok(Lookup::Absent)), "behind the last: got {came:?} {GETS}");
    }
}

// A cursor's block.

#[test]
fn a_cursor_still_has_its_block_when_another_could_not_be_read() {
    let given = given(64, &entries(STONES));
    let stones = &given.entries;
    let mut cursor = given.table.cursor();
    cursor.seek(stones[0].key()).expect("a good disk");
    given.sim.fail(Operation::Read, 1, Fault::Io);
    cursor.seek(stones[2].key()).expect_err("its block cannot be read");
    let reads = given.reads();
    cursor.seek(stones[1].key()).expect("a good disk");
    assert_eq!(
        (given.reads() - reads, entry_of(&cursor).as_ref()),
        (0, Some(&stones[1])),
        "reads by a seek into the block that it had before a read failed, and where it is {FAILS}"
    );
}

#[test]
fn a_cursor_still_has_its_block_behind_the_end() {
    let given = given(64, &entries(STONES));
    let stones = &given.entries;
    let mut cursor = given.table.cursor();
    cursor.last().expect("a good disk");
    let reads = given.reads();
    let behind = InternalKey::lookup(b"z", 1);
    cursor.seek(behind).expect("a good disk");
    assert!(cursor.key().is_none(), "z is behind all {WALKS}");
    cursor.seek_back(behind).expect("a good disk");
    assert_eq!(
        (given.reads() - reads, entry_of(&cursor).as_ref()),
        (0, Some(&stones[3])),
        "reads by a seek behind the end and one back, from the last block, and where it is {WALKS}"
    );
}

#[test]
fn a_cursor_takes_its_memory_along_into_the_next_block() {
    let key = |end| [&[b'k'; 40_000][..], &[end]].concat();
    let given = given(1, &[Entry::put(key(b'a'), 7, "x"), Entry::put(key(b'b'), 7, "y")]);
    let mut cursor = given.table.cursor();
    cursor.first().expect("a good disk");
    cursor.next().expect("a good disk");
    let allocated = allocated_by(300, || {
        cursor.prev().expect("a good disk");
        cursor.next().expect("a good disk");
    });
    assert!(
        allocated < 90_000,
        "a step into another block and one back allocate {allocated} bytes: want the two blocks of \
         40 KB, and the memory for a key is there already {WALKS}"
    );
}

// Errors.

#[test]
fn a_damaged_block_is_not_read_again_to_be_sure() {
    let mut file = file_of(64, &entries(STONES));
    file[79] ^= 1;
    let sim = disk_with(&file);
    let table = open(&sim).expect("index, properties and footer are good");
    let reads = sim.counts().reads;
    let came = table.get(b"stove", 9);
    assert!(names_part(&came, 49), "a flipped bit in stove's value: got {came:?} {FAILS}");
    assert_eq!(sim.counts().reads - reads, 1, "reads by a get of a damaged block {GETS}");
}

/// The chapter's table, with a second entry in its second block that cannot be; all checksums are
/// good.
fn disk_with_a_bad_second_entry() -> SimFs {
    let mut parts = Parts::of(&file_of(64, &entries(STONES)));
    parts.blocks[1][18] = 0x7f;
    disk_with(&parts.file())
}

#[test]
fn an_entry_that_cannot_be_is_named_by_its_block() {
    let sim = disk_with_a_bad_second_entry();
    let table = open(&sim).expect("index, properties and footer are good");
    let why = "stove's key is 127 bytes long, they say, at byte 17 of the block at 49";
    let came = table.get(b"stove", 9);
    assert!(names_part(&came, 49), "get, where {why}: got {came:?} {FAILS}");
    let came = table.cursor().seek(InternalKey::lookup(b"stove", 9));
    assert!(names_part(&came, 49), "a cursor's seek, where {why}: got {came:?} {FAILS}");
}

#[test]
fn find_refuses_what_reaches_across_a_restart_point_though_it_shares_more() {
    // aa, aab, ab: aab's value goes on to where ab ends. The target is ab, so aab is passed by.
    let (first, last) = (raw(0, "aa", 1), raw(0, "ab", 1));
    let passed_by = raw(2, "b", 1 + last.len() as u8);
    let restart = (first.len() + passed_by.len()) as u32;
    let block = block_of_raw(&[&first, &passed_by, &last], &[0, restart]);
    let came = block.find(InternalKey::lookup(b"ab", 7)).map_err(|bad| bad.at);
    assert_eq!(
        came,
        Err(first.len()),
        "find ab; aab in front of it reaches across the restart point of ab, to its end (an error \
         is given by its byte) {FINDS}"
    );
}

// What a table and a cursor say of themselves.

#[test]
fn a_cursor_lends_its_value_and_shows_its_key() {
    let given = given(64, &entries(STONES));
    let mut cursor = given.table.cursor();
    assert_eq!(cursor.value(), b"", "the value of a cursor that is at none {WALKS}");
    cursor.first().expect("a good disk");
    for entry in &given.entries {
        assert_eq!(cursor.value(), entry.value, "the value at {entry}, lent {WALKS}");
        let shown = format!("{cursor:?}");
        let key = format!("{:?}", entry.key());
        assert!(shown.contains(&key), "{{:?}} of the cursor at {entry} is {shown} {WALKS}");
        cursor.next().expect("a good disk");
    }
}

#[test]
fn a_table_knows_what_memory_its_index_takes() {
    let given = given(64, &numbered(2_000, 10));
    let index_size = given.table.properties().block_count() as u64 * 40;
    let memory = given.table.memory() as u64;
    assert!(
        (index_size / 2..=2 * index_size).contains(&memory),
        "an index of some {index_size} bytes, and no filter: it says {memory} {OPENS}"
    );
}
