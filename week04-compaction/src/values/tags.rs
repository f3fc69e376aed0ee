//! Tags: what stands in front of each value in memory and in tables, and nobody outside ever sees.
//!
//! ```text
//!   write ──► put on ──► log, memtable ──► … ──► take off ──► get, scan
//!     grey              00 grey               00 grey           grey
//! ```
//!
//! Memory and tables have a tag in front of each value of a store with a value log: so it is known of
//! bytes whether they are the value, or say where it is. A store without one has no tags.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use wal::{Error, Operation, Result, Scan, WriteBatch};

use crate::options::LsmOptions;
use crate::values::INLINE;

/// The same batch with a tag in front of each value.
///
/// **Lab valuelog**, chapter `week04/lab-valuelog.md`. Operations stay what they are, and in their
/// order.
///
/// # Cost
///
/// A copy of the batch.
pub fn tag_all(batch: &WriteBatch) -> WriteBatch {
    // Operation by operation. A tombstone has no value, and so no tag.
    todo!("lab valuelog: tag all")
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

/// Whether the values of a store have tags, as all of its ways in and out need it.
#[derive(Debug, Clone)]
pub struct Tags {
    /// The directory of a store with a value log.
    dir: Option<Arc<Path>>,
}

impl Tags {
    /// Those of the store in `dir`, which is opened with `options`.
    pub fn of(dir: &Path, options: &LsmOptions) -> Tags {
        Tags { dir: options.value_min.map(|_| dir.into()) }
    }

    /// Whether values have tags.
    pub fn are_there(&self) -> bool {
        self.dir.is_some()
    }

    /// The batch as memory has it.
    pub fn put_on(&self, batch: WriteBatch) -> WriteBatch {
        if self.dir.is_some() { tag_all(&batch) } else { batch }
    }

    /// What was found, as it was written.
    ///
    /// # Errors
    ///
    /// Those of [`untag`].
    pub fn take_off(&self, found: Option<Bytes>) -> Result<Option<Bytes>> {
        match (&self.dir, found) {
            (Some(dir), Some(stored)) => untag(dir, &stored).map(Some),
            (_, found) => Ok(found),
        }
    }

    /// What a scan finds, as it was written.
    pub fn take_off_all<'a>(&self, scan: Scan<'a>) -> Scan<'a> {
        let Some(dir) = self.dir.clone() else { return scan };
        Box::new(scan.map(move |entry| {
            let (key, stored) = entry?;
            Ok((key, untag(&dir, &stored)?))
        }))
    }
}
