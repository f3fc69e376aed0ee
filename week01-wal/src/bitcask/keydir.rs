//! The key directory: for every key that has a value, where that value lies.
//!
//! ```text
//!   key        place                              file
//!   "amber" ─► record 4 112, operation 0 ───────► 00000000000000004096.wal   held open
//!   "basalt" ► record 8 020, operation 2 ───┬───► 00000000000000007900.wal   held open
//!   "chalk" ─► record 8 020, operation 5 ───┘
//! ```
//!
//! A place is a claim, and the record there has the last word: whatever a place says, a value
//! comes back only out of a record that is valid, stands there, and has this key.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::fs::File;
use crate::{Batch, Decoded, Error, Lsn, Operation, Operations, Record, Result, decode};

/// Every key that has a value. Ordered, so that it can be scanned; the original is a hash table.
pub type KeyDir = BTreeMap<Bytes, Place>;

/// One segment of the log, open to be read.
///
/// It stays readable for as long as somebody holds it, also when its name is gone.
#[derive(Debug)]
pub struct DataFile {
    /// The LSN of its first byte.
    pub base: Lsn,
    /// Its bytes.
    pub file: Arc<dyn File>,
}

/// Where a value lies.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file.
    pub file: Arc<DataFile>,
    /// Where the record begins whose batch has the put.
    pub lsn: Lsn,
    /// Size of that record with its header, in bytes.
    pub size: u32,
    /// Which of the batch's operations it is, from 0.
    pub index: u32,
}

impl Place {
    /// Whether this is operation `index` of the record at `lsn`.
    pub fn is(&self, lsn: Lsn, index: usize) -> bool {
        self.lsn == lsn && self.index as usize == index
    }

    /// Reads the value of `key` from disk.
    ///
    /// **Lab bitcask**, chapter `week01/lab-bitcask.md`.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] with the file and the record's offset in it, if there is no whole
    /// record there, its checksum does not match, its payload is no batch, or the operation is not
    /// a put of `key`. [`Error::Io`].
    ///
    /// # Cost
    ///
    /// One read of the whole record, one pass for the checksum, and a copy of the value.
    pub fn read(&self, key: &[u8]) -> Result<Bytes> {
        // The file counts from its base. `decode` wants the record's own LSN; it and
        // `decode_batch` then say whether the bytes are good. `Operations` is an iterator.
        todo!("lab bitcask: read")
    }
}

/// Notes what the operations of one batch do to the directory. The batch is the record at `lsn` in
/// `file`, `size` bytes large with its header.
///
/// **Lab bitcask**, chapter `week01/lab-bitcask.md`. In order: a later operation on a key takes the
/// place of an earlier one. A key without a value is not in the directory.
pub fn apply(
    keys: &mut KeyDir,
    file: &Arc<DataFile>,
    lsn: Lsn,
    size: usize,
    operations: Operations<'_>,
) {
    // Values stay on disk. `enumerate` gives the operation's number in its batch.
    todo!("lab bitcask: apply")
}

/// Reads a record of `file` as a batch; if it is none, that is damage of that file.
pub fn decode_batch<'a>(file: &DataFile, record: &Record<'a>) -> Result<Batch<'a>> {
    Batch::decode(record.payload).map_err(|malformed| {
        Error::corruption(file.file.path(), record.lsn - file.base, malformed.to_string())
    })
}
