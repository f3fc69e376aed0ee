//! Day 3: durable means that sync returned, and a failed sync poisons the log.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Barrier, Mutex};
use std::thread;

use wal::Durability::{Buffered, Flushed, Synced};
use wal::fs::{Fault, Operation};
use wal::testing::{crash_at_every_operation, for_each_seed};
use wal::{Error, LogOptions, LogWriter, Wal, WalStats};

use crate::log::{
    bases, dir, disk, end_of, make_dir, marks, new_log, payload, records, segments_of, shared,
};
use given::*;

mod given;
mod woken;

// Rule 1: acknowledged means on disk.

#[test]
fn a_synced_commit_survives_a_power_cut_at_every_operation() {
    crash_at_every_operation(
        |fs, acknowledged: &mut usize| {
            make_dir(fs)?;
            let wal = Wal::open(shared(fs), dir(), 0, segments_of(120))?;
            for number in 0..12 {
                let durability = [Buffered, Synced, Flushed, Synced][number % 4];
                wal.commit(&payload(number), durability)?;
                if durability == Synced {
                    *acknowledged = number + 1;
                }
            }
            Ok(())
        },
        |fs, acknowledged| expect_survivors(fs, *acknowledged),
    );
}

#[test]
fn sync_makes_everything_durable_that_was_appended() {
    for_each_seed(8, |fs| {
        make_dir(fs).expect("the power is on");
        let wal = new_log(fs);
        for number in 0..5 {
            wal.commit(&payload(number), Buffered).expect("a record of twenty bytes");
        }
        wal.sync().expect("the disk works");
        assert_eq!(wal.synced(), wal.end(), "after a sync all of the log is on disk: rule 1");
        fs.power_cycle();
        expect_survivors(fs, 5);
    });
}

#[test]
fn a_writer_syncs_what_is_still_in_its_buffer() {
    for_each_seed(8, |fs| {
        make_dir(fs).expect("the power is on");
        let mut writer = new_writer(fs, LogOptions::default());
        writer.append(&payload(0)).expect("a record of twenty bytes");
        writer.sync().expect("the disk works");
        assert_eq!(writer.synced(), writer.end(), "`synced` and the log's end, after a sync");
        fs.power_cycle();
        expect_survivors(fs, 1);
    });
}

#[test]
fn a_sync_that_fails_moves_no_mark() {
    let fs = disk(1);
    let mut writer = new_writer(&fs, LogOptions::default());
    writer.append(&payload(0)).expect("a record of twenty bytes");
    fs.fail(Operation::Sync, 1, Fault::Io);
    let failed = writer.sync();
    assert!(matches!(failed, Err(Error::Io { .. })), "the disk failed, sync says {failed:?}");
    assert_eq!(writer.synced(), 0, "`synced` moves when the disk is done, not before: rule 1");
}

#[test]
fn a_sync_covers_only_what_was_written_before_it_began() {
    let fs = disk(1);
    let wal = started(&fs);
    let mut late = 0;
    let led = during_a_sync(&fs, &wal, |_gate| {
        late = wal.append(&payload(2)).expect("appending goes on during a sync");
        wal.flush().expect("and so does flushing");
    });
    expect_acknowledged(led);
    let synced = wal.synced();
    assert!(
        synced <= late,
        "`synced` is {synced}; that sync never saw the record at {late}: rule 1"
    );
    let syncs = fs.counts().syncs;
    wal.sync_past(late).expect("the disk works");
    assert_eq!(fs.counts().syncs, syncs + 1, "so it needs a sync of its own: rule 1 of day 3");
}

#[test]
fn who_comes_during_a_sync_waits_for_the_next() {
    for_each_seed(20, |fs| {
        make_dir(fs).expect("the power is on");
        let wal = &started(fs);
        thread::scope(|scope| {
            let mut follower = None;
            let led = during_a_sync(fs, wal, |gate| {
                let late = wal.append(&payload(2)).expect("appending goes on during a sync");
                let commit = move || wal.sync_past(late).map(|()| wal.synced() > late);
                follower = Some(scope.spawn(commit));
                gate.pass(1);
            });
            expect_acknowledged(led);
            let on_disk = join(follower.expect("it was started")).expect("the disk works");
            assert!(on_disk, "acknowledged by a sync for which it came too late: rule 1 of day 3");
        });
        fs.power_cycle();
        expect_survivors(fs, 3);
    });
}

#[test]
fn every_record_says_what_was_on_disk_when_it_was_written() {
    let fs = disk(1);
    let wal = new_log(&fs);
    let mut want = Vec::new();
    for number in 0..9 {
        want.push(wal.synced());
        let durability = [Buffered, Synced, Flushed][number % 3];
        wal.commit(&payload(number), durability).expect("a record of twenty bytes");
    }
    wal.sync().expect("the disk works");
    assert_eq!(marks(&fs), want, "the field `synced` of the records, in order: rule 1 of day 3");
}

#[test]
fn a_record_written_during_a_sync_does_not_count_on_it() {
    let fs = disk(1);
    let wal = started(&fs);
    let before = wal.synced();
    let led = during_a_sync(&fs, &wal, |_gate| {
        wal.append(&payload(2)).expect("appending goes on during a sync");
    });
    expect_acknowledged(led);
    wal.sync().expect("the disk works");
    assert_eq!(
        marks(&fs)[2],
        before,
        "`synced` of a record that was written while a sync was under way: whether that sync \
         would succeed, nobody knew: rule 1 of day 3"
    );
}

#[test]
fn a_place_that_the_log_has_not_reached_is_refused_at_once() {
    let fs = disk(1);
    let wal = started(&fs);
    let (end, syncs) = (wal.end(), fs.counts().syncs);
    let asked = catch_unwind(AssertUnwindSafe(|| wal.sync_past(end)));
    assert!(
        asked.is_err(),
        "no record begins at {end}, the log's end: want a panic, got {asked:?}"
    );
    assert_eq!(fs.counts().syncs, syncs, "syncs for a record that is not there");
}

// Rule 2: names are synced too, and in order.

#[test]
fn a_rotation_moves_the_mark_to_the_new_segment() {
    let fs = disk(1);
    let mut writer = new_writer(&fs, segments_of(100));
    while bases(&fs).len() < 2 {
        writer.append(&payload(0)).expect("each fits a segment");
    }
    assert_eq!(
        writer.synced(),
        bases(&fs)[1],
        "`synced`, and where the new segment begins: all of the old one is on disk: rule 2 of day 3"
    );
}

#[test]
fn a_new_segment_has_a_name_only_when_the_old_one_is_on_disk() {
    let options = LogOptions { segment_size: 100, buffer_size: 16, ..LogOptions::default() };
    crash_at_every_operation(
        |fs, _: &mut ()| {
            make_dir(fs)?;
            let mut writer = LogWriter::open(shared(fs), dir(), 0, options.clone())?;
            (0..12).try_for_each(|number| writer.append(&payload(number)).map(drop))?;
            writer.sync()
        },
        |fs, _| {
            let newest = bases(fs).pop().unwrap_or(0);
            let end = records(fs).last().map_or(0, end_of);
            assert!(
                newest <= end,
                "after a power cut there is a segment that begins at {newest}, but the log before \
                 it ends at {end}\nfirst the old segment goes to disk, then the new one gets its \
                 name: rule 2 of day 3"
            );
        },
    );
}

#[test]
fn the_name_of_a_new_segment_survives_a_power_cut() {
    for_each_seed(20, |fs| {
        make_dir(fs).expect("the power is on");
        let mut writer = new_writer(fs, segments_of(100));
        for number in 0..9 {
            writer.append(&payload(number)).expect("each fits a segment");
        }
        let before = bases(fs);
        fs.power_cycle();
        assert_eq!(bases(fs), before, "names live in their directory: rule 2 of day 3");
    });
}

#[test]
fn a_rotation_waits_for_a_sync_under_way() {
    for round in 0..30 {
        let fs = disk(round);
        let wal = started_with(&fs, segments_of(100));
        fs.fail(Operation::Sync, 1, Fault::Io);
        let about_to = Barrier::new(2);
        let rotate = || {
            about_to.wait();
            wal.append(&[b'x'; 84])
        };
        thread::scope(|scope| {
            let mut other = None;
            let led = during_a_sync(&fs, &wal, |_gate| {
                other = Some(scope.spawn(rotate));
                about_to.wait();
                // Time enough to do the wrong thing; the right one is to wait.
                (0..100).for_each(|_| thread::yield_now());
            });
            expect_io(led, "the sync failed");
            let rotated = join(other.expect("it was started"));
            expect_poisoned(rotated, "a rotation that came during a sync which failed");
        });
        assert_eq!(bases(&fs).len(), 1, "no segment may follow one that is not on disk: rule 2");
    }
}

#[test]
fn a_rotation_goes_on_when_the_sync_is_over() {
    let fs = disk(1);
    let wal = started_with(&fs, segments_of(100));
    thread::scope(|scope| {
        let led = during_a_sync(&fs, &wal, |_gate| {
            for _ in 0..4 {
                scope.spawn(|| wal.commit(&[7; 84], Synced).expect("the disk works"));
            }
        });
        expect_acknowledged(led);
    });
    expect_count_after_power_cut(&fs, 6);
}

// Rule 3: one syncs for all who wait, and holds no lock meanwhile.

#[test]
fn appends_go_on_while_a_sync_is_under_way() {
    let fs = disk(1);
    let wal = started(&fs);
    let led = during_a_sync(&fs, &wal, |gate| {
        // With the lock held around `sync_data` the next line never returns.
        let lsn = wal.commit(&payload(2), Buffered).expect("appending goes on during a sync");
        assert!(wal.end() > lsn, "the record at {lsn} is in the log, which ends at {}", wal.end());
        wal.commit(&payload(3), Flushed).expect("flushing goes on during a sync");
        assert_eq!(gate.waiting(), 1, "syncs at the disk; the others did not ask for one");
    });
    expect_acknowledged(led);
}

#[test]
fn one_sync_carries_all_who_wait() {
    let fs = disk(1);
    let wal = started(&fs);
    for round in 1..=5 {
        let (syncs, all_appended) = (fs.counts().syncs, &Barrier::new(8));
        in_threads(8, |number| {
            let lsn = wal.append(&payload(number)).expect("the disk works");
            all_appended.wait();
            wal.sync_past(lsn).expect("the disk works");
        });
        assert_eq!(
            fs.counts().syncs - syncs,
            1,
            "syncs in round {round}, for 8 records that were all appended before anybody asked for \
             a sync: the leader syncs for everybody: rule 3 of day 3"
        );
    }
}

#[test]
fn thirty_two_threads_share_syncs() {
    let fs = disk(1);
    let wal = started(&fs);
    let syncs_before = fs.counts().syncs;
    on_a_slow_disk(&fs, &wal, 32, 8);
    let syncs = fs.counts().syncs - syncs_before;
    // Two a round would do: the leader's own, and one for those who appended meanwhile.
    assert!(
        syncs <= 32 * 8 / 4,
        "8 commits by each of 32 threads took {syncs} syncs, want at most a quarter of 256\n\
         who waits while a leader syncs is carried by the next sync: rule 3 of day 3"
    );
    expect_count_after_power_cut(&fs, 1 + 32 * 8);
}

#[test]
fn threads_keep_their_promises_when_the_power_is_cut() {
    for cut_at in 1..80 {
        let fs = disk(cut_at);
        let wal = started_with(&fs, segments_of(150));
        let acknowledged = Mutex::new(Vec::new());
        fs.crash_at(cut_at);
        in_threads(4, |thread| {
            for number in 0..6 {
                let payload = payload(thread * 6 + number);
                let Ok(lsn) = wal.commit(&payload, Synced) else { return };
                acknowledged.lock().expect("no test panics here").push((lsn, payload));
            }
        });
        fs.power_cycle();
        let survived = records(&fs);
        for record in acknowledged.into_inner().expect("no test panics here") {
            let there = survived.contains(&record);
            assert!(there, "cut at operation {cut_at}: acknowledged and gone: rule 1: {record:?}");
        }
    }
}

// Rule 4: after a failed write or sync, nothing is acknowledged ever again.

#[test]
fn after_a_failed_sync_nothing_is_acknowledged_ever_again() {
    let fs = disk(1);
    let wal = started(&fs);
    fs.fail(Operation::Sync, 1, Fault::Io);
    let before = wal.synced();
    expect_io(wal.commit(&payload(1), Synced), "a commit whose sync failed");
    assert_eq!(wal.synced(), before, "a sync that failed moves no mark: rule 1 of day 3");
    // From here on the disk says that all is well. It lies.
    expect_all_poisoned(&fs, &wal);
    fs.power_cycle();
    expect_survivors(&fs, 1);
}

#[test]
fn the_leader_hears_the_cause_and_everybody_else_that_there_was_one() {
    const OTHERS: usize = 6;
    let fs = disk(1);
    let wal = started(&fs);
    fs.fail(Operation::Sync, 1, Fault::Io);
    let syncs = fs.counts().syncs;
    thread::scope(|scope| {
        let mut others = Vec::new();
        let led = during_a_sync(&fs, &wal, |_gate| {
            let all_appended = wal.end() + OTHERS as u64 * (16 + 5);
            others.extend((0..OTHERS).map(|_| scope.spawn(|| wal.commit(b"after", Synced))));
            while wal.end() < all_appended {
                thread::yield_now();
            }
        });
        expect_io(led, "the leader's commit: the disk answered it, so it knows most");
        for failed in others.into_iter().map(join) {
            expect_poisoned(failed, "a commit that waited for a sync which failed");
        }
    });
    assert_eq!(fs.counts().syncs - syncs, 1, "syncs: nobody tries again: rule 4 of day 3");
}

#[test]
fn a_leader_whose_sync_succeeds_acknowledges_nothing_in_a_poisoned_log() {
    let fs = disk(1);
    let wal = started(&fs);
    let led = during_a_sync(&fs, &wal, |_gate| {
        fs.fail(Operation::Write, 1, Fault::NoSpace);
        expect_io(wal.commit(&payload(2), Flushed), "a write on a full disk");
    });
    expect_poisoned(led, "a commit whose sync went well, in a log that was poisoned meanwhile");
}

#[test]
fn a_failed_write_poisons_the_log() {
    let cases = [(Flushed, Fault::Io), (Synced, Fault::Io), (Synced, Fault::NoSpace)];
    for (durability, fault) in cases {
        let fs = disk(1);
        let wal = started(&fs);
        fs.fail(Operation::Write, 1, fault);
        expect_io(wal.commit(&payload(1), durability), "a commit whose write failed");
        expect_all_poisoned(&fs, &wal);
    }
}

#[test]
fn a_buffer_that_cannot_be_flushed_poisons_the_log() {
    let fs = disk(1);
    let wal = started_with(&fs, LogOptions { buffer_size: 64, ..LogOptions::default() });
    fs.fail(Operation::Write, 1, Fault::NoSpace);
    expect_io(wal.append(&[b'x'; 64]), "an append that fills the buffer, on a full disk");
    expect_all_poisoned(&fs, &wal);
}

#[test]
fn a_rotation_that_fails_poisons_the_log() {
    for operation in [Operation::Write, Operation::Sync, Operation::Create, Operation::SyncDir] {
        let fs = disk(1);
        let wal = started_with(&fs, segments_of(100));
        wal.append(&payload(1)).expect("fits the segment");
        fs.fail(operation, 1, Fault::Io);
        expect_io(wal.append(&[b'x'; 84]), &format!("a rotation whose {operation:?} failed"));
        expect_all_poisoned(&fs, &wal);
    }
}

#[test]
fn the_first_cause_is_the_one_to_tell() {
    let fs = disk(1);
    let (wal, mut first) = (started(&fs), String::new());
    fs.fail(Operation::Sync, 1, Fault::Io);
    let led = during_a_sync(&fs, &wal, |_gate| {
        fs.fail(Operation::Write, 1, Fault::NoSpace);
        first = expect_io(wal.commit(&payload(2), Flushed), "a write on a full disk");
    });
    expect_io(led, "the leader's failed sync");
    let cause = expect_poisoned(wal.sync(), "a sync after two failures");
    assert!(cause.contains(&first), "told {cause:?}, want what failed first, {first:?}: rule 4");
}

#[test]
fn a_record_that_is_too_large_is_no_failure_of_the_disk() {
    let fs = disk(1);
    let wal = started_with(&fs, segments_of(100));
    let (end, stats) = (wal.end(), wal.stats());
    let refused = wal.commit(&[0; 85], Synced);
    let said_so = matches!(refused, Err(Error::RecordTooLarge { size: 85, limit: 84 }));
    assert!(said_so, "85 bytes in segments of 100, each with a header of 16: {refused:?}");
    assert_eq!((wal.end(), wal.stats()), (end, stats), "a refused record changes nothing");
    wal.commit(&payload(1), Synced).expect("and the log goes on: rule 4 is about the disk");
}

// Rule 5: you pay for what you ask for.

#[test]
fn one_thread_pays_one_write_and_one_sync_for_each_commit() {
    let fs = disk(1);
    let wal = started(&fs);
    let (before, stats) = (fs.counts(), wal.stats());
    for number in 1..=10 {
        wal.commit(&payload(number), Synced).expect("the disk works");
    }
    let (after, end) = (fs.counts(), wal.end());
    assert_eq!(after.syncs - before.syncs, 10, "syncs of 10 commits: rule 5 of day 3");
    assert_eq!(after.writes - before.writes, 10, "writes of 10 commits: rule 5 of day 3");
    assert_eq!(after.dir_syncs, before.dir_syncs, "no name has changed: rule 5 of day 3");
    let counted = WalStats { records: 11, bytes: end, syncs: stats.syncs + 10 };
    assert_eq!(wal.stats(), counted, "`stats` of 11 records and {end} bytes, headers included");
}

#[test]
fn what_is_on_disk_already_costs_no_sync() {
    let fs = disk(1);
    let wal = started(&fs);
    let first = wal.commit(&payload(1), Buffered).expect("a record of twenty bytes");
    wal.commit(&payload(2), Synced).expect("the disk works");
    let before = fs.counts();
    wal.sync_past(first).expect("the later commit's sync has carried it");
    wal.sync().expect("there is nothing to do");
    assert_eq!(fs.counts(), before, "all of it was on disk already: rule 5 of day 3");
}

#[test]
fn a_flushed_commit_survives_the_end_of_the_process() {
    let fs = disk(1);
    let wal = started(&fs);
    let before = fs.counts();
    for number in 1..4 {
        wal.commit(&payload(number), Flushed).expect("the disk works");
    }
    assert_eq!(fs.counts().writes - before.writes, 3, "writes of 3 flushed commits: rule 5");
    assert_eq!(fs.counts().syncs, before.syncs, "a flush is no sync: rule 5 of day 3");
    fs.kill();
    expect_survivors(&fs, 4);
}

#[test]
fn a_buffered_commit_costs_no_system_call() {
    let fs = disk(1);
    let wal = started(&fs);
    let before = fs.counts();
    for number in 0..100 {
        wal.commit(&payload(number), Buffered).expect("a record of twenty bytes");
    }
    assert_eq!(fs.counts(), before, "100 small records stay in the buffer: rule 5 of day 3");
}
