//! A checkpoint: the whole map in one file, so that the log before it can go.
//!
//! ```text
//!   checkpoint   ├─ header ─┼─ batch ─┼─ batch ─┼─ … ─┤     records, as in the log
//!                  resume_at   puts of about 64 KiB each
//!                  last_seq
//!                  entries
//! ```
//!
//! It is never changed in place. The new one is written beside the old one, synced, and given the
//! old one's name in one step: at every instant there is a whole checkpoint under that name.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;

use crate::fs::Fs;
use crate::{Batch, Error, Lsn, Record, RecordReader, Result, Seq, WriteBatch, encode};

/// The checkpoint that counts.
const FILE_NAME: &str = "checkpoint";
/// One that is being written; after a crash it means nothing.
const TEMPORARY_NAME: &str = "checkpoint.tmp";
/// The header's first bytes: what this file is, and which version of its format.
const MAGIC: &[u8; 8] = b"CAIRNCP1";
/// A batch is written out when it has reached this size, in bytes.
const BATCH_SIZE: usize = 64 << 10;

/// The state of a store at one instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Where in the log to go on: everything before it is in `entries`.
    pub resume_at: Lsn,
    /// Number of the last operation that is in `entries`.
    pub last_seq: Seq,
    /// Every key and its value.
    pub entries: BTreeMap<Bytes, Bytes>,
}

/// Writes a checkpoint of `entries` into `dir`, in place of the one that is there.
///
/// **Day 6**, chapter `week01/day6-store.md`. When it returns, the new one is there for good. A
/// crash at any moment before leaves the old one.
///
/// The log up to `resume_at` must be durable before this is called, or the store could wake up
/// with a checkpoint that is ahead of its log.
///
/// # Errors
///
/// [`Error::Io`]; the old checkpoint is still there.
pub fn write(
    fs: &dyn Fs,
    dir: &Path,
    resume_at: Lsn,
    last_seq: Seq,
    entries: &BTreeMap<Bytes, Bytes>,
) -> Result<()> {
    // Five steps: write under the other name, sync the bytes, rename, sync the directory. (Which
    // is the fifth? None: but leave out any of the four, and a crash finds the gap.)
    todo!("day 6: checkpoint write")
}

/// Reads the checkpoint in `dir`; without one, the state of a store that is new.
///
/// **Day 6**. A checkpoint that was left half written is removed.
///
/// # Errors
///
/// [`Error::Corruption`] if it is not, byte for byte, what [`write`] wrote: a checkpoint has no
/// torn tail. [`Error::Io`].
pub fn read(fs: &dyn Fs, dir: &Path) -> Result<Checkpoint> {
    // The header says how many entries there must be in the end.
    todo!("day 6: checkpoint read")
}

/// Applies operations to a map, in order.
pub(crate) fn apply<'a>(
    map: &mut BTreeMap<Bytes, Bytes>,
    operations: impl IntoIterator<Item = crate::Operation<'a>>,
) {
    for operation in operations {
        match operation {
            crate::Operation::Put { key, value } => {
                map.insert(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            }
            crate::Operation::Delete { key } => {
                map.remove(key);
            }
        }
    }
}

/// The header's payload: magic, then three integers of eight bytes.
fn header(resume_at: Lsn, last_seq: Seq, entry_count: usize) -> [u8; 32] {
    let mut header = [0; 32];
    header[..8].copy_from_slice(MAGIC);
    for (slot, number) in [resume_at, last_seq, entry_count as u64].into_iter().enumerate() {
        header[8 + 8 * slot..][..8].copy_from_slice(&number.to_le_bytes());
    }
    header
}

/// The three integers of a header, if these bytes are one.
fn parse_header(payload: &[u8]) -> Option<(Lsn, Seq, u64)> {
    let numbers = payload.strip_prefix(MAGIC)?;
    let mut numbers = numbers
        .chunks_exact(8)
        .map(|bytes| u64::from_le_bytes(bytes.try_into().expect("chunks of eight bytes")));
    let header = (numbers.next()?, numbers.next()?, numbers.next()?);
    (payload.len() == 32).then_some(header)
}
