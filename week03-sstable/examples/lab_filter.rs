//! Day 4's experiment: how many absent keys cost a read, over the bits that a filter has for a key.
//!
//! Tables of the same keys, each with another number of bits in its filter, are asked for keys that
//! lie between theirs. Every block that is read was read for nothing; the table counts them. Beside
//! it what theory says of your filter, and of one whose bits are not kept in one line.

use std::path::Path;
use std::sync::Arc;

use memtable::{InternalKey, Kind, Lookup};
use sstable::filter::expected_false_positive_rate;
use sstable::{Table, TableBuilder, TableOptions};
use wal::Result;
use wal::fs::{Fs, SimFs};

/// Bits a key.
const BITS: [usize; 10] = [1, 2, 4, 6, 8, 10, 12, 14, 16, 20];
/// Keys in a table.
const ENTRIES: u64 = 100_000;
/// Keys that each table is asked for.
const LOOKUPS: u64 = 1_000_000;
const PATH: &str = "/db/000001.sst";

fn main() -> Result<()> {
    let fs: Arc<dyn Fs> = Arc::new(SimFs::new(0));
    fs.create_dir(Path::new("/db"))?;
    let mut measured = Vec::new();
    for bits_per_key in BITS {
        build(&fs, bits_per_key)?;
        measured.push(1e6 * part_that_reads(&fs)?);
    }

    println!("# title: Lookups of keys that are not there, of a million");
    println!("# x: bits a key in the filter");
    println!("# y: lookups that read a block");
    println!("# y-scale: log");
    println!("series,x,y");
    for (bits_per_key, reads) in BITS.iter().zip(&measured) {
        println!("your table,{bits_per_key},{reads:.1}");
    }
    for bits_per_key in BITS {
        let reads = 1e6 * expected_false_positive_rate(bits_per_key);
        println!("theory: bits in one line,{bits_per_key},{reads:.1}");
    }
    for bits_per_key in BITS {
        println!("theory: bits all over,{bits_per_key},{:.1}", 1e6 * scattered(bits_per_key));
    }
    let at = |bits| BITS.iter().position(|&other| other == bits).expect("one of the list");
    println!(
        "# says: Without a filter each of a million lookups reads a block. With 4 bits a key {:.0} \
         do, with 10 bits {:.0}, with 20 bits {:.0}; theory says {:.0} for 10 bits in one line, \
         and {:.0} for bits all over.",
        measured[at(4)],
        measured[at(10)],
        measured[at(20)],
        1e6 * expected_false_positive_rate(10),
        1e6 * scattered(10),
    );
    Ok(())
}

/// A table of every other number.
fn build(fs: &Arc<dyn Fs>, filter_bits_per_key: usize) -> Result<()> {
    let options = TableOptions { filter_bits_per_key, ..TableOptions::plain() };
    let mut builder = TableBuilder::create(Arc::clone(fs), Path::new(PATH), options)?;
    for number in 0..ENTRIES {
        let key = key(2 * number);
        builder.add(InternalKey { user_key: &key, seq: 1, kind: Kind::Put }, b"flint")?;
    }
    builder.finish()?;
    Ok(())
}

/// Which part of lookups between the keys read a block.
fn part_that_reads(fs: &Arc<dyn Fs>) -> Result<f64> {
    let table = Table::open(&**fs, Path::new(PATH), 1, None)?;
    for number in 0..LOOKUPS {
        // Ten keys between each two, which differ in what stands behind the number.
        let mut key = key(2 * (number % (ENTRIES - 1)));
        key.extend_from_slice(format!("/{}", number / (ENTRIES - 1)).as_bytes());
        assert_eq!(table.get(&key, 1)?, Lookup::Absent, "nobody wrote that key");
    }
    let stats = table.stats();
    assert_eq!(stats.filter_avoided + stats.blocks_read, LOOKUPS, "avoided or read, all of them");
    Ok(stats.blocks_read as f64 / LOOKUPS as f64)
}

fn key(number: u64) -> Vec<u8> {
    format!("stone/{number:012}").into_bytes()
}

/// The rate of a filter whose bits are not kept together, with the best number of probes: each
/// probe meets a set bit with probability 1 − e^(−k / bits).
fn scattered(bits_per_key: usize) -> f64 {
    let rate = |probes: f64| (1.0 - (-probes / bits_per_key as f64).exp()).powf(probes);
    (1..=30).map(|probes| rate(probes.into())).fold(1.0, f64::min)
}
