//! What is kept, what it is charged, and what is pinned.

use std::sync::Arc;

use sstable::cache::BLOCK_OVERHEAD;
use sstable::{Block, BlockCache};
use wal::testing::{Workload, seeds};

use super::given::*;

/// How large the block at `offset` is, always the same.
fn size_at(offset: usize) -> usize {
    if offset.is_multiple_of(37) { 20_000 } else { 9 + offset * 7919 % 4000 }
}

/// What is there of the first `count` blocks: how many, and what they should be charged.
fn there(cache: &BlockCache, count: usize) -> (u64, u64) {
    let there = (0..count).filter(|&offset| cache.contains(key(offset as u64)));
    let charges = there.map(|offset| (size_at(offset) + BLOCK_OVERHEAD) as u64);
    charges.fold((0, 0), |(blocks, sum), charge| (blocks + 1, sum + charge))
}

#[test]
fn what_is_there_is_charged_its_size_and_160_bytes() {
    for seed in seeds(5) {
        let mut dice = Workload::new(seed);
        let cache = BlockCache::with_shards(100_000, 1);
        for _ in 0..1000 {
            // All of them fit into the shard.
            let offset = 1 + dice.below(36) + 37 * dice.below(8);
            is_loaded(&cache, key(offset as u64), || block_of(size_at(offset)));
            let stats = cache.stats();
            let came = (stats.blocks, stats.charged_size);
            let want = there(&cache, 300);
            assert_eq!(
                came, want,
                "blocks that are there, and their charge, seed {seed} {CHARGED}"
            );
            assert_eq!(
                stats.misses,
                stats.blocks + stats.evictions,
                "blocks that were loaded, and those that are there or went: {stats:?} {NAMED}"
            );
        }
    }
}

#[test]
fn capacity_is_held_at_every_moment() {
    for (seed, shards) in seeds(16).zip([1, 2, 8, 64].into_iter().cycle()) {
        let mut dice = Workload::new(seed);
        let capacity = [0, 159, 5_000, 40_000, 300_000][dice.below(5)];
        let cache = BlockCache::with_shards(capacity, shards);
        for _ in 0..3000 {
            let end = 1 + dice.below(400);
            let offset = dice.below(end);
            let charge = size_at(offset) + BLOCK_OVERHEAD;
            is_loaded(&cache, key(offset as u64), || block_of(size_at(offset)));
            let came = cache.stats().charged_size;
            assert!(
                came <= capacity as u64,
                "{came} bytes in a cache of {capacity}, {shards} shards, seed {seed} {CHARGED}"
            );
            let kept = cache.contains(key(offset as u64));
            let want = charge <= capacity / shards;
            assert_eq!(
                kept,
                want,
                "whether a block that was just asked for and is charged {charge} is there, in a \
                 shard of {} bytes: the new one is not what goes {CHARGED}",
                capacity / shards
            );
        }
    }
}

#[test]
fn a_block_as_large_as_a_shard_is_kept_and_one_byte_more_is_not() {
    for shards in [1, 4] {
        let cache = BlockCache::with_shards(shards * 10_000, shards);
        is_loaded(&cache, key(0), || charged(10_000));
        assert!(cache.contains(key(0)), "charged 10 000, a shard's capacity: it fits {CHARGED}");
        for offset in 1..50 {
            let came = cache.get_or_load(key(offset), || Ok(charged(10_001)));
            let size = came.expect("it is served all the same").size();
            assert_eq!(size, 10_001 - BLOCK_OVERHEAD, "size of what is served {CHARGED}");
            assert!(!cache.contains(key(offset)), "charged 10 001, and a shard has 10 000");
            assert!(cache.contains(key(0)), "nothing goes for what is not kept {CHARGED}");
        }
        let want = (1, 0);
        let came = (cache.stats().blocks, cache.stats().evictions);
        assert_eq!(came, want, "blocks that are there, and evictions {CHARGED}");
    }
}

#[test]
fn as_much_goes_as_there_must_be_room_for() {
    let cache = Places::new(10);
    cache.ask("abcdefghij");
    assert_eq!(cache.0.stats().evictions, 0, "ten blocks in ten places: none has to go {CHARGED}");
    for (evicted, name) in (1..).zip('k'..='z') {
        cache.ask(&name.to_string());
        let came = (cache.taken(), cache.0.stats().evictions);
        assert_eq!(came, (10, evicted), "places taken, and evictions, after a to {name} {CHARGED}");
    }
    // One that is as large as three.
    is_loaded(&cache.0, key(0), || charged(3 * PLACE));
    let came = (cache.taken(), cache.0.stats().evictions);
    assert_eq!(came, (10, 19), "places taken, and evictions, after one of three places {CHARGED}");
}

// Pins.

#[test]
fn a_pinned_block_is_not_evicted_and_stays_charged() {
    for pinned in ["a", "e", "j", "abc", "bdfhj", "abcdefghi"] {
        let cache = Places::new(10);
        cache.ask("abcdefghij");
        let pins = cache.pin(pinned);
        for name in 'k'..='z' {
            cache.ask(&name.to_string());
            let (there, taken) = (cache.there(), cache.taken());
            let all = pinned.chars().all(|name| there.contains(name));
            assert!(all, "{pinned} are held, and {there} are there, after {name} {CHARGED}");
            assert!(taken <= 10, "{taken} of 10 places, and {pinned} alone are pinned {CHARGED}");
        }
        drop(pins);
    }
}

#[test]
fn pins_alone_may_exceed_the_capacity() {
    let cache = Arc::new(Places::new(10));
    let shared = Arc::clone(&cache);
    let why = format!("for room that there is not: all blocks are pinned {CHARGED}");
    let pins: Vec<Block> = must_end(&why, move || shared.pin("abcdefghijklmnopqrstuvwxy"));
    cache.expect_pinned("abcdefghijklmnopqrstuvwxy", "25 were pinned in 10 places");
    assert_eq!(cache.taken(), 25, "places: what is pinned is in memory, and charged {CHARGED}");
    let held = drop_some(pins, 4);
    cache.ask("z");
    assert_eq!(cache.taken(), 10, "places after 21 of 25 were let go, and one load {CHARGED}");
    let there = cache.there();
    let all = ["v", "w", "x", "y", "z"].iter().all(|&name| there.contains(name));
    assert!(all, "vwxy are held and z is new, and {there} are there {CHARGED}");
    drop(held);
}

/// The last `count` of them.
fn drop_some(mut pins: Vec<Block>, count: usize) -> Vec<Block> {
    pins.split_off(pins.len() - count)
}

#[test]
fn the_one_that_is_not_pinned_is_found_wherever_it_stands() {
    // All but k are in the main queue, and each is worth its rounds.
    for free in "bcdefghij".chars() {
        let cache = Places::new(10);
        cache.ask("abcdefghijabcdefghijk");
        cache.ask("bcdefghijbcdefghijbcdefghij");
        let pinned = "bcdefghij".replace(free, "");
        let pins = cache.pin(&pinned);
        cache.ask("l");
        let want = format!("{pinned}kl");
        cache.expect_pinned(&want, &format!("{pinned} were pinned, and {free} not, l came"));
        assert_eq!(cache.taken(), 10, "places: {free} was to be had {CHARGED}");
        drop(pins);
    }
}

#[test]
fn when_all_of_the_main_queue_is_pinned_the_small_one_gives_way() {
    let cache = Places::new(10);
    cache.ask("abcdefghijabcdefghijk");
    let pins = cache.pin("bcdefghij");
    for name in 'l'..='z' {
        cache.ask(&name.to_string());
        let want = format!("bcdefghij{name}");
        cache.expect_there(&want, &format!("b to j were pinned, and {name} asked for"));
    }
    drop(pins);
}

#[test]
fn what_moves_on_to_a_queue_of_pinned_ones_is_looked_at() {
    // b to j are pinned in the main queue. k was used, and moves on: it can go, and nothing else.
    let cache = Places::new(10);
    cache.ask("abcdefghijabcdefghijkk");
    let pins = cache.pin("bcdefghij");
    cache.ask("l");
    cache.expect_there("bcdefghijl", "b to j were pinned, k was used once, and l came");
    assert_eq!(cache.taken(), 10, "places: k was to be had {CHARGED}");
    drop(pins);
}

#[test]
fn forty_thousand_pinned_blocks_are_looked_at_once() {
    let cache = Arc::new(BlockCache::with_shards(40_000 * 169, 1));
    must_end(&format!("for a search among forty thousand pinned blocks {CHARGED}"), move || {
        let pin = |offset| cache.get_or_load(key(offset), || Ok(block_of(9))).expect("a good load");
        let pins: Vec<Block> = (0..40_002).map(pin).collect();
        assert_eq!(cache.stats().blocks, 40_002, "all are pinned, so all are there {CHARGED}");
        drop(pins);
    });
}

#[test]
fn what_is_pinned_keeps_the_rounds_it_is_worth() {
    let cache = Places::new(10);
    // b has two uses in the main queue, and is pinned while many others go through.
    cache.ask("abcdefghijabcdefghijkb");
    let pins = cache.pin("b");
    cache.ask("lllmmmnnnooopppqqqrrrssstttuuuvvvwww");
    drop(pins);
    cache.ask("xxyyzzccddee");
    assert!(cache.there().contains('b'), "b was worth two rounds when it was let go {QUEUES}");
}
