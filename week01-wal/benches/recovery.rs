//! Recovering a log, beside the least that anybody has to do: reading the same file, running a
//! checksum over each record's bytes, and syncing file and directory, for what was read may so far
//! be in the system's memory only.

mod common;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::{Dir, PAYLOAD_SIZES, records};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wal::fs::{Fs, OsFs};
use wal::{HEADER_SIZE, LogOptions, LogWriter, RecoveryMode, recover, segment};

/// Size of the log, in bytes.
const TOTAL_SIZE: usize = 64 << 20;
/// How much the baseline reads at once, in bytes; about as much as the log's reader.
const CHUNK_SIZE: usize = 256 << 10;

fn recovery(criterion: &mut Criterion) {
    let dir = Dir::new("recovery");
    for size in PAYLOAD_SIZES {
        let (count, bytes) = records(TOTAL_SIZE, size);
        write_log(&dir, count, size);
        let mut group = criterion.benchmark_group(format!("recovery {size} B"));
        group.sample_size(20).measurement_time(Duration::from_secs(4));
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function("log", |bencher| {
            bencher.iter(|| recover_all(dir.path(), count));
        });
        group.bench_function("baseline: read, crc and sync", |bencher| {
            bencher.iter(|| read_and_checksum(dir.path(), HEADER_SIZE + size));
        });
    }
}

fn write_log(dir: &Dir, count: usize, size: usize) {
    dir.clear();
    let payload = vec![0x5a; size];
    let options = LogOptions { segment_size: u64::MAX, ..LogOptions::default() };
    let mut writer = LogWriter::open(Arc::new(OsFs), dir.path(), 0, options).expect("it opens");
    for number in 0..count {
        writer.append(&payload).expect("the disk takes it");
        // Every 64 KiB: recovery does again what no record says was synced.
        if number % (count / 1024) == 0 {
            writer.sync().expect("the disk syncs");
        }
    }
    writer.sync().expect("the disk syncs");
}

fn recover_all(dir: &Path, count: usize) {
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let recovered = recover(&fs, dir, 0, RecoveryMode::TolerateTail, &mut |record| {
        black_box(record.payload.len());
        Ok(())
    });
    assert_eq!(recovered.expect("the log is whole").records, count as u64);
}

fn read_and_checksum(dir: &Path, record_size: usize) {
    let file = OsFs.open(&segment::path(dir, 0)).expect("the log is there");
    let mut chunk = vec![0; CHUNK_SIZE / record_size * record_size];
    let mut offset = 0;
    loop {
        let read = file.read_at(offset, &mut chunk).expect("the disk reads");
        for record in chunk[..read].chunks(record_size) {
            black_box(crc32fast::hash(record));
        }
        if read < chunk.len() {
            break;
        }
        offset += read as u64;
    }
    file.sync_data().expect("the disk syncs");
    OsFs.sync_dir(dir).expect("the disk syncs");
}

criterion_group!(benches, recovery);
criterion_main!(benches);
