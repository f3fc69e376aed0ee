//! Checkpoints and restores that are cut off, at every operation.

use std::path::Path;

use lsm::files::CURRENT;
use lsm::{Lsm, LsmOptions};
use wal::fs::{Fault, Fs, Operation, SimFs};
use wal::testing::{batch, crash_at_every_operation, kill_at_every_operation, put};
use wal::{Durability, Engine, Error, Result};

use super::given::*;

/// What a store was promised before it was cut off.
#[derive(Default)]
struct Life {
    /// How many batches are on disk.
    synced: usize,
    has_returned: bool,
}

/// Six batches, each on disk, most of them in tables, and a checkpoint.
fn live(options: LsmOptions, sim: &SimFs, life: &mut Life) -> Result<()> {
    let store = Lsm::open(disk(sim), Path::new(DIR), options)?;
    for round in 0..6 {
        let round_text = format!("{round:-<40}");
        let changes = [put("round", &round_text), put(format!("{round:-<150}"), &round_text)];
        store.write(batch(&changes), Durability::Synced)?;
        life.synced = round + 1;
    }
    store.checkpoint(Path::new(COPY))?;
    life.has_returned = true;
    Ok(())
}

/// The store is what it was, and its copy whole, or not there and made the second time.
fn expect_survival(options: fn() -> LsmOptions, sim: &SimFs, life: &mut Life) {
    let store = open(disk(sim), DIR, options());
    let want = all(&store);
    assert!(
        want.len() > life.synced || life.synced == 0,
        "{} batches were synced, and the store has {} entries {LINKED}",
        life.synced,
        want.len()
    );
    let again = || store.checkpoint(Path::new(COPY));
    expect_whole_or_none(options, sim, &want, life.has_returned, again);
}

/// Looks at the copy as it is found, and makes it again if it is none.
#[track_caller]
fn expect_whole_or_none(
    options: fn() -> LsmOptions,
    sim: &SimFs,
    want: &[wal::Entry],
    has_returned: bool,
    again: impl FnOnce() -> Result<()>,
) {
    let is_there = sim.open(&Path::new(COPY).join(CURRENT)).is_ok();
    assert!(is_there || !has_returned, "it has returned, and there is no CURRENT {FIRST}");
    if is_there {
        match Lsm::open(disk(sim), Path::new(COPY), options()) {
            Ok(copy) => {
                expect(&copy, want, "opened after it was cut off,");
                return;
            }
            Err(error) => {
                let is_named = error.to_string().contains("never finished");
                assert!(
                    is_named && !has_returned,
                    "half a store does not say that it is one, or is one that was promised to be \
                     whole: {error} {FIRST}"
                );
            }
        }
    }
    if let Err(error) = again() {
        panic!(
            "cut off and made again, it fails: {error}; there is {:?} {FIRST}",
            names(sim, COPY)
        );
    }
    drop(expect_copy_with(options(), disk(sim), COPY, want, "made again,"));
}

#[test]
fn a_power_cut_at_any_operation_leaves_a_whole_checkpoint_or_none() {
    let live = |sim: &SimFs, life: &mut Life| live(still(), sim, life);
    crash_at_every_operation(live, |sim, life| expect_survival(still, sim, life));
}

#[test]
fn a_kill_at_any_operation_leaves_a_whole_checkpoint_or_none() {
    let live = |sim: &SimFs, life: &mut Life| live(still(), sim, life);
    kill_at_every_operation(live, |sim, life| expect_survival(still, sim, life));
}

#[test]
fn a_power_cut_at_any_operation_leaves_a_whole_checkpoint_of_values_or_none() {
    if !crate::has_value_log() {
        return;
    }
    let live = |sim: &SimFs, life: &mut Life| live(apart(), sim, life);
    crash_at_every_operation(live, |sim, life| expect_survival(apart, sim, life));
}

#[test]
fn a_power_cut_at_any_operation_of_a_restore_leaves_a_whole_store_or_none() {
    cut_off_a_restore(still, filled(disk(&SimFs::new(1))));
}

#[test]
fn a_power_cut_at_any_operation_of_a_restore_of_values_leaves_a_whole_store_or_none() {
    if crate::has_value_log() {
        let store = open(disk(&SimFs::new(1)), DIR, apart());
        overwrite(&store, 0..5);
        cut_off_a_restore(apart, store);
    }
}

/// Makes a backup of `store`, and cuts the power at every operation of bringing it back.
fn cut_off_a_restore(options: fn() -> LsmOptions, store: Lsm) {
    let bucket = TestBucket::new();
    let backups = bucket.backups();
    store.backup(&backups).expect("a good disk and a good bucket");
    let want = all(&store);
    drop(store);
    let restore = |sim: &SimFs, has_returned: &mut bool| {
        backups.restore(1, disk(sim), Path::new(COPY))?;
        *has_returned = true;
        Ok(())
    };
    crash_at_every_operation(restore, |sim, has_returned| {
        let again = || backups.restore(1, disk(sim), Path::new(COPY));
        expect_whole_or_none(options, sim, &want, *has_returned, again);
    });
}

#[test]
fn a_call_to_the_disk_that_fails_harms_neither_the_store_nor_the_next_checkpoint() {
    use Operation::*;
    let operations =
        [Create, Open, Rename, HardLink, List, CreateDir, SyncDir, Lock, Read, Write, Sync, Len];
    for operation in operations {
        for nth in 1..=12 {
            let sim = SimFs::new(nth);
            let store = filled(disk(&sim));
            let want = all(&store);
            let when = format!("after call {nth} of {operation:?} has failed,");
            sim.fail(operation, nth, Fault::Io);
            let made = store.checkpoint(Path::new(COPY));
            sim.clear_faults();
            if made.is_ok() {
                drop(expect_copy(disk(&sim), COPY, &want, &format!("{when} and none was told,")));
            } else {
                // It may have come after the last step, and then the copy is whole.
                match store.checkpoint(Path::new(COPY)) {
                    Err(error) if is_refusal(&error) => {}
                    again => assert!(again.is_ok(), "{when} the next one gives {again:?} {FIRST}"),
                }
                drop(expect_copy(disk(&sim), COPY, &want, &when));
            }
            expect(&store, &want, &format!("{when} the store is not what it was:"));
            store.close().expect("a good disk");
            drop(store);
            expect_copy(disk(&sim), DIR, &want, &format!("{when} the store, opened again:"));
        }
    }
}

#[test]
fn a_table_that_is_in_the_way_is_not_written_into() {
    // As a network file system may do it: the link is made, and the answer is that it could not be.
    let sim = SimFs::new(1);
    let fs = Linking::new(&sim, true);
    drop(filled(disk(&sim)));
    let store = open(fs.clone(), DIR, in_memory());
    let want = all(&store);
    let names_before = names(&sim, DIR);
    let table = names_before.iter().find(|name| name.ends_with(".sst")).expect("there are some");
    let (disk_below, name) = (sim.clone(), table.clone());
    let copies = Path::new(COPY).to_path_buf();
    for table in names_before.iter().filter(|name| name.ends_with(".sst")) {
        assert!(!sim.contents(Path::new(DIR).join(table)).is_empty());
    }
    fs.at_link(move || {
        let linked = disk_below.hard_link(&Path::new(DIR).join(&name), &copies.join(&name));
        linked.expect("nothing has that name");
        for other in disk_below.list(Path::new(DIR)).expect("it is there") {
            if other.ends_with(".sst") && other != name {
                let to = copies.join(&other);
                disk_below.hard_link(&Path::new(DIR).join(&other), &to).expect("the same");
            }
        }
    });
    let made = store.checkpoint(Path::new(COPY));
    fs.expect_linked();
    assert!(
        made.as_ref().is_err_and(|error| !matches!(error, Error::Locked { .. })),
        "a file is in the way, and the checkpoint is {made:?} {LINKED}"
    );
    drop(store);
    expect_copy(disk(&sim), DIR, &want, "after a checkpoint met names that were there, the store:");
    let store = open(disk(&sim), DIR, in_memory());
    checkpoint(&store, COPY);
    drop(store);
    expect_copy(disk(&sim), DIR, &want, "after a draft with links was cleared, the store:");
}
