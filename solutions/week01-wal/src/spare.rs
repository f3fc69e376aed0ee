//! Files that are used again: a purged segment becomes a spare, and a spare the next segment.
//!
//! ```text
//!   purge   00000000000000000000.wal ──rename──► spare-0.wal      (or removed, if there are enough)
//!   rotate  spare-0.wal ──rename──► 00000000000000007900.wal      (or made of zeros, if there is none)
//!
//!   00000000000000007900.wal   ├─ record ─┼─ record ─┼─ what the file held in its earlier life ─┤
//!                                                    └ the log ends here; the file does not
//! ```
//!
//! A write that makes a file longer makes two things: bytes, and a new length in the file system's
//! own log, and a sync waits for both. A write into bytes that are there makes only the first.
//! PostgreSQL recycles its segments so, and so does RocksDB, if asked (`recycle_log_file_num`).
//!
//! What stands behind the end are records with good checksums, of other positions: a record's
//! checksum covers its LSN, so none of them is a record here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fs::{File, Fs};
use crate::segment::{self, Segment};
use crate::{Lsn, Result};

/// How many zeros are written at once, in bytes.
const PIECE_SIZE: usize = 256 << 10;

/// The path of the spare in `slot`: no segment's name, so nobody who lists the log sees it.
pub fn path(dir: &Path, slot: usize) -> PathBuf {
    dir.join(file_name(slot))
}

fn file_name(slot: usize) -> String {
    format!("spare-{slot}.wal")
}

/// The slots that hold a spare, ascending.
pub fn list(fs: &dyn Fs, dir: &Path) -> Result<Vec<usize>> {
    let slot = |name: &String| {
        let slot = name.strip_prefix("spare-")?.strip_suffix(".wal")?.parse().ok()?;
        (file_name(slot) == *name).then_some(slot)
    };
    let mut slots: Vec<usize> = fs.list(dir)?.iter().filter_map(slot).collect();
    slots.sort_unstable();
    Ok(slots)
}

/// Makes the file of a new segment at `path`, at least `size` bytes long: out of a spare, if there
/// is one.
///
/// **Lab spare**, chapter `week01/lab-spare.md`. A spare's bytes stay what they are. The caller makes the name durable afterwards, and
/// writes no record before that is done.
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io); a file may be at `path` then, and no record in it.
///
/// # Cost
///
/// With a spare a rename, and a sync for the few bytes that were cut off when it was sealed.
/// Without one, `size` bytes are written and synced: once in a segment's life, and it may have many.
pub fn create(fs: &dyn Fs, dir: &Path, path: &Path, size: u64) -> Result<Arc<dyn File>> {
    // ANCHOR: spare_create
    // Any spare will do. `Fs::create` would empty it: what is wanted is a name for what is there.
    let file = match list(fs, dir)?.first() {
        Some(&slot) => {
            fs.rename(&self::path(dir, slot), path)?;
            fs.open(path)?
        }
        None => fs.create(path)?,
    };
    extend(&*file, size)?;
    Ok(file)
    // ANCHOR_END: spare_create
}

/// Makes `file` at least `size` bytes long, with zeros behind what is there, all of it on disk.
///
/// **Lab spare**. The zeros have to be written. `File::set_len` makes a file long and leaves it
/// without blocks, so that each write has to ask the file system for some, and the sync has to
/// wait for its answer: the very thing to be rid of.
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io); the file may be longer than before then.
///
/// # Cost
///
/// Nothing if the file is long enough. Else one write for every `PIECE_SIZE` bytes, and one sync.
pub fn extend(file: &dyn File, size: u64) -> Result<()> {
    // ANCHOR: spare_extend
    // From the end that is there, in pieces: a segment is more than one wants in memory.
    let mut len = file.len()?;
    if len >= size {
        return Ok(());
    }
    let zeros = vec![0; PIECE_SIZE];
    while len < size {
        let piece = (size - len).min(PIECE_SIZE as u64);
        file.write_at(len, &zeros[..piece as usize])?;
        len += piece;
    }
    file.sync_data()
    // ANCHOR_END: spare_extend
}

/// Ends a segment's file at `len`, where the log in it ends: the next segment begins there.
///
/// **Lab spare**. The log has been flushed up to there. The caller syncs the file afterwards, and
/// only then makes the next one.
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io).
pub fn cut(file: &dyn File, len: u64) -> Result<()> {
    // ANCHOR: spare_cut
    // A file that ends there already is left alone.
    if file.len()? > len {
        file.set_len(len)?;
    }
    Ok(())
    // ANCHOR_END: spare_cut
}

/// Makes spares of the segments that hold nothing at or above `below`, as long as there are fewer
/// than `limit`, and returns those segments.
///
/// **Lab spare**. As for [`segment::purge`], the segment that `below` lies in stays, and so does
/// the newest one. The oldest go first; what is left over is for `segment::purge`.
///
/// The old names are gone for good when it returns, those of an interrupted call as well.
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io); some segments may be spares then, none of them needed.
///
/// # Cost
///
/// A rename each, and one sync of the directory.
pub fn recycle(fs: &dyn Fs, dir: &Path, below: Lsn, limit: usize) -> Result<Vec<Segment>> {
    // ANCHOR: spare_recycle
    // Segments that nobody needs on one side, slots that nobody has on the other: `zip`. An opener
    // who wanted more may have left more spares than `limit`. Sync when all renames are done, and
    // also when there were none.
    let segments = segment::list(fs, dir)?;
    let needed_no_more = segments.windows(2).take_while(|pair| pair[1].base <= below).count();
    let taken = list(fs, dir)?;
    let free_slots = (0..limit).filter(|slot| !taken.contains(slot));
    let free_slots = free_slots.take(limit.saturating_sub(taken.len()));
    let mut recycled = Vec::new();
    for (segment, slot) in segments.into_iter().take(needed_no_more).zip(free_slots) {
        fs.rename(&segment.path, &path(dir, slot))?;
        recycled.push(segment);
    }
    fs.sync_dir(dir)?;
    Ok(recycled)
    // ANCHOR_END: spare_recycle
}

/// Removes spares that are more than `limit` allows, left by an opener who wanted more of them.
///
/// Not made durable: a spare that comes back is removed the next time.
pub(crate) fn trim(fs: &dyn Fs, dir: &Path, limit: usize) -> Result<()> {
    for slot in list(fs, dir)? {
        if slot >= limit {
            fs.remove(&path(dir, slot))?;
        }
    }
    Ok(())
}
