//! Whole stores, in parts and at a pace.

use std::io;
use std::path::Path;
use std::sync::Arc;

use lsm::{Lsm, LsmOptions, Strategy};
use sstable::{Codec, TableOptions};
use wal::fs::{Fs, SimFs};
use wal::testing::{Crash, Model, Workload, batch, for_each_seed, put, scan};
use wal::{Direction, Durability, Engine, Error, KeyRange, Reader};

use super::given::*;

/// Memtables of a few entries, tables of two, and three threads. Writes that are slowed down sleep:
/// here they only stop.
fn small() -> LsmOptions {
    LsmOptions {
        memtable_size: 400,
        cache_size: 10_000,
        table: TableOptions {
            block_size: 64,
            restart_interval: 3,
            codec: Codec::None,
            ..TableOptions::default()
        },
        table_size: 400,
        level0_tables: 2,
        level0_slow: 12,
        level0_stop: 12,
        base_level_size: 1_000,
        level_ratio: 3,
        compaction_threads: 3,
        ..LsmOptions::default()
    }
}

/// As [`small`], with as many tables in level 0 as come.
fn full() -> LsmOptions {
    LsmOptions { level0_slow: 1_000, level0_stop: 1_000, ..small() }
}

#[track_caller]
fn open_store(fs: impl Fs + 'static, options: LsmOptions) -> Lsm {
    let store = Lsm::open(Arc::new(fs), Path::new(DIR), options);
    store.unwrap_or_else(|error| panic!("the store must open, and fails: {error}"))
}

/// Puts two hundred keys, in an order in which all tables overlap.
#[track_caller]
fn fill(store: &Lsm) {
    for number in 0..200 {
        let number = number * 77 % 200;
        let change = put(key(number), format!("{number:0>60}"));
        store.write(batch(&[change]), Durability::Buffered).expect("a good disk");
    }
}

#[test]
fn a_store_with_any_threads_and_any_limit_keeps_what_it_has_promised() {
    for_each_seed(60, |sim| {
        let mut dice = Workload::new(sim.seed());
        let any = |dice: &mut Workload| LsmOptions {
            strategy: [Strategy::Leveled, Strategy::Tiered][dice.below(2)],
            compaction_threads: 2 + dice.below(4),
            compaction_rate: [None, Some(10_000_000)][dice.below(2)],
            table_size: 100 << dice.below(3),
            ..small()
        };
        let mut model = Model::new();
        let crash = [Crash::PowerCut, Crash::Kill][dice.below(2)];
        let restart = match crash {
            Crash::PowerCut => SimFs::power_cycle,
            Crash::Kill => SimFs::kill,
        };
        for _ in 0..3 {
            let store = open_store(sim.clone(), any(&mut dice));
            model.expect_after(crash, &store);
            sim.crash_at(50 + dice.below(400) as u64);
            for _ in 0..dice.below(200) {
                let (batch, durability) = (dice.batch(), dice.durability());
                match model.write(&store, batch, durability) {
                    Ok(_) => {}
                    Err(_) if !sim.is_powered() => break,
                    Err(error) => panic!("a write fails while the power is on: {error} {ENDS}"),
                }
            }
            restart(sim);
            drop(store);
        }
        let store = open_store(sim.clone(), any(&mut dice));
        model.expect_after(crash, &store);
        let settled = store.settle();
        settled.unwrap_or_else(|error| panic!("the disk is good: {error} {ENDS}"));
        model.expect_all(&store);
    });
}

#[test]
fn a_part_that_fails_refuses_writes_with_its_own_error() {
    let sim = SimFs::new(1);
    let store = open_store(sim.clone(), LsmOptions { level0_tables: 1_000, ..full() });
    fill(&store);
    store.close().expect("a good disk");
    drop(store);
    // Nothing is flushed any more, so that whoever writes a table compacts.
    let value = format!("{:0>60}", 150);
    let fs = Watched::new(&sim, move |path, call| match call {
        Call::Write(bytes) if bytes.windows(60).any(|part| part == value.as_bytes()) => {
            Err(Error::io("write", path, io::Error::other("out of order")))
        }
        _ => Ok(()),
    });
    let store = open_store(fs, LsmOptions { memtable_size: 1 << 30, ..full() });
    let settled = store.settle();
    let says = settled.as_ref().map_or_else(ToString::to_string, |()| "nothing".to_owned());
    assert!(
        says.contains("a compaction failed") && says.contains("out of order"),
        "a part cannot write a block, and the store says: {says} {ENDS}"
    );
    let refused = store.write(batch(&[put("a", "")]), Durability::Buffered);
    assert!(
        matches!(&refused, Err(Error::Poisoned { cause }) if cause.contains("out of order")),
        "a part cannot write a block, and a write is told {refused:?} {ENDS}"
    );
    let found = store.get(key(150).as_bytes()).expect("reads go on");
    assert!(found.is_some(), "what the inputs have is still there {ENDS}");
}

#[test]
fn close_waits_for_no_tokens() {
    let sim = SimFs::new(1);
    let store = open_store(sim.clone(), LsmOptions { compaction_rate: Some(1), ..full() });
    fill(&store);
    let closing = run(move || (store.close(), drop(store)).0);
    let why = "its compaction has one byte a second, and close waits for it";
    returned(closing, why).expect("a good disk");
    let store = open_store(sim, LsmOptions { compaction_rate: None, ..small() });
    store.settle().unwrap_or_else(|error| panic!("the disk is good: {error} {ENDS}"));
    let found = scan(&store, KeyRange::all(), Direction::Forward);
    assert_eq!(found.len(), 200, "entries after a close in the middle of a compaction {ENDS}");
    assert!(store.get(key(7).as_bytes()).expect("a good disk").is_some(), "it was put {ENDS}");
}
