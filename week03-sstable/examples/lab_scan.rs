//! Day 5's experiment: how many lookups hit the cache while a scan passes through it.
//!
//! Some blocks are asked for again and again, a few of them most of the time. In the middle, each
//! lookup is followed by two blocks of a scan, which nobody asks for a second time. Beside your
//! cache stands one of the same capacity that evicts what was used least recently.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use sstable::cache::{BLOCK_OVERHEAD, BlockKey};
use sstable::{Block, BlockCache};
use wal::Result;
use wal::testing::Workload;

/// Blocks that there is room for.
const PLACES: usize = 500;
/// What each of them is charged, in bytes.
const CHARGE: usize = 4 << 10;
/// Blocks that are asked for, and how often.
const BLOCKS: f64 = 5_000.0;
const LOOKUPS: usize = 30_000;
/// The lookups that are followed by blocks of the scan.
const SCAN: std::ops::Range<usize> = 10_000..15_000;
/// Lookups to each point of the figure, and before the first.
const STEP: usize = 1_000;
const WARM_UP: usize = 20_000;
/// Each run throws other dice.
const RUNS: u64 = 10;

fn main() -> Result<()> {
    let mut hits = [[0; LOOKUPS / STEP]; 2];
    for seed in 0..RUNS {
        let cache = BlockCache::with_shards(PLACES * CHARGE, 1);
        run(seed, &mut hits[0], |offset| ask(&cache, offset))?;
        let mut cache = LeastRecentlyUsed::default();
        run(seed, &mut hits[1], |offset| Ok(cache.ask(offset)))?;
    }
    let rate = |hits: usize| 100.0 * hits as f64 / (STEP as u64 * RUNS) as f64;

    println!("# title: Lookups that hit, while a scan of 10 000 blocks passes through");
    println!("# x: thousand lookups; the scan is between 10 and 15");
    println!("# y: hits of a hundred lookups");
    println!("series,x,y");
    for (series, hits) in [("your cache", hits[0]), ("least recently used", hits[1])] {
        for (step, hits) in hits.into_iter().enumerate() {
            println!("{series},{},{:.1}", step + 1, rate(hits));
        }
    }
    let average = |hits: &[usize]| rate(hits.iter().sum()) / hits.len() as f64;
    let (before, during) = (0..SCAN.start / STEP, SCAN.start / STEP..SCAN.end / STEP);
    println!(
        "# says: Of a hundred lookups {:.0} hit your cache before the scan and {:.0} during it; \
         with the least recently used evicted it is {:.0} and {:.0}.",
        average(&hits[0][before.clone()]),
        average(&hits[0][during.clone()]),
        average(&hits[1][before]),
        average(&hits[1][during]),
    );
    Ok(())
}

/// Adds to `hits` what the lookups of one run hit; `ask` says whether a block was there.
fn run(seed: u64, hits: &mut [usize], mut ask: impl FnMut(u64) -> Result<bool>) -> Result<()> {
    let mut dice = Workload::new(seed);
    // Half the number is asked for twice as often: Zipf's law.
    let mut lookup = || BLOCKS.powf(dice.below(1 << 30) as f64 / f64::from(1 << 30)) as u64;
    for _ in 0..WARM_UP {
        ask(lookup())?;
    }
    let mut scanned = BLOCKS as u64;
    for index in 0..LOOKUPS {
        hits[index / STEP] += usize::from(ask(lookup())?);
        if SCAN.contains(&index) {
            for _ in 0..2 {
                scanned += 1;
                ask(scanned)?;
            }
        }
    }
    Ok(())
}

/// Asks for a block, and says whether it was there.
fn ask(cache: &BlockCache, offset: u64) -> Result<bool> {
    let mut was_there = true;
    cache.get_or_load(BlockKey { table_id: 1, offset }, || {
        was_there = false;
        // Entries that nobody reads, and one restart point.
        let mut bytes = vec![0; CHARGE - BLOCK_OVERHEAD];
        bytes[CHARGE - BLOCK_OVERHEAD - 4] = 1;
        Ok(Block::parse(Bytes::from(bytes)).expect("a restart point at 0, and entries behind it"))
    })?;
    Ok(was_there)
}

/// A cache of so many places that evicts what was used least recently.
#[derive(Default)]
struct LeastRecentlyUsed {
    clock: u64,
    /// When a block was used last, and the other way round.
    used_at: HashMap<u64, u64>,
    by_time: BTreeMap<u64, u64>,
}

impl LeastRecentlyUsed {
    fn ask(&mut self, offset: u64) -> bool {
        self.clock += 1;
        let used_at = self.used_at.insert(offset, self.clock);
        if let Some(used_at) = used_at {
            self.by_time.remove(&used_at);
        }
        self.by_time.insert(self.clock, offset);
        if self.used_at.len() > PLACES
            && let Some((_, oldest)) = self.by_time.pop_first()
        {
            self.used_at.remove(&oldest);
        }
        used_at.is_some()
    }
}
