//! Day 5: what opening makes of the log that it finds, and who may open.

use super::*;

#[test]
fn opening_freezes_the_tables_that_writing_froze() {
    // Some ten entries fill a table: among these lengths, one ends with a table just full.
    for length in 60..80 {
        let (fs, store) = store_of(length);
        let frozen = |store: &MemStore| (store.stats().get("frozen_tables"), mark_of(store));
        let before = frozen(&store);
        store.close().expect("an open store closes");
        let store = store_on(&fs);
        expect_numbers(&store, length, "opened again");
        let why = "frozen tables and the newest one's mark, before and after reopening: rule 4";
        assert_eq!(frozen(&store), before, "after {length} puts: {why}");
    }
}

#[test]
fn opening_asks_the_log_as_strictly_as_it_was_told_to() {
    let (fs, store) = store_of(3);
    drop(store);
    let file = fs.open(&segment::path(dir(), 0)).expect("the log has a segment");
    let size = file.len().expect("a good disk knows");
    file.set_len(size - 1).expect("a good disk cuts");
    file.sync_data().expect("a good disk syncs");
    drop(file);
    let open = |recovery| {
        let options = MemOptions { recovery, ..MemOptions::default() };
        MemStore::open(Arc::new(fs.clone()), dir(), options)
    };
    let strict = open(RecoveryMode::Strict).map(drop);
    let refused = matches!(strict, Err(Error::Corruption { .. }));
    assert!(refused, "a torn tail is damage if one asks strictly, and opening says {strict:?}");
    let store = open(RecoveryMode::TolerateTail).expect("a torn tail is what a crash leaves");
    assert_eq!(count(&store), 2, "the third record was torn");
}

#[test]
fn a_log_whose_numbers_do_not_go_on_is_refused() {
    for wrong in [0, 1, 2, 4, 5, 1 << 40] {
        let (fs, log) = log_of(&[(1, 2)]);
        let at = log.end();
        log.commit(batch(&[put("a", "1")]).encode(wrong), Durability::Synced).expect("it works");
        expect_damage(&fs, at, &format!("operation {wrong} stands where 3 should: rule 4"));
    }
}

#[test]
fn a_record_that_is_no_batch_is_damage() {
    let (fs, log) = log_of(&[(1, 2)]);
    let at = log.commit(b"no batch at all", Durability::Synced).expect("it works");
    expect_damage(&fs, at, "a record that is no batch: rule 4");
}

#[test]
fn damage_is_named_by_its_segment_and_its_place_there() {
    let (fs, shared) = new_dir();
    let options = LogOptions { segment_size: 100, ..LogOptions::default() };
    let log = Wal::open(shared, dir(), 0, options).expect("a new log opens");
    for number in 1..=9 {
        let written = log.commit(batch(&[put("k", "v")]).encode(number), Durability::Synced);
        written.expect("a good disk takes a record");
    }
    let at = log.commit(b"no batch at all", Durability::Synced).expect("it works");
    let segment = segment::holding(&fs, dir(), at).expect("the log holds it");
    assert!(segment.base > 0, "nine records fill more than one segment of 100 bytes");
    match try_store(Arc::new(fs.clone()), LogMark::default()) {
        Err(Error::Corruption { file, offset, .. }) => assert_eq!(
            (file, offset),
            (segment.path, at - segment.base),
            "the segment that holds the record, and its offset from that file's begin: rule 4"
        ),
        other => panic!("a record that is no batch is damage, and not {:?}", other.err()),
    }
}

#[test]
fn a_number_of_more_than_56_bits_is_damage_and_no_panic() {
    let begin = LogMark { lsn: 0, seq: SEQ_MAX - 1 };
    let (fs, log) = log_of(&[(SEQ_MAX, 1)]);
    let at = log.end();
    let opened = try_store(Arc::new(fs.clone()), begin);
    drop(opened.expect("the largest number there is fits"));
    let (other, _) = log_of(&[(SEQ_MAX, 2)]);
    let opened = try_store(Arc::new(other), begin);
    let damaged = matches!(opened, Err(Error::Corruption { offset: 0, .. }));
    assert!(
        damaged,
        "the second operation of a batch has no number, and the batch is taken: rule 4"
    );
    log.commit(batch(&[delete("a")]).encode(SEQ_MAX + 1), Durability::Synced).expect("it works");
    match try_store(Arc::new(fs.clone()), begin) {
        Err(Error::Corruption { offset, .. }) => assert_eq!(offset, at, "where the record begins"),
        other => panic!("no internal key holds such a number, and opening says {:?}", other.err()),
    }
}

#[test]
fn opening_goes_on_from_the_mark_that_it_is_given() {
    let (fs, store) = store_of(10);
    let lsn = store.stats().get("log_end").expect("the store counts");
    (10..15).for_each(|number| put_number(&store, number));
    store.close().expect("an open store closes");
    let store = try_store(Arc::new(fs.clone()), LogMark { lsn, seq: 10 }).expect("it opens");
    assert_eq!(count(&store), 5, "what is before the mark is somewhere else: rule 4");
    let seq = store.put(b"key", b"value", Durability::Buffered).expect("a write works");
    assert_eq!(seq, 16, "the number after the last one in the log");
}

#[test]
fn a_second_opener_touches_nothing() {
    let (fs, store) = store_of(3);
    let before = fs.trace().len();
    match try_store(Arc::new(fs.clone()), LogMark::default()) {
        Err(Error::Locked { path }) => assert_eq!(path, dir().join("LOCK"), "the lock's file"),
        other => panic!("a store in use is Error::Locked, and not: {:?}", other.err()),
    }
    let touched = fs.trace().split_off(before);
    let allowed = |line: &String| line.starts_with("create directory") || line.starts_with("lock");
    assert!(
        touched.iter().all(allowed),
        "before the lock nothing is looked at (rule 5): {touched:?}"
    );
    expect_numbers(&store, 3, "while another tried to open it");
}
