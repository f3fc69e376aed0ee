//! The block cache beside quick_cache, which charges by bytes, too, and loads once for all who miss
//! together. It evicts by Clock-PRO, a relative of our rule, and knows nothing of pinned blocks.

use std::convert::Infallible;
use std::hint::black_box;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use peers::sstable::cache::{BLOCK_OVERHEAD, BlockKey};
use peers::sstable::{Block, BlockCache};
use peers::{given, print_head, print_row};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::entries::Numbers;

/// Blocks that are asked for, of so many bytes.
const BLOCKS: u64 = 50_000;
const BLOCK_SIZE: usize = 4 << 10;
const CHARGE: u64 = (BLOCK_SIZE + BLOCK_OVERHEAD) as u64;

/// Lookups in a round.
const LOOKUPS: u64 = 400_000;

/// Both caches, with room for equally many blocks.
struct Caches {
    ours: BlockCache,
    quick: Cache<(u64, u64), Block, Charge>,
}

/// quick_cache charges what ours charges.
#[derive(Clone)]
struct Charge;

impl Weighter<(u64, u64), Block> for Charge {
    fn weight(&self, _: &(u64, u64), block: &Block) -> u64 {
        (block.size() + BLOCK_OVERHEAD) as u64
    }
}

impl Caches {
    fn with_room_for(blocks: u64) -> Caches {
        Caches {
            ours: BlockCache::new((blocks * CHARGE) as usize),
            quick: Cache::with_weighter(blocks as usize, blocks * CHARGE, Charge),
        }
    }

    /// Whether our cache had the block; now it has.
    fn ask_ours(&self, number: u64) -> bool {
        let key = BlockKey { table_id: 1, offset: number * BLOCK_SIZE as u64 };
        let mut hit = true;
        let found = self.ours.get_or_load(key, || {
            hit = false;
            Ok(block())
        });
        black_box(found.expect("a load that does not fail").size());
        hit
    }

    /// Whether quick_cache had the block; now it has.
    fn ask_quick(&self, number: u64) -> bool {
        let mut hit = true;
        let found = self.quick.get_or_insert_with(&(1, number * BLOCK_SIZE as u64), || {
            hit = false;
            Ok::<_, Infallible>(block())
        });
        let Ok(block) = found;
        black_box(block.size());
        hit
    }
}

pub(crate) fn print_rows() {
    print_head("a cache of blocks", "quick_cache");
    // Twice the room: shards do not get equally many.
    let caches = Caches::with_room_for(2 * BLOCKS);
    for number in 0..BLOCKS {
        caches.ask_ours(number);
        caches.ask_quick(number);
    }
    let [ours, quick] = [Caches::ask_ours, Caches::ask_quick];
    for (name, threads) in [("cache hit", 1), ("cache hit, two threads", 2)] {
        print_row(
            name,
            LOOKUPS,
            || by_threads(threads, &|number| ours(&caches, number)),
            || by_threads(threads, &|number| quick(&caches, number)),
        );
    }
    for part in [10, 100] {
        let caches = Caches::with_room_for(BLOCKS / part);
        let trace = trace();
        let hits = |ask: fn(&Caches, u64) -> bool| {
            trace.iter().filter(|&&number| ask(&caches, number)).count()
        };
        print_row(
            &format!("cache, Zipf, room for one in {part}"),
            LOOKUPS,
            || given(|| hits(ours)),
            || given(|| hits(quick)),
        );
        let rate = |hits: usize| 100.0 * hits as f64 / LOOKUPS as f64;
        println!("    of a hundred hit {:27.1}  {:11.1}", rate(hits(ours)), rate(hits(quick)));
    }
}

/// The time that all threads together were given for hits.
fn by_threads(threads: u64, ask: &(dyn Fn(u64) -> bool + Sync)) -> Duration {
    let work = |thread: u64| {
        let mut numbers = Numbers::below(BLOCKS);
        (0..thread).for_each(|_| _ = numbers.next());
        given(|| {
            for _ in 0..LOOKUPS / threads {
                assert!(ask(numbers.next()), "a block that was asked for is there");
            }
        })
    };
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("it asks and ends")).sum()
    })
}

/// Lookups, half the number twice as often: Zipf's law.
fn trace() -> Vec<u64> {
    let mut numbers = Numbers::below(1 << 30);
    let mut next = || {
        let part = numbers.next() as f64 / f64::from(1 << 30);
        (BLOCKS as f64).powf(part) as u64
    };
    (0..LOOKUPS).map(|_| next()).collect()
}

/// Entries that nobody reads, and one restart point.
fn block() -> Block {
    let mut bytes = vec![0; BLOCK_SIZE];
    bytes[BLOCK_SIZE - 4] = 1;
    Block::parse(Bytes::from(bytes)).expect("a restart point at 0, and entries behind it")
}
