//! Day 5's experiment: durable operations per second over the size of a batch, on the real disk.
//!
//! One thread, and every batch is on the disk before the next begins. Beside it the same operations
//! as records of their own with one sync for as many: equally durable, but a crash may leave some
//! of them without the others.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use wal::fs::{Fs, OsFs};
use wal::{Durability, LogOptions, Result, Seq, Wal, WriteBatch};

/// Operations in a batch.
const SIZES: [usize; 7] = [1, 4, 16, 64, 256, 1024, 4096];
const VALUE: [u8; 100] = [0x5a; 100];
/// How long each measurement takes.
const WINDOW: Duration = Duration::from_millis(400);
/// Of so many runs the best counts: the others were disturbed.
const RUNS: usize = 3;

fn main() -> Result<()> {
    let dir = work_dir();
    OsFs.create_dir(&dir)?;
    let measured = measure(&dir);
    fs::remove_dir_all(&dir).expect("the directory was made by this program");
    let [together, apart] = measured?;

    println!("# title: Durable puts of {} bytes, one thread", VALUE.len());
    println!("# x: operations before each sync");
    println!("# y: operations per second");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    for (series, rates) in [("one batch", together), ("records of their own", apart)] {
        for (size, rate) in SIZES.iter().zip(rates) {
            println!("{series},{size},{rate:.0}");
        }
    }
    let at = |size| SIZES.iter().position(|&other| other == size).expect("it is measured");
    println!(
        "# says: One put at a time, {:.0} a second are durable; 1024 in a batch, {:.0}: {:.0} times \
         as many. Apart, with as few syncs, it is {:.0}: the sync costs, being atomic does not.",
        together[0],
        together[at(1024)],
        together[at(1024)] / together[0],
        apart[at(1024)],
    );
    Ok(())
}

/// A directory beside this program, which lies on the disk with the sources: the system's directory
/// for temporary files may be in memory, where a sync costs nothing.
fn work_dir() -> PathBuf {
    let exe = env::current_exe().expect("a program knows where it is");
    exe.with_file_name(format!("lab-batch-{}", process::id()))
}

/// For each size the best rate of all runs: as one batch, and as records of their own.
fn measure(dir: &Path) -> Result<[[f64; SIZES.len()]; 2]> {
    let mut best = [[0.0_f64; SIZES.len()]; 2];
    for run in 0..RUNS {
        for (n, size) in SIZES.into_iter().enumerate() {
            for (series, commit) in [together as Commit, apart].into_iter().enumerate() {
                let dir = dir.join(format!("{series}-{run}-{size}"));
                let rate = operations_per_second(&dir, size, commit)?;
                best[series][n] = best[series][n].max(rate);
                fs::remove_dir_all(&dir).expect("the directory was just made");
            }
        }
    }
    Ok(best)
}

/// Makes that many operations durable, the first with this number.
type Commit = fn(&Wal, Seq, usize) -> Result<()>;

/// All in one batch: one record, one sync.
fn together(wal: &Wal, first_seq: Seq, size: usize) -> Result<()> {
    let mut batch = WriteBatch::new();
    for seq in (first_seq..).take(size) {
        batch.put(&key(seq), &VALUE);
    }
    wal.commit(batch.encode(first_seq), Durability::Synced).map(drop)
}

/// Each in a batch of its own: many records, and one sync behind the last.
fn apart(wal: &Wal, first_seq: Seq, size: usize) -> Result<()> {
    for seq in (first_seq..).take(size) {
        let mut batch = WriteBatch::new();
        batch.put(&key(seq), &VALUE);
        wal.append(batch.encode(seq))?;
    }
    wal.sync()
}

fn key(seq: Seq) -> [u8; 16] {
    let mut key = [b'0'; 16];
    key[8..].copy_from_slice(&seq.to_be_bytes());
    key
}

fn operations_per_second(dir: &Path, size: usize, commit: Commit) -> Result<f64> {
    OsFs.create_dir(dir)?;
    let wal = Wal::open(Arc::new(OsFs), dir, 0, LogOptions::default())?;
    let (start, mut done) = (Instant::now(), 0);
    while start.elapsed() < WINDOW {
        commit(&wal, done as Seq + 1, size)?;
        done += size;
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}
