//! Week 2 of Cairn: versioned keys, a concurrent memtable, cursors, the merge that every read is, and
//! a store whose readers never wait.
//!
//! ```text
//!   WriteQueue writers wait in line together, and one writes for all               day 6
//!   MemStore   a log, a memtable, full memtables; readers never wait               day 5
//!   Visible    of each key one version or none: what a snapshot sees               day 4
//!   Merge      one cursor over many                                                day 4
//!   Cursor     a place in ordered entries, which moves in both directions          day 3
//!   MemTable   versions in order, in memory, for readers and writers at once       day 2
//!   key        a user's key with the number of the operation that wrote it         day 1
//! ```
//!
//! Read it in that order, from the bottom: `key.rs`, `memtable.rs` with `memtable/arena.rs` and
//! `memtable/entry.rs`, `cursor.rs` with `memtable/cursor.rs`, `merge.rs`, `visible.rs`, `view.rs`,
//! `tables.rs`, `store.rs`, `queue.rs`. The labs, each with an order of its own: `skiplist.rs`,
//! `ranges.rs`.

pub mod cursor;
mod key;
mod memtable;
mod merge;
mod queue;
pub mod ranges;
pub mod skiplist;
mod store;
mod sync;
mod tables;
mod view;
mod visible;

pub use cursor::Cursor;
pub use key::{BadKey, InternalKey, Kind, SEQ_MAX, TRAILER_SIZE, compare_encoded};
pub use memtable::{Lookup, MemCursor, MemTable};
pub use merge::Merge;
pub use queue::{Group, WriteQueue};
pub use store::{MemOptions, MemStore};
pub use tables::Flush;
pub use view::{Frozen, LogMark, Snapshot, StoreCursor, StoreTable, View};
pub use visible::Visible;
