//! Day 5: what a log no longer needs is removed.

use super::*;

#[test]
fn purge_keeps_every_record_at_or_above_the_number() {
    let mut seen = Vec::new();
    for below in 0..=log_on(&disk()).records[13] {
        let fs = disk();
        let records = log_on(&fs).records;
        segment::purge(&*fs, dir(), below).expect("purge works on a good disk");
        // Once for each set of files that is left, at the first number that leaves it.
        let left = bases(&segment::list(&*fs, dir()).unwrap());
        if !seen.contains(&left) {
            let needed = records.partition_point(|&lsn| lsn < below);
            expect_readable(&fs, below, &records[needed..]);
            seen.push(left);
        }
    }
}

#[test]
fn purge_removes_every_segment_that_ends_at_or_before_the_number() {
    let end = log_on(&disk()).end;
    for below in 0..=end + 1 {
        let fs = disk();
        let segments = log_on(&fs).segments;
        let last = segments.len() - 1;
        let stays = |at: usize| at == last || segments[at + 1].base > below;
        let purged = segment::purge(&*fs, dir(), below).expect("purge works on a good disk");
        let left = segment::list(&*fs, dir()).unwrap();
        let kept: Vec<_> = (0..=last).filter(|&at| stays(at)).collect();
        let expected: Vec<_> = kept.iter().map(|&at| segments[at].clone()).collect();
        assert_eq!(
            bases(&left),
            bases(&expected),
            "of the segments {:?} these must be left by purge below {below}: the one that it lies \
             in and those behind it (rule 4 of day 5)",
            bases(&segments)
        );
        let removed = &segments[..segments.len() - left.len()];
        assert_eq!(purged, removed, "purge returns what it removed, oldest first");
    }
}

#[test]
fn purge_never_removes_the_newest_segment() {
    let fs = disk();
    let newest = log_on(&fs).segments.pop().unwrap();
    for below in [newest.base, newest.base + 1, Lsn::MAX, Lsn::MAX] {
        segment::purge(&*fs, dir(), below).expect("purge works on a good disk");
        let left = segment::list(&*fs, dir()).unwrap();
        assert_eq!(
            bases(&left),
            [newest.base],
            "purge below {below}: the newest segment is being written, and must stay"
        );
    }
}

#[test]
fn purge_of_a_directory_without_segments_is_fine() {
    let fs = disk();
    for below in [0, 1, Lsn::MAX] {
        let purged = segment::purge(&*fs, dir(), below).expect("there is nothing to go wrong");
        assert_eq!(purged, [], "no segments, nothing removed");
    }
}

#[test]
fn purge_touches_nothing_but_segments() {
    let sim = sim_disk();
    let fs: Arc<dyn Fs> = Arc::new(sim.clone());
    log_on(&fs);
    let others = ["LOCK", "checkpoint", "7.wal", "00000000000000000000.wal.old"];
    others.iter().for_each(|name| sim.overwrite(dir().join(name), b"mine"));
    segment::purge(&*fs, dir(), Lsn::MAX).expect("purge works on a good disk");
    let left = fs.list(dir()).unwrap();
    for name in others {
        assert!(left.iter().any(|left| left == name), "{name} is no segment, and was removed");
    }
}

#[test]
fn what_purge_removed_does_not_come_back_after_a_power_cut() {
    for_each_seed(20, |sim| {
        let fs: Arc<dyn Fs> = Arc::new(sim.clone());
        make_dir(&*fs).unwrap();
        let segments = log_on(&fs).segments;
        segment::purge(&*fs, dir(), segments[3].base).expect("purge works on a good disk");
        sim.power_cycle();
        let left = segment::list(sim, dir()).unwrap();
        assert_eq!(
            bases(&left),
            bases(&segments[3..]),
            "purge returned, and after a power cut a file it removed is back: a removal lives in \
             the directory (rule 4 of day 5)"
        );
    });
}

#[test]
fn purge_that_was_interrupted_can_be_called_again() {
    let below = log_on(&disk()).segments[5].base;
    crash_at_every_operation(
        |sim, log: &mut Option<Log>| {
            let fs: Arc<dyn Fs> = Arc::new(sim.clone());
            make_dir(&*fs)?;
            *log = Some(try_log_on(&fs)?);
            segment::purge(&*fs, dir(), below).map(|_| ())
        },
        |sim, log| {
            let Some(log) = log else { return };
            let fs: Arc<dyn Fs> = Arc::new(sim.clone());
            let needed = log.records.iter().position(|&lsn| lsn >= below).unwrap();
            expect_readable(&fs, below, &log.records[needed..]);
            segment::purge(&*fs, dir(), below).expect("after a crash, purge goes on");
            assert_eq!(
                bases(&segment::list(&*fs, dir()).unwrap()),
                bases(&log.segments[5..]),
                "called again after a crash in the middle, purge finishes"
            );
        },
    );
}

/// A kill takes the process and leaves the machine: what was removed is out of sight, and on disk.
#[test]
fn purge_makes_durable_what_a_killed_one_removed() {
    let below = log_on(&disk()).segments[3].base;
    kill_at_every_operation(
        |sim, log: &mut Option<Log>| {
            let fs: Arc<dyn Fs> = Arc::new(sim.clone());
            make_dir(&*fs)?;
            *log = Some(try_log_on(&fs)?);
            segment::purge(&*fs, dir(), below).map(|_| ())
        },
        |sim, log| {
            let Some(log) = log else { return };
            segment::purge(sim, dir(), below).expect("after a kill, purge goes on");
            sim.power_cycle();
            assert_eq!(
                bases(&segment::list(sim, dir()).unwrap()),
                bases(&log.segments[3..]),
                "one purge was killed, the next returned, and after a power cut its names must be \
                 gone for good, also if it found nothing left to remove (rule 4 of day 5)"
            );
        },
    );
}

#[test]
fn purge_passes_on_what_the_disk_says() {
    for (call, nth) in [(Call::List, 1), (Call::Remove, 2), (Call::SyncDir, 1)] {
        let sim = sim_disk();
        let fs: Arc<dyn Fs> = Arc::new(sim.clone());
        let log = log_on(&fs);
        sim.fail(call, nth, Fault::Io);
        let failed = segment::purge(&*fs, dir(), log.segments[4].base);
        assert!(failed.is_err(), "the disk failed a {call:?}, and purge said that all is well");
        expect_readable(&fs, log.segments[4].base, log.from(4));
        segment::purge(&*fs, dir(), log.segments[4].base).expect("called again, purge goes on");
        expect_readable(&fs, log.segments[4].base, log.from(4));
        let left = segment::list(&*fs, dir()).unwrap();
        assert_eq!(bases(&left), bases(&log.segments[4..]), "called again, purge finishes");
    }
}
