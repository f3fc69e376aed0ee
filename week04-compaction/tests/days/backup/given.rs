//! What lab backup's tests are given: small stores, and what they hold. Disks that are watched are in
//! `linking.rs`, buckets that fail in `bucket.rs`.

use std::path::Path;
use std::sync::Arc;

use lsm::{Lsm, LsmOptions};
use sstable::{Codec, TableOptions};
use wal::fs::{Fs, SimFs};
use wal::testing::{Change, batch, delete, put, scan};
use wal::{Direction, Durability, Engine, Entry, Error, KeyRange, Reader};

pub(super) use super::bucket::*;
pub(super) use super::linking::*;

pub(super) const MOMENT: &str = "(rule 1 of lab backup: a copy holds what was acknowledged by some \
                                 moment between call and return: all before the call, whatever its \
                                 durability, and whole batches)";
pub(super) const LINKED: &str = "(rule 2 of lab backup: tables are linked, or copied where that \
                                 cannot be and nothing of that name is there; they are kept until \
                                 they are, and nobody writes into a file that may have two names)";
pub(super) const FIRST: &str = "(rule 3 of lab backup: CURRENT is written first, and says that nothing \
                                is finished, and last, when all else is on disk; a directory with \
                                anything else in it is refused)";
pub(super) const LISTED: &str = "(rule 4 of lab backup: an object is named after what is in it, and \
                                 what is there is not sent again; a backup counts when its list is \
                                 put, and that comes last)";
pub(super) const BACK: &str = "(rule 5 of lab backup: what comes back has the size and the checksum of \
                               what was sent, or is an error that names the object)";
pub(super) const NEEDED: &str = "(rule 5 of lab backup: of what is removed, the list goes first, and \
                                 then each file that no list names; its number is not given out \
                                 again)";

pub(super) const DIR: &str = "/db";
pub(super) const COPY: &str = "/copy";

// Stores.

/// Memtables and tables of a few entries, which are compacted as soon as there are some.
/// Writes that are slowed down sleep: here they only stop.
pub(super) fn small() -> LsmOptions {
    LsmOptions {
        memtable_size: 400,
        cache_size: 10_000,
        table: TableOptions {
            block_size: 64,
            restart_interval: 3,
            codec: Codec::None,
            ..TableOptions::default()
        },
        table_size: 400,
        level0_tables: 2,
        level0_slow: 12,
        level0_stop: 12,
        base_level_size: 1_000,
        level_ratio: 3,
        ..LsmOptions::default()
    }
}

/// The same, but what is flushed stays as it is.
pub(super) fn still() -> LsmOptions {
    let never = 1 << 20;
    LsmOptions { level0_tables: never, level0_slow: never, level0_stop: never, ..small() }
}

/// As [`small`], and values of 30 bytes live apart: those of [`overwrite`], which are collected as soon
/// as there is garbage.
pub(super) fn apart() -> LsmOptions {
    LsmOptions { value_min: Some(30), value_garbage_percent: 20, ..small() }
}

/// As [`still`], and nothing is flushed either: all that is written stays in memory.
pub(super) fn in_memory() -> LsmOptions {
    LsmOptions { memtable_size: 1 << 30, ..still() }
}

pub(super) fn disk(sim: &SimFs) -> Arc<dyn Fs> {
    Arc::new(sim.clone())
}

#[track_caller]
pub(super) fn open(fs: Arc<dyn Fs>, dir: &str, options: LsmOptions) -> Lsm {
    Lsm::open(fs, Path::new(dir), options)
        .unwrap_or_else(|error| panic!("the store in {dir} must open, and fails: {error}"))
}

/// Opens the copy in `dir`, of which anything may be looked at then.
#[track_caller]
pub(super) fn open_copy(fs: Arc<dyn Fs>, dir: &str, options: LsmOptions) -> Lsm {
    Lsm::open(fs, Path::new(dir), options).unwrap_or_else(|error| {
        panic!("the copy in {dir} must be a store, and opening it fails: {error} {FIRST}")
    })
}

#[track_caller]
pub(super) fn write(store: &Lsm, changes: &[Change]) {
    let written = store.write(batch(changes), Durability::Buffered);
    written.unwrap_or_else(|error| panic!("a write fails on a good disk: {error}"));
}

/// Gives each of ten keys what says that round, so many rounds long.
#[track_caller]
pub(super) fn overwrite(store: &Lsm, rounds: std::ops::Range<usize>) {
    for round in rounds {
        for key in 0..10 {
            write(store, &[put(format!("key{key}"), format!("{round:-<40}"))]);
        }
    }
}

/// A store with some tables, and with puts and deletes that are in memory alone.
#[track_caller]
pub(super) fn filled(fs: Arc<dyn Fs>) -> Lsm {
    let store = open(Arc::clone(&fs), DIR, still());
    overwrite(&store, 0..3);
    store.close().expect("a good disk");
    drop(store);
    let store = open(fs, DIR, in_memory());
    assert!(store.version().tables().count() > 2, "thirty puts are more than two memtables");
    write(&store, &[put("key3", "in memory"), delete("key5")]);
    write(&store, &[put("late", "in memory, too")]);
    store
}

/// All that a reader sees.
#[track_caller]
pub(super) fn all(reader: &dyn Reader) -> Vec<Entry> {
    scan(reader, KeyRange::all(), Direction::Forward)
}

#[track_caller]
pub(super) fn checkpoint(store: &Lsm, to: &str) {
    let made = store.checkpoint(Path::new(to));
    made.unwrap_or_else(|error| panic!("a checkpoint in {to} must work, and fails: {error}"));
}

/// Whether there are value files to take along. While lab `valuelog` is not begun, this tries a
/// checkpoint without them instead.
#[track_caller]
pub(super) fn has_values() -> bool {
    let has_values = crate::has_value_log();
    if !has_values {
        let sim = SimFs::new(1);
        checkpoint(&filled(disk(&sim)), COPY);
    }
    has_values
}

/// Opens the copy in `dir`, and checks that it holds what is wanted, by a scan and one by one.
#[track_caller]
pub(super) fn expect_copy(fs: Arc<dyn Fs>, dir: &str, want: &[Entry], when: &str) -> Lsm {
    expect_copy_with(still(), fs, dir, want, when)
}

/// The same, of a store with these options.
#[track_caller]
pub(super) fn expect_copy_with(
    options: LsmOptions,
    fs: Arc<dyn Fs>,
    dir: &str,
    want: &[Entry],
    when: &str,
) -> Lsm {
    let copy = Lsm::open(fs, Path::new(dir), options);
    let copy = copy.unwrap_or_else(|error| {
        panic!("{when} the copy in {dir} must open, and fails: {error} {FIRST}")
    });
    expect(&copy, want, when);
    copy
}

#[track_caller]
pub(super) fn expect(store: &Lsm, want: &[Entry], when: &str) {
    let found = all(store);
    assert!(found == want, "{when} a scan gives\n{found:?}, and should\n{want:?}\n{MOMENT}");
    for (key, value) in want {
        let came = store.get(key);
        let is_right = came.as_ref().is_ok_and(|came| came.as_ref() == Some(value));
        assert!(is_right, "{when} get({key:?}) gives {came:?}, and should {value:?} {MOMENT}");
    }
}

/// One of the store's counters.
#[track_caller]
pub(super) fn stat(store: &Lsm, name: &str) -> u64 {
    let stats = store.stats();
    let counter = stats.counters.iter().find(|counter| counter.name == name);
    counter.unwrap_or_else(|| panic!("stats() has no counter {name}: {stats:?}")).value
}

/// The names of the files in `dir`; none if it is not there.
pub(super) fn names(sim: &SimFs, dir: &str) -> Vec<String> {
    sim.list(Path::new(dir)).unwrap_or_default()
}

/// Whether `error` says that a directory has something in it.
pub(super) fn is_refusal(error: &Error) -> bool {
    error.io_kind() == Some(std::io::ErrorKind::DirectoryNotEmpty)
}
