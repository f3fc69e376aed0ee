//! Day 5's experiment: what your two strategies cost, over the same load.
//!
//! Random keys are flushed, each ten times in the end, and after each flush all is done that is due.
//! Three things are counted: how often each byte was written so far; how many runs a lookup may have
//! to ask; and how many bytes are stored for each that is not overwritten.

use lsm::simulator::Simulator;
use lsm::{LsmOptions, Strategy};
use wal::testing::Workload;

/// Flushes of so many random keys.
const FLUSHES: usize = 1_000;
const FLUSHED_KEYS: usize = 100;
/// Keys are below this.
const KEYS: usize = 10_000;
/// Flushes to each point of the figure.
const STEP: usize = 20;
/// Size of an entry, in bytes.
const ENTRY_SIZE: u64 = 100;

/// What was written, read and stored for each byte or lookup.
type Cost = [f64; 3];

fn main() {
    let strategies = [("leveled", Strategy::Leveled), ("tiered", Strategy::Tiered)];
    let measured = strategies.map(|(name, strategy)| (name, run(strategy)));

    println!("# title: What two strategies cost");
    println!("# x: flushes");
    println!("# y: times written, runs to ask, times stored");
    println!("series,x,y");
    for (index, what) in ["written", "runs to ask", "stored"].into_iter().enumerate() {
        for (name, points) in &measured {
            for (at, cost) in points.iter().enumerate() {
                println!("{name}: {what},{},{:.3}", (at + 1) * STEP, cost[index]);
            }
        }
    }
    let last =
        |index: usize| measured.each_ref().map(|(_, points)| points[points.len() - 1][index]);
    let ([leveled, tiered], [few, many]) = (last(0), last(1));
    let [tight, loose] = last(2);
    println!(
        "# says: In the end leveled compaction writes each byte {leveled:.1} times, has {few:.1} runs \
         to ask and takes {tight:.2} times the room; tiered {tiered:.1} times, {many:.1} runs, and \
         {loose:.2} times the room."
    );
}

/// The cost so far at each point: bytes since the beginning, runs and room since the point before.
fn run(strategy: Strategy) -> Vec<Cost> {
    let options = LsmOptions {
        strategy,
        table_size: 100 * ENTRY_SIZE,
        base_level_size: 400 * ENTRY_SIZE,
        ..LsmOptions::default()
    };
    let (mut simulator, mut dice) = (Simulator::new(options, ENTRY_SIZE), Workload::new(5));
    let mut points = Vec::new();
    for _ in 0..FLUSHES / STEP {
        let (mut runs, mut room) = (0.0, 0.0);
        for _ in 0..STEP {
            simulator.flush((0..FLUSHED_KEYS).map(|_| dice.below(KEYS) as u32));
            simulator.settle();
            runs += simulator.read_amplification() as f64 / STEP as f64;
            room += simulator.space_amplification() / STEP as f64;
        }
        points.push([simulator.write_amplification(), runs, room]);
    }
    points
}
