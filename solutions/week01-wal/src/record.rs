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

// ANCHOR: listing_decoded
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
// ANCHOR_END: listing_decoded

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
    // ANCHOR: day1_encode
    // Refuse first. Leave room for the checksum, and fill it in when the bytes it covers are there.
    let len = record.payload.len();
    if len > PAYLOAD_SIZE_MAX {
        return Err(Error::RecordTooLarge { size: len, limit: PAYLOAD_SIZE_MAX });
    }
    let mut header = [0; HEADER_SIZE];
    header[4..8].copy_from_slice(&(len as u32).to_le_bytes());
    header[8..].copy_from_slice(&record.synced.to_le_bytes());
    let start = out.len();
    out.extend_from_slice(&header);
    out.extend_from_slice(record.payload);
    let (crc, covered) = out[start..].split_at_mut(4);
    crc.copy_from_slice(&checksum(record.lsn, covered).to_le_bytes());
    Ok(())
    // ANCHOR_END: day1_encode
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
    // ANCHOR: day1_decode
    // Ask in this order: is the header there? is the length possible? is the payload there? does
    // the checksum agree? Each question may be asked only once the one before it is answered.
    let Some(header) = bytes.first_chunk::<HEADER_SIZE>() else {
        return Decoded::Torn { needed: HEADER_SIZE };
    };
    let len = u32_at(header, 4) as usize;
    if len > PAYLOAD_SIZE_MAX {
        return Decoded::Corrupt { reason: "the length is larger than any record" };
    }
    let size = HEADER_SIZE + len;
    if bytes.len() < size {
        return Decoded::Torn { needed: size };
    }
    if u32_at(header, 0) != checksum(lsn, &bytes[4..size]) {
        return Decoded::Corrupt { reason: "the checksum does not match" };
    }
    let payload = &bytes[HEADER_SIZE..size];
    Decoded::Record(Record { lsn, synced: u64_at(header, 8), payload })
    // ANCHOR_END: day1_decode
}

// ANCHOR: hidden_day1_checksum
/// The checksum of the record at `lsn`: over that number, and over all of it but the checksum.
fn checksum(lsn: Lsn, covered: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&lsn.to_le_bytes());
    hasher.update(covered);
    hasher.finalize()
}
// ANCHOR_END: hidden_day1_checksum

/// The little-endian `u32` at `offset` of a header.
pub(crate) fn u32_at(header: &[u8; HEADER_SIZE], offset: usize) -> u32 {
    u32::from_le_bytes(header[offset..][..4].try_into().expect("four bytes"))
}

/// The little-endian `u64` at `offset` of a header.
pub(crate) fn u64_at(header: &[u8; HEADER_SIZE], offset: usize) -> u64 {
    u64::from_le_bytes(header[offset..][..8].try_into().expect("eight bytes"))
}
