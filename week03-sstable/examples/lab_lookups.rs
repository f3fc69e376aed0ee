//! Day 3's experiment: how many reads a lookup takes, with your index in memory and without one.
//!
//! Tables of a thousand to 300 000 entries are asked for keys that are there. Your table reads as
//! many blocks as it reads. The other reader knows where the blocks are, but none of their keys: it
//! halves them, and each block whose first key it wants to see is a read.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use memtable::{InternalKey, Kind, Lookup};
use sstable::format::{FOOTER_SIZE, Footer, Handle};
use sstable::{BadBlock, Block, Table, TableBuilder, TableOptions};
use wal::fs::{File, Fs, SimFs};
use wal::{Error, Result};

/// Entries in a table.
const ENTRIES: [u64; 6] = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000];
/// Keys that each table is asked for.
const LOOKUPS: u64 = 1_000;
const VALUE: [u8; 100] = [0x5a; 100];
const PATH: &str = "/db/000001.sst";

/// What was measured of a table.
struct Measured {
    entries: u64,
    /// Reads a lookup.
    with_index: f64,
    without_index: f64,
    /// The index in memory, and the data blocks, in bytes.
    memory: usize,
    data_size: u64,
}

fn main() -> Result<()> {
    let mut all = Vec::new();
    for entries in ENTRIES {
        all.push(measure(entries)?);
    }
    println!("# title: Reads for a lookup, in tables of growing size");
    println!("# x: entries in the table");
    println!("# y: reads for a lookup");
    println!("# x-scale: log");
    println!("series,x,y");
    for measured in &all {
        println!("your table,{},{:.2}", measured.entries, measured.with_index);
    }
    for measured in &all {
        println!("no index in memory,{},{:.2}", measured.entries, measured.without_index);
    }
    let last = &all[all.len() - 1];
    println!(
        "# says: With {} entries a lookup takes {:.1} reads in your table, and {:.1} if the blocks \
         are searched where they are. The index has {} KiB of memory for {} MiB of data, {:.1} % \
         of it.",
        last.entries,
        last.with_index,
        last.without_index,
        last.memory >> 10,
        last.data_size >> 20,
        100.0 * last.memory as f64 / last.data_size as f64,
    );
    Ok(())
}

fn measure(entries: u64) -> Result<Measured> {
    let sim = SimFs::new(1);
    sim.create_dir(Path::new("/db"))?;
    build(&sim, entries)?;
    let table = Table::open(&sim, Path::new(PATH), 1, None)?;
    // The step is odd and no multiple of 5: it meets keys all over the table.
    let wanted = (0..LOOKUPS).map(|number| key(number * 7_919 % entries));
    let before = sim.counts().reads;
    for key in wanted.clone() {
        assert!(matches!(table.get(&key, 1)?, Lookup::Value(_)), "each of them is there");
    }
    let reads = sim.counts().reads - before;
    let (file, handles) = (sim.open(Path::new(PATH))?, handles(&sim.contents(PATH))?);
    let mut reads_without = 0;
    for key in wanted {
        reads_without += search(&*file, &handles, InternalKey::lookup(&key, 1))?;
    }
    Ok(Measured {
        entries,
        with_index: reads as f64 / LOOKUPS as f64,
        without_index: reads_without as f64 / LOOKUPS as f64,
        memory: table.memory(),
        data_size: table.properties().data_size,
    })
}

fn build(sim: &SimFs, entries: u64) -> Result<()> {
    let fs = Arc::new(sim.clone());
    let mut builder = TableBuilder::create(fs, Path::new(PATH), TableOptions::plain())?;
    for number in 0..entries {
        let key = key(number);
        builder.add(InternalKey { user_key: &key, seq: 1, kind: Kind::Put }, &VALUE)?;
    }
    builder.finish()?;
    Ok(())
}

fn key(number: u64) -> Vec<u8> {
    format!("stone/{number:012}").into_bytes()
}

/// Where the data blocks are.
fn handles(file: &[u8]) -> Result<Vec<Handle>> {
    let (parts, footer) = file.split_last_chunk::<FOOTER_SIZE>().expect("it has a footer");
    let footer = Footer::decode(footer, parts.len() as u64).map_err(damaged)?;
    let index = &file[footer.index.offset as usize..][..footer.index.size as usize];
    let mut cursor = Block::parse(Bytes::copy_from_slice(index)).map_err(damaged)?.cursor();
    let mut handles = Vec::new();
    cursor.first().map_err(damaged)?;
    while cursor.key().is_some() {
        handles.push(Handle::decode(cursor.value().try_into().expect("a handle")));
        cursor.next().map_err(damaged)?;
    }
    Ok(handles)
}

/// Looks for the last block whose first key is at or before the target, by halves, and says how
/// many blocks it has read. The last one that was before the target is still there.
fn search(file: &dyn File, handles: &[Handle], target: InternalKey<'_>) -> Result<u64> {
    let (mut low, mut high, mut reads, mut held) = (0, handles.len(), 0, None);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        reads += 1;
        if read(file, handles[middle], |first| first <= target)? {
            (low, held) = (middle, Some(middle));
        } else {
            high = middle;
        }
    }
    Ok(if held == Some(low) { reads } else { reads + 1 })
}

/// Reads the block and asks about its first key.
fn read(
    file: &dyn File,
    handle: Handle,
    ask: impl FnOnce(InternalKey<'_>) -> bool,
) -> Result<bool> {
    let mut bytes = vec![0; handle.size as usize];
    file.read_at(handle.offset, &mut bytes)?;
    let mut cursor = Block::parse(bytes.into()).map_err(damaged)?.cursor();
    cursor.first().map_err(damaged)?;
    Ok(cursor.key().is_some_and(ask))
}

fn damaged(bad: BadBlock) -> Error {
    Error::corruption(Path::new(PATH), bad.at as u64, bad.reason)
}
