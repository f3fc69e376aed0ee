//! Lab subcompactions' experiment: how long a compaction takes in parts, and how long a read takes
//! meanwhile, with a limit and without.
//!
//! The disk is simulated, and does four things at a time, each for a fifth of a millisecond; whoever
//! comes then waits until one is done. Compactions of one to four threads run on it, and somebody
//! reads, a block each time. With the limit, four threads write half as fast as they did without.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use lsm::compaction::Compaction;
use lsm::{LsmOptions, Tree};
use memtable::{Flush, Frozen, LogMark, StoreTable};
use sstable::{Codec, TableOptions};
use wal::fs::{File, Fs, Lock, SimFs};
use wal::{Operation, Result};

/// What the disk does at the same time, and how long each takes.
const CHANNELS: usize = 4;
const SERVICE_TIME: Duration = Duration::from_micros(200);
const FLUSHES: u64 = 4;
const ENTRIES: u64 = 40_000;
const VALUE: [u8; 100] = [0x5a; 100];
const DIR: &str = "/db";

/// What was measured of a compaction.
struct Measured {
    /// How long it took.
    took: Duration,
    /// How long each read took meanwhile, the fastest first.
    reads: Vec<Duration>,
    /// What it wrote, in bytes.
    written: u64,
}

impl Measured {
    /// Of a hundred reads so many were not slower.
    fn percentile(&self, percent: usize) -> Duration {
        self.reads[(self.reads.len() - 1) * percent / 100]
    }
}

fn main() -> Result<()> {
    let mut measured = Vec::new();
    for threads in [1, 2, 4] {
        let name = format!("{threads} thread{}", if threads == 1 { "" } else { "s" });
        measured.push((name, measure(threads, None)?));
    }
    let fast = &measured[measured.len() - 1].1;
    let rate = (fast.written as f64 / fast.took.as_secs_f64() / 2.0) as u64;
    measured.push(("4 threads, half the rate".to_owned(), measure(4, Some(rate))?));
    let alone = measured[0].1.took;
    let times = |time: Duration, of: Duration| time.as_secs_f64() / of.as_secs_f64();
    println!("# title: A compaction in parts, and reads meanwhile");
    println!("# kind: bar");
    println!("# x: the compaction");
    println!("# y: times as long");
    println!("series,x,y");
    for (name, measured) in &measured {
        println!("compaction (one thread = 1),{name},{:.2}", times(measured.took, alone));
    }
    for percent in [50, 99] {
        for (name, measured) in &measured {
            let time = times(measured.percentile(percent), SERVICE_TIME);
            println!("p{percent} of a read (the disk's time = 1),{name},{time:.2}");
        }
    }
    let [one, _, four, limited] = &measured[..] else { unreachable!("there are four") };
    println!(
        "# says: Four threads take {:.2} of the time of one. Meanwhile, of a hundred reads 99 take up \
         to {:.1} times what the disk needs, and {:.1} times with one thread; with half the rate it \
         is {:.1} times, and the compaction takes {:.2} of the time.",
        times(four.1.took, alone),
        times(four.1.percentile(99), SERVICE_TIME),
        times(one.1.percentile(99), SERVICE_TIME),
        times(limited.1.percentile(99), SERVICE_TIME),
        times(limited.1.took, alone),
    );
    Ok(())
}

/// Compacts a level 0 of some tables, while somebody reads.
fn measure(compaction_threads: usize, compaction_rate: Option<u64>) -> Result<Measured> {
    let disk = Arc::new(SlowFs { sim: SimFs::new(1), queue: Arc::default() });
    disk.create_dir(Path::new(DIR))?;
    let options = LsmOptions {
        cache_size: 0,
        table: TableOptions { block_size: 1 << 10, codec: Codec::None, ..TableOptions::default() },
        table_size: 256 << 10,
        compaction_threads,
        compaction_rate,
        ..LsmOptions::default()
    };
    let tree = Tree::open(Arc::clone(&disk) as Arc<dyn Fs>, Path::new(DIR), options)?;
    for number in 0..FLUSHES {
        flush(&tree, number)?;
    }
    disk.queue.is_slow.store(true, Ordering::Release);
    let inputs = tree.version().level(0).iter().map(|table| (0, Arc::clone(&table.meta))).collect();
    let compaction = Compaction { inputs, output_level: 1 };
    let is_done = AtomicBool::new(false);
    let (took, reads) = thread::scope(|scope| -> Result<_> {
        let reader = scope.spawn(|| read_until(&tree, &is_done));
        let begun = Instant::now();
        let compacted = tree.compact(&compaction);
        let took = begun.elapsed();
        is_done.store(true, Ordering::Release);
        let reads = reader.join().expect("it does not panic")?;
        compacted.map(|()| (took, reads))
    })?;
    let written = tree.version().level(1).iter().map(|table| table.meta.size).sum();
    Ok(Measured { took, reads, written })
}

/// Flushes every `FLUSHES`th key, so that all tables overlap.
fn flush(tree: &Tree, number: u64) -> Result<()> {
    let table = StoreTable::new();
    for index in (number..ENTRIES).step_by(FLUSHES as usize) {
        table.insert(1 + index, Operation::Put { key: &key(index), value: &VALUE });
    }
    let end = LogMark { lsn: number + 1, seq: ENTRIES + number };
    tree.flush(&Frozen { table: Arc::new(table), end })
}

/// Reads keys all over the store until it is done, and says how long each took, in order.
fn read_until(tree: &Tree, is_done: &AtomicBool) -> Result<Vec<Duration>> {
    let mut reads = Vec::new();
    for number in 0.. {
        if is_done.load(Ordering::Acquire) && number > 100 {
            break;
        }
        let begun = Instant::now();
        let found = tree.version().get(&key(number * 7919 % ENTRIES), u64::MAX >> 8)?;
        reads.push(begun.elapsed());
        assert!(found.into_value().is_some(), "each of them is there");
    }
    reads.sort_unstable();
    Ok(reads)
}

fn key(number: u64) -> Vec<u8> {
    format!("stone/{number:08}").into_bytes()
}

/// Who is at the disk, and who waits.
#[derive(Debug, Default)]
struct Queue {
    is_slow: AtomicBool,
    busy: Mutex<usize>,
    is_free: Condvar,
}

impl Queue {
    /// Waits for a channel, and has it for as long as the disk needs.
    fn take_turn(&self) {
        if !self.is_slow.load(Ordering::Acquire) {
            return;
        }
        let busy = self.busy.lock().expect("nobody panics");
        *self.is_free.wait_while(busy, |busy| *busy == CHANNELS).expect("nobody panics") += 1;
        thread::sleep(SERVICE_TIME);
        *self.busy.lock().expect("nobody panics") -= 1;
        self.is_free.notify_one();
    }
}

/// A simulated disk whose reads and writes take their time.
#[derive(Debug)]
struct SlowFs {
    sim: SimFs,
    queue: Arc<Queue>,
}

impl SlowFs {
    fn slow(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(SlowFile { file, queue: Arc::clone(&self.queue) })
    }
}

impl Fs for SlowFs {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        Ok(self.slow(self.sim.create(path)?))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        Ok(self.slow(self.sim.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.sim.rename(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.sim.remove(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        self.sim.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.sim.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.sim.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> Result<Lock> {
        self.sim.lock(path)
    }
}

#[derive(Debug)]
struct SlowFile {
    file: Arc<dyn File>,
    queue: Arc<Queue>,
}

impl File for SlowFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.queue.take_turn();
        self.file.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.queue.take_turn();
        self.file.write_at(offset, bytes)
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data()
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file.set_len(len)
    }

    fn len(&self) -> Result<u64> {
        self.file.len()
    }

    fn path(&self) -> &Path {
        self.file.path()
    }
}
