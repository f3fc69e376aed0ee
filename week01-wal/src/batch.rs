//! A batch: several operations that happen together or not at all, because they are one record.
//!
//! ```text
//!  offset   size   field
//! ┌────────┬──────┬────────────┬─────────────────────────────────────────────────┐
//! │      0 │    8 │ first_seq  │ number of the first operation                   │
//! │      8 │    4 │ count      │ how many operations follow                      │
//! │     12 │    … │ operations │ one after the other, nothing behind the last    │
//! └────────┴──────┴────────────┴─────────────────────────────────────────────────┘
//!   put      1 │ key length │ key │ value length │ value
//!   delete   0 │ key length │ key
//! ```
//!
//! Fixed integers are little-endian. Lengths are varints: seven bits a byte, lowest first, the top
//! bit set on all but the last, and no more bytes than it takes: 300 is `ac 02`. So one batch has
//! one encoding. It is kept in this form from the first `put` on, and writing it to the log is no
//! more than filling in its number.

use std::fmt;

use crate::Seq;

/// Bytes in front of the operations.
const BATCH_HEADER_SIZE: usize = 12;
/// The room that a new batch has, in bytes: enough for a put of usual size.
const SMALL_BATCH_SIZE: usize = 160;

/// The most bytes that a length takes: five groups of seven bits are more than any payload's.
const LENGTH_SIZE_MAX: usize = 5;
/// The tag of a delete.
const DELETE: u8 = 0;
/// The tag of a put.
const PUT: u8 = 1;

/// Operations to apply together, in the order in which they were added.
///
/// ```
/// # use wal::WriteBatch;
/// let mut batch = WriteBatch::new();
/// batch.put(b"from", b"90");
/// batch.put(b"to", b"110");
/// assert_eq!(batch.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteBatch {
    /// Header and operations; the header's `first_seq` is 0 until the batch is written.
    encoded: Vec<u8>,
}

/// One operation of a batch, its bytes borrowed from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Gives `key` a value.
    Put {
        /// The key, any bytes.
        key: &'a [u8],
        /// The value, any bytes.
        value: &'a [u8],
    },
    /// Takes `key` away.
    Delete {
        /// The key, any bytes.
        key: &'a [u8],
    },
}

/// Bytes that are no batch. The record that held them had a good checksum: whoever wrote it was
/// wrong, or it is not a store's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// Where in the payload the operation, length or field begins that is wrong.
    pub offset: usize,
    /// Which check failed.
    pub reason: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a batch: {}, at byte {} of the payload", self.reason, self.offset)
    }
}

impl std::error::Error for Malformed {}

impl Default for WriteBatch {
    fn default() -> WriteBatch {
        WriteBatch::new()
    }
}

impl WriteBatch {
    /// A batch without operations.
    pub fn new() -> WriteBatch {
        let mut encoded = Vec::with_capacity(SMALL_BATCH_SIZE);
        encoded.resize(BATCH_HEADER_SIZE, 0);
        WriteBatch { encoded }
    }

    /// Adds "give `key` this value".
    ///
    /// **Day 5**, chapter `week01/day5-batch.md`.
    ///
    /// # Cost
    ///
    /// A copy of both; no allocation but growing the batch.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        // Tag, key with its length, value with its length. And there is one operation more.
        todo!("day 5: put")
    }

    /// Adds "take `key` away".
    ///
    /// **Day 5**.
    pub fn delete(&mut self, key: &[u8]) {
        // Like `put`, without a value.
        todo!("day 5: delete")
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        u32::from_le_bytes([8, 9, 10, 11].map(|byte| self.encoded[byte])) as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Size of the batch as a record's payload, in bytes.
    pub fn size(&self) -> usize {
        self.encoded.len()
    }

    /// Removes all operations; the memory is kept for the next ones.
    ///
    /// **Day 5**. Afterwards the batch equals a new one.
    pub fn clear(&mut self) {
        // The header stays, all zeros again: no operations, and no number from `encode`.
        todo!("day 5: clear")
    }

    /// Adds all operations of `other`, in their order. What numbers either has is forgotten when
    /// this batch is written.
    ///
    /// # Cost
    ///
    /// A copy of `other`; no allocation but growing the batch.
    pub fn append(&mut self, other: &WriteBatch) {
        self.encoded.extend_from_slice(&other.encoded[BATCH_HEADER_SIZE..]);
        self.set_len(self.len() + other.len());
    }

    /// The operations, in the order in which they were added.
    pub fn iter(&self) -> Operations<'_> {
        Operations { bytes: &self.encoded, offset: BATCH_HEADER_SIZE, left: self.len() }
    }

    /// Fills in the number of the first operation and returns the payload to log.
    ///
    /// **Day 5**. The operations have the numbers `first_seq`, `first_seq + 1`, … in order.
    pub fn encode(&mut self, first_seq: Seq) -> &[u8] {
        // The rest has been in its place since `put` and `delete`.
        todo!("day 5: encode")
    }

    /// Writes the number of operations into the header, where `len` finds it.
    fn set_len(&mut self, len: usize) {
        let count = u32::try_from(len).expect("no log takes a batch of 2^32 operations");
        self.encoded[8..12].copy_from_slice(&count.to_le_bytes());
    }
}

impl<'a> IntoIterator for &'a WriteBatch {
    type Item = Operation<'a>;
    type IntoIter = Operations<'a>;

    fn into_iter(self) -> Operations<'a> {
        self.iter()
    }
}

/// A batch as it was found in a log: checked, and borrowed from the record's payload.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// Number of the first operation.
    pub first_seq: Seq,
    /// The operations, in order.
    pub operations: Operations<'a>,
}

impl<'a> Batch<'a> {
    /// Reads a record's payload as a batch.
    ///
    /// **Day 5**, chapter `week01/day5-batch.md`. Every length is checked before it is used, and
    /// the bytes must be exactly one batch: what `operations` then yields needs no error. Any
    /// `first_seq` will do, 0 too, if the number after the last operation still fits into 64 bits.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for any other bytes, whatever they are; never a panic.
    ///
    /// # Cost
    ///
    /// One pass over the lengths; no allocation, whatever `count` says.
    pub fn decode(payload: &'a [u8]) -> Result<Batch<'a>, Malformed> {
        // Walk through all operations once with a function that returns errors; `Operations`
        // can then walk the same way and trust the bytes.
        todo!("day 5: decode")
    }

    /// Number of the last operation; the number before `first_seq` if there are none.
    pub fn last_seq(&self) -> Seq {
        (self.first_seq + self.operations.len() as Seq).saturating_sub(1)
    }
}

/// Iterates over the operations of a batch.
#[derive(Debug, Clone)]
pub struct Operations<'a> {
    /// A whole batch, already checked.
    bytes: &'a [u8],
    /// Where the next operation begins.
    offset: usize,
    /// How many are still to come.
    left: usize,
}

impl<'a> Iterator for Operations<'a> {
    type Item = Operation<'a>;

    /// **Day 5**.
    fn next(&mut self) -> Option<Operation<'a>> {
        // The bytes were checked when the batch was decoded: here, an error is a bug of ours.
        todo!("day 5: next")
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Operations<'_> {}

/// Reads the operation at `offset` and moves `offset` behind it.
///
/// **Day 5**.
fn parse_operation<'a>(bytes: &'a [u8], offset: &mut usize) -> Result<Operation<'a>, Malformed> {
    // The tag says what follows. A tag that is neither is an error, not a delete.
    todo!("day 5: parse operation")
}

/// Appends `bytes` behind their length.
///
/// **Day 5**.
fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    // While the length has more than seven bits, write the lowest seven with the top bit set.
    todo!("day 5: put bytes")
}

/// Reads a length at `offset` and as many bytes, and moves `offset` behind them.
///
/// **Day 5**. A length that is cut off, has more bytes than it takes, or says more than is there
/// is an error at the offset where it begins.
fn take_bytes<'a>(bytes: &'a [u8], offset: &mut usize) -> Result<&'a [u8], Malformed> {
    // At most `LENGTH_SIZE_MAX` bytes are a length, and it ends at the first without the top bit.
    // Compare it with what is left before it is an index.
    todo!("day 5: take bytes")
}
