//! Day 3's experiment: commits per second from 1 to 32 threads, on the real disk.
//!
//! Two ways to be durable: your log, in which one thread syncs for all who wait, and a file behind
//! a lock, in which each commit writes and syncs for itself.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use wal::fs::{File, Fs, OsFs};
use wal::{Durability, LogOptions, Record, Result, Wal, encode};

const THREADS: [usize; 6] = [1, 2, 4, 8, 16, 32];
const PAYLOAD: [u8; 100] = [0x5a; 100];
/// How long each measurement takes.
const WINDOW: Duration = Duration::from_millis(600);
/// Of so many runs the best counts: the others were disturbed.
const RUNS: usize = 3;

/// What one measurement found, both per second.
#[derive(Clone, Copy, Default)]
struct Rates {
    commits: f64,
    syncs: f64,
}

fn main() -> Result<()> {
    let dir = work_dir();
    OsFs.create_dir(&dir)?;
    let measured = measure(&dir);
    fs::remove_dir_all(&dir).expect("the directory was made by this program");
    let [shared, alone] = measured?;

    println!("# title: Durable commits of {} bytes", PAYLOAD.len());
    println!("# x: threads");
    println!("# y: per second");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    let commits = |rates: &Rates| rates.commits;
    print("your log: commits", &shared, commits);
    print("one sync each: commits", &alone, commits);
    print("your log: syncs", &shared, |rates| rates.syncs);
    let (one, many) = (shared[0], shared[THREADS.len() - 1]);
    println!(
        "# says: 32 threads commit {:.0} times a second, {:.1} times as often as one thread; each \
         of {:.0} syncs a second carries {:.0} commits.",
        many.commits,
        many.commits / one.commits,
        many.syncs,
        many.commits / many.syncs,
    );
    Ok(())
}

/// A directory beside this program, which lies on the disk with the sources: the system's directory
/// for temporary files may be in memory, where a sync costs nothing.
fn work_dir() -> PathBuf {
    let exe = env::current_exe().expect("a program knows where it is");
    exe.with_file_name(format!("lab-sync-{}", process::id()))
}

fn print(series: &str, rates: &[Rates], value: impl Fn(&Rates) -> f64) {
    for (threads, rates) in THREADS.iter().zip(rates) {
        println!("{series},{threads},{:.0}", value(rates).max(1.0));
    }
}

/// For each number of threads, the best of all runs: with the log, and with a sync each.
fn measure(dir: &Path) -> Result<[[Rates; THREADS.len()]; 2]> {
    let mut best = [[Rates::default(); THREADS.len()]; 2];
    for run in 0..RUNS {
        for (n, threads) in THREADS.into_iter().enumerate() {
            let log = dir.join(format!("log-{run}-{threads}"));
            let rates = [share_syncs(&log, threads)?, sync_each(&dir.join("file"), threads)?];
            for (best, rates) in best.iter_mut().zip(rates) {
                if rates.commits > best[n].commits {
                    best[n] = rates;
                }
            }
        }
    }
    Ok(best)
}

/// All threads commit to one log.
fn share_syncs(dir: &Path, threads: usize) -> Result<Rates> {
    OsFs.create_dir(dir)?;
    let wal = Wal::open(Arc::new(OsFs), dir, 0, LogOptions::default())?;
    let rate = commits_per_second(threads, || wal.commit(&PAYLOAD, Durability::Synced).map(drop))?;
    let stats = wal.stats();
    Ok(Rates { commits: rate, syncs: rate * stats.syncs as f64 / stats.records as f64 })
}

/// All threads write to one file, one after the other, each with a sync of its own.
fn sync_each(path: &Path, threads: usize) -> Result<Rates> {
    let end = Mutex::new((OsFs.create(path)?, 0));
    let commit = || {
        let mut end = end.lock().expect("no thread panics while it has the lock");
        let (file, lsn) = &mut *end;
        *lsn += write_and_sync(&**file, *lsn)?;
        Ok(())
    };
    let rate = commits_per_second(threads, commit)?;
    Ok(Rates { commits: rate, syncs: rate })
}

fn write_and_sync(file: &dyn File, lsn: u64) -> Result<u64> {
    let mut bytes = Vec::new();
    encode(&Record { lsn, synced: lsn, payload: &PAYLOAD }, &mut bytes)?;
    file.write_at(lsn, &bytes)?;
    file.sync_data()?;
    Ok(bytes.len() as u64)
}

/// How often `commit` returns in a second, when that many threads call it all the time.
fn commits_per_second(threads: usize, commit: impl Fn() -> Result<()> + Sync) -> Result<f64> {
    let (count, start) = (AtomicU64::new(0), Instant::now());
    let work = || {
        while start.elapsed() < WINDOW {
            commit()?;
            count.fetch_add(1, Relaxed);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no commit panics"))
    })?;
    Ok(count.into_inner() as f64 / start.elapsed().as_secs_f64())
}
