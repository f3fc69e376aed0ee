//! What is in memory, and what is read.

use std::path::Path;
use std::sync::Arc;

use memtable::Lookup;
use sstable::cache::BlockKey;
use sstable::format::BLOCK_TRAILER_SIZE;
use sstable::{BlockCache, TableBuilder, TableOptions};
use wal::fs::{Fault, File, Fs, Lock, Operation};
use wal::{Error, Result};

use super::given::*;
use crate::{MEMORY, allocated_by};

#[test]
fn to_open_a_table_reads_its_top_and_no_part() {
    for count in [20, 2000] {
        let entries = numbered(count, 20);
        let given = given(&cut(64, 100, 10), &entries, None);
        let reads = given.reads_of(|given| drop(open(&given.sim, None).expect("a good table")));
        assert!(reads <= 4, "{reads} reads to open {count} entries, and four are enough {CACHED}");
        let stats = given.table.stats();
        assert_eq!((stats.parts_read, stats.blocks_read), (0, 0), "parts and blocks read {CACHED}");
    }
}

#[test]
fn an_open_table_keeps_its_top_in_memory_and_nothing_else() {
    let entries = numbered(20_000, 20);
    let whole = TableOptions { index_partition_size: None, ..cut(1024, 0, 10) };
    let whole = given(&whole, &entries, None);
    let given = given(&cut(1024, 2048, 10), &entries, None);
    let (memory, of_whole) = (given.table.memory(), whole.table.memory());
    let count = parts_of(&given.sim.contents(PATH)).len();
    assert!(memory >= 24 * count, "two handles for each of {count} partitions: {memory} bytes");
    assert!(10 * memory < of_whole, "{memory} bytes in memory, whole {of_whole} {CACHED}");
    // The least of some runs: under plain `cargo test` others allocate at the same time.
    let held = |_| {
        let before = MEMORY.allocated();
        let table = open(&given.sim, None).expect("a good table");
        (0..400).for_each(|n| {
            table.get(user_key(99 * n).as_bytes(), 9).expect("a good disk");
        });
        MEMORY.allocated().saturating_sub(before)
    };
    let held = (0..20).map(held).min().expect("some runs");
    let limit = 2 * memory + 4096;
    assert!(held <= limit, "{held} bytes held after 400 lookups, want {limit} at most {CACHED}");
}

/// A disk that takes everything and keeps nothing.
#[derive(Debug)]
struct Void;

fn nothing<T>() -> Result<T> {
    Err(Error::io("read", Path::new(PATH), std::io::ErrorKind::Unsupported.into()))
}

impl Fs for Void {
    fn create(&self, _: &Path) -> Result<Arc<dyn File>> {
        Ok(Arc::new(Void))
    }

    fn open(&self, _: &Path) -> Result<Arc<dyn File>> {
        nothing()
    }

    fn rename(&self, _: &Path, _: &Path) -> Result<()> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn list(&self, _: &Path) -> Result<Vec<String>> {
        nothing()
    }

    fn create_dir(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn lock(&self, _: &Path) -> Result<Lock> {
        nothing()
    }
}

impl File for Void {
    fn read_at(&self, _: u64, _: &mut [u8]) -> Result<usize> {
        nothing()
    }

    fn write_at(&self, _: u64, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        Ok(())
    }

    fn set_len(&self, _: u64) -> Result<()> {
        Ok(())
    }

    fn len(&self) -> Result<u64> {
        nothing()
    }

    fn path(&self) -> &Path {
        Path::new(PATH)
    }
}

/// The most that a builder holds while so many entries are added, in bytes.
fn held_by_builder(options: &TableOptions, count: usize) -> usize {
    let before = MEMORY.allocated();
    let builder = TableBuilder::create(Arc::new(Void), Path::new(PATH), options.clone());
    let mut builder = builder.expect("it takes everything");
    let mut most = 0;
    for n in 0..count {
        let entry = Entry::put(user_key(n), 7, vec![0; 100]);
        builder.add(entry.key(), &entry.value).expect("it takes everything");
        if n % 50 == 0 {
            most = most.max(MEMORY.allocated().saturating_sub(before));
        }
    }
    builder.finish().expect("it takes everything");
    most
}

#[test]
fn a_builder_holds_one_partition_beside_the_top() {
    let options = TableOptions { block_size: 512, ..cut(512, 1024, 10) };
    let least = |count| (0..3).map(|_| held_by_builder(&options, count)).min().expect("runs");
    let (small, large) = (least(2_000), least(60_000));
    // 60 000 user keys are 480 kB of hashes, and the index of all their blocks is 700 kB.
    let limit = small + (100 << 10);
    let of = "bytes held by the builder of 2 000 entries, and of 60 000";
    assert!(large <= limit, "{small} and {large} {of}: want {limit} at most {CUT}");
}

#[test]
fn a_cold_lookup_reads_three_blocks_and_a_warm_one_none() {
    let entries = numbered(400, 20);
    let cache = Arc::new(BlockCache::new(1 << 20));
    for cache in [None, Some(&cache)] {
        let given = given(&cut(128, 200, 10), &entries, cache);
        let ask = |given: &Given| given.expect_get(user_key(400).as_bytes(), 9);
        assert_eq!(given.reads_of(ask), 3, "reads of the first: filter, index, data {ASKS}");
        let want = if cache.is_some() { 0 } else { 3 };
        assert_eq!(given.reads_of(ask), want, "reads of the second, cache {cache:?} {CACHED}");
        let stats = given.table.stats();
        let want = if cache.is_some() { (2, 1) } else { (4, 2) };
        assert_eq!((stats.parts_read, stats.blocks_read), want, "parts and blocks read {CACHED}");
    }
}

#[test]
fn a_key_that_the_filter_part_denies_costs_that_part_alone() {
    let entries = numbered(1000, 20);
    let cache = Arc::new(BlockCache::new(1 << 20));
    let given = given(&cut(128, 200, 10), &entries, Some(&cache));
    let filters = parts_of(&given.sim.contents(PATH)).len() as u64;
    let mut reads = 0;
    for n in 0..999 {
        let key = user_key(2 * n + 1);
        let misled = given.table.stats().filter_misled;
        let read = given.reads_of(|given| given.expect_get(key.as_bytes(), 9));
        if given.table.stats().filter_misled == misled {
            reads += read;
        }
    }
    let stats = given.table.stats();
    assert!(stats.filter_misled < 30, "of 999 absent keys ten may get through: {stats:?} {CUT}");
    let counted = stats.filter_avoided + stats.filter_misled;
    assert_eq!(counted, 999, "lookups that filters have denied, or let through for nothing {ASKS}");
    let most = "reads for the keys that were denied: a filter part, and that once";
    assert!(reads <= filters, "{reads} {most}; there are {filters} {ASKS}");
}

#[test]
fn behind_the_last_key_nothing_is_read() {
    let entries = numbered(200, 20);
    let given = given(&cut(128, 200, 10), &entries, None);
    let reads = given.reads_of(|given| {
        given.expect_get(b"zzz", 9);
        given.expect_get(&[entries[199].user_key.clone(), b"\0".to_vec()].concat(), 9);
        given.expect_get(&entries[199].user_key, 6);
    });
    assert_eq!(reads, 0, "reads for keys behind the last one of the table {ASKS}");
}

#[test]
fn a_warm_lookup_allocates_nothing() {
    let entries = numbered(400, 20);
    let cache = Arc::new(BlockCache::new(1 << 20));
    let given = given(&cut(128, 200, 10), &entries, Some(&cache));
    let (there, absent) = (user_key(400), user_key(401));
    let ask = || {
        let there = given.table.get(there.as_bytes(), 9);
        let absent = given.table.get(absent.as_bytes(), 9);
        matches!((there, absent), (Ok(Lookup::Value(_)), Ok(Lookup::Absent)))
    };
    assert!(ask(), "one is there, the other is not {ASKS}");
    let allocated = allocated_by(1000, || assert!(ask(), "as before {ASKS}"));
    assert_eq!(
        allocated, 0,
        "bytes that two lookups allocate whose parts are in the cache {CACHED}"
    );
}

#[test]
fn parts_are_charged_to_the_cache_and_make_room_for_others() {
    let entries = numbered(2000, 20);
    let large = Arc::new(BlockCache::with_shards(1 << 20, 1));
    let given = given(&cut(128, 400, 10), &entries, Some(&large));
    entries.iter().for_each(|entry| given.expect_get(&entry.user_key, 9));
    let (mut want, mut count) = (0, 0);
    for part in parts_of(&given.sim.contents(PATH)) {
        let handles = part.index.iter().map(|(_, handle)| *handle).chain(part.handles.filter);
        for handle in handles.chain([part.handles.index]) {
            let key = BlockKey { table_id: 1, offset: handle.offset };
            assert!(large.contains(key), "the part at {} is not in the cache {CACHED}", key.offset);
            want += u64::from(handle.size) + sstable::cache::BLOCK_OVERHEAD as u64;
            count += 1;
        }
    }
    let stats = large.stats();
    assert_eq!((stats.blocks, stats.misses), (count, count), "blocks, each loaded once {CACHED}");
    let slack = count * BLOCK_TRAILER_SIZE as u64;
    let charged = stats.charged_size;
    assert!(charged.abs_diff(want) <= slack, "charged {charged} bytes, want {want} {CACHED}");
    // A cache with room for a few.
    let small = Arc::new(BlockCache::with_shards(8000, 1));
    let table = open(&given.sim, Some(&small)).expect("a good table");
    for entry in entries.iter().chain(&entries) {
        assert!(table.get(&entry.user_key, 9).is_ok_and(|got| got != Lookup::Absent), "{entry}");
    }
    let stats = small.stats();
    assert!(stats.charged_size <= 8000, "a cache of 8000 bytes is charged {stats:?} {CACHED}");
    assert!(stats.evictions > 0, "not all parts have room in 8000 bytes: {stats:?} {CACHED}");
}

#[test]
fn a_lookup_whose_read_fails_is_an_error_and_the_next_one_is_not() {
    let entries = numbered(400, 20);
    for nth in 1..=3 {
        let cache = Arc::new(BlockCache::new(1 << 20));
        let given = given(&cut(128, 200, 10), &entries, Some(&cache));
        given.sim.fail(Operation::Read, nth, Fault::Io);
        let came = given.table.get(user_key(400).as_bytes(), 9);
        let is_io = came.as_ref().is_err_and(|error| error.io_kind().is_some());
        assert!(is_io, "read {nth} of three fails: want the disk's error, got {came:?} {ASKS}");
        given.expect_get(user_key(400).as_bytes(), 9);
    }
}
