//! What all benches need: entries in order, and tables of them.

// Each bench is a program of its own and uses a part of this.
#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use memtable::{InternalKey, Kind};
use sstable::{BlockCache, Codec, Table, TableBuilder, TableOptions};
use wal::fs::OsFs;

/// Entries in a table: 126 MB of blocks, which no processor's cache holds.
pub(crate) const ENTRIES: u64 = 1_000_000;

pub(crate) const VALUE: [u8; 100] = [0x5a; 100];

/// The `number`th key, of 16 bytes: they ascend.
pub(crate) fn key(number: u64) -> [u8; 16] {
    spelled(2 * number)
}

/// A key that is in no table, right behind the `number`th.
pub(crate) fn absent_key(number: u64) -> [u8; 16] {
    spelled(2 * number + 1)
}

/// `user`, and twelve hexadecimal digits.
fn spelled(number: u64) -> [u8; 16] {
    let mut key = *b"user000000000000";
    for (place, digit) in key[4..].iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (4 * place)) as usize & 15];
    }
    key
}

/// Numbers below `end` in an order of their own: each step goes somewhere else.
pub(crate) struct Numbers {
    pub(crate) state: u64,
    pub(crate) end: u64,
}

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.state >> 32) * self.end) >> 32
    }
}

/// The key and its trailer: a put with number 1.
pub(crate) fn internal(user_key: &[u8]) -> InternalKey<'_> {
    InternalKey { user_key, seq: 1, kind: Kind::Put }
}

/// All entries, as bare as can be.
pub(crate) fn bare() -> Vec<([u8; 16], [u8; 100])> {
    (0..ENTRIES).map(|number| (key(number), VALUE)).collect()
}

/// Blocks as they are, and the filter that a table has if nothing else is said.
pub(crate) fn uncompressed() -> TableOptions {
    TableOptions { codec: Codec::None, ..TableOptions::default() }
}

/// A directory on the disk with the sources, which goes with the value.
pub(crate) fn directory() -> tempfile::TempDir {
    let exe = std::env::current_exe().expect("a program knows where it is");
    let dir = tempfile::tempdir_in(exe.parent().expect("a program is in a directory"));
    dir.expect("a directory can be made")
}

/// Builds a table of all entries.
pub(crate) fn build(dir: &tempfile::TempDir, options: TableOptions) -> PathBuf {
    let path = dir.path().join("000001.sst");
    let builder = TableBuilder::create(Arc::new(OsFs), &path, options);
    let mut builder = builder.expect("a file can be made");
    for number in 0..ENTRIES {
        builder.add(internal(&key(number)), &VALUE).expect("the disk takes it");
    }
    builder.finish().expect("the disk takes it");
    path
}

/// A table of all entries, open, with a cache of so many bytes; none without. And its directory.
pub(crate) fn table(options: TableOptions, cache_size: usize) -> (tempfile::TempDir, Table) {
    let dir = directory();
    let path = build(&dir, options);
    let cache = (cache_size > 0).then(|| Arc::new(BlockCache::new(cache_size)));
    let table = Table::open(&OsFs, &path, 1, cache).expect("it was just built");
    (dir, table)
}

pub(crate) type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// A group of few long rounds, with so many entries in each.
pub(crate) fn group<'a>(criterion: &'a mut Criterion, name: &str, entries: u64) -> Group<'a> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_secs(1));
    group.measurement_time(Duration::from_secs(3)).throughput(Throughput::Elements(entries));
    group
}

/// How long `work` takes, on something new for each round; to make and to drop it does not count.
pub(crate) fn timed<T>(rounds: u64, make: impl Fn() -> T, work: impl Fn(&T)) -> Duration {
    let round = |_| {
        let made = make();
        let start = Instant::now();
        work(&made);
        start.elapsed()
    };
    (0..rounds).map(round).sum()
}
