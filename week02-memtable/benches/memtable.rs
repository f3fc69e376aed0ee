//! The memtable beside the map that it is built on, with the same entries: insert, get, and get by
//! two threads beside one.

mod common;

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use criterion::{Criterion, criterion_group, criterion_main};
use memtable::{MemTable, SEQ_MAX};

/// Lookups in a round of each thread.
const LOOKUPS: u64 = 200_000;

fn insert_all(criterion: &mut Criterion) {
    let mut group = group(criterion, "memtable insert", ENTRIES);
    group.bench_function("memtable", |bencher| {
        bencher.iter_custom(|rounds| {
            timed(rounds, MemTable::new, |table| (0..ENTRIES).for_each(|n| insert(table, n)))
        });
    });
    group.bench_function("baseline: SkipMap", |bencher| {
        bencher.iter_custom(|rounds| {
            timed(rounds, Bare::new, |map| (0..ENTRIES).for_each(|n| insert_bare(map, n)))
        });
    });
}

fn get(criterion: &mut Criterion) {
    let (table, map) = (full_table(), full_map());
    let mut group = group(criterion, "memtable get", 1);
    let mut keys = Keys(1);
    group.bench_function("memtable", |bencher| {
        bencher.iter(|| black_box(table.get(&keys.next(), SEQ_MAX)));
    });
    let mut keys = Keys(1);
    group.bench_function("baseline: SkipMap", |bencher| {
        bencher.iter(|| black_box(map.get(&keys.next()[..]).map(|found| found.value().clone())));
    });
}

/// Both rows look up as many keys in all: so two threads that do not disturb each other take half
/// the time of one.
fn readers(criterion: &mut Criterion) {
    let table = full_table();
    let mut group = group(criterion, "memtable get, by threads", 2 * LOOKUPS);
    for (name, threads) in [("two threads", 2), ("baseline: one thread", 1)] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| look_up(&table, threads)).sum());
        });
    }
}

fn look_up(table: &MemTable, threads: u64) -> Duration {
    let start = Instant::now();
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let mut keys = Keys(thread);
                for _ in 0..2 * LOOKUPS / threads {
                    black_box(table.get(&keys.next(), SEQ_MAX));
                }
            });
        }
    });
    start.elapsed()
}

criterion_group!(benches, insert_all, get, readers);
criterion_main!(benches);
