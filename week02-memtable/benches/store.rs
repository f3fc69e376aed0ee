//! The store: a put that waits for no disk, beside the memtable alone; and a get.

mod common;

use std::hint::black_box;
use std::sync::Arc;

use common::*;
use criterion::{Criterion, criterion_group, criterion_main};
use memtable::{MemOptions, MemStore, MemTable};
use wal::fs::OsFs;
use wal::{Durability, Engine, Reader};

fn puts(criterion: &mut Criterion) {
    let mut group = group(criterion, "store put", ENTRIES);
    group.bench_function("store, buffered", |bencher| {
        bencher.iter_custom(|rounds| {
            timed(rounds, store, |(_dir, store)| (0..ENTRIES).for_each(|n| put(store, n)))
        });
    });
    group.bench_function("baseline: memtable", |bencher| {
        bencher.iter_custom(|rounds| {
            timed(rounds, MemTable::new, |table| (0..ENTRIES).for_each(|n| insert(table, n)))
        });
    });
}

fn gets(criterion: &mut Criterion) {
    let (_dir, store) = store();
    (0..ENTRIES).for_each(|number| put(&store, number));
    let table = full_table();
    let mut group = group(criterion, "store get", 1);
    let mut keys = Keys(1);
    group.bench_function("store", |bencher| {
        bencher.iter(|| black_box(store.get(&keys.next()).expect("memory answers")));
    });
    let mut keys = Keys(1);
    group.bench_function("baseline: memtable", |bencher| {
        bencher.iter(|| black_box(table.get(&keys.next(), ENTRIES)));
    });
}

/// A store on the disk with the sources, and its directory, which goes with it.
fn store() -> (tempfile::TempDir, MemStore) {
    let exe = std::env::current_exe().expect("a program knows where it is");
    let dir = tempfile::tempdir_in(exe.parent().expect("a program is in a directory"));
    let dir = dir.expect("a directory can be made");
    let options = MemOptions { memtable_size: usize::MAX, ..MemOptions::default() };
    let store = MemStore::open(Arc::new(OsFs), dir.path(), options);
    (dir, store.expect("a new store opens"))
}

fn put(store: &MemStore, number: u64) {
    store.put(&key(number), &VALUE, Durability::Buffered).expect("the disk takes it");
}

criterion_group!(benches, puts, gets);
criterion_main!(benches);
