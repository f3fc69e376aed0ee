//! The store's put, get and scan, beside a map behind a lock that keeps nothing.
//!
//! Puts are buffered: what a sync costs is in `commit`.

mod common;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::Dir;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use parking_lot::RwLock;
use wal::fs::OsFs;
use wal::{Direction, Durability, Engine, KeyRange, LogStore, Reader, StoreOptions, WriteBatch};

const ENTRIES: u64 = 100_000;
const VALUE: [u8; 100] = [0x5a; 100];
/// Entries in one scan.
const SCANNED: usize = 100;

/// The keys in an order of their own: each step goes somewhere else.
struct Keys(u64);

impl Keys {
    fn next(&mut self) -> [u8; 16] {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        key((self.0 >> 33) % ENTRIES)
    }
}

fn key(number: u64) -> [u8; 16] {
    let mut key = *b"user000000000000";
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

fn store(criterion: &mut Criterion) {
    let dir = Dir::new("store");
    let store = LogStore::open(Arc::new(OsFs), dir.path(), StoreOptions::default());
    let store = store.expect("a new store opens");
    let map = RwLock::new(BTreeMap::new());
    for first in (0..ENTRIES).step_by(1000) {
        let mut batch = WriteBatch::new();
        for number in first..first + 1000 {
            batch.put(&key(number), &VALUE);
            put(&map, key(number));
        }
        store.write(batch, Durability::Buffered).expect("the disk takes it");
    }
    puts(group(criterion, "store put", 1), &store, &map);
    gets(group(criterion, "store get", 1), &store, &map);
    scans(group(criterion, "store scan", SCANNED as u64), &store, &map);
}

/// A group whose rounds handle so many entries each.
fn group<'a>(criterion: &'a mut Criterion, name: &str, entries: u64) -> Group<'a> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(30).measurement_time(Duration::from_secs(2));
    group.throughput(Throughput::Elements(entries));
    group
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

type Map = RwLock<BTreeMap<Bytes, Bytes>>;

fn put(map: &Map, key: [u8; 16]) {
    map.write().insert(Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&VALUE));
}

fn puts(mut group: Group<'_>, store: &LogStore, map: &Map) {
    let mut keys = Keys(1);
    group.bench_function("store", |bencher| {
        bencher.iter(|| store.put(&keys.next(), &VALUE, Durability::Buffered).expect("it works"));
    });
    group.bench_function("baseline: map", |bencher| bencher.iter(|| put(map, keys.next())));
}

fn gets(mut group: Group<'_>, store: &LogStore, map: &Map) {
    let mut keys = Keys(2);
    group.bench_function("store", |bencher| {
        bencher.iter(|| store.get(&keys.next()).expect("memory answers"));
    });
    group.bench_function("baseline: map", |bencher| {
        bencher.iter(|| map.read().get(&keys.next()[..]).cloned());
    });
}

fn scans(mut group: Group<'_>, store: &LogStore, map: &Map) {
    let mut keys = Keys(3);
    let mut range = move || KeyRange::half_open(keys.next().to_vec(), key(ENTRIES).to_vec());
    group.bench_function("store", |bencher| {
        bencher.iter(|| {
            let scan = store.scan(range(), Direction::Forward).expect("memory answers");
            scan.take(SCANNED).for_each(|entry| drop(black_box(entry)));
        });
    });
    group.bench_function("baseline: map", |bencher| {
        bencher.iter(|| {
            let (map, range) = (map.read(), range());
            let entries = map.range::<Bytes, _>((range.start, range.end)).take(SCANNED);
            entries.for_each(|(key, value)| drop(black_box((key.clone(), value.clone()))));
        });
    });
}

criterion_group!(benches, store);
criterion_main!(benches);
