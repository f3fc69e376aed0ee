//! Day 4's experiment: what is written for each byte, and how many runs a lookup may ask, over the
//! level ratio.
//!
//! Simulated stores, each with another ratio, grow from nothing to 100 000 entries: new keys in any
//! order. Your picker says what is merged when. Beside it what the formula says of the same stores,
//! by their targets after each flush.

use lsm::leveled::Targets;
use lsm::simulator::Simulator;
use lsm::{LEVEL_COUNT, LsmOptions};

/// How many times larger a level is than the one above.
const RATIOS: [u64; 9] = [2, 3, 4, 6, 8, 10, 12, 16, 20];
/// Entries in a memtable.
const FLUSHED: u32 = 100;
const FLUSHES: u32 = 1_000;
/// Measured is from this flush on.
const FROM: u32 = 100;

/// What was measured with one ratio.
struct Measured {
    written: f64,
    theory: f64,
    /// Levels from the base on, on average.
    levels: f64,
    simulator: Simulator,
}

fn main() {
    let measured = RATIOS.map(|ratio| (ratio, measure(ratio)));
    println!("# title: Bytes written for each byte of new keys, and levels");
    println!("# x: level ratio");
    println!("# y: bytes; levels");
    println!("series,x,y");
    for (ratio, of) in &measured {
        println!("your picker,{ratio},{:.2}", of.written);
    }
    for (ratio, of) in &measured {
        println!("the formula,{ratio},{:.2}", of.theory);
    }
    for (ratio, of) in &measured {
        println!("levels below 0,{ratio},{:.2}", of.levels);
    }
    let of = |ratio| &measured.iter().find(|(other, _)| *other == ratio).expect("in the list").1;
    let ten = of(10);
    println!(
        "# says: With a ratio of 10, {:.1} bytes are written for each that is flushed, and {:.1} \
         levels are in use; with 4, {:.1} and {:.1}; with 20, {:.1} and {:.1}. The formula says \
         {:.1} for 10. In the end, levels 3 to 6 have {:?} entries.",
        ten.written,
        ten.levels,
        of(4).written,
        of(4).levels,
        of(20).written,
        of(20).levels,
        ten.theory,
        &ten.simulator.sizes()[3..],
    );
}

fn measure(level_ratio: u64) -> Measured {
    let options = LsmOptions {
        level_ratio,
        table_size: 100,
        base_level_size: 4 * u64::from(FLUSHED),
        ..LsmOptions::default()
    };
    let mut simulator = Simulator::new(options.clone(), 1);
    let (mut written, mut theory, mut levels) = (0.0, 0.0, 0.0);
    for flush in 0..FLUSHES {
        if flush == FROM {
            written = simulator.write_amplification() * f64::from(FROM);
        }
        simulator.flush((FLUSHED * flush..FLUSHED * (flush + 1)).map(scattered));
        simulator.settle();
        if flush >= FROM {
            let targets = Targets::of(simulator.levels(), &options);
            theory += targets.write_amplification(FLUSHED.into(), &options);
            levels += (LEVEL_COUNT - targets.base) as f64;
        }
    }
    let count = f64::from(FLUSHES - FROM);
    Measured {
        written: (simulator.write_amplification() * f64::from(FLUSHES) - written) / count,
        theory: theory / count,
        levels: levels / count,
        simulator,
    }
}

/// A key that is no other number's, as if thrown with dice: each step can be undone.
fn scattered(number: u32) -> u32 {
    let number = (number ^ number >> 16).wrapping_mul(0x7feb_352d);
    let number = (number ^ number >> 15).wrapping_mul(0x846c_a68b);
    number ^ number >> 16
}
