//! Parts that fail, panic or are stopped, and power that is cut.

use std::any::Any;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, ThreadId};

use lsm::{LsmOptions, Tree};
use wal::fs::{Fault, Fs as _, Operation, SimFs};
use wal::testing::{Workload, crash_at_every_operation, kill_at_every_operation};
use wal::{Error, Result};

use super::given::*;

/// Flushes, the oldest first, that a compaction makes several parts of several tables of.
fn history(count: u64) -> Vec<Vec<Entry>> {
    let flush = |number: u64| operations(&mut Workload::new(number), 30, 15, 1 + 15 * number);
    (0..count).map(flush).collect()
}

/// Flushes number `index` of a [`history`].
fn flush_of(tree: &Tree, history: &[Vec<Entry>], index: usize) -> Result<()> {
    try_flush(tree, &history[index])
}

/// How many flushes of a [`history`] the manifest knows of.
fn flushed(tree: &Tree) -> usize {
    (tree.flushed().lsn / 100) as usize
}

fn in_parts() -> LsmOptions {
    LsmOptions { table_size: 600, ..options(3) }
}

#[track_caller]
fn expect_history(tree: &Tree, count: usize, when: &str) {
    let want = seen(&in_order(history(count as u64).concat()), 999);
    let came = seen(&entries_of(&tree.version()), 999);
    assert!(came == want, "{when}: a reader sees {came:?}, and should see {want:?} {ENDS}");
}

// Power.

/// Flushes three times and compacts. Notes how many flushes have returned.
fn live(sim: &SimFs, done: &mut usize) -> Result<()> {
    sim.create_dir(Path::new(DIR))?;
    sim.sync_dir(Path::new("/"))?;
    let (tree, history) = (try_open(sim.clone(), in_parts())?, history(3));
    for index in 0..3 {
        flush_of(&tree, &history, index)?;
        *done = index + 1;
    }
    tree.compact(&all_of(&tree, &[0], 1))
}

/// Opens what is left of such a life, looks at it, and goes on with it.
#[track_caller]
fn expect_alive(sim: &SimFs, done: usize) {
    sim.create_dir(Path::new(DIR)).expect("a good disk");
    let tree = open(sim.clone(), in_parts());
    let count = flushed(&tree);
    assert!(
        count == done || count == done + 1,
        "{done} flushes had returned, and the log goes on behind flush {count} {ENDS}"
    );
    let when = format!("after {count} flushes, opened again");
    expect_history(&tree, count, &when);
    expect_only_named_files(sim, &tree, &when);
    flush_of(&tree, &history(4), count).expect("a good disk");
    compact(&tree, &[0, 1], 1);
    let when = format!("after {} flushes and one more compaction", count + 1);
    expect_history(&tree, count + 1, &when);
    expect_only_named_files(sim, &tree, &when);
}

#[test]
fn a_power_cut_at_any_operation_of_all_parts_leaves_the_old_tables_or_the_new_ones() {
    crash_at_every_operation(live, |sim, done| expect_alive(sim, *done));
}

#[test]
fn a_kill_at_any_operation_of_all_parts_leaves_the_old_tables_or_the_new_ones() {
    kill_at_every_operation(live, |sim, done| expect_alive(sim, *done));
}

// Faults.

#[test]
fn a_fault_at_any_call_of_any_part_leaves_the_store_as_it_was() {
    let given = || {
        let sim = disk(1);
        let tree = open(sim.clone(), LsmOptions { cache_size: 0, ..in_parts() });
        (0..3).for_each(|index| flush_of(&tree, &history(3), index).expect("a good disk"));
        (sim, tree)
    };
    let work = |tree: &Tree| tree.compact(&all_of(tree, &[0], 1));
    let calls = {
        let (sim, tree) = given();
        let before = sim.counts();
        work(&tree).unwrap_or_else(|error| panic!("the disk is good: {error} {ONCE}"));
        let after = sim.counts();
        let tables = after.dir_syncs - before.dir_syncs;
        [
            (Operation::Create, tables),
            (Operation::Write, after.writes - before.writes),
            (Operation::Sync, after.syncs - before.syncs),
            (Operation::Rename, tables),
            (Operation::SyncDir, tables),
            (Operation::Read, after.reads - before.reads),
        ]
    };
    for (operation, count) in calls {
        assert!(count > 3, "{operation:?}: {count} calls of three parts {ONCE}");
        for nth in 1..=count {
            let (sim, tree) = given();
            let (before, names) = (entries_of(&tree.version()), table_names(&sim));
            let reads = sim.counts().reads;
            sim.fail(operation, nth, Fault::Io);
            let failed = work(&tree);
            sim.clear_faults();
            if operation == Operation::Read && sim.counts().reads - reads < nth {
                // Two parts have shared the read of a block that both begin in, and there was no nth.
                continue;
            }
            let what = format!("{operation:?} number {nth} fails");
            let is_told = failed.as_ref().is_err_and(|error| error.io_kind().is_some());
            assert!(is_told, "{what}: want that error, got {failed:?} {ENDS}");
            let after = entries_of(&tree.version());
            assert!(after == before, "{what}, and readers see a change {ENDS}");
            assert_eq!(shape(&tree.version()), [3], "{what}: tables of each level {ENDS}");
            let left: Vec<String> =
                table_names(&sim).into_iter().filter(|name| !names.contains(name)).collect();
            // If it was the manifest's, the edit may be there, and the tables that it names must.
            match flush_of(&tree, &history(4), 3) {
                Err(Error::Poisoned { .. }) => assert!(
                    !left.is_empty(),
                    "{what}, of the edit: nobody knows whether it counts, and its tables are gone \
                     {ENDS}"
                ),
                _ => assert!(left.is_empty(), "{what}, and {left:?} is left {ENDS}"),
            }
            drop(tree);
            let tree = open(sim.clone(), in_parts());
            expect_history(&tree, flushed(&tree), &format!("{what}, and it is opened again"));
        }
    }
}

/// A store with 400 entries in one table, on a disk that `hook` watches. A block is written with what
/// entries it has, so that the hook sees their values.
fn one_table(
    threads: usize,
    hook: impl Fn(&Path, &Call<'_>) -> Result<()> + Send + Sync + 'static,
) -> (SimFs, Arc<Tree>) {
    let sim = disk(1);
    put_into_level_1(&open(sim.clone(), options(1)), &puts(0..400, 1));
    let tree = open(Watched::new(&sim, hook), options(threads));
    (sim, tree)
}

/// The first entry of [`one_table`] whose value is in these bytes.
fn entry_in(bytes: &[u8]) -> Option<usize> {
    let value = bytes.windows(60).find(|part| part.iter().all(u8::is_ascii_digit))?;
    let seq: usize = str::from_utf8(value).ok()?.parse().ok()?;
    seq.checked_sub(1)
}

/// Whether a block has this entry, of one or two that it has.
fn has(bytes: &[u8], number: usize) -> bool {
    entry_in(bytes).is_some_and(|first| first == number)
}

fn fault(path: &Path, what: &str) -> Error {
    Error::io("write", path, io::Error::other(what.to_owned()))
}

/// How far the parts of [`with_trouble`] are.
#[derive(Default)]
struct Stage {
    /// Who has begun a table.
    threads: HashSet<ThreadId>,
    /// Who comes to the block that cannot be written.
    troubled: Option<ThreadId>,
    /// The table that has it.
    table: Option<PathBuf>,
    /// Whether that has been removed: its part is over.
    is_gone: bool,
    /// Whether its thread has ended, too: by then the others have been told.
    has_ended: bool,
    /// Blocks that were written since then.
    later: usize,
}

/// What a thread does when it ends.
#[derive(Default)]
struct AtTheEnd(OnceCell<Box<dyn Fn()>>);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        if let Some(act) = self.0.get() {
            act();
        }
    }
}

thread_local!(static AT_THE_END: AtTheEnd = AtTheEnd::default());

/// Does `act` when this thread ends.
fn at_the_end(act: impl Fn() + 'static) {
    AT_THE_END.with(|end| drop(end.0.set(Box::new(act))));
}

/// Compacts such a store while one part cannot write the block of entry `number`, and does `trouble`
/// instead. Gives what came of it, how many blocks other parts wrote when they had been told, and the
/// store.
fn with_trouble(
    number: usize,
    trouble: impl Fn(&Path) -> Result<()> + Send + Sync + 'static,
) -> (thread::Result<Result<()>>, usize, SimFs, Arc<Tree>) {
    let stage = Arc::new(Shared::<Stage>::default());
    let (hook, compactor) = (Arc::clone(&stage), thread::current().id());
    let (sim, tree) = one_table(4, move |path, call| {
        let this_thread = thread::current().id();
        match call {
            Call::Create => drop(hook.change(|stage| stage.threads.insert(this_thread))),
            Call::Write(bytes) => {
                // The others wait at their first blocks, so that this one is the only one on its way.
                let is_near = |first: usize| first <= number && number < first + 60;
                let is_troubled = hook.change(|stage| {
                    if stage.troubled.is_none() && entry_in(bytes).is_some_and(is_near) {
                        stage.troubled = Some(this_thread);
                    }
                    stage.troubled == Some(this_thread)
                });
                if is_troubled && has(bytes, number) {
                    let why = format!("four parts should have begun their first tables {ONCE}");
                    hook.wait_until(&why, |stage| stage.threads.len() >= 4);
                    hook.change(|stage| stage.table = Some(path.to_path_buf()));
                    // The thread that compacts ends last: nobody knows when it has told the others.
                    if this_thread != compactor {
                        let hook = Arc::clone(&hook);
                        at_the_end(move || hook.change(|stage| stage.has_ended = true));
                    }
                    return trouble(path);
                }
                if !is_troubled {
                    let why = format!("a part has failed, and its thread does not end {ENDS}");
                    hook.wait_until(&why, |stage| {
                        stage.has_ended || stage.is_gone && stage.troubled == Some(compactor)
                    });
                    hook.change(|stage| stage.later += usize::from(stage.has_ended));
                }
            }
            Call::Remove => hook.change(|stage| {
                stage.is_gone |= stage.table.as_deref() == Some(path);
            }),
            Call::Read => {}
        }
        Ok(())
    });
    let compaction = all_of(&tree, &[1], 1);
    let came = panic::catch_unwind(AssertUnwindSafe(|| tree.compact(&compaction)));
    let later = stage.change(|stage| stage.later);
    (came, later, sim, tree)
}

#[track_caller]
fn expect_ended(later: usize, what: &str) {
    assert!(
        later <= 3,
        "{what}: the three others wrote {later} blocks after its thread had ended, and should end at \
         their next one {ENDS}"
    );
}

/// Entries at the start of each part, and entries in front of which a part has finished some tables.
const IN_EACH_PART: [usize; 8] = [3, 105, 205, 305, 45, 145, 245, 345];

#[test]
fn a_part_that_fails_ends_the_others_and_says_why() {
    for number in IN_EACH_PART {
        let what = format!("the block of {} cannot be written", key(number));
        let (came, later, sim, tree) =
            with_trouble(number, |path| Err(fault(path, "out of order")));
        let came = came.unwrap_or_else(|panic| panic::resume_unwind(panic));
        let is_named = came.as_ref().is_err_and(|error| error.to_string().contains("out of order"));
        assert!(is_named, "{what}: want that error, got {came:?} {ENDS}");
        expect_ended(later, &what);
        assert_eq!(shape(&tree.version()), [0, 1], "{what}: tables of each level {ENDS}");
        expect_only_named_files(&sim, &tree, &what);
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or(panic.downcast_ref::<&str>().map(|text| text.to_string())).unwrap_or_default()
}

#[test]
fn a_part_that_panics_ends_the_others_and_goes_on_panicking() {
    for number in IN_EACH_PART {
        let what = format!("a part panics at the block of {}", key(number));
        let (came, later, sim, tree) = with_trouble(number, |_| panic!("a bug in a disk"));
        let text = match &came {
            Err(panic) => text_of(&**panic),
            Ok(came) => panic!("{what}: want that panic, got {came:?} {ENDS}"),
        };
        assert!(text.contains("a bug in a disk"), "{what}: want that panic, got {text:?} {ENDS}");
        expect_ended(later, &what);
        assert_eq!(shape(&tree.version()), [0, 1], "{what}: tables of each level {ENDS}");
        expect_only_named_files(&sim, &tree, &what);
    }
}

#[test]
fn of_several_failures_the_first_is_told() {
    /// How far they are.
    #[derive(Default)]
    struct Order {
        is_at_second: bool,
        /// Whether the thread has ended that fails first: its failure is known by then.
        has_ended: bool,
        /// Whether that is the thread that compacts, which ends last: then nothing else fails.
        is_alone: bool,
    }
    let compactor = thread::current().id();
    // One part is at a block, and another one fails. When that is known, the block fails, too.
    for (first, second) in [(305, 3), (105, 305), (205, 105), (105, 205)] {
        let stage = Arc::new(Shared::<Order>::default());
        let (_, tree) = one_table(4, move |path, call| match call {
            Call::Write(bytes) if has(bytes, first) => {
                let why = format!("the part with {} should come to its block {ONCE}", key(second));
                stage.wait_until(&why, |stage| stage.is_at_second);
                if thread::current().id() == compactor {
                    stage.change(|stage| stage.is_alone = true);
                } else {
                    let stage = Arc::clone(&stage);
                    at_the_end(move || stage.change(|stage| stage.has_ended = true));
                }
                Err(fault(path, "this was first"))
            }
            Call::Write(bytes) if has(bytes, second) => {
                stage.change(|stage| stage.is_at_second = true);
                let why = format!("a part has failed, and its thread does not end {ENDS}");
                stage.wait_until(&why, |stage| stage.has_ended || stage.is_alone);
                match stage.change(|stage| stage.is_alone) {
                    true => Ok(()),
                    false => Err(fault(path, "this was second")),
                }
            }
            _ => Ok(()),
        });
        let came = tree.compact(&all_of(&tree, &[1], 1));
        let is_first =
            came.as_ref().is_err_and(|error| error.to_string().contains("this was first"));
        assert!(
            is_first,
            "the block of {} cannot be written, and a while later that of {}, in another part: want the \
             first error, got {came:?} {ENDS}",
            key(first),
            key(second)
        );
    }
}

#[test]
fn a_damaged_input_stops_all_parts_and_is_named() {
    for number in [0, 60, 130, 220, 399] {
        let sim = disk(1);
        let tree = open(sim.clone(), LsmOptions { cache_size: 0, ..options(4) });
        put_into_level_1(&tree, &puts(0..400, 1));
        let path = lsm::files::table_path(Path::new(DIR), tree.version().level(1)[0].meta.number);
        let mut bytes = sim.contents(&path);
        let value = format!("{:0>60}", number + 1);
        let place = bytes.windows(60).position(|part| part == value.as_bytes());
        bytes[place.expect("values are not compressed")] ^= 0xff;
        sim.overwrite(&path, &bytes);
        let failed = tree.compact(&all_of(&tree, &[1], 1));
        let is_named = matches!(&failed, Err(Error::Corruption { file, .. }) if *file == path);
        let what = format!("the block of {} is damaged", key(number));
        assert!(is_named, "{what}: want that it is named, got {failed:?} {ENDS}");
        assert_eq!(shape(&tree.version()), [0, 1], "{what}: tables of each level {ENDS}");
        expect_only_named_files(&sim, &tree, &what);
    }
}

#[test]
fn a_store_that_stops_at_any_block_leaves_no_part_behind() {
    let mut ended = 0;
    for nth in 1.. {
        let sim = disk(1);
        let (calls, tree_there) = (AtomicUsize::new(0), Arc::new(OnceLock::<Weak<Tree>>::new()));
        let hook = Arc::clone(&tree_there);
        let fs = Watched::new(&sim, move |_, call| {
            if let (Call::Create | Call::Write(_), Some(tree)) = (call, hook.get())
                && calls.fetch_add(1, Ordering::SeqCst) + 1 == nth
            {
                tree.upgrade().expect("it compacts").stop();
            }
            Ok(())
        });
        let tree = open(fs, in_parts());
        (0..3).for_each(|index| flush_of(&tree, &history(3), index).expect("a good disk"));
        tree_there.set(Arc::downgrade(&tree)).expect("once");
        let compacted = tree.compact(&all_of(&tree, &[0], 1));
        let when = format!("stopped in front of call {nth} of a compaction");
        match compacted {
            Err(Error::Closed) => {
                ended += 1;
                assert_eq!(shape(&tree.version()), [3], "{when}: tables of each level {ENDS}");
            }
            Ok(()) => assert_eq!(shape(&tree.version())[0], 0, "{when}: tables of level 0 {ENDS}"),
            Err(error) => panic!("{when}: want Closed, got {error} {ENDS}"),
        }
        expect_only_named_files(&sim, &tree, &when);
        expect_history(&tree, 3, &when);
        let flushed = flush_of(&tree, &history(4), 3);
        flushed.unwrap_or_else(|error| panic!("{when}, and a flush fails: {error} {LIFTED}"));
        if !matches!(compacted, Err(Error::Closed)) && nth > 20 {
            break;
        }
    }
    assert!(ended > 20, "only {ended} of them ended early {ENDS}");
}

#[test]
fn a_store_that_stops_ends_a_part_that_writes_nothing_too() {
    let sim = disk(1);
    let (reads, tree_there) = (AtomicUsize::new(0), Arc::new(OnceLock::<Weak<Tree>>::new()));
    let hook = Arc::clone(&tree_there);
    let fs = Watched::new(&sim, move |_, call| {
        if let (Call::Read, Some(tree)) = (call, hook.get())
            && reads.fetch_add(1, Ordering::SeqCst) == 10
        {
            tree.upgrade().expect("it compacts").stop();
        }
        Ok(())
    });
    let tree = open(fs, LsmOptions { cache_size: 0, ..options(4) });
    flush(&tree, &puts(0..400, 1));
    flush(&tree, &deletes(0..400, 401));
    tree_there.set(Arc::downgrade(&tree)).expect("once");
    let compacted = tree.compact(&all_of(&tree, &[0], 6));
    let when = "400 puts and their deletes, of which nothing stays, and stopped at the tenth read";
    assert!(
        matches!(compacted, Err(Error::Closed)),
        "{when}: want Closed, got {compacted:?} {ENDS}"
    );
    assert_eq!(shape(&tree.version()), [2], "{when}: tables of each level {ENDS}");
    expect_only_named_files(&sim, &tree, when);
}
