//! Lab Bitcask: the log is the database, and memory holds where every key's value lies.

mod given;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use wal::Durability::{Buffered, Flushed, Synced};
use wal::bitcask::hint::{self, Spot};
use wal::bitcask::keydir::{self, DataFile, KeyDir};
use wal::fs::{Fault, Fs, Operation, SimFs};
use wal::testing::{
    batch, conformance, delete, for_each_seed, put, survives_kills, survives_power_cuts,
};
use wal::{Bitcask, BitcaskOptions, Engine, Error, Reader, Record, RecoveryMode};

use crate::allocated_by;
use given::{
    HINTED, bases, close, dir, directory_of, expect, expect_damage, hint_at, hinted, merge,
    merging_workload, open, open_wide, records_read, segment_at, segments_of, small, tell, told,
    try_open,
};
use meddled::Meddled;

// Rule 1: first the record is in the file, then the place is in the directory.

#[test]
fn the_last_operation_on_a_key_says_where_its_value_lies() {
    let fs = SimFs::new(1);
    let file = fs.create("file".as_ref()).expect("the power is on");
    let file = Arc::new(DataFile { base: 1000, file });
    let mut keys = KeyDir::new();
    let first = batch(&[put("a", "1"), put("b", "1"), put("c", "1")]);
    keydir::apply(&mut keys, &file, 1000, 60, first.iter());
    let second = batch(&[delete("b"), put("a", "2"), put("a", "3"), delete("never there")]);
    keydir::apply(&mut keys, &file, 1060, 70, second.iter());
    let found: Vec<_> = keys
        .iter()
        .map(|(key, place)| (&key[..], place.file.base, place.lsn, place.size, place.index))
        .collect();
    let expected = [(&b"a"[..], 1000, 1060, 70, 2), (b"c", 1000, 1000, 60, 2)];
    assert_eq!(
        found, expected,
        "keys, and of each: base of the file, LSN and size of the record, number of the operation \
         in its batch; a key that was deleted has no place (rule 1)"
    );
}

#[test]
fn bitcask_keeps_the_contract_of_every_engine() {
    conformance::all(&|fs, dir| Ok(Box::new(Bitcask::open(fs, dir, BitcaskOptions::default())?)));
}

#[test]
fn bitcask_keeps_the_contract_across_many_segments() {
    for (name, check) in conformance::CHECKS {
        // Values that no such segment can hold.
        if *name != "large_values_come_back_whole" {
            check(&|fs, dir| Ok(Box::new(Bitcask::open(fs, dir, segments_of(2000))?)));
        }
    }
}

#[test]
fn what_is_buffered_can_be_read_because_it_is_in_the_file() {
    let (fs, store) = told("a1 b2 -a c3 d4 a5");
    expect(&store, "a5 b2 c3 d4", "rule 1: memory holds no values, so they must be in the file");
    fs.kill();
    expect(&open(&fs), "a5 b2 c3 d4", "rule 1: what is in the file survives a kill");
}

#[test]
fn a_get_is_one_read_of_one_record_and_an_absent_key_none() {
    let fs = SimFs::new(1);
    let store = Bitcask::open(Arc::new(fs.clone()), dir(), segments_of(1 << 20)).expect("a store");
    tell(&store, "a1 b1 c1 d1 a2 -b");
    let large = vec![7; 100 << 10];
    store.put(b"large", &large, Buffered).expect("it fits");
    for (key, reads) in [("a", 1), ("c", 1), ("large", 1), ("b", 0), ("x", 0)] {
        let before = fs.counts().reads;
        store.get(key.as_bytes()).expect("the disk works");
        let made = fs.counts().reads - before;
        assert_eq!(made, reads, "reads for get({key:?}): the place says where, size and all");
    }
    let allocated = allocated_by(20, || store.get(b"large").expect("the disk works"));
    assert!(allocated < 3 * large.len(), "{allocated} bytes for a value of {}", large.len());
}

#[test]
fn a_write_that_failed_is_not_in_the_directory() {
    let (fs, store) = told("a1 b1");
    fs.fail(Operation::Write, 1, Fault::Io);
    let failed = store.put(b"a", b"2", Buffered);
    assert!(failed.is_err(), "the disk failed the write, and it was acknowledged");
    expect(&store, "a1 b1", "rule 1: a record that is not in the file has no place");
}

// Rule 2: a value comes back only out of the record that put it.

#[test]
fn a_value_is_read_out_of_its_batch_in_any_segment() {
    let batches = (0..6).map(|number| {
        let number = number.to_string();
        batch(&[put("b", ""), delete("b"), put(&number, "one"), put("z", &number)])
    });
    let keys = directory_of(batches);
    for (key, value) in [("0", "one"), ("1", "one"), ("5", "one"), ("z", "5")] {
        let read = keys[key.as_bytes()].read(key.as_bytes());
        let read = read.unwrap_or_else(|error| panic!("{key:?} must be read, and failed: {error}"));
        assert_eq!(read, value, "the value of {key:?}, out of a batch of four operations: rule 2");
    }
}

#[test]
fn every_flipped_bit_of_a_record_is_damage_of_that_file() {
    // Records of 33 bytes: b's is the second of the second segment.
    let (fs, store) = told("x1 y1 z1 a1 b1 c1 d1");
    for bit in 0..33 * 8 {
        let path = segment_at(99);
        fs.flip_bit(&path, 33 + bit / 8, (bit % 8) as u32);
        expect_damage(store.get(b"b"), 99, 33, &format!("bit {bit} of its record is flipped"));
        fs.flip_bit(&path, 33 + bit / 8, (bit % 8) as u32);
    }
    expect(&store, "a1 b1 c1 d1 x1 y1 z1", "rule 2: the bits are as they were");
}

#[test]
fn a_file_that_ends_too_early_is_damage_of_that_file() {
    let (fs, store) = told("x1 y1 z1 a1 b1 c1 d1");
    let whole = fs.contents(segment_at(99));
    for len in 33..66 {
        fs.overwrite(segment_at(99), &whole[..len]);
        expect_damage(store.get(b"b"), 99, 33, &format!("the file ends at byte {len}"));
    }
}

#[test]
fn a_place_that_is_wrong_gives_no_other_keys_value() {
    let keys = directory_of([batch(&[put("a", "1"), put("b", "2"), delete("c")])]);
    for (index, key) in [(1, "a"), (0, "b"), (2, "c"), (3, "a"), (0, "")] {
        let mut place = keys[&b"a"[..]].clone();
        place.index = index;
        let read = place.read(key.as_bytes());
        expect_damage(read.map(Some), 0, 0, &format!("operation {index} does not put {key:?}"));
    }
    let file = &directory_of((0..4).map(|_| batch(&[put("a", "1")])))[&b"a"[..]].file;
    let record = Record { lsn: 132, synced: 0, payload: b"no batch" };
    expect_damage(keydir::decode_batch(file, &record), 99, 33, "a record that is no batch");
}

// Rule 3: a merge copies, syncs, and only then removes; the oldest segment, and one at a time.

#[test]
fn a_merge_keeps_what_counts_and_frees_the_rest() {
    // Segments: a1 b1 c1 | a2 -b d1 | e1
    let (fs, store) = told("a1 b1 c1 a2 -b d1 e1");
    let merged = merge(&store);
    assert_eq!(merged.live_entries, 1, "of a1 b1 c1 only c1 still counts");
    assert_eq!(merged.freed_bytes, 99, "the first segment's bytes");
    assert!(!bases(&fs).contains(&0), "the merged segment is gone, left are {:?}", bases(&fs));
    expect(&store, "a2 c1 d1 e1", "rule 3: a merge changes nothing that can be read");
    let merged = merge(&store);
    assert_eq!(merged.live_entries, 2, "of a2 -b d1 a and d still count: a delete never does");
    drop(store);
    expect(&open(&fs), "a2 c1 d1 e1", "rule 3: nor after opening again");
}

#[test]
fn a_power_cut_at_any_operation_of_a_merge_loses_nothing() {
    survives_power_cuts(&|fs, dir| Ok(Box::new(open_wide(fs, dir)?)), merging_workload);
}

#[test]
fn a_kill_at_any_operation_of_a_merge_loses_nothing() {
    survives_kills(&|fs, dir| Ok(Box::new(open_wide(fs, dir)?)), merging_workload);
}

#[test]
fn what_replaced_an_entry_is_on_disk_before_the_entry_goes() {
    for_each_seed(8, |fs| {
        let store = open(fs);
        tell(&store, "a1 b1 c1");
        store.sync().expect("the disk works");
        // Buffered, and enough to make the first segment's every entry count no more.
        tell(&store, "a2 b2 c2 d2");
        assert_eq!(merge(&store).live_entries, 0, "nothing of a1 b1 c1 counts");
        fs.power_cycle();
        let rule = "a2 b2 c2 were only buffered, and because of them a1 b1 c1 were removed: \
                    what makes an entry superfluous must be safe first (rule 3)";
        expect(&open(fs), "a2 b2 c2 d2", rule);
    });
}

#[test]
fn a_removal_that_failed_is_the_last() {
    for nth in 1..=2 {
        let (fs, store) = told("a1 b1 c1 a2 b2 c2 a3 b3 c3 d1");
        store.sync().expect("the disk works");
        fs.fail(Operation::SyncDir, nth, Fault::Io);
        while let Ok(Some(_)) = store.merge() {}
        fs.power_cycle();
        let rule = "the first segment's name came back, and the segments behind it are gone: merge \
                    no further once a removal has failed (rule 3)";
        let store = try_open(&fs).unwrap_or_else(|error| panic!("it must open: {error}\n{rule}"));
        expect(&store, "a3 b3 c3 d1", rule);
    }
}

#[test]
fn a_damaged_segment_is_not_merged_away() {
    let (fs, store) = told("a1 b1 c1 d1 e1 f1 g1");
    let whole = fs.contents(segment_at(0));
    for len in [0, 20, 33, 50, 66, 98] {
        fs.overwrite(segment_at(0), &whole[..len]);
        let merged = store.merge();
        assert!(
            matches!(merged, Err(Error::Corruption { .. })),
            "the oldest segment has {len} of its 99 bytes; want Corruption, got {merged:?}\n\
             a merge that has not seen all of a segment must not remove it: rule 3"
        );
        assert_eq!(fs.contents(segment_at(0)).len(), len, "a segment that is damaged stays");
    }
    fs.overwrite(segment_at(0), &whole);
    merge(&store);
    expect(&store, "a1 b1 c1 d1 e1 f1 g1", "rule 3: restored from a backup, it is merged");
}

#[test]
fn a_snapshot_outlives_the_files_it_reads() {
    let (fs, store) = told("a1 b1 c1 d1 e1 f1 g1");
    let snapshot = store.snapshot().expect("the store is open");
    tell(&store, "a2 -b c2 d2");
    let merged = store.compact().expect("the disk works");
    assert_eq!(bases(&fs)[0], 295, "c2 and d2 are in the segment at 295, all before it is gone");
    let sums = (merged.live_entries, merged.written_bytes, merged.freed_bytes);
    assert_eq!(sums, (4, 4 * 33, 295), "e1 f1 g1 a2 were written again, 295 bytes are gone");
    expect(&*snapshot, "a1 b1 c1 d1 e1 f1 g1", "a snapshot keeps the files open that it reads");
    expect(&store, "a2 c2 d2 e1 f1 g1", "rule 3");
}

#[test]
fn a_file_that_a_snapshot_reads_is_not_used_again() {
    let fs = SimFs::new(1);
    let mut options = small();
    options.log.spare_segments = 2;
    let store = Bitcask::open(Arc::new(fs.clone()), dir(), options).expect("a new store opens");
    tell(&store, "a1 b1 c1 d1 e1 f1 g1");
    let snapshot = store.snapshot().expect("the store is open");
    store.compact().expect("the disk works");
    tell(&store, "a2 b2 c2 d2 e2 f2 g2");
    let rule = "a file without a name may still be read: Bitcask wants no spare segments";
    expect(&*snapshot, "a1 b1 c1 d1 e1 f1 g1", rule);
}

// Rule 4: what the directory points at counts, and looking and appending are one step.

#[test]
fn a_write_during_a_merge_is_newer_than_what_the_merge_writes() {
    let fs = SimFs::new(1);
    let meddled = Meddled::new(&fs);
    let options = segments_of(900 << 10);
    let store = Bitcask::open(Arc::new(meddled.clone()), dir(), options.clone());
    let store = Arc::new(store.expect("a new store opens"));
    let old = vec![b'o'; 100 << 10];
    for key in 0..10_u8 {
        store.put(&[key], &old, Buffered).expect("it fits");
    }
    // The merge reads in pieces of about two records. With each, two keys get new values.
    let (writer, reads) = (Arc::clone(&store), AtomicU64::new(0));
    meddled.after_reads(move || {
        let nth = reads.fetch_add(1, SeqCst) as u8;
        for key in [nth, 7 - nth.min(7)] {
            writer.put(&[key], b"new", Buffered).expect("writes go on while a merge reads");
        }
    });
    merge(&store);
    meddled.after_reads(|| {});
    for reopened in [false, true] {
        if reopened {
            close(&store);
        }
        let again = reopened.then(|| Bitcask::open(Arc::new(fs.clone()), dir(), options.clone()));
        let again = again.map(|opened| opened.expect("it was closed"));
        let store = again.as_ref().unwrap_or(&store);
        for key in [0, 1, 2, 5, 6, 7] {
            let value = store.get(&[key]).expect("the disk works");
            let came_back = value.as_deref() == Some(&old);
            assert!(
                !came_back,
                "key {key} was written during the merge, and the old value came \
                back (reopened: {reopened}): look and append under one lock, rule 4"
            );
            assert_eq!(value.as_deref(), Some(&b"new"[..]), "the value of key {key}");
        }
    }
}

#[test]
fn a_merge_waits_for_a_write_that_is_under_way() {
    for_each_seed(8, |fs| {
        let meddled = Meddled::new(fs);
        let store = Bitcask::open(Arc::new(meddled.clone()), dir(), small()).expect("a new store");
        tell(&store, "a1 b1 c1 d1");
        // Between the numbering of a2 and its place in the directory, a merge reads a1.
        meddled.while_writing(|| tell(&store, "a2"), || assert_ne!(merge(&store).freed_bytes, 0));
        let rule = "a2 was being written when the merge looked for a: look and append under one \
                    lock, the one that writes hold (rule 4)";
        expect(&store, "a2 b1 c1 d1", rule);
    });
}

#[test]
fn the_same_key_twice_in_a_batch_is_one_entry() {
    let fs = SimFs::new(1);
    let store = open(&fs);
    let twice = batch(&[put("a", "1"), put("b", "1"), put("a", "2"), delete("b")]);
    store.write(twice, Flushed).expect("the disk works");
    tell(&store, "c1 d1 e1");
    assert_eq!(merge(&store).live_entries, 2, "the second put of a, and c");
    expect(&store, "a2 c1 d1 e1", "rule 4");
}

#[test]
fn a_merge_gives_out_no_numbers_and_forgets_none() {
    let (fs, mut store) = told("a1 b1 c1 a2 b2 -c d1");
    for expected in 8..20 {
        store.merge().expect("the disk works");
        let seq = store.put(b"d", b"2", Synced).expect("the disk works");
        assert_eq!(seq, expected, "a merge writes, but is no operation: rule 4");
        if expected % 3 == 0 {
            close(&store);
            store = open(&fs);
        }
    }
}

#[test]
fn numbers_go_on_when_the_segment_that_knew_them_is_gone() {
    // The second segment was begun, and its only record lost: all numbers are in the first, and
    // nothing else.
    let (fs, store) = told("a1 -a -b c1");
    drop(store);
    fs.overwrite(segment_at(95), &[]);
    let store = open(&fs);
    merge(&store);
    drop(store);
    let store = open(&fs);
    expect(&store, "", "rule 3");
    let seq = store.put(b"d", b"1", Buffered).expect("the disk works");
    assert_eq!(seq, 4, "a1, -a and -b had the numbers 1 to 3: a merge forgets none, rule 4");
}

// Rule 5: a hint says what the log says, or it is no hint.

#[test]
fn a_hint_stands_for_reading_its_segment() {
    let fs = hinted();
    assert_eq!(records_read(&fs), 1, "two segments have hints, only the newest is read: rule 5");
    fs.remove(&hint_at(0)).expect("close wrote a hint for each segment that was complete");
    assert_eq!(records_read(&fs), 7, "the oldest has no hint: read from there on, in order");
    let fs = hinted();
    fs.remove(&hint_at(99)).expect("close wrote a hint for each segment that was complete");
    assert_eq!(records_read(&fs), 4, "the oldest has a hint, the second has none");
}

#[test]
fn a_hint_says_what_was_deleted() {
    let fs = hinted();
    let path = segment_at(99);
    let file = DataFile { base: 99, file: fs.open(&path).expect("the second segment") };
    let hint = hint::Hint::of(&file, 196).expect("it is whole");
    let found = |key| hint.changes.iter().find(|change| change.0 == key);
    let spot = |key| found(key).map(|change| change.1.map(|spot| (spot.lsn, spot.index)));
    assert_eq!(spot("a"), Some(Some((99, 0))), "a2 is the first record");
    assert_eq!(spot("b"), Some(None), "-b is a change as well: the first segment has b1 (rule 5)");
    assert_eq!(spot("d"), Some(Some((163, 0))), "d1 is the third record");
    assert_eq!((hint.changes.len(), hint.last_seq, hint.last_lsn), (3, 6, 163), "and that is all");
    assert!(hint::Hint::of(&file, 200).is_err(), "a segment that ends too early makes no hint");
}

#[test]
fn a_hint_says_which_numbers_were_given_out() {
    let (fs, store) = told("a1 -a -b c1");
    close(&store);
    fs.overwrite(segment_at(95), &[]);
    let seq = open(&fs).put(b"d", b"1", Buffered).expect("the disk works");
    assert_eq!(seq, 4, "a1, -a and -b had the numbers 1 to 3, says the hint that was read instead");
}

#[test]
fn a_damaged_hint_is_no_hint() {
    let whole = hinted().contents(hint_at(99));
    for at in 0..whole.len() {
        let fs = hinted();
        fs.flip_bit(hint_at(99), at as u64, (at % 8) as u32);
        assert_eq!(records_read(&fs), 4, "byte {at} of the hint is damaged, and it was believed");
        let fs = hinted();
        fs.overwrite(hint_at(99), &whole[..at]);
        assert_eq!(records_read(&fs), 4, "the hint ends at byte {at}, and it was believed");
    }
    let fs = hinted();
    fs.overwrite(hint_at(99), &[&whole[..], b"!"].concat());
    assert_eq!(records_read(&fs), 4, "something stands behind the hint, and it was believed");
}

#[test]
fn a_bad_hint_is_replaced_by_a_good_one() {
    let fs = hinted();
    fs.flip_bit(hint_at(0), 40, 0);
    close(&open(&fs));
    assert_eq!(records_read(&fs), 1, "a hint that was not used is swept away, and made again");
}

#[test]
fn a_hint_of_other_bytes_is_no_hint() {
    // The same keys in other segments, which begin and end at the same places.
    let (other, store) = told("d1 -b a2 b1 c1 a1 e1");
    close(&store);
    assert_eq!(bases(&other), [0, 97, 196], "the other store's segments");
    let (shifted, store) = told("b1 c1 a1 d1 a2 -b e1");
    close(&store);
    for from in [(&other, 0), (&other, 97), (&shifted, 0), (&shifted, 99)] {
        for to in [0, 99] {
            let fs = hinted();
            fs.overwrite(hint_at(to), &from.0.contents(hint_at(from.1)));
            let expected = if to == 0 { 7 } else { 4 };
            let read = records_read(&fs);
            assert_eq!(read, expected, "a hint made from other bytes was believed: rule 5");
        }
    }
}

#[test]
fn a_hint_that_points_elsewhere_is_no_hint() {
    let file = |fs: &SimFs| DataFile { base: 99, file: fs.open(&segment_at(99)).expect("it is") };
    let good = hint::Hint::of(&file(&hinted()), 196).expect("it is whole");
    for (lsn, size) in [(98, 33), (0, 33), (196, 33), (u64::MAX, 33), (99, u32::MAX), (99, 1 << 27)]
    {
        let (fs, mut hint) = (hinted(), good.clone());
        hint.changes[0].1 = Some(Spot { lsn, size, index: 0 });
        hint::write(&fs, dir(), 99, &hint).expect("the disk works");
        assert_eq!(records_read(&fs), 4, "a spot at {lsn}, of {size} bytes, was believed: rule 5");
    }
}

#[test]
fn a_segment_that_lost_its_end_is_not_hidden_by_its_hint() {
    let whole = hinted().contents(segment_at(99));
    for len in 0..whole.len() {
        let fs = hinted();
        fs.overwrite(segment_at(99), &whole[..len]);
        match try_open(&fs) {
            Err(Error::Corruption { file, .. }) if file == segment_at(99) => {}
            other => panic!(
                "the second segment lost its last {} bytes; want Corruption of it, got {other:?}\n\
                 a hint is for the bytes it was made from, and for no others: rule 5",
                whole.len() - len
            ),
        }
    }
}

#[test]
fn only_who_tolerates_a_torn_tail_believes_hints() {
    for recovery in [RecoveryMode::Strict, RecoveryMode::PointInTime] {
        let fs = hinted();
        fs.flip_bit(segment_at(0), 20, 0);
        let opened = Bitcask::open(Arc::new(fs), dir(), BitcaskOptions { recovery, ..small() });
        let looked = match &opened {
            Ok(store) => store.recovered().lost_bytes > 0,
            Err(error) => matches!(error, Error::Corruption { .. }),
        };
        assert!(looked, "{recovery:?} looks at every byte of the log, and got {opened:?}: rule 5");
    }
    let fs = hinted();
    let options = BitcaskOptions { hints: false, ..small() };
    let store = Bitcask::open(Arc::new(fs), dir(), options).expect("nothing is damaged");
    assert_eq!(store.recovered().records, 7, "without hints all of the log is read");
}

#[test]
fn a_hint_that_was_interrupted_costs_time_and_nothing_else() {
    for_each_seed(4, |fs| {
        for operation in 1.. {
            let fs = SimFs::new(fs.seed());
            let store = open(&fs);
            tell(&store, "a1 b1 c1 a2 -b d1 e1");
            store.sync().expect("the disk works");
            fs.crash_at(operation);
            let _ = store.close();
            let through = fs.is_powered();
            fs.power_cycle();
            expect(&open(&fs), HINTED, "rule 5: a hint needs no sync, because it may be lost");
            if through {
                break;
            }
        }
    });
}

mod life;
mod meddled;
