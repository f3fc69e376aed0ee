//! Day 5, in many orders of steps.

use std::sync::Arc;

use scheduled::cache::BlockKey;
use scheduled::{Block, BlockCache};
use shuttle::thread::{self, JoinHandle};

use super::corruption;
use super::given::{Counter, ONCE, OUTCOME, block_bytes};
use crate::orders::in_many_orders;

const KEY: BlockKey = BlockKey { table_id: 1, offset: 0 };

/// Threads that do this with one cache, each by itself, come to their ends.
fn each_of(count: usize, work: impl Fn(&BlockCache) + Clone + Send + 'static) {
    let cache = Arc::new(BlockCache::with_shards(1 << 20, 1));
    let begin = |_| {
        let (cache, work) = (Arc::clone(&cache), work.clone());
        thread::spawn(move || work(&cache))
    };
    let threads: Vec<JoinHandle<()>> = (0..count).map(begin).collect();
    threads.into_iter().for_each(|thread| thread.join().expect("a thread ends"));
}

#[test]
fn who_has_a_block_finds_it_when_he_asks_again() {
    in_many_orders(200, || {
        each_of(2, |cache| {
            let load = || Ok(Block::parse(block_bytes(100)).expect("one restart point, at 0"));
            cache.get_or_load(KEY, load).expect("a good load");
            assert!(
                cache.contains(KEY),
                "there is an order of steps in which somebody has a block, and it is not in the \
                 shard: are those who wait told before the shard has it? {ONCE}"
            );
        });
    });
}

#[test]
fn nobody_gets_the_same_error_twice() {
    in_many_orders(200, || {
        // Each load has a number, and all of them fail.
        let loads = Counter::default();
        each_of(2, move |cache| {
            let load = || {
                loads.count();
                Err(corruption(loads.get()))
            };
            let [first, second] = [(), ()].map(|()| cache.get_or_load(KEY, load));
            let [first, second] = [first, second].map(|came| came.expect_err("all fail"));
            assert_ne!(
                first.to_string(),
                second.to_string(),
                "there is an order of steps in which somebody knows of an error, asks again and \
                 gets the same: is the load still in the shard when those who wait are told? \
                 {OUTCOME}"
            );
        });
    });
}
