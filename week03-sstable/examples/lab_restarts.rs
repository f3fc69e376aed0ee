//! Day 1's experiment: what a block costs in bytes and in time, over the restart interval.
//!
//! The same entries go into blocks of 4 KiB, with a restart point at every entry, at every second,
//! and so on. Your cursor seeks keys at random, walks forward, and walks backward.

use std::time::Instant;

use bytes::Bytes;
use memtable::{InternalKey, Kind, SEQ_MAX};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use sstable::{BadBlock, Block, BlockBuilder, BlockCursor};

const INTERVALS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
const ENTRIES: usize = 10_000;
const SEEKS: usize = 10_000;
const BLOCK_SIZE: usize = 4 << 10;
/// Of so many runs the best counts: the others were disturbed.
const RUNS: usize = 100;

fn main() -> Result<(), BadBlock> {
    let keys = keys();
    let mut found = Vec::new();
    for interval in INTERVALS {
        let blocks = blocks(&keys, interval);
        let size: usize = blocks.iter().map(|(_, block)| block.size()).sum();
        let mut best = [f64::INFINITY; 3];
        for _ in 0..RUNS {
            best[0] = best[0].min(seeks(&keys, &blocks)?);
            best[1] = best[1].min(walk(&blocks, BlockCursor::first, BlockCursor::next)?);
            best[2] = best[2].min(walk(&blocks, BlockCursor::last, BlockCursor::prev)?);
        }
        found.push([size as f64 / ENTRIES as f64, best[0], best[1], best[2]]);
    }

    println!("# title: Blocks of 4 KiB, by their restart interval");
    println!("# x: entries from one restart point to the next");
    println!("# y: times what interval 1 takes");
    println!("# x-scale: log");
    println!("# y-scale: log");
    println!("series,x,y");
    for (at, series) in ["size", "seek", "next", "prev"].into_iter().enumerate() {
        for (interval, found_at) in INTERVALS.iter().zip(&found) {
            println!("{series},{interval},{:.3}", found_at[at] / found[0][at]);
        }
    }
    let (one, sixteen, last) = (found[0], found[4], found[INTERVALS.len() - 1]);
    println!(
        "# says: With a restart point at every entry, an entry takes {:.1} bytes, a seek {:.0} ns, \
         a step forward {:.0} ns and a step back {:.0} ns. At every sixteenth it is {:.1} bytes, \
         {:.0}, {:.0} and {:.0} ns; at every 64th, {:.1} bytes, {:.0}, {:.0} and {:.0} ns.",
        one[0],
        one[1],
        one[2],
        one[3],
        sixteen[0],
        sixteen[1],
        sixteen[2],
        sixteen[3],
        last[0],
        last[1],
        last[2],
        last[3],
    );
    Ok(())
}

/// Orders of customers: what keys look like that somebody has thought of.
fn keys() -> Vec<String> {
    (0..ENTRIES).map(|n| format!("customer/{:06}/order/{:04}", n / 7 * 31, n % 7)).collect()
}

/// The keys in blocks, each with the number of its first key.
fn blocks(keys: &[String], interval: usize) -> Vec<(usize, Block)> {
    let (mut blocks, mut builder, mut first) = (Vec::new(), BlockBuilder::new(interval), 0);
    for (n, key) in keys.iter().enumerate() {
        let key = InternalKey { user_key: key.as_bytes(), seq: 1 + n as u64, kind: Kind::Put };
        builder.add(key, &n.to_be_bytes());
        if builder.size() >= BLOCK_SIZE || n + 1 == keys.len() {
            let bytes = Bytes::copy_from_slice(builder.finish());
            blocks.push((first, Block::parse(bytes).expect("a block that was just built")));
            builder.clear();
            first = n + 1;
        }
    }
    blocks
}

/// Nanoseconds for a seek.
fn seeks(keys: &[String], blocks: &[(usize, Block)]) -> Result<f64, BadBlock> {
    let mut dice = SmallRng::seed_from_u64(1);
    let mut cursors: Vec<_> = blocks.iter().map(|(_, block)| block.cursor()).collect();
    let targets: Vec<_> = (0..SEEKS)
        .map(|_| {
            let n = dice.random_range(0..keys.len());
            (blocks.partition_point(|(first, _)| *first <= n) - 1, keys[n].as_bytes())
        })
        .collect();
    let start = Instant::now();
    for &(block, target) in &targets {
        cursors[block].seek(InternalKey::lookup(target, SEQ_MAX))?;
        let is_there = cursors[block].key().is_some_and(|key| key.user_key == target);
        assert!(is_there, "a seek must find a key that is there");
    }
    Ok(start.elapsed().as_nanos() as f64 / SEEKS as f64)
}

type Step = fn(&mut BlockCursor) -> Result<(), BadBlock>;

/// Nanoseconds for a step, over all blocks.
fn walk(blocks: &[(usize, Block)], begin: Step, step: Step) -> Result<f64, BadBlock> {
    let mut seen = 0;
    let start = Instant::now();
    for (_, block) in blocks {
        let mut cursor = block.cursor();
        begin(&mut cursor)?;
        while cursor.key().is_some() {
            seen += 1;
            step(&mut cursor)?;
        }
    }
    assert_eq!(seen, ENTRIES, "a walk must see every entry once");
    Ok(start.elapsed().as_nanos() as f64 / ENTRIES as f64)
}
