//! Lab valuelog's experiment: how often each byte is written, with values in the tables and apart, over
//! the size of the values; and what that costs in room and in reads.
//!
//! Each store is given the same number of bytes, in keys that come in no order, each of them some four
//! times, on a simulated disk that counts. The log is not counted: it takes each byte once, whatever
//! comes behind it.

use std::path::Path;
use std::sync::Arc;

use lsm::{Lsm, LsmOptions};
use sstable::{Codec, TableOptions};
use wal::fs::{Fs, SimFs};
use wal::{Direction, Durability, Engine, KeyRange, Reader, Result, WriteBatch};

/// Sizes of values, in bytes.
const VALUE_SIZES: [usize; 9] = [64, 128, 256, 512, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10];
/// What each store is given, in bytes.
const WRITTEN: usize = 32 << 20;
/// How often each key is written, about.
const ROUNDS: usize = 4;
const MEMTABLE_SIZE: usize = 256 << 10;
const DIR: &str = "/db";

/// What was measured of a store.
struct Measured {
    /// Bytes written to tables and value files, for each byte of keys and values.
    write_amplification: f64,
    /// Bytes in the directory, for each byte that is alive.
    space_amplification: f64,
    /// Reads of the disk for each entry of a scan over everything, with a cold cache.
    scan_reads: f64,
}

fn main() -> Result<()> {
    let mut all = Vec::new();
    for value_size in VALUE_SIZES {
        all.push([measure(value_size, None)?, measure(value_size, Some(1))?]);
    }
    println!("# title: Values in the tables, and apart");
    println!("# x: size of a value, in bytes");
    println!("# y: bytes written for each byte given");
    println!("# x-scale: log");
    println!("series,x,y");
    for (kind, series) in ["in the tables", "apart"].into_iter().enumerate() {
        for (size, measured) in VALUE_SIZES.iter().zip(&all) {
            println!("{series},{size},{:.3}", measured[kind].write_amplification);
        }
    }
    let (small, large) = (&all[0], &all[VALUE_SIZES.len() - 1]);
    let [inline, apart] = large;
    println!(
        "# says: Values of {} bytes are written {:.1} times in the tables and {:.1} times apart; \
         those of {} bytes {:.1} and {:.1} times. On disk is {:.1} and {:.1} times what is alive, and \
         a scan of the large ones reads {:.2} and {:.2} times for each entry; of the small ones, \
         {:.2} and {:.2} times.",
        VALUE_SIZES[VALUE_SIZES.len() - 1],
        inline.write_amplification,
        apart.write_amplification,
        VALUE_SIZES[0],
        small[0].write_amplification,
        small[1].write_amplification,
        inline.space_amplification,
        apart.space_amplification,
        inline.scan_reads,
        apart.scan_reads,
        small[0].scan_reads,
        small[1].scan_reads,
    );
    Ok(())
}

fn measure(value_size: usize, value_min: Option<usize>) -> Result<Measured> {
    let sim = SimFs::new(1);
    let options = || LsmOptions {
        memtable_size: MEMTABLE_SIZE,
        table_size: MEMTABLE_SIZE as u64,
        base_level_size: 2 * MEMTABLE_SIZE as u64,
        // What repeats itself would be compressed away, and apart nothing is.
        table: TableOptions { codec: Codec::None, ..TableOptions::default() },
        value_min,
        ..LsmOptions::default()
    };
    let open = || Lsm::open(Arc::new(sim.clone()), Path::new(DIR), options());
    let store = open()?;
    let keys = WRITTEN / value_size / ROUNDS;
    let value = vec![0x5a; value_size];
    for number in 0..keys * ROUNDS {
        let mut batch = WriteBatch::new();
        batch.put(&key_of(number, keys), &value);
        store.write(batch, Durability::Buffered)?;
        // Compaction keeps up: what is measured does not depend on who is faster.
        if number % (MEMTABLE_SIZE / value_size) == 0 {
            store.settle()?;
        }
    }
    store.settle()?;
    let written: u64 = ["flushed_bytes", "compaction_written", "value_written"]
        .map(|name| stat(&store, name))
        .iter()
        .sum();
    store.close()?;
    drop(store);
    let mut on_disk = 0;
    for name in sim.list(Path::new(DIR))? {
        if name.ends_with(".sst") || name.ends_with(".val") {
            on_disk += sim.open(&Path::new(DIR).join(name))?.len()?;
        }
    }
    let store = open()?;
    let before = sim.counts().reads;
    let alive = store.scan(KeyRange::all(), Direction::Forward)?.count();
    let entry_size = (8 + value_size) as f64;
    Ok(Measured {
        write_amplification: written as f64 / ((keys * ROUNDS) as f64 * entry_size),
        space_amplification: on_disk as f64 / (alive as f64 * entry_size),
        scan_reads: (sim.counts().reads - before) as f64 / alive as f64,
    })
}

/// Keys in no order.
fn key_of(number: usize, keys: usize) -> [u8; 8] {
    let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995;
    (mixed.rotate_left(23) % keys as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()
}

fn stat(store: &Lsm, name: &str) -> u64 {
    let counters = store.stats().counters;
    counters.iter().find(|counter| counter.name == name).map_or(0, |counter| counter.value)
}
