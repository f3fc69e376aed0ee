//! A store whose segments hold three small records each, and sentences about it.
//!
//! A record that puts one letter and one digit is 33 bytes large, one that deletes a letter 31:
//! header 16, batch 12, tag 1, and a byte each for key, value and their lengths.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wal::bitcask::hint;
use wal::bitcask::keydir::{self, DataFile, KeyDir};
use wal::fs::{Fs, SimFs};
use wal::testing::{Model, Workload, scan, show, show_value};
use wal::{
    Bitcask, BitcaskOptions, Direction, Durability, Engine, Entry, Error, HEADER_SIZE, KeyRange,
    LogOptions, Lsn, Merged, Reader, Result, Wal, WriteBatch, segment,
};

/// Where the store of a test lies.
pub(super) fn dir() -> &'static Path {
    Path::new("/db")
}

/// Segments of `segment_size` bytes.
pub(super) fn segments_of(segment_size: u64) -> BitcaskOptions {
    let log = LogOptions { segment_size, ..LogOptions::default() };
    BitcaskOptions { log, ..BitcaskOptions::default() }
}

/// Three small records to a segment.
pub(super) fn small() -> BitcaskOptions {
    segments_of(100)
}

/// Opens the store on `fs`, three small records to a segment.
pub(super) fn try_open(fs: &SimFs) -> Result<Bitcask> {
    Bitcask::open(Arc::new(fs.clone()), dir(), small())
}

/// The same where nothing can be wrong.
#[track_caller]
pub(super) fn open(fs: &SimFs) -> Bitcask {
    try_open(fs).unwrap_or_else(|error| panic!("the store must open, and failed: {error}"))
}

/// A new store that was told this; see [`tell`].
#[track_caller]
pub(super) fn told(words: &str) -> (SimFs, Bitcask) {
    let fs = SimFs::new(1);
    let store = open(&fs);
    tell(&store, words);
    (fs, store)
}

/// Writes a batch for each word, buffered: `a1` puts 1 under a, `-a` deletes a.
#[track_caller]
pub(super) fn tell(store: &dyn Engine, words: &str) {
    for word in words.split_whitespace() {
        let written = match word.strip_prefix('-') {
            Some(key) => store.delete(key.as_bytes(), Durability::Buffered),
            None => store.put(&word.as_bytes()[..1], &word.as_bytes()[1..], Durability::Buffered),
        };
        written.unwrap_or_else(|error| panic!("{word:?} must be written, and failed: {error}"));
    }
}

/// Checks that a scan finds these and no others: `a1 c2` is 1 under a and 2 under c. And so does
/// `get`.
#[track_caller]
pub(super) fn expect(reader: &dyn Reader, words: &str, rule: &str) {
    let entries = scan(reader, KeyRange::all(), Direction::Forward);
    let text = |(key, value): &Entry| {
        format!("{}{}", String::from_utf8_lossy(key), String::from_utf8_lossy(value))
    };
    let found: Vec<_> = entries.iter().map(text).collect();
    assert_eq!(found.join(" "), words, "what the store holds is not what it was told\n{rule}");
    for word in words.split_whitespace() {
        let (key, value) = word.as_bytes().split_at(1);
        let got = reader.get(key);
        let got = got.unwrap_or_else(|error| panic!("get({}) failed: {error}", show(key)));
        let shown = show_value(got.as_deref());
        assert!(got.as_deref() == Some(value), "get({}) gives {shown}\n{rule}", show(key));
    }
}

/// Merges the oldest segment, which must be possible.
#[track_caller]
pub(super) fn merge(store: &Bitcask) -> Merged {
    match store.merge() {
        Ok(Some(merged)) => merged,
        Ok(None) => panic!("there is a segment to merge, and the merge found none"),
        Err(error) => panic!("a merge must work, and failed: {error}"),
    }
}

#[track_caller]
pub(super) fn close(store: &Bitcask) {
    store.close().unwrap_or_else(|error| panic!("the store must close, and failed: {error}"));
}

/// The key directory of a log that these batches are written to, two or three to a segment.
#[track_caller]
pub(super) fn directory_of(batches: impl IntoIterator<Item = WriteBatch>) -> KeyDir {
    let fs = SimFs::new(1);
    fs.create_dir(dir()).expect("the power is on");
    let log = Wal::open(Arc::new(fs), dir(), 0, small().log).expect("a new log");
    let mut keys = KeyDir::new();
    for mut batch in batches {
        let lsn = log.commit(batch.encode(1), Durability::Flushed).expect("it fits");
        let (base, file) = log.segment();
        let size = HEADER_SIZE + batch.size();
        keydir::apply(&mut keys, &Arc::new(DataFile { base, file }), lsn, size, batch.iter());
    }
    keys
}

/// Where the segments begin.
pub(super) fn bases(fs: &SimFs) -> Vec<Lsn> {
    let segments = segment::list(fs, dir()).expect("the directory is there");
    segments.iter().map(|segment| segment.base).collect()
}

/// The path of the segment at `base`.
pub(super) fn segment_at(base: Lsn) -> PathBuf {
    segment::path(dir(), base)
}

/// The path of the hint of the segment at `base`.
pub(super) fn hint_at(base: Lsn) -> PathBuf {
    hint::path(dir(), base)
}

/// Two segments with hints, `a1 b1 c1 | a2 -b d1`, and one that is being written, `e1`; closed.
pub(super) fn hinted() -> SimFs {
    let (fs, store) = told("a1 b1 c1 a2 -b d1 e1");
    close(&store);
    fs
}

pub(super) const HINTED: &str = "a2 c1 d1 e1";

/// How many records of the log were read at opening.
#[track_caller]
pub(super) fn records_read(fs: &SimFs) -> u64 {
    let store = open(fs);
    expect(&store, HINTED, "rule 5: with a hint, without, and with a bad one");
    store.recovered().records
}

#[track_caller]
pub(super) fn expect_damage<T: Debug>(read: Result<T>, base: Lsn, offset: u64, why: &str) {
    match &read {
        Err(Error::Corruption { file, offset: found, .. })
            if *file == segment_at(base) && *found == offset => {}
        other => panic!(
            "{why}: want Corruption of {} at byte {offset}, where the record begins; got {other:?}\n\
             the record has the last word: rule 2",
            segment_at(base).display()
        ),
    }
}

/// Segments of a dozen batches.
pub(super) fn open_wide(fs: Arc<dyn Fs>, dir: &Path) -> Result<Bitcask> {
    Bitcask::open(fs, dir, segments_of(1200))
}

/// Writes, merges now and then, closes, and does that again.
pub(super) fn merging_workload(fs: &SimFs, dir: &Path, model: &mut Model) -> Result<()> {
    let mut random = Workload::new(fs.seed());
    for _ in 0..2 {
        let store = open_wide(Arc::new(fs.clone()), dir)?;
        for number in 0..12 {
            model.write(&store, random.batch(), random.durability())?;
            if number % 4 == 3 {
                store.merge()?;
            }
        }
        store.compact()?;
        model.expect_all(&store);
        model.close(&store)?;
    }
    Ok(())
}
