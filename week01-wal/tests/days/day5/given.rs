//! What day 5's tests are given, and the sentences they speak about it.

use std::path::Path;
use std::sync::Arc;

use wal::fs::{Fs, SimFs};
use wal::segment::{self, Segment};
use wal::testing::{batch, delete, put, show};
use wal::{
    Batch, LogOptions, LogReader, LogWriter, Lsn, Malformed, Operation, Result, Seq, WriteBatch,
};

/// Four operations, encoded: both kinds, empty keys and values, a length of two bytes.
pub(super) fn example() -> Vec<u8> {
    let changes = [put("stone", "flint"), delete("moss"), put("", [b'x'; 130]), put("k", "")];
    batch(&changes).encode(7).to_vec()
}

/// A payload with number 1, this count and these bytes for operations.
pub(super) fn raw(count: u32, operations: &[&[u8]]) -> Vec<u8> {
    [&1_u64.to_le_bytes()[..], &count.to_le_bytes(), &operations.concat()].concat()
}

#[track_caller]
pub(super) fn expect_round_trip(first_seq: Seq, batch: &WriteBatch) {
    let mut written = batch.clone();
    let payload = written.encode(first_seq);
    match Batch::decode(payload) {
        Ok(found) => {
            assert_eq!(found.first_seq, first_seq, "the number comes back");
            assert!(found.operations.clone().eq(batch), "the operations come back as they were");
            assert_eq!(found.operations.len(), batch.len(), "and so does their count");
        }
        Err(error) => panic!("{} was written as a batch, and read as {error}", show(payload)),
    }
}

#[track_caller]
pub(super) fn refused(payload: &[u8], why: &str) -> Malformed {
    match Batch::decode(payload) {
        Err(malformed) => malformed,
        Ok(batch) => panic!(
            "{} is no batch, because {why}; it was read as one of {} operations",
            show(payload),
            batch.operations.len()
        ),
    }
}

#[track_caller]
pub(super) fn expect_refused_at(offset: usize, payload: &[u8], why: &str) {
    let error = refused(payload, why);
    assert_eq!(
        error.offset,
        offset,
        "{} is refused ({error}), and what is wrong begins at byte {offset}: {why}",
        show(payload)
    );
}

/// What is read as a batch must be, byte for byte, what that batch is written as: then no two
/// payloads mean the same, and nothing in a record goes unread.
#[track_caller]
pub(super) fn expect_refused_or_canonical(payload: &[u8]) {
    let Ok(found) = Batch::decode(payload) else { return };
    let mut again = WriteBatch::new();
    for operation in found.operations.clone() {
        match operation {
            Operation::Put { key, value } => again.put(key, value),
            Operation::Delete { key } => again.delete(key),
        }
    }
    let again = again.encode(found.first_seq);
    assert!(
        again == payload,
        "these bytes were read as a batch:\n  {}\nbut that batch is written as\n  {}\n(rule 3 of \
         day 5: check every byte of the payload, and use each exactly once)",
        show(payload),
        show(again)
    );
}

/// A log of records with one byte to fourteen, two or three to a segment.
pub(super) struct Log {
    pub(super) records: Vec<Lsn>,
    pub(super) segments: Vec<Segment>,
    pub(super) end: Lsn,
}

impl Log {
    /// The records of segment `index` and of all behind it.
    pub(super) fn from(&self, index: usize) -> &[Lsn] {
        let base = self.segments[index].base;
        &self.records[self.records.partition_point(|&lsn| lsn < base)..]
    }
}

pub(super) fn try_log_on(fs: &Arc<dyn Fs>) -> Result<Log> {
    let options = LogOptions { segment_size: 64, buffer_size: 0, ..LogOptions::default() };
    let mut writer = LogWriter::open(Arc::clone(fs), dir(), 0, options)?;
    let mut records = Vec::new();
    for size in 1..=14 {
        records.push(writer.append(&vec![b'.'; size])?);
    }
    writer.sync()?;
    Ok(Log { records, segments: segment::list(&**fs, dir())?, end: writer.end() })
}

#[track_caller]
pub(super) fn log_on(fs: &Arc<dyn Fs>) -> Log {
    try_log_on(fs).expect("the log of day 2 can be written")
}

/// Checks that a reader beginning at the first of `records` finds all of them.
#[track_caller]
pub(super) fn expect_readable(fs: &Arc<dyn Fs>, below: Lsn, records: &[Lsn]) {
    let mut found = Vec::new();
    let end = LogReader::open(Arc::clone(fs), dir(), records[0]).and_then(|mut reader| {
        while reader.advance()? {
            found.push(reader.record().lsn);
        }
        Ok(())
    });
    assert!(
        end.is_ok() && found == records,
        "after purge below {below}, the records from {} on must be readable (rule 4 of day 5): \
         {} of {} are there{}",
        records[0],
        found.len(),
        records.len(),
        end.err().map_or(String::new(), |error| format!(", then: {error}"))
    );
}

pub(super) fn bases(segments: &[Segment]) -> Vec<Lsn> {
    segments.iter().map(|segment| segment.base).collect()
}

pub(super) fn dir() -> &'static Path {
    Path::new("/log")
}

pub(super) fn make_dir(fs: &dyn Fs) -> Result<()> {
    fs.create_dir(dir())?;
    fs.sync_dir(Path::new("/"))
}

pub(super) fn sim_disk() -> SimFs {
    let fs = SimFs::new(1);
    make_dir(&fs).expect("a new disk takes a directory");
    fs
}

pub(super) fn disk() -> Arc<dyn Fs> {
    Arc::new(sim_disk())
}
