//! What survives what, at every operation.

use std::path::Path;
use std::sync::Arc;

use crate::fs::SimFs;
use crate::testing::{
    Crash, Model, OpenEngine, Workload, given, put, survives_kills, survives_power_cuts,
};
use crate::{Durability, Result};

/// And so does what was synced, of course.
pub fn what_was_flushed_survives_a_kill(open: &OpenEngine) {
    for durability in [Durability::Flushed, Durability::Synced] {
        let mut store = given(open, &[("a", "1")]);
        store.apply_as(durability, [put("b", "2")]);
        store.crash(Crash::Kill);
        store.expect(&[("a", "1"), ("b", "2")]);
    }
}

/// With everything that was written before it.
pub fn what_was_synced_survives_a_power_cut(open: &OpenEngine) {
    let mut store = given(open, &[("a", "1")]);
    for round in ["2", "3", "4"] {
        store.apply([put("a", "on the way")]);
        store.apply_as(Durability::Synced, [put("a", round), put(round, "there")]);
        store.crash(Crash::PowerCut);
    }
    store.expect(&[("2", "there"), ("3", "there"), ("4", "there"), ("a", "4")]);
}

/// One `sync` after many writes.
pub fn sync_makes_durable_what_was_buffered(open: &OpenEngine) {
    let mut store = given(open, &[("a", "1"), ("b", "2")]);
    store.sync().unwrap_or_else(|error| panic!("sync must work, and failed: {error}"));
    store.crash(Crash::PowerCut);
    store.expect(&[("a", "1"), ("b", "2")]);
}

/// `close` is a `sync` as well.
pub fn close_makes_durable_what_was_buffered(open: &OpenEngine) {
    let mut store = given(open, &[("a", "1"), ("b", "2")]);
    store.close().unwrap_or_else(|error| panic!("close must work, and failed: {error}"));
    store.crash(Crash::PowerCut);
    store.expect(&[("a", "1"), ("b", "2")]);
}

/// Power cut: the state after some batch, none missing that was synced.
pub fn a_power_cut_at_any_operation_leaves_whole_batches_in_order(open: &OpenEngine) {
    survives_power_cuts(open, |fs, dir, model| two_lives(open, fs, dir, model));
}

/// Kill: the state after some batch, none missing that was flushed.
pub fn a_kill_at_any_operation_leaves_whole_batches_in_order(open: &OpenEngine) {
    survives_kills(open, |fs, dir, model| two_lives(open, fs, dir, model));
}

/// Opens and closes the store twice, with a dozen batches each time: random ones with every other
/// seed, and ones of equal size.
fn two_lives(open: &OpenEngine, fs: &SimFs, dir: &Path, model: &mut Model) -> Result<()> {
    let mut random = Workload::new(fs.seed());
    for _ in 0..2 {
        let store = open(Arc::new(fs.clone()), dir)?;
        for _ in 0..12 {
            let batch = match fs.seed() % 2 {
                0 => random.batch(),
                _ => Workload::equal_batch("first life", model.attempted()),
            };
            model.write(&*store, batch, random.durability())?;
        }
        model.close(&*store)?;
    }
    Ok(())
}
