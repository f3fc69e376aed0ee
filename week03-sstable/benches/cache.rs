//! The cache: hits, by one thread and by two, and lookups of which some miss. How many of these hit
//! is printed on standard error.

mod common;

use std::collections::HashMap;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::*;
use criterion::{Criterion, criterion_group, criterion_main};
use parking_lot::Mutex;
use sstable::cache::{BLOCK_OVERHEAD, BlockKey};
use sstable::{Block, BlockCache};

/// Blocks that are asked for, of so many bytes.
const BLOCKS: u64 = 50_000;
const BLOCK_SIZE: usize = 4 << 10;
/// Lookups in a round.
const LOOKUPS: u64 = 400_000;

fn hits(criterion: &mut Criterion) {
    // Twice the room: shards do not get equally many.
    let cache = cache_for(2 * BLOCKS);
    (0..BLOCKS).for_each(|number| ask(&cache, number));
    let mut group = group(criterion, "cache hit", LOOKUPS);
    for (name, threads) in [("one thread", 1), ("two threads", 2)] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| {
                (0..rounds).map(|_| by_threads(threads, |number| ask(&cache, number))).sum()
            });
        });
    }
    let map: HashMap<u64, Block> = (0..BLOCKS).map(|number| (number, block())).collect();
    let map = Mutex::new(map);
    group.bench_function("baseline: one lock, one map, one thread", |bencher| {
        bencher.iter_custom(|rounds| {
            let get = |number| _ = black_box(map.lock().get(&number).cloned());
            (0..rounds).map(|_| by_threads(1, get)).sum()
        });
    });
    assert_eq!(cache.stats().evictions, 0, "a cache with room for all");
}

/// All rows look up as many blocks: so two threads that do not disturb each other take half the
/// time of one.
fn by_threads(threads: u64, get: impl Fn(u64) + Sync) -> Duration {
    let get = &get;
    let start = Instant::now();
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let mut numbers = Numbers { state: thread, end: BLOCKS };
                (0..LOOKUPS / threads).for_each(|_| get(numbers.next()));
            });
        }
    });
    start.elapsed()
}

/// Half the number is asked for twice as often: Zipf's law.
fn zipf(criterion: &mut Criterion) {
    let mut numbers = Numbers { state: 1, end: 1 << 30 };
    let mut lookup = || {
        let part = numbers.next() as f64 / f64::from(1 << 30);
        (BLOCKS as f64).powf(part) as u64
    };
    let trace: Vec<u64> = (0..LOOKUPS).map(|_| lookup()).collect();
    let mut group = group(criterion, "cache, Zipf trace", LOOKUPS);
    for part in [100, 10] {
        let cache = cache_for(BLOCKS / part);
        let round = || trace.iter().for_each(|&number| ask(&cache, number));
        round();
        let before = cache.stats();
        round();
        let hits = cache.stats().hits - before.hits;
        eprintln!(
            "room for one block in {part}: of a hundred lookups {:.1} hit",
            100.0 * hits as f64 / LOOKUPS as f64
        );
        group.bench_function(format!("room for one in {part}"), |bencher| bencher.iter(round));
    }
    let everything = cache_for(2 * BLOCKS);
    group.bench_function("baseline: room for all", |bencher| {
        bencher.iter(|| trace.iter().for_each(|&number| ask(&everything, number)));
    });
}

/// A cache with room for so many blocks.
fn cache_for(blocks: u64) -> BlockCache {
    BlockCache::new(blocks as usize * (BLOCK_SIZE + BLOCK_OVERHEAD))
}

fn ask(cache: &BlockCache, number: u64) {
    let key = BlockKey { table_id: 1, offset: number * BLOCK_SIZE as u64 };
    _ = black_box(cache.get_or_load(key, || Ok(block())));
}

/// A block of entries that nobody reads, and one restart point.
fn block() -> Block {
    let mut bytes = vec![0; BLOCK_SIZE];
    bytes[BLOCK_SIZE - 4] = 1;
    Block::parse(Bytes::from(bytes)).expect("a restart point at 0, and entries behind it")
}

criterion_group!(benches, hits, zipf);
criterion_main!(benches);
