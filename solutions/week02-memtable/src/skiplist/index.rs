//! From a key to its newest entry, without a walk: in front of the list, for whoever wants one key.
//!
//! ```text
//!   entries   0  256      1 Ki + 256              5 Ki + 256        each part is for four times as
//!             ├───┼────────────┼───────────────────────┼────────    many entries as the one before
//!   parts     ▤    ▤▤▤▤         ▤▤▤▤▤▤▤▤▤▤▤▤▤▤▤▤       ▤▤▤▤▤▤▤▤
//!                    │
//!   bucket           └ 16 cells in one cache line, filled from the front
//!
//!   cell, 32 bits   ┌─────┬────────┐   a few bits of the key's hash, and the newest entry of this
//!                   │ tag │ number │   key among those that the part is for, counted in it from 1;
//!                   └─────┴────────┘   0 if it is empty
//! ```
//!
//! Scans and flushes need the order of keys, and for that there is the list. Most reads ask for one
//! key, and most of the keys that a memtable is asked for are not in it: they were flushed long ago.
//! Here that costs a line of memory a part, of which most are small, and the list a dozen.
//!
//! A cell is set by compare-and-swap, from 0 to an entry of a key, and from then on only to newer
//! ones of the same key. So a key has one cell a part, however many threads bring it at once. If its
//! bucket is full, it has none, and the list must be searched. Nobody knows how many entries there
//! will be: parts come as they are needed, and none ever moves, as in Almeida and others, "Scalable
//! Bloom Filters" (2007). A hash table in front of a skip list is FloDB's (Balmau and others, EuroSys
//! 2017).

use std::hash::BuildHasher as _;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use foldhash::fast::FixedState;

use super::list::List;
use crate::memtable::entry::Entry;
use crate::sync::AtomicU32;

/// Entries that the first part is for, as a power of two.
const FIRST_BITS: u32 = 8;
/// For all numbers that a list has.
const PARTS: usize = 10;
/// Cells in a bucket. There are twice as many cells as entries, so that few buckets are full.
const BUCKET_CELLS: usize = 16;

/// The newest entry of each key.
pub(super) struct Index([OnceLock<Part>; PARTS]);

/// What the index knows of a key.
pub(super) enum Newest<'a> {
    /// This is its newest entry.
    Is(&'a Entry),
    /// It has none.
    None,
    /// It may have some: ask the list.
    Unknown,
}

impl Index {
    /// An index without a part.
    pub(super) fn new() -> Index {
        Index([const { OnceLock::new() }; PARTS])
    }

    /// Notes entry `number`, which is in `list`, unless a newer one of its key is noted.
    ///
    /// # Cost
    ///
    /// A line of memory, and the entry that is noted for the key, if there is one.
    pub(super) fn note(&self, list: &List, number: u32) {
        let entry = list.entry(number).expect("an entry is noted when it is in the list");
        let hash = hash(entry.user_key());
        let index = (3 * (number >> FIRST_BITS) + 1).ilog2() / 2;
        let part = self.0[index as usize].get_or_init(|| Part::new(index));
        let new = part.cell(hash, number);
        while let Some((cell, now)) = part.find(list, hash, entry.user_key()) {
            let is_older = |noted: &Entry| noted.trailer() < entry.trailer();
            if !part.entry(list, now).is_none_or(is_older)
                || cell.compare_exchange(now, new, Ordering::Release, Ordering::Relaxed).is_ok()
            {
                return;
            }
        }
    }

    /// What it knows of `user_key` in `list`.
    ///
    /// # Cost
    ///
    /// A line of memory a part, and the newest entry of each part.
    pub(super) fn newest<'a>(&self, list: &'a List, user_key: &[u8]) -> Newest<'a> {
        let hash = hash(user_key);
        let mut newest: Option<&Entry> = None;
        // Threads may bring an older version later: each part has to be asked.
        for part in self.0.iter().filter_map(OnceLock::get) {
            let Some((_, now)) = part.find(list, hash, user_key) else { return Newest::Unknown };
            if let Some(entry) = part.entry(list, now)
                && newest.is_none_or(|newest| newest.trailer() < entry.trailer())
            {
                newest = Some(entry);
            }
        }
        newest.map_or(Newest::None, Newest::Is)
    }

    /// Memory of all parts, in bytes.
    pub(super) fn size(&self) -> usize {
        let parts = self.0.iter().filter_map(OnceLock::get);
        parts.map(|part| size_of_val(&*part.buckets)).sum()
    }
}

/// The index of some entries that came one after the other.
struct Part {
    /// The number of the first of them.
    first: u32,
    /// Bits of a cell that are a number.
    number_bits: u32,
    buckets: Box<[Bucket]>,
}

/// Keys whose hashes begin alike.
#[derive(Default)]
#[repr(align(64))]
struct Bucket([AtomicU32; BUCKET_CELLS]);

impl Part {
    fn new(index: u32) -> Part {
        let count_bits = FIRST_BITS + 2 * index;
        let bucket_count = (2 << count_bits) / BUCKET_CELLS;
        Part {
            // All parts before it: for a third as many entries, less a third of the first.
            first: (((1 << (2 * index)) - 1) / 3) << FIRST_BITS,
            number_bits: count_bits + 1,
            buckets: (0..bucket_count).map(|_| Bucket::default()).collect(),
        }
    }

    /// The cell of a key, and what is in it: an entry of that key, or nothing yet. `None` if the
    /// key's bucket is full of others.
    #[inline]
    fn find(&self, list: &List, hash: u64, user_key: &[u8]) -> Option<(&AtomicU32, u32)> {
        let bucket = ((hash >> 32) * self.buckets.len() as u64) >> 32;
        let tag = self.tag(hash);
        for cell in &self.buckets[bucket as usize].0 {
            let now = cell.load(Ordering::Acquire);
            let is_of = |entry: &Entry| entry.user_key() == user_key;
            if now == 0
                || (now ^ tag) >> self.number_bits == 0 && self.entry(list, now).is_some_and(is_of)
            {
                return Some((cell, now));
            }
        }
        None
    }

    /// The cell of entry `number`, whose key has this hash.
    fn cell(&self, hash: u64, number: u32) -> u32 {
        self.tag(hash) | (number - self.first + 1)
    }

    /// The bits of a cell that are none of the number's.
    fn tag(&self, hash: u64) -> u32 {
        (hash as u32) << self.number_bits
    }

    /// The entry that a cell is set to; none if it is 0.
    fn entry<'a>(&self, list: &'a List, cell: u32) -> Option<&'a Entry> {
        let number = cell & ((1 << self.number_bits) - 1);
        if cell == 0 { None } else { list.entry(self.first + number - 1) }
    }
}

fn hash(user_key: &[u8]) -> u64 {
    FixedState::default().hash_one(user_key)
}
