//! Checkpoints and restores that are cut off, at every operation.

use std::path::Path;

use lsm::files::CURRENT;
use lsm::{Lsm, LsmOptions};
use wal::fs::{Fault, Fs, Operation, SimFs};
use wal::testing::{batch, crash_at_every_operation, for_each_seed, kill_at_every_operation, put};
use wal::{Durability, Engine, Error, Reader, Result};

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
    if !has_values() {
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
    if has_values() {
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
fn a_link_that_was_made_and_is_said_to_have_failed_is_not_copied_over() {
    let sim = SimFs::new(1);
    drop(filled(disk(&sim)));
    let store = open(Linking::new(&sim, Links::WorkAndFail), DIR, in_memory());
    let want = all(&store);
    let made = store.checkpoint(Path::new(COPY));
    drop(store);
    drop(expect_copy(disk(&sim), DIR, &want, "a link was made, the disk said no, and the store:"));
    assert!(
        made.is_err(),
        "the file is there, and nobody knows whose, and the checkpoint is {made:?} {LINKED}"
    );
    let store = open(disk(&sim), DIR, in_memory());
    checkpoint(&store, COPY);
    expect_copy(disk(&sim), COPY, &want, "with a disk that says what it does,");
}

/// Removes what is in a store's directory, as somebody does who has a copy of it.
fn remove_store(sim: &SimFs, dir: &str) {
    for dir in [format!("{dir}/log"), dir.to_owned()] {
        for name in names(sim, &dir) {
            sim.remove(&Path::new(&dir).join(name)).expect("it is there");
        }
    }
}

/// Writes a little to the copy, cuts the power, and opens it: its log may have got the bytes of one that
/// was removed.
fn expect_own_log(sim: &SimFs) {
    let copy = open_copy(disk(sim), COPY, in_memory());
    put_each(&copy, "new", 5, Durability::Flushed);
    sim.power_cycle();
    drop(copy);
    let opened = Lsm::open(disk(sim), Path::new(COPY), in_memory());
    let copy = opened.unwrap_or_else(|error| {
        panic!(
            "the first store was removed, something written to its copy, and the power cut; the copy \
             finds records of another log in its own: {error}. No two logs of a disk are at one \
             position {FIRST}"
        )
    });
    for key in 0..20 {
        let found = copy.get(format!("old{key}").as_bytes()).expect("a good disk");
        assert!(found.is_some(), "old{key} was in the store, and is not in its copy {MOMENT}");
    }
}

/// A store whose twenty puts are in its log, and in no table.
fn logged(sim: &SimFs) -> Lsm {
    let store = open(disk(sim), DIR, in_memory());
    put_each(&store, "old", 20, Durability::Synced);
    store
}

/// Puts so many keys that begin with `name`, each with this durability.
fn put_each(store: &Lsm, name: &str, count: usize, durability: Durability) {
    for key in 0..count {
        let change = batch(&[put(format!("{name}{key}"), "")]);
        store.write(change, durability).expect("a good disk");
    }
}

#[test]
fn the_log_of_a_copy_is_nowhere_where_that_of_its_store_was() {
    for_each_seed(150, |sim| {
        let store = logged(sim);
        store.checkpoint(Path::new(COPY)).expect("a good disk");
        drop(store);
        remove_store(sim, DIR);
        expect_own_log(sim);
    });
}

#[test]
fn the_log_of_what_came_back_is_nowhere_where_another_one_was() {
    for_each_seed(150, |sim| {
        let bucket = TestBucket::new();
        let backups = bucket.backups();
        logged(sim).backup(&backups).expect("a good disk and a good bucket");
        remove_store(sim, DIR);
        // Twice: the first one goes on for a while, and is removed.
        let restore = || backups.restore(1, disk(sim), Path::new(COPY)).expect("a good bucket");
        restore();
        let first = open_copy(disk(sim), COPY, in_memory());
        put_each(&first, "first", 20, Durability::Synced);
        drop(first);
        remove_store(sim, COPY);
        restore();
        expect_own_log(sim);
    });
}

#[test]
fn a_table_that_is_in_the_way_is_not_written_into() {
    // As a network file system may do it: the link is made, and the answer is that it could not be.
    let sim = SimFs::new(1);
    let fs = Linking::new(&sim, Links::Work);
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
