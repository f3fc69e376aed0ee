//! A checkpoint: the whole map in one file, so that the log before it can go.
//!
//! ```text
//!   checkpoint   ├─ header ─┼─ batch ─┼─ batch ─┼─ … ─┤     records, as in the log
//!                │          └ puts in key order, 64 KiB at a time; each batch's number is 0
//!                │
//!                └ offset   size   field
//!                ┌────────┬──────┬─────────────┬─────────────────────────────────────┐
//!                │      0 │    8 │ magic       │ "CAIRNCP1": what this is, version 1 │
//!                │      8 │    8 │ resume_at   │ where in the log to go on           │
//!                │     16 │    8 │ last_seq    │ number of the last operation in it  │
//!                │     24 │    8 │ entry_count │ how many entries follow             │
//!                └────────┴──────┴─────────────┴─────────────────────────────────────┘
//! ```
//!
//! It is never changed in place. The new one is written beside the old one, synced, and given the
//! old one's name in one step: at every instant there is a whole checkpoint under that name.
//! `entry_count` is there because a file of records that ends too early, at a record's end, looks
//! as whole as any other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::fs::{File, Fs};
use crate::{Batch, Error, Lsn, Operation, Record, RecordReader, Result, Seq, WriteBatch, encode};

/// The checkpoint that counts.
const FILE_NAME: &str = "checkpoint";
/// One that is being written; after a crash it means nothing.
const TEMPORARY_NAME: &str = "checkpoint.tmp";
/// The header's first bytes.
const MAGIC: &[u8; 8] = b"CAIRNCP1";
/// Size of the header, in bytes.
const CHECKPOINT_HEADER_SIZE: usize = 32;
/// Entries are collected until the next would make the batch larger than this, in bytes. A few
/// bytes more do no harm: of the next entry, the sizes of key and value are near enough.
const BATCH_SIZE: usize = 64 << 10;

/// The keys and values of a store at one instant.
pub type Map = BTreeMap<Bytes, Bytes>;

/// The state of a store at one instant: a place in its log, a number and a map that belong
/// together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Where in the log to go on: everything before it is in `entries`, nothing behind it.
    pub resume_at: Lsn,
    /// Number of the last operation that is in `entries`.
    pub last_seq: Seq,
    /// Every key and its value, shared with whoever reads them.
    pub entries: Arc<Map>,
}

impl Checkpoint {
    /// Applies the batch that a record of the log holds, the next in the store's history.
    ///
    /// **Day 6**, chapter `week01/day6-store.md`.
    ///
    /// # Errors
    ///
    /// Says what is wrong: the bytes are no batch, or its first number is not the one after
    /// `last_seq`. Then the log is not this checkpoint's, or a part of it is gone. The state is
    /// unchanged.
    pub(crate) fn replay(&mut self, payload: &[u8]) -> Result<(), String> {
        // Decode, compare the numbers, apply. Nobody shares the map yet, so `Arc::make_mut` does
        // not copy it.
        todo!("day 6: replay")
    }
}

/// Writes `checkpoint` into `dir`, in place of the one that is there.
///
/// **Day 6**. When it returns, the new one is there for good. A crash at any moment before leaves
/// the old one or the new one, whole.
///
/// The log up to `resume_at` must be durable before this is called, or the store could wake up
/// with a checkpoint that is ahead of its log.
///
/// # Errors
///
/// [`Error::Io`]; there is still a whole checkpoint, the old one or the new one.
///
/// # Cost
///
/// Every entry is written once; two syncs. Memory for one batch.
pub fn write(fs: &dyn Fs, dir: &Path, checkpoint: &Checkpoint) -> Result<()> {
    // Four steps on the disk, and their order is all: write it under the temporary name, sync its
    // bytes, rename it, sync the directory. A batch goes out before the entry that would make it
    // too large: a single entry may be as large as a record can be.
    todo!("day 6: checkpoint write")
}

/// Reads the checkpoint in `dir`; without one, the state of a store that is new.
///
/// **Day 6**. A checkpoint that was left half written is removed.
///
/// # Errors
///
/// [`Error::Corruption`] if it is not whole to its last byte: a checkpoint has no torn tail.
/// [`Error::Io`].
pub fn read(fs: &dyn Fs, dir: &Path) -> Result<Checkpoint> {
    // A `RecordReader` finds damage by itself, but to it a file may end early. The header says how
    // many entries there must be in the end.
    todo!("day 6: checkpoint read")
}

/// Applies operations to a map, in order.
pub(crate) fn apply<'a>(map: &mut Map, operations: impl IntoIterator<Item = Operation<'a>>) {
    for operation in operations {
        match operation {
            Operation::Put { key, value } => {
                map.insert(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            }
            Operation::Delete { key } => {
                map.remove(key);
            }
        }
    }
}

/// A new file that is filled with records, one after the other.
struct RecordFile {
    file: Arc<dyn File>,
    /// Where the next record begins.
    written: Lsn,
    /// The record that was written last, for its memory.
    record: Vec<u8>,
}

impl RecordFile {
    /// An empty file at `path`, in place of one that is there.
    fn create(fs: &dyn Fs, path: &Path) -> Result<RecordFile> {
        Ok(RecordFile { file: fs.create(path)?, written: 0, record: Vec::new() })
    }

    /// Writes `payload` as the next record.
    fn append(&mut self, payload: &[u8]) -> Result<()> {
        self.record.clear();
        encode(&Record { lsn: self.written, synced: 0, payload }, &mut self.record)?;
        self.file.write_at(self.written, &self.record)?;
        self.written += self.record.len() as u64;
        Ok(())
    }
}

/// The first record's payload, as drawn above.
fn header(checkpoint: &Checkpoint) -> [u8; CHECKPOINT_HEADER_SIZE] {
    let Checkpoint { resume_at, last_seq, entries } = checkpoint;
    let mut header = [0; CHECKPOINT_HEADER_SIZE];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&resume_at.to_le_bytes());
    header[16..24].copy_from_slice(&last_seq.to_le_bytes());
    header[24..].copy_from_slice(&(entries.len() as u64).to_le_bytes());
    header
}

/// `resume_at`, `last_seq` and `entry_count`, if these bytes are a header.
fn parse_header(payload: &[u8]) -> Option<(Lsn, Seq, u64)> {
    let header: &[u8; CHECKPOINT_HEADER_SIZE] = payload.try_into().ok()?;
    let number =
        |at: usize| u64::from_le_bytes(header[at..][..8].try_into().expect("eight of 32 bytes"));
    header.starts_with(MAGIC).then(|| (number(8), number(16), number(24)))
}
