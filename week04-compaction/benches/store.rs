//! A store of a million entries: filling it, reading it, and what compaction does with it. Unless a
//! name says otherwise, nothing is compressed, and all blocks are in the cache.

use std::hint::black_box;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use lsm::{Lsm, LsmOptions, Strategy};
use sstable::{Codec, TableOptions};
use tempfile::TempDir;
use wal::fs::OsFs;
use wal::{Direction, Durability, Engine, KeyRange, LogStore, Reader, StoreOptions, WriteBatch};

const ENTRIES: u64 = 1_000_000;
const VALUE: [u8; 100] = [0x5a; 100];
/// Reads in a round, and scans.
const READS: u64 = 100_000;
const SCANS: u64 = 5_000;

fn fills(criterion: &mut Criterion) {
    let mut group = group(criterion, "fill", ENTRIES);
    for (name, strategy) in [("leveled", Strategy::Leveled), ("tiered", Strategy::Tiered)] {
        group.bench_function(format!("in no order, {name}"), |bencher| {
            bencher.iter_custom(|rounds| timed(rounds, |dir| fill(&open(dir, strategy), mixed)));
        });
    }
    group.bench_function("in order", |bencher| {
        bencher.iter_custom(|rounds| {
            timed(rounds, |dir| fill(&open(dir, Strategy::Leveled), |number| number))
        });
    });
    group.bench_function("baseline: week 1's store", |bencher| {
        bencher.iter_custom(|rounds| {
            timed(rounds, |dir| {
                let store = LogStore::open(Arc::new(OsFs), dir.path(), StoreOptions::default());
                fill(&store.expect("a new directory"), mixed);
            })
        });
    });
}

fn reads(criterion: &mut Criterion) {
    let stores =
        [("leveled", Strategy::Leveled), ("tiered", Strategy::Tiered)].map(|(name, strategy)| {
            let dir = directory();
            let store = open(&dir, strategy);
            fill(&store, mixed);
            store.settle().expect("a good disk");
            (name, store, dir)
        });
    let mut gets = group(criterion, "get", READS);
    for (name, store, _) in &stores {
        gets.bench_function(*name, |bencher| {
            bencher.iter(|| {
                for number in 0..READS {
                    let found = store.get(&key(mixed(number))).expect("a good disk");
                    assert!(black_box(found).is_some(), "it was put");
                }
            });
        });
        gets.bench_function(format!("{name}, key is not there"), |bencher| {
            bencher.iter(|| {
                for number in 0..READS {
                    let mut absent = key(mixed(number));
                    absent[15] = b'z';
                    assert!(store.get(&absent).expect("a good disk").is_none(), "nobody put it");
                }
            });
        });
    }
    gets.finish();
    let mut scans = group(criterion, "scan of 100", SCANS);
    for (name, store, _) in &stores {
        scans.bench_function(*name, |bencher| {
            bencher.iter(|| {
                for number in 0..SCANS {
                    let start =
                        Bound::Included(key(mixed(number) % (ENTRIES - 100)).to_vec().into());
                    let range = KeyRange { start, end: Bound::Unbounded };
                    let scan = store.scan(range, Direction::Forward).expect("a good disk");
                    assert_eq!(black_box(scan.take(100).count()), 100, "so many are there");
                }
            });
        });
    }
}

/// Opening a store that was dropped with all its entries in tables and one memtable's in the log.
fn opens(criterion: &mut Criterion) {
    let dir = directory();
    fill(&open(&dir, Strategy::Leveled), mixed);
    let mut group = group(criterion, "open", 1);
    group.bench_function("after a drop", |bencher| {
        bencher.iter(|| drop(black_box(open(&dir, Strategy::Leveled))));
    });
}

fn open(dir: &TempDir, strategy: Strategy) -> Lsm {
    let options = LsmOptions {
        strategy,
        cache_size: 256 << 20,
        table: TableOptions { codec: Codec::None, ..TableOptions::default() },
        ..LsmOptions::default()
    };
    Lsm::open(Arc::new(OsFs), dir.path(), options).expect("a good disk")
}

fn fill(store: &impl Engine, number: impl Fn(u64) -> u64) {
    for index in 0..ENTRIES {
        let mut batch = WriteBatch::new();
        batch.put(&key(number(index)), &VALUE);
        store.write(batch, Durability::Flushed).expect("a good disk");
    }
}

/// The `number`th key, of 16 bytes: they ascend.
fn key(number: u64) -> [u8; 16] {
    let mut key = *b"user000000000000";
    for (place, digit) in key[4..].iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (4 * place)) as usize & 15];
    }
    key
}

/// Each number below `ENTRIES` once, in no order: the factor and their count have no divisor in common.
fn mixed(number: u64) -> u64 {
    number * 611_953 % ENTRIES
}

fn directory() -> TempDir {
    let exe = std::env::current_exe().expect("a program knows where it is");
    let beside = exe.parent().expect("a program is in a directory");
    tempfile::tempdir_in(beside).expect("that directory can be written to")
}

/// The time for `work`, so many times, each in a directory of its own.
fn timed(rounds: u64, work: impl Fn(&TempDir)) -> Duration {
    let mut sum = Duration::ZERO;
    for _ in 0..rounds {
        let dir = directory();
        let start = Instant::now();
        work(&dir);
        sum += start.elapsed();
    }
    sum
}

fn group<'a>(
    criterion: &'a mut Criterion,
    name: &str,
    elements: u64,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(elements)).sample_size(10);
    group
}

criterion_group!(benches, fills, reads, opens);
criterion_main!(benches);
