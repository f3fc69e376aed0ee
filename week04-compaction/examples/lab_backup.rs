//! Lab backup's experiment: what a backup sends when there was one before, and what a checkpoint takes.
//!
//! A store of the real disk is written, backed up, written, backed up again, and so on, into a
//! directory. Once its keys come in any order, so that each part that is written meets all tables; and
//! once in their own order, as those of a log do. What is sent is what the directory grows by.
//!
//! Then stores of growing size are copied by a checkpoint, with links and without.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use lsm::backup::Backups;
use lsm::{Lsm, LsmOptions};
use object_store::local::LocalFileSystem;
use tempfile::TempDir;
use wal::fs::{File, Fs, Lock, OsFs};
use wal::{Durability, Engine, Error, Result, WriteBatch};

/// Backups of each store, and bytes that are written before each.
const BACKUPS: u64 = 12;
const STEP_SIZE: u64 = 4 << 20;
/// Sizes of the stores that are copied, in MiB.
const SIZES: [u64; 4] = [8, 32, 64, 128];
/// So often a checkpoint is made, of which the fastest counts: syncs of a busy disk take any time, and
/// there is little else in one with links.
const LINKED_REPETITIONS: usize = 25;
const COPIED_REPETITIONS: usize = 5;
const VALUE_SIZE: u64 = 100;
const ENTRY_SIZE: u64 = 8 + VALUE_SIZE;
const BATCH_COUNT: u64 = 100;

fn main() -> Result<()> {
    let spread = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let any_order = measure(spread)?;
    let own_order = measure(|number| number)?;
    println!("# title: What a backup sends");
    println!("# x: backup");
    println!("# y: MiB");
    println!("series,x,y");
    let series: [(&str, &dyn Fn(usize) -> u64); 4] = [
        ("size of the store", &|at| any_order[at].size),
        ("sent, keys in any order", &|at| any_order[at].sent),
        ("sent, keys in their order", &|at| own_order[at].sent),
        ("written since the last one", &|_| STEP_SIZE),
    ];
    for (name, bytes) in series {
        for at in 0..BACKUPS as usize {
            println!("{name},{},{:.2}", at + 1, mib(bytes(at)));
        }
    }
    let times = SIZES.iter().map(|size| Ok((*size, copy(*size << 20)?)));
    let times = times.collect::<Result<Vec<_>>>()?;
    let ((small, (small_ms, _)), (large, (large_ms, copied_ms))) =
        (times[0], times[SIZES.len() - 1]);
    let last = BACKUPS as usize - 1;
    println!(
        "# says: The last backup of a store of {:.0} MiB sends {:.1} MiB, and with keys in their \
         order {:.1} MiB; {:.0} MiB were written since the one before. A checkpoint of {small} MiB \
         takes {small_ms:.1} ms, and of {large} MiB {large_ms:.1} ms; without links {copied_ms:.0} ms.",
        mib(any_order[last].size),
        mib(any_order[last].sent),
        mib(own_order[last].sent),
        mib(STEP_SIZE),
    );
    Ok(())
}

/// What was seen of one backup, in bytes.
struct Measured {
    /// What the directory of the backups has grown by.
    sent: u64,
    /// All tables of the store.
    size: u64,
}

fn options() -> LsmOptions {
    LsmOptions {
        memtable_size: 1 << 20,
        table_size: 1 << 20,
        base_level_size: 4 << 20,
        ..LsmOptions::default()
    }
}

/// Backups of a store whose `n`th key is `key(n)`.
fn measure(key: impl Fn(u64) -> u64) -> Result<Vec<Measured>> {
    let dir = tempdir()?;
    let bucket = dir.path().join("bucket");
    std::fs::create_dir(&bucket).map_err(|error| Error::io("make", &bucket, error))?;
    let objects = LocalFileSystem::new_with_prefix(&bucket).expect("it was just made");
    let backups = Backups::new(Arc::new(objects))?;
    let store = Lsm::open(Arc::new(OsFs), &dir.path().join("db"), options())?;
    let mut measured = Vec::new();
    let (mut next, mut before) = (0, 0);
    for _ in 0..BACKUPS {
        next = fill(&store, next, STEP_SIZE, &key)?;
        store.backup(&backups)?;
        let now = size_of(&bucket.join("files"))? + size_of(&bucket.join("backups"))?;
        let size = store.version().tables().map(|table| table.meta.size).sum();
        measured.push(Measured { sent: now - before, size });
        before = now;
    }
    store.close()?;
    Ok(measured)
}

/// What a checkpoint of a store of this size takes, in milliseconds, with links and without: the best of
/// several, for whatever else a machine does only adds to it.
fn copy(size: u64) -> Result<(f64, f64)> {
    let dir = tempdir()?;
    let time = |fs: Arc<dyn Fs>, name: &str, repetitions: usize| {
        let store = Lsm::open(fs, &dir.path().join("db"), options())?;
        fill(&store, 0, if name == "link" { size } else { 0 }, &|number| number)?;
        store.settle()?;
        let mut best = f64::INFINITY;
        for number in 0..repetitions {
            let to = dir.path().join(format!("{name}{number}"));
            let begun = Instant::now();
            store.checkpoint(&to)?;
            best = best.min(begun.elapsed().as_secs_f64() * 1e3);
            // Not before the clock has stopped: a removed copy is work for the disk, too.
            std::fs::remove_dir_all(&to).map_err(|error| Error::io("remove", &to, error))?;
        }
        store.close()?;
        Ok(best)
    };
    let linked = time(Arc::new(OsFs), "link", LINKED_REPETITIONS)?;
    Ok((linked, time(Arc::new(NoLinks), "copy", COPIED_REPETITIONS)?))
}

/// Writes so many bytes, from entry `next` on, and says which is the next then.
fn fill(store: &Lsm, next: u64, size: u64, key: &impl Fn(u64) -> u64) -> Result<u64> {
    let end = next + size / ENTRY_SIZE;
    for first in (next..end).step_by(BATCH_COUNT as usize) {
        let mut batch = WriteBatch::new();
        for number in first..end.min(first + BATCH_COUNT) {
            batch.put(&key(number).to_be_bytes(), &value(number));
        }
        store.write(batch, Durability::Buffered)?;
    }
    Ok(end)
}

/// Bytes that do not compress.
fn value(number: u64) -> Vec<u8> {
    let mut state = number | 1 << 40;
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    });
    bytes.take(VALUE_SIZE as usize).collect()
}

fn tempdir() -> Result<TempDir> {
    TempDir::new().map_err(|error| Error::io("make", Path::new("a directory"), error))
}

/// Size of all files in a directory.
fn size_of(dir: &Path) -> Result<u64> {
    let failed = |error| Error::io("list", dir, error);
    let mut size = 0;
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        size += entry.and_then(|entry| entry.metadata()).map_err(failed)?.len();
    }
    Ok(size)
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}

/// The real disk, as if it had no links.
#[derive(Debug)]
struct NoLinks;

impl Fs for NoLinks {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        OsFs.create(path)
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        OsFs.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        OsFs.rename(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        OsFs.remove(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        OsFs.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        OsFs.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        OsFs.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> Result<Lock> {
        OsFs.lock(path)
    }
}
