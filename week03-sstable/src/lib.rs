//! Week 3 of Cairn: immutable sorted files, and how to answer from one with at most one disk read.
//!
//! ```text
//!   Codec        a block takes less room on disk                                    day 6
//!   BlockCache   a block is read once, and shared by all who need it                day 5
//!   Filter       most keys that are not in a table are known not to be              day 4
//!   Table        two binary searches: one for the block, one for the entry          day 3
//!   TableBuilder entries in order become a file that describes itself from its end  day 2
//!   Block        neighbours share their first bytes; restart points keep the search day 1
//! ```
//!
//! Read it in that order, from the bottom: `varint.rs`, `block.rs` with `block/builder.rs` and
//! `block/cursor.rs`; `format.rs`, which draws the whole file, `separator.rs`, `builder.rs` with
//! `properties.rs`; `block/find.rs`, `table.rs` with `table/read.rs`, `table/index.rs` and
//! `table/cursor.rs`; `hash.rs`, `filter.rs`; `cache.rs` with `cache/shard.rs` and `cache/load.rs`;
//! `codec.rs`. The labs, each with an order of its own: `lz4.rs`; and an index that is cut into
//! partitions, in `block/restarts.rs`, `builder/partitions.rs` and `table/partitions.rs`.

pub mod block;
mod builder;
pub mod cache;
pub mod codec;
pub mod filter;
pub mod format;
mod hash;
pub mod lz4;
mod options;
mod properties;
mod separator;
mod spare;
mod sync;
mod table;
pub mod varint;

pub use block::{BadBlock, Block, BlockBuilder, BlockCursor};
pub use builder::{TEMPORARY_SUFFIX, TableBuilder};
pub use cache::{BlockCache, CacheStats};
pub use codec::Codec;
pub use filter::{Filter, FilterBuilder};
pub use hash::hash;
pub use memtable::Lookup;
pub use options::TableOptions;
pub use properties::Properties;
pub use separator::shortest_separator;
pub use table::{Table, TableCursor, TableStats};
// Their types are a part of this crate's interface.
pub use {memtable, wal};
