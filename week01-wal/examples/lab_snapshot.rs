//! Day 6's experiment: what a snapshot costs the next write, over the size of the store.
//!
//! A snapshot shares the map, so taking one costs nothing. The first write after it copies the map,
//! whole, because two instants cannot live in one. Nothing is synced here: what is measured is
//! memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use wal::fs::{Fs, OsFs};
use wal::{Durability, Engine, LogStore, Result, StoreOptions, WriteBatch};

/// Entries in the store.
const SIZES: [usize; 6] = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000];
const VALUE: [u8; 100] = [0x5a; 100];
/// Of so many measurements the shortest counts: the others were disturbed.
const RUNS: usize = 15;

/// How long three things take.
struct Times {
    write: Duration,
    snapshot: Duration,
    write_after_snapshot: Duration,
}

fn main() -> Result<()> {
    let dir = work_dir();
    OsFs.create_dir(&dir)?;
    let measured: Result<Vec<Times>> =
        SIZES.iter().map(|size| measure(&dir.join(size.to_string()), *size)).collect();
    fs::remove_dir_all(&dir).expect("the directory was made by this program");
    let measured = measured?;

    println!("# title: The first write after a snapshot");
    println!("# x: entries in the store");
    println!("# y: microseconds");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    print("first write after a snapshot", &measured, |times| times.write_after_snapshot);
    print("any other write", &measured, |times| times.write);
    print("the snapshot itself", &measured, |times| times.snapshot);
    let (times, size) = (&measured[SIZES.len() - 1], SIZES[SIZES.len() - 1]);
    println!(
        "# says: With {size} entries a write takes {:.1} µs, a snapshot {:.2} µs, and the first \
         write after it {:.1} ms: as long as {:.0} others, for it copies the whole map.",
        micros(times.write),
        micros(times.snapshot),
        micros(times.write_after_snapshot) / 1e3,
        micros(times.write_after_snapshot) / micros(times.write),
    );
    Ok(())
}

fn print(series: &str, measured: &[Times], time: impl Fn(&Times) -> Duration) {
    for (size, times) in SIZES.iter().zip(measured) {
        println!("{series},{size},{:.3}", micros(time(times)));
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A directory beside this program, which lies on the disk with the sources.
fn work_dir() -> PathBuf {
    let exe = env::current_exe().expect("a program knows where it is");
    exe.with_file_name(format!("lab-snapshot-{}", process::id()))
}

/// Fills a store and takes the times.
fn measure(dir: &Path, size: usize) -> Result<Times> {
    let store = LogStore::open(Arc::new(OsFs), dir, StoreOptions::default())?;
    for first in (0..size).step_by(1_000) {
        let mut batch = WriteBatch::new();
        for number in first..size.min(first + 1_000) {
            batch.put(&key(number), &VALUE);
        }
        store.write(batch, Durability::Buffered)?;
    }
    let overwrite = |run: usize| {
        // Somewhere else each time: a key that was just written is at hand.
        let key = key(run * 7919 % size);
        timed(|| store.put(&key, &VALUE, Durability::Buffered))
    };
    let (mut writes, mut snapshots, mut copies) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        writes.push(overwrite(4 * run)?.0);
        let (time, snapshot) = timed(|| store.snapshot())?;
        snapshots.push(time);
        copies.push(overwrite(4 * run + 1)?.0);
        drop(snapshot);
        // Two more, so that the copy is at hand as the map was before.
        overwrite(4 * run + 2)?;
        overwrite(4 * run + 3)?;
    }
    store.close()?;
    Ok(Times {
        write: shortest(writes),
        snapshot: shortest(snapshots),
        write_after_snapshot: shortest(copies),
    })
}

fn key(number: usize) -> Vec<u8> {
    format!("key{number:010}").into_bytes()
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(Duration, T)> {
    let start = Instant::now();
    let done = work()?;
    Ok((start.elapsed(), done))
}

fn shortest(times: Vec<Duration>) -> Duration {
    times.into_iter().min().expect("there were runs")
}
