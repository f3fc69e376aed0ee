//! Day 6: memory is a cache of the log.

mod given;

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use bytes::Bytes;
use given::*;
use wal::fs::{Fault, Fs, Operation as Call, SimFs};
use wal::testing::{
    Workload, batch, for_each_seed, put, scan, show, survives_kills, survives_power_cuts,
};
use wal::{Batch, Direction, Durability, Engine, Error, KeyRange, Reader, checkpoint};

// The suite that every engine of the course passes, each check as a test of its own.

wal::conformance! {
    given::open;

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

// Crashes, with checkpoints and reopenings in between.

#[test]
fn a_power_cut_anywhere_keeps_what_was_promised() {
    survives_power_cuts(&open_small, |fs, _, model| busy_life(fs, model));
}

#[test]
fn a_kill_anywhere_keeps_what_was_promised() {
    survives_kills(&open_small, |fs, _, model| busy_life(fs, model));
}

/// Everything is synced before the checkpoint begins, so nothing at all may be missing.
#[test]
fn a_checkpoint_interrupted_anywhere_loses_nothing() {
    survives_power_cuts(&open_small, |fs, _, model| careful_life(fs, model));
}

#[test]
fn the_directory_of_a_new_store_survives_a_power_cut() {
    for_each_seed(20, |fs| {
        let store = store_on(fs);
        store.put(b"key", b"value", Durability::Synced).expect("a good disk takes a write");
        fs.power_cycle();
        drop(store);
        let found = store_on(fs).get(b"key").expect("memory answers");
        let why = "a synced write is gone, for the directory's own name was not made durable";
        assert!(found.is_some(), "{why}: it stands in the directory above");
    });
}

// The checkpoint's file.

#[test]
fn a_checkpoint_is_a_header_and_puts_in_key_order() {
    let fs = checkpointed([("b".into(), b"2".to_vec()), ("a".into(), b"1".to_vec())]);
    let records = records_of(&fs, &checkpoint_path());
    let golden = b"CAIRNCP1\xa0\x0f\0\0\0\0\0\0\x46\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0";
    assert_eq!(records.len(), 2, "the header is a record, and so few entries are another");
    assert_eq!(show(&records[0]).to_string(), show(golden).to_string(), "see `checkpoint.rs`");
    let entries = Batch::decode(&records[1]).expect("entries are written as a batch");
    let expected = [("a", "1"), ("b", "2")].map(|(key, value)| put(key, value));
    assert!(entries.operations.eq(&batch(&expected)), "one put for each entry, in key order");
    expect_batches_without_numbers((0..2_000).map(|number| (key(number), vec![0; 100])));
}

#[test]
fn what_was_written_to_a_checkpoint_is_read_from_it() {
    for (count, size) in [(0, 0), (1, 0), (1, 200_000), (3_000, 100), (40, 40_000)] {
        let entries = || (0..count).map(|number| (key(number), vec![number as u8; size]));
        let found = checkpoint::read(&checkpointed(entries()), dir());
        let found = found.unwrap_or_else(|error| panic!("{count} entries of {size}: {error}"));
        assert!(found == state_of(entries()), "{count} entries of {size} bytes come back changed");
    }
}

#[test]
fn a_value_as_large_as_a_record_fits_a_checkpoint() {
    let large = wal::PAYLOAD_SIZE_MAX - 100;
    let entries = [("a".into(), vec![b'a'; 1000]), ("b".into(), vec![b'b'; large])];
    let found = checkpoint::read(&checkpointed(entries), dir()).expect("it was just written");
    let sizes: Vec<_> = found.entries.values().map(Bytes::len).collect();
    assert_eq!(sizes, [1000, large], "what a write could put, a checkpoint must be able to hold");
}

#[test]
fn a_flipped_bit_in_a_checkpoint_is_never_wrong_data() {
    let fs = checkpointed((0..4).map(|number| (key(number), b"value".to_vec())));
    let whole = fs.contents(checkpoint_path());
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        expect_refused(&fs, &flipped, &format!("bit {bit} was flipped"));
    }
}

#[test]
fn a_checkpoint_that_was_cut_is_refused() {
    let fs = checkpointed((0..4).map(|number| (key(number), vec![b'x'; 40_000])));
    let whole = fs.contents(checkpoint_path());
    let ends = ends_of_records(&fs, &checkpoint_path(), 0);
    let cuts = (0..200).chain((200..whole.len()).step_by(997)).chain(ends);
    for cut in cuts.filter(|cut| *cut < whole.len()) {
        expect_refused(&fs, &whole[..cut], &format!("it was cut at {cut} of {}", whole.len()));
    }
}

#[test]
fn bytes_behind_a_checkpoint_are_refused() {
    let fs = checkpointed([("key".into(), b"value".to_vec())]);
    let whole = fs.contents(checkpoint_path());
    for tail in [&b"\0"[..], &[0; 15], &[0; 64], &whole] {
        let why = format!("{} bytes more stand behind its end", tail.len());
        expect_refused(&fs, &[&whole, tail].concat(), &why);
    }
}

#[test]
fn an_unfinished_checkpoint_is_removed_and_not_believed() {
    let (fs, store) = store_of(3);
    close(&store);
    let unfinished = fs.contents(segments(&fs)[0].path.as_path());
    fs.overwrite(dir().join("checkpoint.tmp"), &unfinished);
    expect_numbers(&store_on(&fs), 3, "beside an unfinished checkpoint");
    let names = fs.list(dir()).unwrap();
    assert!(
        !names.iter().any(|name| name == "checkpoint.tmp"),
        "half a checkpoint from before a crash is of no use, takes space, and must go: {names:?}"
    );
}

// The order of things.

#[test]
fn a_checkpoint_goes_to_disk_in_four_steps_and_then_the_log_is_purged() {
    let (fs, store) = store_of(100);
    put_number(&store, 100);
    let before = fs.trace().len();
    checkpoint(&store);
    expect_order_of_a_checkpoint(&fs.trace()[before..]);
}

#[test]
fn a_checkpoint_is_never_ahead_of_its_log() {
    for_each_seed(20, |fs| {
        let store = store_on(fs);
        (0..20).for_each(|number| put_number(&store, number));
        checkpoint(&store);
        fs.power_cycle();
        drop(store);
        // Opening fails if the log ends before the place where the checkpoint says to go on.
        expect_numbers(&store_on(fs), 20, "after a checkpoint and a power cut");
    });
}

#[test]
fn a_checkpoint_takes_the_place_of_the_log_before_it() {
    let (fs, store) = store_of(200);
    assert!(segments(&fs).len() > 3, "200 puts fill several small segments");
    checkpoint(&store);
    assert_eq!(segments(&fs).len(), 1, "after a checkpoint only the newest segment is needed");
    close(&store);
    expect_numbers(&store_on(&fs), 200, "opened from its checkpoint");
}

#[test]
fn opening_replays_only_what_came_after_the_checkpoint() {
    let (fs, store) = store_of(50);
    checkpoint(&store);
    (50..57).for_each(|number| put_number(&store, number));
    close(&store);
    let store = store_on(&fs);
    expect_numbers(&store, 57, "opened from checkpoint and log");
    let replayed = store.recovered().records;
    assert_eq!(replayed, 7, "seven records came after the checkpoint (rule 2 of day 6)");
}

#[test]
fn numbers_go_on_after_a_checkpoint() {
    let (fs, store) = store_of(5);
    checkpoint(&store);
    close(&store);
    for last in 5..8 {
        let store = store_on(&fs);
        let seq = store.put(b"key", b"value", Durability::Synced).expect("a write works");
        assert_eq!(seq, last + 1, "the checkpoint holds the number too, for the log is empty now");
        checkpoint(&store);
        close(&store);
    }
}

#[test]
fn what_was_deleted_stays_deleted_through_checkpoints() {
    let (fs, store) = store_of(3);
    checkpoint(&store);
    store.delete(key(0).as_bytes(), Durability::Buffered).expect("a write works");
    checkpoint(&store);
    store.delete(key(1).as_bytes(), Durability::Buffered).expect("a write works");
    close(&store);
    let left = scan(&store_on(&fs), KeyRange::all(), Direction::Forward);
    let left: Vec<_> = left.iter().map(|(key, _)| show(key).to_string()).collect();
    assert_eq!(left, ["\"0002\""], "deleted before the last checkpoint, and after it");
}

// Damage.

#[test]
fn damage_in_the_log_names_the_file_and_the_place() {
    let (fs, store) = store_of(150);
    close(&store);
    let second = &segments(&fs)[1];
    let fifth = ends_of_records(&fs, &second.path, second.base)[3] as u64;
    fs.flip_bit(&second.path, fifth + 20, 3);
    expect_damage(&fs, &second.path, fifth, "a bit flipped in a synced record");
}

#[test]
fn a_record_that_is_no_batch_names_the_file_and_the_place() {
    let fs = SimFs::new(1);
    let log = log_of(&fs, &[(1, 200), (201, 200), (401, 200)]);
    let lsn = log.commit(b"no batch at all", Durability::Synced).unwrap();
    let newest = segments(&fs).pop().unwrap();
    assert!(newest.base > 0, "the record lies in a later segment");
    expect_damage(&fs, &newest.path, lsn - newest.base, "a record that is no batch");
}

#[test]
fn a_log_whose_numbers_do_not_go_on_is_refused() {
    for wrong in [0, 1, 2, 4, 5, 1 << 40] {
        let fs = SimFs::new(1);
        let log = log_of(&fs, &[(1, 2)]);
        let at = log.end();
        log.commit(batch(&[put("a", "1")]).encode(wrong), Durability::Synced).unwrap();
        let why = format!("operation {wrong} stands where 3 should (rule 4 of day 6)");
        expect_damage(&fs, &segments(&fs)[0].path, at, &why);
    }
}

// Who may.

#[test]
fn a_second_opener_touches_nothing() {
    let (fs, store) = store_of(3);
    fs.overwrite(dir().join("checkpoint.tmp"), b"being written by the first");
    let before = fs.trace().len();
    match try_store(Arc::new(fs.clone()), dir()) {
        Err(Error::Locked { path }) => assert_eq!(path, dir().join("LOCK"), "the lock's file"),
        Err(other) => panic!("a store in use is Error::Locked, and not: {other}"),
        Ok(_) => panic!("a store in use was opened a second time"),
    }
    let touched = fs.trace().split_off(before);
    let allowed = |line: &String| line.starts_with("create directory") || line.starts_with("lock");
    assert!(
        touched.iter().all(allowed),
        "whoever is refused has done nothing yet but ask for the lock (rule 5 of day 6): {touched:?}"
    );
    expect_numbers(&store, 3, "while another tried to open it");
}

#[test]
fn close_refuses_the_writers_that_race_with_it() {
    for_each_seed(30, |fs| {
        let store = store_on(fs);
        let start = Barrier::new(4);
        let (acknowledged, after_close) = thread::scope(|scope| {
            let writers = [(); 3].map(|()| scope.spawn(|| write_until_closed(&store, &start)));
            start.wait();
            close(&store);
            let after_close = fs.counts().operations;
            let written = writers.map(|writer| writer.join().expect("a writer ends"));
            (written.into_iter().max(), after_close)
        });
        let late = fs.counts().operations - after_close;
        assert_eq!(late, 0, "close returned, and the store wrote to a directory not its own");
        let again = store_on(fs).stats().get("last_seq");
        assert_eq!(again, acknowledged, "every write that was acknowledged is there");
    });
}

#[test]
fn close_waits_for_a_checkpoint_under_way() {
    // Who closes is at work when the looks begin, and may still be stopped on the way: five times it
    // is not.
    for _ in 0..5 {
        let (fs, store) = store_of(3);
        let (gate, begun) = (fs.hold_syncs(), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| checkpoint(&store));
            gate.wait_for(1);
            scope.spawn(|| {
                begun.store(true, Ordering::Relaxed);
                close(&store);
            });
            while !begun.load(Ordering::Relaxed) {
                thread::yield_now();
            }
            for _ in 0..200 {
                let free = fs.lock(&dir().join("LOCK")).is_ok();
                assert!(!free, "the directory was let go of while a checkpoint was being written");
                thread::yield_now();
            }
            drop(gate);
        });
        expect_numbers(&store_on(&fs), 3, "after checkpoint and close");
    }
}

#[test]
fn close_that_fails_still_lets_go_of_the_directory() {
    let (fs, store) = store_of(3);
    put_number(&store, 3);
    fs.fail(Call::Sync, 1, Fault::Io);
    assert!(store.close().is_err(), "the sync failed, and close said that all is well");
    store_on(&fs);
}

// What goes on meanwhile.

#[test]
fn reading_does_not_touch_the_disk() {
    let (fs, store) = store_of(500);
    let before = fs.counts();
    let snapshot = store.snapshot().expect("an open store gives a snapshot");
    for number in 0..500 {
        assert!(store.get(key(number).as_bytes()).unwrap().is_some(), "it was put");
    }
    expect_numbers(&*snapshot, 500, "in a snapshot");
    assert_eq!(fs.counts(), before, "memory answers reads, without the disk (rule 1 of day 6)");
}

/// If this one runs out of time, a reader or writer waits for the checkpoint.
#[test]
fn reads_and_writes_go_on_during_a_checkpoint() {
    let (fs, store) = store_of(3);
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        scope.spawn(|| checkpoint(&store));
        gate.wait_for(1);
        put_number(&store, 3);
        expect_numbers(&store, 4, "while a checkpoint is being written");
        assert_eq!(store.stats().get("entries"), Some(4), "and it says so");
        drop(gate);
    });
    close(&store);
    expect_numbers(&store_on(&fs), 4, "written during a checkpoint and opened again");
}

#[test]
fn a_checkpoint_among_writers_is_of_one_instant() {
    for_each_seed(30, |fs| {
        let store = store_on(fs);
        let (start, done) = (Barrier::new(3), AtomicBool::new(false));
        let written = thread::scope(|scope| {
            let writer = |name| write_until(&done, &store, name, &start);
            let writers = ["a", "b"].map(|name| scope.spawn(move || writer(name)));
            start.wait();
            checkpoint(&store);
            done.store(true, Ordering::Relaxed);
            writers.map(|writer| writer.join().expect("a writer ends"))
        });
        close(&store);
        let found = store_on(fs).stats().get("entries");
        let why = "opened from a checkpoint made while others wrote, every entry is there";
        assert_eq!(found, Some(written.iter().sum()), "{why} (rule 2 of day 6)");
    });
}

/// If this one runs out of time, a store's lock is held while the disk syncs.
#[test]
fn reads_and_writes_go_on_while_a_write_waits_for_the_disk() {
    let (fs, store) = store_of(3);
    let gate = fs.hold_syncs();
    thread::scope(|scope| {
        scope.spawn(|| store.put(b"0003", format!("{:0100}", 3).as_bytes(), Durability::Synced));
        gate.wait_for(1);
        put_number(&store, 4);
        expect_numbers(&store, 5, "while a write waits for its sync");
        drop(gate);
    });
}

/// If this one runs out of time, two threads wait for each other's lock.
#[test]
fn stats_can_be_asked_for_while_others_write() {
    let (_fs, store) = store_of(1);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..500).for_each(|number| put_number(&store, number)));
        }
        (0..500).for_each(|_| assert!(store.stats().get("last_seq") > Some(0), "it counts on"));
    });
    assert_eq!(store.stats().get("last_seq"), Some(1001), "every write took one number");
}

#[test]
fn scans_of_many_entries_come_in_order_both_ways() {
    let (_fs, store) = store_of(300);
    let mut random = Workload::new(1);
    for _ in 0..60 {
        let (start, end) = (random.below(300), random.below(310));
        let mut expected: Vec<_> = (start + 1..=end.min(299)).map(key).collect();
        let bounds = (Bound::Excluded(key(start).into()), Bound::Included(key(end).into()));
        for direction in [Direction::Forward, Direction::Backward] {
            let range = KeyRange { start: bounds.0.clone(), end: bounds.1.clone() };
            let found = scan(&store, range, direction);
            let right = found.iter().map(|(key, _)| key).eq(&expected);
            assert!(right, "{direction:?} from behind {start} to {end}: {} entries", found.len());
            expected.reverse();
        }
    }
}

mod faults;
