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
//! Read `pointer`, `file`, `writer`, `references`, `live`, `placing`, `open`, `collect`.

mod collect;
mod file;
mod live;
mod open;
mod placing;
mod pointer;
mod references;
mod writer;

use std::path::Path;

use bytes::Bytes;
use wal::{Error, Operation, Result, WriteBatch};

pub use collect::pick;
pub use file::{RECORD_OVERHEAD, ValueFile};
pub use live::{LiveFile, LiveFiles};
pub use open::{OpenValues, TAGGED, check_setting, needed, orphans};
pub use placing::{Output, Placing};
pub use pointer::{INLINE, POINTER_SIZE, Pointer, Stored};
pub use references::{References, note_references};
pub use writer::ValueWriter;

/// The same batch with a tag in front of each value.
///
/// **Lab valuelog**, chapter `week04/lab-valuelog.md`. Operations stay what they are, and in their
/// order.
///
/// # Cost
///
/// A copy of the batch.
pub fn tag_all(batch: &WriteBatch) -> WriteBatch {
    // ANCHOR: valuelog_tag_all
    // Operation by operation. A tombstone has no value, and so no tag.
    let (mut tagged, mut stored) = (WriteBatch::new(), Vec::new());
    for operation in batch {
        match operation {
            Operation::Put { key, value } => {
                stored.clear();
                stored.push(INLINE);
                stored.extend_from_slice(value);
                tagged.put(key, &stored);
            }
            Operation::Delete { key } => tagged.delete(key),
        }
    }
    tagged
    // ANCHOR_END: valuelog_tag_all
}

/// The value without its tag. Nothing is copied.
///
/// # Errors
///
/// [`Error::Corruption`] about `dir`, the store's directory, if it has another tag or none.
pub fn untag(dir: &Path, stored: &Bytes) -> Result<Bytes> {
    match stored.first() {
        Some(&INLINE) => Ok(stored.slice(1..)),
        _ => Err(Error::corruption(dir, 0, "a value without its tag")),
    }
}
