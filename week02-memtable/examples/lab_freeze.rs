//! Day 5's experiment: what week 1's store paid for a snapshot, and what yours pays for a freeze,
//! over the number of entries.
//!
//! Week 1 shares one map with its snapshots: the first put after a snapshot copies the map, whole.
//! Your store begins a new memtable when one is full, and copies nothing but references. Nothing is
//! synced here: what is measured is memory.

use std::env;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use memtable::{MemOptions, MemStore};
use wal::fs::OsFs;
use wal::{Durability, Engine, LogStore, Reader, Result, StoreOptions, WriteBatch};

/// Entries in the store, and in a full table.
const SIZES: [usize; 5] = [1_000, 3_000, 10_000, 30_000, 100_000];
const VALUE: [u8; 100] = [0x5a; 100];
/// Of so many measurements the shortest counts: the others were disturbed. A store of yours has so
/// many frozen tables at the end.
const RUNS: usize = 8;

/// How long each of these takes.
struct Times {
    week1_after_snapshot: Duration,
    freezing: Duration,
    after_snapshot: Duration,
    any_other: Duration,
    /// A get of a key that is nowhere, with one table and with `RUNS` more.
    get: [Duration; 2],
}

fn main() -> Result<()> {
    let exe = env::current_exe().expect("a program knows where it is");
    let beside = exe.parent().expect("a program is in a directory");
    let dir = tempfile::tempdir_in(beside).expect("that directory can be written to");
    let measured: Vec<Times> =
        SIZES.iter().map(|size| measure(dir.path(), *size)).collect::<Result<_>>()?;

    println!("# title: The put that has to make room for others");
    println!("# x: entries");
    println!("# y: microseconds");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    print("week 1, after a snapshot", &measured, |times| times.week1_after_snapshot);
    print("yours, freezing a table", &measured, |times| times.freezing);
    print("yours, after a snapshot", &measured, |times| times.after_snapshot);
    print("any other of yours", &measured, |times| times.any_other);
    let (times, size) = (&measured[SIZES.len() - 1], SIZES[SIZES.len() - 1]);
    println!(
        "# says: With {size} entries, week 1's first put after a snapshot takes {:.1} ms. The put \
         with which you freeze a table of as many takes {:.1} µs, one after a snapshot {:.1} µs, \
         and any other {:.1} µs. The price is paid by reads: to find that a key is nowhere takes \
         {:.1} µs with one table of this size, and {:.1} µs with {}.",
        micros(times.week1_after_snapshot) / 1e3,
        micros(times.freezing),
        micros(times.after_snapshot),
        micros(times.any_other),
        micros(times.get[0]),
        micros(times.get[1]),
        RUNS,
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

fn measure(dir: &Path, size: usize) -> Result<Times> {
    let week1_after_snapshot = week1_after_snapshot(&dir.join(format!("week1-{size}")), size)?;
    // A table with room for all tells when one of as many entries is full.
    let full = {
        let store = open(dir.join(format!("sized-{size}")), usize::MAX)?;
        fill(&store, 0, size)?;
        store.stats().get("memory").expect("the store counts") as usize
    };
    let store = open(dir.join(format!("yours-{size}")), full)?;
    let mut put = Puts { store: &store, next: 0 };
    let (mut freezing, mut after_snapshot, mut any_other) = (Vec::new(), Vec::new(), Vec::new());
    let mut get = [Duration::ZERO; 2];
    for run in 0..RUNS {
        while put.next < (run + 1) * size {
            if put.next == run * size + size / 2 {
                let snapshot = store.snapshot()?;
                after_snapshot.push(put.timed()?);
                drop(snapshot);
                any_other.push(put.timed()?);
            } else {
                put.timed()?;
            }
        }
        if run == 0 {
            get[0] = absent(&store)?;
        }
        freezing.push(put.timed()?);
    }
    get[1] = absent(&store)?;
    assert_eq!(
        store.stats().get("frozen_tables"),
        Some(RUNS as u64),
        "a table is frozen when it has {size} entries, by the put that finds it full"
    );
    Ok(Times {
        week1_after_snapshot,
        freezing: shortest(freezing),
        after_snapshot: shortest(after_snapshot),
        any_other: shortest(any_other),
        get,
    })
}

fn week1_after_snapshot(dir: &Path, size: usize) -> Result<Duration> {
    let store = LogStore::open(Arc::new(OsFs), dir, StoreOptions::default())?;
    fill(&store, 0, size)?;
    let mut times = Vec::new();
    for run in 0..RUNS {
        let snapshot = store.snapshot()?;
        times.push(timed(|| store.put(&key(run * 7919 % size), &VALUE, Durability::Buffered))?);
        drop(snapshot);
    }
    store.close()?;
    Ok(shortest(times))
}

fn open(dir: PathBuf, memtable_size: usize) -> Result<MemStore> {
    let options = MemOptions { memtable_size, ..MemOptions::default() };
    MemStore::open(Arc::new(OsFs), &dir, options)
}

fn fill(store: &dyn Engine, from: usize, to: usize) -> Result<()> {
    for first in (from..to).step_by(1_000) {
        let mut batch = WriteBatch::new();
        (first..to.min(first + 1_000)).for_each(|number| batch.put(&key(number), &VALUE));
        store.write(batch, Durability::Buffered)?;
    }
    Ok(())
}

/// Puts one new key after the other.
struct Puts<'a> {
    store: &'a MemStore,
    next: usize,
}

impl Puts<'_> {
    fn timed(&mut self) -> Result<Duration> {
        let key = key(self.next);
        self.next += 1;
        timed(|| self.store.put(&key, &VALUE, Durability::Buffered))
    }
}

/// The time of a get that every table has to answer.
fn absent(store: &MemStore) -> Result<Duration> {
    let mut times = Vec::new();
    for number in 0..1_000 {
        let mut key = key(number * 7919 % 100_000);
        key.push(b'?');
        times.push(timed(|| store.get(black_box(&key)))?);
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// Keys in no order: neighbours in number are far from each other.
fn key(number: usize) -> Vec<u8> {
    let scattered = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("key{scattered:020}").into_bytes()
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<Duration> {
    let start = Instant::now();
    black_box(work()?);
    Ok(start.elapsed())
}

fn shortest(times: Vec<Duration>) -> Duration {
    times.into_iter().min().expect("there were runs")
}
