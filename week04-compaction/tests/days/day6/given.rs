//! What day 6's tests are given: small stores on a simulated disk, and what they hold.

use std::path::Path;
use std::sync::Arc;

use lsm::{LEVEL_COUNT, Lsm, LsmOptions, Strategy, Version};
use sstable::TableOptions;
use wal::fs::{Fs, SimFs};
use wal::testing::{Workload, batch, put, scan};
use wal::{Direction, Durability, Engine, Entry, KeyRange, Reader, Result};

pub(super) const FUNCTION: &str = "(rule 1 of day 6: what a store holds is a function of what is in \
                                   its directory; nothing else goes in)";
pub(super) const ORDER: &str = "(rule 2 of day 6: memory first, then the version; and if its floor is \
                                above the number that memory was seen at, begin again)";
pub(super) const SNAPSHOT: &str = "(rule 3 of day 6: a snapshot is known to compaction before anybody \
                                   has it, and until it is dropped)";
pub(super) const NAMED: &str = "(rule 4 of day 6: damage is an error that names the file, nothing is \
                                removed then, and nothing wrong is ever served)";
pub(super) const ENDS: &str = "(rule 5 of day 6: close and drop end both threads and let the \
                               directory go; a failure in the background refuses writes, not reads)";

pub(super) const DIR: &str = "/db";

/// Memtables of a few entries, tables of two, and levels of a few of these.
/// Writes that are slowed down sleep: here they only stop.
pub(super) fn small() -> LsmOptions {
    LsmOptions {
        memtable_size: 400,
        cache_size: 10_000,
        table: TableOptions { block_size: 64, restart_interval: 3, ..TableOptions::default() },
        table_size: 400,
        level0_tables: 2,
        level0_slow: 12,
        level0_stop: 12,
        base_level_size: 1_000,
        level_ratio: 3,
        ..LsmOptions::default()
    }
}

/// As [`small`], with everything that may differ chosen by dice.
pub(super) fn any_options(dice: &mut Workload) -> LsmOptions {
    let strategy = [Strategy::Leveled, Strategy::Tiered][dice.below(2)];
    LsmOptions {
        strategy,
        memtable_size: 100 << dice.below(4),
        frozen_max: 1 + dice.below(3),
        cache_size: [0, 1_000, 100_000][dice.below(3)],
        table_size: 100 << dice.below(4),
        level0_tables: 1 + dice.below(4),
        base_level_size: 500 << dice.below(3),
        level_ratio: 2 + dice.below(9) as u64,
        space_max_percent: [25, 100, 200][dice.below(3)],
        ..small()
    }
}

pub(super) fn try_open(sim: &SimFs, options: LsmOptions) -> Result<Lsm> {
    Lsm::open(Arc::new(sim.clone()), Path::new(DIR), options)
}

#[track_caller]
pub(super) fn open(sim: &SimFs, options: LsmOptions) -> Lsm {
    try_open(sim, options)
        .unwrap_or_else(|error| panic!("the store must open, and fails: {error} {FUNCTION}"))
}

#[track_caller]
pub(super) fn write(store: &Lsm, key: &str, value: &str, durability: Durability) {
    let written = store.write(batch(&[put(key, value)]), durability);
    written.unwrap_or_else(|error| panic!("putting {key} fails on a good disk: {error} {ENDS}"));
}

/// Overwrites ten keys, so many times each, with what says how often; all of it far more than memory
/// takes.
#[track_caller]
pub(super) fn overwrite(store: &Lsm, rounds: std::ops::Range<usize>) {
    for round in rounds {
        for key in 0..10 {
            write(store, &format!("key{key}"), &value(round), Durability::Buffered);
        }
    }
}

/// What round `round` writes.
pub(super) fn value(round: usize) -> String {
    format!("{round:-<40}")
}

/// All that a reader sees.
pub(super) fn all(reader: &dyn Reader) -> Vec<Entry> {
    scan(reader, KeyRange::all(), Direction::Forward)
}

/// Ten keys as round `round` left them.
pub(super) fn after(round: usize) -> Vec<Entry> {
    (0..10).map(|key| (format!("key{key}").into(), value(round).into())).collect()
}

#[track_caller]
pub(super) fn expect_all(reader: &dyn Reader, want: &[Entry], when: &str, rule: &str) {
    let found = all(reader);
    assert!(found == want, "{when} a scan gives\n{found:?}, and should\n{want:?}\n{rule}");
    for (key, value) in want {
        let came = reader.get(key);
        let is_right = came.as_ref().is_ok_and(|came| came.as_ref() == Some(value));
        assert!(is_right, "{when} get({key:?}) gives {came:?}, and should {value:?} {rule}");
    }
}

/// One of the store's counters.
#[track_caller]
pub(super) fn stat(store: &Lsm, name: &str) -> u64 {
    let stats = store.stats();
    let counter = stats.counters.iter().find(|counter| counter.name == name);
    counter.unwrap_or_else(|| panic!("stats() has no counter {name}: {stats:?}")).value
}

/// The names in the directory that end so, in order.
pub(super) fn names(sim: &SimFs, end: &str) -> Vec<String> {
    let mut names = sim.list(Path::new(DIR)).expect("it is there");
    names.retain(|name| name.ends_with(end));
    names.sort();
    names
}

/// The names that the tables of a version have, in order.
pub(super) fn named_by(version: &Version) -> Vec<String> {
    let tables = (0..LEVEL_COUNT).flat_map(|level| version.level(level));
    let mut names: Vec<String> =
        tables.map(|table| format!("{:06}.sst", table.meta.number)).collect();
    names.sort();
    names
}
