//! Day 6's experiment: durable writes per second from 1 to 32 threads, on the real disk.
//!
//! Two stores: yours, in which writers stand in line and one writes for all, and the same behind a
//! lock, in which each writer waits for its own record and its own sync.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{env, thread};

use memtable::{MemOptions, MemStore};
use parking_lot::Mutex;
use tempfile::TempDir;
use wal::fs::OsFs;
use wal::{Durability, Engine, Result};

const THREADS: [usize; 6] = [1, 2, 4, 8, 16, 32];
const VALUE: [u8; 100] = [0x5a; 100];
/// How long each measurement takes.
const WINDOW: Duration = Duration::from_millis(600);
/// Of so many runs the best counts: the others were disturbed.
const RUNS: usize = 3;

/// What one measurement found, both per second.
#[derive(Clone, Copy, Default)]
struct Rates {
    writes: f64,
    syncs: f64,
}

fn main() -> Result<()> {
    let dir = work_dir();
    let [line, lock] = measure(dir.path())?;

    println!("# title: Durable writes of {} bytes", VALUE.len());
    println!("# x: threads");
    println!("# y: per second");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    print("your line: writes", &line, |rates| rates.writes);
    print("a lock instead: writes", &lock, |rates| rates.writes);
    print("your line: syncs", &line, |rates| rates.syncs);
    let (one, many) = (line[0], line[THREADS.len() - 1]);
    println!(
        "# says: 32 threads write {:.0} times a second, {:.1} times as often as one thread, and \
         {:.1} times as often as behind a lock; each of {:.0} syncs a second carries {:.1} writes.",
        many.writes,
        many.writes / one.writes,
        many.writes / lock[THREADS.len() - 1].writes,
        many.syncs,
        many.writes / many.syncs,
    );
    Ok(())
}

/// A directory beside this program, which lies on the disk with the sources: the system's directory
/// for temporary files may be in memory, where a sync costs nothing.
fn work_dir() -> TempDir {
    let exe = env::current_exe().expect("a program knows where it is");
    let beside = exe.parent().expect("a program is in a directory");
    tempfile::tempdir_in(beside).expect("the directory with this program can be written to")
}

fn print(series: &str, rates: &[Rates], value: impl Fn(&Rates) -> f64) {
    for (threads, rates) in THREADS.iter().zip(rates) {
        println!("{series},{threads},{:.0}", value(rates).max(1.0));
    }
}

/// For each number of threads, the best of all runs: in line, and behind a lock.
fn measure(dir: &Path) -> Result<[[Rates; THREADS.len()]; 2]> {
    let mut best = [[Rates::default(); THREADS.len()]; 2];
    for run in 0..RUNS {
        for (n, threads) in THREADS.into_iter().enumerate() {
            let line = writes_per_second(&dir.join(format!("line-{run}-{n}")), threads, put)?;
            let lock = Mutex::new(());
            let lock =
                writes_per_second(&dir.join(format!("lock-{run}-{n}")), threads, |store, key| {
                    let _alone = lock.lock();
                    put(store, key)
                })?;
            for (best, rates) in best.iter_mut().zip([line, lock]) {
                if rates.writes > best[n].writes {
                    best[n] = rates;
                }
            }
        }
    }
    Ok(best)
}

fn put(store: &MemStore, key: u64) -> Result<()> {
    store.put(&key.to_be_bytes(), &VALUE, Durability::Synced).map(drop)
}

/// How often `write` returns in a second, when that many threads call it all the time on a store of
/// their own, and how often that store's log syncs.
fn writes_per_second(
    dir: &Path,
    threads: usize,
    write: impl Fn(&MemStore, u64) -> Result<()> + Sync,
) -> Result<Rates> {
    let store = MemStore::open(Arc::new(OsFs), dir, MemOptions::default())?;
    let (count, start) = (AtomicU64::new(0), Instant::now());
    let work = || {
        while start.elapsed() < WINDOW {
            write(&store, count.fetch_add(1, Relaxed))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no write panics"))
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let syncs = store.stats().get("syncs").expect("the store counts them");
    store.close()?;
    Ok(Rates { writes: count.into_inner() as f64 / seconds, syncs: syncs as f64 / seconds })
}
