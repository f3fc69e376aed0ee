//! The Bitcask lab's experiment: how long a store takes to open, with hint files and without.
//!
//! Without them every byte of the log is read and checked; with them, of all segments but the
//! newest, only keys and places.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs, process};

use wal::fs::{Fs, OsFs};
use wal::{Bitcask, BitcaskOptions, Durability, Engine, LogOptions, Result, WriteBatch};

const VALUE: [u8; 4000] = [0x5a; 4000];
const ENTRY_COUNTS: [u32; 6] = [500, 1_000, 2_000, 5_000, 10_000, 20_000];
/// Of so many openings the fastest counts: the others were disturbed.
const RUNS: usize = 5;

fn main() -> Result<()> {
    let dir = env::temp_dir().join(format!("cairn-lab-bitcask-{}", process::id()));
    let mut measured = Vec::new();
    for count in ENTRY_COUNTS {
        let times = measure(&dir, count);
        fs::remove_dir_all(&dir).expect("the directory was made by this program");
        measured.push(times?);
    }

    println!("# title: Opening a store: values of {} bytes", VALUE.len());
    println!("# x: entries");
    println!("# y: milliseconds");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    for (which, series) in ["reading the log", "reading hints"].iter().enumerate() {
        for (count, times) in ENTRY_COUNTS.iter().zip(&measured) {
            println!("{series},{count},{:.2}", times[which]);
        }
    }
    let [without, with] = measured[ENTRY_COUNTS.len() - 1];
    println!(
        "# says: With {} entries the store opens in {without:.1} ms from its log, and in {with:.1} \
         ms from hints, {:.1} times as fast; and the log was in the system's memory, not on disk.",
        ENTRY_COUNTS[ENTRY_COUNTS.len() - 1],
        without / with,
    );
    Ok(())
}

/// Milliseconds to open a store of `count` entries, without hints and with them.
fn measure(dir: &Path, count: u32) -> Result<[f64; 2]> {
    OsFs.create_dir(dir)?;
    let store = open(dir, true)?;
    for first in (0..count).step_by(10) {
        let mut batch = WriteBatch::new();
        for number in first..first + 10 {
            batch.put(format!("key {number:010}").as_bytes(), &VALUE);
        }
        store.write(batch, Durability::Buffered)?;
    }
    // Closing writes the hints.
    store.close()?;
    let with = fastest(dir, true)?;
    // Opening without hints removes them.
    let without = fastest(dir, false)?;
    Ok([without, with])
}

fn fastest(dir: &Path, hints: bool) -> Result<f64> {
    let mut fastest = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        let store = open(dir, hints)?;
        fastest = fastest.min(start.elapsed().as_secs_f64() * 1000.0);
        store.close()?;
    }
    Ok(fastest)
}

fn open(dir: &Path, hints: bool) -> Result<Bitcask> {
    let log = LogOptions { segment_size: 1 << 20, ..LogOptions::default() };
    Bitcask::open(Arc::new(OsFs), dir, BitcaskOptions { log, hints, ..BitcaskOptions::default() })
}
