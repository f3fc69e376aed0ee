//! What the tests of the log have in common: a disk to crash, payloads to tell apart, and a look at
//! what is left.

use std::path::Path;
use std::sync::Arc;

use wal::fs::{Fs, SimFs};
use wal::{LogOptions, LogReader, Lsn, Result, Wal, segment};

/// A record as a test sees it: where it begins, and its payload.
pub(crate) type Found = (Lsn, Vec<u8>);

/// Where the log of a test lies.
pub(crate) fn dir() -> &'static Path {
    Path::new("/log")
}

/// A disk with an empty directory for the log.
pub(crate) fn disk(seed: u64) -> SimFs {
    let fs = SimFs::new(seed);
    make_dir(&fs).expect("the power is on");
    fs
}

/// Makes the directory of the log, for good.
pub(crate) fn make_dir(fs: &SimFs) -> Result<()> {
    fs.create_dir(dir())?;
    fs.sync_dir(Path::new("/"))
}

/// Another handle to the same disk, as a log wants it.
pub(crate) fn shared(fs: &SimFs) -> Arc<dyn Fs> {
    Arc::new(fs.clone())
}

/// Segments of at most `segment_size` bytes.
pub(crate) fn segments_of(segment_size: u64) -> LogOptions {
    LogOptions { segment_size, ..LogOptions::default() }
}

/// A new log with the usual large segments.
#[track_caller]
pub(crate) fn new_log(fs: &SimFs) -> Wal {
    let wal = Wal::open(shared(fs), dir(), 0, LogOptions::default());
    wal.unwrap_or_else(|error| panic!("a new log must open, and failed: {error}"))
}

/// A payload that tells which one it is; they have different lengths.
pub(crate) fn payload(number: usize) -> Vec<u8> {
    let mut payload = format!("record {number} ").into_bytes();
    payload.resize(payload.len() + number * 7 % 20, b'.');
    payload
}

/// The segments of the log, oldest first: where each begins, and its bytes.
pub(crate) fn segments(fs: &SimFs) -> Vec<(Lsn, Vec<u8>)> {
    let segments = segment::list(fs, dir()).unwrap_or_default();
    segments.iter().map(|found| (found.base, fs.contents(&found.path))).collect()
}

/// Where the segments of the log begin, oldest first.
pub(crate) fn bases(fs: &SimFs) -> Vec<Lsn> {
    segments(fs).into_iter().map(|(base, _)| base).collect()
}

/// Where a record ends.
pub(crate) fn end_of((lsn, payload): &Found) -> Lsn {
    lsn + 16 + payload.len() as u64
}

/// The records of the log from its beginning on, up to the first bytes that are none.
pub(crate) fn records(fs: &SimFs) -> Vec<Found> {
    let mut found = Vec::new();
    if let Ok(mut reader) = LogReader::open(shared(fs), dir(), 0) {
        while let Ok(true) = reader.advance() {
            let record = reader.record();
            found.push((record.lsn, record.payload.to_vec()));
        }
    }
    found
}

/// What the records of the log say was on disk when they were written.
pub(crate) fn marks(fs: &SimFs) -> Vec<Lsn> {
    let mut marks = Vec::new();
    let reader = LogReader::open(shared(fs), dir(), 0);
    let mut reader = reader.unwrap_or_else(|error| panic!("the log must be there: {error}"));
    while let Ok(true) = reader.advance() {
        marks.push(reader.record().synced);
    }
    marks
}

/// Payloads as one sees them in a message.
pub(crate) fn shown<'a>(payloads: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<String> {
    let text = |payload: &Vec<u8>| payload.escape_ascii().to_string();
    payloads.into_iter().map(text).collect()
}
