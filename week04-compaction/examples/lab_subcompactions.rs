//! Lab subcompactions' experiment: how long a compaction takes in parts, and how long a read takes
//! meanwhile, with a limit and without.
//!
//! The disk is simulated, and does four things at a time, each for a millisecond; whoever comes then
//! waits in line. Compactions of one to sixteen threads run on it, and somebody reads, a block each
//! time. With the limit, sixteen threads write half as fast as they did without. How long a read takes
//! is told by the line that it meets: so it is the disk that is measured, and not this machine.

use std::cell::Cell;
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
const SERVICE_TIME: Duration = Duration::from_millis(1);
const FLUSHES: u64 = 4;
const ENTRIES: u64 = 20_000;
const VALUE: [u8; 100] = [0x5a; 100];
const DIR: &str = "/db";

/// What was measured of a compaction.
struct Measured {
    /// How long it took.
    took: Duration,
    /// How long each read took meanwhile, the fastest first, in what the disk needs for one.
    reads: Vec<f64>,
    /// What it wrote, in bytes.
    written: u64,
}

impl Measured {
    /// Of a hundred reads so many were not slower.
    fn percentile(&self, percent: usize) -> f64 {
        self.reads[(self.reads.len() - 1) * percent / 100]
    }
}

fn main() -> Result<()> {
    let mut measured = Vec::new();
    for threads in [1, 2, 4, 16] {
        let name = format!("{threads} thread{}", if threads == 1 { "" } else { "s" });
        measured.push((name, measure(threads, None)?));
    }
    let fast = &measured[measured.len() - 1].1;
    let rate = (fast.written as f64 / fast.took.as_secs_f64() / 2.0) as u64;
    measured.push(("16 threads at half the rate".to_owned(), measure(16, Some(rate))?));
    let alone = measured[0].1.took;
    let part = |measured: &Measured| measured.took.as_secs_f64() / alone.as_secs_f64();
    println!("# title: A compaction in parts, and reads meanwhile");
    println!("# kind: bar");
    println!("# x: the compaction");
    println!("# y: times as long");
    println!("series,x,y");
    for (name, measured) in &measured {
        println!("the compaction (one thread = 1),{name},{:.2}", part(measured));
    }
    for (percent, which) in [(50, "the middle read"), (99, "99 of 100 reads")] {
        for (name, measured) in &measured {
            println!("{which} (alone = 1),{name},{:.2}", measured.percentile(percent));
        }
    }
    let [_, _, (_, four), (_, sixteen), (_, limited)] = &measured[..] else {
        unreachable!("there are five")
    };
    println!(
        "# says: On a disk that does four things at a time, four threads take {:.2} of the time of one, \
         and sixteen {:.2}. Meanwhile 99 of 100 reads take up to {:.2} times as long as alone with \
         four threads, and {:.2} times with sixteen; at half the rate the middle one takes {:.2} times \
         as long, and not {:.2}, and the compaction {:.2} of the time.",
        part(four),
        part(sixteen),
        four.percentile(99),
        sixteen.percentile(99),
        limited.percentile(50),
        sixteen.percentile(50),
        part(limited),
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
        table_size: 128 << 10,
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
    let mut seq = number * ENTRIES / FLUSHES;
    for index in (number..ENTRIES).step_by(FLUSHES as usize) {
        seq += 1;
        table.insert(seq, Operation::Put { key: &key(index), value: &VALUE });
    }
    let end = LogMark { lsn: seq, seq };
    tree.flush(&Frozen { table: Arc::new(table), end })
}

/// Reads keys all over the store until it is done, and says how long each took, in order.
fn read_until(tree: &Tree, is_done: &AtomicBool) -> Result<Vec<f64>> {
    let mut reads = Vec::new();
    for number in 0.. {
        if is_done.load(Ordering::Acquire) && number > 100 {
            break;
        }
        let found = tree.version().get(&key(number * 7919 % ENTRIES), u64::MAX >> 8)?;
        let in_front = IN_FRONT.get().saturating_sub(CHANNELS - 1);
        reads.push(1.0 + in_front as f64 / CHANNELS as f64);
        assert!(found.into_value().is_some(), "each of them is there");
    }
    reads.sort_unstable_by(f64::total_cmp);
    Ok(reads)
}

fn key(number: u64) -> Vec<u8> {
    format!("stone/{number:08}").into_bytes()
}

thread_local! {
    /// How many were at the disk or in line when this thread came there last.
    static IN_FRONT: Cell<usize> = const { Cell::new(0) };
}

/// Who is at the disk, and who waits in line.
#[derive(Debug, Default)]
struct Queue {
    is_slow: AtomicBool,
    line: Mutex<Line>,
    is_free: Condvar,
}

#[derive(Debug, Default)]
struct Line {
    come: usize,
    gone: usize,
}

impl Queue {
    /// Waits for a channel, and has it for as long as the disk needs.
    fn take_turn(&self) {
        if !self.is_slow.load(Ordering::Acquire) {
            return;
        }
        let mut line = self.line.lock().expect("nobody panics");
        IN_FRONT.set(line.come - line.gone);
        let mine = line.come;
        line.come += 1;
        let waits = |line: &mut Line| mine >= line.gone + CHANNELS;
        drop(self.is_free.wait_while(line, waits).expect("nobody panics"));
        thread::sleep(SERVICE_TIME);
        self.line.lock().expect("nobody panics").gone += 1;
        self.is_free.notify_all();
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
