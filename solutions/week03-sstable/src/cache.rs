//! The block cache: blocks in memory, shared by all tables and threads, charged by their bytes.
//!
//! ```text
//!   (table, offset) ─ hash ─┬─► shard 0   map │ small │ main │ ghosts     each with its own lock
//!                           ├─► shard 1         and its own part of the capacity
//!                           └─► …
//!
//!   who misses first loads; who misses meanwhile waits for that load:
//!     thread 1   miss ── read, check, decompress ──┬─► block
//!     thread 2      miss ── wait ──────────────────┤
//!     thread 3          miss ── wait ──────────────┘
//! ```
//!
//! A hit takes one lock for as long as a lookup in a map, and moves nothing: it counts up a number
//! beside the block. Which blocks go when room is needed is said in `cache/shard.rs`.
//!
//! A block that somebody holds, or a value that is a part of it, is *pinned*: it is not evicted.
//! Evicting it would free nothing, and memory would be in use that no account knows. So the cache
//! may exceed its capacity by what is pinned, and comes back to it with the next load. A handle
//! stays good in any case, whatever becomes of cache and table.
//!
//! Blocks of a table that is gone are asked for no more, and go in their turn.

mod load;
mod shard;

use wal::Result;

use self::load::Loading;
use self::shard::{Look, Shard};
use crate::block::Block;
use crate::hash::{MULTIPLIER, fold};
use crate::sync::Mutex;

/// A shard is not made smaller than this, in bytes: it must have room for a good many blocks.
const SHARD_SIZE_MIN: usize = 512 << 10;

/// The most shards. More than there are threads at a time are of no use.
const SHARD_COUNT_MAX: usize = 64;

/// What a block takes besides its bytes: a place in the map, one in a queue, and what counts its
/// holders.
pub const BLOCK_OVERHEAD: usize = 160;

/// Which block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockKey {
    /// Names the table; no two tables of one cache have the same.
    pub table_id: u64,
    /// Where the block begins in its file.
    pub offset: u64,
}

impl BlockKey {
    /// All bits of both numbers, mixed.
    #[inline]
    fn hash(&self) -> u64 {
        fold(self.table_id ^ MULTIPLIER, self.offset ^ !MULTIPLIER)
    }
}

/// What a cache has done, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheStats {
    /// Blocks that were there.
    pub hits: u64,
    /// Blocks that were not there, and that the one who asked loaded.
    pub misses: u64,
    /// Blocks that were not there, and that somebody else was loading.
    pub waits: u64,
    /// Blocks that went to make room for others.
    pub evictions: u64,
    /// Blocks that are there now.
    pub blocks: u64,
    /// What these are charged, in bytes: their size, and [`BLOCK_OVERHEAD`] each.
    pub charged_size: u64,
}

/// Blocks in memory, shared by tables and threads.
pub struct BlockCache {
    /// A power of two of them.
    shards: Box<[Padded]>,
    capacity: usize,
}

/// A shard in cache lines of its own, so that the lock of one is not in the way of another.
#[repr(align(128))]
struct Padded(Mutex<Shard>);

impl BlockCache {
    /// A cache for so many bytes of blocks, in as many shards as are useful for the capacity: up to
    /// 64, of half a megabyte or more. A block that is larger than a shard is not kept.
    pub fn new(capacity: usize) -> BlockCache {
        BlockCache::with_shards(capacity, capacity / SHARD_SIZE_MIN)
    }

    /// A cache for so many bytes of blocks, in so many shards: rounded down to a power of two from
    /// 1 to 64.
    ///
    /// More shards make threads wait for each other less. Each has its part of the capacity for
    /// itself.
    pub fn with_shards(capacity: usize, shard_count: usize) -> BlockCache {
        let shard_count = 1 << shard_count.clamp(1, SHARD_COUNT_MAX).ilog2();
        let shard = || Padded(Mutex::new(Shard::new(capacity / shard_count)));
        BlockCache { shards: (0..shard_count).map(|_| shard()).collect(), capacity }
    }

    /// The block `key`, from memory if it is there, else from `load`, which is then called once for
    /// all who ask for it until it returns. Nobody but them waits: the shard is not locked
    /// meanwhile.
    ///
    /// **Day 5**, chapter `week03/day5-cache.md`.
    ///
    /// # Errors
    ///
    /// That of `load`, for all who waited for it. It is not kept: the next one loads again. If
    /// `load` panics, one of those who wait takes over.
    ///
    /// # Cost
    ///
    /// A hit: a lock, a lookup, no allocation. A miss: the load, and a few allocations.
    pub fn get_or_load(
        &self,
        key: BlockKey,
        load: impl FnOnce() -> Result<Block>,
    ) -> Result<Block> {
        // ANCHOR: day5_get_or_load
        // Three answers from the shard. If somebody else is loading, wait for the outcome, without
        // the lock; if that one gave up, ask again. If it is on you, `Loading` tells the shard and
        // all who wait, also if `load` panics.
        let shard = self.shard(key);
        loop {
            let look = shard.lock().look(key);
            match look {
                Look::Hit(block) => return Ok(block),
                Look::Wait(running) => {
                    if let Some(outcome) = running.wait() {
                        return outcome;
                    }
                }
                Look::Miss(started) => return Loading::new(shard, key, started).finish(load),
            }
        }
        // ANCHOR_END: day5_get_or_load
    }

    /// The most bytes that it holds, but for what is pinned.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether the block `key` is there. It does not count as a use.
    pub fn contains(&self, key: BlockKey) -> bool {
        self.shard(key).lock().contains(key)
    }

    /// What it has done so far, and what it holds. One shard after the other: sums may be from
    /// different moments.
    pub fn stats(&self) -> CacheStats {
        let mut total = CacheStats::default();
        for shard in &self.shards {
            let stats = shard.0.lock().stats();
            total.hits += stats.hits;
            total.misses += stats.misses;
            total.waits += stats.waits;
            total.evictions += stats.evictions;
            total.blocks += stats.blocks;
            total.charged_size += stats.charged_size;
        }
        total
    }

    /// The shard that `key` is in.
    #[inline]
    fn shard(&self, key: BlockKey) -> &Mutex<Shard> {
        // The map in a shard uses the hash's ends, so this takes bits from the middle.
        let index = (key.hash() >> 32) as usize & (self.shards.len() - 1);
        &self.shards[index].0
    }
}

impl std::fmt::Debug for BlockCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stats = self.stats();
        f.debug_struct("BlockCache")
            .field("capacity", &self.capacity)
            .field("stats", &stats)
            .finish()
    }
}
