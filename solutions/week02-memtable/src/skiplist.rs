//! A memtable on a skip list of our own: day 2's table, with less to fetch from memory.
//!
//! ```text
//!            levels, each with a quarter of the nodes of the one below
//!   head ●───────────────────────────────────►●──────────►   towers   ▒▒ ▒▒▒ ▒▒ ▒▒▒▒ …
//!        ●────────────►●─────────────────────►●──────────►
//!        ●──►●──►●──►●─►●──►●──►●──►●──►●──►●─►●──►●──►●─►   links    ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒ …
//!            │   │   │  │   │   │   │   │   │  │   │   │
//!            █   █   █  █   █   █   █   █   █  █   █   █     entries  █ █ █ █ █ █ █ █ …
//! ```
//!
//! What a search costs is not comparisons but cache misses: each node that it looks at is somewhere
//! else in memory, and so is its key. So a link says where the next key leaves the key before it, and
//! how it goes on. A search knows where its target does, and nearly always that is enough to see
//! which of the two is first: no node, no key is fetched, whatever the keys have in common.
//!
//! There is no `unsafe` in here. Nodes are not allocated one by one, and a pointer to one is an
//! index; what threads change under each other's eyes is numbers. After Pugh (CACM 1990), and the
//! skip lists of LevelDB (`db/skiplist.h`) and RocksDB (`memtable/inlineskiplist.h`), which insert and
//! never remove: to remove nodes that others are walking over is what makes lists without locks hard
//! (Harris, "A Pragmatic Implementation of Non-Blocking Linked-Lists", DISC 2001).
//!
//! Read `skiplist/link.rs` next, `skiplist/list.rs`, `skiplist/cursor.rs`. `skiplist/segments.rs` is
//! the array that grows without moving; keys and values are in day 2's arena, and entries are day
//! 2's, too. Whoever wants one key and not its neighbours asks `skiplist/index.rs` first.

mod cursor;
mod index;
mod link;
mod list;
mod segments;

use std::sync::atomic::Ordering;

use wal::{Operation, Seq};

use self::index::{Index, Newest};
use self::list::{List, NODE_SIZE};
use crate::Lookup;
use crate::key::{InternalKey, Kind, SEQ_MAX};
use crate::memtable::arena::Arena;
use crate::memtable::entry::{Entry, Target};
use crate::sync::AtomicUsize;

pub use self::cursor::SkipCursor;

/// Versioned entries in memory, shared by threads: a [`MemTable`](crate::MemTable) in all that it
/// does.
pub struct SkipTable {
    list: List,
    index: Index,
    arena: Arena,
    /// Of what is in arena and list, in bytes.
    size: AtomicUsize,
}

impl SkipTable {
    /// An empty table.
    pub fn new() -> SkipTable {
        SkipTable {
            list: List::new(),
            index: Index::new(),
            arena: Arena::new(),
            size: AtomicUsize::new(0),
        }
    }

    /// Adds what operation number `seq` did. Readers see it when this returns, or sooner.
    ///
    /// **Lab skiplist**, chapter `week02/lab-skiplist.md`. Each number is added once. Nobody waits
    /// for anybody, but for the copy to the arena, and when a segment is made.
    ///
    /// # Cost
    ///
    /// A search and a copy of key and value; an allocation now and then.
    pub fn insert(&self, seq: Seq, operation: Operation<'_>) {
        // ANCHOR: skiplist_insert
        // As on day 2: arena, size, and the list. It says the entry's number, which the index notes.
        let (kind, user_key, value) = match operation {
            Operation::Put { key, value } => (Kind::Put, key, value),
            Operation::Delete { key } => (Kind::Delete, key, &[][..]),
        };
        let trailer = InternalKey { user_key, seq, kind }.trailer();
        let bytes = self.arena.keep(user_key, value);
        self.size.fetch_add(bytes.len() + NODE_SIZE, Ordering::Relaxed);
        let number = self.list.insert(Entry::new(bytes, user_key.len(), trailer));
        self.index.note(&self.list, number);
        // ANCHOR_END: skiplist_insert
    }

    /// What a snapshot at `seq` sees of `key` here.
    ///
    /// # Cost
    ///
    /// A look into the index, and for most keys no more; else a [`search`](SkipTable::search). No
    /// allocation, no lock: the value is shared.
    pub fn get(&self, key: &[u8], seq: Seq) -> Lookup {
        match self.index.newest(&self.list, key) {
            Newest::None => Lookup::Absent,
            Newest::Is(entry) if entry.internal_key().seq <= seq => answer(entry),
            Newest::Is(_) | Newest::Unknown => self.search(key, seq),
        }
    }

    /// As [`get`](SkipTable::get), by a search in the list.
    ///
    /// **Lab skiplist**.
    ///
    /// # Cost
    ///
    /// A search.
    pub fn search(&self, key: &[u8], seq: Seq) -> Lookup {
        // ANCHOR: skiplist_search
        // As `get` on day 2: the first entry at or behind `lookup`, if it is this key's. `answer` makes
        // of it what it says.
        let target = Target::new(InternalKey::lookup(key, seq.min(SEQ_MAX)));
        let found = self.list.found(self.list.place(&target), key);
        found.map_or(Lookup::Absent, answer)
        // ANCHOR_END: skiplist_search
    }

    /// How much memory it takes, in bytes, within 10 % once that is half a megabyte.
    pub fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed) + self.index.size()
    }

    /// How many entries there are, tombstones and old versions included, and those that are being
    /// inserted.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A cursor over all entries, at none of them yet. It meets what is added while it walks, if
    /// that lies ahead.
    pub fn cursor(&self) -> SkipCursor<'_> {
        SkipCursor::new(&self.list)
    }
}

/// What an entry says to whoever has looked for its key.
fn answer(entry: &Entry) -> Lookup {
    match entry.internal_key().kind {
        Kind::Put => Lookup::Value(entry.value()),
        Kind::Delete => Lookup::Deleted,
    }
}

impl Default for SkipTable {
    fn default() -> SkipTable {
        SkipTable::new()
    }
}

impl std::fmt::Debug for SkipTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SkipTable").field("len", &self.len()).field("size", &self.size()).finish()
    }
}
