//! Day 6's experiment: how much is read when a store is opened, over how much was ever written to it.
//!
//! Week 2's store has nothing but its log, and reads all of it. Yours reads the manifest, the end and
//! the index of each table, and as much of the log as is in no table yet. Both are killed with
//! everything that they have in memory, and opened again on a simulated disk that counts.

use std::path::Path;
use std::sync::Arc;

use lsm::{Lsm, LsmOptions};
use memtable::{MemOptions, MemStore};
use wal::fs::{Fs, SimFs};
use wal::{Durability, Engine, Result, WriteBatch};

/// What was written by the time that a store is opened, in MiB.
const WRITTEN: [u64; 6] = [1, 2, 4, 8, 16, 32];
const MEMTABLE_SIZE: usize = 1 << 20;
const VALUE: [u8; 100] = [0x5a; 100];
/// Size of an entry: a key of eight bytes and a value.
const ENTRY_SIZE: u64 = 8 + VALUE.len() as u64;
const BATCH_COUNT: u64 = 100;
const DIR: &str = "/db";

type Open = fn(Arc<dyn Fs>) -> Result<Box<dyn Engine>>;

fn main() -> Result<()> {
    let yours = measure(open_yours)?;
    let log_only = measure(open_log_only)?;
    println!("# title: What is read when a store is opened");
    println!("# x: MiB ever written to it");
    println!("# y: MiB read");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    for (series, measured) in [("your store", &yours), ("week 2's store", &log_only)] {
        for (written, read) in WRITTEN.iter().zip(measured) {
            println!("{series},{written},{:.3}", mib(*read));
        }
    }
    let last = WRITTEN.len() - 1;
    println!(
        "# says: With {} MiB written, your store reads {:.1} MiB when it is opened, and week 2's \
         {:.1} MiB. A memtable has {} MiB here, and up to three are in memory when the store is \
         killed.",
        WRITTEN[last],
        mib(yours[last]),
        mib(log_only[last]),
        MEMTABLE_SIZE >> 20,
    );
    Ok(())
}

/// Bytes read when a store is opened to which so much was written.
fn measure(open: Open) -> Result<Vec<u64>> {
    let mut measured = Vec::new();
    for written in WRITTEN {
        let sim = SimFs::new(1);
        let killed = open(Arc::new(sim.clone()))?;
        fill(&*killed, (written << 20) / ENTRY_SIZE)?;
        sim.kill();
        drop(killed);
        let before = sim.counts().bytes_read;
        let store = open(Arc::new(sim.clone()))?;
        measured.push(sim.counts().bytes_read - before);
        drop(store);
    }
    Ok(measured)
}

fn fill(store: &dyn Engine, entries: u64) -> Result<()> {
    for first in (0..entries).step_by(BATCH_COUNT as usize) {
        let mut batch = WriteBatch::new();
        for number in first..entries.min(first + BATCH_COUNT) {
            // An odd factor: each number once, in no order.
            let key = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
            batch.put(&key, &VALUE);
        }
        store.write(batch, Durability::Flushed)?;
    }
    Ok(())
}

fn open_yours(fs: Arc<dyn Fs>) -> Result<Box<dyn Engine>> {
    let options = LsmOptions {
        memtable_size: MEMTABLE_SIZE,
        table_size: MEMTABLE_SIZE as u64,
        base_level_size: 4 * MEMTABLE_SIZE as u64,
        ..LsmOptions::default()
    };
    Ok(Box::new(Lsm::open(fs, Path::new(DIR), options)?))
}

fn open_log_only(fs: Arc<dyn Fs>) -> Result<Box<dyn Engine>> {
    let options = MemOptions { memtable_size: MEMTABLE_SIZE, ..MemOptions::default() };
    Ok(Box::new(MemStore::open(fs, Path::new(DIR), options)?))
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}
