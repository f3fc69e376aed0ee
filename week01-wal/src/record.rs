//! One record: a payload, its length, and a checksum over both and over where they stand.
//!
//! ```text
//!  offset   size   field
//! ┌────────┬──────┬─────────┬──────────────────────────────────────────────────┐
//! │      0 │    4 │ crc     │ CRC-32 of the record's LSN and bytes 4 .. 16+len │
//! │      4 │    4 │ len     │ payload size in bytes, 0 ..= PAYLOAD_SIZE_MAX    │
//! │      8 │    8 │ synced  │ every byte of the log below this was on disk     │
//! │     16 │  len │ payload │ the caller's bytes, never looked into            │
//! └────────┴──────┴─────────┴──────────────────────────────────────────────────┘
//! ```
//!
//! Integers are little-endian. Two fields surprise:
//!
//! * The checksum begins with the record's own position, its [`Lsn`], **which is not stored**. A
//!   record is valid only where it was written: bytes of a file's earlier life, or a write that
//!   the disk put in the wrong place, are no records. And sixteen zero bytes are none either.
//! * `synced` is what the writer knew to be durable when it wrote the record. After a crash it is
//!   the witness that tells lost writes, which are normal, from damage (day 4).

use crate::{Error, Result};

/// Log sequence number: a position in the log, in bytes from its very beginning.
pub type Lsn = u64;

/// Bytes in front of every payload.
pub const HEADER_SIZE: usize = 16;

/// The largest payload, in bytes: 64 MiB. Any length above it is damage, not a length.
pub const PAYLOAD_SIZE_MAX: usize = 64 << 20;

/// A record, its payload borrowed from where it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Where the record begins.
    pub lsn: Lsn,
    /// Every byte of the log below this was on disk when the record was written; at most `lsn`.
    pub synced: Lsn,
    /// The caller's bytes.
    pub payload: &'a [u8],
}

impl Record<'_> {
    /// Size of the record with its header, in bytes.
    pub fn size(&self) -> usize {
        HEADER_SIZE + self.payload.len()
    }

    /// Where the next record begins.
    pub fn end(&self) -> Lsn {
        self.lsn + self.size() as u64
    }
}

/// What some bytes turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// A record, whole and unharmed. More bytes may follow it.
    Record(Record<'a>),
    /// The bytes end before the record does.
    Torn {
        /// Bytes needed to go on, from the record's beginning: first the header,
        /// then header and payload. At most `HEADER_SIZE + PAYLOAD_SIZE_MAX`.
        needed: usize,
    },
    /// Not a record, however many bytes follow.
    Corrupt {
        /// Which check failed.
        reason: &'static str,
    },
}

/// Appends `record` to `out`, as the bytes drawn at the top of this file.
///
/// **Day 1**, chapter `week01/day1-record.md`. Bytes that are already in `out` stay as they are:
/// the log collects many records in one buffer.
///
/// # Errors
///
/// [`Error::RecordTooLarge`], with the payload's `size` and the `limit`, if the payload exceeds
/// [`PAYLOAD_SIZE_MAX`]; `out` is then unchanged.
///
/// # Cost
///
/// One pass for the checksum, one to copy; no allocation but growing `out`.
///
/// ```
/// # use wal::{Record, encode};
/// let mut out = Vec::new();
/// encode(&Record { lsn: 0, synced: 0, payload: b"stone" }, &mut out).unwrap();
/// assert_eq!(out.len(), 16 + 5);
/// ```
pub fn encode(record: &Record<'_>, out: &mut Vec<u8>) -> Result<()> {
    // Refuse first. Leave room for the checksum, and fill it in when the bytes it covers are there.
    todo!("day 1: encode")
}

/// Reads the record that begins `bytes`, which stand at `lsn` in the log.
///
/// **Day 1**, chapter `week01/day1-record.md`. Any bytes at all may come in, and none may make it
/// panic, allocate, or return a record that was not written exactly there.
///
/// # Cost
///
/// No allocation, no copy: the payload is a slice of `bytes`. One pass for the checksum.
///
/// ```
/// # use wal::{Decoded, Record, decode, encode};
/// let mut bytes = Vec::new();
/// let record = Record { lsn: 40, synced: 0, payload: b"stone" };
/// encode(&record, &mut bytes).unwrap();
/// assert_eq!(decode(&bytes, 40), Decoded::Record(record));
/// assert_eq!(decode(&bytes[..9], 40), Decoded::Torn { needed: 16 });
/// assert!(matches!(decode(&bytes, 41), Decoded::Corrupt { .. }));
/// ```
pub fn decode(bytes: &[u8], lsn: Lsn) -> Decoded<'_> {
    // Ask in this order: is the header there? is the length possible? is the payload there? does
    // the checksum agree? Each question may be asked only once the one before it is answered.
    todo!("day 1: decode")
}

/// The little-endian `u32` at `offset` of a header.
pub(crate) fn u32_at(header: &[u8; HEADER_SIZE], offset: usize) -> u32 {
    u32::from_le_bytes(header[offset..][..4].try_into().expect("four bytes"))
}

/// The little-endian `u64` at `offset` of a header.
pub(crate) fn u64_at(header: &[u8; HEADER_SIZE], offset: usize) -> u64 {
    u64::from_le_bytes(header[offset..][..8].try_into().expect("eight bytes"))
}
