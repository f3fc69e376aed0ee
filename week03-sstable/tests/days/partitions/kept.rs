//! What is promised of parts: how they are stored, counted and named, and what goes wrong with them.

use std::path::Path;
use std::sync::Arc;

use memtable::{Cursor, Lookup};
use sstable::format::{PARTITION_SIZE, Partition};
use sstable::{BlockCache, Codec, Filter, TableBuilder, TableCursor, TableOptions};
use wal::Error;
use wal::fs::{Fault, Fs, Operation, SimFs};

use super::given::*;

#[test]
fn parts_are_stored_as_they_are_whatever_the_codec() {
    // Many keys in an index part; few in a filter part, of which nearly all bits are zero.
    for (block_size, size) in [(512, 1000), (16, 1)] {
        let options = TableOptions { codec: Codec::Lz4, ..cut(block_size, size, 10) };
        let file = file_of(&options, &numbered(2000, 60));
        for (_, value) in pairs(&block_at(&file, footer_of(&file).0.index)) {
            let value: [u8; PARTITION_SIZE] = value[..].try_into().expect("two handles");
            let Partition { filter, index } = Partition::decode(&value);
            block_at(&file, index); // Its checksum is that of a block with codec 0.
            block_at(&file, filter.expect("there are filters"));
        }
    }
}

#[test]
fn a_data_block_that_is_none_is_an_error_of_get() {
    let mut file = file_of(&cut(64, 1, 10), &entries(STONES));
    let handle = parts_of(&file)[1].index[0].1;
    let mut bytes = block_at(&file, handle);
    bytes[0] = 1; // The first entry shares a byte with nothing.
    reseal(&mut file, handle, &bytes);
    let came = open(&disk_with(&file), None).expect("no block is read").get(b"marble", 9);
    assert!(names_part(&came, handle.offset), "want byte {}: {came:?} {TOP}", handle.offset);
}

#[test]
fn an_error_says_which_part_it_is() {
    let file = file_of(&cut(64, 1, 10), &entries(STONES));
    let part = &parts_of(&file)[1];
    let (filter, index) = (part.handles.filter.expect("a filter"), part.handles.index);
    for (name, handle) in
        [("filter part", filter), ("index part", index), ("data block", part.index[0].1)]
    {
        let mut damaged = file.clone();
        damaged[handle.offset as usize + 3] ^= 1;
        let came = open(&disk_with(&damaged), None).expect("no part is read").get(b"marble", 9);
        let text = came.expect_err("damage").to_string();
        assert!(text.contains(name), "want `{name}` in: {text} {TOP}");
    }
    // Under a good checksum, too.
    let (mut damaged, mut bytes) = (file.clone(), block_at(&file, filter));
    let probes_at = bytes.len() - 9;
    bytes[probes_at] = 0;
    reseal(&mut damaged, filter, &bytes);
    let came = open(&disk_with(&damaged), None).expect("no part is read").get(b"marble", 9);
    let text = came.expect_err("damage").to_string();
    assert!(text.contains("filter part"), "want `filter part` in: {text} {TOP}");
}

#[test]
fn a_seek_back_reads_one_index_part_and_one_block() {
    let all = entries(STONES);
    let given = given(&cut(64, 1, 10), &all, None);
    // Behind the last entry of partition 0, basalt@4, before the top's key, c.
    let (last, target) = (1, Entry::put("bb", 9, ""));
    let mut cursor = given.table.cursor();
    let reads = given.reads_of(|_| cursor.seek_back(target.key()).expect("a good disk"));
    assert!(entry_of(&cursor).as_ref() == Some(&all[last]), "{:?} {WALKS}", entry_of(&cursor));
    assert_eq!(reads, 2, "reads of a seek back that needs no other block {WALKS}");
}

#[test]
fn a_large_index_part_is_halved() {
    // One part with an entry for each of 30 000 blocks: to look through it 20 000 times takes a
    // minute, and to halve it well under a second.
    let all = numbered(30_000, 0);
    let cache = Arc::new(BlockCache::with_shards(64 << 20, 1));
    let given = given(&cut(16, 600_000, 10), &all, Some(&cache));
    for n in 0..20_000 {
        let entry = &all[14_000 - n % 100];
        let came = given.table.get(&entry.user_key, 9);
        assert!(matches!(came, Ok(Lookup::Value(_))), "{entry}: got {came:?} {ASKS}");
    }
}

#[test]
fn behind_the_last_key_no_filter_has_answered() {
    let given = given(&cut(128, 200, 10), &numbered(200, 20), None);
    given.expect_get(b"zzz", 9);
    let stats = given.table.stats();
    assert_eq!((stats.filter_avoided, stats.filter_misled), (0, 0), "nobody asked {ASKS}");
}

#[test]
fn every_write_that_fails_is_an_error_and_leaves_no_file() {
    let all = numbered(60, 20);
    for nth in 1.. {
        let sim = SimFs::new(1);
        sim.create_dir(Path::new("/db")).expect("a good disk");
        let fs: Arc<dyn Fs> = Arc::new(sim.clone());
        let mut builder =
            TableBuilder::create(fs, Path::new(PATH), cut(64, 100, 10)).expect("a good disk");
        sim.fail(Operation::Write, nth, Fault::Io);
        let mut failed = false;
        for entry in &all {
            match builder.add(entry.key(), &entry.value) {
                Ok(()) => assert!(!failed, "write {nth} failed, and `add` goes on {CUT}"),
                Err(Error::Poisoned { .. }) => assert!(failed, "poisoned before write {nth} {CUT}"),
                Err(error) => {
                    let is_io = !failed && error.io_kind().is_some();
                    assert!(is_io, "write {nth} fails, and `add` says {error} {CUT}");
                    failed = true;
                }
            }
        }
        let done = builder.finish();
        if done.is_ok() {
            assert!(!failed && nth > 20, "write {nth} fails, and a table is finished {CUT}");
            break;
        }
        let names = sim.list(Path::new("/db")).expect("it is there");
        assert!(names.is_empty(), "write {nth} fails, and {names:?} is left {CUT}");
    }
}

#[test]
fn errors_of_a_filter_where_it_stands_are_those_of_decode() {
    for (size, last) in (0..200).flat_map(|size| [0, 1, 6, 30, 31, 255].map(|last| (size, last))) {
        let mut bytes = vec![0xff; size];
        bytes.extend((size > 0).then_some(last));
        let (want, came) =
            (Filter::decode(&bytes).err(), Filter::may_contain_in(&bytes, b"k").err());
        assert_eq!(came, want, "{size} bytes, then {last} {ASKS}");
    }
}

#[test]
fn a_step_from_in_front_of_the_first_leads_nowhere() {
    let all = numbered(30, 20);
    let given = given(&cut(64, 1, 10), &all, None);
    let mut cursor = given.table.cursor();
    cursor.prev().expect("from no entry, nowhere");
    cursor.next().expect("from no entry, nowhere");
    assert!(cursor.key().is_none(), "a step of a new cursor {WALKS}");
    cursor.first().expect("a good disk");
    for _ in 0..3 {
        cursor.prev().expect("a good disk");
        assert!(cursor.key().is_none(), "in front of the first {WALKS}");
    }
    cursor.next().expect("from no entry, nowhere");
    assert!(cursor.key().is_none(), "a step from none {WALKS}");
}

#[test]
fn what_a_filter_part_lets_through_for_nothing_is_counted() {
    let given = given(&cut(128, 2000, 2), &numbered(1000, 20), None);
    (0..999).for_each(|n| given.expect_get(user_key(2 * n + 1).as_bytes(), 9));
    let stats = given.table.stats();
    assert!(stats.filter_misled > 0, "two bits a key let some through: {stats:?} {ASKS}");
    assert_eq!(stats.filter_avoided + stats.filter_misled, 999, "{stats:?} {ASKS}");
    assert_eq!(stats.blocks_read, stats.filter_misled, "a data block for each of these {ASKS}");
}

#[test]
fn a_read_that_fails_is_an_error_of_every_move() {
    type Move = fn(&mut TableCursor<'_>) -> wal::Result<()>;
    let all = entries(STONES);
    let given = given(&cut(64, 1, 10), &all, None);
    // What is there first, the move, and how often it reads.
    let moves: [(&str, Option<usize>, Move, u64); 6] = [
        ("first", None, |cursor| cursor.first(), 2),
        ("last", None, |cursor| cursor.last(), 2),
        ("next across a border", Some(1), |cursor| cursor.next(), 2),
        ("prev across a border", Some(2), |cursor| cursor.prev(), 2),
        // Behind the last entry of partition 0, before the top's key, c.
        ("seek", None, |cursor| cursor.seek(Entry::put("bb", 9, "").key()), 4),
        // Behind the top's key, before the first entry of partition 1.
        ("seek back", None, |cursor| cursor.seek_back(Entry::put("d", 9, "").key()), 4),
    ];
    for (what, from, go, reads) in moves {
        for nth in 1..=reads {
            let mut cursor = given.table.cursor();
            if let Some(from) = from {
                cursor.seek(all[from].key()).expect("a good disk");
            }
            given.sim.fail(Operation::Read, nth, Fault::Io);
            let moved = go(&mut cursor);
            let is_io = moved.as_ref().is_err_and(|error| error.io_kind().is_some());
            assert!(is_io, "{what}: read {nth} of {reads} fails, and it says {moved:?} {WALKS}");
            assert!(cursor.key().is_none(), "{what}: after an error it is at none {WALKS}");
            for step in [TableCursor::next, TableCursor::prev] {
                step(&mut cursor).expect("from no entry, nowhere");
                assert!(cursor.key().is_none(), "{what}: a step after an error {WALKS}");
            }
            cursor.seek(all[3].key()).expect("the disk is well again");
            assert!(entry_of(&cursor).as_ref() == Some(&all[3]), "{what}: elsewhere {WALKS}");
        }
    }
}

#[test]
fn a_filter_part_without_a_byte_is_an_error() {
    let mut file = file_of(&cut(64, 1, 10), &entries(STONES));
    let filter = parts_of(&file)[1].handles.filter.expect("a filter");
    let key = |user_key: &[u8]| {
        let mut key = Vec::new();
        memtable::InternalKey::lookup(user_key, memtable::SEQ_MAX).encode(&mut key);
        key
    };
    let block = |size| block_of(&[(key(b""), Vec::new()), (key(b"a"), vec![0; size])], 16);
    let size = filter.size as usize - block(0).len();
    reseal(&mut file, filter, &block(size));
    let came = open(&disk_with(&file), None).expect("no part is read").get(b"marble", 9);
    assert!(names_part(&came, filter.offset), "want byte {}: {came:?} {TOP}", filter.offset);
}

#[test]
fn a_seek_back_from_behind_the_end_reads_the_last_partition_alone() {
    let all = entries(STONES);
    let given = given(&cut(64, 1, 10), &all, None);
    let mut cursor = given.table.cursor();
    let target = Entry::put("zinc", 9, "");
    let reads = given.reads_of(|_| cursor.seek_back(target.key()).expect("a good disk"));
    assert!(entry_of(&cursor).as_ref() == all.last(), "{:?} {WALKS}", entry_of(&cursor));
    assert_eq!(reads, 2, "reads: the last index part and its last block {WALKS}");
    let mut cursor = given.table.cursor();
    let reads = given.reads_of(|_| cursor.seek(target.key()).expect("a good disk"));
    assert_eq!((reads, cursor.key().is_none()), (0, true), "and of a seek: none {WALKS}");
}
