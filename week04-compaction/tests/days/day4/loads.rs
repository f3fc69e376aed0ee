//! Long loads, step by step, and what they cost.

use std::collections::BTreeSet;
use std::sync::Arc;

use lsm::leveled::Targets;
use lsm::simulator::Simulator;
use lsm::{Edit, LEVEL_COUNT, Levels, LsmOptions, TableMeta};
use wal::testing::{Workload, seeds};

use super::given::*;

const COST: &str = "(rules 2 to 5 of day 4: which level is due, and which of its tables, decides \
                    what is written, read and stored)";

// Order.

#[test]
fn after_every_step_levels_are_side_by_side_and_the_newest_is_found_first() {
    for (name, load) in LOADS {
        for seed in seeds(6) {
            println!("{name}, seed {seed}");
            let mut dice = Workload::new(seed);
            let mut store = Watched::new(random_options(&mut dice));
            for flush in 0..60 {
                store.flush(&load(&mut dice, flush));
                store.settle();
            }
        }
    }
}

#[test]
fn a_store_that_is_behind_stays_in_order_and_catches_up() {
    for (name, load) in LOADS {
        for seed in seeds(6) {
            println!("{name}, seed {seed}");
            let mut dice = Workload::new(100 + seed);
            let mut store = Watched::new(random_options(&mut dice));
            for flush in 0..60 {
                store.flush(&load(&mut dice, flush));
                for _ in 0..dice.below(3) {
                    store.step();
                }
            }
            store.settle();
        }
    }
}

#[test]
fn a_store_settles_whatever_its_levels_were() {
    for seed in seeds(1_000) {
        let mut dice = Workload::new(seed);
        let (mut levels, options) = (random_levels(&mut dice), random_options(&mut dice));
        let mut number = 1_000;
        while let Some(compaction) = picked(&levels, &options) {
            number += 1;
            assert!(
                number < 1_300,
                "seed {seed}: after three hundred compactions one more is due, {compaction} {DUE}{}",
                describe(&levels)
            );
            levels = merged(&levels, &compaction, number);
        }
        expect_settled(&levels, &options);
    }
}

/// The levels in which all inputs are one table.
#[track_caller]
fn merged(levels: &Levels, compaction: &lsm::compaction::Compaction, number: u64) -> Levels {
    let tables = || compaction.inputs.iter().map(|(_, table)| table);
    let span = lsm::levels::span(tables()).into_inner();
    let made = TableMeta {
        number,
        size: tables().map(|table| table.size).sum(),
        smallest: span.0.to_vec(),
        largest: span.1.to_vec(),
        ..TableMeta::clone(tables().next().expect("a compaction has inputs"))
    };
    let removed = compaction.inputs.iter().map(|(level, table)| (*level, table.number));
    let added = vec![(compaction.output_level, Arc::new(made))];
    let edit = Edit { removed: removed.collect(), added, ..Edit::default() };
    levels.apply(&edit).unwrap_or_else(|bad| {
        panic!("{compaction}: afterwards {bad} {BESIDE}{}", describe(levels))
    })
}

// Sizes.

#[test]
fn a_store_that_has_settled_is_as_its_targets_say() {
    for (name, load) in LOADS {
        for seed in seeds(4) {
            println!("{name}, seed {seed}");
            let mut dice = Workload::new(seed);
            let options = random_options(&mut dice);
            let mut simulator = Simulator::new(options.clone(), 1);
            for flush in 0..100 {
                simulator.flush(load(&mut dice, flush));
                simulator.settle();
                expect_settled(simulator.levels(), &options);
            }
        }
    }
}

/// Nothing above the base, and no level as large as its target.
#[track_caller]
fn expect_settled(levels: &Levels, options: &LsmOptions) {
    let targets = Targets::of(levels, options);
    let is_good = |level: usize| match level {
        0 => levels.level(0).len() < options.level0_tables,
        6 => true,
        _ => levels.level(level).is_empty() || levels.size(level) < targets.sizes[level],
    };
    let bad = (0..LEVEL_COUNT).find(|&level| !is_good(level));
    assert!(
        bad.is_none(),
        "nothing is due, and level {bad:?} has {} tables with {} bytes; targets {:?}, and {} tables \
         for level 0 {DUE}{}",
        levels.level(bad.unwrap_or(0)).len(),
        levels.size(bad.unwrap_or(0)),
        targets.sizes,
        options.level0_tables,
        describe(levels)
    );
}

// Costs.

/// A store with `level_ratio`, tables of `table_size` entries and a base of at most 400, to which
/// come flushes of a hundred entries.
struct Measured {
    options: LsmOptions,
    simulator: Simulator,
    flushed: f64,
}

impl Measured {
    fn new(level_ratio: u64, table_size: u64) -> Measured {
        let options =
            LsmOptions { level_ratio, table_size, base_level_size: 400, ..LsmOptions::default() };
        Measured { simulator: Simulator::new(options.clone(), 1), options, flushed: 0.0 }
    }

    fn flush(&mut self, keys: BTreeSet<u32>) {
        self.flushed += keys.len() as f64;
        self.simulator.flush(keys);
        self.simulator.settle();
    }

    fn written(&self) -> f64 {
        self.simulator.write_amplification() * self.flushed
    }
}

/// What is written while flushes `measured` come, for each byte of them; and what theory says.
fn write_amplification(
    store: &mut Measured,
    before: u32,
    measured: u32,
    mut keys: impl FnMut(u32) -> BTreeSet<u32>,
) -> (f64, f64) {
    (0..before).for_each(|flush| store.flush(keys(flush)));
    let (written, flushed) = (store.written(), store.flushed);
    let mut theory = 0.0;
    for flush in before..before + measured {
        let targets = Targets::of(store.simulator.levels(), &store.options);
        theory += targets.write_amplification(100, &store.options) / f64::from(measured);
        store.flush(keys(flush));
    }
    ((store.written() - written) / (store.flushed - flushed), theory)
}

#[test]
fn measure() {
    for end in [u32::MAX as usize, 60_000, 20_000, 8_000] {
        for ratio in [4, 6, 10] {
            for table_size in [25, 50, 100] {
                let mut dice = Workload::new(1);
                let mut store = Measured::new(ratio, table_size);
                let (came, want) = write_amplification(&mut store, 200, 300, |_| {
                    keys_below(&mut dice, 100, end).into_iter().collect()
                });
                println!("end {end} ratio {ratio} table {table_size}: {came:.2} theory {want:.2} q {:.3} {:?}", came / want, store.simulator.sizes());
            }
        }
    }
}
