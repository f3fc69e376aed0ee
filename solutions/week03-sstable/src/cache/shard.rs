//! One shard of the cache, and which of its blocks go when room is needed.
//!
//! ```text
//!   new ──► small ──────────────► evicted, remembered as a ghost
//!           a tenth │
//!                   └ used since ──► main ──────────────► evicted
//!   new, and a ghost ──────────────► nine    │
//!                                    tenths  └ used since ──► main again, at its end
//! ```
//!
//! Most blocks of a scan are used once. They go through the small queue and are out again, and what
//! is in the main queue does not notice. A block that is used a second time while it is in the
//! small queue, or soon after, is moved on. "Used" is a number up to 3 beside the block, which a
//! hit counts up and a look of the evictor counts down: a hit moves nothing. (Yang and others,
//! "FIFO Queues are All You Need for Cache Eviction", SOSP 2023: S3-FIFO.)
//!
//! Ghosts are 32 bits of a hash each, in a table without chains: a newer one takes the place of
//! an older one.

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use super::load::Load;
use super::{BLOCK_OVERHEAD, BlockKey, CacheStats};
use crate::block::Block;
use crate::spare;

/// How far uses are counted.
const USES_MAX: u8 = 3;

/// The small queue's part of a shard: one in so many bytes.
const SMALL_PART: usize = 10;

/// There is a ghost for each so many bytes of capacity.
const BYTES_PER_GHOST: usize = 4 << 10;

/// One shard.
///
/// * Each block of the map is in exactly one queue, once; a load is in none.
/// * `small_size` and `main_size` are what the blocks of the queues are charged.
/// * Together they are at most `capacity`, unless all that is too much is pinned.
pub(super) struct Shard {
    capacity: usize,
    map: HashMap<BlockKey, Slot, BuildHasherDefault<KeyHasher>>,
    small: VecDeque<BlockKey>,
    small_size: usize,
    main: VecDeque<BlockKey>,
    main_size: usize,
    /// Parts of the hashes of keys that the small queue has evicted; 0 is none. A power of two.
    ghosts: Box<[u32]>,
    stats: CacheStats,
}

// ANCHOR: listing_look
/// What stands for a key in the map.
enum Slot {
    Cached(Cached),
    Loading(Arc<Load>),
}

/// A block in memory.
struct Cached {
    block: Block,
    /// How often it was used since a queue took it, up to [`USES_MAX`].
    uses: u8,
}

/// What a shard says to somebody who asks for a block.
pub(super) enum Look {
    /// Here it is.
    Hit(Block),
    /// Somebody is loading it.
    Wait(Arc<Load>),
    /// You load it, and everybody else waits for you.
    Miss(Arc<Load>),
}
// ANCHOR_END: listing_look

/// Its memory serves again.
impl Drop for Cached {
    fn drop(&mut self) {
        spare::keep(self.block.take_bytes());
    }
}

/// A block that came to the main queue's end, from either queue.
struct Moved {
    is_pinned: bool,
}

impl Shard {
    /// An empty shard for so many bytes.
    pub(super) fn new(capacity: usize) -> Shard {
        let ghost_count = (capacity / BYTES_PER_GHOST).next_power_of_two();
        Shard {
            capacity,
            map: HashMap::default(),
            small: VecDeque::new(),
            small_size: 0,
            main: VecDeque::new(),
            main_size: 0,
            ghosts: vec![0; ghost_count].into(),
            stats: CacheStats::default(),
        }
    }

    /// Asks for a block; after a miss, it is being loaded.
    ///
    /// **Day 5**, chapter `week03/day5-cache.md`. Counts a hit, a wait or a miss, and a hit as a
    /// use of the block.
    ///
    /// # Cost
    ///
    /// A lookup; no allocation for a hit.
    #[inline]
    pub(super) fn look(&mut self, key: BlockKey) -> Look {
        // ANCHOR: day5_look
        // `HashMap::entry` finds the place once, whether there is something in it or not.
        match self.map.entry(key) {
            Entry::Occupied(slot) => match slot.into_mut() {
                Slot::Cached(cached) => {
                    self.stats.hits += 1;
                    cached.uses = (cached.uses + 1).min(USES_MAX);
                    Look::Hit(cached.block.clone())
                }
                Slot::Loading(load) => {
                    self.stats.waits += 1;
                    Look::Wait(Arc::clone(load))
                }
            },
            Entry::Vacant(slot) => {
                self.stats.misses += 1;
                let load = Arc::new(Load::default());
                slot.insert(Slot::Loading(Arc::clone(&load)));
                Look::Miss(load)
            }
        }
        // ANCHOR_END: day5_look
    }

    /// Keeps a block that was loaded, in place of its load.
    ///
    /// **Day 5**. Room is made first: the new block itself is not evicted. One that is larger than
    /// the shard is not kept, and nothing is evicted for it.
    pub(super) fn insert(&mut self, key: BlockKey, block: Block) {
        // ANCHOR: day5_insert
        // Was it here not long ago? Then it goes into the main queue, and is a ghost no more. Ask
        // before there is room: the ghost of what goes now may take its place.
        let charge = charge(&block);
        if charge > self.capacity {
            self.forget(key);
            return;
        }
        let was_ghost = self.take_ghost(key);
        self.make_room(charge);
        self.map.insert(key, Slot::Cached(Cached { block, uses: 0 }));
        if was_ghost {
            self.main.push_back(key);
            self.main_size += charge;
        } else {
            self.small.push_back(key);
            self.small_size += charge;
        }
        // ANCHOR_END: day5_insert
    }

    /// Removes a load that came to nothing, or to a block that is too large.
    pub(super) fn forget(&mut self, key: BlockKey) {
        self.map.remove(&key);
    }

    /// Whether the block is there.
    pub(super) fn contains(&self, key: BlockKey) -> bool {
        matches!(self.map.get(&key), Some(Slot::Cached(_)))
    }

    /// What it has done, and what it holds.
    pub(super) fn stats(&self) -> CacheStats {
        let blocks = (self.small.len() + self.main.len()) as u64;
        let charged_size = (self.small_size + self.main_size) as u64;
        CacheStats { blocks, charged_size, ..self.stats }
    }

    /// Evicts until there is room for `charge` bytes, or all that is left is pinned.
    ///
    /// **Day 5**. The small queue goes first while it has more than its part.
    ///
    /// # Cost
    ///
    /// A block is looked at once for each of its uses, and once more: a constant for each
    /// insertion, over time. If all is pinned, one look at all of it.
    fn make_room(&mut self, charge: usize) {
        // ANCHOR: day5_make_room
        // Keep count of how many blocks at the main queue's end are known to be pinned: one that
        // comes there is one more, or makes it none. If that is all of them, there is nothing more
        // to be had from that queue.
        let mut pinned = 0;
        while self.small_size + self.main_size + charge > self.capacity {
            let main_is_stuck = pinned >= self.main.len();
            if main_is_stuck && self.small.is_empty() {
                return;
            }
            let moved = if main_is_stuck || self.small_size > self.capacity / SMALL_PART {
                self.advance_small()
            } else {
                self.advance_main()
            };
            match moved {
                Some(Moved { is_pinned: true }) => pinned += 1,
                Some(Moved { is_pinned: false }) => pinned = 0,
                None => {}
            }
        }
        // ANCHOR_END: day5_make_room
    }

    /// Takes the first block out of the small queue, which is not empty: evicts it and remembers
    /// it, or moves it to the main queue's end if it was used since it came, or is pinned. `None` if
    /// it was evicted.
    ///
    /// **Day 5**.
    fn advance_small(&mut self) -> Option<Moved> {
        // ANCHOR: day5_advance_small
        // In the main queue, its uses are counted anew, pinned or not.
        let key = self.small.pop_front().expect("the small queue is not empty");
        let cached = self.cached(key);
        let (charge, is_pinned) = (charge(&cached.block), cached.block.is_pinned());
        let stays = is_pinned || cached.uses > 0;
        cached.uses = 0;
        self.small_size -= charge;
        if stays {
            self.main.push_back(key);
            self.main_size += charge;
        } else {
            self.map.remove(&key);
            self.stats.evictions += 1;
            self.add_ghost(key);
        }
        stays.then_some(Moved { is_pinned })
        // ANCHOR_END: day5_advance_small
    }

    /// Looks at the first block of the main queue, which is not empty: evicts it, or lets it go
    /// through the queue once more, for one use less, or because it is pinned. `None` if it was
    /// evicted.
    ///
    /// **Day 5**.
    fn advance_main(&mut self) -> Option<Moved> {
        // ANCHOR: day5_advance_main
        // A pinned block keeps its uses.
        let key = self.main.pop_front().expect("the main queue is not empty");
        let cached = self.cached(key);
        let is_pinned = cached.block.is_pinned();
        let stays = is_pinned || cached.uses > 0;
        if stays {
            cached.uses -= u8::from(!is_pinned);
            self.main.push_back(key);
        } else {
            self.main_size -= charge(&cached.block);
            self.map.remove(&key);
            self.stats.evictions += 1;
        }
        stays.then_some(Moved { is_pinned })
        // ANCHOR_END: day5_advance_main
    }

    /// The block of a key that is in a queue.
    fn cached(&mut self, key: BlockKey) -> &mut Cached {
        match self.map.get_mut(&key) {
            Some(Slot::Cached(cached)) => cached,
            _ => panic!("{key:?} is in a queue, and its block is not in the map"),
        }
    }

    /// Remembers that the small queue has evicted `key`.
    fn add_ghost(&mut self, key: BlockKey) {
        let (place, ghost) = self.ghost(key);
        self.ghosts[place] = ghost;
    }

    /// Whether the small queue has evicted `key` not long ago; forgets it.
    fn take_ghost(&mut self, key: BlockKey) -> bool {
        let (place, ghost) = self.ghost(key);
        let was_there = self.ghosts[place] == ghost;
        if was_there {
            self.ghosts[place] = 0;
        }
        was_there
    }

    /// Where the ghost of `key` is, and what it is: never 0.
    fn ghost(&self, key: BlockKey) -> (usize, u32) {
        let hash = key.hash();
        (hash as usize & (self.ghosts.len() - 1), (hash >> 32) as u32 | 1)
    }
}

/// What a block is charged, in bytes.
fn charge(block: &Block) -> usize {
    block.size() + BLOCK_OVERHEAD
}

/// Takes a key's own hash for the map's.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a block's key hashes to one number");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Hash for BlockKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(BlockKey::hash(self));
    }
}
