//! A scan of everything, through merge and visibility, beside the bare map's iterator: over one
//! memtable, and over eight that share the entries.

mod common;

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use common::*;
use criterion::{Criterion, criterion_group, criterion_main};
use memtable::{Frozen, LogMark, SEQ_MAX, StoreTable, View, Visible};
use wal::{Direction, KeyRange};

fn scan(criterion: &mut Criterion) {
    let map = full_map();
    for (name, count) in [("scan, one source", 1), ("scan, eight sources", 8)] {
        let view = view(count);
        let mut group = group(criterion, name, ENTRIES);
        group.bench_function("merge and visibility", |bencher| {
            bencher.iter(|| {
                let entries =
                    Visible::new(view.cursor(), KeyRange::all(), Direction::Forward, SEQ_MAX);
                let entries = entries.map(|entry| entry.expect("memory does not fail"));
                let found = entries.filter(|(key, value)| read(key, value)).count();
                assert_eq!(found as u64, ENTRIES, "a scan that finds everything");
            });
        });
        group.bench_function("baseline: SkipMap", |bencher| {
            bencher.iter(|| {
                let shared = map.iter().map(|found| (found.key().clone(), found.value().clone()));
                let found = shared.filter(|(key, value)| read(key, value)).count();
                assert_eq!(found as u64, ENTRIES, "an iteration that finds everything");
            });
        });
    }
}

/// Looks at an entry, as whoever scans does: that its bytes are fetched is a good part of the cost.
fn read(key: &Bytes, value: &Bytes) -> bool {
    black_box(key[0] ^ value[0]);
    true
}

/// All entries in so many memtables: each key in one of them.
fn view(count: u64) -> View {
    let part = |index: u64| {
        let table = StoreTable::new();
        let numbers = (0..ENTRIES).filter(|number| number % count == index);
        numbers.for_each(|number| table.insert(number + 1, put(&key(number))));
        Arc::new(table)
    };
    let frozen = |index| Frozen { table: part(index), end: LogMark::default() };
    View { active: part(0), frozen: (1..count).map(frozen).collect() }
}

criterion_group!(benches, scan);
criterion_main!(benches);
