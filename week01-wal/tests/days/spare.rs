//! Lab reuse: a sync is cheaper when the file does not grow.

use std::path::Path;
use std::sync::Arc;

use wal::Durability::{Buffered, Flushed, Synced};
use wal::fs::{Fault, Fs, Operation, SimFs};
use wal::testing::{
    Model, Workload, conformance, crash_at_every_operation, for_each_seed, survives_kills,
    survives_power_cuts,
};
use wal::{
    Error, LogOptions, LogStore, Lsn, RecoveryMode, Result, StoreOptions, Wal, recover, segment,
    spare,
};

use crate::log::{dir, disk, make_dir, segments, shared};

/// Four records of 40 bytes to a segment, and 40 bytes that no such record fills; two spares.
fn options() -> LogOptions {
    LogOptions { segment_size: 200, spare_segments: 2, ..LogOptions::default() }
}

#[track_caller]
fn open(fs: &SimFs, end: Lsn) -> Wal {
    let wal = Wal::open(shared(fs), dir(), end, options());
    wal.unwrap_or_else(|error| panic!("the log must open, and failed: {error}"))
}

/// A log with `count` records of 45 bytes, so that four of them leave 20 bytes of their segment.
#[track_caller]
fn log_of(count: usize) -> (SimFs, Wal) {
    let fs = disk(1);
    let wal = open(&fs, 0);
    append(&wal, count);
    (fs, wal)
}

#[track_caller]
fn append(wal: &Wal, count: usize) {
    for _ in 0..count {
        wal.commit(&[b'r'; 29], Flushed).expect("the disk works");
    }
}

/// The names of all files in the log's directory.
fn names(fs: &SimFs) -> Vec<String> {
    fs.list(dir()).expect("the directory is there")
}

/// The bytes of the segment that is being written.
fn newest(fs: &SimFs) -> Vec<u8> {
    segments(fs).pop().expect("a log has a segment").1
}

// Rule 1: a segment has its full size, written and on disk, before its first record.

#[test]
fn a_new_segment_has_its_full_size_on_disk_before_the_first_record() {
    for_each_seed(8, |fs| {
        make_dir(fs).expect("the power is on");
        open(fs, 0);
        fs.power_cycle();
        let found = newest(fs);
        assert_eq!(found.len(), 200, "bytes on disk before the first record: rule 1");
        let zeros = found.iter().filter(|&&byte| byte == 0).count();
        assert_eq!(zeros, 200, "of the 200 bytes of a new segment, all are zeros: rule 1");
    });
}

#[test]
fn the_zeros_are_written_and_not_only_promised() {
    let (fs, _wal) = log_of(0);
    let trace = fs.trace();
    assert!(
        !trace.iter().any(|line| line.contains("set the length")),
        "a length without blocks makes every later sync wait for the file system: rule 1\n{trace:#?}"
    );
    assert_eq!(fs.counts().bytes_written, 200, "one segment's worth of zeros");
}

#[test]
fn zeros_are_written_in_pieces() {
    const SIZE: u64 = (3 << 20) + 17;
    let fs = disk(1);
    let file = fs.create(&dir().join("file")).expect("the power is on");
    file.write_at(0, b"what is there").expect("the disk works");
    spare::extend(&*file, SIZE).expect("the disk works");
    let bytes = fs.contents(dir().join("file"));
    assert_eq!(bytes.len() as u64, SIZE, "the length that was asked for");
    assert_eq!(&bytes[..13], b"what is there", "bytes that are there stay");
    assert!(bytes[13..].iter().all(|&byte| byte == 0), "what is new is zeros");
    let (writes, syncs) = (fs.counts().writes, fs.counts().syncs);
    assert!((4..500).contains(&writes), "3 MiB in {writes} writes: pieces of up to 1 MiB will do");
    assert_eq!(syncs, 1, "one sync for all of them: rule 1");
}

#[test]
fn a_file_that_is_long_enough_costs_nothing() {
    let fs = disk(1);
    let file = fs.create(&dir().join("file")).expect("the power is on");
    file.write_at(0, &[7; 100]).expect("the disk works");
    let before = fs.counts().operations;
    for size in [0, 50, 99, 100] {
        spare::extend(&*file, size).expect("the disk works");
    }
    assert_eq!(fs.counts().operations, before, "there was nothing to write, nothing to sync");
    assert_eq!(file.len().expect("the disk works"), 100, "`extend` never makes a file shorter");
    for gap in 1..=40 {
        spare::extend(&*file, 100 + gap).expect("the disk works");
        let len = file.len().expect("the disk works");
        assert_eq!(len, 100 + gap, "one byte too short is too short: rule 1");
    }
}

#[test]
fn a_commit_changes_no_length() {
    let (fs, wal) = log_of(0);
    for number in 1..=9 {
        wal.commit(&[b'r'; 29], Synced).expect("the disk works");
        let len = newest(&fs).len();
        assert_eq!(len, 200, "the segment's length after commit {number}: rule 1");
    }
}

// Rule 2: a spare gets a segment's name, and keeps its bytes.

#[test]
fn a_purged_segment_is_used_again() {
    let (fs, wal) = log_of(9);
    let before = fs.trace().len();
    wal.purge(wal.end()).expect("the disk works");
    assert_eq!(
        spare::list(&fs, dir()).expect("it is there"),
        [0, 1],
        "two were purged: {:?}",
        names(&fs)
    );
    append(&wal, 8);
    let trace = fs.trace().split_off(before);
    assert!(
        !trace.iter().any(|line| line.starts_with("create")),
        "there were spares, and a file was made or emptied: rule 2\n{trace:#?}"
    );
    let renames = trace.iter().filter(|line| line.starts_with("rename")).count();
    assert_eq!(renames, 4, "two segments became spares, and two spares segments: rule 2");
    assert_eq!(names(&fs).len(), 3, "three files, all of them segments: {:?}", names(&fs));
}

#[test]
fn a_spare_costs_the_writer_only_what_was_cut_off() {
    let (fs, wal) = log_of(9);
    wal.purge(wal.end()).expect("the disk works");
    append(&wal, 3);
    let before = fs.counts();
    append(&wal, 1);
    let after = fs.counts();
    let written = after.bytes_written - before.bytes_written;
    assert_eq!(written, 20 + 45, "the zeros that the spare lacks, and the record: rule 2");
    assert_eq!(after.syncs - before.syncs, 2, "of the segment that is sealed, and of those zeros");
    assert_eq!(after.dir_syncs - before.dir_syncs, 1, "of the new segment's name");
}

#[test]
fn a_spare_keeps_the_bytes_of_its_earlier_life() {
    let (fs, wal) = log_of(9);
    let old: Vec<_> = segments(&fs).into_iter().take(2).map(|(_, bytes)| bytes).collect();
    wal.purge(wal.end()).expect("the disk works");
    append(&wal, 4);
    let new = newest(&fs);
    assert_eq!(new.len(), 200, "the full size");
    let is_kept = old.iter().any(|old| old[45..180] == new[45..180]);
    assert!(is_kept, "behind its first record the segment has the bytes of one of the two spares");
}

#[test]
fn a_spare_gets_the_name_that_was_asked_for() {
    for size in [200, 300] {
        let fs = disk(1);
        fs.overwrite(spare::path(dir(), 3), &vec![7; size]);
        let path = segment::path(dir(), 180);
        let file = spare::create(&fs, dir(), &path, 200).expect("the disk works");
        assert_eq!(file.path(), path, "the file knows its new name: errors will speak of it");
        let bytes = fs.contents(&path);
        assert_eq!(bytes[..200], vec![7; 200], "a spare of {size} bytes keeps what it has: rule 2");
        assert!(spare::list(&fs, dir()).expect("it is there").is_empty(), "it is a spare no more");
    }
}

// Rule 3: a sealed segment is cut, then synced, and then the next one is made.

#[test]
fn a_sealed_segment_ends_where_the_next_one_begins() {
    let (fs, _wal) = log_of(13);
    let found = segments(&fs);
    assert_eq!(found.len(), 4, "four records to a segment");
    for pair in found.windows(2) {
        let end = pair[0].0 + pair[0].1.len() as u64;
        assert_eq!(end, pair[1].0, "the segment at {} ends at {end}: rule 3", pair[0].0);
    }
    assert_eq!(read_back(&fs, RecoveryMode::TolerateTail).len(), 13, "records, rule 3");
}

#[test]
fn cut_makes_a_file_shorter_and_never_longer() {
    let fs = disk(1);
    let file = fs.create(&dir().join("file")).expect("the power is on");
    file.write_at(0, &[7; 100]).expect("the disk works");
    for (len, left) in [(200, 100), (101, 100), (100, 100), (40, 40), (0, 0)] {
        spare::cut(&*file, len).expect("the disk works");
        assert_eq!(file.len().expect("the disk works"), left, "the length, cut at {len}");
    }
}

#[test]
fn a_log_that_was_closed_ends_without_a_trace() {
    let (fs, wal) = log_of(6);
    wal.close().expect("the disk works");
    fs.power_cycle();
    assert_eq!(newest(&fs).len(), 90, "two records and nothing behind them");
    assert_eq!(read_back(&fs, RecoveryMode::Strict).len(), 6, "a strict recovery is content");
}

// Rule 4: what stands behind the log's end is nothing but a torn tail.

/// The payloads that recovery finds.
#[track_caller]
fn read_back(fs: &SimFs, mode: RecoveryMode) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let from = segment::list(fs, dir()).expect("the directory is there")[0].base;
    let recovered = recover(&shared(fs), dir(), from, mode, &mut |record| {
        found.push(record.payload.to_vec());
        Ok(())
    });
    if let Err(error) = recovered {
        panic!("behind the log's end stand bytes of an earlier life, and recovery fails: {error}");
    }
    found
}

#[test]
fn after_a_crash_the_rest_is_a_torn_tail_and_the_file_full_again() {
    let (fs, wal) = log_of(9);
    wal.purge(wal.end()).expect("the disk works");
    append(&wal, 5);
    wal.sync().expect("the disk works");
    let end = wal.end();
    fs.power_cycle();
    let recovered = recover(&shared(&fs), dir(), 360, RecoveryMode::TolerateTail, &mut |_| Ok(()));
    let recovered = recovered.expect("a tail of old bytes is a torn tail: rule 4");
    assert_eq!((recovered.end, recovered.records), (end, 6), "the log's end, and its records");
    assert_eq!(recovered.torn_bytes, 110, "two records of 45 bytes, and 110 of an earlier life");
    let wal = open(&fs, recovered.end);
    assert_eq!(newest(&fs).len(), 200, "opened again, the segment has its full size: rule 1");
    append(&wal, 1);
    assert_eq!(read_back(&fs, RecoveryMode::TolerateTail).len(), 7, "rule 4");
}

/// What a log was asked to keep.
#[derive(Default)]
struct Kept {
    /// Everything from here on; what is below may have been purged.
    from: Lsn,
    /// Everything up to here was acknowledged as synced.
    to: Lsn,
}

#[test]
fn bytes_of_an_earlier_life_never_come_back() {
    crash_at_every_operation(
        |fs, kept: &mut Kept| {
            make_dir(fs)?;
            let wal = Wal::open(shared(fs), dir(), 0, options())?;
            // Records of one size, so that those of an earlier life stand where new ones begin.
            for number in 0..30 {
                let durability = [Synced, Buffered, Flushed][number % 3];
                wal.commit(format!("{number:029}").as_bytes(), durability)?;
                kept.to = wal.synced();
                if number % 5 == 4 {
                    kept.from = wal.synced();
                    wal.purge(kept.from)?;
                }
            }
            Ok(())
        },
        |fs, kept| {
            let mut next = kept.from;
            let mode = RecoveryMode::TolerateTail;
            let recovered = recover(&shared(fs), dir(), kept.from, mode, &mut |record| {
                let found = std::str::from_utf8(record.payload).expect("digits");
                let expected = format!("{:029}", next / 45);
                assert_eq!(found, expected, "the record at {}: of an earlier life? rule 4", next);
                next = record.end();
                Ok(())
            });
            if let Err(error) = recovered {
                assert_eq!(kept.to, 0, "what was synced must be recovered, and is not: {error}");
            }
            assert!(next >= kept.to, "{} bytes were synced, {next} are there: rule 3", kept.to);
        },
    );
}

#[test]
fn a_store_on_spares_keeps_its_promises_through_power_cuts() {
    survives_power_cuts(&open_store, checkpointing_workload);
}

#[test]
fn a_store_on_spares_keeps_its_promises_through_kills() {
    survives_kills(&open_store, checkpointing_workload);
}

#[test]
fn a_store_on_spares_keeps_the_contract_of_every_engine() {
    for (name, check) in conformance::CHECKS {
        // Values that no such segment can hold.
        if *name != "large_values_come_back_whole" {
            check(&open_store);
        }
    }
}

fn open_store(fs: Arc<dyn Fs>, dir: &Path) -> Result<Box<dyn wal::Engine>> {
    Ok(Box::new(open_log_store(fs, dir)?))
}

fn open_log_store(fs: Arc<dyn Fs>, dir: &Path) -> Result<LogStore> {
    let log = LogOptions { segment_size: 1500, ..options() };
    LogStore::open(fs, dir, StoreOptions { log, ..StoreOptions::default() })
}

/// Writes and checkpoints, so that segments go around.
fn checkpointing_workload(fs: &SimFs, dir: &Path, model: &mut Model) -> Result<()> {
    let mut random = Workload::new(fs.seed());
    for _ in 0..2 {
        let store = open_log_store(Arc::new(fs.clone()), dir)?;
        for number in 0..16 {
            model.write(&store, random.batch(), random.durability())?;
            if number % 5 == 4 {
                store.checkpoint()?;
            }
        }
        model.close(&store)?;
    }
    Ok(())
}

// Rule 5: spares are few, and made of what nobody needs.

#[test]
fn there_are_never_more_spares_than_wanted() {
    let (fs, wal) = log_of(25);
    let gone = wal.purge(wal.end()).expect("the disk works");
    let bases: Vec<_> = gone.iter().map(|segment| segment.base).collect();
    assert_eq!(bases, [0, 180, 360, 540, 720, 900], "what was purged, oldest first");
    let expected = ["00000000000000001080.wal", "spare-0.wal", "spare-1.wal"];
    assert_eq!(names(&fs), expected, "two spares were wanted, the rest goes: rule 5");
    append(&wal, 12);
    wal.purge(wal.end()).expect("the disk works");
    assert_eq!(names(&fs).len(), 3, "and so the next time: {:?}", names(&fs));
}

#[test]
fn a_slot_that_is_full_is_not_written_over() {
    let (fs, wal) = log_of(13);
    fs.overwrite(spare::path(dir(), 1), b"a spare");
    let gone = spare::recycle(&fs, dir(), wal.end(), 3).expect("the disk works");
    assert_eq!(gone.len(), 2, "three spares are wanted, one was there, three segments are free");
    assert_eq!(spare::list(&fs, dir()).expect("it is there"), [0, 1, 2], "slots: rule 5");
    assert_eq!(fs.contents(spare::path(dir(), 1)), b"a spare", "the spare that was there");
    let left: Vec<_> = segments(&fs).iter().map(|found| found.0).collect();
    assert_eq!(left, [360, 540], "the oldest go first, the rest is for `segment::purge`: rule 5");
    let again = spare::recycle(&fs, dir(), wal.end(), 3).expect("the disk works");
    assert!(again.is_empty(), "all slots are full: rule 5");
}

#[test]
fn only_what_nobody_needs_becomes_a_spare() {
    for below in [0, 1, 179, 180, 181, 359, 360, 404, 405, 1000] {
        let (fs, _wal) = log_of(9);
        let gone = spare::recycle(&fs, dir(), below, 5).expect("the disk works");
        let bases: Vec<_> = gone.iter().map(|segment| segment.base).collect();
        let expected: &[Lsn] = match below {
            0..180 => &[],
            180..360 => &[0],
            _ => &[0, 180],
        };
        assert_eq!(
            bases, expected,
            "segments 0..180, 180..360, 360..; needed is {below} and all \
            behind it, and the newest is being written: rule 5"
        );
        let left: Vec<_> = segments(&fs).iter().map(|found| found.0).collect();
        assert_eq!(left, [0, 180, 360][gone.len()..], "the segments that are left");
    }
}

#[test]
fn spares_that_are_too_many_already_get_no_more() {
    let (fs, wal) = log_of(13);
    for slot in [4, 7, 9] {
        fs.overwrite(spare::path(dir(), slot), b"a spare");
    }
    for (limit, expected) in [(0, 0), (1, 0), (2, 0), (3, 0), (4, 1), (4, 0)] {
        let gone = spare::recycle(&fs, dir(), wal.end(), limit).expect("the disk works");
        assert_eq!(gone.len(), expected, "segments recycled, with a limit of {limit}: rule 5");
    }
}

#[test]
fn an_opener_who_wants_fewer_spares_has_fewer() {
    let fs = disk(1);
    (0..5).for_each(|slot| fs.overwrite(spare::path(dir(), slot), b"a spare"));
    open(&fs, 0);
    let left = spare::list(&fs, dir()).expect("the disk works");
    // One of the two that may stay has become the first segment.
    let right = left.len() == 1 && left[0] < 2;
    assert!(right, "slots left of five with a limit of 2, less the one that was used: {left:?}");
}

#[test]
fn what_was_recycled_is_gone_for_good() {
    for_each_seed(16, |fs| {
        make_dir(fs).expect("the power is on");
        let wal = open(fs, 0);
        append(&wal, 9);
        let before = fs.counts().dir_syncs;
        let gone = spare::recycle(fs, dir(), wal.end(), 2).expect("the disk works");
        assert_eq!(gone.len(), 2, "two segments are needed no more");
        assert_eq!(fs.counts().dir_syncs - before, 1, "one sync of the directory for all of them");
        fs.power_cycle();
        let bases: Vec<_> = segments(fs).iter().map(|found| found.0).collect();
        assert_eq!(bases, [360], "old names are gone when `recycle` returns: rule 5");
    });
}

#[test]
fn what_an_interrupted_call_renamed_is_gone_for_good_too() {
    for_each_seed(16, |fs| {
        make_dir(fs).expect("the power is on");
        let wal = open(fs, 0);
        append(&wal, 9);
        for (slot, base) in [(0, 0), (1, 180)] {
            let renamed = fs.rename(&segment::path(dir(), base), &spare::path(dir(), slot));
            renamed.expect("the disk works");
        }
        let gone = spare::recycle(fs, dir(), wal.end(), 2).expect("the disk works");
        assert!(gone.is_empty(), "there was nothing left to rename");
        fs.power_cycle();
        let bases: Vec<_> = segments(fs).iter().map(|found| found.0).collect();
        assert_eq!(bases, [360], "names that were taken away before are made durable too: rule 5");
    });
}

#[test]
fn a_call_that_fails_is_heard_of() {
    for call in [Operation::List, Operation::Rename, Operation::SyncDir] {
        let (fs, wal) = log_of(9);
        fs.fail(call, 1, Fault::Io);
        let recycled = spare::recycle(&fs, dir(), wal.end(), 2);
        let failed = matches!(recycled, Err(Error::Io { .. }));
        assert!(failed, "{call:?} failed, and `recycle` says {recycled:?}");
    }
    for call in [Operation::List, Operation::Rename, Operation::Open] {
        let fs = disk(1);
        fs.overwrite(spare::path(dir(), 0), &[7; 200]);
        fs.fail(call, 1, Fault::Io);
        let created = spare::create(&fs, dir(), &segment::path(dir(), 0), 200);
        assert!(created.is_err(), "{call:?} failed, and `create` made a segment all the same");
    }
    let (fs, wal) = log_of(9);
    fs.overwrite(spare::path(dir(), 0), b"a spare");
    fs.fail(Operation::List, 2, Fault::Io);
    let _ = spare::recycle(&fs, dir(), wal.end(), 2);
    let kept = fs.contents(spare::path(dir(), 0));
    assert_eq!(kept, b"a spare", "a list that failed is not an empty one: rule 5");
}

#[test]
fn a_file_whose_name_is_in_doubt_is_not_used() {
    let (fs, wal) = log_of(9);
    fs.fail(Operation::SyncDir, 1, Fault::Io);
    let failed = wal.purge(wal.end());
    assert!(matches!(failed, Err(Error::Io { .. })), "the disk failed, purge says {failed:?}");
    let written = wal.append(b"more");
    let poisoned = matches!(written, Err(Error::Poisoned { .. }));
    assert!(
        poisoned,
        "two files may have two names each after a crash: nothing may be written to \
        them, and the log says {written:?} (rule 5)"
    );
}
