//! Compactions in parts, on a good disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use lsm::compaction::{Survivor, Survivors};
use lsm::parts::ranges;
use lsm::{LsmOptions, Source};
use memtable::{Kind, StoreTable};
use sstable::TableOptions;
use wal::testing::{Workload, seeds};
use wal::{KeyRange, Seq};

use super::given::*;

// What a part's merge sees.

/// What survives of these memtables, the newest first, in `range`.
fn survivors_of(
    tables: &[StoreTable],
    range: Option<&KeyRange>,
    snapshots: &[Seq],
    is_oldest: &dyn Fn(&[u8]) -> bool,
) -> Vec<(Entry, bool)> {
    let sources = tables.iter().map(|table| Source::Mem(table.cursor())).collect();
    let mut survivors = match range {
        Some(range) => Survivors::within(sources, range, snapshots, is_oldest),
        None => Survivors::new(sources, snapshots, is_oldest),
    }
    .expect("memory answers");
    let mut found = Vec::new();
    while let Some(Survivor { key, value, is_first }) = survivors.get() {
        let entry = Entry {
            user_key: key.user_key.to_vec(),
            seq: key.seq,
            kind: key.kind,
            value: value.to_vec(),
        };
        found.push((entry, is_first));
        survivors.advance().expect("memory answers");
    }
    found
}

#[test]
fn survivors_of_all_parts_are_those_of_the_whole() {
    for seed in seeds(200) {
        let mut dice = Workload::new(seed);
        let mut all = operations(&mut dice, 12, 40, 1);
        for entry in all.iter_mut().filter(|entry| entry.kind == Kind::Put) {
            entry.value = b"v".to_vec();
        }
        let part = |low: Seq, high: Seq| {
            let is_of = |entry: &&Entry| entry.seq > low && entry.seq <= high;
            memtable_of(&all.iter().filter(is_of).cloned().collect::<Vec<_>>())
        };
        let tables = [part(25, 40), part(10, 25), part(0, 10)];
        let mut snapshots: Vec<Seq> =
            (0..dice.below(3)).map(|_| 1 + dice.below(40) as Seq).collect();
        snapshots.push(40);
        snapshots.sort_unstable();
        let older = key(dice.below(13));
        let is_oldest = |user_key: &[u8]| user_key >= older.as_bytes();
        // At keys, between them, in front of all and behind all.
        let mut cuts: Vec<String> = (0..dice.below(6))
            .map(|_| match dice.below(4) {
                0 => format!("{}!", key(dice.below(12))),
                1 => ["", "z"][dice.below(2)].to_owned(),
                _ => key(dice.below(12)),
            })
            .collect();
        cuts.sort();
        cuts.dedup();
        let borrowed: Vec<&[u8]> = cuts.iter().map(|cut| cut.as_bytes()).collect();
        let whole = survivors_of(&tables, None, &snapshots, &is_oldest);
        let of_part = |range: &KeyRange| survivors_of(&tables, Some(range), &snapshots, &is_oldest);
        let came: Vec<_> = ranges(&borrowed).iter().flat_map(of_part).collect();
        let place = (0..came.len().max(whole.len())).find(|&at| came.get(at) != whole.get(at));
        if let Some(at) = place {
            let shown = |kept: &[(Entry, bool)]| match kept.get(at) {
                Some((entry, is_first)) => format!("{entry:?}, which is_first says {is_first} of"),
                None => "nothing".to_owned(),
            };
            panic!(
                "after {at} entries the parts keep {}, and the whole keeps {} {SAME}\nseed {seed}, cut \
                 behind {cuts:?}, with snapshots {snapshots:?}, and older versions of what comes \
                 before {older}\n  {all:?}",
                shown(&came),
                shown(&whole)
            );
        }
    }
}

#[test]
fn all_versions_of_a_key_are_in_the_part_of_their_key() {
    let tables = [memtable_of(&entries("a@1=x b@9- b@7=x b@5=y b@2=z c@3=x"))];
    let snapshots = [2, 5, 7, 9];
    let parts = ranges(&[b"b"]);
    let came = [0, 1].map(|part| {
        let found = survivors_of(&tables, Some(&parts[part]), &snapshots, &|_| true);
        found.into_iter().map(|(entry, _)| entry).collect::<Vec<_>>()
    });
    assert_eq!(
        came,
        [entries("a@1=x b@9- b@7=x b@5=y b@2=z"), entries("c@3=x")],
        "two parts, cut behind b, whose versions somebody sees {SAME} {CUTS}"
    );
}

#[test]
fn a_part_asks_for_no_key_that_is_not_its_own() {
    // All are tombstones, and each is asked for: whoever walks on shows it.
    let tables = [memtable_of(&deletes(0..40, 1))];
    let cut = key(19);
    for (part, own) in ranges(&[cut.as_bytes()]).iter().zip([0..20, 20..40]) {
        let asked = std::cell::RefCell::new(Vec::new());
        let is_oldest = |user_key: &[u8]| {
            asked.borrow_mut().push(String::from_utf8_lossy(user_key).into_owned());
            true
        };
        let found = survivors_of(&tables, Some(part), &[40], &is_oldest);
        assert!(found.is_empty(), "tombstones that hide nothing, and {found:?} stay {SAME}");
        let own: Vec<String> = own.map(key).collect();
        assert_eq!(
            asked.into_inner(),
            own,
            "keys that a part asks for, and its own: where does its merge begin and end? {SAME}"
        );
    }
}

// What comes of a compaction.

#[test]
fn a_compaction_in_parts_leaves_what_one_thread_leaves() {
    for seed in seeds(40) {
        let mut dice = Workload::new(seed);
        let (key_count, flush_count) = (1 + dice.below(60), 1 + dice.below(5));
        let flushes: Vec<Vec<Entry>> = (0..flush_count)
            .map(|number| operations(&mut dice, key_count, 40, 31 + 40 * number as Seq))
            .collect();
        let below = operations(&mut dice, key_count, 30, 1);
        let snapshot = 30 + dice.below(40 * flush_count) as Seq;
        let is_oldest = dice.below(2) == 0;
        let outcome = |threads| {
            let sim = disk(seed);
            let tree = open(sim.clone(), options(threads));
            if !is_oldest {
                flush(&tree, &below);
                compact(&tree, &[0], 3);
            }
            tree.snapshots().add(|| Ok(snapshot)).expect("it is given");
            flushes.iter().for_each(|entries| flush(&tree, entries));
            drop(tree);
            // Opened again, it has floor 0.
            let tree = open(sim, options(threads));
            tree.snapshots().add(|| Ok(snapshot)).expect("it is given");
            compact(&tree, &[0], 1);
            let version = tree.version();
            (entries_of(&version), version.floor(), version.level(1).len())
        };
        let (want, floor, tables) = outcome(1);
        for threads in [2, 3, 8] {
            let (came, its_floor, its_tables) = outcome(threads);
            assert!(
                came == want,
                "seed {seed}: {threads} threads leave {came:?}, and one leaves {want:?} {SAME}"
            );
            assert_eq!(its_floor, floor, "seed {seed}: the floor with {threads} threads {SAME}");
            assert!(
                its_tables < tables + threads,
                "seed {seed}: {threads} threads make {its_tables} tables, and one makes {tables}: \
                 each part may end with one that is not full {SAME}"
            );
        }
    }
}

#[test]
fn a_key_that_was_deleted_is_not_back_in_any_part() {
    let outcome = |threads| {
        let tree = open(disk(1), options(threads));
        // The first thirty keys and the last are in a level below, and must stay hidden.
        for keys in [0..30, 60..90] {
            flush(&tree, &puts(keys, 1));
            compact(&tree, &[0], 4);
        }
        flush(&tree, &puts(0..90, 101));
        flush(&tree, &deletes(0..90, 201));
        compact(&tree, &[0], 2);
        (tree.version().level(2).len() > 1, entries_of(&tree.version()))
    };
    let (_, want) = outcome(1);
    let (is_cut, came) = outcome(3);
    assert!(is_cut, "sixty tombstones in several parts, and so in several tables {COUNT}");
    assert!(came == want, "three threads leave {came:?}, and one leaves {want:?} {SAME}");
    let tombstones = came.iter().filter(|entry| entry.kind == Kind::Delete).count();
    assert_eq!(tombstones, 60, "tombstones of keys that an older table has {SAME}");
}

#[test]
fn one_edit_says_what_all_parts_have_made() {
    let sim = disk(1);
    let tree = open(sim.clone(), options(4));
    flush(&tree, &puts(0..100, 1));
    flush(&tree, &puts(50..150, 101));
    let before = sim.trace().len();
    compact(&tree, &[0], 1);
    let told = sim.trace().split_off(before);
    let edits = told.iter().filter(|line| line.starts_with("write MANIFEST")).count();
    assert_eq!(edits, 1, "edits of one compaction: {told:#?} {ONCE}");
    let named = told.iter().position(|line| line.starts_with("write MANIFEST"));
    let synced = told.iter().rposition(|line| line.starts_with("sync directory"));
    assert!(synced < named, "a table is named before its name is on disk: {told:#?} {ONCE}");
    let metas: Vec<_> =
        tree.version().level(1).iter().map(|table| Arc::clone(&table.meta)).collect();
    assert!(metas.len() >= 4, "tables of four parts: {metas:?} {ONCE}");
    assert_eq!(shape(&tree.version()), [0, metas.len()], "tables of each level {ONCE}");
    drop(tree);
    let tree = open(sim.clone(), options(4));
    let again: Vec<_> =
        tree.version().level(1).iter().map(|table| Arc::clone(&table.meta)).collect();
    assert_eq!(again, metas, "the tables of level 1, and those that the manifest names {ONCE}");
    expect_only_named_files(&sim, &tree, "after a compaction in parts");
}

#[test]
fn a_compaction_in_parts_is_counted_once() {
    let tree = open(disk(1), options(4));
    flush(&tree, &puts(0..100, 1));
    flush(&tree, &puts(50..150, 101));
    let size = |level| tree.version().level(level).iter().map(|t| t.meta.size).sum::<u64>();
    let read = size(0);
    compact(&tree, &[0], 1);
    let counters = tree.counters();
    let counted = [&counters.compactions, &counters.compaction_read, &counters.compaction_written]
        .map(|counter| counter.load(Ordering::Relaxed));
    assert_eq!(
        counted,
        [1, read, size(1)],
        "compactions, the bytes that they read, and those that they wrote {ONCE}"
    );
}

#[test]
fn all_parts_are_written_at_the_same_time() {
    let sim = disk(1);
    put_into_level_1(&open(sim.clone(), options(1)), &puts(0..200, 1));
    // Whoever begins a table waits there until four have begun one.
    let begun = Shared::<usize>::default();
    let fs = Watched::new(&sim, move |_, call| {
        if matches!(call, Call::Create) {
            begun.change(|begun| *begun += 1);
            let why = format!(
                "a part has begun its first table, and waits for three others to begin theirs {ONCE}"
            );
            begun.wait_until(&why, |&begun| begun >= 4);
        }
        Ok(())
    });
    let tree = open(fs, options(4));
    compact(&tree, &[1], 1);
}

#[test]
fn parts_have_like_sizes_whatever_the_keys_are() {
    // Half of all bytes are behind a tenth of the keys, and all of those lie close together.
    let (sim, written) = (disk(1), Written::default());
    let tree = open(written.on(&sim), options(4));
    let mut skewed = puts(0..300, 1);
    for entry in skewed.iter_mut().filter(|entry| (40..70).contains(&entry.seq)) {
        entry.value = vec![b'x'; 600];
    }
    flush(&tree, &skewed);
    flush(&tree, &puts((0..300).step_by(10), 1001));
    written.take();
    compact(&tree, &[0], 1);
    expect_like(&written.take(), 4, "two tables of level 0, with large values in one place");
}

#[track_caller]
fn expect_like(written: &[u64], threads: usize, what: &str) {
    assert_eq!(written.len(), threads, "{what}: threads that wrote, and {written:?} bytes {CUTS}");
    let (most, least) = (written[0], written[threads - 1]);
    assert!(
        most < 2 * least,
        "{what}: the threads write {written:?} bytes, so most of them wait for one: are cuts found by \
         sizes, and inside of tables? {CUTS}"
    );
}

#[test]
fn a_single_table_is_cut_by_its_index() {
    let (sim, written) = (disk(1), Written::default());
    let tree = open(written.on(&sim), options(3));
    put_into_level_1(&tree, &puts(0..300, 1));
    written.take();
    let reads = sim.counts().reads;
    compact(&tree, &[1], 1);
    expect_like(&written.take(), 3, "one table of 300 entries");
    // All blocks once, those with a cut twice, and four reads to open each new table.
    let blocks = 300 + 3 * 2 + 4 * tree.version().level(1).len() as u64;
    let reads = sim.counts().reads - reads;
    assert!(
        reads <= blocks,
        "{reads} reads for up to 300 blocks, three parts and {} new tables: does a part seek its start, \
         and do you find the cuts without a look at the data? {SAME}",
        tree.version().level(1).len()
    );
}

#[test]
fn a_table_with_partitions_is_cut_by_its_top() {
    let (sim, written) = (disk(1), Written::default());
    let table = TableOptions { index_partition_size: Some(150), ..options(3).table };
    let tree = open(written.on(&sim), LsmOptions { table, ..options(3) });
    put_into_level_1(&tree, &puts(0..300, 1));
    written.take();
    compact(&tree, &[1], 1);
    expect_like(&written.take(), 3, "one table of 300 entries, whose index is in partitions");
    assert_eq!(entries_of(&tree.version()), puts(0..300, 1), "all entries {SAME}");
}

#[test]
fn a_key_of_many_versions_is_in_one_table() {
    let (sim, written) = (disk(1), Written::default());
    let tree = open(written.on(&sim), options(4));
    for seq in 1..=200 {
        tree.snapshots().add(|| Ok(seq)).expect("it is given");
    }
    let versions = (1..=200).map(|seq| puts([50], seq).remove(0));
    let others = puts((40..60).filter(|&number| number != 50), 201);
    let all = in_order(versions.chain(others).collect());
    put_into_level_1(&tree, &all);
    written.take();
    compact(&tree, &[1], 1);
    assert!(written.take().len() > 1, "what lies beside it is a part, too {CUTS}");
    let version = tree.version();
    let with_it = version.level(1).iter().filter(|table| table.meta.spans(key(50).as_bytes()));
    assert_eq!(with_it.count(), 1, "tables with the 200 versions of {} {CUTS}", key(50));
    assert!(entries_of(&version) == all, "all 219 entries, in order {SAME}");
}

#[test]
fn a_part_without_survivors_writes_no_table() {
    let sim = disk(1);
    let tree = open(sim.clone(), options(4));
    flush(&tree, &puts(0..200, 1));
    flush(&tree, &deletes(0..160, 201));
    compact(&tree, &[0], 6);
    let found = entries_of(&tree.version());
    assert_eq!(found, puts(160..200, 161), "what was not deleted {SAME}");
    let metas: Vec<_> = tree.version().level(6).iter().map(|t| t.meta.entry_count).collect();
    assert!(metas.iter().all(|&count| count > 0), "entries of the tables: {metas:?} {SAME}");
    flush(&tree, &deletes(160..200, 401));
    compact(&tree, &[0, 6], 6);
    assert_eq!(shape(&tree.version()), [0; 0], "tables of each level when all is deleted {SAME}");
    expect_only_named_files(&sim, &tree, "when all is deleted");
}

#[test]
fn parts_write_as_they_read() {
    // At any time, blocks that were read and are not written yet are few: one of each source, and
    // what a builder has in hand.
    let (sim, ahead, most) = (disk(1), Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let hook = (Arc::clone(&ahead), Arc::clone(&most));
    let fs = Watched::new(&sim, move |_, call| {
        match call {
            Call::Read => hook.1.fetch_max(hook.0.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst),
            Call::Write(_) => hook.0.fetch_sub(1, Ordering::SeqCst),
            _ => 0,
        };
        Ok(())
    });
    let tree = open(fs, LsmOptions { cache_size: 0, ..options(3) });
    for number in 0..3 {
        flush(&tree, &puts((number..450).step_by(3), 1 + 150 * number as Seq));
    }
    ahead.store(0, Ordering::SeqCst);
    most.store(0, Ordering::SeqCst);
    compact(&tree, &[0], 1);
    let most = most.load(Ordering::SeqCst);
    assert_eq!(entries_of(&tree.version()).len(), 450, "entries {SAME}");
    // Three parts of three sources; a table that is opened has been written to its end.
    assert!(
        most <= 3 * (3 + 3) + 3 * 4,
        "450 blocks are merged by three threads from three tables, and {most} of them have been read \
         and not written at some time {ONCE}"
    );
}

#[test]
fn flushes_and_readers_go_on_while_parts_run() {
    /// How far compactions are.
    #[derive(Default)]
    struct Stage {
        is_held: bool,
        /// What they have begun, by name.
        tables: Vec<String>,
    }
    let (sim, stage) = (disk(1), Arc::new(Shared::<Stage>::default()));
    let hook = Arc::clone(&stage);
    // Parts wait in front of each table, and the flush, which is this thread, does not.
    let this_thread = thread::current().id();
    let fs = Watched::new(&sim, move |path: &Path, call| {
        if matches!(call, Call::Create) && thread::current().id() != this_thread {
            hook.change(|stage| stage.tables.push(path.display().to_string()));
            let why = "a part is at a table, and a flush beside it does not come to an end";
            hook.wait_until(why, |stage| !stage.is_held);
        }
        Ok(())
    });
    let tree = open(fs, options(3));
    flush(&tree, &puts(0..60, 1));
    flush(&tree, &puts(0..60, 101));
    stage.change(|stage| stage.is_held = true);
    let compaction = all_of(&tree, &[0], 1);
    let shared = Arc::clone(&tree);
    let compacting = run(move || shared.compact(&compaction));
    let why = format!("three threads should be at their first tables {ONCE}");
    stage.wait_until(&why, |stage| stage.tables.len() >= 3);
    flush(&tree, &puts(30..90, 201));
    let seen_meanwhile = seen(&entries_of(&tree.version()), 999);
    stage.change(|stage| stage.is_held = false);
    returned(compacting, "a compaction whose parts go on").expect("a good disk");
    let want = in_order([puts(0..30, 101), puts(30..90, 201)].concat());
    assert_eq!(seen_meanwhile, want, "what a reader sees while parts run {ONCE}");
    assert_eq!(seen(&entries_of(&tree.version()), 999), want, "and afterwards {ONCE}");
    assert_eq!(
        shape(&tree.version())[0],
        1,
        "tables of level 0: what was flushed meanwhile {ONCE}"
    );
    let mut names = stage.change(|stage| stage.tables.clone());
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "tables of all parts, each with a number of its own {ONCE}");
}
