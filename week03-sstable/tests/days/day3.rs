//! Day 3: one binary search for the block, one for the entry.

mod given;

use std::collections::BTreeSet;

use given::*;
use memtable::{InternalKey, Kind, Lookup, SEQ_MAX};
use sstable::block::Found;
use sstable::format::BLOCK_TRAILER_SIZE;
use sstable::{BadBlock, Block};
use wal::testing::{Workload, seeds, show};

use crate::allocated_by;

// Finding an entry in a block.

/// What `find` should say of a block of these.
fn found_in_list<'a>(entries: &'a [Entry], target: InternalKey<'_>) -> Option<&'a Entry> {
    let first = entries.iter().find(|entry| entry.key() >= target)?;
    (first.user_key == target.user_key).then_some(first)
}

#[track_caller]
fn expect_found(entries: &[Entry], interval: usize, target: &Entry) {
    let (block, bytes) = (block_of(entries, interval), block_bytes(entries, interval));
    let want = found_in_list(entries, target.key()).map(|entry| (entry.kind, &entry.value[..]));
    let came = block.find(target.key());
    let value = |found: Found| (found.kind, &bytes[found.value]);
    let is_right = came.clone().is_ok_and(|came| came.map(value) == want);
    let block: Vec<String> = entries.iter().map(Entry::to_string).collect();
    assert!(
        is_right,
        "{target} among {block:?}, a restart point every {interval}: want kind and value {want:?}, \
         got {came:?} {FINDS}"
    );
}

#[test]
fn find_gives_kind_and_place_of_the_first_entry_at_or_behind() {
    let stones = entries(STONES);
    let block = block_of(&stones[2..], 16);
    let find = |key, seq| block.find(InternalKey::lookup(key, seq));
    let put = |value| Ok(Some(Found { kind: Kind::Put, value }));
    let why = "the chapter's second block: stone@7 has its value at byte 16, stove@9 at 30";
    assert_eq!(find(b"stone", 7), put(16..17), "{why} {FINDS}");
    assert_eq!(find(b"stone", 99), put(16..17), "{why} {FINDS}");
    assert_eq!(find(b"stove", 9), put(30..31), "{why} {FINDS}");
    for (key, seq) in [(&b"stone"[..], 6), (b"stove", 8), (b"sto", 9), (b"stones", 9), (b"z", 9)] {
        assert_eq!(find(key, seq), Ok(None), "{} at {seq}, in {why} {FINDS}", show(key));
    }
}

#[test]
fn find_keeps_what_the_entry_before_has_in_common() {
    // Each shares more, fewer or as many bytes as the target has in common with the one before.
    let all = entries(
        "a@1=1 ab@2=2 abb@3=3 abba@9=4 abba@4- abbb@4=5 abc@5=6 abca@5=7 abcb@6=8 ac@7=9 acc@1=10 \
         accc@2=11 b@3=12 ba@9=13 ba@8=14 ba@2- bab@1=15 bb@1=16 @9=17 @4-",
    );
    for interval in 1..=all.len() {
        for target in targets(&all) {
            expect_found(&all, interval, &target);
        }
    }
}

#[test]
fn find_agrees_with_a_list_in_random_blocks() {
    for seed in seeds(150) {
        let mut dice = Workload::new(seed);
        let count = 1 + dice.below(30);
        let entries = random(&mut dice, count);
        let interval = 1 + dice.below(20);
        targets(&entries).iter().for_each(|target| expect_found(&entries, interval, target));
    }
}

#[test]
fn find_allocates_nothing() {
    let entries = numbered(200, 20);
    let block = block_of(&entries, 16);
    let find_all =
        || entries.iter().all(|entry| block.find(entry.key()).is_ok_and(|f| f.is_some()));
    let allocated = allocated_by(3000, || assert!(find_all(), "each is there {FINDS}"));
    assert_eq!(allocated, 0, "bytes allocated to find 200 entries of a block at hand {FINDS}");
}

#[test]
fn find_refuses_an_entry_that_reaches_across_a_restart_point() {
    // a and b; b's value has 14 bytes by its length, and ends where c's does.
    let [a, b, c] = [raw(0, "a", 1), raw(0, "b", 1 + 13), raw(0, "c", 1)];
    let block = block_of_raw(&[&a, &b, &c], &[0, (a.len() + b.len()) as u32]);
    // What is found before b is met, or from the restart point on, is a good answer.
    let cases =
        [("a", Ok(true)), ("b", Err(13)), ("bb", Err(13)), ("c", Err(13)), ("d", Ok(false))];
    for (target, want) in cases {
        let came = block.find(InternalKey::lookup(target.as_bytes(), 7));
        let came = came.map(|found| found.is_some()).map_err(|bad: BadBlock| bad.at);
        let why = "entry b at byte 13 goes on to the end, across the restart point of c";
        assert_eq!(
            came, want,
            "find {target}, where {why} (an error is given by its byte) {FINDS}"
        );
    }
}

#[test]
fn find_refuses_an_entry_that_shares_more_than_there_is() {
    let (a, second, third) = (raw(0, "a", 1), raw(3, "x", 1), raw(1, "z", 1));
    let block = block_of_raw(&[&a, &second, &third], &[0]);
    for target in ["aa", "az", "b", "axxx"] {
        let came = block.find(InternalKey::lookup(target.as_bytes(), 7));
        assert_eq!(
            came.map_err(|bad| bad.at),
            Err(13),
            "find {target} behind a; the entry at byte 13 shares three bytes with a, which has one \
             (an error is given by its byte) {FINDS}"
        );
    }
}

/// An answer of `find` is what a cursor finds; an error is one that a cursor has, too.
#[track_caller]
fn expect_as_cursor(block: &Block, bytes: &[u8], target: &Entry) {
    let (mut cursor, found) = (block.cursor(), block.find(target.key()));
    let sought = cursor.seek(target.key());
    let is_right = match &found {
        Ok(found) => {
            let key = cursor.key().filter(|key| key.user_key == target.user_key);
            let want = key.map(|key| (key.kind, cursor.value().to_vec()));
            let came =
                found.as_ref().map(|found| (found.kind, bytes[found.value.clone()].to_vec()));
            sought.is_ok() && came == want
        }
        // Found there, it would reach across a restart point: a cursor says so when it goes on.
        Err(_) => sought.is_err() || cursor.next().is_err(),
    };
    assert!(
        is_right,
        "find {target} gives {found:?}, a cursor's seek {sought:?} and key {:?}, in {} {FINDS}",
        cursor.key(),
        bytes.escape_ascii()
    );
}

#[test]
fn find_in_damaged_blocks_is_what_a_cursor_finds_there() {
    for seed in seeds(400) {
        let mut dice = Workload::new(seed);
        let count = 2 + dice.below(10);
        let entries = random(&mut dice, count);
        let good = block_bytes(&entries, 1 + dice.below(5));
        for _ in 0..10 {
            let mut bytes = good.clone();
            for _ in 0..1 + dice.below(2) {
                let at = dice.below(bytes.len());
                let byte = [0, 1, 2, 0xff, bytes[at].wrapping_add(1), dice.below(256) as u8];
                bytes[at] = byte[dice.below(6)];
            }
            let Ok(block) = Block::parse(bytes.clone().into()) else { continue };
            targets(&entries).iter().for_each(|target| expect_as_cursor(&block, &bytes, target));
        }
    }
}

// Lookups in a table.

#[test]
fn a_get_gives_the_newest_version_that_is_not_above_the_snapshot() {
    let versions = entries("rock@3=r stone@9=c stone@5- stone@2=a stove@4=s");
    for block_size in [1, 40, 4096] {
        let given = given(block_size, &versions);
        for key in ["rock", "stone", "stove", "ston", "stones", ""] {
            (0..=11).for_each(|seq| given.expect_get(key.as_bytes(), seq));
        }
    }
}

#[test]
fn a_get_agrees_with_a_list_of_all_entries() {
    for seed in seeds(40) {
        let mut dice = Workload::new(seed);
        let count = 1 + dice.below(80);
        let entries = random(&mut dice, count);
        let keys: BTreeSet<Vec<u8>> =
            targets(&entries).into_iter().map(|target| target.user_key).collect();
        for block_size in [1, 60 + dice.below(200), 4096] {
            let given = given(block_size, &entries);
            for key in &keys {
                [0, 1, 5, 20, 39, 40, 41].iter().for_each(|&seq| given.expect_get(key, seq));
            }
        }
    }
}

#[test]
fn a_snapshot_above_all_numbers_sees_the_newest() {
    let given = given(64, &entries(STONES));
    for entry in &given.entries {
        for seq in [SEQ_MAX - 1, SEQ_MAX, SEQ_MAX + 1, u64::MAX] {
            given.expect_get(&entry.user_key, seq);
        }
    }
}

#[test]
fn a_get_reads_its_block_once_in_one_read() {
    let given = given(300, &numbered(300, 30));
    for entry in &given.entries {
        let (reads, stats) = (given.reads(), given.table.stats());
        given.expect_get(&entry.user_key, 7);
        let now = given.table.stats();
        let came = (given.reads() - reads, now.blocks_read - stats.blocks_read);
        assert_eq!(came, (1, 1), "reads of the file and blocks read for {entry} {GETS}");
        let size = now.bytes_read - stats.bytes_read;
        let limit = (300 + BLOCK_TRAILER_SIZE) as u64;
        assert!(size <= limit, "bytes read for {entry}: {size}, want {limit} at most {GETS}");
    }
}

#[test]
fn a_get_of_an_absent_key_reads_one_block_at_most() {
    for seed in seeds(30) {
        let mut dice = Workload::new(seed);
        let entries = random(&mut dice, 60);
        let given = given(80, &entries);
        for target in targets(&entries) {
            let reads = given.reads();
            given.expect_get(&target.user_key, target.seq);
            let came = given.reads() - reads;
            assert!(came <= 1, "{} at {}: {came} reads {GETS}", show(&target.user_key), target.seq);
        }
    }
}

#[test]
fn a_get_in_front_of_a_separator_does_not_look_into_the_next_block() {
    // `quill` is behind quartz, the last of its block, and in front of the separator, r.
    let given = given(64, &entries(STONES));
    let reads = given.reads();
    given.expect_get(b"quill", 9);
    let came = given.reads() - reads;
    assert_eq!(came, 1, "reads for quill: all that follow its block are behind r {GETS}");
}

#[test]
fn a_get_behind_the_last_separator_reads_and_allocates_nothing() {
    // The last key is the last separator, number and kind: an older version is behind it.
    let behind = [(&b"users/stove"[..], 8), (b"users/stove\0", 9), (b"users/z", 9), (b"users0", 9)];
    let farther = [(&b"userz"[..], 9), (b"v", 9), (b"\xff\xff", u64::MAX)];
    for words in ["users/stove@9=y", "users/marble@7=x users/stone@7=x users/stove@9=y"] {
        let given = given(1, &entries(words));
        let reads = given.reads();
        for (key, seq) in behind.into_iter().chain(farther) {
            given.expect_get(key, seq);
            let allocated = allocated_by(3000, || given.table.get(key, seq));
            let came = (given.reads() - reads, allocated);
            assert_eq!(came, (0, 0), "reads and bytes allocated for {} at {seq} {GETS}", show(key));
        }
    }
}

#[test]
fn versions_of_one_key_in_many_blocks_take_one_read_each() {
    let versions: Vec<Entry> =
        (1..=200).rev().map(|n| Entry::put("stone", 2 * n, vec![n as u8; 20])).collect();
    let given = given(150, &versions);
    let reads = given.reads();
    // Below 2 there is none, and the last separator is stone@2.
    (0..=402).for_each(|seq| given.expect_get(b"stone", seq));
    let came = given.reads() - reads;
    assert_eq!(
        came, 401,
        "reads for 401 snapshots, and none for the two before the first version {GETS}"
    );
}

#[test]
fn separators_whose_first_bytes_are_alike_are_told_apart() {
    let mut ends: Vec<&[u8]> =
        vec![&b""[..], b"\0", b"\0\0", b"a", b"a\0", b"a\0\0", b"b", b"b\xff"];
    ends.extend([&b"cccccccc"[..], b"cccccccc\0", b"cccccccca", b"ccccccccaa", b"cccccccd"]);
    ends.extend([
        &b"\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ]);
    for front in ["", "u", "users/", "eight of", "nine of u"] {
        let key = |end: &&[u8]| [front.as_bytes(), end].concat();
        let all: Vec<Entry> =
            ends.iter().flat_map(|end| [9, 4].map(|seq| Entry::put(key(end), seq, "x"))).collect();
        let given = given(1, &all);
        for target in targets(&all) {
            (3..=10).for_each(|seq| given.expect_get(&target.user_key, seq));
        }
    }
}

#[test]
fn a_table_of_one_entry_is_searched_like_any_other() {
    for word in ["@5=x", "a@5=x", "@5-", "stone@1=", "stone@5-"] {
        let given = given(4096, &entries(word));
        for target in targets(&given.entries) {
            given.expect_get(&target.user_key, target.seq);
        }
    }
}

#[test]
fn a_value_is_a_slice_of_its_block_and_outlives_the_table() {
    let all = [Entry::put("a", 7, vec![1; 40_000]), Entry::put("b", 7, vec![2; 40_000])];
    let given = given(100_000, &all);
    let allocated = allocated_by(300, || given.table.get(b"b", 7));
    assert!(
        allocated < 81_000,
        "a get of 40 000 bytes in a block of 80 000 allocates {allocated}: the block is read to \
         one place, and the value is a slice of it {GETS}"
    );
    let Ok(Lookup::Value(value)) = given.table.get(b"b", 7) else { panic!("b is there {GETS}") };
    drop(given);
    assert!(value == vec![2; 40_000], "the value of b when its table is closed {GETS}");
}

mod cursor;
mod hostile;
mod kept;
