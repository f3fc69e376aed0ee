//! Walking over partitions, both ways.

use std::sync::Arc;

use memtable::Cursor;
use sstable::{BlockCache, TableCursor};
use wal::fs::{Fault, Operation};
use wal::testing::{Workload, seeds};

use super::given::*;

/// Where a cursor should be: the index of an entry, or none.
type Place = Option<usize>;

#[track_caller]
fn expect_at(cursor: &TableCursor<'_>, all: &[Entry], place: Place, what: &str) {
    let (want, came) = (place.map(|place| all[place].clone()), entry_of(cursor));
    assert!(came == want, "{what}: want {want:?}, is at {came:?} {WALKS}");
}

#[test]
fn a_walk_meets_all_entries_from_either_end() {
    for (size, bits) in [(1, 10), (1, 0), (150, 10), (1000, 10)] {
        let all = numbered(150, 20);
        let given = given(&cut(64, size, bits), &all, None);
        let mut cursor = given.table.cursor();
        cursor.first().expect("a good disk");
        for place in 0..all.len() {
            expect_at(&cursor, &all, Some(place), "forward");
            cursor.next().expect("a good disk");
        }
        expect_at(&cursor, &all, None, "behind the last entry");
        cursor.next().expect("a good disk");
        expect_at(&cursor, &all, None, "one further than behind the last entry");
        cursor.last().expect("a good disk");
        for place in (0..all.len()).rev() {
            expect_at(&cursor, &all, Some(place), "backward");
            cursor.prev().expect("a good disk");
        }
        expect_at(&cursor, &all, None, "in front of the first entry");
    }
}

#[test]
fn a_cursor_that_turns_at_every_entry_loses_none() {
    let all = numbered(60, 20);
    let given = given(&cut(40, 1, 10), &all, None);
    let mut cursor = given.table.cursor();
    cursor.first().expect("a good disk");
    for place in 1..all.len() {
        cursor.next().expect("a good disk");
        expect_at(&cursor, &all, Some(place), "a step forward");
        cursor.prev().expect("a good disk");
        expect_at(&cursor, &all, Some(place - 1), "and back");
        cursor.next().expect("a good disk");
        expect_at(&cursor, &all, Some(place), "and forward again");
    }
}

#[test]
fn seeks_in_both_directions_agree_with_a_list() {
    for seed in seeds(40) {
        let mut dice = Workload::new(seed);
        let count = 1 + dice.below(50);
        let all = random(&mut dice, count);
        let options = cut([32, 80][dice.below(2)], [1, 60, 200][dice.below(3)], 10);
        let cache = Arc::new(BlockCache::with_shards([700, 1 << 20][dice.below(2)], 1));
        let given = given(&options, &all, (dice.below(2) == 0).then_some(&cache));
        let mut cursor = given.table.cursor();
        for target in targets(&all) {
            let at = all.partition_point(|entry| entry.key() < target.key());
            let mut place = (at < all.len()).then_some(at);
            cursor.seek(target.key()).expect("a good disk");
            expect_at(&cursor, &all, place, &format!("seek {target}, seed {seed}"));
            for _ in 0..3 {
                let forward = dice.below(2) == 0;
                place = place.and_then(|place| match forward {
                    true => (place + 1 < all.len()).then_some(place + 1),
                    false => place.checked_sub(1),
                });
                let moved = if forward { cursor.next() } else { cursor.prev() };
                moved.expect("a good disk");
                expect_at(&cursor, &all, place, &format!("a step from {target}, seed {seed}"));
            }
            let place = all.partition_point(|entry| entry.key() <= target.key()).checked_sub(1);
            cursor.seek_back(target.key()).expect("a good disk");
            expect_at(&cursor, &all, place, &format!("seek back {target}, seed {seed}"));
        }
    }
}

#[test]
fn a_walk_reads_each_index_part_and_block_once_and_no_filter_part() {
    let all = numbered(200, 20);
    let given = given(&cut(128, 200, 10), &all, None);
    let parts = parts_of(&given.sim.contents(PATH));
    let want = parts.iter().map(|part| part.index.len() as u64 + 1).sum::<u64>();
    let forward = given.reads_of(|given| {
        let mut cursor = given.table.cursor();
        cursor.first().expect("a good disk");
        all.iter().for_each(|_| cursor.next().expect("a good disk"));
    });
    let backward = given.reads_of(|given| {
        let mut cursor = given.table.cursor();
        cursor.last().expect("a good disk");
        all.iter().for_each(|_| cursor.prev().expect("a good disk"));
    });
    assert_eq!((forward, backward), (want, want), "reads of a walk, forward and backward {WALKS}");
    let stats = given.table.stats();
    let parts = 2 * parts.len() as u64;
    assert_eq!(stats.parts_read, parts, "parts that two walks have read {WALKS}");
}

#[test]
fn a_seek_in_the_same_block_reads_nothing() {
    let all = numbered(100, 20);
    let given = given(&cut(256, 150, 10), &all, None);
    let parts = parts_of(&given.sim.contents(PATH));
    let mut cursor = given.table.cursor();
    let first = &parts[1].entries[0];
    let reads = given.reads_of(|_| cursor.seek(first.key()).expect("a good disk"));
    assert_eq!(reads, 2, "reads of a new cursor's seek: index part and data block {WALKS}");
    let reads = given.reads_of(|_| {
        cursor.next().expect("a good disk");
        cursor.seek(first.key()).expect("a good disk");
        cursor.seek_back(first.key()).expect("a good disk");
    });
    assert_eq!(reads, 0, "reads of moves to where it is already {WALKS}");
    assert!(entry_of(&cursor).as_ref() == Some(first), "it is at {first} {WALKS}");
}

#[test]
fn a_cursor_whose_read_fails_is_at_none_and_goes_elsewhere() {
    let all = numbered(100, 20);
    let given = given(&cut(64, 100, 10), &all, None);
    let last = parts_of(&given.sim.contents(PATH))[0].entries.len() - 1;
    // From the last entry of a partition on: the index part of the next, then its first block.
    for nth in [1, 2] {
        let mut cursor = given.table.cursor();
        cursor.seek(all[last].key()).expect("a good disk");
        given.sim.fail(Operation::Read, nth, Fault::Io);
        let moved = cursor.next();
        let is_io = moved.as_ref().is_err_and(|error| error.io_kind().is_some());
        assert!(is_io, "read {nth} across a border fails: {moved:?} {WALKS}");
        expect_at(&cursor, &all, None, "after an error");
        cursor.next().expect("from no entry, nowhere");
        expect_at(&cursor, &all, None, "a step after an error");
        for place in [last, last + 1, 0, all.len() - 1] {
            cursor.seek(all[place].key()).expect("the disk is well again");
            expect_at(&cursor, &all, Some(place), "a seek after an error");
        }
    }
}
