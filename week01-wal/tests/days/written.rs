//! A log on a simulated disk, together with what was appended to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use wal::fs::{Fs, SimFs};
use wal::{Error, LogOptions, LogReader, LogWriter, Lsn, Result, segment};

/// A segment that no test fills by accident, in bytes.
pub(crate) const ROOMY: u64 = 8 << 20;

/// A record as a reader gave it, or as it was appended: where it begins, and its payload.
pub(crate) type Entry = (Lsn, Vec<u8>);

/// The log under test.
pub(crate) struct Log {
    pub(crate) fs: SimFs,
    pub(crate) writer: LogWriter,
    /// Every record so far, the refused ones left out.
    pub(crate) appended: Vec<Entry>,
    options: LogOptions,
}

impl Log {
    /// An empty log. With a `buffer_size` of 0 each record is flushed at once.
    #[track_caller]
    pub(crate) fn new(segment_size: u64, buffer_size: usize) -> Log {
        Log::at(0, segment_size, buffer_size)
    }

    /// An empty log that begins at `lsn`, as if all before it had been removed.
    #[track_caller]
    pub(crate) fn at(lsn: Lsn, segment_size: u64, buffer_size: usize) -> Log {
        let fs = SimFs::new(1);
        fs.create_dir(dir()).expect("the disk is new");
        let options = LogOptions { segment_size, buffer_size, ..LogOptions::default() };
        let writer = open_writer(&fs, lsn, &options);
        Log { fs, writer, appended: Vec::new(), options }
    }

    /// A log of 60 records with 0 to `size_max` bytes, all of them flushed.
    #[track_caller]
    pub(crate) fn with_random_sizes(seed: u64, segment_size: u64, size_max: usize) -> Log {
        let mut log = Log::new(segment_size, 200);
        let mut dice = SmallRng::seed_from_u64(seed);
        for _ in 0..60 {
            log.append(dice.random_range(0..=size_max));
        }
        log.flush();
        log
    }

    /// Appends a record with `size` bytes of payload, and returns its LSN.
    #[track_caller]
    pub(crate) fn append(&mut self, size: usize) -> Lsn {
        let number = self.appended.len();
        let payload: Vec<u8> = (0..size).map(|i| (number * 31 + i) as u8).collect();
        match self.writer.append(&payload) {
            Ok(lsn) => {
                self.appended.push((lsn, payload));
                lsn
            }
            Err(error) => panic!("appending {size} bytes to {:?} failed: {error}", self.options),
        }
    }

    #[track_caller]
    pub(crate) fn flush(&mut self) {
        if let Err(error) = self.writer.flush() {
            panic!("flushing failed: {error}");
        }
    }

    /// Flushes, drops the writer, and opens another one where the log ends.
    #[track_caller]
    pub(crate) fn reopen(&mut self) {
        self.flush();
        self.writer = open_writer(&self.fs, self.writer.end(), &self.options);
    }

    pub(crate) fn disk(&self) -> Arc<dyn Fs> {
        Arc::new(self.fs.clone())
    }

    #[track_caller]
    pub(crate) fn reader(&self, from: Lsn) -> LogReader {
        match LogReader::open(self.disk(), dir(), from) {
            Ok(reader) => reader,
            Err(error) => panic!("the log has LSN {from}, but cannot be read from there: {error}"),
        }
    }

    /// Where the segments begin that are on disk.
    #[track_caller]
    pub(crate) fn segments(&self) -> Vec<Lsn> {
        let segments = segment::list(&self.fs, dir()).expect("the directory can be listed");
        segments.iter().map(|segment| segment.base).collect()
    }

    /// What is in the segment that begins at `base`.
    #[track_caller]
    pub(crate) fn bytes(&self, base: Lsn) -> Vec<u8> {
        self.fs.contents(path(base))
    }

    /// Reads the whole log, and compares it with what was appended.
    #[track_caller]
    pub(crate) fn assert_reads_back(&self) {
        let begin = self.appended.first().map_or(0, |(lsn, _)| *lsn);
        assert_entries(&rest(&mut self.reader(begin)), &self.appended);
    }
}

fn open_writer(fs: &SimFs, end: Lsn, options: &LogOptions) -> LogWriter {
    match LogWriter::open(Arc::new(fs.clone()), dir(), end, options.clone()) {
        Ok(writer) => writer,
        Err(error) => panic!("the log that ends at {end} cannot be opened to append: {error}"),
    }
}

/// The log's directory.
pub(crate) fn dir() -> &'static Path {
    Path::new("log")
}

/// The file of the segment that begins at `base`.
pub(crate) fn path(base: Lsn) -> PathBuf {
    segment::path(dir(), base)
}

/// All records from here on.
#[track_caller]
pub(crate) fn rest(reader: &mut LogReader) -> Vec<Entry> {
    match read(reader) {
        (entries, Ok(())) => entries,
        (entries, Err(error)) => {
            panic!(
                "a log that nobody has damaged must be readable to its end, and after {} records \
                 the reader said: {error}: rules 1 and 5 of day 2",
                entries.len()
            )
        }
    }
}

/// All records up to the damage that must be there, and the error for it.
#[track_caller]
pub(crate) fn until_damage(reader: &mut LogReader) -> (Vec<Entry>, Error) {
    match read(reader) {
        (entries, Err(error)) => (entries, error),
        (entries, Ok(())) => {
            panic!("the log is damaged, but {} records were read as if all was well", entries.len())
        }
    }
}

#[track_caller]
fn read(reader: &mut LogReader) -> (Vec<Entry>, Result<()>) {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        match reader.advance() {
            Ok(true) => {}
            Ok(false) => return (entries, Ok(())),
            Err(error) => return (entries, Err(error)),
        }
        let record = reader.record();
        let last = entries.last().map_or(0, |(lsn, payload)| lsn + payload.len() as Lsn);
        assert!(record.lsn >= last, "a record at LSN {} after one that ends later", record.lsn);
        assert_eq!(reader.lsn(), record.end(), "the next record begins where this one ends");
        entries.push((record.lsn, record.payload.to_vec()));
    }
}

/// Compares what was read with what was appended; names the first difference.
#[track_caller]
pub(crate) fn assert_entries(came: &[Entry], want: &[Entry]) {
    let shown = |entry: Option<&Entry>| match entry {
        Some((lsn, payload)) => format!("{} bytes at LSN {lsn}", payload.len()),
        None => "no record".to_owned(),
    };
    let wrong = (0..came.len().max(want.len())).find(|&n| came.get(n) != want.get(n));
    if let Some(n) = wrong {
        let (came_n, want_n) = (came.get(n), want.get(n));
        let alike = shown(came_n) == shown(want_n);
        panic!(
            "{} records were read, want {}; record {n} should be {}, and is {}{}",
            came.len(),
            want.len(),
            shown(want_n),
            shown(came_n),
            if alike { ", but not the same ones" } else { "" },
        );
    }
}

/// Compares an error with the damage that was done at `offset` of the segment at `base`.
#[track_caller]
pub(crate) fn assert_damage(error: &Error, base: Lsn, offset: u64) {
    let named = match error {
        Error::Corruption { file, offset, .. } => Some((file.clone(), *offset)),
        _ => None,
    };
    assert!(
        named == Some((path(base), offset)),
        "want Corruption at byte {offset} of {}, got: {error}\n\
         file and offset say where the first bad byte is: rule 5 of day 2",
        path(base).display(),
    );
}
