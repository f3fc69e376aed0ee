//! What small filters do not show: long keys, many lines, hashes that are alike, and keys that lie
//! outside of their table.

use std::path::Path;
use std::sync::Arc;

use memtable::Lookup;
use shuttle::thread;
use sstable::filter::LINE_SIZE;
use sstable::{FilterBuilder, hash};
use wal::fs::{Fault, Operation};
use wal::testing::show;

use super::given::*;
use crate::allocated_by;
use crate::orders::in_many_orders;

// The hash.

#[test]
fn the_hash_of_a_long_key_is_exactly_this_number() {
    for (size, want) in [(300, 0xe50d_2f68_e5cf_7a3d), (70_000, 0xac9a_a918_b810_9bf0)] {
        let key: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let came = hash(&key);
        assert!(
            came == want,
            "hash of a key of {size} bytes: want {want:#x}, got {came:#x}; all of its length and \
             all of its bytes count {FORMAT}"
        );
    }
}

// Lines.

#[test]
fn the_upper_32_bits_choose_one_of_many_lines() {
    let line_count = 65_539;
    let mut block = vec![0; line_count * LINE_SIZE];
    block.push(6);
    let line_of = |key: &[u8]| (((hash(key) >> 32) * line_count as u64) >> 32) as usize;
    for index in 0..20 {
        block[line_of(&key_at(index)) * LINE_SIZE..][..LINE_SIZE].fill(0xff);
    }
    let filter =
        decoded(&block).unwrap_or_else(|bad| panic!("65 539 whole lines: {bad} {HOSTILE}"));
    for key in (0..20).map(key_at) {
        assert!(
            filter.may_contain(&key),
            "{}: all bits of line {} are set, which is its line of 65 539, and it is denied \
             {FORMAT}",
            show(&key),
            line_of(&key)
        );
    }
}

#[test]
fn a_filter_of_many_lines_has_exactly_this_sum() {
    let block = block_of(64, (0..20_000).map(key_at));
    let (size, came) = (block.len(), crc32fast::hash(&block));
    assert!(
        came == 0x8ea9_bd21,
        "20 000 keys at 64 bits are 2500 lines and a byte, 160 001 bytes, whose CRC-32 is \
         0x8ea9bd21; got {size} bytes with {came:#x} {FORMAT}"
    );
}

// Keys whose hashes are alike.

#[test]
fn a_key_whose_hash_is_0_is_let_through() {
    // `SEED ^ 8`: the state is 0 after the first word, and stays so.
    let key = 0x243f_6a88_85a3_08db_u64.to_le_bytes();
    assert!(hash(&key) == 0, "hash of {}: want 0, got {:#x} {FORMAT}", show(&key), hash(&key));
    expect_let_through(&filter_of(10, [key]), &key, "the only key, whose hash is 0");
    let two = filter_of(10, [&key[..], b"stone"]);
    expect_let_through(&two, &key, "the first of two keys, whose hash is 0");
}

#[test]
fn neighbours_whose_hashes_agree_in_one_half_are_both_let_through() {
    let low = ["pair 18195", "pair 53367"];
    let high = ["pair 10584", "pair 17308"];
    let half = |key: &str, shift: u32| (hash(key.as_bytes()) >> shift) as u32;
    for ([first, second], shift, what) in [(low, 0, "lower"), (high, 32, "upper")] {
        assert!(
            half(first, shift) == half(second, shift),
            "the hashes of `{first}` and `{second}` have the same {what} half {FORMAT}"
        );
        let filter = filter_of(64, [first, second]);
        for key in [first, second] {
            let what = format!("one of two keys whose hashes have the same {what} half");
            expect_let_through(&filter, key.as_bytes(), &what);
        }
    }
}

// What it costs to build.

#[test]
fn to_add_keys_allocates_a_few_times_their_hashes() {
    let keys: Vec<Vec<u8>> = (0..100_000).map(key_at).collect();
    let allocated = allocated_by(20, || {
        let mut builder = FilterBuilder::new(10);
        keys.iter().for_each(|key| builder.add(key));
        builder
    });
    assert!(
        (8 * keys.len()..=64 * keys.len()).contains(&allocated),
        "{allocated} bytes allocated, one after the other, to keep 100 000 hashes of eight bytes: \
         want a vector that doubles when it is full, not one that grows for each key {FORMAT}"
    );
}

#[test]
fn a_filter_of_very_many_keys_is_finished_in_one_walk() {
    // A walk over all keys for each line does not end here, and one for all lines takes a blink.
    let block = block_of(64, (0..1_000_000).map(key_at));
    let (want, came) = (125_000 * LINE_SIZE + 1, block.len());
    assert!(
        came == want,
        "a million keys at 64 bits are 125 000 lines: want {want} bytes, got {came} {FORMAT}"
    );
}

// In a table.

#[test]
fn keys_outside_of_a_tables_range_are_asked_for_and_counted_too() {
    let outside: [&[u8]; 4] = [b"", b"pebble", b"stove", &[0xff; 9]];
    let (sim, table) = table_of_stones(64, 100);
    sim.fail_from(Operation::Read, 1, Fault::Io);
    for (asked, key) in (1..).zip(outside) {
        expect_found(&table, key, 7, &Lookup::Absent);
        let avoided = table.stats().filter_avoided;
        assert!(
            avoided == asked,
            "{} is in front of the table's first key or behind its last; with it, {asked} lookups \
             are avoided, and {avoided} are counted {ASKED_FIRST}",
            show(key)
        );
    }
    // Without a filter those in front of the first key cost a read, as all others do.
    let (_, table) = table_of_stones(0, 100);
    for (asked, key) in (1..).zip(&outside[..2]) {
        expect_found(&table, key, 7, &Lookup::Absent);
        let read = table.stats().blocks_read;
        assert!(
            read == asked,
            "{}: a table without a filter lets all keys through, so {asked} lookups read {asked} \
             blocks, and {read} were read {ASKED_FIRST}",
            show(key)
        );
    }
}

#[test]
fn lookups_that_run_at_the_same_time_are_all_counted() {
    let (sim, _) = table_of_stones(64, 10);
    in_many_orders(50, move || {
        let table = scheduled::Table::open(&sim, Path::new(PATH), 1, None);
        let table = Arc::new(table.expect("a good table opens"));
        let look = |_| {
            let table = Arc::clone(&table);
            thread::spawn(move || table.get(&key_at(1), 7).map(drop))
        };
        for thread in [(), ()].map(look) {
            thread.join().expect("a lookup ends").expect("the disk works");
        }
        let avoided = table.stats().filter_avoided;
        assert!(
            avoided == 2,
            "two threads look for an absent key at the same time, and in some order of their steps \
             {avoided} is counted, not 2 {ASKED_FIRST}"
        );
    });
}
