//! A hint file: what a sealed segment does to the key directory, without the values.
//!
//! ```text
//!   00000000000000004096.hint    stands beside 00000000000000004096.wal
//!
//!   ├─ header ─┼─ batch ─┼─ batch ─┼─ …        records as in the log, at LSNs from 4 096 on
//!     magic                                      put     key → place: LSN, size, operation
//!     end of the segment                         delete  key
//!     its last record: LSN and header
//!     number of its last operation
//!     how many entries follow
//! ```
//!
//! A hint saves time and nothing else. It is written without a sync, may be lost, torn or damaged,
//! and is then as if it had never been; the log is read instead. And it must never say what the
//! log does not: so it is made from a sealed segment's own bytes, and names its last record, by
//! which a hint for other bytes shows.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::keydir::{DataFile, KeyDir, Place, decode_batch};
use crate::fs::Fs;
use crate::record::{HEADER_SIZE, PAYLOAD_SIZE_MAX};
use crate::{
    Batch, Error, Lsn, Operation, Record, RecordReader, Result, Seq, WriteBatch, encode, segment,
};

/// The header's first bytes: what this file is, and which version of its format.
const MAGIC: &[u8; 8] = b"CAIRNHT1";
/// Size of the header's payload, in bytes.
const HEADER_PAYLOAD_SIZE: usize = 56;
/// A batch is written out when it has reached this size, in bytes.
const BATCH_SIZE: usize = 64 << 10;

/// What a sealed segment does to the key directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Where the segment ends.
    pub end: Lsn,
    /// Where its last record begins.
    pub last_lsn: Lsn,
    /// The header of its last record, as it stands in the file.
    pub last_header: [u8; HEADER_SIZE],
    /// Number of its last operation.
    pub last_seq: Seq,
    /// For each key it writes about, in the order of keys, the last word: where the value lies, or
    /// that there is none.
    pub changes: Vec<(Bytes, Option<Spot>)>,
}

/// A [`Place`] in a file that goes without saying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// As in [`Place::lsn`].
    pub lsn: Lsn,
    /// As in [`Place::size`].
    pub size: u32,
    /// As in [`Place::index`].
    pub index: u32,
}

impl Hint {
    /// Reads a sealed segment that ends at `end` and says what it does to the key directory.
    ///
    /// **Lab bitcask**, chapter `week01/lab-bitcask.md`. Older segments may have values of the keys
    /// that this one deletes: a delete is as much a change as a put.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if the segment's records do not reach exactly to `end`; [`Error::Io`].
    ///
    /// # Cost
    ///
    /// One pass over the segment. Memory for its keys.
    pub fn of(file: &DataFile, end: Lsn) -> Result<Hint> {
        // A `RecordReader` gives the records, `decode_batch` their operations; a map, as you go,
        // keeps the last word on each key. `header_at` reads a header.
        todo!("lab bitcask: hint of")
    }

    /// Whether this hint was made from `file`, which ends at `end`: still the same last record,
    /// and nothing behind it.
    ///
    /// **Lab bitcask**. To whoever asks, an error is the same as `false`: there is no hint, and the
    /// log has to be read.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Corruption`] if the segment has no whole header at `last_lsn`.
    pub fn is_of(&self, file: &DataFile, end: Lsn) -> Result<bool> {
        // Three questions: does it end there? is the file as long as that? is its last record the
        // one that the hint has seen?
        todo!("lab bitcask: hint is of")
    }

    /// Makes the segment's changes to the key directory.
    ///
    /// **Lab bitcask**.
    pub fn apply(self, keys: &mut KeyDir, file: &Arc<DataFile>) {
        // As `keydir::apply`, with spots in place of operations.
        todo!("lab bitcask: hint apply")
    }

    /// A hint that says nothing yet.
    fn new(base: Lsn, end: Lsn) -> Hint {
        let (last_header, changes) = ([0; HEADER_SIZE], Vec::new());
        Hint { end, last_lsn: base, last_header, last_seq: 0, changes }
    }
}

/// Where the hint of the segment that begins at `base` is.
pub fn path(dir: &Path, base: Lsn) -> PathBuf {
    segment::path(dir, base).with_extension("hint")
}

/// The bases of the segments that have a hint in `dir`, good or bad, ascending.
pub fn list(fs: &dyn Fs, dir: &Path) -> Result<Vec<Lsn>> {
    let base = |name: &String| {
        let stem = name.strip_suffix(".hint")?;
        segment::parse_file_name(&format!("{stem}.wal"))
    };
    Ok(fs.list(dir)?.iter().filter_map(base).collect())
}

/// Removes the hints of all segments but those that begin in `used`, for good.
pub fn sweep(fs: &dyn Fs, dir: &Path, used: Range<Lsn>) -> Result<()> {
    let mut unused = list(fs, dir)?;
    unused.retain(|base| !used.contains(base));
    for base in &unused {
        fs.remove(&path(dir, *base))?;
    }
    if unused.is_empty() { Ok(()) } else { fs.sync_dir(dir) }
}

/// Writes `hint` for the segment that begins at `base`; a file that is there is overwritten.
///
/// Nothing is synced: what is not there after a crash, or not whole, is made again.
///
/// # Errors
///
/// [`Error::Io`]; a part of it may be there, which is no hint.
pub fn write(fs: &dyn Fs, dir: &Path, base: Lsn, hint: &Hint) -> Result<()> {
    let mut out = Vec::new();
    let mut put = |payload: &[u8]| {
        let lsn = base + out.len() as u64;
        encode(&Record { lsn, synced: 0, payload }, &mut out)
    };
    put(&encode_header(hint))?;
    let mut batch = WriteBatch::new();
    for (key, spot) in &hint.changes {
        match spot {
            Some(spot) => batch.put(key, &encode_spot(*spot)),
            None => batch.delete(key),
        }
        if batch.size() >= BATCH_SIZE {
            put(batch.encode(0))?;
            batch.clear();
        }
    }
    put(batch.encode(0))?;
    fs.create(&path(dir, base))?.write_at(0, &out)
}

/// Reads the hint of `file`, a segment that ends at `end`, if there is one that is whole and
/// [of this file](Hint::is_of).
///
/// Whatever is wrong with it, it is then no hint, and no error.
pub fn read(fs: &dyn Fs, dir: &Path, file: &DataFile, end: Lsn) -> Option<Hint> {
    let hint = read_whole(fs, dir, file.base, end).ok()??;
    hint.is_of(file, end).ok()?.then_some(hint)
}

/// The hint at `base`, if its bytes are those of a hint.
fn read_whole(fs: &dyn Fs, dir: &Path, base: Lsn, end: Lsn) -> Result<Option<Hint>> {
    let mut reader = RecordReader::new(fs.open(&path(dir, base))?, base, base);
    if !reader.advance()? {
        return Ok(None);
    }
    let Some((mut hint, count)) = decode_header(reader.record().payload) else {
        return Ok(None);
    };
    while reader.advance()? {
        let Ok(batch) = Batch::decode(reader.record().payload) else {
            return Ok(None);
        };
        for operation in batch.operations {
            let (key, spot) = match operation {
                Operation::Put { key, value } => match decode_spot(value, base, end) {
                    None => return Ok(None),
                    spot => (key, spot),
                },
                Operation::Delete { key } => (key, None),
            };
            hint.changes.push((Bytes::copy_from_slice(key), spot));
        }
    }
    let whole = hint.changes.len() as u64 == count && reader.file().len()? == reader.offset();
    Ok(whole.then_some(hint))
}

/// The header of the record at `lsn`, as it stands in the file.
fn header_at(file: &DataFile, lsn: Lsn) -> Result<[u8; HEADER_SIZE]> {
    let mut header = [0; HEADER_SIZE];
    let offset = lsn.saturating_sub(file.base);
    match file.file.read_at(offset, &mut header)? {
        HEADER_SIZE => Ok(header),
        _ => Err(Error::corruption(file.file.path(), offset, "a record's header is cut off")),
    }
}

/// An error if the segment that `reader` has read to its end does not reach to `end`.
pub(super) fn expect_end(reader: &RecordReader, end: Lsn) -> Result<()> {
    if reader.lsn() == end {
        return Ok(());
    }
    let reason = format!("the segment should go on to {end}, and ends here");
    Err(Error::corruption(reader.file().path(), reader.offset(), reason))
}

/// The header's payload: magic, four integers of eight bytes, the last record's header.
fn encode_header(hint: &Hint) -> Vec<u8> {
    let mut payload = MAGIC.to_vec();
    for number in [hint.end, hint.last_lsn, hint.last_seq, hint.changes.len() as u64] {
        payload.extend_from_slice(&number.to_le_bytes());
    }
    payload.extend_from_slice(&hint.last_header);
    payload
}

/// A hint without its changes, and their number, if these bytes are a header.
fn decode_header(payload: &[u8]) -> Option<(Hint, u64)> {
    let payload: &[u8; HEADER_PAYLOAD_SIZE] = payload.try_into().ok()?;
    let (numbers, last_header) = payload.strip_prefix(MAGIC)?.split_last_chunk()?;
    let mut numbers = numbers.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
    let (end, last_lsn, last_seq) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let changes = Vec::new();
    let hint = Hint { end, last_lsn, last_header: *last_header, last_seq, changes };
    Some((hint, numbers.next()?))
}

/// LSN, size and operation, little-endian.
fn encode_spot(spot: Spot) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&spot.lsn.to_le_bytes());
    bytes[8..12].copy_from_slice(&spot.size.to_le_bytes());
    bytes[12..].copy_from_slice(&spot.index.to_le_bytes());
    bytes
}

/// A spot that lies in the segment from `base` to `end`, if these bytes are one.
fn decode_spot(bytes: &[u8], base: Lsn, end: Lsn) -> Option<Spot> {
    let bytes: &[u8; 16] = bytes.try_into().ok()?;
    let (lsn, rest) = bytes.split_first_chunk()?;
    let (size, index) = rest.split_first_chunk()?;
    let lsn = u64::from_le_bytes(*lsn);
    let size = u32::from_le_bytes(*size);
    let index = u32::from_le_bytes(index.try_into().ok()?);
    let inside = base <= lsn && lsn < end && size as usize <= HEADER_SIZE + PAYLOAD_SIZE_MAX;
    inside.then_some(Spot { lsn, size, index })
}
