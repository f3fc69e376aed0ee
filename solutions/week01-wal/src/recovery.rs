//! After a crash: what of the log is really there, and is what is not there normal or a loss?
//!
//! ```text
//!   torn tail   ├── record ──┼── record ──┼── recor                  never acknowledged: cut
//!
//!   damage      ├── record ──┼── r?c?rd ──┼── record, synced = 900 ──┤
//!                            └ byte 412: was on disk, as a later record knows
//!
//!   damage      ├── record ──┼── recor     ├── record ──┤
//!               └ a segment                └ a later one: rotation had synced the first
//! ```
//!
//! A crash may lose, keep or tear every write since the last sync, in any combination, so bad
//! bytes with good ones behind them prove nothing by themselves. What proves damage is a *witness*:
//! a record behind the bad bytes that says they had been synced when it was written, or a later
//! segment. The idea is from Alagappan et al., "Protocol-Aware Recovery for Consensus-Based
//! Storage", FAST 2018, and so is its limit: no witness stands behind the last sync.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fs::{File, Fs};
use crate::record::HEADER_SIZE;
use crate::{Error, LogReader, Lsn, Record, RecordReader, Result, segment};

/// What recovery does about bytes that are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecoveryMode {
    /// Any such byte is an error: for a log that was closed cleanly, or that others copied.
    Strict,
    /// A torn tail is cut, damage is an error. What a store wants after a crash.
    #[default]
    TolerateTail,
    /// The log ends at the first such byte, damage or not, and what stands behind is given up:
    /// to save what can be saved. Look at [`Recovered::lost_bytes`].
    PointInTime,
}

/// What recovery found, and what it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// Where the log ends now: the place to append at.
    pub end: Lsn,
    /// Records visited.
    pub records: u64,
    /// Bytes cut off as a torn tail: nothing that was ever acknowledged as synced, as far as the
    /// log can tell.
    pub torn_bytes: u64,
    /// Bytes given up although they had been synced; 0 in every mode but
    /// [`RecoveryMode::PointInTime`].
    pub lost_bytes: u64,
}

/// Recovers the log in `dir`: shows every record from `from` on to `visit`, cuts what is torn, and
/// makes what is left durable.
///
/// **Day 4**, chapter `week01/day4-recovery.md`. `from` is where a record begins: 0, or what the
/// caller's checkpoint says. A directory without segments is a log that is empty, if `from` is 0.
///
/// Afterwards the log is what `visit` saw, byte for byte, and all of it is on disk: records that
/// survived the end of a process may until then have been in the system's memory only. A second
/// recovery changes nothing.
///
/// # Errors
///
/// [`Error::Corruption`] names the file and the offset of the first bad byte, and nothing was
/// changed on disk; so does an error of `visit`, passed on as it is. [`Error::Io`].
///
/// # Cost
///
/// One pass over the bytes from `from` on. Memory for the largest record, not for the log.
pub fn recover(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    from: Lsn,
    mode: RecoveryMode,
    visit: &mut dyn FnMut(Record<'_>) -> Result<()>,
) -> Result<Recovered> {
    // ANCHOR: day4_recover
    // Read until the bytes end or are no record. Then decide: a clean end, a torn tail, or damage?
    // Then see what the mode says. Only the last step changes the disk.
    if from == 0 && segment::list(&**fs, dir)?.is_empty() {
        return Ok(Recovered { end: 0, records: 0, torn_bytes: 0, lost_bytes: 0 });
    }
    let mut reader = open_at(fs, dir, from)?;
    let mut records = 0;
    let stopped = loop {
        match reader.advance() {
            Ok(true) => visit(reader.record())?,
            Ok(false) => break None,
            Err(error @ Error::Corruption { .. }) => break Some(error),
            Err(error) => return Err(error),
        }
        records += 1;
    };
    let rest = Rest::find(fs, dir, &reader)?;
    let (torn_bytes, lost_bytes) = match (mode, rest.is_damage(&reader)?) {
        _ if rest.bytes == 0 => (0, 0),
        (RecoveryMode::TolerateTail | RecoveryMode::PointInTime, false) => (rest.bytes, 0),
        (RecoveryMode::PointInTime, true) => (0, rest.bytes),
        (RecoveryMode::Strict, _) | (RecoveryMode::TolerateTail, true) => {
            return Err(stopped.unwrap_or_else(|| rest.error(&reader)));
        }
    };
    rest.cut(fs, dir, &reader)?;
    Ok(Recovered { end: reader.lsn(), records, torn_bytes, lost_bytes })
    // ANCHOR_END: day4_recover
}

/// Whether a record behind `bad` in `file`, whose first byte is at LSN `base`, says that the byte
/// at `bad` had been synced when it was written.
///
/// **Day 4**. Nobody knows where records begin behind bad bytes, so every offset is a candidate.
/// Random bytes almost never pass the first test, `bad < synced ≤ position`; what passes is read
/// as a record.
///
/// # Errors
///
/// [`Error::Io`].
///
/// # Cost
///
/// One pass over the bytes behind `bad`, in small pieces.
pub fn has_witness(file: &Arc<dyn File>, base: Lsn, bad: Lsn) -> Result<bool> {
    // ANCHOR: day4_has_witness
    // Read a piece, try each offset that has a whole header in it, and let the next piece begin
    // where the first header does that was cut. A candidate is checked by a `RecordReader`.
    let mut piece = vec![0; 64 << 10];
    let mut position = bad + 1;
    loop {
        let filled = file.read_at(position - base, &mut piece)?;
        if filled < HEADER_SIZE {
            return Ok(false);
        }
        for header in piece[..filled].windows(HEADER_SIZE) {
            let synced = u64::from_le_bytes(*header.last_chunk().expect("16 bytes end in 8"));
            if bad < synced && synced <= position && is_record(file, base, position)? {
                return Ok(true);
            }
            position += 1;
        }
    }
    // ANCHOR_END: day4_has_witness
}

// ANCHOR: hidden_day4_rest
/// Opens the log at `from`, which must be there: a log that ends before is not one to go on with.
fn open_at(fs: &Arc<dyn Fs>, dir: &Path, from: Lsn) -> Result<LogReader> {
    let missing = |offset| {
        let reason = format!("the log should go on at {from}, and does not reach it");
        Error::corruption(&segment::path(dir, from), offset, reason)
    };
    let reader = match LogReader::open(Arc::clone(fs), dir, from) {
        Err(error) if error.is_not_found() => return Err(missing(0)),
        opened => opened?,
    };
    let len = reader.segment().file().len()?;
    if len < reader.segment().offset() {
        return Err(missing(len));
    }
    Ok(reader)
}

/// Whether a record stands at `lsn`.
fn is_record(file: &Arc<dyn File>, base: Lsn, lsn: Lsn) -> Result<bool> {
    match RecordReader::new(Arc::clone(file), base, lsn).advance() {
        Err(Error::Corruption { .. }) => Ok(false),
        found => found,
    }
}

/// What stands behind the last good record.
struct Rest {
    /// All bytes of it.
    bytes: u64,
    /// The segments that begin behind it, oldest first.
    later: Vec<PathBuf>,
}

impl Rest {
    /// Looks behind the place where `reader` stopped.
    fn find(fs: &Arc<dyn Fs>, dir: &Path, reader: &LogReader) -> Result<Rest> {
        let segment = reader.segment();
        let mut bytes = segment.file().len()?.saturating_sub(segment.offset());
        let mut later = Vec::new();
        for found in segment::list(&**fs, dir)? {
            if found.base > reader.lsn() - segment.offset() {
                bytes += fs.open(&found.path)?.len()?.max(1);
                later.push(found.path);
            }
        }
        Ok(Rest { bytes, later })
    }

    /// Whether any of it had been synced.
    fn is_damage(&self, reader: &LogReader) -> Result<bool> {
        let segment = reader.segment();
        let base = reader.lsn() - segment.offset();
        Ok(!self.later.is_empty() || has_witness(segment.file(), base, reader.lsn())?)
    }

    /// Names the place where the bytes end too early.
    fn error(&self, reader: &LogReader) -> Error {
        let segment = reader.segment();
        let reason = format!("{} bytes follow that are not a whole record", self.bytes);
        Error::corruption(segment.file().path(), segment.offset(), reason)
    }

    /// Ends the log where `reader` stopped, and makes it durable.
    ///
    /// The newest file goes first: whatever is left after a crash in here is a log that ends, or
    /// one whose damage is still plain to see.
    fn cut(&self, fs: &Arc<dyn Fs>, dir: &Path, reader: &LogReader) -> Result<()> {
        for path in self.later.iter().rev() {
            fs.remove(path)?;
            fs.sync_dir(dir)?;
        }
        let segment = reader.segment();
        if segment.file().len()? > segment.offset() {
            segment.file().set_len(segment.offset())?;
        }
        segment.file().sync_data()?;
        fs.sync_dir(dir)
    }
}
// ANCHOR_END: hidden_day4_rest
