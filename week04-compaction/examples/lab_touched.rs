//! Day 1's experiment: how many tables a lookup asks, and how many blocks it reads, in level 0 and in
//! a level below.
//!
//! The same keys lie in 1 to 64 tables. In level 0, each table has some from everywhere, as flushed
//! memtables have. In level 1 they are one sorted run that is cut. A table counts each lookup that
//! its filter answers, and each block that is read: together, how often it was asked. Nothing is
//! cached, so a block that is needed is a block that is read.

use std::path::Path;
use std::sync::Arc;

use lsm::files::table_path;
use lsm::{LEVEL_COUNT, LiveTable, Version};
use memtable::{Cursor, InternalKey, Kind, Lookup, Merge, SEQ_MAX};
use sstable::{TableBuilder, TableOptions};
use wal::Result;
use wal::fs::{Fs, SimFs};

/// Tables that the keys lie in.
const TABLES: [u64; 7] = [1, 2, 4, 8, 16, 32, 64];
const ENTRIES: u64 = 100_000;
/// Keys that each version is asked for.
const LOOKUPS: u64 = 50_000;
/// Places at which a scan begins.
const SCANS: u64 = 1_000;
const VALUE: [u8; 100] = [0x5a; 100];
const DIR: &str = "/db";

/// What a lookup costs, on average: of a key that is there, and of one that is missing.
struct Measured {
    asked: [f64; 2],
    read: [f64; 2],
    /// Blocks that are read for a scan's first entry.
    begin: f64,
}

fn main() -> Result<()> {
    let mut measured = Vec::new();
    for count in TABLES {
        measured.push([measure(0, count)?, measure(1, count)?]);
    }

    println!("# title: What a lookup asks and reads, in level 0 and in level 1");
    println!("# x: tables that the keys lie in");
    println!("# y: for one lookup");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    let print = |name: &str, value: fn(&[Measured; 2]) -> f64| {
        for (count, measured) in TABLES.iter().zip(&measured) {
            println!("{name},{count},{:.4}", value(measured));
        }
    };
    print("level 0: tables asked for a missing key", |levels| levels[0].asked[1]);
    print("level 0: tables asked for a key that is there", |levels| levels[0].asked[0]);
    print("level 1: tables asked", |levels| levels[1].asked[0]);
    print("level 0: blocks read for a missing key", |levels| levels[0].read[1]);
    print("level 1: blocks read for a missing key", |levels| levels[1].read[1]);
    let [upper, lower] = &measured[measured.len() - 1];
    println!(
        "# says: In {} tables of level 0, a missing key asks {:.0} of them and reads {:.2} blocks, \
         a key that is there asks {:.0} and reads {:.2}, and a scan reads {:.0} blocks before its \
         first entry. In as many tables of level 1 it is {:.0} table and {:.3} blocks, {:.0} table \
         and {:.0} block, and {:.0} block for a scan.",
        TABLES[TABLES.len() - 1],
        upper.asked[1],
        upper.read[1],
        upper.asked[0],
        upper.read[0],
        upper.begin,
        lower.asked[1],
        lower.read[1],
        lower.asked[0],
        lower.read[0],
        lower.begin,
    );
    Ok(())
}

/// What lookups cost in a version with `count` tables in `level` and none in others.
fn measure(level: usize, count: u64) -> Result<Measured> {
    let fs: Arc<dyn Fs> = Arc::new(SimFs::new(0));
    fs.create_dir(Path::new(DIR))?;
    let mut levels: [Vec<Arc<LiveTable>>; LEVEL_COUNT] = Default::default();
    for index in 0..count {
        let is_there = |&number: &u64| match level {
            // All over the tables, as if by chance.
            0 => (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % count == index,
            _ => number * count / ENTRIES == index,
        };
        levels[level].push(build(&fs, index + 1, (0..ENTRIES).filter(is_there))?);
    }
    let version = Version::new(levels, 0);

    // The step is odd and no multiple of 5: it meets keys all over.
    let numbers = |count: u64| (0..count).map(|n| n * 7_919 % (ENTRIES - 1));
    let (mut asked, mut read) = ([0.0; 2], [0.0; 2]);
    for is_missing in [0, 1] {
        let before = counts(&version);
        for number in numbers(LOOKUPS) {
            let found = version.get(&key(2 * number + is_missing), SEQ_MAX)?;
            assert_eq!(found == Lookup::Absent, is_missing == 1, "only the even ones are there");
        }
        let after = counts(&version);
        let part = |after: u64, before: u64| (after - before) as f64 / LOOKUPS as f64;
        asked[is_missing as usize] = part(after.0, before.0);
        read[is_missing as usize] = part(after.1, before.1);
    }
    let before = counts(&version);
    for number in numbers(SCANS) {
        let key = key(2 * number);
        let mut merge = Merge::new(version.cursors());
        merge.seek(InternalKey::lookup(&key, SEQ_MAX))?;
        assert!(merge.is_at(&key), "each of them is there");
    }
    let begin = (counts(&version).1 - before.1) as f64 / SCANS as f64;
    Ok(Measured { asked, read, begin })
}

/// A table of these keys.
fn build(fs: &Arc<dyn Fs>, number: u64, keys: impl Iterator<Item = u64>) -> Result<Arc<LiveTable>> {
    let path = table_path(Path::new(DIR), number);
    let mut builder = TableBuilder::create(Arc::clone(fs), &path, TableOptions::default())?;
    for key_number in keys {
        let key = key(2 * key_number);
        builder.add(InternalKey { user_key: &key, seq: 1, kind: Kind::Put }, &VALUE)?;
    }
    builder.finish()?;
    Ok(Arc::new(LiveTable::open(fs, Path::new(DIR), number, None)?))
}

/// How often tables were asked so far, and how many blocks were read.
fn counts(version: &Version) -> (u64, u64) {
    let stats = version.tables().map(|table| table.table.stats());
    stats.fold((0, 0), |(asked, read), stats| {
        (asked + stats.filter_avoided + stats.blocks_read, read + stats.blocks_read)
    })
}

fn key(number: u64) -> Vec<u8> {
    format!("stone/{number:012}").into_bytes()
}
