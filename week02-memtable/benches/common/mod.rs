//! What all benches need: entries, and the map that a memtable is built on, bare.

// Each bench is a program of its own and uses a part of this.
#![allow(dead_code)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use crossbeam_skiplist::SkipMap;
use memtable::MemTable;
use wal::{Operation, Seq};

/// Entries in a table: with keys and values, 60 MB, which no processor's cache holds.
pub(crate) const ENTRIES: u64 = 500_000;

pub(crate) const VALUE: [u8; 100] = [0x5a; 100];

/// The `number`th key, of 16 bytes. Neighbours in number are nowhere near each other in order.
pub(crate) fn key(number: u64) -> [u8; 16] {
    let mixed = u128::from(number) * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    (mixed ^ mixed >> 61).to_be_bytes()
}

/// Keys in an order of their own: each step goes somewhere else.
pub(crate) struct Keys(pub(crate) u64);

impl Keys {
    pub(crate) fn next(&mut self) -> [u8; 16] {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        key((self.0 >> 33) % ENTRIES)
    }
}

/// The map with nothing around it: keys and values in an allocation each.
pub(crate) type Bare = SkipMap<Bytes, Bytes>;

pub(crate) fn insert_bare(map: &Bare, number: u64) {
    map.insert(Bytes::copy_from_slice(&key(number)), Bytes::copy_from_slice(&VALUE));
}

pub(crate) fn insert(table: &MemTable, number: u64) {
    insert_as(table, number + 1, number);
}

pub(crate) fn insert_as(table: &MemTable, seq: Seq, number: u64) {
    table.insert(seq, put(&key(number)));
}

pub(crate) fn put(key: &[u8; 16]) -> Operation<'_> {
    Operation::Put { key, value: &VALUE }
}

/// A memtable with all entries.
pub(crate) fn full_table() -> MemTable {
    let table = MemTable::new();
    (0..ENTRIES).for_each(|number| insert(&table, number));
    table
}

/// The bare map with all entries.
pub(crate) fn full_map() -> Bare {
    let map = Bare::new();
    (0..ENTRIES).for_each(|number| insert_bare(&map, number));
    map
}

pub(crate) type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// A group of few long rounds, with so many entries in each.
pub(crate) fn group<'a>(criterion: &'a mut Criterion, name: &str, entries: u64) -> Group<'a> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.throughput(Throughput::Elements(entries));
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
