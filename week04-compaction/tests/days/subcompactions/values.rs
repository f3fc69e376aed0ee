//! Parts of a store with a value log: each moves values into a file of its own.

use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lsm::values::{ValueFile, tag_all};
use lsm::{LsmOptions, Tree};
use memtable::{Flush, Frozen, LogMark, StoreTable};
use wal::fs::{Fs, SimFs};
use wal::testing::{batch, put};
use wal::{Error, Seq};

use super::given::*;

/// Whether there are values to move. While lab `valuelog` is not begun, this tries a compaction in
/// parts without them instead.
#[track_caller]
fn has_values() -> bool {
    let has_values = crate::has_value_log();
    if !has_values {
        let tree = open(disk(1), options(3));
        put_into_level_1(&tree, &puts(0..100, 1));
        compact(&tree, &[1], 1);
    }
    has_values
}

/// Values of 200 bytes apart; a value file is due as soon as it has garbage.
fn apart(threads: usize) -> LsmOptions {
    LsmOptions { value_min: Some(200), value_garbage_percent: 0, ..options(threads) }
}

/// Flushes a value of 300 bytes for each of these keys; numbers from `first` on.
#[track_caller]
fn flush_values(tree: &Tree, keys: impl IntoIterator<Item = usize>, first: Seq) {
    let (table, mut seq) = (StoreTable::new(), first);
    let changes: Vec<_> =
        keys.into_iter().map(|number| put(key(number), format!("{number:0>300}"))).collect();
    for operation in &tag_all(&batch(&changes)) {
        table.insert(seq, operation);
        seq += 1;
    }
    let end = LogMark { lsn: tree.flushed().lsn + 100, seq: seq - 1 };
    tree.flush(&Frozen { table: Arc::new(table), end }).expect("a good disk");
}

/// How many keys [`with_garbage`] gives a value to.
const KEY_COUNT: usize = 120;

/// A store of one table in level 1, all of whose values have to move: their file has some garbage.
#[track_caller]
fn with_garbage(sim: &SimFs) {
    let tree = open(sim.clone(), LsmOptions { table_size: 1 << 20, ..apart(1) });
    flush_values(&tree, 0..KEY_COUNT, 1);
    flush_values(&tree, (0..KEY_COUNT).step_by(30), 1_000);
    compact(&tree, &[0], 1);
    assert_eq!(shape(&tree.version()), [0, 1], "one table, and values to collect");
}

/// The names of the value files that are there, in order.
fn value_names(sim: &SimFs) -> Vec<String> {
    let mut names = sim.list(Path::new(DIR)).expect("it is there");
    names.retain(|name| name.ends_with(".val"));
    names.sort();
    names
}

/// That there are the value files that tables point into, and no others, and that values are what they
/// were.
#[track_caller]
fn expect_values(sim: &SimFs, tree: &Tree, when: &str) {
    let version = tree.version();
    let name = |file: &Arc<ValueFile>| {
        file.path().file_name().expect("it has a name").to_string_lossy().into_owned()
    };
    let needed: Vec<String> = version.values().iter().map(|live| name(&live.file)).collect();
    assert_eq!(value_names(sim), needed, "{when}: value files, and those that are needed {ENDS}");
    for number in 0..KEY_COUNT {
        let found = version.get(key(number).as_bytes(), 9_999);
        let want = format!("\0{number:0>300}");
        let is_right = matches!(&found, Ok(memtable::Lookup::Value(value)) if *value == want);
        assert!(is_right, "{when}: {} is {found:?} {ENDS}", key(number));
    }
}

#[test]
fn each_part_moves_values_into_a_file_of_its_own() {
    if !has_values() {
        return;
    }
    let sim = disk(1);
    with_garbage(&sim);
    let tree = open(sim.clone(), apart(3));
    compact(&tree, &[1], 1);
    let count = value_names(&sim).len();
    assert_eq!(count, 3 + 1, "value files of three parts, and the one that had no garbage {ONCE}");
    expect_values(&sim, &tree, "after a compaction in parts");
    expect_only_named_files(&sim, &tree, "after a compaction in parts");
    drop(tree);
    let tree = open(sim.clone(), apart(3));
    expect_values(&sim, &tree, "opened again");
}

#[test]
fn a_part_that_fails_at_any_call_or_panics_leaves_no_value_file() {
    if !has_values() {
        return;
    }
    // Threads take turns as they like: so value files come a second time, by themselves.
    let (mut failures, mut of_values) = (0, 0);
    for (is_panic, is_apart) in [(false, false), (true, false), (false, true), (true, true)] {
        for nth in 1.. {
            let sim = disk(1);
            with_garbage(&sim);
            let calls = Arc::new(AtomicUsize::new(0));
            let hook_calls = Arc::clone(&calls);
            let fs = Watched::new(&sim, move |path, call| {
                let counts = matches!(call, Call::Create | Call::Write(_))
                    && (!is_apart || path.to_string_lossy().ends_with(".val"));
                if !counts || hook_calls.fetch_add(1, Ordering::SeqCst) + 1 != nth {
                    return Ok(());
                }
                assert!(!is_panic, "a bug in a disk");
                Err(Error::io("write", path, std::io::Error::other("out of order")))
            });
            let tree = open(fs, apart(3));
            let (before, compaction) = (value_names(&sim), all_of(&tree, &[1], 1));
            let came = panic::catch_unwind(AssertUnwindSafe(|| tree.compact(&compaction)));
            if calls.load(Ordering::SeqCst) < nth {
                came.expect("no panic").expect("a good disk");
                break;
            }
            let what = format!("call {nth} {}", if is_panic { "panics" } else { "fails" });
            assert!(!matches!(came, Ok(Ok(()))), "{what}, and nobody is told {ENDS}");
            failures += 1;
            of_values += usize::from(is_apart);
            assert_eq!(value_names(&sim), before, "{what}: value files that are left {ENDS}");
            expect_values(&sim, &tree, &what);
            expect_only_named_files(&sim, &tree, &what);
        }
    }
    assert!(failures > 60 && of_values > 5, "{failures} calls, {of_values} of value files {ENDS}");
}

#[test]
fn values_that_move_take_tokens_as_blocks_do() {
    if !has_values() {
        return;
    }
    for threads in [1, 3] {
        let sim = disk(1);
        with_garbage(&sim);
        let rate = 200_000;
        let tree = open(sim.clone(), LsmOptions { compaction_rate: Some(rate), ..apart(threads) });
        let begun = Instant::now();
        compact(&tree, &[1], 1);
        let lasted = begun.elapsed();
        let size: u64 = tree.version().values().iter().map(|live| live.size()).sum();
        let least = Duration::from_secs_f64((size - rate / 10) as f64 / rate as f64);
        assert!(
            lasted >= least,
            "{threads} threads move {size} bytes of values, of {rate} a second with {} in the bucket, in \
             {lasted:?}, and not in {least:?} at least {TOKENS}",
            rate / 10
        );
    }
}
