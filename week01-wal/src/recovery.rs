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
    // Read until the bytes end or are no record. Then decide: a clean end, a torn tail, or damage?
    // Then see what the mode says. Only the last step changes the disk.
    todo!("day 4: recover")
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
    // Read a piece, try each offset that has a whole header in it, and let the next piece begin
    // where the first header does that was cut. A record that goes on behind the piece is read by
    // a `RecordReader`.
    todo!("day 4: has witness")
}

/// Opens the log at `from`, where it has to be, or at least to end: a log that ends earlier has lost
/// something, and so has one that begins later.
///
/// **Day 4**.
///
/// # Errors
///
/// [`Error::Corruption`] names the file that ends too early, or the one that should be there.
fn open_at(fs: &Arc<dyn Fs>, dir: &Path, from: Lsn) -> Result<LogReader> {
    // `LogReader::open` finds the file. It does not look how long that is.
    todo!("day 4: open at")
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
        // `reader.lsn()` is a position in the log, `reader.segment().offset()` the same in its file.
        todo!("day 4: rest find")
    }

    /// Whether the log ends cleanly.
    fn is_nothing(&self) -> bool {
        self.bytes == 0 && self.later.is_empty()
    }

    /// Whether any of it had been synced, as far as the log can tell.
    ///
    /// **Day 4**.
    fn is_damage(&self, reader: &LogReader) -> Result<bool> {
        // Two proofs; one of them costs nothing.
        todo!("day 4: rest is damage")
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
        // A crash may leave any of them. Each that is left still says that something is missing.
        // Sync the directory even if there is nothing to remove.
        todo!("day 4: rest remove later")
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
    // A name anew: make an empty file under another name and rename it over the segment. At every
    // instant there is one or the other.
    todo!("day 4: settle")
}
