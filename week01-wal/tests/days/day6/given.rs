//! What day 6's tests are given, and the sentences they speak about it.

use std::collections::BTreeMap;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use bytes::Bytes;
use wal::checkpoint::{self, Checkpoint, Map};
use wal::fs::{Fs, SimFs};
use wal::testing::{Crash, Model, Workload, batch, delete, put, scan};
use wal::{
    Batch, Direction, Durability, Engine, Error, KeyRange, LogOptions, LogStore, Lsn, Reader,
    RecordReader, Result, Seq, StoreOptions, Wal, segment,
};

/// The store as anyone opens it, for the conformance suite.
pub(super) fn open(fs: Arc<dyn Fs>, dir: &Path) -> Result<Box<dyn Engine>> {
    Ok(Box::new(LogStore::open(fs, dir, StoreOptions::default())?))
}

/// The same with segments so small that a few batches fill one.
pub(super) fn open_small(fs: Arc<dyn Fs>, dir: &Path) -> Result<Box<dyn Engine>> {
    Ok(Box::new(try_store(fs, dir)?))
}

pub(super) fn try_store(fs: Arc<dyn Fs>, dir: &Path) -> Result<LogStore> {
    LogStore::open(fs, dir, StoreOptions { log: small(), ..StoreOptions::default() })
}

/// Room for the largest batch of a `Workload`, and not for many.
pub(super) fn small() -> LogOptions {
    LogOptions { segment_size: 6 << 10, buffer_size: 512, ..LogOptions::default() }
}

/// Opens the store on this disk, in [`dir`].
#[track_caller]
pub(super) fn store_on(fs: &SimFs) -> LogStore {
    let store = try_store(Arc::new(fs.clone()), dir());
    store.unwrap_or_else(|error| panic!("the store must open, and fails: {error}"))
}

/// A new store with keys `0000` to `count`, each synced, on a disk of its own.
#[track_caller]
pub(super) fn store_of(count: usize) -> (SimFs, LogStore) {
    let fs = SimFs::new(1);
    let store = store_on(&fs);
    (0..count).for_each(|number| put_number(&store, number));
    store.sync().expect("a good disk syncs");
    (fs, store)
}

/// Puts the key that stands for `number`, with a value of a hundred bytes.
#[track_caller]
pub(super) fn put_number(store: &dyn Engine, number: usize) {
    let value = format!("{number:0100}");
    let written = store.put(key(number).as_bytes(), value.as_bytes(), Durability::Buffered);
    written.unwrap_or_else(|error| panic!("a write must work, and failed: {error}"));
}

pub(super) fn key(number: usize) -> String {
    format!("{number:04}")
}

/// Checks that exactly the keys `0000` to `count` are there, whole.
#[track_caller]
pub(super) fn expect_numbers(store: &dyn Reader, count: usize, when: &str) {
    let found = scan(store, KeyRange::all(), Direction::Forward);
    let right = |(number, (found, value)): (usize, &(Bytes, Bytes))| {
        *found == key(number) && *value == format!("{number:0100}")
    };
    assert!(
        found.len() == count && found.iter().enumerate().all(right),
        "{when}, the store must hold {count} entries, each with its own value; it holds {}",
        found.len()
    );
}

#[track_caller]
pub(super) fn checkpoint(store: &LogStore) {
    let written = store.checkpoint();
    written.unwrap_or_else(|error| panic!("a checkpoint must work, and failed: {error}"));
}

#[track_caller]
pub(super) fn close(store: &LogStore) {
    store.close().unwrap_or_else(|error| panic!("an open store must close, and failed: {error}"));
}

/// Three lives of a store, with writes of all durabilities, checkpoints, closing and not closing.
pub(super) fn busy_life(fs: &SimFs, model: &mut Model) -> Result<()> {
    let mut random = Workload::new(fs.seed());
    for _ in 0..3 {
        let store = try_store(Arc::new(fs.clone()), dir())?;
        // Without a close, what was only buffered is gone, as after a kill.
        model.expect_after(Crash::Kill, &store);
        for _ in 0..6 {
            model.write(&store, random.batch(), random.durability())?;
            if random.below(4) == 0 {
                store.checkpoint()?;
            }
        }
        if random.below(2) == 0 {
            model.close(&store)?;
        }
    }
    Ok(())
}

/// Every write is synced, two fill a segment, and a checkpoint follows every fourth.
pub(super) fn careful_life(fs: &SimFs, model: &mut Model) -> Result<()> {
    let log = LogOptions { segment_size: 1 << 10, ..small() };
    let options = StoreOptions { log, ..StoreOptions::default() };
    let store = LogStore::open(Arc::new(fs.clone()), dir(), options)?;
    for round in 0..3 {
        for number in 0..4 {
            let changes = [put(key(number), vec![round; 400]), delete(key(number + 1))];
            model.write(&store, changes, Durability::Synced)?;
        }
        store.checkpoint()?;
    }
    Ok(())
}

/// Writes until the store is closed, and returns the number of the last write that went well.
#[track_caller]
pub(super) fn write_until_closed(store: &LogStore, start: &Barrier) -> Seq {
    start.wait();
    let mut last_seq = 0;
    loop {
        match store.put(b"key", b"value", Durability::Flushed) {
            Ok(seq) => last_seq = seq,
            Err(Error::Closed) => return last_seq,
            Err(other) => panic!("a closed store says Closed, and not: {other}"),
        }
    }
}

/// Puts new keys that begin with `name` until `done`, and returns how many.
#[track_caller]
pub(super) fn write_until(done: &AtomicBool, store: &LogStore, name: &str, start: &Barrier) -> u64 {
    start.wait();
    let mut written = 0;
    while !done.load(Ordering::Relaxed) {
        let key = format!("{name}{written}");
        let put = store.put(key.as_bytes(), b"value", Durability::Buffered);
        put.unwrap_or_else(|error| panic!("a write must work, and failed: {error}"));
        written += 1;
    }
    written
}

/// Where in a file that begins at `base` its records end, the last one included.
pub(super) fn ends_of_records(fs: &SimFs, path: &Path, base: Lsn) -> Vec<usize> {
    let file = fs.open(path).expect("the file is there");
    let mut reader = RecordReader::new(file, base, base);
    let mut ends = Vec::new();
    while reader.advance().expect("the file is whole") {
        ends.push(reader.offset() as usize);
    }
    ends
}

/// The payloads of a file's records.
pub(super) fn records_of(fs: &SimFs, path: &Path) -> Vec<Vec<u8>> {
    let file = fs.open(path).expect("the file is there");
    let mut reader = RecordReader::new(file, 0, 0);
    iter::from_fn(|| {
        let found = reader.advance().expect("the file is whole");
        found.then(|| reader.record().payload.to_vec())
    })
    .collect()
}

/// Checks that a checkpoint is refused that has these bytes.
#[track_caller]
pub(super) fn expect_refused(fs: &SimFs, bytes: &[u8], why: &str) {
    fs.overwrite(checkpoint_path(), bytes);
    match checkpoint::read(fs, dir()) {
        Err(Error::Corruption { file, .. }) => assert_eq!(file, checkpoint_path(), "{why}"),
        Err(other) => panic!("{why}: that is Error::Corruption, and was reported as: {other}"),
        Ok(_) => panic!("{why}, and the checkpoint was read as if it were whole"),
    }
}

/// The segments of the store on this disk.
pub(super) fn segments(fs: &SimFs) -> Vec<segment::Segment> {
    segment::list(fs, dir()).expect("a good disk lists its files")
}

/// A store's log, written by hand: one record a batch, each with the number of its first
/// operation, and with as many puts as it says.
pub(super) fn log_of(fs: &SimFs, batches: &[(Seq, usize)]) -> Wal {
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    fs.create_dir(dir()).expect("a good disk makes a directory");
    let log = Wal::open(fs, dir(), 0, small()).expect("a new log opens");
    for &(first_seq, count) in batches {
        let changes: Vec<_> = (0..count).map(|number| put(key(number), "value")).collect();
        let written = log.commit(batch(&changes).encode(first_seq), Durability::Synced);
        written.expect("a good disk takes a record");
    }
    log
}

/// Checks that opening is refused as damage of this file at this offset.
#[track_caller]
pub(super) fn expect_damage(fs: &SimFs, path: &Path, at: u64, why: &str) {
    match try_store(Arc::new(fs.clone()), dir()) {
        Err(Error::Corruption { file, offset, .. }) => assert!(
            file == path && offset == at,
            "{why}: {} is damaged at byte {at}, and the error names {} at byte {offset}",
            path.display(),
            file.display()
        ),
        Err(other) => panic!("{why}: that is Error::Corruption, and was reported as: {other}"),
        Ok(_) => panic!("{why}, and the store opened as if nothing were wrong"),
    }
}

/// Writes a checkpoint of these entries on a new disk.
#[track_caller]
pub(super) fn checkpointed(entries: impl IntoIterator<Item = (String, Vec<u8>)>) -> SimFs {
    let fs = SimFs::new(1);
    fs.create_dir(dir()).expect("a good disk makes a directory");
    checkpoint::write(&fs, dir(), &state_of(entries)).expect("a good disk takes a checkpoint");
    fs
}

/// Checks that a checkpoint of these entries has several batches, and that the number of each is 0.
#[track_caller]
pub(super) fn expect_batches_without_numbers(entries: impl IntoIterator<Item = (String, Vec<u8>)>) {
    let records = records_of(&checkpointed(entries), &checkpoint_path());
    let batches = records[1..].iter().map(|payload| Batch::decode(payload));
    let numbers: Vec<_> = batches.map(|batch| batch.expect("a batch").first_seq).collect();
    assert!(numbers.len() > 1, "so many entries are written 64 KiB at a time, not all at once");
    assert_eq!(numbers, vec![0; numbers.len()], "each batch's number is 0: see `checkpoint.rs`");
}

/// The state of a store with these entries, and some place and number.
pub(super) fn state_of(entries: impl IntoIterator<Item = (String, Vec<u8>)>) -> Checkpoint {
    let bytes = |(key, value): (String, Vec<u8>)| (Bytes::from(key), Bytes::from(value));
    let entries: Map = BTreeMap::from_iter(entries.into_iter().map(bytes));
    Checkpoint { resume_at: 4000, last_seq: 70, entries: Arc::new(entries) }
}

/// Checks what a checkpoint did to the disk, line by line.
#[track_caller]
pub(super) fn expect_order_of_a_checkpoint(trace: &[String]) {
    let first = |begins: &str| trace.iter().position(|line| line.starts_with(begins));
    let last = |begins: &str| trace.iter().rposition(|line| line.starts_with(begins));
    let steps = [
        ("the log is synced", first("sync 0000")),
        ("the last bytes are written", last("write checkpoint.tmp")),
        ("the bytes are synced", first("sync checkpoint.tmp")),
        ("the file gets its name", first("rename checkpoint.tmp to checkpoint")),
        ("the name is made durable", first("sync directory db")),
        ("the log before it is removed", first("remove 0000")),
    ];
    // When the log is synced does not matter to the bytes, only to the name.
    for (before, after) in [(0, 3), (1, 2), (2, 3), (3, 4), (4, 5)] {
        let ((first, at), (then, later)) = (steps[before], steps[after]);
        assert!(
            at.is_some() && later.is_some() && at < later,
            "first {first}, then {then} (rule 3 of day 6); on the disk:\n  {}",
            trace.join("\n  ")
        );
    }
}

pub(super) fn dir() -> &'static Path {
    Path::new("/db")
}

pub(super) fn checkpoint_path() -> PathBuf {
    dir().join("checkpoint")
}
