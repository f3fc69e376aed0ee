//! What tiers cost: written bytes, runs, and room, with a load that goes on and on.

use std::collections::BTreeMap;

use lsm::control::Pressure;
use lsm::simulator::Simulator;
use lsm::{LsmOptions, Strategy};
use memtable::LogMark;
use wal::testing::{Workload, seeds};

use super::given::*;

/// Bytes of an entry.
const ENTRY: u64 = 100;

#[test]
fn the_runs_of_equal_flushes_are_the_digits_of_their_number() {
    for base in [3, 4, 10] {
        let mut simulator = Simulator::new(tiers_of(base as usize), ENTRY);
        for flushed in 1..700_u64 {
            simulator.flush([flushed as u32]);
            simulator.settle();
            let (mut want, mut rest, mut size) = (Vec::new(), flushed, ENTRY);
            while rest > 0 {
                want.extend((0..rest % base).map(|_| size));
                (rest, size) = (rest / base, size * base);
            }
            let came = run_sizes(simulator.levels());
            assert!(
                came == want,
                "after {flushed} flushes of {ENTRY} bytes, with {base} runs to a compaction, the \
                 runs should have {want:?} bytes, and have {came:?} {TIERS}"
            );
        }
    }
}

#[test]
fn a_byte_is_written_once_for_each_tier() {
    for base in [3, 4, 8] {
        let options = LsmOptions { table_size: 5_000, ..tiers_of(base) };
        let mut simulator = Simulator::new(options, ENTRY);
        let (mut flushed, mut power, mut tiers) = (0, base as u32, 1);
        while power <= 512 {
            while flushed < power {
                simulator.flush(4 * flushed..4 * flushed + 4);
                simulator.settle();
                flushed += 1;
            }
            let came = simulator.write_amplification();
            let want = f64::from(tiers + 1);
            assert!(
                came == want,
                "after {flushed} flushes, with {base} runs to a compaction, each byte was flushed \
                 once and merged {tiers} times, so written {want} times, and it is {came} {TIERS}"
            );
            (power, tiers) = (power * base as u32, tiers + 1);
        }
    }
}

/// Four hundred flushes of random keys; the bytes written for each flushed byte, and the largest
/// number of runs after settling.
fn run(strategy: Strategy, seed: u64) -> (f64, usize) {
    let options = LsmOptions {
        strategy,
        table_size: 5_000,
        base_level_size: 20_000,
        ..LsmOptions::default()
    };
    let (mut simulator, mut dice) = (Simulator::new(options, ENTRY), Workload::new(seed));
    let mut runs_max = 0;
    for _ in 0..400 {
        simulator.flush((0..50).map(|_| dice.below(20_000) as u32));
        simulator.settle();
        runs_max = runs_max.max(simulator.read_amplification());
    }
    (simulator.write_amplification(), runs_max)
}

#[test]
fn tiers_write_less_than_levels_and_have_more_runs() {
    for seed in seeds(1) {
        let (written, runs) = run(Strategy::Tiered, seed);
        let (leveled, leveled_runs) = run(Strategy::Leveled, seed);
        // log₄ 400 is 4.3. The space rule writes all of it now and then.
        assert!(
            (3.0..7.0).contains(&written),
            "400 flushes, seed {seed}: each byte was written {written:.1} times; log₄ 400 is 4.3, and \
             with the flush and the limit of room it should be between 3 and 7 {TIERS}"
        );
        assert!(
            written < 0.6 * leveled,
            "the same 400 flushes, seed {seed}: tiered writes each byte {written:.1} times, leveled \
             {leveled:.1} times; it should be much less {TIERS}"
        );
        assert!(
            (leveled_runs..30).contains(&runs),
            "the same 400 flushes, seed {seed}: up to {runs} runs, and leveled {leveled_runs} {TIERS}"
        );
    }
}

/// Flushes of any sizes and keys, now many small ones and now a large one.
fn flush_any(simulator: &mut Simulator, dice: &mut Workload) {
    let size = [1, 5, 20, 1 + dice.below(60)][dice.below(4)];
    let range = [30, 300, 3_000][dice.below(3)];
    simulator.flush((0..size).map(|_| dice.below(range) as u32));
}

#[test]
fn no_run_is_left_behind_under_a_load_of_any_sizes() {
    for seed in seeds(60) {
        let mut dice = Workload::new(seed);
        let wanted = 2 + dice.below(4);
        let mut simulator = Simulator::new(tiers_of(wanted), ENTRY);
        for flushed in 1..150 {
            flush_any(&mut simulator, &mut dice);
            simulator.settle();
            let sizes = run_sizes(simulator.levels());
            let (smallest, largest) = (sizes.iter().min(), sizes.iter().max());
            let doublings = (largest.unwrap_or(&1) / smallest.unwrap_or(&1)).ilog2() as usize;
            let most = (wanted - 1) * (doublings + 1);
            assert!(
                sizes.len() <= most,
                "after {flushed} flushes, seed {seed}: {} runs, of {sizes:?} bytes; a tier that is \
                 short has {} at most, and each begins more than twice as large as the one before, \
                 so there are {most} at most {TIERS}",
                sizes.len(),
                wanted - 1
            );
        }
    }
}

#[test]
fn the_limit_of_room_holds_whenever_nothing_is_due() {
    for seed in seeds(40) {
        let mut dice = Workload::new(seed);
        let percent = [0, 10, 25, 100, 100, 200, 400][dice.below(7)];
        let options =
            LsmOptions { level0_tables: 2 + dice.below(4), table_size: 3_000, ..space_of(percent) };
        let mut simulator = Simulator::new(options.clone(), ENTRY);
        for flushed in 1..80 {
            flush_any(&mut simulator, &mut dice);
            simulator.settle();
            expect_bound(&simulator, &options, &format!("after {flushed} flushes, seed {seed}"));
            let runs = simulator.read_amplification();
            let (came, most) = (simulator.space_amplification(), 1.0 + percent as f64 / 100.0);
            assert!(
                runs < options.level0_tables || came <= most,
                "after {flushed} flushes, seed {seed}, with {runs} runs: {came:.2} times the room, and \
                 with {percent} % beside the oldest run {most:.2} at most {SPACE}"
            );
        }
    }
}

#[test]
fn when_nothing_is_due_no_write_has_to_wait() {
    for seed in seeds(25) {
        let mut dice = Workload::new(seed);
        let level0_tables = 2 + dice.below(5);
        let slow = level0_tables + dice.below(3);
        let options = LsmOptions {
            level0_tables,
            space_max_percent: [100, u64::MAX][dice.below(2)],
            ..limits(slow, slow + dice.below(6))
        };
        let mut simulator = Simulator::new(options.clone(), ENTRY);
        for flushed in 1..120 {
            flush_any(&mut simulator, &mut dice);
            simulator.settle();
            let sizes: Vec<u64> =
                simulator.levels().level(0).iter().map(|table| table.size).collect();
            let pressure = Pressure::of(sizes.len(), &options);
            assert!(
                pressure == Pressure::None,
                "after {flushed} flushes, seed {seed}, nothing is due any more, and with tables of \
                 {sizes:?} bytes in level 0, the newest first, writes are told {pressure:?}: for ever \
                 {AT_WORK}"
            );
        }
    }
}

#[test]
fn readers_know_nothing_of_tiers() {
    for seed in seeds(12) {
        let mut dice = Workload::new(seed);
        let options = LsmOptions {
            level0_tables: 2 + dice.below(3),
            space_max_percent: [50, 100, u64::MAX][dice.below(3)],
            ..limits(6, 12)
        };
        let tree = open(&disk(seed), options);
        let mut model = BTreeMap::new();
        for number in 1..60 {
            let key = format!("key{}", dice.below(8));
            let value = format!("{number:->width$}", width = 1 + dice.below(300));
            let end = LogMark { lsn: 100 * number, seq: number };
            flush_entry(&tree, &key, &value, end).expect("a good disk");
            model.insert(key, value.into_bytes());
            while dice.below(3) > 0 {
                let Some(compaction) = tree.pick() else { break };
                let done = tree.compact(&compaction);
                done.unwrap_or_else(|error| panic!("{compaction} fails: {error} {TIERS}"));
                for (key, want) in &model {
                    let came = newest(&tree, key);
                    assert!(
                        came.as_ref() == Some(want),
                        "after {compaction}, seed {seed}, the newest value of {key} has {:?} bytes, \
                         and should have {} {TIERS}",
                        came.map(|value| value.len()),
                        want.len()
                    );
                }
            }
        }
    }
}
