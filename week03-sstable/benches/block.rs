//! One block of 4 KiB, which the processor's cache holds: building it, finding a key in it, walking
//! over it. Beside each stands the same with entries that lie bare in an array.

mod common;

use std::hint::black_box;

use bytes::Bytes;
use common::*;
use criterion::{Criterion, criterion_group, criterion_main};
use sstable::{BadBlock, Block, BlockBuilder, BlockCursor};

/// Entries in the block.
const COUNT: u64 = 32;

fn build(criterion: &mut Criterion) {
    let mut group = group(criterion, "block build", COUNT);
    let mut builder = BlockBuilder::new(16);
    group.bench_function("block", |bencher| {
        bencher.iter(|| {
            fill(&mut builder);
            black_box(builder.finish().len())
        });
    });
    let mut bytes = Vec::new();
    group.bench_function("baseline: keys and values copied", |bencher| {
        bencher.iter(|| {
            bytes.clear();
            for number in 0..COUNT {
                bytes.extend_from_slice(&key(number));
                bytes.extend_from_slice(black_box(&VALUE));
            }
            black_box(bytes.len())
        });
    });
}

fn seek(criterion: &mut Criterion) {
    let block = block();
    let mut group = group(criterion, "block seek", 1);
    let mut numbers = Numbers { state: 1, end: COUNT };
    group.bench_function("find", |bencher| {
        bencher.iter(|| black_box(block.find(internal(&key(numbers.next())))));
    });
    let mut cursor = block.cursor();
    group.bench_function("cursor", |bencher| {
        bencher.iter(|| {
            good(cursor.seek(internal(&key(numbers.next()))));
            black_box(cursor.value().len())
        });
    });
    let entries: Vec<_> = (0..COUNT).map(|number| (key(number), VALUE)).collect();
    group.bench_function("baseline: sorted array", |bencher| {
        bencher.iter(|| {
            let wanted = key(numbers.next());
            black_box(entries.binary_search_by(|(key, _)| key.cmp(&wanted)))
        });
    });
}

fn step(criterion: &mut Criterion) {
    let mut cursor = block().cursor();
    let mut group = group(criterion, "block step", COUNT);
    group.bench_function("next", |bencher| {
        bencher.iter(|| walk(&mut cursor, BlockCursor::first, BlockCursor::next));
    });
    group.bench_function("prev", |bencher| {
        bencher.iter(|| walk(&mut cursor, BlockCursor::last, BlockCursor::prev));
    });
    let entries: Vec<_> = (0..COUNT).map(|number| (key(number), VALUE)).collect();
    group.bench_function("baseline: array", |bencher| {
        bencher.iter(|| entries.iter().for_each(|entry| _ = black_box((entry.0[15], entry.1[0]))));
    });
}

type Move = fn(&mut BlockCursor) -> Result<(), BadBlock>;

/// Goes over all entries, and looks at key and value of each.
fn walk(cursor: &mut BlockCursor, begin: Move, step: Move) {
    let mut count = 0;
    good(begin(cursor));
    while let Some(key) = cursor.key() {
        black_box((key.user_key[15], cursor.value()[0]));
        count += 1;
        good(step(cursor));
    }
    assert_eq!(count, COUNT, "a walk that meets every entry");
}

fn good(moved: Result<(), BadBlock>) {
    moved.expect("a block that was just built is one");
}

fn fill(builder: &mut BlockBuilder) {
    builder.clear();
    for number in 0..COUNT {
        builder.add(internal(&key(number)), &VALUE);
    }
}

fn block() -> Block {
    let mut builder = BlockBuilder::new(16);
    fill(&mut builder);
    let block = Block::parse(Bytes::copy_from_slice(builder.finish()));
    block.expect("a block that was just built is one")
}

criterion_group!(benches, build, seek, step);
criterion_main!(benches);
