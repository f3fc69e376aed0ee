//! The memtable: versions in order, in memory, for any number of readers and writers at once.
//!
//! ```text
//!   skip list   ●──────────────────────►●──────────────────►   each node is on one level, half of
//!               ●────────►●────────────►●────────►●────────►   them on two, a quarter on three, …
//!               ●───►●───►●────►●──────►●───►●───►●───►●───►
//!                    │    │     │       │
//!   arena       │ key value │ key value │ key value │ … room   │   chunks of 32 KiB
//! ```
//!
//! A skip list (Pugh, "Skip Lists: A Probabilistic Alternative to Balanced Trees", CACM 1990) finds
//! its place in about 2·log₂ n steps, as a balanced tree does, and an insertion changes a few
//! pointers and moves nothing. So each change can be one atomic instruction, and nobody ever waits:
//! not readers for writers, not writers for each other. Here it is `crossbeam-skiplist`; a lab of
//! this week builds one.
//!
//! Entries are never changed or removed. A memtable grows until it is full, is read for as long as
//! somebody needs it, and goes as a whole.

pub(crate) mod arena;
mod cursor;
pub(crate) mod entry;

use std::ops::Bound;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use crossbeam_skiplist::SkipMap;
use wal::{Operation, Seq};

use self::arena::Arena;
use self::entry::{Entry, Position, Target};
use crate::key::{InternalKey, Kind, SEQ_MAX};
use crate::sync::AtomicUsize;

pub use self::cursor::MemCursor;

/// What a memtable knows of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// It has this value.
    Value(Bytes),
    /// It was deleted: do not look in anything older.
    Deleted,
    /// Nothing: something older may know.
    Absent,
}

impl Lookup {
    /// The value, if there is nothing older.
    pub fn into_value(self) -> Option<Bytes> {
        match self {
            Lookup::Value(value) => Some(value),
            Lookup::Deleted | Lookup::Absent => None,
        }
    }
}

/// Versioned entries in memory, shared by threads.
pub struct MemTable {
    entries: SkipMap<Entry, ()>,
    arena: Arena,
    /// See [`size`](MemTable::size).
    size: AtomicUsize,
}

impl MemTable {
    /// An empty memtable.
    pub fn new() -> MemTable {
        MemTable { entries: SkipMap::new(), arena: Arena::new(), size: AtomicUsize::new(0) }
    }

    /// Adds what operation number `seq` did. Readers see it when this returns, or sooner.
    ///
    /// **Day 2**, chapter `week02/day2-memtable.md`. Each number is added once: a second entry with
    /// the same key and number would take the place of the first.
    ///
    /// # Cost
    ///
    /// A search, a copy of key and value, and one allocation, of the list's node: the bytes go to
    /// the arena.
    pub fn insert(&self, seq: Seq, operation: Operation<'_>) {
        // Kind, key and value of the operation; a delete has an empty value. Then the arena, the
        // size, and the list last: what is in the list is seen.
        todo!("day 2: insert")
    }

    /// What a snapshot at `seq` sees of `key` here.
    ///
    /// **Day 2**. The newest version whose number is not above `seq` decides.
    ///
    /// # Cost
    ///
    /// A search. No allocation, no lock: the value is shared.
    pub fn get(&self, key: &[u8], seq: Seq) -> Lookup {
        // The first entry at or behind `lookup(key, seq)`: if it is one of this key's. A snapshot
        // above all numbers is one at the largest.
        todo!("day 2: get")
    }

    /// How much memory it takes, in bytes, within 10 % once that is half a megabyte: what was put
    /// in, and what the list needs for each entry.
    pub fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    /// How many entries there are, tombstones and old versions included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A cursor over all entries, at none of them yet. It meets what is added while it walks, if
    /// that lies ahead.
    pub fn cursor(&self) -> MemCursor<'_> {
        MemCursor::new(&self.entries)
    }
}

/// What the list needs for an entry, in bytes: the entry, a reference count with the node's height,
/// and two pointers, for half of the nodes are on a second level, a quarter on a third, and so on.
const ENTRY_OVERHEAD: usize = size_of::<Entry>() + 3 * size_of::<usize>();

impl Default for MemTable {
    fn default() -> MemTable {
        MemTable::new()
    }
}

impl std::fmt::Debug for MemTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemTable").field("len", &self.len()).field("size", &self.size()).finish()
    }
}
