//! Which blocks go: two queues, and those that are remembered.

use sstable::BlockCache;
use wal::testing::{Workload, seeds};

use super::given::*;

/// Asks a new cache of ten places.
#[track_caller]
fn expect_after(asked: &str, there: &str) -> Places {
    let cache = Places::new(10);
    cache.ask(asked);
    cache.expect_there(there, &format!("{asked} in ten places"));
    cache
}

#[test]
fn what_was_used_since_it_came_moves_on_and_the_rest_goes_in_order() {
    expect_after("abcdefghij k", "bcdefghijk");
    expect_after("jihgfedcba klm", "abcdefgklm");
    expect_after("abcdefghij ac k", "acdefghijk");
    expect_after("abcdefghij ac klmnopqrstuvwxyz", "acstuvwxyz");
    expect_after("abcdefghij hij klmnopqrstuvwxyz", "hijtuvwxyz");
}

#[test]
fn the_small_queue_gives_way_while_it_has_more_than_a_tenth() {
    // a to i move on, and j alone is a tenth, not more: so the main queue gives way, and a goes.
    let cache = expect_after("abcdefghij abcdefghij k", "bcdefghijk");
    // j, which was used, moves on. Then k alone is a tenth, and b goes.
    cache.ask("l");
    cache.expect_there("cdefghijkl", "ten were used and moved on, then k and l came");
    cache.ask("m");
    cache.expect_there("cdefghijlm", "l and m came, and the small queue had two of ten places");
    for name in 'n'..='z' {
        cache.ask(&name.to_string());
    }
    cache.expect_there("cdefghijyz", "k to z came, each once");
    // Bytes are what counts: one block of three places is more than a tenth of ten.
    let cache = expect_after("abcdefg abcdefg", "abcdefg");
    is_loaded(&cache.0, key(0), || charged(3 * PLACE));
    cache.ask("h");
    cache.expect_there(
        "abcdefgh",
        "seven were used; one of three places came and was not; then h came",
    );
    assert!(!cache.0.contains(key(0)), "three places, not used since it came, are there {QUEUES}");
}

#[test]
fn uses_are_counted_anew_in_the_main_queue() {
    // a was used three times in the small queue, the others once: all move on, and are equal.
    expect_after("abcdefghij aaa bcdefghij k", "bcdefghijk");
}

#[test]
fn a_use_in_the_main_queue_is_worth_a_round() {
    // In the main queue nobody has a use but b and c, its first ones, which go round once.
    let cache = expect_after("abcdefghij abcdefghij k", "bcdefghijk");
    cache.ask("bcl");
    cache.expect_there("bcefghijkl", "b and c were used in the main queue, then l came");
    // The chapter's example.
    expect_after("abcdefghij ac k b lmnopqr a lmnopqr s", "ablmnopqrs");
}

#[test]
fn no_more_than_three_uses_count() {
    let cache = expect_after("abcdefghij abcdefghij kl", "cdefghijkl");
    // k and l are in the small queue, the others in the main one, c first.
    cache.ask("cccccccccccccccccccc");
    cache.ask("defghijdefghijdefghij");
    is_loaded(&cache.0, key(0), || charged(3 * PLACE));
    cache.expect_there(
        "efghijl",
        "c was used 20 times and d to j three times, and one came for which three had to go: k, \
         and after three rounds all of the main queue are equal",
    );
    let cache = expect_after("abcdefghij abcdefghij kl", "cdefghijkl");
    cache.ask("ccc defghij defghij");
    is_loaded(&cache.0, key(0), || charged(3 * PLACE));
    cache.expect_there("cfghijl", "the same, but d to j were used twice: so d and e go, not c");
}

#[test]
fn what_comes_back_soon_goes_into_the_main_queue_once() {
    // a went, and comes back. Then a scan passes, and a is not in its way.
    let cache = expect_after("abcdefghij k a", "acdefghijk");
    cache.ask("lmnopqrstuvwxyz");
    cache.expect_there("arstuvwxyz", "a went, came back, and a scan of 15 passed");
    // All others are used, and a is not: the main queue lets it go, and it is no ghost any more.
    let cache = expect_after("abcdefghij k a cdefghijk l", "cdefghijkl");
    cache.ask("amn");
    cache.expect_there("defghijkmn", "a came back a second time, as new, and then m and n came");
}

#[test]
fn a_ghost_is_asked_for_before_another_takes_its_place() {
    // So few bytes that there is one ghost. It is a when a comes back, and then what goes for a.
    let cache = BlockCache::with_shards(10 * 169, 1);
    for name in "abcdefghijkalmnopqrstuvwxyz".chars() {
        is_loaded(&cache, key(name as u64), || block_of(9));
    }
    let there = cache.contains(key('a' as u64));
    assert!(there, "a went, came back as a ghost, and a scan of 15 passed {QUEUES}");
}

#[test]
fn uses_are_counted_anew_though_the_block_is_pinned() {
    // a was used and is pinned when it moves on, and is let go then.
    let cache = Places::new(10);
    cache.ask("abcdefghij");
    let pins = cache.pin("a");
    cache.ask("bcdefghijk");
    drop(pins);
    cache.ask("l");
    is_loaded(&cache.0, key(0), || charged(8 * PLACE));
    cache.expect_there("jl", "a moved on while it was pinned, and one of eight places came");
}

#[test]
fn what_the_main_queue_lets_go_is_not_remembered() {
    // a goes from the main queue, and comes back as if it were new.
    let cache = expect_after("abcdefghij abcdefghij k", "bcdefghijk");
    cache.ask("a");
    cache.expect_there("acdefghijk", "a went from the main queue, and came back");
    cache.ask("l");
    cache.ask("m");
    let there = cache.there();
    assert!(!there.contains('a'), "a is in the small queue, as l and m are: {there} {QUEUES}");
}

#[test]
fn a_full_scan_does_not_empty_the_cache() {
    for shards in [1, 8] {
        let cache = BlockCache::with_shards(4 << 20, shards);
        let mut ask = |offset| {
            is_loaded(&cache, key(offset), || charged(4096));
        };
        for _ in 0..3 {
            (0..500).for_each(&mut ask);
        }
        // Twenty times as many as there are places.
        (1000..21_000).for_each(&mut ask);
        let left = (0..500).filter(|&offset| cache.contains(key(offset))).count();
        assert!(
            left >= 490,
            "of 500 blocks that were used three times, {left} are left after a scan of 20 000, in \
             {shards} shards with a thousand places {QUEUES}"
        );
    }
}

#[test]
fn a_scan_in_the_middle_does_not_change_the_hit_rate() {
    for seed in seeds(3) {
        let mut dice = Workload::new(seed);
        let cache = BlockCache::with_shards(200 * 4096, 1);
        // Half the number is asked for twice as often: Zipf's law, over 2 000 blocks.
        let mut hits_of = |questions: usize| {
            let hit = |_: &usize| {
                let random = dice.below(1 << 20) as f64 / f64::from(1 << 20);
                let offset = 2000_f64.powf(random) as u64;
                !is_loaded(&cache, key(offset), || charged(4096))
            };
            (0..questions).filter(hit).count()
        };
        hits_of(5000);
        let (mut before, mut after) = (0, 0);
        for scan in 10..20 {
            hits_of(3000);
            before += hits_of(300);
            for offset in 1000 * scan..1000 * (scan + 1) {
                is_loaded(&cache, key(offset), || charged(4096));
            }
            after += hits_of(300);
        }
        assert!(
            before > 1700 && 10 * after > 9 * before,
            "of 3 000 questions, {before} were hits just before a scan of 1 000 blocks, and \
             {after} just after one, seed {seed}; some 2 000 should be, before and after {QUEUES}"
        );
    }
}
