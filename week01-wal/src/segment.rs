//! The files of a log: each holds the bytes from its base on, up to where the next one begins.
//!
//! ```text
//!   00000000000000000000.wal     bytes      0 ..  4 096 of the log
//!   00000000000000004096.wal     bytes  4 096 ..  7 900
//!   00000000000000007900.wal     bytes  7 900 ..          the last one is being written
//! ```
//!
//! A file is named by where it begins, so a directory listing is the index of the log, a missing
//! file shows as a gap, and a position is found without opening anything.

use std::path::{Path, PathBuf};

use crate::fs::Fs;
use crate::{Lsn, Result};

/// One file of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The LSN of the file's first byte.
    pub base: Lsn,
    /// Where the file is.
    pub path: PathBuf,
}

/// The path of the segment that begins at `base`: twenty digits, so that names sort like numbers.
pub fn path(dir: &Path, base: Lsn) -> PathBuf {
    dir.join(format!("{base:020}.wal"))
}

/// The base that a file name stands for, or `None` if it is not a segment's name.
///
/// **Day 2**, chapter `week01/day2-log.md`. Only names that [`path`] makes are segments: exactly
/// twenty digits, then `.wal`. A directory may hold other things: a checkpoint, a lock, an
/// editor's backup.
pub fn parse_file_name(name: &str) -> Option<Lsn> {
    // `u64::from_str` accepts "+7" and short numbers: check the shape yourself.
    todo!("day 2: parse file name")
}

/// The segments in `dir`, oldest first.
///
/// **Day 2**. Files that are not segments are left out. A gap between two segments is not looked
/// for here: whoever reads the log meets it.
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io) if the directory cannot be listed.
pub fn list(fs: &dyn Fs, dir: &Path) -> Result<Vec<Segment>> {
    // `Fs::list` gives names in order, and names of segments sort like their bases.
    todo!("day 2: list")
}

/// The segment in `dir` that the byte at `lsn` lies in.
///
/// # Panics
///
/// If none begins at or before `lsn`: nobody can have read anything there.
pub fn holding(fs: &dyn Fs, dir: &Path, lsn: Lsn) -> Result<Segment> {
    let segment = list(fs, dir)?.into_iter().rfind(|segment| segment.base <= lsn);
    Ok(segment.expect("what was read at an LSN was read from some segment"))
}

/// Removes the segments that hold nothing at or above `below`, and returns them.
///
/// **Day 5**, chapter `week01/day5-batch.md`. The segment that `below` lies in stays, and so does
/// the newest one, which is being written. Removed is what a store no longer needs once its state
/// up to `below` is safe elsewhere: make sure of that **before** the call.
///
/// The names are gone for good when it returns. That holds also for those that an earlier call
/// removed, whose process was killed before it synced the directory: so it is synced even if there
/// is nothing left to remove.
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io); some segments may be gone then, none of them needed. Calling
/// again goes on. If the sync of the directory failed, they may be back after a power cut: nobody
/// can remove again what nobody sees.
pub fn purge(fs: &dyn Fs, dir: &Path, below: Lsn) -> Result<Vec<Segment>> {
    // A segment ends where the next one begins. Which pairs of neighbours say "all below"?
    todo!("day 5: purge")
}
