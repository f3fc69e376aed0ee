//! What a store with a value log has in the place of a value.
//!
//! ```text
//!  offset   size   field
//! ┌────────┬──────┬────────┬─────────────────────────────────────────────┐
//! │      0 │    1 │ tag    │ 0: inline                                   │
//! │      1 │    n │ value  │ the user's bytes                            │
//! └────────┴──────┴────────┴─────────────────────────────────────────────┘
//! ┌────────┬──────┬────────┬─────────────────────────────────────────────┐
//! │      0 │    1 │ tag    │ 1: apart                                    │
//! │      1 │    4 │ file   │ number of the value file                    │
//! │      5 │    8 │ offset │ where its record begins, from the start     │
//! │     13 │    4 │ size   │ of the value, in bytes                      │
//! └────────┴──────┴────────┴─────────────────────────────────────────────┘
//! ```
//!
//! Integers are little-endian. The log and memtables have inline values only.

use crate::files::NUMBER_MAX;
use crate::values::RECORD_OVERHEAD;

/// The tag of a value that stands behind it.
pub const INLINE: u8 = 0;
/// The tag of a pointer.
const APART: u8 = 1;

/// Size of a pointer with its tag, in bytes.
pub const POINTER_SIZE: usize = 17;

// A file's number fits.
const _: () = assert!(NUMBER_MAX <= u32::MAX as u64);

/// Where a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// Number of the value file.
    pub file: u32,
    /// Where its record begins, in bytes from the start of the file.
    pub offset: u64,
    /// Size of the value, in bytes, without its tag.
    pub size: u32,
}

/// A value as memory and tables have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored<'a> {
    /// The value itself.
    Inline(&'a [u8]),
    /// It is in a value file.
    Apart(Pointer),
}

impl Pointer {
    /// The pointer as a table has it, with its tag.
    ///
    /// **Lab valuelog**, chapter `week04/lab-valuelog.md`.
    pub fn encode(&self) -> [u8; POINTER_SIZE] {
        // Field by field, as it is drawn.
        todo!("lab valuelog: pointer encode")
    }

    /// How many bytes of its file the record takes.
    pub fn record_size(&self) -> u64 {
        RECORD_OVERHEAD as u64 + u64::from(self.size)
    }
}

impl Stored<'_> {
    /// Reads what stands in the place of a value; `None` if it is neither of the two.
    ///
    /// **Lab valuelog**. Any bytes may come in. Nothing is copied.
    pub fn decode(stored: &[u8]) -> Option<Stored<'_>> {
        // The tag says which; a pointer has its size exactly.
        todo!("lab valuelog: stored decode")
    }
}
