//! Logs to recover, as bytes, and what is expected of them.

use std::path::PathBuf;

use wal::Durability::{Buffered, Flushed, Synced};
use wal::fs::SimFs;
use wal::{
    Error, LogOptions, Lsn, Record, Recovered, RecoveryMode, Result, Wal, encode, recover, segment,
};

use crate::log::{Found, dir, disk, end_of, make_dir, payload, segments, segments_of, shared};

/// The files of a log: where each begins, and its bytes.
pub(super) type Image = Vec<(Lsn, Vec<u8>)>;

/// A log of twelve records, each synced before the next is written, in segments of 120 bytes.
pub(super) fn synced_log() -> Image {
    let fs = disk(0);
    let wal = Wal::open(shared(&fs), dir(), 0, segments_of(120)).expect("a new log opens");
    for number in 0..12 {
        wal.commit(&payload(number), Synced).expect("the disk works");
    }
    segments(&fs)
}

/// One file from LSN 0 on: the payloads of these numbers, each with what was known to be on disk.
pub(super) fn one_segment(records: &[(usize, Lsn)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &(number, synced) in records {
        append(&mut bytes, 0, synced, &payload(number));
    }
    bytes
}

/// Six records in one file; the first three were known to be on disk when the fourth was written,
/// and after that nothing was synced.
pub(super) fn half_synced() -> (Vec<u8>, Vec<Found>) {
    let all = records_of(&vec![(0, one_segment(&[(0, 0), (1, 0), (2, 0), (3, 0)]))]);
    let (synced, mut bytes) = (all[3].0, one_segment(&[(0, 0), (1, 0), (2, 0)]));
    (3..6).for_each(|number| append(&mut bytes, 0, synced, &payload(number)));
    let all = records_of(&vec![(0, bytes.clone())]);
    (bytes, all)
}

/// The field that a bit lies in, of the record that begins at `lsn`.
pub(super) fn field(bit: u64, lsn: Lsn) -> &'static str {
    match bit / 8 - lsn {
        0..4 => "the checksum",
        4..8 => "the length",
        8..16 => "the field `synced`",
        _ => "the payload",
    }
}

/// Appends a record to the bytes of a file that begins at `base`.
pub(super) fn append(bytes: &mut Vec<u8>, base: Lsn, synced: Lsn, payload: &[u8]) {
    let record = Record { lsn: base + bytes.len() as u64, synced, payload };
    encode(&record, bytes).expect("a small record");
}

/// The records in an image, cut nowhere.
pub(super) fn records_of(image: &Image) -> Vec<Found> {
    let fs = placed(image);
    crate::log::records(&fs)
}

/// A disk with these files, all of them there for good.
pub(super) fn placed(image: &Image) -> SimFs {
    let fs = disk(image.iter().map(|(_, bytes)| bytes.len() as u64).sum());
    for (base, bytes) in image {
        fs.overwrite(path(*base), bytes);
    }
    fs
}

/// Puts these files on a disk, harms the record at `lsn`, and returns its offset in its file.
pub(super) fn place_harmed(fs: &SimFs, image: &Image, lsn: Lsn) -> u64 {
    image.iter().for_each(|(base, bytes)| fs.overwrite(path(*base), bytes));
    let (base, _) = image.iter().rfind(|(base, _)| *base <= lsn).expect("it is in one of them");
    fs.flip_bit(path(*base), lsn - base, 0);
    lsn - base
}

/// A disk with one file, from LSN 0 on.
pub(super) fn placed_one(bytes: &[u8]) -> SimFs {
    placed(&vec![(0, bytes.to_vec())])
}

pub(super) fn path(base: Lsn) -> PathBuf {
    segment::path(dir(), base)
}

/// Recovers from `from` on: the report, and the records that were shown.
pub(super) fn try_recover(
    fs: &SimFs,
    from: Lsn,
    mode: RecoveryMode,
) -> Result<(Recovered, Vec<Found>)> {
    let mut shown = Vec::new();
    let report = recover(&shared(fs), dir(), from, mode, &mut |record| {
        shown.push((record.lsn, record.payload.to_vec()));
        Ok(())
    })?;
    Ok((report, shown))
}

/// Recovers as a store does after a crash, which must work.
#[track_caller]
pub(super) fn recovered(fs: &SimFs) -> (Recovered, Vec<Found>) {
    let recovered = try_recover(fs, 0, RecoveryMode::TolerateTail);
    recovered.unwrap_or_else(|error| {
        panic!(
            "no synced byte was harmed, so recovery must work, and fails: {error}: rules 2 and 4"
        )
    })
}

/// Recovers, and expects exactly `want`, the log cut behind it, and `torn` bytes reported. Then
/// expects a second recovery to find the same, and the log to go on from there.
#[track_caller]
pub(super) fn expect_recovered(
    fs: &SimFs,
    mode: RecoveryMode,
    want: &[Found],
    torn: u64,
    why: &str,
) {
    let (report, shown) = match try_recover(fs, 0, mode) {
        Ok(recovered) => recovered,
        Err(error) => panic!("{why}: want {} records, got the error: {error}", want.len()),
    };
    assert!(
        shown == want,
        "{why}: recovery showed {} records, want {}, the longest run of whole ones: rule 1 of day 4",
        shown.len(),
        want.len(),
    );
    let end = want.last().map_or(0, end_of);
    let right = Recovered { end, records: want.len() as u64, torn_bytes: torn, lost_bytes: 0 };
    assert_eq!(report, right, "{why}: left is the report of your recovery, right what is true");
    expect_same_again(fs, mode, &report, want, why);
    expect_goes_on(fs, report.end, want, why);
}

/// A second recovery has nothing to do.
#[track_caller]
fn expect_same_again(fs: &SimFs, mode: RecoveryMode, first: &Recovered, want: &[Found], why: &str) {
    let files = segments(fs);
    let (again, shown) = match try_recover(fs, 0, mode) {
        Ok(recovered) => recovered,
        Err(error) => panic!("{why}: the second recovery fails: {error}: rule 5 of day 4"),
    };
    let settled = Recovered { torn_bytes: 0, lost_bytes: 0, ..*first };
    assert_eq!(again, settled, "{why}: what the second recovery reports: rule 5 of day 4");
    assert!(shown == want, "{why}: the second recovery shows other records: rule 5 of day 4");
    assert!(segments(fs) == files, "{why}: the second recovery changed the log: rule 5 of day 4");
}

/// A record appended where the log ends is the next one.
#[track_caller]
pub(super) fn expect_goes_on(fs: &SimFs, end: Lsn, before: &[Found], why: &str) {
    let wal = Wal::open(shared(fs), dir(), end, LogOptions::default());
    let wal = wal.unwrap_or_else(|error| panic!("{why}: the log must open, and fails: {error}"));
    let lsn = wal.commit(b"and on", Synced);
    let lsn = lsn.unwrap_or_else(|error| panic!("{why}: a commit must work, and fails: {error}"));
    drop(wal);
    fs.power_cycle();
    let (_, shown) = recovered(fs);
    let want: Vec<_> = before.iter().cloned().chain([(lsn, b"and on".to_vec())]).collect();
    assert!(
        shown == want,
        "{why}: after that a record was appended, synced, and the power cut; now there are {} \
         records, want {}\nwhat recovery cuts must be gone, what it keeps must be on disk: rule 4",
        shown.len(),
        want.len(),
    );
}

/// What stands behind the damage at `harmed_offset` of its file, LSN `end`, is being given up, and
/// somebody cut that short: either the damage still shows, or it is gone for good.
#[track_caller]
pub(super) fn expect_given_up(fs: &SimFs, end: Lsn, before: &[Found], harmed_offset: u64) {
    let why = "point in time, cut short by a power cut or killed: rule 5 of day 4";
    match try_recover(fs, 0, RecoveryMode::TolerateTail) {
        Ok((_, shown)) => assert!(shown == before, "{why}: {shown:?}"),
        Err(Error::Corruption { offset, .. }) => assert_eq!(offset, harmed_offset, "{why}"),
        Err(other) => panic!("{why}: a disk that works says {other}"),
    }
    let recovered = try_recover(fs, 0, RecoveryMode::PointInTime);
    assert_eq!(recovered.map(|(report, _)| report.end).ok(), Some(end), "{why}");
    expect_goes_on(fs, end, before, why);
}

/// Recovers, with the power cut at the first operation, then at the second, and so on until it
/// gets through.
pub(super) fn cut_again_and_again(fs: &SimFs) -> Result<(Recovered, Vec<Found>)> {
    let recovered = (1..).find_map(|cut_at| {
        fs.crash_at(cut_at);
        let recovered = try_recover(fs, 0, RecoveryMode::TolerateTail);
        let went_dark = !fs.is_powered();
        fs.power_cycle();
        (!went_dark).then_some(recovered)
    });
    recovered.expect("in the end recovery gets through")
}

/// Expects damage at this offset of the file that begins at `base`, and a disk left as it was.
#[track_caller]
pub(super) fn expect_damage(fs: &SimFs, mode: RecoveryMode, base: Lsn, offset: u64, why: &str) {
    expect_damage_from(fs, 0, mode, base, offset, why);
}

#[track_caller]
pub(super) fn expect_damage_from(
    fs: &SimFs,
    from: Lsn,
    mode: RecoveryMode,
    base: Lsn,
    offset: u64,
    why: &str,
) {
    let (files, changes) = (segments(fs), fs.counts().operations);
    match try_recover(fs, from, mode) {
        Err(Error::Corruption { file, offset: came, .. }) => assert!(
            file == path(base) && came == offset,
            "{why}: damage is at byte {offset} of {}, and the error says byte {came} of {}\n\
             an error names the file and the first bad byte: rule 3 of day 4",
            path(base).display(),
            file.display(),
        ),
        other => panic!("{why}: want Error::Corruption, got {other:?}\nrule 3 of day 4"),
    }
    assert!(segments(fs) == files, "{why}: the error must leave the files alone: rule 3 of day 4");
    assert_eq!(fs.counts().operations, changes, "{why}: changes of the disk: rule 3 of day 4");
}

/// Writes six records, is killed and recovers, three times over; notes how many were acknowledged.
pub(super) fn three_lives(fs: &SimFs, acknowledged: &mut usize) -> Result<()> {
    make_dir(fs)?;
    let mut end = 0;
    for life in 0..3 {
        let wal = Wal::open(shared(fs), dir(), end, segments_of(150))?;
        for number in life * 6..life * 6 + 6 {
            let durability = [Buffered, Flushed, Synced][number % 3];
            wal.commit(&payload(number), durability)?;
            if durability == Synced {
                *acknowledged = number + 1;
            }
        }
        fs.kill();
        end = try_recover(fs, 0, RecoveryMode::TolerateTail)?.0.end;
    }
    Ok(())
}
