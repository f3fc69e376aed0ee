//! The log's one writer: collects records in memory, hands them to the system in large pieces, and
//! begins a new file when the current one is full.
//!
//! ```text
//!          base                 synced           flushed            end
//!           │                     │                 │                │
//!   segment ├─────────────────────┼─────────────────┼────────────────┤
//!           │ on disk             │ in the system's │ in `buffer`    │
//!           │                     │ memory          │                │
//! ```
//!
//! Always `base ≤ synced ≤ flushed ≤ end`. That holds in a new segment, too: before it is begun,
//! the old one is synced, and so `synced = base`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fs::{File, Fs};
use crate::record::{HEADER_SIZE, PAYLOAD_SIZE_MAX};
use crate::{Error, Lsn, Record, Result, encode, segment, spare};

/// How a log is laid out.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// A segment's largest size, in bytes; a record never spans two. Default 64 MiB.
    ///
    /// Small segments give space back sooner; each costs two syncs, of the old one and of the
    /// directory.
    pub segment_size: u64,
    /// Bytes to collect before they are handed to the system unasked. Default 64 KiB.
    pub buffer_size: usize,
    /// Purged segments to keep for use as new ones. 0, the default, turns that off; anything else
    /// also lets every segment have its full size from its first day on, so that a sync has only
    /// bytes to write and no new length.
    ///
    /// A lab, chapter `week01/lab-spare.md`. Behind the end of a log that is open there are then
    /// bytes of a file's earlier life: a reader takes them for damage, recovery for a torn tail.
    pub spare_segments: usize,
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions { segment_size: 64 << 20, buffer_size: 64 << 10, spare_segments: 0 }
    }
}

impl LogOptions {
    /// The largest payload that fits a segment of this size, in bytes.
    pub fn payload_size_max(&self) -> usize {
        let room = self.segment_size.saturating_sub(HEADER_SIZE as u64);
        usize::try_from(room).unwrap_or(usize::MAX).min(PAYLOAD_SIZE_MAX)
    }
}

/// Appends records to the log in one directory.
///
/// After an [`Error::Io`] from any method nobody knows what is on disk: drop the writer, recover.
/// [`Wal`](crate::Wal) sees to that.
#[derive(Debug)]
pub struct LogWriter {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    options: LogOptions,
    /// The segment being written.
    file: Arc<dyn File>,
    /// Where that segment begins.
    base: Lsn,
    /// Everything below is with the operating system.
    flushed: Lsn,
    /// Everything below is on disk.
    synced: Lsn,
    /// The bytes from `flushed` on.
    buffer: Vec<u8>,
}

impl LogWriter {
    /// Opens the log in `dir` to append at `end`: 0 for a new log, else where recovery found that
    /// it ends, with everything before that on disk.
    ///
    /// **Day 2**, chapter `week01/day2-log.md`. Goes on in the newest segment; if there is none,
    /// makes the one that begins at `end`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, end: Lsn, options: LogOptions) -> Result<LogWriter> {
        // The newest segment, or a new one from `create_segment`. At the start all four marks but
        // `base` stand at `end`.
        todo!("day 2: open")
    }

    /// Appends one record and returns where it begins. A full buffer is flushed.
    ///
    /// **Day 2**. The record goes into the current segment if it fits there, to the last byte;
    /// otherwise into a new one. An empty segment takes any record that is allowed at all.
    ///
    /// # Errors
    ///
    /// [`Error::RecordTooLarge`] if no segment could hold it; nothing has changed then, and no
    /// segment was begun. [`Error::Io`] from flushing or from beginning a segment.
    ///
    /// # Cost
    ///
    /// A checksum and a copy; one system call for every `buffer_size` bytes.
    pub fn append(&mut self, payload: &[u8]) -> Result<Lsn> {
        // Refuse, rotate, encode into the buffer, flush if it is full: in this order.
        todo!("day 2: append")
    }

    /// Whether a payload of `len` bytes has to go into a new segment.
    ///
    /// **Day 2**. An empty segment is never left, whatever comes: the next one would begin at the
    /// same place, and have the same name.
    pub fn must_rotate(&self, len: usize) -> bool {
        // The buffered bytes belong to the segment too. A segment may be filled to its last byte.
        todo!("day 2: must rotate")
    }

    /// Hands the buffered bytes to the operating system.
    ///
    /// **Day 2**. Afterwards they survive the end of this process, and a [`LogReader`] sees them.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; part of the bytes may be in the file.
    ///
    /// # Cost
    ///
    /// One write; nothing if the buffer is empty.
    ///
    /// [`LogReader`]: crate::LogReader
    pub fn flush(&mut self) -> Result<()> {
        // Where in the file does the byte at LSN `flushed` belong?
        todo!("day 2: flush")
    }

    /// Ends the current segment and begins the next, where the log ends now.
    ///
    /// **Day 2**. Everything that was appended must be in the old segment, and the old segment
    /// [sealed](LogWriter::seal), before the new one's name exists.
    fn rotate(&mut self) -> Result<()> {
        // Flush, seal, create, and only then move `base`.
        todo!("day 2: rotate")
    }

    /// Makes the current segment durable for good, because a new one is about to follow it.
    ///
    /// **Day 3**, chapter `week01/day3-sync.md`. Recovery takes a later segment as proof that this
    /// one was whole.
    pub(crate) fn seal(&mut self) -> Result<()> {
        // For the lab on spare segments; 0 means that there are none.
        if self.options.spare_segments > 0 {
            self.flush()?;
            spare::cut(&*self.file, self.flushed - self.base)?;
        }
        // Nothing but a sync: until day 3 there is none.
        Ok(())
    }

    /// Makes everything appended so far durable, and returns when it is.
    ///
    /// **Day 3**.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`synced`](LogWriter::synced) has then not moved. Do not try again: a second
    /// sync cannot know what the first one lost, and would say that all is well.
    ///
    /// # Cost
    ///
    /// One write and one sync.
    pub fn sync(&mut self) -> Result<()> {
        // What is still in the buffer is not in the file. Move the mark only when the disk is done.
        todo!("day 3: sync")
    }

    /// Flushes, and returns the file to sync and the LSN below which everything is durable once
    /// that sync has returned. Others may append in the meantime.
    pub(crate) fn begin_sync(&mut self) -> Result<(Arc<dyn File>, Lsn)> {
        self.flush()?;
        Ok((Arc::clone(&self.file), self.flushed))
    }

    /// Gives the current segment its full size again, after recovery has cut it.
    pub(crate) fn extend(&self) -> Result<()> {
        match self.options.spare_segments {
            0 => Ok(()),
            _ => spare::extend(&*self.file, self.options.segment_size),
        }
    }

    /// Notes that everything below `end` is on disk.
    pub(crate) fn end_sync(&mut self, end: Lsn) {
        assert!(end <= self.flushed, "synced to {end}, but flushed only to {}", self.flushed);
        self.synced = self.synced.max(end);
    }

    /// Where the next record will begin, if it fits the segment: all bytes appended so far.
    pub fn end(&self) -> Lsn {
        self.flushed + self.buffer.len() as u64
    }

    /// Where the current segment begins, and its file.
    pub fn segment(&self) -> (Lsn, Arc<dyn File>) {
        (self.base, Arc::clone(&self.file))
    }

    /// Everything below this has been handed to the operating system.
    pub fn flushed(&self) -> Lsn {
        self.flushed
    }

    /// Everything below this is on disk.
    pub fn synced(&self) -> Lsn {
        self.synced
    }
}

/// Makes the segment that begins at `base`, and its name durable.
fn create_segment(
    fs: &dyn Fs,
    dir: &Path,
    base: Lsn,
    options: &LogOptions,
) -> Result<Arc<dyn File>> {
    let path = segment::path(dir, base);
    let file = match options.spare_segments {
        0 => fs.create(&path)?,
        _ => spare::create(fs, dir, &path, options.segment_size)?,
    };
    publish_name(fs, dir)?;
    Ok(file)
}

/// Makes the name of a new segment in `dir` durable.
///
/// **Day 3**, chapter `week01/day3-sync.md`. A file whose bytes are on disk under a name that is
/// not is as lost as one that was never written.
fn publish_name(fs: &dyn Fs, dir: &Path) -> Result<()> {
    // A name lives in its directory: until day 3 it is not synced.
    Ok(())
}
