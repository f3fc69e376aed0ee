//! Day 2: a log is files that only grow, named by where they begin.

use std::path::Path;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use wal::fs::{Fault, Fs, Operation, SimFs};
use wal::{
    Decoded, Error, HEADER_SIZE, LogOptions, LogReader, Lsn, PAYLOAD_SIZE_MAX, RecordReader,
    decode, segment,
};

use crate::allocated_by;
use crate::watched::Watched;
use crate::written::{Log, ROOMY, assert_damage, assert_entries, dir, path, rest, until_damage};

/// What a reader gets from a file at once, in bytes.
const CHUNK_SIZE: usize = 256 << 10;

#[test]
fn only_the_names_that_path_makes_are_segments() {
    for base in [0, 7, 4_096, u64::MAX] {
        let name = segment::path(Path::new(""), base).display().to_string();
        let parsed = segment::parse_file_name(&name);
        assert_eq!(parsed, Some(base), "{name} is the segment at {base}: rule 2 of day 2");
    }
    let strangers = "|.wal|7.wal|0000000000000000007.wal|000000000000000000007.wal\
        |+0000000000000000007.wal|-0000000000000000007.wal| 0000000000000000007.wal\
        |0000000000000000000a.wal|00000000000000000007|00000000000000000007.WAL\
        |00000000000000000007xwal|00000000000000000007.wal.tmp|00000000000000000007.wal.wal\
        |x00000000000000000007.wal|٠٠٠٠٠٠٠٠٠٠.wal|99999999999999999999.wal\
        |18446744073709551616.wal";
    for name in strangers.split('|') {
        let parsed = segment::parse_file_name(name);
        assert_eq!(parsed, None, "{name:?} is not a segment's name: rule 2 of day 2");
    }
}

#[test]
fn segments_are_listed_oldest_first_and_strangers_left_out() {
    let fs = SimFs::new(1);
    let names = "LOCK|00000000000000000900.wal|7.wal|00000000000000000000.wal|checkpoint\
        |00000000000000010000.wal";
    for name in names.split('|') {
        fs.overwrite(dir().join(name), b"");
    }
    let found = segment::list(&fs, dir()).expect("the directory can be listed");
    let bases: Vec<Lsn> = found.iter().map(|segment| segment.base).collect();
    assert_eq!(bases, [0, 900, 10_000], "oldest first, and segments only: rule 2 of day 2");
    assert!(found.iter().all(|segment| segment.path == segment::path(dir(), segment.base)));
}

#[test]
fn an_empty_log_is_one_empty_segment() {
    let log = Log::new(ROOMY, 0);
    assert_eq!(log.segments(), [0], "a new log begins with the segment at 0");
    assert_eq!((log.writer.end(), log.writer.flushed(), log.writer.synced()), (0, 0, 0));
    let mut reader = log.reader(0);
    for _ in 0..2 {
        let more = reader.advance().expect("an empty log is no error: rule 5 of day 2");
        assert!(!more, "there is no record in an empty log");
    }
}

#[test]
fn a_record_begins_where_the_one_before_it_ends() {
    let mut log = Log::new(ROOMY, 1_000);
    let mut end = 0;
    for size in [0, 1, 100, 3_000, 0, 17] {
        let lsn = log.append(size);
        assert_eq!(lsn, end, "the LSN is the position, in bytes: rule 1 of day 2");
        end += (HEADER_SIZE + size) as Lsn;
        assert_eq!(log.writer.end(), end, "after {size} bytes of payload and a header");
    }
}

#[test]
fn every_record_is_in_the_file_and_at_the_place_that_its_lsn_says() {
    let log = Log::with_random_sizes(3, 1_000, 300);
    for (lsn, payload) in &log.appended {
        let base = *log.segments().iter().rfind(|base| *base <= lsn).expect("0 is below all");
        let bytes = log.bytes(base);
        let decoded = bytes.get((lsn - base) as usize..).map(|bytes| decode(bytes, *lsn));
        assert!(
            matches!(decoded, Some(Decoded::Record(record)) if record.payload == payload),
            "byte {} of the segment at {base} should begin the record at {lsn}: rule 1 of day 2",
            lsn - base,
        );
    }
}

#[test]
fn a_segment_is_filled_to_its_last_byte_and_not_beyond() {
    let three = 3 * (HEADER_SIZE as u64 + 10);
    for (segment_size, in_first) in [(three - 1, 2), (three, 3), (three + 1, 3)] {
        let mut log = Log::new(segment_size, 64 << 10);
        let lsns: Vec<Lsn> = (0..4).map(|_| log.append(10)).collect();
        log.flush();
        assert_eq!(
            log.segments(),
            [0, lsns[in_first]],
            "records of 26 bytes, segments of {segment_size}: {in_first} fit the first, and the \
             second is named by where it begins: rule 3 of day 2"
        );
        assert_eq!(log.bytes(0).len() as u64, lsns[in_first], "all of it is in the first file");
    }
}

#[test]
fn the_next_segment_begins_where_the_one_before_it_ends() {
    for seed in 0..20 {
        let log = Log::with_random_sizes(seed, 500, 100);
        let segments = log.segments();
        assert!(segments.len() > 3, "seed {seed}: only the segments {segments:?}: rule 3 of day 2");
        for pair in segments.windows(2) {
            let len = log.bytes(pair[0]).len() as u64;
            assert!(len <= 500, "seed {seed}: {len} bytes in a segment of 500: rule 3 of day 2");
            assert_eq!(pair[0] + len, pair[1], "seed {seed}: a gap or overlap: rule 2 of day 2");
        }
    }
}

#[test]
fn a_record_that_fits_no_segment_is_refused_and_the_log_goes_on() {
    let mut log = Log::new(100, 0);
    let before = log.append(50);
    let (end, limit) = (log.writer.end(), 100 - HEADER_SIZE);
    match log.writer.append(&[0; 85]) {
        Err(Error::RecordTooLarge { size: 85, limit: said }) => assert_eq!(said, limit),
        other => panic!("85 bytes where {limit} fit: want RecordTooLarge, got {other:?}"),
    }
    assert_eq!(log.segments(), [before], "refuse first, then rotate: rule 3 of day 2");
    assert_eq!(log.writer.end(), end, "a refused record leaves the log as it was");
    assert_eq!(log.append(limit), end, "the next record has the place that the refused one asked");
    assert_eq!(log.segments(), [0, end], "a record that fills a segment to the last byte fits");
    log.assert_reads_back();
}

#[test]
fn the_largest_record_needs_a_segment_that_large() {
    let mut log = Log::new(u64::MAX, 64 << 10);
    let refused = log.writer.append(&vec![0; PAYLOAD_SIZE_MAX + 1]);
    assert!(
        matches!(refused, Err(Error::RecordTooLarge { limit: PAYLOAD_SIZE_MAX, .. })),
        "in a segment without end a record's own limit holds"
    );
    let default = LogOptions::default();
    assert_eq!((default.segment_size, default.buffer_size), (64 << 20, 64 << 10));
    assert_eq!(default.payload_size_max(), (64 << 20) - HEADER_SIZE, "room for the header");
}

#[test]
fn an_empty_segment_is_never_left() {
    let log = Log::new(100, 0);
    for size in [0, 84, 85, 10_000] {
        assert!(
            !log.writer.must_rotate(size),
            "must_rotate({size}) in an empty segment of 100 bytes is true, want false\n\
             the next segment would begin where this one does, under the same name: rule 3 of day 2"
        );
    }
}

#[test]
fn an_old_segment_is_whole_before_the_next_one_has_a_name() {
    let log = Log::with_random_sizes(7, 500, 100);
    let (mut base, mut written) = (0, 0);
    for line in log.fs.trace() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["create", name] => {
                let next = segment::parse_file_name(name).expect("a segment");
                assert_eq!(base + written, next, "{line}: bytes not yet written: rule 4 of day 2");
                (base, written) = (next, 0);
            }
            ["write", name, range] => {
                assert_eq!(segment::parse_file_name(name), Some(base), "only the newest grows");
                let (from, to) = range.split_once("..").expect("a range");
                assert_eq!(from, written.to_string(), "{line}: files only grow: rule 4 of day 2");
                written = to.parse().expect("a number");
            }
            _ => {}
        }
    }
}

#[test]
fn appends_reach_the_file_in_few_large_writes() {
    let buffer_size = 4_096;
    let mut log = Log::new(ROOMY, buffer_size);
    let before = log.fs.counts();
    for n in 0..5_000 {
        log.append(n % 100);
    }
    log.append(100_000);
    log.flush();
    let (after, end) = (log.fs.counts(), log.writer.end());
    let writes = after.writes - before.writes;
    assert!(
        writes <= end / buffer_size as u64 + 1,
        "{writes} writes for {end} bytes, with {buffer_size} to collect: rule 4 of day 2"
    );
    let bytes = after.bytes_written - before.bytes_written;
    assert_eq!(bytes, end, "each byte of the log is written once: rule 4 of day 2");
}

#[test]
fn a_full_buffer_is_flushed_unasked() {
    let mut log = Log::new(ROOMY, 4 * 26);
    for n in 1..=12 {
        log.append(10);
        let flushed = n / 4 * 4 * 26;
        assert_eq!(log.writer.flushed(), flushed, "after {n} records of 26 bytes: rule 4 of day 2");
        assert_eq!(log.bytes(0).len() as u64, flushed, "`flushed` is what the file has");
    }
}

#[test]
fn a_flush_of_nothing_is_no_write() {
    let mut log = Log::new(ROOMY, 1_000);
    log.flush();
    log.append(10);
    log.flush();
    let writes = log.fs.counts().writes;
    log.flush();
    assert_eq!((writes, log.fs.counts().writes), (1, 1), "a system call for nothing");
    assert_eq!(log.writer.flushed(), log.writer.end(), "nothing is left in the buffer");
}

#[test]
fn a_write_that_fails_is_told() {
    let mut log = Log::new(ROOMY, 1_000);
    log.append(10);
    log.fs.fail(Operation::Write, 1, Fault::NoSpace);
    let flushed = log.writer.flush();
    assert!(matches!(flushed, Err(Error::Io { .. })), "want the disk's error, got {flushed:?}");
    assert_eq!(log.writer.flushed(), 0, "what failed has not been flushed");
}

#[test]
fn a_record_says_how_much_was_synced_when_it_was_written() {
    let mut log = Log::new(200, 0);
    let mut marks = Vec::new();
    for n in 0..20 {
        if n == 10 {
            log.reopen();
        }
        let lsn = log.append(30);
        marks.push((lsn, log.writer.synced()));
    }
    assert!(marks[10..].iter().all(|mark| mark.1 >= marks[10].0), "opened with all on disk");
    let mut reader = log.reader(0);
    for (lsn, synced) in marks {
        assert!(reader.advance().expect("whole records"), "all 20 records are there");
        let record = reader.record();
        assert_eq!((record.lsn, record.synced), (lsn, synced), "the writer's `synced()` then");
    }
}

#[test]
fn a_writer_goes_on_in_the_newest_segment() {
    let mut log = Log::new(100, 0);
    for size in [50, 50, 10, 84, 0] {
        log.append(size);
        log.reopen();
    }
    assert_eq!(log.segments(), [0, 66, 158, 258], "records of 66, 66, 26, 100 and 16 bytes");
    log.assert_reads_back();
    let creates = log.fs.trace().iter().filter(|line| line.starts_with("create 0")).count();
    assert_eq!(creates, 4, "a segment that is there is opened, never made again: rule 4 of day 2");
}

#[test]
fn a_log_may_begin_anywhere() {
    let mut log = Log::at(5_000, 100, 0);
    assert_eq!(log.segments(), [5_000], "the first segment begins where the log does");
    assert_eq!(log.append(50), 5_000, "LSNs go on from there: rule 1 of day 2");
    log.append(50);
    assert_eq!(log.segments(), [5_000, 5_066]);
    log.assert_reads_back();
}

#[test]
fn records_come_back_in_order_from_every_position() {
    let log = Log::with_random_sizes(11, 1_000, 300);
    for (n, (lsn, _)) in log.appended.iter().enumerate() {
        assert_entries(&rest(&mut log.reader(*lsn)), &log.appended[n..]);
    }
}

#[test]
fn a_file_by_itself_is_read_to_its_last_byte() {
    for last in [0, 10, CHUNK_SIZE - HEADER_SIZE, CHUNK_SIZE, 2 * CHUNK_SIZE] {
        let mut log = Log::at(5_000, ROOMY, 0);
        log.append(30);
        log.append(last);
        let file = log.fs.open(&path(5_000)).expect("the writer made it");
        let mut reader = RecordReader::new(file, 5_000, 5_000);
        for (lsn, payload) in &log.appended {
            let more = reader.advance().expect("nothing is wrong with the file");
            assert!(more, "the record at {lsn}, {} bytes of payload, is there", payload.len());
            let same = (reader.record().lsn, reader.record().payload) == (*lsn, payload);
            assert!(same, "another record than the one appended at {lsn}: rule 1 of day 2");
        }
        assert!(!reader.advance().expect("the end is no error"), "no more: rule 5 of day 2");
        assert_eq!(reader.offset(), log.bytes(5_000).len() as u64, "it stands at the file's end");
    }
}

#[test]
fn a_reader_opens_no_segment_that_ends_before_it_begins() {
    let log = Log::with_random_sizes(5, 500, 100);
    let segments = log.segments();
    for (n, from) in segments.iter().enumerate() {
        let disk = Watched::new(log.disk());
        rest(&mut LogReader::open(disk.clone(), dir(), *from).expect("a record begins there"));
        let want: Vec<String> =
            segments[n..].iter().map(|base| format!("{base:020}.wal")).collect();
        assert_eq!(disk.opened(), want, "from {from} on: the names are the index: rule 2 of day 2");
    }
}

#[test]
fn before_the_log_begins_there_is_nothing_to_read() {
    let mut log = Log::at(5_000, 100, 0);
    log.append(50);
    for from in [0, 4_999] {
        let opened = LogReader::open(log.disk(), dir(), from);
        let error = opened.expect_err("no segment holds that position");
        assert!(error.is_not_found(), "want an error that is_not_found(), got {error}");
    }
}

#[test]
fn a_reader_sees_what_was_flushed_and_nothing_else() {
    let mut log = Log::new(300, 64 << 10);
    let mut reader = log.reader(0);
    let (mut seen, mut dice) = (0, SmallRng::seed_from_u64(1));
    for _ in 0..200 {
        log.append(dice.random_range(0..100));
        if dice.random_ratio(1, 3) {
            log.flush();
        }
        // A rotation flushes as well: what counts is the writer's own mark.
        let flushed = log.writer.flushed();
        let want = log.appended.iter().take_while(|(lsn, _)| *lsn < flushed).count();
        assert_entries(&rest(&mut reader), &log.appended[seen..want]);
        seen = want;
    }
}

#[test]
fn a_record_that_is_there_in_part_may_come_later() {
    let mut log = Log::new(ROOMY, 0);
    log.append(30);
    log.append(20);
    let whole = log.bytes(0);
    for cut in 0..whole.len() {
        log.fs.overwrite(path(0), &whole[..cut]);
        let mut reader = log.reader(0);
        let before = rest(&mut reader);
        assert_eq!(before.len(), usize::from(cut >= 46), "{cut} of 82 bytes: rule 5 of day 2");
        log.fs.overwrite(path(0), &whole);
        assert_entries(&[before, rest(&mut reader)].concat(), &log.appended);
    }
}

#[test]
fn a_writer_that_is_quicker_than_the_reader_looks_is_no_damage() {
    let mut log = Log::new(100, 64 << 10);
    log.append(30);
    log.flush();
    let disk = Watched::new(log.disk());
    let mut reader = LogReader::open(disk.clone(), dir(), 0).expect("the log is there");
    assert_eq!(rest(&mut reader).len(), 1);
    // Before the reader lists the directory, the writer fills the file and begins the next.
    disk.before_next_list(move || {
        log.append(30);
        log.append(30);
        log.flush();
    });
    let read: Vec<Lsn> = rest(&mut reader).iter().map(|(lsn, _)| *lsn).collect();
    assert_eq!(read, [46, 92], "both new records, in order: rule 5 of day 2");
}

#[test]
fn records_are_read_across_the_edges_of_chunks() {
    for behind in (0..=HEADER_SIZE + 2).chain([100]) {
        // The second record begins `behind` bytes before the end of the first chunk.
        let mut log = Log::new(ROOMY, 64 << 10);
        for size in [CHUNK_SIZE - HEADER_SIZE - behind, 40, 0, 7] {
            log.append(size);
        }
        log.flush();
        log.assert_reads_back();
    }
}

#[test]
fn a_record_may_be_larger_than_a_chunk() {
    let mut log = Log::new(ROOMY, 64 << 10);
    let edge = CHUNK_SIZE - HEADER_SIZE;
    for size in [10, edge - 1, edge, edge + 1, 3, CHUNK_SIZE, 3 * CHUNK_SIZE + 7, 0, 5, edge + 1] {
        log.append(size);
    }
    log.flush();
    log.assert_reads_back();
}

#[test]
fn a_file_is_read_in_large_pieces_and_not_as_a_whole() {
    let mut log = Log::new(ROOMY, 64 << 10);
    for _ in 0..20_000 {
        log.append(50);
    }
    log.flush();
    let before = log.fs.counts().reads;
    assert_eq!(rest(&mut log.reader(0)).len(), 20_000);
    let (reads, end) = (log.fs.counts().reads - before, log.writer.end());
    assert!(reads <= 10, "{reads} reads for {end} bytes, where {CHUNK_SIZE} come at once");
    assert!(reads >= end / CHUNK_SIZE as u64, "{reads} reads: a log is larger than your memory");
}

#[test]
fn a_missing_segment_is_damage() {
    let log = Log::with_random_sizes(9, 300, 100);
    let [_, before, missing, ..] = log.segments()[..] else { panic!("there are more segments") };
    log.fs.remove(&path(missing)).expect("it was there");
    let (entries, error) = until_damage(&mut log.reader(0));
    let whole = log.appended.iter().take_while(|(lsn, _)| *lsn < missing).count();
    assert_entries(&entries, &log.appended[..whole]);
    assert_damage(&error, before, missing - before);
}

#[test]
fn a_segment_that_ends_too_early_is_damage() {
    let log = Log::with_random_sizes(9, 300, 100);
    let [_, base, next, ..] = log.segments()[..] else { panic!("there are more segments") };
    let whole = log.bytes(base);
    for len in 0..whole.len() {
        log.fs.overwrite(path(base), &whole[..len]);
        let (entries, error) = until_damage(&mut log.reader(0));
        let ends = log.appended.iter().skip(1).map(|(lsn, _)| *lsn);
        let count = ends.take_while(|end| *end < next && *end <= base + len as Lsn).count();
        assert_entries(&entries, &log.appended[..count]);
        assert_damage(&error, base, log.appended[count].0 - base);
    }
}

#[test]
fn damaged_bytes_are_an_error_that_names_file_and_offset() {
    let log = Log::with_random_sizes(13, 300, 100);
    let base = log.segments()[2];
    let first = log.appended.iter().position(|(lsn, _)| *lsn == base).expect("a record begins it");
    for n in first..first + 3 {
        let offset = log.appended[n].0 - base;
        log.fs.flip_bit(path(base), offset + 9, 3);
        let mut reader = log.reader(0);
        let (entries, error) = until_damage(&mut reader);
        assert_entries(&entries, &log.appended[..n]);
        assert_damage(&error, base, offset);
        let again = reader.advance().expect_err("damage stays damage, however often you ask");
        assert_damage(&again, base, offset);
        log.fs.flip_bit(path(base), offset + 9, 3);
    }
}

#[test]
fn a_length_in_a_file_buys_no_memory() {
    for len in [40 << 20, PAYLOAD_SIZE_MAX as u32] {
        let log = Log::new(ROOMY, 0);
        let mut header = [1; HEADER_SIZE];
        header[4..8].copy_from_slice(&len.to_le_bytes());
        log.fs.overwrite(path(0), &header);
        let allocated = allocated_by(5, || {
            let more = log.reader(0).advance().expect("a length within the limit is no error yet");
            assert!(!more, "the payload is not there: rule 5 of day 2");
        });
        assert!(
            allocated < 16 << 20,
            "{allocated} bytes allocated for a length of {len} in a file of {HEADER_SIZE} bytes: \
             ask how long the file is before you believe it: rule 3 of day 1"
        );
    }
}

#[test]
fn a_read_that_fails_is_told() {
    let mut log = Log::new(ROOMY, 0);
    log.append(10);
    let mut reader = log.reader(0);
    log.fs.fail(Operation::Read, 1, Fault::Io);
    let failed = reader.advance();
    assert!(matches!(failed, Err(Error::Io { .. })), "want the disk's error, got {failed:?}");
    assert_entries(&rest(&mut reader), &log.appended);
}
