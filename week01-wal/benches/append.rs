//! Appending without a sync, beside the least that anybody has to do: a checksum over the same
//! bytes, and a buffered write of them.

mod common;

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Dir, PAYLOAD_SIZES, records};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wal::fs::OsFs;
use wal::{HEADER_SIZE, LogOptions, LogWriter};

/// Bytes to write in one round, to a new file.
const TOTAL_SIZE: usize = 16 << 20;

fn append(criterion: &mut Criterion) {
    let dir = Dir::new("append");
    for size in PAYLOAD_SIZES {
        let (count, bytes) = records(TOTAL_SIZE, size);
        let mut group = criterion.benchmark_group(format!("append {size} B"));
        group.sample_size(20).measurement_time(Duration::from_secs(3));
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function("log", |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| log(&dir, count, size)).sum());
        });
        group.bench_function("baseline: BufWriter and crc", |bencher| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| baseline(&dir, count, size)).sum());
        });
    }
}

fn log(dir: &Dir, count: usize, size: usize) -> Duration {
    dir.clear();
    let payload = vec![0x5a; size];
    let options = LogOptions { segment_size: u64::MAX, ..LogOptions::default() };
    let mut writer = LogWriter::open(Arc::new(OsFs), dir.path(), 0, options).expect("it opens");
    let start = Instant::now();
    for _ in 0..count {
        writer.append(black_box(&payload)).expect("the disk takes it");
    }
    writer.flush().expect("the disk takes it");
    start.elapsed()
}

fn baseline(dir: &Dir, count: usize, size: usize) -> Duration {
    dir.clear();
    let record = vec![0x5a; HEADER_SIZE + size];
    let file = File::create(dir.path().join("file")).expect("the file can be made");
    let mut writer = BufWriter::with_capacity(LogOptions::default().buffer_size, file);
    let start = Instant::now();
    for _ in 0..count {
        let record = black_box(&record);
        black_box(crc32fast::hash(record));
        writer.write_all(record).expect("the disk takes it");
    }
    writer.flush().expect("the disk takes it");
    start.elapsed()
}

criterion_group!(benches, append);
criterion_main!(benches);
