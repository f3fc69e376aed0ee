//! Day 4: a torn tail is normal, a hole in the middle is loss: never confuse them.

use wal::Durability::{Flushed, Synced};
use wal::RecoveryMode::{PointInTime, Strict, TolerateTail};
use wal::fs::{Fault, Fs, Operation, SimFs};
use wal::testing::{crash_at_every_operation, for_each_seed, kill_at_every_operation};
use wal::{Error, Recovered, Wal, has_witness, recover};

use crate::log::{
    Found, dir, disk, end_of, make_dir, new_log, payload, segments, segments_of, shared,
};
use given::*;
use watch::{Watched, peak_of};

mod given;
mod watch;

// Rule 1: the log is the longest run of whole records.

#[test]
fn a_whole_log_is_shown_record_by_record() {
    for mode in [Strict, TolerateTail, PointInTime] {
        let image = synced_log();
        let want = records_of(&image);
        assert_eq!(want.len(), 12, "records in the log, by `LogReader`");
        expect_recovered(&placed(&image), mode, &want, 0, &format!("a whole log, mode {mode:?}"));
    }
}

#[test]
fn a_cut_at_every_byte_leaves_the_whole_records_before_it() {
    let image = synced_log();
    let all = records_of(&image);
    let (base, newest) = image.last().expect("the log has segments").clone();
    for cut in 0..=newest.len() {
        let mut image = image.clone();
        image.last_mut().expect("the log has segments").1.truncate(cut);
        let end = base + cut as u64;
        let whole: Vec<Found> = all.iter().filter(|found| end_of(found) <= end).cloned().collect();
        let torn = end - whole.last().map_or(0, end_of);
        let why = format!("the newest segment, cut at byte {cut} of {}", newest.len());
        for mode in [TolerateTail, PointInTime] {
            expect_recovered(&placed(&image), mode, &whole, torn, &why);
        }
    }
}

#[test]
fn an_empty_directory_is_an_empty_log() {
    for mode in [Strict, TolerateTail, PointInTime] {
        expect_recovered(&disk(1), mode, &[], 0, "an empty directory");
    }
}

#[test]
fn an_empty_newest_segment_is_fine() {
    for mode in [Strict, TolerateTail, PointInTime] {
        let mut image = synced_log();
        let want = records_of(&image);
        image.push((want.last().map_or(0, end_of), Vec::new()));
        expect_recovered(&placed(&image), mode, &want, 0, "a segment that was only just begun");
        let fs = placed_one(&[]);
        expect_recovered(&fs, mode, &[], 0, "one segment, and nothing in it");
    }
}

#[test]
fn recovery_begins_where_the_caller_says() {
    let image = synced_log();
    let all = records_of(&image);
    for (skipped, (from, _)) in all.iter().enumerate() {
        let (report, shown) =
            try_recover(&placed(&image), *from, TolerateTail).expect("a record begins there");
        assert!(shown == all[skipped..], "from {from} on, {} records were shown", shown.len());
        assert_eq!(report.records, (12 - skipped) as u64, "records from {from} on");
    }
    let end = all.last().map_or(0, end_of);
    let (report, shown) = try_recover(&placed(&image), end, TolerateTail).expect("the log's end");
    assert_eq!((report.end, shown.len()), (end, 0), "from the log's end on there is nothing");
}

#[test]
fn a_log_that_does_not_reach_the_beginning_is_damage() {
    let image = synced_log();
    let end = records_of(&image).last().map_or(0, end_of);
    let (base, newest) = image.last().expect("the log has segments");
    for mode in [Strict, TolerateTail, PointInTime] {
        let fs = placed(&image);
        let len = newest.len() as u64;
        expect_damage_from(&fs, end + 16, mode, *base, len, "a beginning behind the log's end");
        let fs = placed(&image[1..].to_vec());
        expect_damage(&fs, mode, 0, 0, "a log whose first segment is gone, from its beginning on");
        let fs = disk(1);
        expect_damage_from(&fs, 100, mode, 100, 0, "an empty directory, from the middle on");
    }
}

// Rule 2: a torn tail is normal.

#[test]
fn a_write_that_was_lost_before_one_that_was_kept_is_a_torn_tail() {
    for filler in [0, 0xff] {
        let mut bytes = one_segment(&[(0, 0), (1, 0), (2, 0), (3, 0)]);
        let all = records_of(&vec![(0, bytes.clone())]);
        let (hole, behind) = (all[1].0 as usize, all[2].0 as usize);
        bytes[hole..behind].fill(filler);
        let torn = (bytes.len() - hole) as u64;
        let why = "nothing was synced, the second write is lost, the later ones are there";
        expect_recovered(&placed_one(&bytes), TolerateTail, &all[..1], torn, why);
    }
}

#[test]
fn a_flipped_bit_that_no_witness_saw_is_a_torn_tail() {
    let (bytes, all) = half_synced();
    for bit in all[3].0 as usize * 8..bytes.len() * 8 {
        let fs = placed_one(&bytes);
        fs.flip_bit(path(0), bit as u64 / 8, bit as u32 % 8);
        let good = all.iter().take_while(|found| end_of(found) * 8 <= bit as u64).count();
        let torn = bytes.len() as u64 - all[good].0;
        let why = format!("byte {} harmed, which nobody knew to be on disk", bit / 8);
        expect_recovered(&fs, TolerateTail, &all[..good], torn, &why);
    }
}

#[test]
fn bytes_of_a_files_earlier_life_are_no_records_and_no_witnesses() {
    let mut earlier = Vec::new();
    for number in 0..30 {
        let synced = earlier.len() as u64;
        append(&mut earlier, 40, 40 + synced, &payload(number));
    }
    for kept in 0..6 {
        let records: Vec<_> = (0..kept).map(|number| (number, 0)).collect();
        let mut bytes = one_segment(&records);
        let want = records_of(&vec![(0, bytes.clone())]);
        let end = bytes.len();
        bytes.extend_from_slice(&earlier[end..]);
        let torn = (bytes.len() - end) as u64;
        expect_recovered(&placed_one(&bytes), TolerateTail, &want, torn, "a file used twice");
    }
}

#[test]
fn records_inside_of_a_payload_fool_nobody() {
    let inner = one_segment(&[(0, 0), (1, 20), (2, 40), (3, 60), (4, 80)]);
    let mut bytes = Vec::new();
    for _ in 0..3 {
        let synced = bytes.len() as u64;
        append(&mut bytes, 0, synced, &inner);
    }
    let all = records_of(&vec![(0, bytes.clone())]);
    expect_recovered(&placed_one(&bytes), Strict, &all, 0, "payloads that are logs themselves");
    let mut torn = bytes.clone();
    *torn.last_mut().expect("there are bytes") ^= 1;
    let size = all[2].1.len() as u64 + 16;
    expect_recovered(&placed_one(&torn), TolerateTail, &all[..2], size, "a torn record");
    bytes[all[1].0 as usize + 16] ^= 1;
    expect_damage(&placed_one(&bytes), TolerateTail, 0, all[1].0, "a synced record is damaged");
}

// Rule 3: bad bytes with a witness are damage.

#[test]
fn a_flipped_bit_that_a_witness_saw_is_damage_and_named() {
    let (bytes, all) = half_synced();
    for bit in 0..all[3].0 * 8 {
        let fs = placed_one(&bytes);
        fs.flip_bit(path(0), bit / 8, bit as u32 % 8);
        let harmed = all.iter().rfind(|(lsn, _)| *lsn <= bit / 8).map_or(0, |(lsn, _)| *lsn);
        let why = format!("bit {} of byte {} flipped, in {}", bit % 8, bit / 8, field(bit, harmed));
        expect_damage(&fs, TolerateTail, 0, harmed, &why);
    }
}

#[test]
fn a_cut_in_an_earlier_segment_is_damage() {
    let image = synced_log();
    let all = records_of(&image);
    let log_end = all.last().map_or(0, end_of);
    for index in 0..image.len() - 1 {
        let (base, bytes) = &image[index];
        for cut in 0..bytes.len() {
            let mut image = image.clone();
            image[index].1.truncate(cut);
            let end = base + cut as u64;
            let harmed = all.iter().rfind(|(lsn, _)| *lsn <= end).map_or(0, |(lsn, _)| *lsn);
            let why = format!("segment {index} cut at byte {cut} of {}", bytes.len());
            let fs = placed(&image);
            expect_damage(&fs, TolerateTail, *base, harmed - base, &why);
            let lost = try_recover(&fs, 0, PointInTime).expect("what can be saved").0.lost_bytes;
            assert_eq!(lost, log_end - harmed, "{why}: `lost_bytes`, missing ones included");
        }
    }
}

#[test]
fn a_missing_segment_is_damage() {
    let image = synced_log();
    for missing in 1..image.len() - 1 {
        let mut rest = image.clone();
        rest.remove(missing);
        let (base, bytes) = &rest[missing - 1];
        let why = format!("segment {missing} is missing");
        expect_damage(&placed(&rest), TolerateTail, *base, bytes.len() as u64, &why);
    }
}

#[test]
fn a_witness_has_seen_the_bad_byte_and_is_a_record() {
    let bad = 40;
    for (synced, lsn, witness) in [
        (bad, 60, false),     // it knew of the bytes before, not of these
        (bad + 1, 60, true),  // it knew of these
        (60, 60, true),       // it knew of all before itself
        (61, 60, false),      // nobody can know of bytes that were not yet written
        (bad + 1, 61, false), // it was written elsewhere
    ] {
        let mut bytes = vec![0xee; 60];
        append(&mut bytes, lsn - 60, synced, b"");
        let file = placed_one(&bytes).open(&path(0)).expect("it was placed there");
        let came = has_witness(&file, 0, bad).expect("the disk works");
        assert_eq!(
            came, witness,
            "byte {bad} is bad; a record written at {lsn}, found at 60, says that everything below \
             {synced} is on disk: rule 3 of day 4"
        );
    }
}

#[test]
fn a_witness_is_found_wherever_it_stands() {
    let base = 1_000;
    for position in (1..40).chain(4_080..4_100).chain(65_500..65_560).chain(131_050..131_090) {
        let payload = vec![3; [5, 0, 70_000][position % 3]];
        let mut bytes = vec![0xee; position];
        append(&mut bytes, base, base + 1, &payload);
        let fs = placed(&vec![(base, bytes)]);
        let file = fs.open(&path(base)).expect("it was placed there");
        let found = has_witness(&file, base, base).expect("the disk works");
        let size = 16 + payload.len();
        assert!(found, "a witness of {size} bytes, {position} behind the bad one, was not found");
        fs.flip_bit(path(base), position as u64 + 2, 3);
        let found = has_witness(&file, base, base).expect("the disk works");
        assert!(!found, "bytes {position} behind the bad one are no record, and so no witness");
    }
}

#[test]
fn looking_for_witnesses_takes_one_pass_in_small_pieces() {
    let noise: Vec<u8> = (0..2_u64 << 20).map(|n| ((n * n) >> 7) as u8 | 1).collect();
    let file = Watched::new(placed_one(&noise).open(&path(0)).expect("it was placed there"));
    let found = has_witness(&file.shared(), 0, 0).expect("the disk works");
    assert!(!found, "there is no record in these two mebibytes");
    let (bytes, largest) = (file.bytes_read(), file.largest_read());
    assert!(largest <= 1 << 20, "{largest} bytes were asked for at once: a segment can be large");
    assert!(
        bytes <= 3 << 20,
        "{bytes} bytes were read to look through two mebibytes: ask for a whole record only where \
         the field `synced` is possible"
    );
}

// The modes, one against the other.

#[test]
fn strict_takes_nothing_but_a_whole_log() {
    let image = synced_log();
    let (base, newest) = image.last().expect("the log has segments").clone();
    let torn = records_of(&image).last().expect("the log has records").0;
    for cut in (torn - base + 1) as usize..newest.len() {
        let mut image = image.clone();
        image.last_mut().expect("the log has segments").1.truncate(cut);
        expect_damage(&placed(&image), Strict, base, torn - base, "a torn tail, mode Strict");
    }
    let (fs, lsn) = (disk(1), records_of(&image)[0].0);
    place_harmed(&fs, &image, lsn);
    expect_damage(&fs, Strict, 0, lsn, "damage, mode Strict");
}

#[test]
fn point_in_time_ends_the_log_at_the_damage() {
    let image = synced_log();
    let all = records_of(&image);
    let end = all.last().map_or(0, end_of);
    for harmed in 0..all.len() - 2 {
        let (fs, lsn) = (disk(harmed as u64), all[harmed].0);
        place_harmed(&fs, &image, lsn);
        let (report, _) = try_recover(&fs, 0, PointInTime).expect("what can be saved is saved");
        let records = harmed as u64;
        let want = Recovered { end: lsn, records, torn_bytes: 0, lost_bytes: end - lsn };
        assert_eq!(report, want, "record {harmed} of 12 is damaged: report, left; want, right");
        expect_recovered(&fs, PointInTime, &all[..harmed], 0, "after the damage was cut off");
        assert!(segments(&fs).iter().all(|(base, _)| *base <= lsn), "later segments are to go");
    }
}

#[test]
fn point_in_time_can_be_cut_short_anywhere() {
    let image = synced_log();
    let all = records_of(&image);
    for harmed in [1, 4] {
        let lsn = all[harmed].0;
        let give_up = |fs: &SimFs, offset: &mut u64| {
            *offset = place_harmed(fs, &image, lsn);
            try_recover(fs, 0, PointInTime).map(drop)
        };
        let given_up =
            |fs: &SimFs, offset: &mut u64| expect_given_up(fs, lsn, &all[..harmed], *offset);
        crash_at_every_operation(give_up, given_up);
        kill_at_every_operation(give_up, given_up);
    }
}

// Rule 4: what recovery keeps is on disk.

#[test]
fn what_was_recovered_survives_the_next_power_cut() {
    for_each_seed(20, |fs| {
        make_dir(fs).expect("the power is on");
        let wal = new_log(fs);
        for number in 0..5 {
            wal.commit(&payload(number), Flushed).expect("the disk works");
        }
        fs.kill();
        let (report, _) = recovered(fs);
        assert_eq!(report.records, 5, "flushed records survive the end of a process");
        fs.power_cycle();
        let survived = recovered(fs).0.records;
        assert_eq!(survived, 5, "recovery showed 5 records; now they must be on disk: rule 4");
    });
}

#[test]
fn what_a_failed_sync_dropped_is_written_again() {
    for_each_seed(20, |fs| {
        make_dir(fs).expect("the power is on");
        let wal = Wal::open(shared(fs), dir(), 0, segments_of(250_000)).expect("a new log opens");
        wal.commit(&vec![7; 200_000], Synced).expect("the disk works");
        wal.commit(&vec![8; 200_000], Flushed).expect("it begins the second segment");
        fs.fail(Operation::Sync, 1, Fault::Io);
        wal.commit(&payload(2), Synced).expect_err("the sync fails");
        drop(wal);
        fs.kill();
        let (report, shown) = recovered(fs);
        assert_eq!(report.records, 3, "all three can be read: they are in the system's memory");
        expect_goes_on(fs, report.end, &shown, "a sync failed in the process before");
    });
}

#[test]
fn what_a_record_vouches_for_is_not_written_again() {
    let image = synced_log();
    let last = records_of(&image).pop().expect("there are twelve");
    let fs = placed(&image);
    let before = fs.counts().bytes_written;
    recovered(&fs);
    let written = fs.counts().bytes_written - before;
    assert_eq!(
        written,
        end_of(&last) - last.0,
        "bytes written by recovery: the last record says that all before it is on disk: rule 4"
    );
}

#[test]
fn a_name_that_a_failed_sync_dropped_is_made_again() {
    for_each_seed(20, |fs| {
        make_dir(fs).expect("the power is on");
        let wal = Wal::open(shared(fs), dir(), 0, segments_of(100)).expect("a new log opens");
        wal.commit(&payload(0), Synced).expect("the disk works");
        fs.fail(Operation::SyncDir, 1, Fault::Io);
        wal.commit(&[7; 84], Synced).expect_err("the directory's sync fails");
        drop(wal);
        fs.kill();
        let (report, shown) = recovered(fs);
        expect_goes_on(fs, report.end, &shown, "the sync of a new segment's name failed before");
    });
}

#[test]
fn a_recovery_that_failed_is_made_good_by_the_next() {
    use Operation::{Create, Remove, Rename, SetLen, Sync, SyncDir, Write};
    for operation in [Create, Remove, Rename, SetLen, Sync, SyncDir, Write] {
        for first_is_lost in [true, false] {
            // What is appended in the end is as long, and stops where an old record begins.
            let mut bytes = Vec::new();
            (0..4).for_each(|_| append(&mut bytes, 0, 0, b"record"));
            let all = records_of(&vec![(0, bytes.clone())]);
            let kept = usize::from(!first_is_lost);
            bytes[all[kept].0 as usize..all[kept + 1].0 as usize].fill(0);
            let fs = placed_one(&bytes);
            fs.fail(operation, 1, Fault::Io);
            let failed = try_recover(&fs, 0, TolerateTail).is_err();
            fs.clear_faults();
            fs.kill();
            let why = format!("{operation:?} failed, in a first recovery ({failed})");
            let (report, shown) = recovered(&fs);
            assert!(shown == all[..kept], "{why}: {} records were shown: rule 5", shown.len());
            expect_goes_on(&fs, report.end, &shown, &why);
        }
    }
}

// Rule 5: recovery may be interrupted and repeated.

#[test]
fn an_empty_segment_has_its_name_at_every_instant() {
    crash_at_every_operation(
        |fs, _: &mut ()| {
            fs.overwrite(path(100), b"");
            try_recover(fs, 100, TolerateTail).map(drop)
        },
        |fs, _| {
            let end = try_recover(fs, 100, TolerateTail).map(|(report, _)| report.end).ok();
            assert_eq!(end, Some(100), "the empty segment at 100, after a power cut: rule 5");
        },
    );
}

#[test]
fn power_cuts_leave_a_torn_tail_and_never_damage() {
    crash_at_every_operation(three_lives, |fs, acknowledged| {
        make_dir(fs).expect("the power is on");
        let recovered = cut_again_and_again(fs);
        let (report, shown) = recovered.expect("a power cut is not damage: rule 2 of day 4");
        let want: Vec<_> = (0..shown.len().max(*acknowledged)).map(payload).collect();
        assert!(
            shown.iter().map(|(_, payload)| payload).eq(&want),
            "{acknowledged} records were acknowledged, {} came back: rule 1 of day 4",
            shown.len()
        );
        expect_goes_on(fs, report.end, &shown, "after a power cut");
    });
}

// Whoever is in the way.

#[test]
fn an_error_of_the_visitor_is_passed_on_and_changes_nothing() {
    for mode in [Strict, TolerateTail, PointInTime] {
        let mut bytes = one_segment(&[(0, 0), (1, 0), (2, 0)]);
        bytes.extend_from_slice(b"torn");
        let fs = placed_one(&bytes);
        let (before, changes) = (segments(&fs), fs.counts().operations);
        let mut seen = 0;
        let stopped = recover(&shared(&fs), dir(), 0, mode, &mut |record| {
            seen += 1;
            if seen < 2 { Ok(()) } else { Err(Error::corruption(dir(), record.lsn, "no batch")) }
        });
        let passed_on =
            stopped.as_ref().is_err_and(|error| error.to_string().ends_with("no batch"));
        assert!(passed_on, "mode {mode:?}: want the visitor's own error, got {stopped:?}");
        assert_eq!(seen, 2, "mode {mode:?}: records shown, of which the second was refused");
        assert!(segments(&fs) == before, "mode {mode:?}: the log must stay as it is: rule 3");
        assert_eq!(fs.counts().operations, changes, "mode {mode:?}: changes of the disk: rule 3");
    }
}

#[test]
fn a_disk_that_cannot_be_read_is_not_the_end_of_the_log() {
    for operation in [Operation::Read, Operation::List, Operation::Open, Operation::Len] {
        for nth in 1..100 {
            let fs = placed(&synced_log());
            let before = segments(&fs);
            fs.fail(operation, nth, Fault::Io);
            match try_recover(&fs, 0, PointInTime) {
                Ok((report, _)) => {
                    assert_eq!(report.records, 12, "{operation:?} number {nth} fails: records");
                    break;
                }
                Err(Error::Io { .. }) => {
                    assert!(segments(&fs) == before, "{operation:?} failed, the log was changed");
                }
                Err(other) => panic!("{operation:?} failed: want Error::Io, got {other}"),
            }
        }
    }
}

#[test]
fn memory_is_for_the_largest_record_and_not_for_the_log() {
    let mut bytes = Vec::new();
    while bytes.len() < 32 << 20 {
        let synced = bytes.len() as u64;
        append(&mut bytes, 0, synced, &[5; 60_000]);
    }
    let fs = placed_one(&bytes);
    drop(bytes);
    let peak = peak_of(|visit| {
        recover(&shared(&fs), dir(), 0, TolerateTail, visit).expect("a whole log");
    });
    assert!(
        peak < 4 << 20,
        "recovering 32 MiB of records of 60 kB took {peak} bytes of memory: look at one record at \
         a time, the log can be larger than the machine"
    );
}
