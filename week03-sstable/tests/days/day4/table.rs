//! The filter in a table: asked before anything is read.

use std::thread;

use memtable::Lookup;
use sstable::TableStats;
use sstable::filter::LINE_SIZE;
use wal::Error;
use wal::fs::{Fault, Operation};

use super::given::*;
use crate::allocated_by;

#[test]
fn a_tables_filter_holds_its_user_keys_each_once() {
    let entries =
        [put(b"", 9), delete(b"", 3), delete(b"pebble", 2), put(b"stone", 8), put(b"stone", 1)];
    for bits_per_key in [1, 10, 64] {
        let (sim, _) = table_of(with_bits(bits_per_key), &entries);
        assert_eq!(
            hex(&filter_block_of(&sim)),
            hex(&block_of(bits_per_key, ["", "pebble", "stone"])),
            "versions of three keys, one of them a tombstone only: the table's filter block is on \
             the left, that of the three keys on the right {USER_KEYS}"
        );
    }
}

#[test]
fn tombstones_are_found_through_the_filter() {
    let keys: Vec<Vec<u8>> = (0..200).map(key_at).collect();
    let entries: Vec<_> = keys.iter().map(|key| delete(key, 9)).collect();
    let (_, table) = table_of(with_bits(10), &entries);
    // Denied, an older table would be asked, and the value that was deleted would come back.
    keys.iter().for_each(|key| expect_found(&table, key, 9, &Lookup::Deleted));
    assert_eq!(table.stats().filter_avoided, 0, "not one of them may be avoided {USER_KEYS}");
}

#[test]
fn every_version_is_found_through_the_filter() {
    let keys: Vec<Vec<u8>> = (0..50).map(key_at).collect();
    let versions = |key| (1..=9).rev().map(move |seq| put(key, 10 * seq));
    let entries: Vec<_> = keys.iter().flat_map(|key| versions(key)).collect();
    let (_, table) = table_of(with_bits(10), &entries);
    // Behind the last separator no block is looked at, so nobody is misled there.
    for key in &keys[..49] {
        for seq in 10..=100 {
            let want = Lookup::Value(value_of(seq.min(90) / 10 * 10).into());
            expect_found(&table, key, seq, &want);
        }
        expect_found(&table, key, 9, &Lookup::Absent);
    }
    let want = TableStats { filter_avoided: 0, filter_misled: 49, ..table.stats() };
    let why = "49 lookups before a key's first version: the filter knows no numbers";
    assert_eq!(table.stats(), want, "{why} {USER_KEYS}");
}

#[test]
fn what_the_filter_denies_is_answered_without_a_read() {
    let (sim, table) = table_of_stones(64, 1000);
    sim.fail_from(Operation::Read, 1, Fault::Io);
    let reads = sim.counts().reads;
    for index in 0..1000 {
        expect_found(&table, &key_at(2 * index + 1), 7, &Lookup::Absent);
    }
    let came = (sim.counts().reads - reads, table.stats());
    let want = (0, TableStats { filter_avoided: 1000, ..TableStats::default() });
    assert_eq!(
        came, want,
        "reads of the file, and what was counted, left as it came {ASKED_FIRST}"
    );
}

#[test]
fn what_the_filter_denies_is_answered_without_an_allocation() {
    let (_, table) = table_of_stones(64, 100);
    let absent: Vec<Vec<u8>> = (0..100).map(|index| key_at(2 * index + 1)).collect();
    let is_absent = |key: &Vec<u8>| table.get(key, 7).is_ok_and(|got| got == Lookup::Absent);
    let mut asked = 0;
    let ask = || {
        asked += 100;
        assert!(absent.iter().all(is_absent), "keys that were never written {ASKED_FIRST}");
    };
    assert_eq!(allocated_by(3000, ask), 0, "bytes allocated by 100 lookups {ASKED_FIRST}");
    let avoided = table.stats().filter_avoided;
    assert_eq!(avoided, asked, "lookups of keys that are not there are avoided {ASKED_FIRST}");
}

#[test]
fn every_lookup_is_avoided_or_misled_or_finds() {
    for bits_per_key in [1, 2, 4, 10] {
        let (sim, table) = table_of_stones(bits_per_key, 1000);
        let reads = sim.counts().reads;
        for index in 0..1999 {
            let found =
                if index % 2 == 0 { Lookup::Value(value_of(7).into()) } else { Lookup::Absent };
            expect_found(&table, &key_at(index), 7, &found);
            let (stats, read) = (table.stats(), sim.counts().reads - reads);
            let present = index / 2 + 1;
            let sum = present + stats.filter_avoided + stats.filter_misled;
            assert!(
                sum == index + 1 && read == present + stats.filter_misled,
                "{bits_per_key} bits, {} lookups, {present} of keys that are there: every other is \
                 avoided, or costs a read and is misled; there were {read} reads, and {stats:?} \
                 {ASKED_FIRST}",
                index + 1
            );
        }
        assert!(table.stats().filter_avoided > 0, "nothing was avoided {ASKED_FIRST}");
    }
}

#[test]
fn ten_bits_a_key_save_98_reads_in_a_hundred() {
    let (sim, table) = table_of_stones(10, 10_000);
    let reads = sim.counts().reads;
    for index in 0..9_999 {
        expect_found(&table, &key_at(2 * index + 1), 7, &Lookup::Absent);
    }
    let read = sim.counts().reads - reads;
    assert!(read < 200, "9 999 keys that are not there: want some 96 reads, got {read} {ANSWER}");
}

#[test]
fn a_table_without_a_filter_gives_the_same_answers() {
    let (with, without) = (table_of_stones(10, 300), table_of_stones(0, 300));
    for index in 0..599 {
        let want = with.1.get(&key_at(index), 7).expect("the disk works");
        expect_found(&without.1, &key_at(index), 7, &want);
    }
    let [with_filter, stats] = [with.1.stats(), without.1.stats()];
    let came = (with_filter.filter_avoided > 280, stats.filter_avoided, stats.filter_misled);
    assert_eq!(
        came,
        (true, 0, 0),
        "with a filter most of 299 absent keys are avoided; without one all of 599 lookups read, \
         and no filter was right or wrong: {with_filter:?}, {stats:?} {ASKED_FIRST}"
    );
    assert_eq!(stats.blocks_read, 599, "blocks that the table without a filter read");
}

#[test]
fn lookups_of_many_threads_are_all_counted() {
    let (_, table) = table_of_stones(64, 1000);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for index in 0..1000 {
                    expect_found(&table, &key_at(2 * index + 1), 7, &Lookup::Absent);
                }
            });
        }
    });
    let avoided = table.stats().filter_avoided;
    assert_eq!(avoided, 4000, "four threads with a thousand lookups each {ASKED_FIRST}");
}

#[test]
fn a_damaged_filter_is_named_when_the_table_is_opened() {
    let (sim, _) = table_of_stones(10, 100);
    let at = footer_of(&sim).data_end();
    let line = [0xff; LINE_SIZE];
    for damaged in [&line[..], &line[1..], &[6], &[&line[..], &[0]].concat(), &[31; 2 * 64 + 1]] {
        replace_filter(&sim, damaged);
        let named = match open(&sim) {
            Err(Error::Corruption { offset, .. }) => offset == at,
            _ => false,
        };
        assert!(
            named,
            "a filter block of {} bytes, which are no filter, with a good checksum: want an error \
             that names byte {at}, got {:?} {HOSTILE}",
            damaged.len(),
            open(&sim).map(|_| "a table")
        );
    }
}

#[test]
fn a_filter_that_lets_all_through_costs_reads_and_no_answers() {
    let (sim, table) = table_of_stones(10, 200);
    expect_found(&table, &key_at(1), 7, &Lookup::Absent);
    let (_, unfiltered) = table_of_stones(0, 200);
    for probes in [1, 30] {
        replace_filter(&sim, &[&[0xff; LINE_SIZE][..], &[probes]].concat());
        let table = open(&sim).expect("a line full of ones is a filter");
        for index in 0..399 {
            let want = unfiltered.get(&key_at(index), 7).expect("the disk works");
            expect_found(&table, &key_at(index), 7, &want);
        }
        let (avoided, misled) = (table.stats().filter_avoided, table.stats().filter_misled);
        assert_eq!((avoided, misled), (0, 199), "avoided, misled of 199 absent {ASKED_FIRST}");
    }
    // One without any bit set denies whatever it is asked: nobody reads a block.
    replace_filter(&sim, &[&[0; LINE_SIZE][..], &[6]].concat());
    let table = open(&sim).expect("an empty line is a filter");
    expect_found(&table, &key_at(0), 7, &Lookup::Absent);
    assert_eq!(table.stats().blocks_read, 0, "blocks read for a key that is denied {ASKED_FIRST}");
}

#[test]
fn a_table_knows_what_memory_its_filter_takes() {
    let entries: Vec<_> = (0..5_000).map(|n| (key_at(n), 7)).collect();
    let entries: Vec<_> = entries.iter().map(|(key, seq)| put(key, *seq)).collect();
    let [bare, filtered] = [0, 10].map(|bits| table_of(with_bits(bits), &entries));
    // The number of probes behind the lines is a field of its own.
    let lines = filter_block_of(&filtered.0).len() - 1;
    assert_eq!(
        filtered.1.memory() - bare.1.memory(),
        lines,
        "bytes of memory of a table with a filter, less those of the same table without one \
         {USER_KEYS}"
    );
}
