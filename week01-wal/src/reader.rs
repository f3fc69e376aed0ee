//! Reading a log back: record after record, file after file, in little memory.
//!
//! ```text
//!   file    ├──────────────────────────┬─────────┬─────────────────────────────┤
//!                                      │ record  │
//!   buffer            ├────────────────┼─────────┼─────────┤      256 KiB, or one large record
//!                                    start    lsn points here
//! ```
//!
//! [`RecordReader`] reads one file, [`LogReader`] a whole log. Both work like a cursor: `advance`
//! moves to the next record, `record` looks at it, without a copy.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fs::{File, Fs};
use crate::record::{Decoded, HEADER_SIZE, decode, u64_at};
use crate::segment::{self, Segment};
use crate::{Error, Lsn, Record, Result};

/// How much is read from a file at once, in bytes.
const CHUNK_SIZE: usize = 256 << 10;

/// Reads the records of one file.
#[derive(Debug)]
pub struct RecordReader {
    file: Arc<dyn File>,
    /// The LSN of the file's first byte.
    base: Lsn,
    /// Where the next record begins.
    lsn: Lsn,
    /// Bytes of the file; `buffer[start..filled]` are those from `lsn` on.
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    /// Size of the record before `start`, which `record` shows; 0 if there is none to show.
    current_size: usize,
}

impl RecordReader {
    /// Reads `file`, whose first byte is at LSN `base`, from `lsn` on, where a record begins.
    pub fn new(file: Arc<dyn File>, base: Lsn, lsn: Lsn) -> RecordReader {
        assert!(base <= lsn, "reading at {lsn} from a file that begins at {base}");
        // `vec!` gets its zeros from the system; growing an empty vector would write each of them,
        // which without optimisation is most of a short log's reading time.
        let buffer = vec![0; CHUNK_SIZE];
        RecordReader { file, base, lsn, buffer, start: 0, filled: 0, current_size: 0 }
    }

    /// Moves to the next record, and says whether there is one.
    ///
    /// **Day 2**, chapter `week01/day2-log.md`. `false` means that the file's bytes end here, at a
    /// record's boundary or inside a record that is not there in full, perhaps not yet: more may
    /// be there at the next call, if somebody is writing.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if the bytes are no record, with their offset in this file; calling
    /// again says the same. [`Error::Io`].
    pub fn advance(&mut self) -> Result<bool> {
        // Ask `decode`; where it needs more bytes, `fill` and ask again. The last record is no
        // longer shown from the first line on: `fill` may move the bytes under it.
        todo!("day 2: advance")
    }

    /// The record that [`advance`](RecordReader::advance) moved to.
    ///
    /// # Panics
    ///
    /// Unless the last `advance` said `true`.
    pub fn record(&self) -> Record<'_> {
        assert!(self.current_size > 0, "record() without an advance() that found one");
        let bytes = &self.buffer[self.start - self.current_size..self.start];
        let (header, payload) = bytes.split_first_chunk().expect("a record has a header");
        Record { lsn: self.lsn - self.current_size as u64, synced: u64_at(header, 8), payload }
    }

    /// Where the next record begins.
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// The same place, counted from the start of the file.
    pub fn offset(&self) -> u64 {
        self.lsn - self.base
    }

    /// The file that is read.
    pub fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// Gets at least `needed` bytes from `lsn` on into the buffer, and says whether the file has
    /// that many.
    ///
    /// **Day 2**. The file's length is asked before the buffer grows beyond `CHUNK_SIZE`: a length
    /// that was read from disk is not to be trusted with our memory.
    fn fill(&mut self, needed: usize) -> Result<bool> {
        // Move what is left to the front, then read until there is enough or the file ends.
        todo!("day 2: fill")
    }
}

/// Reads a log, across its segments, also while it is being written.
#[derive(Debug)]
pub struct LogReader {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    reader: RecordReader,
}

impl LogReader {
    /// Reads the log in `dir` from `from` on, where a record begins.
    ///
    /// **Day 2**, chapter `week01/day2-log.md`. Segments that end before `from` are not opened.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], for which [`Error::is_not_found`] is true, if no segment holds `from`: there is
    /// no log, or it begins later. It comes from opening the segment that should begin at `from`.
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, from: Lsn) -> Result<LogReader> {
        // The newest segment that begins at or before `from`.
        todo!("day 2: reader open")
    }

    /// Moves to the next record, and says whether there is one; see [`RecordReader::advance`].
    ///
    /// **Day 2**. A segment ends where the next one begins. If its bytes end earlier and there is
    /// a later segment, part of the log is missing.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if bytes are no record, or missing; [`Error::Io`].
    pub fn advance(&mut self) -> Result<bool> {
        // At the end of a file, look for a later one. A writer may have gone on in this file and
        // begun the later one between your read and your look: so read once more after looking.
        todo!("day 2: reader advance")
    }

    /// The record that [`advance`](LogReader::advance) moved to; see [`RecordReader::record`].
    pub fn record(&self) -> Record<'_> {
        self.reader.record()
    }

    /// Where the next record begins.
    pub fn lsn(&self) -> Lsn {
        self.reader.lsn()
    }

    /// The segment that is being read, as a reader of one file.
    pub fn segment(&self) -> &RecordReader {
        &self.reader
    }

    /// The segment after the one that is being read, if there is one.
    fn later_segment(&self) -> Result<Option<Segment>> {
        let segments = segment::list(&*self.fs, &self.dir)?;
        Ok(segments.into_iter().find(|segment| segment.base > self.reader.base))
    }

    /// The error for a segment whose records end elsewhere than `next` begins.
    fn missing_before(&self, next: &Segment) -> Error {
        let (end, next) = (self.lsn(), next.path.display());
        let reason = format!("its records end at LSN {end}, and the log goes on in {next}");
        Error::corruption(self.reader.file.path(), self.reader.offset(), reason)
    }
}
