//! Day 5: the cache.

mod given;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};
use std::thread;

use sstable::{BlockCache, CacheStats};
use wal::Error;
use wal::testing::{Workload, seeds};

use self::given::*;
use crate::allocated_by;

fn cache() -> Arc<BlockCache> {
    Arc::new(BlockCache::new(1 << 20))
}

fn corruption(offset: u64) -> Error {
    Error::corruption(Path::new("/db/000007.sst"), offset, "a bad block")
}

// A block that is there, and one that is not.

#[test]
fn a_block_is_loaded_once_and_then_is_there() {
    let cache = cache();
    let shared = Arc::clone(&cache);
    let lock = "for itself: is the shard's lock held to the end of a `match`, and while it loads?";
    must_end(&format!("{lock} {ONCE}"), move || {
        assert!(is_loaded(&shared, key(50), || block_of(9)), "an empty cache has no block {ONCE}");
    });
    for offset in 0..50 {
        let size = 100 + offset as usize;
        assert!(is_loaded(&cache, key(offset), || block_of(size)), "it is not there yet {ONCE}");
        assert!(cache.contains(key(offset)), "{:?} was loaded, and is not there", key(offset));
        let came = expect_hit(&cache, key(offset), ONCE).size();
        assert_eq!(came, size, "size of the block at {offset}, when it came from memory {ONCE}");
    }
    let want = CacheStats { hits: 50, misses: 51, blocks: 51, ..cache.stats() };
    assert_eq!(cache.stats(), want, "51 blocks, and 50 of them asked for again {NAMED}");
}

#[test]
fn a_hit_allocates_nothing() {
    let cache = cache();
    is_loaded(&cache, key(0), || block_of(4096));
    let ask = || drop(expect_hit(&cache, key(0), ONCE));
    assert_eq!(allocated_by(3000, ask), 0, "bytes that a hit allocates {ONCE}");
}

#[test]
fn every_question_is_a_hit_a_miss_or_a_wait() {
    for seed in seeds(10) {
        let mut dice = Workload::new(seed);
        let cache = BlockCache::with_shards(64 << 10, 2);
        let mut want = CacheStats::default();
        for _ in 0..2000 {
            let key = key(dice.below(60) as u64);
            let loaded = if dice.below(8) == 0 {
                cache.get_or_load(key, || Err(Error::Closed)).is_err()
            } else {
                is_loaded(&cache, key, || block_of(2000))
            };
            want.misses += u64::from(loaded);
            want.hits += u64::from(!loaded);
            cache.contains(key); // That is no question.
            let came = cache.stats();
            let (blocks, charged_size) = (came.blocks, came.charged_size);
            let evictions = came.evictions;
            want = CacheStats { evictions, blocks, charged_size, ..want };
            assert_eq!(came, want, "hits, misses and waits of one thread, seed {seed} {NAMED}");
        }
    }
}

// One load for all.

#[test]
fn sixty_four_threads_that_miss_one_block_load_it_once() {
    let (cache, loads) = (cache(), Counter::default());
    let first = Held::begin(&cache, key(0), || Ok(block_of(777)));
    let counter = loads.clone();
    let others = waiting(63, &cache, key(0), move || {
        counter.count();
        Ok(block_of(111))
    });
    let all = others.into_iter().chain([first.let_go()]);
    for came in all.map(|thread| returned(thread, OUTCOME)) {
        let size = came.expect("the load was good, and so it is for all").size();
        assert_eq!(size, 777, "size of the block that one loaded and all get {OUTCOME}");
    }
    assert_eq!(loads.get(), 0, "loads by those who should have waited {ONCE}");
    let want = CacheStats { misses: 1, waits: 63, hits: 0, blocks: 1, ..cache.stats() };
    assert_eq!(cache.stats(), want, "one block, asked for by 64 threads while it is loaded");
}

#[test]
fn threads_that_race_for_blocks_load_each_of_them_once() {
    const THREADS: u64 = 8;
    for seed in seeds(30) {
        let (cache, barrier) = (cache(), Arc::new(Barrier::new(THREADS as usize)));
        let loads: Arc<Vec<Counter>> = Arc::new((0..40).map(|_| Counter::default()).collect());
        let race = |thread: u64| {
            let (cache, barrier, loads) = (cache.clone(), barrier.clone(), loads.clone());
            thread::spawn(move || {
                barrier.wait();
                let mut dice = Workload::new(seed * THREADS + thread);
                for _ in 0..100 {
                    let offset = dice.below(loads.len());
                    let load = || {
                        loads[offset].count();
                        Ok(block_of(100 + offset))
                    };
                    let block = cache.get_or_load(key(offset as u64), load).expect("a good load");
                    assert_eq!(block.size(), 100 + offset, "size of the block at {offset} {NAMED}");
                }
            })
        };
        let threads: Vec<_> = (0..THREADS).map(race).collect();
        threads.into_iter().for_each(|thread| returned(thread, ONCE));
        let most = loads.iter().map(Counter::get).max();
        assert_eq!(most, Some(1), "most loads of one block, seed {seed} {ONCE}");
        let stats = cache.stats();
        let sum = stats.hits + stats.misses + stats.waits;
        assert_eq!(sum, THREADS * 100, "hits, misses and waits together: {stats:?} {NAMED}");
    }
}

#[test]
fn nobody_else_waits_for_a_load() {
    let cache = Arc::new(BlockCache::with_shards(1 << 20, 1));
    is_loaded(&cache, key(1), || block_of(100));
    let held = Held::begin(&cache, key(0), || Ok(block_of(100)));
    let shared = Arc::clone(&cache);
    let why = "for a load of another block; is the shard's lock held meanwhile?";
    must_end(&format!("{why} {ONCE}"), move || {
        expect_hit(&shared, key(1), ONCE);
        assert!(is_loaded(&shared, key(2), || block_of(100)), "a third block is not there {ONCE}");
        assert!(!shared.contains(key(0)), "a block is being loaded, and is not there yet {ONCE}");
        let want = CacheStats { blocks: 2, charged_size: 2 * 260, ..shared.stats() };
        assert_eq!(shared.stats(), want, "two blocks are there, and one on its way {CHARGED}");
    });
    returned(held.let_go(), OUTCOME).expect("a good load");
    assert!(cache.contains(key(0)), "the load is over, and the block is not there {ONCE}");
}

#[test]
fn a_load_may_ask_for_other_blocks() {
    let cache = Arc::new(BlockCache::with_shards(1 << 20, 1));
    let shared = Arc::clone(&cache);
    must_end(&format!("for itself: its load asks for another block {ONCE}"), move || {
        let outer = shared.get_or_load(key(0), || shared.get_or_load(key(1), || Ok(block_of(100))));
        assert_eq!(outer.expect("a good load").size(), 100, "size of the block {ONCE}");
    });
    assert_eq!(cache.stats().blocks, 2, "blocks that are there after one load in another {ONCE}");
}

// Loads that fail.

#[test]
fn an_error_reaches_all_who_wait() {
    let cache = cache();
    let errors: [fn() -> Error; 3] = [
        || corruption(4096),
        || Error::Closed,
        || {
            let source = io::Error::from(io::ErrorKind::PermissionDenied);
            Error::Io { operation: "read", path: PathBuf::from("/db/000007.sst"), source }
        },
    ];
    for error in errors {
        let want = error().to_string();
        let first = Held::begin(&cache, key(0), move || Err(error()));
        let others = waiting(10, &cache, key(0), || Ok(block_of(100)));
        for thread in others.into_iter().chain([first.let_go()]) {
            let came = returned(thread, OUTCOME).map(|block| block.size());
            let came = came.map_or_else(|error| error.to_string(), |size| size.to_string());
            assert_eq!(came, want, "what ten who waited and the one who loaded get {OUTCOME}");
        }
        let stats = cache.stats();
        assert_eq!((stats.blocks, stats.charged_size), (0, 0), "blocks and bytes of it {OUTCOME}");
    }
}

#[test]
fn after_an_error_the_next_one_tries_again() {
    let cache = cache();
    for offset in 0..5 {
        let came = cache.get_or_load(key(0), || Err(corruption(offset)));
        let came = came.map(|_| "a block").map_err(|error| error.to_string());
        let want = corruption(offset).to_string();
        assert_eq!(came, Err(want), "the error of load {offset}, and of no other {OUTCOME}");
        assert!(!cache.contains(key(0)), "an error is no block {OUTCOME}");
    }
    let cache = Arc::clone(&cache);
    must_end(OUTCOME, move || {
        let loaded = is_loaded(&cache, key(0), || block_of(100));
        assert!(loaded, "five loads failed, so the sixth question loads {OUTCOME}");
        expect_hit(&cache, key(0), OUTCOME);
    });
}

// Loads that panic.

#[test]
fn a_load_that_panics_leaves_nobody_waiting() {
    let (cache, loads) = (cache(), Counter::default());
    let first = Held::begin(&cache, key(0), || panic!("on purpose"));
    let counter = loads.clone();
    let others = waiting(20, &cache, key(0), move || {
        counter.count();
        Ok(block_of(333))
    });
    let panic = ended(first.let_go(), OUTCOME).expect_err("a panic goes on to who asked");
    let text = panic.downcast_ref::<&str>().copied();
    assert_eq!(text, Some("on purpose"), "the panic of the load itself {OUTCOME}");
    for thread in others {
        let block = returned(thread, OUTCOME).expect("one of them loads, and that load is good");
        assert_eq!(block.size(), 333, "size of what one of them loaded {OUTCOME}");
    }
    assert_eq!(loads.get(), 1, "loads by twenty who waited for one that panicked {OUTCOME}");
}

#[test]
fn after_two_panics_one_of_those_who_wait_loads() {
    let (cache, loads) = (cache(), Counter::default());
    let first = Held::begin(&cache, key(0), || panic!("on purpose"));
    let counter = loads.clone();
    let others = waiting(3, &cache, key(0), move || {
        counter.count();
        assert!(counter.get() > 1, "on purpose");
        Ok(block_of(333))
    });
    ended(first.let_go(), OUTCOME).expect_err("a panic goes on to who asked");
    let ends = others.into_iter().map(|thread| ended(thread, OUTCOME));
    let good = ends.filter(|end| matches!(end, Ok(Ok(block)) if block.size() == 333)).count();
    assert_eq!(good, 2, "of three who waited, the first to load panics, and two get it {OUTCOME}");
    assert_eq!(loads.get(), 2, "loads of the three: one panics, one is good {OUTCOME}");
}

#[test]
fn after_a_panic_the_block_can_be_loaded() {
    let cache = cache();
    for _ in 0..3 {
        let held = Held::begin(&cache, key(0), || panic!("on purpose"));
        ended(held.let_go(), OUTCOME).expect_err("a panic goes on to who asked");
        let stats = cache.stats();
        assert_eq!((stats.blocks, stats.charged_size), (0, 0), "blocks and bytes of it {OUTCOME}");
    }
    let shared = Arc::clone(&cache);
    must_end(OUTCOME, move || {
        assert!(is_loaded(&shared, key(0), || block_of(100)), "nothing was there {OUTCOME}");
    });
    expect_hit(&cache, key(0), OUTCOME);
}

#[test]
fn a_block_too_large_to_keep_reaches_all_who_wait() {
    let cache = Arc::new(BlockCache::with_shards(4096, 1));
    let first = Held::begin(&cache, key(0), || Ok(block_of(5000)));
    let others = waiting(10, &cache, key(0), || Ok(block_of(100)));
    for thread in others.into_iter().chain([first.let_go()]) {
        let size = returned(thread, OUTCOME).expect("the load was good").size();
        assert_eq!(size, 5000, "size of the block that is served and not kept {OUTCOME}");
    }
    assert!(!cache.contains(key(0)), "5 160 bytes are not kept in 4 096 {CHARGED}");
    let shared = Arc::clone(&cache);
    must_end(OUTCOME, move || {
        let loaded = is_loaded(&shared, key(0), || block_of(5000));
        assert!(loaded, "it was not kept, so it is loaded again {CHARGED}");
    });
}

mod keep;
mod queues;
mod schedule;
mod table;
