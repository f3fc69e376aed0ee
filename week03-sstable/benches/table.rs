//! A table of a million entries: building it, finding keys that are there and keys that are not,
//! reading all of it both ways. Unless a name says otherwise, all blocks are in the cache.

mod common;

use std::hint::black_box;

use common::*;
use criterion::{Criterion, criterion_group, criterion_main};
use memtable::{Cursor, Lookup, SEQ_MAX};
use sstable::{Table, TableOptions};
use wal::fs::{Fs, OsFs};

/// Room for all blocks, and as much again.
const CACHE_SIZE: usize = 256 << 20;

fn builds(criterion: &mut Criterion) {
    let mut group = group(criterion, "table build", ENTRIES);
    for (name, options) in
        [("blocks as they are", uncompressed()), ("LZ4", TableOptions::default())]
    {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| {
                timed(rounds, directory, |dir| _ = build(dir, options.clone()))
            });
        });
    }
    group.bench_function("baseline: bytes checked and written", |bencher| {
        bencher.iter_custom(|rounds| timed(rounds, directory, write_bare));
    });
}

/// What every builder has to do: writes as many bytes, in pieces of a block's size, each with a
/// checksum, and syncs.
fn write_bare(dir: &tempfile::TempDir) {
    let file = OsFs.create(&dir.path().join("bare")).expect("a file can be made");
    let mut piece = vec![0x5a; 4 << 10];
    let entry_size = 16 + VALUE.len() as u64;
    for index in 0..ENTRIES * entry_size / (4 << 10) {
        let crc = crc32fast::hash(&piece[4..]);
        piece[..4].copy_from_slice(&crc.to_le_bytes());
        file.write_at(index * (4 << 10), &piece).expect("the disk takes it");
    }
    file.sync_data().expect("the disk takes it");
}

fn gets(criterion: &mut Criterion) {
    let (_dir, cached) = table(uncompressed(), CACHE_SIZE);
    let file_only = Table::open(&OsFs, cached.path(), 2, None).expect("it is open already");
    (0..ENTRIES).for_each(|number| _ = get(&cached, &key(number)));
    let mut group = group(criterion, "table get", 1);
    for (name, table) in [("cached", &cached), ("from the file", &file_only)] {
        let mut numbers = Numbers { state: 1, end: ENTRIES };
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert!(get(table, &key(numbers.next()))));
        });
    }
    let entries = bare();
    let mut numbers = Numbers { state: 1, end: ENTRIES };
    group.bench_function("baseline: sorted array", |bencher| {
        bencher.iter(|| {
            let wanted = key(numbers.next());
            let found = entries.binary_search_by(|(key, _)| key.cmp(&wanted));
            black_box(entries[found.expect("every key is there")].1[0])
        });
    });
}

fn misses(criterion: &mut Criterion) {
    let (_dir, filtered) = table(uncompressed(), CACHE_SIZE);
    let (_plain_dir, plain) = table(TableOptions::plain(), CACHE_SIZE);
    let mut group = group(criterion, "table get, key is not there", 1);
    for (name, table) in [("with the filter", &filtered), ("baseline: no filter", &plain)] {
        (0..ENTRIES).for_each(|number| _ = get(table, &key(number)));
        let mut numbers = Numbers { state: 1, end: ENTRIES };
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert!(!get(table, &absent_key(numbers.next()))));
        });
    }
}

/// Whether the key is there; looks at the value, as whoever asks for it does.
fn get(table: &Table, key: &[u8]) -> bool {
    match table.get(key, SEQ_MAX).expect("the file was just written") {
        Lookup::Value(value) => black_box(value[0]) == VALUE[0],
        _ => false,
    }
}

fn scans(criterion: &mut Criterion) {
    let (_dir, cached) = table(uncompressed(), CACHE_SIZE);
    let file_only = Table::open(&OsFs, cached.path(), 2, None).expect("it is open already");
    scan(&cached, true);
    let mut group = group(criterion, "table scan", ENTRIES);
    for (name, table, forward) in [
        ("forward", &cached, true),
        ("backward", &cached, false),
        ("forward, from the file", &file_only, true),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| scan(table, forward)));
    }
    let entries = bare();
    group.bench_function("baseline: array", |bencher| {
        bencher.iter(|| entries.iter().for_each(|entry| _ = black_box((entry.0[15], entry.1[0]))));
    });
}

/// Goes over all entries, and looks at key and value of each.
fn scan(table: &Table, forward: bool) {
    let mut cursor = table.cursor();
    let mut count = 0;
    let mut moved = if forward { cursor.first() } else { cursor.last() };
    while let Some(key) = cursor.key() {
        black_box((key.user_key[15], cursor.value()[0]));
        count += 1;
        moved = moved.and_then(|()| if forward { cursor.next() } else { cursor.prev() });
    }
    moved.expect("the file was just written");
    assert_eq!(count, ENTRIES, "a scan that meets every entry");
}

criterion_group!(benches, builds, gets, misses, scans);
criterion_main!(benches);
