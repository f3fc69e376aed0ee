//! What day 5's tests are given, and the sentences they speak about it.

use std::path::Path;
use std::sync::{Arc, Barrier};

use bytes::Bytes;
use memtable::{LogMark, MemOptions, MemStore, View};
use wal::fs::{Fs, SimFs};
use wal::testing::{Change, Crash, Model, Workload, batch, delete, put, scan};
use wal::{
    Direction, Durability, Engine, Error, KeyRange, LogOptions, Lsn, Operation, Reader, Result,
    Seq, Wal, segment,
};

/// A memtable of so many bytes is full after some ten small entries.
pub(super) const MEMTABLE_SIZE: usize = 2_000;

/// The store with tables so small that a few batches fill one.
pub(super) fn open_small(fs: Arc<dyn Fs>, dir: &Path) -> Result<Box<dyn Engine>> {
    let options = MemOptions { memtable_size: 400, ..MemOptions::default() };
    Ok(Box::new(MemStore::open(fs, dir, options)?))
}

pub(super) fn try_store(fs: Arc<dyn Fs>, begin: LogMark) -> Result<MemStore> {
    let log = LogOptions { segment_size: 6 << 10, buffer_size: 512, ..LogOptions::default() };
    let options = MemOptions { log, begin, memtable_size: MEMTABLE_SIZE, ..MemOptions::default() };
    MemStore::open(fs, dir(), options)
}

/// Opens the store with memtables of another size.
#[track_caller]
pub(super) fn store_with(fs: &SimFs, memtable_size: usize) -> MemStore {
    let options = MemOptions { memtable_size, ..MemOptions::default() };
    let store = MemStore::open(Arc::new(fs.clone()), dir(), options);
    store.unwrap_or_else(|error| panic!("the store must open, and fails: {error}"))
}

/// Opens the store on this disk, in [`dir`].
#[track_caller]
pub(super) fn store_on(fs: &SimFs) -> MemStore {
    let store = try_store(Arc::new(fs.clone()), LogMark::default());
    store.unwrap_or_else(|error| panic!("the store must open, and fails: {error}"))
}

/// A new store with keys `0000` to `count`, each synced, on a disk of its own.
#[track_caller]
pub(super) fn store_of(count: usize) -> (SimFs, MemStore) {
    let fs = SimFs::new(1);
    let store = store_on(&fs);
    (0..count).for_each(|number| put_number(&store, number));
    store.sync().expect("a good disk syncs");
    (fs, store)
}

/// Puts the key that stands for `number`, with a value of a hundred bytes.
#[track_caller]
pub(super) fn put_number(store: &dyn Engine, number: usize) {
    put_value(store, number, format!("{number:0100}"));
}

/// Puts the same key with another value.
#[track_caller]
pub(super) fn overwrite_number(store: &dyn Engine, number: usize) {
    put_value(store, number, "another value".to_owned());
}

#[track_caller]
fn put_value(store: &dyn Engine, number: usize, value: String) {
    let key = format!("{number:04}");
    let written = store.put(key.as_bytes(), value.as_bytes(), Durability::Buffered);
    written.unwrap_or_else(|error| panic!("a write must work, and failed: {error}"));
}

/// The mark of the newest frozen table; 0 and 0 if there is none.
#[track_caller]
pub(super) fn mark_of(store: &MemStore) -> LogMark {
    let stats = store.stats();
    let counted = |name| stats.get(name).expect("the store counts it");
    LogMark { lsn: counted("frozen_end"), seq: counted("frozen_last_seq") }
}

// ANCHOR: listing_example
/// Batches for tables of 200 bytes. After each: how many tables are frozen, and the mark of the
/// newest, as LSN and number.
pub(super) fn worked_example() -> [(Vec<Change>, u64, Lsn, Seq); 6] {
    [
        (vec![put("a", "1"), put("b", "2")], 0, 0, 0),
        (vec![put("a", "3"), delete("c"), put("d", "4")], 0, 0, 0),
        (vec![put("b", "5")], 1, 79, 5),
        (vec![delete("a")], 1, 79, 5),
        (vec![put("c", "6")], 1, 79, 5),
        (vec![put("a", "7")], 2, 176, 8),
    ]
}
// ANCHOR_END: listing_example

/// Writes one key after the other until the store is closed, and returns the last number that was
/// acknowledged.
pub(super) fn write_until_closed(store: &MemStore, start: &Barrier) -> Seq {
    start.wait();
    let mut last = 0;
    loop {
        match store.put(b"key", b"value", Durability::Buffered) {
            Ok(seq) => last = seq,
            Err(Error::Closed) => return last,
            Err(error) => panic!("a closed store says Error::Closed, and this one: {error}"),
        }
    }
}

/// Checks that exactly the keys `0000` to `count` are there, each with the value it was put with.
#[track_caller]
pub(super) fn expect_numbers(store: &dyn Reader, count: usize, when: &str) {
    let found = scan(store, KeyRange::all(), Direction::Forward);
    let right = |(number, (key, value)): (usize, &(Bytes, Bytes))| {
        *key == format!("{number:04}") && *value == format!("{number:0100}")
    };
    assert!(
        found.len() == count && found.iter().enumerate().all(right),
        "{when}, there must be {count} entries, each with its own value; there are {}",
        found.len()
    );
    for number in 0..count {
        let value = store.get(format!("{number:04}").as_bytes()).expect("memory answers");
        let expected = Some(format!("{number:0100}").into());
        assert_eq!(value, expected, "{when}, the value of {number:04}");
    }
}

/// How many entries a scan finds.
#[track_caller]
pub(super) fn count(store: &dyn Reader) -> usize {
    scan(store, KeyRange::all(), Direction::Forward).len()
}

/// Adds a version to the active table of a view: a put, or a delete if there is no value.
pub(super) fn insert(view: &View, seq: Seq, key: &str, value: Option<&str>) {
    let key = key.as_bytes();
    view.active.insert(
        seq,
        match value {
            Some(value) => Operation::Put { key, value: value.as_bytes() },
            None => Operation::Delete { key },
        },
    );
}

/// Three lives of a store, with writes of all durabilities, closing and not closing.
pub(super) fn busy_life(fs: &SimFs, model: &mut Model) -> Result<()> {
    let mut random = Workload::new(fs.seed());
    for _ in 0..3 {
        let store = try_store(Arc::new(fs.clone()), LogMark::default())?;
        // Without a close, what was only buffered is gone, as after a kill.
        model.expect_after(Crash::Kill, &store);
        for _ in 0..8 {
            model.write(&store, random.batch(), random.durability())?;
        }
        if random.below(2) == 0 {
            model.close(&store)?;
        }
    }
    Ok(())
}

/// A store's log, written by hand: one record a batch, each with the number of its first
/// operation, and with as many puts as it says.
pub(super) fn log_of(batches: &[(Seq, usize)]) -> (SimFs, Wal) {
    let (fs, shared) = new_dir();
    let log = Wal::open(shared, dir(), 0, LogOptions::default()).expect("a new log opens");
    for &(first_seq, count) in batches {
        let changes: Vec<_> = (0..count).map(|number| put(format!("{number}"), "value")).collect();
        let written = log.commit(batch(&changes).encode(first_seq), Durability::Synced);
        written.expect("a good disk takes a record");
    }
    (fs, log)
}

/// A disk with the store's directory, and nothing in it.
pub(super) fn new_dir() -> (SimFs, Arc<dyn Fs>) {
    let fs = SimFs::new(1);
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    shared.create_dir(dir()).expect("a good disk makes a directory");
    (fs, shared)
}

/// Checks that opening is refused as damage of the log's first segment at this offset.
#[track_caller]
pub(super) fn expect_damage(fs: &SimFs, at: u64, why: &str) {
    match try_store(Arc::new(fs.clone()), LogMark::default()) {
        Err(Error::Corruption { file, offset, .. }) => {
            assert_eq!((file, offset), (segment::path(dir(), 0), at), "{why}: file and place");
        }
        other => panic!("{why}: that is Error::Corruption, and not {:?}", other.err()),
    }
}

pub(super) fn dir() -> &'static Path {
    Path::new("/db")
}
