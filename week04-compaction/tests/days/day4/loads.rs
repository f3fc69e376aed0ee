//! Long loads, step by step, and what they cost.

use std::collections::BTreeSet;
use std::sync::Arc;

use lsm::compaction::Compaction;
use lsm::leveled::Targets;
use lsm::levels::span;
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
            let mut dice = Workload::new(seed);
            let mut store = Watched::new(random_options(&mut dice), format!("{name}, seed {seed}"));
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
            let mut dice = Workload::new(seed);
            let mut store = Watched::new(random_options(&mut dice), format!("{name}, seed {seed}"));
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
        expect_settled(&levels, &options, &format!("seed {seed}"));
    }
}

/// The levels in which all inputs are one table.
#[track_caller]
fn merged(levels: &Levels, compaction: &Compaction, number: u64) -> Levels {
    let tables = || compaction.inputs.iter().map(|(_, table)| table);
    let span = span(tables()).into_inner();
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
    levels
        .apply(&edit)
        .unwrap_or_else(|bad| panic!("{compaction}: afterwards {bad} {BESIDE}{}", describe(levels)))
}

// Sizes.

#[test]
fn a_store_that_has_settled_is_as_its_targets_say() {
    for (name, load) in LOADS {
        for seed in seeds(3) {
            let mut dice = Workload::new(seed);
            let options = random_options(&mut dice);
            let mut simulator = Simulator::new(options.clone(), 1);
            for flush in 0..60 {
                simulator.flush(load(&mut dice, flush));
                let what = format!("{name}, seed {seed}");
                guarded(&what, || simulator.settle());
                expect_settled(simulator.levels(), &options, &what);
            }
        }
    }
}

/// Nothing above the base, and no level as large as its target.
#[track_caller]
fn expect_settled(levels: &Levels, options: &LsmOptions, what: &str) {
    let targets = Targets::of(levels, options);
    let is_good = |level: usize| match level {
        0 => levels.level(0).len() < options.level0_tables,
        6 => true,
        _ => levels.level(level).is_empty() || levels.size(level) < targets.sizes[level],
    };
    for level in 0..LEVEL_COUNT {
        assert!(
            is_good(level),
            "{what}: nothing is due, and level {level} has {} tables with {} bytes; targets {:?}, \
             and level 0 may have less than {} tables {DUE}{}",
            levels.level(level).len(),
            levels.size(level),
            targets.sizes,
            options.level0_tables,
            describe(levels)
        );
    }
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

    #[track_caller]
    fn flush(&mut self, keys: BTreeSet<u32>) {
        self.flushed += keys.len() as f64;
        self.simulator.flush(keys);
        let what = format!("a ratio of {}", self.options.level_ratio);
        guarded(&what, || self.simulator.settle());
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
fn what_new_keys_cost_is_within_1_3_times_the_formula() {
    for (ratio, table_size) in [(4, 100), (10, 100), (10, 50)] {
        let mut dice = Workload::new(1);
        let mut store = Measured::new(ratio, table_size);
        let (came, theory) = write_amplification(&mut store, 150, 200, |_| {
            keys_below(&mut dice, 100, u32::MAX as usize).into_iter().collect()
        });
        assert!(
            (theory / 1.3..theory * 1.3).contains(&came),
            "new keys in any order, a ratio of {ratio}, tables of {table_size}: {came:.1} bytes are \
             written for each that is flushed, and theory says {theory:.1} {COST}\nsizes {:?}",
            store.simulator.sizes()
        );
    }
}

#[test]
fn what_overwrites_cost_is_no_more_than_the_formula() {
    for (ratio, table_size) in [(4, 100), (10, 100), (10, 50)] {
        let mut dice = Workload::new(1);
        let mut store = Measured::new(ratio, table_size);
        let (came, theory) = write_amplification(&mut store, 300, 150, |_| {
            keys_below(&mut dice, 100, 15_000).into_iter().collect()
        });
        assert!(
            (theory / 1.6..theory).contains(&came),
            "overwrites of 15 000 keys, a ratio of {ratio}, tables of {table_size}: {came:.1} bytes \
             are written for each that is flushed; theory says {theory:.1} for new keys, and old \
             versions that are dropped make it less {COST}\nsizes {:?}",
            store.simulator.sizes()
        );
    }
}

#[test]
fn keys_in_order_are_written_once() {
    for is_downward in [false, true] {
        let mut store = Measured::new(10, 50);
        for flush in 0..100 {
            let first = if is_downward { 1_000_000 - 100 * flush } else { 100 * flush };
            store.flush((first..first + 100).collect());
        }
        let came = store.simulator.write_amplification();
        assert!(
            came == 1.0,
            "keys that come in order overlap nothing, and each table is moved to where it belongs: \
             want 1 byte written for each that is flushed, got {came:.2} {BESIDE}\nsizes {:?}",
            store.simulator.sizes()
        );
    }
}

#[test]
fn old_versions_take_no_more_than_the_levels_above_the_last() {
    for ratio in [4, 10] {
        let mut dice = Workload::new(1);
        let mut store = Measured::new(ratio, 100);
        for flush in 0..300 {
            store.flush(keys_below(&mut dice, 100, 8_000).into_iter().collect());
            if flush < 250 {
                continue;
            }
            let targets = Targets::of(store.simulator.levels(), &store.options);
            let above: u64 = 300 + targets.sizes[1..6].iter().sum::<u64>();
            let limit = 1.0 + above as f64 / 7_900.0;
            let came = store.simulator.space_amplification();
            assert!(
                (1.0..limit).contains(&came),
                "8 000 keys that are overwritten, a ratio of {ratio}: want less than {limit:.3} \
                 bytes stored for each that is read, got {came:.3}; only what is above the last \
                 level can be there twice {COST}\nsizes {:?}, targets {:?}",
                store.simulator.sizes(),
                targets.sizes
            );
        }
    }
}

#[test]
fn a_lookup_asks_one_run_for_each_level_from_the_base_on() {
    for ratio in [4, 10] {
        let mut dice = Workload::new(1);
        let mut store = Measured::new(ratio, 100);
        for _ in 0..150 {
            store.flush(keys_below(&mut dice, 100, 1_000_000).into_iter().collect());
            let base = Targets::of(store.simulator.levels(), &store.options).base;
            let (want, came) = (3 + LEVEL_COUNT - base, store.simulator.read_amplification());
            assert!(
                came <= want,
                "base {base}, and three tables of level 0 at most: want {want} runs that a lookup \
                 may have to ask, got {came} {COST}\nsizes {:?}",
                store.simulator.sizes()
            );
        }
    }
}
