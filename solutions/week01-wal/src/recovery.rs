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
//!
//! What can be read is not yet on disk. The process before this one may have been told that a sync
//! failed; its bytes are still in the system's memory, where every read finds them, and the next
//! sync passes them over and says that all is well. So what recovery keeps without knowing it to be
//! durable, it writes once more. (Rebello et al., "Can Applications Recover from fsync Failures?",
//! USENIX ATC 2020.)

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fs::{File, Fs};
use crate::record::{Decoded, HEADER_SIZE, decode, u64_at};
use crate::{Error, LogReader, Lsn, Record, RecordReader, Result, segment};

/// How much is read from a file at once, in bytes.
const PIECE_SIZE: usize = 64 << 10;

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
    /// How many bytes further the log had gone, as far as its files tell, and was given up although
    /// it had been synced; 0 in every mode but [`RecoveryMode::PointInTime`].
    pub lost_bytes: u64,
}

/// Recovers the log in `dir`: shows every record from `from` on to `visit`, cuts what is torn, and
/// makes what is left durable.
///
/// **Day 4**, chapter `week01/day4-recovery.md`. `from` is where a record begins: 0, or what the
/// caller's checkpoint says, and all before it is on disk. A directory without segments is a log
/// that is empty, if `from` is 0.
///
/// Afterwards the log is what `visit` saw, byte for byte, and all of it is on disk, its length and
/// its segments' names included: whatever happened to the syncs of the processes before. A second
/// recovery finds the same.
///
/// # Errors
///
/// [`Error::Corruption`] names the file and the offset of the first bad byte, and nothing was
/// changed on disk. In every mode it is the answer to a log that does not reach `from`. After an
/// error of `visit`, passed on as it is, nothing was changed either. [`Error::Io`]: recover again;
/// after [`RecoveryMode::PointInTime`] only when the machine has been started anew. If the sync of
/// the directory failed, the segments that were removed are out of sight and still on disk, and
/// nobody can remove again what nobody sees.
///
/// # Cost
///
/// One pass over the bytes from `from` on. Those that no record's `synced` covers, at most one
/// segment, are written once more. Memory for the largest record, not for the log.
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
    let (mut records, mut synced) = (0, from);
    let stopped = loop {
        match reader.advance() {
            Ok(true) => visit(reader.record())?,
            Ok(false) => break None,
            Err(error @ Error::Corruption { .. }) => break Some(error),
            Err(error) => return Err(error),
        }
        records += 1;
        synced = synced.max(reader.record().synced);
    };
    let rest = Rest::find(fs, dir, &reader)?;
    let (torn_bytes, lost_bytes) = match mode {
        _ if rest.is_nothing() => (0, 0),
        RecoveryMode::Strict => return Err(stopped.unwrap_or_else(|| rest.error(&reader))),
        _ if !rest.is_damage(&reader)? => (rest.bytes, 0),
        RecoveryMode::TolerateTail => return Err(stopped.unwrap_or_else(|| rest.error(&reader))),
        RecoveryMode::PointInTime => (0, rest.bytes),
    };
    rest.remove_later(fs, dir)?;
    settle(fs, dir, reader.segment(), synced)?;
    Ok(Recovered { end: reader.lsn(), records, torn_bytes, lost_bytes })
    // ANCHOR_END: day4_recover
}

/// Whether a record behind `bad` in `file`, whose first byte is at LSN `base`, says that the byte
/// at `bad` had been synced when it was written.
///
/// **Day 4**. Nobody knows where records begin behind bad bytes, so every offset is a candidate.
/// Random bytes almost never pass the first test, `bad < synced ≤ position`; what passes is
/// decoded.
///
/// # Errors
///
/// [`Error::Io`].
///
/// # Cost
///
/// One pass over the bytes behind `bad`, in pieces of `PIECE_SIZE`.
pub fn has_witness(file: &Arc<dyn File>, base: Lsn, bad: Lsn) -> Result<bool> {
    // ANCHOR: day4_has_witness
    // Read a piece, try each offset that has a whole header in it, and let the next piece begin
    // where the first header does that was cut. A record that goes on behind the piece is read by
    // a `RecordReader`.
    let mut piece = vec![0; PIECE_SIZE];
    let mut lsn = bad + 1;
    loop {
        let filled = file.read_at(lsn - base, &mut piece)?;
        let mut bytes = &piece[..filled];
        if filled < HEADER_SIZE {
            return Ok(false);
        }
        while let Some(header) = bytes.first_chunk::<HEADER_SIZE>() {
            let synced = u64_at(header, 8);
            if bad < synced && synced <= lsn && is_record(file, base, lsn, bytes)? {
                return Ok(true);
            }
            bytes = &bytes[1..];
            lsn += 1;
        }
    }
    // ANCHOR_END: day4_has_witness
}

// ANCHOR: hidden_day4_is_record
/// Whether a record stands at `lsn`, where the file goes on with `bytes`, and then with more.
fn is_record(file: &Arc<dyn File>, base: Lsn, lsn: Lsn, bytes: &[u8]) -> Result<bool> {
    match decode(bytes, lsn) {
        Decoded::Record(_) => return Ok(true),
        Decoded::Corrupt { .. } => return Ok(false),
        Decoded::Torn { .. } => {}
    }
    match RecordReader::new(Arc::clone(file), base, lsn).advance() {
        Err(Error::Corruption { .. }) => Ok(false),
        found => found,
    }
}
// ANCHOR_END: hidden_day4_is_record

/// Opens the log at `from`, where it has to be, or at least to end: a log that ends earlier has lost
/// something, and so has one that begins later.
///
/// **Day 4**.
///
/// # Errors
///
/// [`Error::Corruption`] names the file that ends too early, or the one that should be there.
fn open_at(fs: &Arc<dyn Fs>, dir: &Path, from: Lsn) -> Result<LogReader> {
    // ANCHOR: day4_open_at
    // `LogReader::open` finds the file. It does not look how long that is.
    let missing = |file: &Path, offset| {
        let reason = format!("the log should go on at {from}, and does not reach it");
        Error::corruption(file, offset, reason)
    };
    let reader = match LogReader::open(Arc::clone(fs), dir, from) {
        Err(error) if error.is_not_found() => return Err(missing(&segment::path(dir, from), 0)),
        opened => opened?,
    };
    let file = reader.segment().file();
    match file.len()? {
        len if len < reader.segment().offset() => Err(missing(file.path(), len)),
        _ => Ok(reader),
    }
    // ANCHOR_END: day4_open_at
}

/// What stands behind the last good record.
struct Rest {
    /// How many bytes further the log went, as far as its files tell: from where `reader` stopped
    /// to the end of the newest file.
    bytes: u64,
    /// The segments that begin behind the one where the good records end, oldest first.
    later: Vec<PathBuf>,
}

impl Rest {
    /// Looks behind the place where `reader` stopped.
    ///
    /// **Day 4**. The log went up to the last byte of its newest file; what is missing on the way
    /// there counts as well.
    fn find(fs: &Arc<dyn Fs>, dir: &Path, reader: &LogReader) -> Result<Rest> {
        // ANCHOR: day4_rest_find
        // `reader.lsn()` is a position in the log, `reader.segment().offset()` the same in its file.
        let base = reader.lsn() - reader.segment().offset();
        let mut end = base + reader.segment().file().len()?;
        let mut later = Vec::new();
        for segment in segment::list(&**fs, dir)? {
            if segment.base > base {
                end = segment.base + fs.open(&segment.path)?.len()?;
                later.push(segment.path);
            }
        }
        Ok(Rest { bytes: end.saturating_sub(reader.lsn()), later })
        // ANCHOR_END: day4_rest_find
    }

    /// Whether the log ends cleanly.
    fn is_nothing(&self) -> bool {
        self.bytes == 0 && self.later.is_empty()
    }

    /// Whether any of it had been synced, as far as the log can tell.
    ///
    /// **Day 4**.
    fn is_damage(&self, reader: &LogReader) -> Result<bool> {
        // ANCHOR: day4_rest_is_damage
        // Two proofs; one of them costs nothing.
        let segment = reader.segment();
        let base = reader.lsn() - segment.offset();
        Ok(!self.later.is_empty() || has_witness(segment.file(), base, reader.lsn())?)
        // ANCHOR_END: day4_rest_is_damage
    }

    /// Names the place where the bytes end too early.
    fn error(&self, reader: &LogReader) -> Error {
        let segment = reader.segment();
        let reason = format!("{} bytes follow that are not a whole record", self.bytes);
        Error::corruption(segment.file().path(), segment.offset(), reason)
    }

    /// Removes the later segments, for good: one that came back would stand behind what is appended
    /// from now on.
    ///
    /// **Day 4**. That holds also for those that an earlier recovery removed, whose process was
    /// killed before it synced the directory: they are out of sight, and still on disk.
    fn remove_later(&self, fs: &Arc<dyn Fs>, dir: &Path) -> Result<()> {
        // ANCHOR: day4_rest_remove_later
        // A crash may leave any of them. Each that is left still says that something is missing.
        // Sync the directory even if there is nothing to remove.
        for path in &self.later {
            fs.remove(path)?;
        }
        fs.sync_dir(dir)
        // ANCHOR_END: day4_rest_remove_later
    }
}

/// Ends the newest segment where `reader` stopped, and makes it durable with its name. Of its bytes
/// only those below `synced` are known to be.
///
/// **Day 4**. A sync that failed in an earlier process has forgotten what it should have carried:
/// bytes, a length, a name. The next sync carries only what is done again: written again, cut
/// again, and named again, which is needed where a segment has no record yet. (Records are written
/// to a segment when its name is durable.)
fn settle(fs: &Arc<dyn Fs>, dir: &Path, reader: &RecordReader, synced: Lsn) -> Result<()> {
    // ANCHOR: day4_settle
    // A name anew: make an empty file under another name and rename it over the segment. At every
    // instant there is one or the other.
    let (file, end) = (reader.file(), reader.offset());
    if end == 0 {
        let fresh = file.path().with_extension("new");
        fs.create(&fresh)?;
        fs.rename(&fresh, file.path())?;
        return fs.sync_dir(dir);
    }
    file.set_len(end)?;
    let base = reader.lsn() - end;
    rewrite(file, synced.saturating_sub(base), end)?;
    file.sync_data()
    // ANCHOR_END: day4_settle
}

// ANCHOR: hidden_day4_rewrite
/// Writes the bytes from `offset` to `end` of `file` once more.
fn rewrite(file: &Arc<dyn File>, mut offset: u64, end: u64) -> Result<()> {
    let mut piece = vec![0; PIECE_SIZE];
    while offset < end {
        let size = piece.len().min((end - offset) as usize);
        let filled = file.read_at(offset, &mut piece[..size])?;
        assert_eq!(filled, size, "the file was read up to {end} and is shorter now");
        file.write_at(offset, &piece[..size])?;
        offset += size as u64;
    }
    Ok(())
}
// ANCHOR_END: hidden_day4_rewrite
