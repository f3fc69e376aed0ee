//! Day 2's experiment: how large an index is, with your separators and with whole keys.
//!
//! The same entries are built into tables with blocks of half a KiB to 64 KiB. Each table's index
//! is read from its end, and made once more with the last key of each block, whole, in place of the
//! separator.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use memtable::{InternalKey, Kind};
use sstable::format::{FOOTER_SIZE, Footer, Handle};
use sstable::{BadBlock, Block, BlockBuilder, TableBuilder, TableOptions};
use wal::fs::{Fs, SimFs};
use wal::{Error, Result};

/// In bytes, each twice the one before.
const BLOCK_SIZES: [usize; 8] = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];
const ENTRIES: u64 = 40_000;
const VALUE: [u8; 100] = [0x5a; 100];
const PATH: &str = "/db/000001.sst";

fn main() -> Result<()> {
    let mut parts = [Vec::new(), Vec::new()];
    let mut sizes = Vec::new();
    for block_size in BLOCK_SIZES {
        let file = build(block_size)?;
        let measured = measure(&file).map_err(|bad| Error::corruption(Path::new(PATH), 0, bad))?;
        let (data, short, whole) = measured;
        parts[0].push(100.0 * short as f64 / data as f64);
        parts[1].push(100.0 * whole as f64 / data as f64);
        sizes.push((short, whole));
    }

    println!("# title: The index of {ENTRIES} entries with keys of 32 bytes");
    println!("# x: block size, in bytes");
    println!("# y: index, as % of the data blocks");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    for (series, parts) in [("your separators", &parts[0]), ("last keys, whole", &parts[1])] {
        for (size, part) in BLOCK_SIZES.iter().zip(parts) {
            println!("{series},{size},{part:.3}");
        }
    }
    let (short, whole) = sizes[3];
    println!(
        "# says: With blocks of 4 KiB the index has {} KiB with your separators, and {} KiB with \
         whole keys, {:.1} times as many: {:.1} % and {:.1} % of the data. Larger blocks make it \
         smaller still, and each lookup reads a larger block.",
        short >> 10,
        whole >> 10,
        whole as f64 / short as f64,
        parts[0][3],
        parts[1][3],
    );
    Ok(())
}

/// The bytes of a table with blocks of this size.
fn build(block_size: usize) -> Result<Vec<u8>> {
    let fs = SimFs::new(1);
    let path = Path::new(PATH);
    fs.create_dir(path.parent().expect("it is in a directory"))?;
    let options = TableOptions { block_size, ..TableOptions::plain() };
    let mut table = TableBuilder::create(Arc::new(fs.clone()), path, options)?;
    // Numbers that look random and come once: the multiplier is odd.
    let random = |seq: u64| seq.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut seqs: Vec<u64> = (1..=ENTRIES).collect();
    seqs.sort_by_key(|&seq| random(seq));
    for seq in seqs {
        let key = format!("{:016x}{:016x}", random(seq), random(random(seq)));
        let key = InternalKey { user_key: key.as_bytes(), seq, kind: Kind::Put };
        table.add(key, &VALUE)?;
    }
    table.finish()?;
    Ok(fs.contents(path))
}

/// Size of the data blocks, of the index, and of the index if it had whole keys.
fn measure(file: &[u8]) -> Result<(u64, usize, usize), String> {
    let bad = |bad: BadBlock| bad.to_string();
    let (parts, footer) = file.split_last_chunk::<FOOTER_SIZE>().ok_or("no room for a footer")?;
    let footer = Footer::decode(footer, parts.len() as u64).map_err(bad)?;
    let mut index = block(file, footer.index).map_err(bad)?.cursor();
    let mut whole = BlockBuilder::new(TableOptions::default().restart_interval);
    index.first().map_err(bad)?;
    while index.key().is_some() {
        let handle = index.value().try_into().map(Handle::decode);
        let handle = handle.map_err(|_| "a value of the index is no handle")?;
        let mut data = block(file, handle).map_err(bad)?.cursor();
        data.last().map_err(bad)?;
        let last = data.key().ok_or("a data block without entries")?;
        whole.add(last, &handle.encode());
        index.next().map_err(bad)?;
    }
    Ok((footer.data_end(), footer.index.size as usize, whole.size()))
}

/// The block at `handle`, which is stored as it is.
fn block(file: &[u8], handle: Handle) -> Result<Block, BadBlock> {
    let bytes = &file[handle.offset as usize..][..handle.size as usize];
    Block::parse(Bytes::copy_from_slice(bytes))
}
