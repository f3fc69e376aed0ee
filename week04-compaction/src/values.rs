//! The value log: values of some size live apart from the tree.
//!
//! ```text
//!   write ──► tag ──► log and memtable        in front of each value a byte: inline
//!                          │ flush
//!             ┌────────────┴───────────┐
//!             ▼                        ▼
//!         000009.val               000008.sst
//!         the large values         keys and small values; for each large one a pointer
//!             ▲                        │
//!             └──── file, offset ──────┘
//! ```
//!
//! A merge writes each of its entries anew, and most of what it writes are values that nobody has
//! changed. With pointers in their place a merge moves 17 bytes for each. (Lu and others, "WiscKey",
//! FAST 2016. There the value log is the only log, and recovery has to search its tail. Here, as in
//! RocksDB's BlobDB, a value file is made by a flush: it is whole and synced before anybody points
//! into it, and the log of week 1 stays the only file whose tail a power cut can tear.)
//!
//! Each table knows how many bytes of which value file it points at, and the manifest remembers that
//! with the table, in one edit. What is live in a file is the sum over the live tables. The rest is
//! garbage, and when there is too much of it, what is live moves to another file.
//!
//! Read `tags`, `pointer`, `file`, `writer`, `references`, `live`, `placing`, `open`, `collect`.

mod collect;
mod file;
mod live;
mod open;
mod placing;
mod pointer;
mod references;
mod tags;
mod writer;

pub use collect::pick;
pub use file::{RECORD_OVERHEAD, ValueFile};
pub use live::{LiveFile, LiveFiles};
pub use open::{OpenValues, TAGGED, check_setting, needed, orphans};
pub use placing::{Output, Placing};
pub use pointer::{INLINE, POINTER_SIZE, Pointer, Stored};
pub use references::{References, note_references};
pub use tags::{Tags, tag_all, untag};
pub use writer::ValueWriter;
