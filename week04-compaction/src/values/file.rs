//! A value file: values one behind the other, each under a checksum.
//!
//! ```text
//!  offset   size   field
//! ┌────────┬──────┬─────────┬──────────────────────────────────────────────────────────┐
//! │      0 │    8 │ magic   │ "CAIRNVAL"                                               │
//! │      8 │    4 │ version │ 1                                                        │
//! │     12 │    4 │ number  │ the file's own                                           │
//! └────────┴──────┴─────────┴──────────────────────────────────────────────────────────┘
//!
//!            from a record's start:
//! ┌────────┬──────┬─────────┬──────────────────────────────────────────────────────────┐
//! │      0 │    4 │ crc     │ CRC-32 of file number 4, record's offset 8, user key, and │
//! │        │      │         │ all that stands behind it here                           │
//! │      4 │    4 │ size    │ of the value                                             │
//! │      8 │    1 │ tag     │ 0, as a value in a table has it                          │
//! │      9 │ size │ value   │                                                          │
//! └────────┴──────┴─────────┴──────────────────────────────────────────────────────────┘
//! ```
//!
//! The checksum covers where a record is and whose it is, though neither is written down: a pointer
//! that leads anywhere else, even to a good record, is an error and not somebody else's value. The
//! tag is there so that a record's end is what memory and tables have in the place of a value.
//!
//! Nobody reads a value file from its start: what is in it, tables know.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use wal::fs::{File, Fs};
use wal::{Error, Result};

use crate::files::value_path;
use crate::values::{INLINE, Pointer};

/// The first bytes of a value file.
pub(super) const MAGIC: &[u8; 8] = b"CAIRNVAL";
/// The version that is drawn above.
pub(super) const VERSION: u32 = 1;
/// Size of what stands in front of the first record, in bytes.
pub(super) const HEADER_SIZE: usize = 16;
/// What a record takes besides its value, in bytes.
pub const RECORD_OVERHEAD: usize = 9;
/// The part of a record in front of what its checksum covers.
pub(super) const CRC_SIZE: usize = 4;

/// A value file that is whole, open for reading.
pub struct ValueFile {
    fs: Arc<dyn Fs>,
    file: Arc<dyn File>,
    number: u32,
    /// Size of the file, in bytes.
    size: u64,
    /// How many open tables point into it that some manifest names, or is about to.
    holders: AtomicUsize,
    /// Whether the last of them was retired.
    is_obsolete: AtomicBool,
}

/// The first bytes of value file `number`.
pub(super) fn header(number: u32) -> [u8; HEADER_SIZE] {
    let mut bytes = [0; HEADER_SIZE];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// The checksum of a record: of where it is, whose it is, and what stands behind its checksum.
pub(super) fn checksum(number: u32, offset: u64, key: &[u8], covered: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(key);
    hasher.update(covered);
    hasher.finalize()
}

impl ValueFile {
    /// Opens value file `number` in `dir`.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if it does not begin as value file `number` does; [`Error::Io`].
    pub fn open(fs: &Arc<dyn Fs>, dir: &Path, number: u32) -> Result<ValueFile> {
        let path = value_path(dir, u64::from(number));
        let file = fs.open(&path)?;
        let mut bytes = [0; HEADER_SIZE];
        read_exact(&*file, 0, &mut bytes)?;
        if bytes != header(number) {
            let reason = format!("it does not begin as value file {number} does");
            return Err(Error::corruption(&path, 0, reason));
        }
        Ok(ValueFile {
            fs: Arc::clone(fs),
            size: file.len()?,
            file,
            number,
            holders: AtomicUsize::new(0),
            is_obsolete: AtomicBool::new(false),
        })
    }

    /// The value of `key` that `pointer` leads to, with its tag.
    ///
    /// **Lab valuelog**, chapter `week04/lab-valuelog.md`. `pointer` names this file: by its number the
    /// file was found.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`], with the record's offset, if it does not lie in the file, behind the
    /// header; or if checksum, size or tag are not right. No memory is taken for a record that does
    /// not lie in the file. [`Error::Io`].
    ///
    /// # Cost
    ///
    /// One read, one allocation of the record's size, one pass for the checksum.
    pub fn read(&self, key: &[u8], pointer: &Pointer) -> Result<Bytes> {
        // The pointer first: it came from a file. Then all of the record in one read, and its
        // checksum. What is given away is a slice of what was read.
        todo!("lab valuelog: read")
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Size of all of its records, in bytes.
    pub fn records_size(&self) -> u64 {
        self.size - HEADER_SIZE as u64
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Says that one table more points into it.
    pub(crate) fn hold(&self) {
        self.holders.fetch_add(1, Ordering::AcqRel);
    }

    /// Says that no manifest names one of those tables any more. If it was the last, the file goes
    /// with whoever reads it last.
    pub(crate) fn release(&self) {
        if self.holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.is_obsolete.store(true, Ordering::Release);
        }
    }
}

impl Drop for ValueFile {
    /// Removes the file if nobody needs it. What cannot be removed is an orphan.
    fn drop(&mut self) {
        // A file that was only looked at, and that no table has held, stays.
        if *self.is_obsolete.get_mut() && *self.holders.get_mut() == 0 {
            let _ = self.fs.remove(self.file.path());
        }
    }
}

impl fmt::Debug for ValueFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueFile").field("path", &self.path()).finish_non_exhaustive()
    }
}

/// Reads so many bytes at `offset`.
fn read_exact(file: &dyn File, offset: u64, buf: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    while filled < buf.len() {
        match file.read_at(offset + filled as u64, &mut buf[filled..])? {
            0 => return Err(Error::corruption(file.path(), offset, "the file ends too early")),
            read => filled += read,
        }
    }
    Ok(())
}
