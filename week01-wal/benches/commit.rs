//! Durable commits from 1 to 32 threads, beside a bare write and `fdatasync`.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::Dir;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use wal::fs::{Fs, OsFs};
use wal::{Durability, HEADER_SIZE, LogOptions, Wal};

const PAYLOAD: [u8; 100] = [0x5a; 100];

fn commit(criterion: &mut Criterion) {
    let dir = Dir::new("commit");
    let mut group = criterion.benchmark_group("commit");
    group.sample_size(20).measurement_time(Duration::from_secs(4));
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(1));
    group.bench_function("baseline: write and fdatasync", |bencher| {
        bencher.iter_custom(|commits| baseline(&dir, commits));
    });
    for threads in [1, 2, 4, 8, 16, 32] {
        group.bench_function(format!("log, threads {threads:02}"), |bencher| {
            bencher.iter_custom(|commits| log(&dir, threads, commits));
        });
    }
}

/// Each commit writes at the file's end and syncs.
fn baseline(dir: &Dir, commits: u64) -> Duration {
    dir.clear();
    let file = OsFs.create(&dir.path().join("file")).expect("the file can be made");
    let record = [0x5a; HEADER_SIZE + PAYLOAD.len()];
    let start = Instant::now();
    for number in 0..commits {
        file.write_at(number * record.len() as u64, &record).expect("the disk takes it");
        file.sync_data().expect("the disk syncs");
    }
    start.elapsed()
}

/// All threads commit to one log until there are enough.
fn log(dir: &Dir, threads: usize, commits: u64) -> Duration {
    dir.clear();
    let wal = Wal::open(Arc::new(OsFs), dir.path(), 0, LogOptions::default()).expect("it opens");
    let begun = AtomicU64::new(0);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while begun.fetch_add(1, Ordering::Relaxed) < commits {
                    wal.commit(&PAYLOAD, Durability::Synced).expect("the disk syncs");
                }
            });
        }
    });
    start.elapsed()
}

criterion_group!(benches, commit);
criterion_main!(benches);
