//! Day 5: a full memtable stops changing and a new one begins, off the critical path.

mod given;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};
use std::thread;

use given::*;
use memtable::{Cursor, LogMark, Lookup, MemOptions, MemStore, SEQ_MAX, View};
use wal::fs::{Fault, Fs, Operation as Call, SimFs};
use wal::testing::{batch, delete, for_each_seed, put, survives_kills, survives_power_cuts};
use wal::{Durability, Engine, Error, LogOptions, Reader, RecoveryMode, Wal, WriteBatch, segment};

// The view.

#[test]
fn freezing_makes_the_active_table_the_newest_of_the_frozen_ones() {
    let first = View::new();
    insert(&first, 1, "a", Some("1"));
    let second = first.freeze(LogMark { lsn: 40, seq: 1 });
    insert(&second, 2, "a", Some("2"));
    let third = second.freeze(LogMark { lsn: 80, seq: 2 });
    assert!(
        third.active.is_empty(),
        "what is written after a freeze goes into a new table: rule 1"
    );
    let ends: Vec<_> = third.frozen.iter().map(|frozen| frozen.end.lsn).collect();
    assert_eq!(ends, [80, 40], "frozen tables stand the newest first: rule 2");
    let counts: Vec<_> = third.frozen.iter().map(|frozen| frozen.table.len()).collect();
    assert_eq!(counts, [1, 1], "each table has what was written while it was active: rule 1");
}

#[test]
fn a_view_stays_as_it_was_when_the_next_one_is_made() {
    let before = View::new();
    insert(&before, 1, "a", Some("1"));
    let after = before.freeze(LogMark { lsn: 40, seq: 1 });
    insert(&after, 2, "b", Some("2"));
    assert_eq!((before.frozen.len(), before.active.len()), (0, 1), "whoever reads in it reads on");
    assert_eq!(before.get(b"b", SEQ_MAX), Lookup::Absent, "what came later is not in it: rule 1");
    let same = Arc::ptr_eq(&before.active, &after.frozen[0].table);
    assert!(same, "a table that is frozen is shared with the view before, and not copied: rule 1");
}

#[test]
fn the_newest_table_that_knows_a_key_has_the_last_word() {
    // One version of the key in each of three tables, or none: all 27 histories.
    let words = [None, Some(None), Some(Some("value"))];
    for history in 0..27 {
        let mut view = View::new();
        let mut expected = Lookup::Absent;
        for (place, seq) in [(1, 1), (3, 2), (9, 3)] {
            if seq > 1 {
                view = view.freeze(LogMark { lsn: 40 * seq, seq: seq - 1 });
            }
            if let Some(value) = words[history / place % 3] {
                let value = value.map(|value| format!("{value}{seq}"));
                insert(&view, seq, "key", value.as_deref());
                expected = value.map_or(Lookup::Deleted, |value| Lookup::Value(value.into()));
            }
        }
        let found = view.get(b"key", SEQ_MAX);
        assert_eq!(found, expected, "history {history}: a tombstone is a word, too (rule 2)");
    }
}

#[test]
fn an_old_snapshot_reads_from_older_tables() {
    let mut view = View::new();
    for seq in 1..=9 {
        insert(&view, seq, "key", Some(&seq.to_string()));
        view = view.freeze(LogMark { lsn: 40 * seq, seq });
    }
    for seq in 1..=9 {
        let found = view.get(b"key", seq);
        let why = "a snapshot reads the newest version that is not above its number: rule 2";
        assert_eq!(found, Lookup::Value(seq.to_string().into()), "at {seq}: {why}");
    }
    assert_eq!(view.get(b"key", 0), Lookup::Absent, "before the first write there was no key");
}

#[test]
fn a_cursor_over_a_view_meets_every_version_in_every_table() {
    let mut view = View::new();
    for seq in 1..=20 {
        insert(&view, seq, ["b", "a", "c"][seq as usize % 3], Some("value"));
        if seq % 4 == 0 {
            view = view.freeze(LogMark { lsn: 40 * seq, seq });
        }
    }
    let mut cursor = view.cursor();
    cursor.first().expect("memory does not fail");
    let mut found = Vec::new();
    while let Some(key) = cursor.key() {
        found.push((key.user_key.to_vec(), key.seq));
        cursor.next().expect("memory does not fail");
    }
    assert_eq!(found.len(), 20, "all versions are there, those of frozen tables too");
    let in_order = found.is_sorted_by(|a, b| (&a.0, b.1) < (&b.0, a.1));
    assert!(in_order, "keys ascending, versions descending: {found:?}");
}

#[test]
fn of_the_very_same_version_a_cursor_gives_the_newer_tables_first() {
    let mut view = View::new();
    for table in 1..=3 {
        view = view.freeze(LogMark { lsn: 40 * table, seq: 7 });
        insert(&view, 7, "key", Some(&format!("of table {table}")));
    }
    let mut cursor = view.cursor();
    cursor.first().expect("memory does not fail");
    let (_, value) = cursor.entry();
    assert_eq!(
        value, "of table 3",
        "one version in three tables: the newest table has the last word (rule 2), so it is the \
         first source of the merge"
    );
}

// The suite that every engine of the course passes, with memtables of a few entries.

wal::conformance! {
    given::open_small;

    #[test] fn what_was_put_is_found();
    #[test] fn a_key_never_put_is_absent();
    #[test] fn the_latest_value_counts();
    #[test] fn a_deleted_key_is_absent();
    #[test] fn the_empty_key_and_the_empty_value_are_like_any_other();
    #[test] fn every_byte_is_allowed_in_keys_and_values();
    #[test] fn a_key_that_begins_another_is_not_that_other();
    #[test] fn large_values_come_back_whole();
    #[test] fn operations_of_a_batch_take_effect_in_order();
    #[test] fn an_empty_batch_changes_nothing();
    #[test] fn sequence_numbers_count_operations();
    #[test] fn sequence_numbers_go_on_after_reopening();
    #[test] fn random_operations_agree_with_a_model();
    #[test] fn all_nine_kinds_of_bounds_agree_with_a_model();
    #[test] fn an_empty_or_inverted_range_gives_nothing();
    #[test] fn a_prefix_gives_the_keys_that_begin_with_it();
    #[test] fn a_scan_sees_one_instant();
    #[test] fn a_snapshot_never_changes();
    #[test] fn a_snapshot_does_not_see_later_batches_in_any_scan();
    #[test] fn snapshots_do_not_disturb_each_other();
    #[test] fn reopening_finds_everything();
    #[test] fn a_second_opener_is_refused();
    #[test] fn the_directory_is_free_after_close();
    #[test] fn the_directory_is_free_after_drop();
    #[test] fn a_closed_store_refuses_everything();
    #[test] fn readers_see_whole_batches_while_many_write();
    #[test] fn the_order_of_writes_is_that_of_their_numbers();
    #[test] fn synced_writes_of_many_threads_survive_a_power_cut();
    #[test] fn what_was_flushed_survives_a_kill();
    #[test] fn what_was_synced_survives_a_power_cut();
    #[test] fn sync_makes_durable_what_was_buffered();
    #[test] fn close_makes_durable_what_was_buffered();
    #[test] fn a_power_cut_at_any_operation_leaves_whole_batches_in_order();
    #[test] fn a_kill_at_any_operation_leaves_whole_batches_in_order();
    #[test] fn after_a_failed_sync_nothing_is_acknowledged();
    #[test] fn after_a_failed_write_nothing_is_acknowledged();
    #[test] fn a_full_disk_is_an_error_and_loses_nothing();
    #[test] fn a_failed_read_is_an_error_and_never_a_wrong_answer();
}

// Crashes.

#[test]
fn a_power_cut_anywhere_keeps_what_was_promised() {
    survives_power_cuts(&open_small, |fs, _, model| busy_life(fs, model));
}

#[test]
fn a_kill_anywhere_keeps_what_was_promised() {
    survives_kills(&open_small, |fs, _, model| busy_life(fs, model));
}

#[test]
fn the_directory_of_a_new_store_survives_a_power_cut() {
    for_each_seed(20, |fs| {
        let store = store_on(fs);
        store.put(b"key", b"value", Durability::Synced).expect("a good disk takes a write");
        fs.power_cycle();
        drop(store);
        let found = store_on(fs).get(b"key").expect("memory answers");
        assert!(found.is_some(), "a synced write is gone, with its directory's name: rule 5");
    });
}

// Freezing.

#[test]
fn a_full_table_is_frozen_and_nothing_of_it_is_missing() {
    let (_fs, store) = store_of(200);
    let frozen = store.stats().get("frozen_tables").expect("the store counts them");
    assert!(
        frozen >= 10,
        "200 puts fill tables of {MEMTABLE_SIZE} bytes, and {frozen} are frozen: rule 1"
    );
    expect_numbers(&store, 200, "with most of it in frozen tables");
}

#[test]
fn a_full_table_is_frozen_before_the_next_batch_and_not_within_one() {
    let store = store_with(&SimFs::new(1), 200);
    for (changes, tables, lsn, seq) in worked_example() {
        let keys = changes.len();
        store.write(batch(&changes), Durability::Buffered).expect("a write must work");
        assert_eq!(
            (store.stats().get("frozen_tables"), mark_of(&store)),
            (Some(tables), LogMark { lsn, seq }),
            "frozen tables, and the mark of the newest, after the batch that puts or deletes {keys} \
             keys; the chapter's worked example has the sizes, rule 1 says when to freeze"
        );
    }
}

#[test]
fn no_table_grows_beyond_the_batch_that_fills_it() {
    let (_fs, store) = store_of(1);
    let entry = store.stats().get("memory").expect("the store counts");
    for number in 1..300 {
        put_number(&store, number);
        let stats = store.stats();
        let [memory, tables] = ["memory", "frozen_tables"].map(|name| stats.get(name).unwrap());
        let most = (tables + 1) * (MEMTABLE_SIZE as u64 + entry);
        assert!(
            memory < most,
            "{memory} bytes in {tables} frozen tables and an active one: a table that has reached \
             {MEMTABLE_SIZE} bytes takes no further batch (rule 1)"
        );
    }
}

#[test]
fn a_table_of_just_its_size_is_full() {
    let fs = SimFs::new(1);
    let put = |store: &MemStore| store.put(b"k", b"v", Durability::Buffered).expect("it works");
    let store = store_with(&fs, usize::MAX);
    put(&store);
    let entry = store.stats().get("memory").expect("the store counts it") as usize;
    put(&store);
    store.close().expect("an open store closes");
    let frozen = |store: &MemStore| store.stats().get("frozen_tables");
    let store = store_with(&fs, 2 * entry);
    put(&store);
    assert_eq!(frozen(&store), Some(1), "two entries were just its size, and a third came: rule 1");
    store.close().expect("an open store closes");
    let again = frozen(&store_with(&fs, 2 * entry));
    assert_eq!(again, Some(1), "and the same when it is opened again: rule 4");
}

#[test]
fn a_write_costs_no_more_than_it_asks_for() {
    let (_fs, store) = store_of(1);
    let syncs = || store.stats().get("syncs");
    let before = syncs();
    for durability in [Durability::Buffered, Durability::Flushed] {
        store.put(b"key", b"value", durability).expect("a good disk takes a write");
        assert_eq!(syncs(), before, "a write that is to be {durability:?} made a sync: rule 3");
    }
    store.put(b"key", b"value", Durability::Synced).expect("a good disk syncs");
    assert_eq!(syncs(), before.map(|syncs| syncs + 1), "a synced write makes one: rule 3");
}

#[test]
fn a_mark_divides_the_log_between_the_frozen_tables_and_the_rest() {
    for length in 60..80 {
        let (fs, store) = store_of(length);
        let mark = mark_of(&store);
        store.close().expect("an open store closes");
        let rest = match try_store(Arc::new(fs), mark) {
            Ok(store) => count(&store),
            Err(error) => panic!("from {mark:?}, where the log goes on, it must open: {error}"),
        };
        assert_eq!(
            mark.seq as usize + rest,
            length,
            "{length} puts: frozen tables have all before {mark:?}, the log has the rest behind it \
             (rule 1: the mark is the log's end when the table is frozen)"
        );
    }
}

#[test]
fn a_snapshot_reads_on_while_tables_are_frozen() {
    let (_fs, store) = store_of(50);
    let snapshot = store.snapshot().expect("memory answers");
    (0..200).for_each(|number| overwrite_number(&store, number));
    expect_numbers(&*snapshot, 50, "in a snapshot from before 200 more writes");
}

// What is seen, and when.

#[test]
fn a_write_is_seen_when_it_is_as_durable_as_was_asked() {
    let (fs, store) = store_of(1);
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        let writer = scope.spawn(|| store.put(b"key", b"value", Durability::Synced));
        gate.wait_for(1);
        let early = store.get(b"key").expect("memory answers");
        let scanned = count(&store);
        let snapshot = store.snapshot().expect("memory answers");
        drop(gate);
        writer.join().expect("the writer ends").expect("the disk syncs");
        assert_eq!(early, None, "a power cut could still take it back: rule 3");
        assert_eq!(scanned, 1, "and a scan must not see it either: rule 3");
        let later = snapshot.get(b"key").expect("memory answers");
        assert_eq!(later, None, "a snapshot taken before it was published never sees it: rule 3");
        assert!(store.get(b"key").expect("memory answers").is_some(), "acknowledged, and not seen");
    });
}

#[test]
fn a_write_whose_sync_failed_is_never_seen() {
    let (fs, store) = store_of(3);
    fs.fail(Call::Sync, 1, Fault::Io);
    let mut lost = WriteBatch::new();
    lost.put(b"lost", b"value");
    lost.delete(b"0000");
    let versions = store.stats().get("versions");
    let failed = store.write(lost, Durability::Synced);
    assert!(matches!(failed, Err(Error::Io { .. })), "the disk failed, and write says {failed:?}");
    expect_numbers(&store, 3, "after a batch whose sync failed");
    let after = store.stats().get("versions");
    assert_eq!(after, versions, "versions in the tables: first the log, then the table (rule 3)");
    let next = store.put(b"next", b"value", Durability::Buffered);
    assert!(matches!(next, Err(Error::Poisoned { .. })), "the store says {next:?} and goes on");
}

#[test]
fn reads_go_on_while_a_write_waits_for_the_disk() {
    let (fs, store) = store_of(20);
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        let writer = scope.spawn(|| store.put(b"key", b"value", Durability::Synced));
        gate.wait_for(1);
        // Whoever waits here waits for ever: the gate opens when all of this is done.
        expect_numbers(&store, 20, "while a write waits for the disk");
        let snapshot = store.snapshot().expect("memory answers");
        expect_numbers(&*snapshot, 20, "in a snapshot, while a write waits for the disk");
        drop(gate);
        writer.join().expect("the writer ends").expect("the disk syncs");
    });
}

// What is refused.

#[test]
fn close_refuses_the_writers_that_race_with_it() {
    for_each_seed(30, |fs| {
        let store = store_on(fs);
        let start = Barrier::new(4);
        let acknowledged = thread::scope(|scope| {
            let writers = [(); 3].map(|()| scope.spawn(|| write_until_closed(&store, &start)));
            start.wait();
            store.close().expect("an open store closes");
            let written = writers.map(|writer| writer.join().expect("a writer ends"));
            written.into_iter().max()
        });
        let again = store_on(fs).stats().get("last_seq");
        assert_eq!(
            again, acknowledged,
            "the last acknowledged number, closed and reopened: rule 5"
        );
    });
}

#[test]
fn after_a_panic_half_way_through_a_write_nothing_more_is_accepted() {
    let begin = LogMark { lsn: 0, seq: SEQ_MAX - 1 };
    let store = try_store(Arc::new(SimFs::new(1)), begin).expect("a new store opens");
    // Only the first of these has a number; the log has taken both when the second is inserted.
    let batch = batch(&[put("a", "1"), put("b", "2")]);
    let panicked = catch_unwind(AssertUnwindSafe(|| store.write(batch, Durability::Buffered)));
    assert!(panicked.is_err(), "no internal key holds a number of more than 56 bits: day 1");
    assert_eq!(count(&store), 0, "half of a batch is seen: rule 3");
    let next = store.put(b"c", b"3", Durability::Buffered);
    let refused = matches!(next, Err(Error::Poisoned { .. }));
    assert!(refused, "the log has a batch that the table has not, and the store goes on: {next:?}");
}

#[test]
fn a_batch_too_large_for_the_log_changes_nothing() {
    let (_fs, store) = store_of(2);
    let mut large = WriteBatch::new();
    large.put(b"small", b"1");
    large.put(b"large", &[b'x'; 7_000]);
    let refused = store.write(large, Durability::Synced);
    let refused = matches!(refused, Err(Error::RecordTooLarge { .. }));
    assert!(refused, "a batch larger than a segment is Error::RecordTooLarge");
    expect_numbers(&store, 2, "after a batch that was refused");
    let seq = store.put(b"next", b"value", Durability::Synced);
    assert_eq!(seq.ok(), Some(3), "a batch that was refused takes no number, and does no harm");
    let small = store.get(b"small").expect("memory answers");
    assert_eq!(small, None, "a part of the refused batch is seen, under another's number: rule 3");
}

// Opening.

mod opening;

// In many orders of steps.

mod schedule;
