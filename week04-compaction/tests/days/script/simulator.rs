//! The commands of scripts about a simulated store.

use std::fmt::Write as _;

use lsm::compaction::Compaction;
use lsm::leveled::{Targets, score};
use lsm::simulator::Simulator;
use lsm::{LEVEL_COUNT, Levels, LsmOptions};

/// A simulated store whose entries have one byte each, and what a script says to it.
pub(crate) struct Session {
    options: LsmOptions,
    simulator: Simulator,
}

impl Session {
    pub(crate) fn new(options: LsmOptions) -> Session {
        Session { simulator: Simulator::new(options.clone(), 1), options }
    }

    /// ```text
    /// options NAME=SIZE …    a new store, with these
    /// flush KEYS …           a memtable: keys, or FIRST-LAST, or FIRST-LAST/STEP
    /// step                   the next compaction
    /// settle                 all that are due
    /// levels                 the tables: number, first and last key, how many; of these levels,
    ///                        if some are named
    /// targets, scores        of each level
    /// cost                   what was written, read and stored, for each byte
    /// ```
    pub(crate) fn run(&mut self, command: &str) -> String {
        let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
        match name {
            "options" => {
                rest.split_whitespace().for_each(|option| set(&mut self.options, option));
                *self = Session::new(self.options.clone());
                String::new()
            }
            "flush" => {
                self.simulator.flush(rest.split_whitespace().flat_map(keys));
                String::new()
            }
            "step" => self.step().unwrap_or_else(|| "nothing is due\n".to_owned()),
            "settle" => std::iter::from_fn(|| self.step()).take(60).collect(),
            "levels" => self.levels(rest),
            "targets" => self.targets(),
            "scores" => self.scores(),
            "cost" => format!(
                "written {:.2}, read {}, stored {:.2}\n",
                self.simulator.write_amplification(),
                self.simulator.read_amplification(),
                self.simulator.space_amplification()
            ),
            _ => panic!("no command of scripts: {command}"),
        }
    }

    fn step(&mut self) -> Option<String> {
        let before = self.simulator.levels().clone();
        let compaction = self.simulator.step()?;
        let note = if compaction.is_move() { ", a move" } else { "" };
        Some(format!("{}{note}\n", in_order(&compaction, &before)))
    }

    fn levels(&self, named: &str) -> String {
        let text = self.simulator.to_string();
        let is_named = |line: &&str| {
            named.is_empty()
                || named.split(' ').any(|level| line.starts_with(&format!("level {level} ")))
        };
        text.lines().filter(is_named).map(|line| format!("{line}\n")).collect()
    }

    fn targets(&self) -> String {
        let targets = Targets::of(self.simulator.levels(), &self.options);
        let mut text = format!("base {}\n", targets.base);
        for level in (1..LEVEL_COUNT).filter(|&level| targets.sizes[level] > 0) {
            let (size, target) = (self.simulator.sizes()[level], targets.sizes[level]);
            writeln!(text, "level {level}   {size} of {target}").expect("memory takes it");
        }
        text
    }

    fn scores(&self) -> String {
        let levels = self.simulator.levels();
        let targets = Targets::of(levels, &self.options);
        let line = |level| {
            format!("level {level}   {:.2}\n", score(levels, &targets, level, &self.options))
        };
        (0..LEVEL_COUNT).filter(|&level| !levels.level(level).is_empty()).map(line).collect()
    }
}

/// A compaction with its inputs as `levels` has them: in which order they are picked is no matter.
pub(crate) fn in_order(compaction: &Compaction, levels: &Levels) -> Compaction {
    let place = |number: u64| levels.tables().position(|(_, table)| table.number == number);
    let mut compaction = compaction.clone();
    compaction.inputs.sort_by_key(|(_, table)| place(table.number));
    compaction
}

/// `5`, `5-9` or `5-9/2`.
fn keys(text: &str) -> impl Iterator<Item = u32> + use<> {
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("no key: {text}"));
    let (range, step) = text.split_once('/').unwrap_or((text, "1"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    (number(first)..=number(last)).step_by(number(step) as usize)
}

fn set(options: &mut LsmOptions, option: &str) {
    let (name, value) = option.split_once('=').expect("NAME=SIZE");
    let value: u64 = value.parse().expect("a size is a number");
    match name {
        "level0_tables" => options.level0_tables = value as usize,
        "level_ratio" => options.level_ratio = value,
        "base_level_size" => options.base_level_size = value,
        "table_size" => options.table_size = value,
        "space_max_percent" => options.space_max_percent = value,
        _ => panic!("no option of scripts: {name}"),
    }
}
