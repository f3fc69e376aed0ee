//! Levels written down, stores that are watched, and the sentences that day 4's tests speak about
//! them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use lsm::compaction::Compaction;
use lsm::leveled::{Targets, pick, score};
use lsm::simulator::Simulator;
use lsm::{Edit, LEVEL_COUNT, Levels, LsmOptions, TableMeta};
use wal::testing::Workload;

use crate::script::{Session, expect_script, in_order};

pub(super) const TARGETS: &str = "(rule 1 of day 4: the last level's target is its size, at least \
                                  `base_level_size`; as long as a target is more than that, the \
                                  level above has one, `level_ratio` times smaller; level 1 is the \
                                  uppermost)";
pub(super) const DUE: &str = "(rule 2 of day 4: the level with the largest score is due, from 1.0 \
                              on, of equal ones the upper; what is above the base is due before \
                              all else, the last level and an empty one never)";
pub(super) const LEVEL0: &str = "(rule 3 of day 4: from level 0 goes the oldest table, the last \
                                 there, with all that overlap it, directly or through others, to \
                                 the base)";
pub(super) const CHEAPEST: &str = "(rule 4 of day 4: from another level goes one table to the next: \
                                   the one that overlaps the fewest bytes there for each of its \
                                   own, of equal ones the first)";
pub(super) const BESIDE: &str = "(rule 5 of day 4: of the output's level, all that overlaps goes \
                                 along and nothing else; a table that comes alone is moved, and \
                                 nothing is written)";

// Levels.

/// Small sizes: four tables of level 0 are due, a base has 100 bytes, a level ten times the next.
pub(super) fn options() -> LsmOptions {
    LsmOptions { base_level_size: 100, table_size: 50, ..LsmOptions::default() }
}

/// A table of so many bytes. Of two in level 0, the one with the larger number is newer.
pub(super) fn table(number: u64, keys: (&str, &str), size: u64) -> Arc<TableMeta> {
    Arc::new(TableMeta {
        number,
        size,
        entry_count: 1 + number,
        tombstone_count: 0,
        smallest_seq: number,
        largest_seq: number,
        smallest: keys.0.into(),
        largest: keys.1.into(),
    })
}

/// These tables, each with its level.
#[track_caller]
pub(super) fn levels_of(tables: impl IntoIterator<Item = (usize, Arc<TableMeta>)>) -> Levels {
    let edit = Edit { added: tables.into_iter().collect(), ..Edit::default() };
    Levels::default().apply(&edit).expect("levels as they may be")
}

/// Tables written as `level: keys size, keys size / level: …`. The first one has number 1, so of
/// level 0 the oldest comes first.
#[track_caller]
pub(super) fn levels(text: &str) -> Levels {
    let mut tables = Vec::new();
    for part in text.split('/').filter(|part| !part.trim().is_empty()) {
        let (level, list) = part.split_once(':').expect("a level, a colon and tables");
        for one in list.split(',') {
            let (keys, size) = one.trim().split_once(' ').expect("keys and a size");
            let keys = keys.split_once('-').expect("first and last key");
            let size = size.parse().expect("a size is a number");
            let level: usize = level.trim().parse().expect("a level is a number");
            tables.push((level, table(1 + tables.len() as u64, keys, size)));
        }
    }
    levels_of(tables)
}

/// A table for each of these sizes, in a level of its own.
pub(super) fn levels_of_sizes(sizes: &[(usize, u64)]) -> Levels {
    levels_of(
        (1..).zip(sizes).map(|(number, &(level, size))| (level, table(number, ("a", "z"), size))),
    )
}

/// No more of each line than fits.
fn shortened(text: &str) -> String {
    let line = |line: &str| match line.char_indices().nth(150) {
        Some((end, _)) => format!("{} …\n", &line[..end]),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// A line for each level that has tables.
pub(super) fn describe(levels: &Levels) -> String {
    let mut text = String::new();
    for level in (0..LEVEL_COUNT).filter(|&level| !levels.level(level).is_empty()) {
        write!(text, "\n  level {level}").expect("memory takes it");
        for table in levels.level(level) {
            let key = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
            let (first, last) = (key(&table.smallest), key(&table.largest));
            write!(text, "   {}: {first}-{last} {} B", table.number, table.size)
                .expect("memory takes it");
        }
    }
    format!("\n{}", shortened(text.trim_start_matches('\n')).trim_end())
}

#[track_caller]
pub(super) fn expect_targets(levels: &Levels, options: &LsmOptions, base: usize, sizes: &[u64]) {
    let came = Targets::of(levels, options);
    let mut want = [0; LEVEL_COUNT];
    want[base..].copy_from_slice(sizes);
    assert!(
        came.base == base && came.sizes == want,
        "levels of {:?} bytes, a base of at most {} and a ratio of {}: want base {base} and \
         targets {want:?}, got base {} and {:?} {TARGETS}",
        std::array::from_fn::<_, LEVEL_COUNT, _>(|level| levels.size(level)),
        options.base_level_size,
        options.level_ratio,
        came.base,
        came.sizes
    );
}

#[track_caller]
pub(super) fn expect_score(levels: &Levels, options: &LsmOptions, level: usize, want: f64) {
    let targets = Targets::of(levels, options);
    let came = score(levels, &targets, level, options);
    assert!(
        came == want,
        "the score of level {level}: want {want}, got {came}; targets {:?} {DUE}{}",
        targets.sizes,
        describe(levels)
    );
}

/// What is picked, with its inputs in the order of `levels`.
pub(super) fn picked(levels: &Levels, options: &LsmOptions) -> Option<Compaction> {
    pick(levels, options).map(|compaction| in_order(&compaction, levels))
}

/// Of `levels`, that is picked, as a compaction writes itself: `level 0: 2 1 → level 6`; or
/// `nothing`.
#[track_caller]
pub(super) fn expect_pick_in(levels: &Levels, options: &LsmOptions, want: &str) {
    let came = shown(&picked(levels, options));
    let rule = broken(want, &came);
    assert!(came == want, "want {want}; got {came} {rule}{}", describe(levels));
}

/// The same, for levels as [`levels`] reads them and small sizes.
#[track_caller]
pub(super) fn expect_pick(text: &str, want: &str) {
    expect_pick_in(&levels(text), &options(), want);
}

/// A compaction as it writes itself, or `nothing`.
pub(super) fn shown(picked: &Option<Compaction>) -> String {
    picked.as_ref().map_or_else(|| "nothing".to_owned(), Compaction::to_string)
}

/// The rule that is broken if `came` is picked: that of the first part that differs, which are the
/// level that is due, the output's level, the tables that go, and those that go along.
fn broken(want: &str, came: &str) -> &'static str {
    let from = |text: &str| text.split(':').next().unwrap_or("").to_owned();
    let to = |text: &str| text.split('→').nth(1).unwrap_or("").to_owned();
    let tables = |text: &str| text.split([',', '→']).next().unwrap_or("").trim().to_owned();
    match (from(want) == from(came), to(want) == to(came), tables(want) == tables(came)) {
        (false, ..) => DUE,
        (_, true, true) => BESIDE,
        _ => rule_of(&from(want)),
    }
}

/// The rule of which tables go from this level, and where to.
fn rule_of(from: &str) -> &'static str {
    if from == "level 0" { LEVEL0 } else { CHEAPEST }
}

/// Runs the scripts with these names, one after the other.
#[track_caller]
pub(super) fn scripts(scripts: &[(&str, &str)]) {
    let mut session = Session::new(options());
    for (name, text) in scripts {
        let name = format!("tests/days/day4/scripts/{name}");
        expect_script(&name, text, |command| session.run(command));
    }
}

/// Levels as stores have them, with keys `00` to `99`: overlapping tables above, and below levels
/// of tables side by side.
pub(super) fn random_levels(dice: &mut Workload) -> Levels {
    let mut tables = Vec::new();
    let mut number = 100;
    let mut add = |level: usize, (first, last): (usize, usize), size: u64| {
        number -= 1;
        let (first, last) = (format!("{first:02}"), format!("{last:02}"));
        tables.push((level, table(number, (&first, &last), size)));
    };
    for _ in 0..dice.below(8) {
        let first = dice.below(100);
        add(0, (first, (first + dice.below(20)).min(99)), 1 + dice.below(30) as u64);
    }
    for level in 1 + dice.below(6)..LEVEL_COUNT {
        let mut key = dice.below(60);
        for _ in 0..dice.below(8) {
            let last = key + dice.below(15);
            if last < 100 && dice.below(4) > 0 {
                add(level, (key, last), 1 + dice.below(100) as u64);
            }
            key = last + 1 + dice.below(6);
        }
    }
    levels_of(tables)
}

/// Options that make levels of that kind of any shape.
pub(super) fn random_options(dice: &mut Workload) -> LsmOptions {
    LsmOptions {
        level0_tables: 1 + dice.below(5),
        level_ratio: 2 + dice.below(9) as u64,
        base_level_size: 1 + dice.below(200) as u64,
        table_size: 1 + dice.below(40) as u64,
        ..LsmOptions::default()
    }
}

// Stores.

/// A simulated store, and which flush a lookup of each key should find.
pub(super) struct Watched {
    pub(super) simulator: Simulator,
    /// What comes to it: its load, and the seed.
    what: String,
    /// The flush that wrote a key last.
    newest: BTreeMap<u32, u64>,
    /// What tables of level 0 have, by their numbers: of each key, the flush.
    level0: BTreeMap<u64, BTreeMap<u32, u64>>,
    /// What each other level has.
    below: [BTreeMap<u32, u64>; LEVEL_COUNT],
    flush: u64,
}

impl Watched {
    pub(super) fn new(options: LsmOptions, what: String) -> Watched {
        Watched {
            simulator: Simulator::new(options, 1),
            what,
            newest: BTreeMap::new(),
            level0: BTreeMap::new(),
            below: Default::default(),
            flush: 0,
        }
    }

    pub(super) fn flush(&mut self, keys: &[u32]) {
        self.simulator.flush(keys.iter().copied());
        self.flush += 1;
        let number = self.simulator.levels().level(0)[0].number;
        let entries: BTreeMap<u32, u64> = keys.iter().map(|&key| (key, self.flush)).collect();
        self.newest.extend(&entries);
        self.level0.insert(number, entries);
    }

    /// The next compaction, if one is due; afterwards all must be well.
    #[track_caller]
    pub(super) fn step(&mut self) -> Option<Compaction> {
        let before = self.simulator.levels().clone();
        let compaction = guarded(&self.what, || self.simulator.step())?;
        let mut merged = BTreeMap::new();
        for (level, table) in &compaction.inputs {
            let entries = match level {
                0 => self.level0.remove(&table.number).expect("an input is a table of its level"),
                _ => taken(&mut self.below[*level], table),
            };
            for (key, flush) in entries {
                let newest = merged.entry(key).or_insert(0);
                *newest = flush.max(*newest);
            }
        }
        let keys: Vec<u32> = merged.keys().copied().collect();
        self.below[compaction.output_level].extend(merged);
        let compaction = in_order(&compaction, &before);
        self.expect_newest(&keys, &compaction);
        Some(compaction)
    }

    /// Steps until nothing is due.
    #[track_caller]
    pub(super) fn settle(&mut self) {
        let mut last = String::new();
        for _ in 0..2_000 {
            match self.step() {
                Some(compaction) => last = compaction.to_string(),
                None => return,
            }
        }
        panic!(
            "{}: two thousand compactions, and one more is due: each must take a level nearer to \
             its target; the last one was {last} {DUE}",
            self.what
        );
    }

    /// A lookup, from the newest table down, finds the newest of each of these keys first.
    #[track_caller]
    fn expect_newest(&self, keys: &[u32], compaction: &Compaction) {
        // Larger numbers are newer: in level 0, too, where each table is a flush.
        let level0 = self.level0.values().rev().map(|run| (0, run));
        let runs: Vec<_> = level0.chain((1..).zip(&self.below[1..])).collect();
        for key in keys {
            let mut found = runs.iter().filter_map(|(level, run)| Some((*level, *run.get(key)?)));
            let first = found.next().expect("a key of the output is somewhere");
            let newest = self.newest[key];
            let below = found.find(|(_, flush)| *flush == newest).map_or(0, |(level, _)| level);
            assert!(
                first.1 == newest,
                "{}: after {compaction}, a lookup of key {key} finds what flush {} wrote, in level \
                 {}; what flush {newest} wrote is newer, and below it, in level {below} {}",
                self.what,
                first.1,
                first.0,
                match (first.0, compaction.inputs[0].0) {
                    (0, 0) => LEVEL0,
                    (_, 0) => DUE,
                    _ => CHEAPEST,
                }
            );
        }
    }
}

/// What `run` returns; if the simulator panics, because what was picked cannot be, with the rule.
#[track_caller]
pub(super) fn guarded<T>(what: &str, run: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map_or("", String::as_str);
        let first = text.lines().next().unwrap_or("");
        if let Some((compaction, bad)) = first.split_once(": then table") {
            panic!(
                "{what}: then table{bad} {BESIDE}\n  after {}",
                shortened(compaction).trim_end()
            );
        }
        if first.contains("one more is due") {
            panic!("{what}: {} {DUE}", first.trim_end_matches(':'));
        }
        resume_unwind(panic)
    })
}

/// Takes what `table` spans out of its level.
fn taken(level: &mut BTreeMap<u32, u64>, table: &TableMeta) -> BTreeMap<u32, u64> {
    let key = |key: &[u8]| u32::from_be_bytes(key.try_into().expect("simulated keys have 4 bytes"));
    let mut entries = level.split_off(&key(&table.smallest));
    let behind = entries.split_off(&(key(&table.largest).saturating_add(1)));
    level.extend(behind);
    entries
}

/// Keys of the next flush of a load.
pub(super) type Load = fn(&mut Workload, u32) -> Vec<u32>;

/// What stores are given: a name, and the keys of flush number so many.
pub(super) const LOADS: [(&str, Load); 6] = [
    ("any keys of a thousand", |dice, _| keys_below(dice, 20, 1_000)),
    ("few keys, again and again", |dice, _| keys_below(dice, 30, 40)),
    ("new keys in order", |_, flush| (20 * flush..20 * flush + 20).collect()),
    ("new keys, downward", |_, flush| (1_000_000 - 20 * flush..1_000_020 - 20 * flush).collect()),
    ("nine of ten of a few keys", |dice, flush| {
        let end = if flush.is_multiple_of(10) { 10_000 } else { 50 };
        keys_below(dice, 20, end)
    }),
    ("narrow tables here and there", |dice, _| {
        let first = dice.below(2_000) as u32;
        (first..=first + dice.below(60) as u32).step_by(1 + dice.below(4)).collect()
    }),
];

pub(super) fn keys_below(dice: &mut Workload, count: usize, end: usize) -> Vec<u32> {
    (0..count).map(|_| dice.below(end) as u32).collect()
}
