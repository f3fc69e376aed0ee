//! Lab partitions' experiment: what an open table keeps in memory, and what a lookup reads, whole
//! against cut into partitions.
//!
//! Tables of a thousand to a million entries are opened, and asked for keys that are there, all
//! over the table. Each lookup comes to a cold cache in the worst case, which is no cache at all;
//! or to one of 1 MiB, which lookups before have filled.

use std::path::Path;
use std::sync::Arc;

use memtable::{InternalKey, Kind, Lookup};
use sstable::{BlockCache, Table, TableBuilder, TableOptions};
use wal::Result;
use wal::fs::{Fs, SimFs};

/// Entries in a table.
const ENTRIES: [u64; 7] = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000];
/// Keys that each table is asked for, once to fill the cache and once more.
const LOOKUPS: u64 = 5_000;
const CACHE_SIZE: usize = 1 << 20;
const VALUE: [u8; 100] = [0x5a; 100];
const PATH: &str = "/db/000001.sst";

/// What was measured of a table.
struct Measured {
    /// What it keeps while it is open, in bytes.
    memory: usize,
    /// Reads of a lookup without a cache, and with one that is full.
    cold: f64,
    warm: f64,
}

fn main() -> Result<()> {
    let cut = TableOptions { index_partition_size: Some(4 << 10), ..TableOptions::default() };
    let mut all = Vec::new();
    for entries in ENTRIES {
        all.push([measure(entries, TableOptions::default())?, measure(entries, cut.clone())?]);
    }
    println!("# title: What an open table keeps in memory");
    println!("# x: entries in the table");
    println!("# y: bytes");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    for (kind, series) in ["whole", "in partitions"].into_iter().enumerate() {
        for (entries, measured) in ENTRIES.iter().zip(&all) {
            println!("{series},{entries},{}", measured[kind].memory);
        }
    }
    let [whole, cut] = all.pop().expect("some sizes");
    println!(
        "# says: A table of {} entries keeps {} KiB in memory, and {:.1} KiB if its index is cut. \
         A lookup without a cache reads {:.2} blocks, and {:.2} of the table that is cut; with a \
         cache of {} KiB, {:.2} and {:.2}.",
        ENTRIES[ENTRIES.len() - 1],
        whole.memory >> 10,
        cut.memory as f64 / 1024.0,
        whole.cold,
        cut.cold,
        CACHE_SIZE >> 10,
        whole.warm,
        cut.warm,
    );
    Ok(())
}

fn measure(entries: u64, options: TableOptions) -> Result<Measured> {
    let sim = SimFs::new(1);
    sim.create_dir(Path::new("/db"))?;
    let mut builder = TableBuilder::create(Arc::new(sim.clone()), Path::new(PATH), options)?;
    for number in 0..entries {
        let key = key(number);
        builder.add(InternalKey { user_key: &key, seq: 1, kind: Kind::Put }, &VALUE)?;
    }
    builder.finish()?;
    let cache = Arc::new(BlockCache::new(CACHE_SIZE));
    let table = |id, cache| Table::open(&sim, Path::new(PATH), id, cache);
    let (cold, warm) = (table(1, None)?, table(2, Some(cache))?);
    let memory = cold.memory();
    let cold = reads(&sim, &cold, entries)?;
    reads(&sim, &warm, entries)?;
    Ok(Measured { memory, cold, warm: reads(&sim, &warm, entries)? })
}

/// How many reads a lookup takes.
fn reads(sim: &SimFs, table: &Table, entries: u64) -> Result<f64> {
    let before = sim.counts().reads;
    // The step is odd and no multiple of 5: it meets keys all over the table.
    for number in 0..LOOKUPS {
        let found = table.get(&key(number * 77_919 % entries), 1)?;
        assert!(matches!(found, Lookup::Value(_)), "each of them is there");
    }
    Ok((sim.counts().reads - before) as f64 / LOOKUPS as f64)
}

fn key(number: u64) -> Vec<u8> {
    format!("stone/{number:012}").into_bytes()
}
