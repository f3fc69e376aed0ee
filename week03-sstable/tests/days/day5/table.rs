//! A table that reads through the cache.

use std::path::Path;
use std::sync::Arc;

use memtable::{Cursor, Lookup};
use sstable::{BlockCache, Table};
use wal::Error;
use wal::fs::{Fault, Fs, Operation, SimFs};

use super::given::*;
use crate::allocated_by;

const THROUGH: &str = "(rule 5 of day 5: a table with a cache asks it for each data block, by its \
                       own number and the block's offset)";

/// A table of the disk, and the cache that it reads through.
fn cached() -> (SimFs, Table, Arc<BlockCache>) {
    let (sim, cache) = (disk_with_tables(), Arc::new(BlockCache::new(1 << 20)));
    let table = open(&sim, 0, Some(&cache));
    (sim, table, cache)
}

#[track_caller]
fn expect_value(opened: &Table, table: usize, index: u64) {
    let came = opened.get(&table_key(index), 7);
    let came = came.unwrap_or_else(|error| panic!("entry {index} failed: {error} {THROUGH}"));
    let want = Lookup::Value(table_value(table, index).into());
    assert_eq!(came, want, "entry {index} of table {table} {THROUGH}");
}

#[test]
fn a_table_reads_each_block_once_through_the_cache() {
    let (sim, table, cache) = cached();
    let blocks = block_count(&table);
    for index in (0..ENTRIES).chain((0..ENTRIES).rev()) {
        expect_value(&table, 0, index);
    }
    assert_eq!(table.stats().blocks_read, blocks, "blocks read by lookups of all, twice {THROUGH}");
    assert_eq!(cache.capacity(), 1 << 20, "what the cache says that it may hold {THROUGH}");
    sim.fail_from(Operation::Read, 1, Fault::Io);
    (0..ENTRIES).for_each(|index| expect_value(&table, 0, index));
    let stats = cache.stats();
    let came = (stats.misses, stats.blocks, stats.hits);
    let want = (blocks, blocks, 3 * ENTRIES - blocks);
    assert_eq!(came, want, "misses, blocks that are there, and hits of 600 lookups {THROUGH}");
    // And the same without one.
    let sim = disk_with_tables();
    let bare = open(&sim, 0, None);
    (0..ENTRIES).for_each(|index| expect_value(&bare, 0, index));
    assert_eq!(bare.stats().blocks_read, ENTRIES, "blocks that a table without a cache reads");
}

#[test]
fn cursors_go_through_the_cache_in_both_directions() {
    let (sim, table, cache) = cached();
    let mut cursor = table.cursor();
    cursor.first().expect("the disk works");
    while cursor.key().is_some() {
        cursor.next().expect("the disk works");
    }
    let blocks = block_count(&table);
    assert_eq!(cache.stats().misses, blocks, "blocks that a scan asked for and loaded {THROUGH}");
    sim.fail_from(Operation::Read, 1, Fault::Io);
    cursor.last().expect("all blocks are in memory");
    for index in (0..ENTRIES).rev() {
        let came = cursor.key().map(|key| key.user_key.to_vec());
        assert_eq!(came, Some(table_key(index)), "the key of entry {index}, backward {THROUGH}");
        cursor.prev().expect("all blocks are in memory");
    }
    assert_eq!(table.stats().blocks_read, blocks, "blocks read by two scans {THROUGH}");
}

#[test]
fn a_block_is_named_by_where_it_begins() {
    let (_, table, cache) = cached();
    (0..ENTRIES).for_each(|index| expect_value(&table, 0, index));
    let names = (0..table.size()).filter(|&offset| cache.contains(key(offset)));
    let names: Vec<u64> = names.collect();
    let blocks = block_count(&table);
    assert_eq!(names.len() as u64, blocks, "offsets of the file at which the cache has a block");
    let size = table.properties().data_size / blocks;
    let spread = names.windows(2).all(|pair| pair[1] - pair[0] > size / 2);
    assert!(spread, "blocks of some {size} bytes begin at {names:?} {THROUGH}");
}

#[test]
fn tables_with_the_same_offsets_do_not_meet() {
    let (sim, first, cache) = cached();
    let second = open(&sim, 1, Some(&cache));
    assert_eq!(first.size(), second.size(), "the two files have their blocks at the same places");
    for index in 0..ENTRIES {
        expect_value(&first, 0, index);
        expect_value(&second, 1, index);
    }
    let want = block_count(&first) + block_count(&second);
    assert_eq!(cache.stats().blocks, want, "blocks of two tables in one cache {THROUGH}");
}

#[test]
fn a_lookup_in_the_cache_allocates_nothing() {
    let (_, table, cache) = cached();
    let key = table_key(100);
    expect_value(&table, 0, 100);
    let mut asked = 0;
    let ask = || {
        asked += 1;
        table.get(&key, 7)
    };
    assert_eq!(allocated_by(3000, ask), 0, "bytes that a lookup allocates {ONCE}");
    assert_eq!(cache.stats().hits, asked, "hits of as many lookups {THROUGH}");
}

#[test]
fn a_damaged_block_is_an_error_each_time_and_is_not_kept() {
    let (sim, table, cache) = cached();
    let good = sim.contents(PATHS[0]);
    let mut bad = good.clone();
    bad[20] ^= 1;
    sim.overwrite(PATHS[0], &bad);
    for lookup in 0..3 {
        let came = table.get(&table_key(0), 7);
        let named = matches!(came, Err(Error::Corruption { offset: 0, .. }));
        assert!(named, "lookup {lookup} in a block that is damaged: {came:?} {OUTCOME}");
    }
    let stats = cache.stats();
    assert_eq!((stats.misses, stats.blocks), (3, 0), "misses, blocks that are there {OUTCOME}");
    sim.overwrite(PATHS[0], &good);
    expect_value(&table, 0, 0);
    assert_eq!(cache.stats().blocks, 1, "blocks that are there after a good read {OUTCOME}");
}

#[test]
fn a_value_pins_its_block_and_outlives_table_and_cache() {
    let sim = disk_with_tables();
    let cache = Arc::new(BlockCache::with_shards(2100, 1));
    let table = open(&sim, 0, Some(&cache));
    let Ok(Lookup::Value(value)) = table.get(&table_key(0), 7) else {
        panic!("the disk works, and the key is there");
    };
    (0..ENTRIES).for_each(|index| expect_value(&table, 0, index));
    let (stats, blocks) = (cache.stats(), block_count(&table));
    assert!(stats.evictions > 0 && stats.charged_size <= 2100, "three places: {stats:?} {CHARGED}");
    assert!(cache.contains(key(0)), "a value of the first block is held: it stays {CHARGED}");
    assert_eq!(table.stats().blocks_read, blocks, "blocks that were read, each once {CHARGED}");
    sim.remove(Path::new(PATHS[0])).expect("the disk works");
    drop((table, cache));
    assert_eq!(value, table_value(0, 0), "the value, when table and cache are gone {CHARGED}");
}
