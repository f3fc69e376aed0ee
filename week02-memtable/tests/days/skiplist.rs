//! Lab skiplist: nodes in an arena, linked by atomics.
//!
//! The table does what day 2's does, so it has to pass the same tests: they are here a second time,
//! with another table. Rules without a day in their messages are those of the lab's chapter or, in
//! tests of day 3, of that day's.

#[allow(clippy::duplicate_mod, reason = "the same tests, of another table")]
#[path = "day2.rs"]
mod day2;
#[allow(clippy::duplicate_mod, reason = "the same tests, of another table")]
#[path = "day3.rs"]
mod day3;
mod given;
mod schedule;

use std::cmp::Reverse;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};

use memtable::skiplist::SkipTable as MemTable;
use memtable::{Cursor, InternalKey, Lookup, SEQ_MAX};
use scheduled::skiplist::SkipTable as ScheduledTable;
use wal::testing::{Workload, seeds, show};
use wal::{Operation, Seq};

use crate::orders::alone;
use given::*;

/// How often two `get`s meet other threads: at every cell and every link that they read.
const STEPS_OF_TWO_GETS: RangeInclusive<usize> = 1..=40;

/// What the table allocates for an entry besides its bytes, at most: a node of some 80 bytes, and a
/// place in the index.
const NODE_SIZE_MAX: usize = 104;

/// How often a `search` among some thousand entries does, on average.
const STEPS_MAX: usize = 40;

// Order.

#[test]
fn in_an_empty_table_there_is_nothing_to_find() {
    let table = MemTable::new();
    assert!(table.is_empty(), "nothing was inserted, and it has entries");
    for key in ["", "\0", "a"] {
        expect_absent(&table, key.as_bytes(), "the head is no entry (rule 2)");
        let (mut cursor, target) = (table.cursor(), InternalKey::lookup(key.as_bytes(), 5));
        let moves: [&mut dyn FnMut(&mut _) -> _; 6] = [
            &mut Cursor::first,
            &mut Cursor::last,
            &mut |cursor| Cursor::seek(cursor, target),
            &mut |cursor| Cursor::seek_back(cursor, target),
            &mut Cursor::next,
            &mut Cursor::prev,
        ];
        for step in moves {
            step(&mut cursor).expect("memory does not fail");
            let found = at(&cursor);
            let name = name(found.as_ref());
            assert!(found.is_none(), "a cursor is at {name}: the head is no entry (rule 2)");
        }
    }
}

#[test]
fn keys_that_share_their_first_bytes_are_kept_apart() {
    // Alike in no byte, in four or in eight; each with zeros, and without.
    let starts = ["", "abcd", "abcdefgh", "\0\0\0\0", "\0\0\0\0\0\0\0\0"];
    let ends = ["", "\0", "\0\0", "a", "a\0", "b", "\u{7f}", "aaaaaaaaaaaa", "aaaaaaaaaaab"];
    let mut keys: Vec<_> =
        starts.iter().flat_map(|s| ends.map(|end| format!("{s}{end}"))).collect();
    keys.sort();
    keys.dedup();
    for step in [1, 7, 11] {
        let order = (0..keys.len()).map(|n| &keys[n * step % keys.len()]);
        let versions: Vec<_> = order.flat_map(|key| [version(key, 3), version(key, 8)]).collect();
        let why = "two forks from one node settle the order, unless three bytes are alike or there \
                   is a zero where they differ, or before (rule 2)";
        expect_all(&table_of(&versions), &versions, why);
    }
}

/// Three keys, of which the last to come is between the others or in front, and every key looked
/// for: so a search comes from every key to every other, over links of every origin.
#[test]
fn every_key_has_its_place_among_any_three() {
    for (bytes, size_max) in [([0, 1], 4), ([1, 2], 4), ([0, 255], 3)] {
        let keys = all_keys(&bytes, size_max);
        for (third, second, first) in triples(keys.len()) {
            let chosen = [first, second, third].map(|at| (at, version(&keys[at], 5)));
            for [a, b, c] in [[0, 2, 1], [2, 1, 0]] {
                let order = [a, b, c].map(|n| chosen[n].1.clone());
                expect_places(&table_of(&order), &keys, &chosen, &order);
            }
        }
    }
}

/// A fork counts to 255. What these keys have in common is less, that, and more.
#[test]
fn keys_that_are_alike_for_longer_than_a_fork_counts_are_kept_apart() {
    let starts = (250..=260).chain([300, 510, 511, 512, 700]).map(|size| "x".repeat(size));
    let ends = ["", "\0", "a", "ab", "abc", "abd", "abcd", "y", "yz"];
    let mut keys: Vec<_> = starts.flat_map(|s| ends.map(|end| format!("{s}{end}"))).collect();
    keys.sort();
    for step in [1, 7, 11, keys.len() - 1] {
        let order = (0..keys.len()).map(|n| &keys[n * step % keys.len()]);
        let versions: Vec<_> = order.flat_map(|key| [version(key, 3), version(key, 8)]).collect();
        let why = "a fork counts 255 bytes in common, if there are that many or more, and its own \
                   three are those that come then (rule 2)";
        expect_all(&table_of(&versions), &versions, why);
    }
}

#[test]
fn the_smallest_and_the_largest_keys_have_their_places() {
    let keys = [vec![], vec![0], vec![0; 4], vec![0; 9], vec![255], vec![255; 4], vec![255; 9]];
    let versions: Vec<_> =
        keys.iter().flat_map(|key| [SEQ_MAX, 1].map(|seq| version(key, seq))).collect();
    let why = "a link that leads nowhere is not one to a key of zeros, and no key is so large that \
               it lies behind the end (rule 2)";
    expect_all(&table_of(&versions), &versions, why);
    let reversed: Vec<_> = versions.iter().rev().cloned().collect();
    expect_all(&table_of(&reversed), &versions, why);
    for key in &keys {
        let found = table_of(&versions).search(key, Seq::MAX);
        let newest = table_of(&versions).search(key, SEQ_MAX);
        assert!(
            found == newest && found != Lookup::Absent,
            "`search` of {} at the largest number there is gives {found:?}: a snapshot above all \
             numbers is one at `SEQ_MAX`, and sees everything (rule 1)",
            show(key)
        );
    }
}

#[test]
fn any_keys_are_in_the_order_of_internal_keys() {
    const BYTES: [u8; 5] = [0, 1, 0x7f, 0x80, 0xff];
    for seed in seeds(60) {
        let mut random = Workload::new(seed);
        let mut byte = |choice: usize| BYTES[random.below(choice)];
        let mut key = |choice| {
            let size = byte(BYTES.len()) as usize % 11;
            (0..size).map(|_| byte(choice)).collect::<Vec<u8>>()
        };
        // With two kinds of bytes, most keys begin alike.
        let versions: Vec<_> =
            (1..150).map(|seq| version(key(2 + seq as usize % 4), seq)).collect();
        let why = format!("seed {seed}; `CAIRN_SEED={seed}` replays it (rule 2)");
        expect_all(&table_of(&versions), &versions, &why);
    }
}

// Threads.

#[test]
fn threads_that_insert_at_one_place_lose_nothing() {
    const COUNT: Seq = 4_000;
    for round in 0..20 {
        let (table, last_seq) = (MemTable::new(), AtomicU64::new(0));
        // Whoever has a number has the newest version: all want to change the link to the first.
        at_once(8, |_| {
            loop {
                let seq = last_seq.fetch_add(1, Ordering::Relaxed) + 1;
                if seq > COUNT {
                    return;
                }
                insert(&table, &version("k", seq));
            }
        });
        let versions: Vec<_> = (1..=COUNT).map(|seq| version("k", seq)).collect();
        let why = format!(
            "eight threads inserted versions of one key, and each must link its node to what is \
             there when it links it (rule 4; round {round})"
        );
        expect_all(&table, &versions, &why);
    }
}

#[test]
fn threads_with_neighbouring_keys_leave_them_in_order() {
    const EACH: u64 = 500;
    for round in 0..12 {
        let table = MemTable::new();
        let key = |thread: u64, n: u64| format!("key{:05}", n * 8 + thread);
        // All of them are at the same place at about the same time, each in its own order.
        at_once(8, |thread| {
            for n in (0..EACH).map(|n| if thread < 4 { n } else { EACH - 1 - n }) {
                insert(&table, &version(key(thread as u64, n), 1));
            }
        });
        let numbers = (0..8).flat_map(|thread| (0..EACH).map(move |n| (thread, n)));
        let versions: Vec<_> = numbers.map(|(thread, n)| version(key(thread, n), 1)).collect();
        let why = format!(
            "when a compare-and-swap fails, the place may be behind a node that has come in since \
             (rule 4; round {round})"
        );
        expect_all(&table, &versions, &why);
    }
}

#[test]
fn what_was_inserted_is_met_by_whoever_comes_after() {
    const EACH: u64 = 4_000;
    const WRITERS: u64 = 4;
    let key = |writer: u64, n: u64| (n * 514_229 % EACH * WRITERS + writer).to_be_bytes();
    let table = MemTable::new();
    let done = [const { AtomicU64::new(0) }; WRITERS as usize];
    let write = |writer: u64| {
        for n in 0..EACH {
            insert(&table, &version(key(writer, n), n + 1));
            done[writer as usize].store(n + 1, Ordering::Release);
        }
    };
    let read = |reader: u64| {
        while done.iter().any(|done| done.load(Ordering::Relaxed) < EACH) {
            let before: Vec<_> = done.iter().map(|done| done.load(Ordering::Acquire)).collect();
            let why = "`insert` had returned for it, so the node is whole and linked (rule 3)";
            for (writer, &count) in (0..).zip(&before) {
                let newest = count.saturating_sub(20)..count;
                newest.for_each(|n| expect_found(&table, &key(writer, n), n + 1, why));
            }
            let is_forward = reader.is_multiple_of(2);
            let met = walk(&table, is_forward, usize::MAX);
            let is_ordered = |pair: &[Version]| (pair[0] < pair[1]) == (is_forward);
            assert!(met.windows(2).all(is_ordered), "a walk went back and forth (rule 2)");
            let wanted: u64 = before.iter().sum();
            let was_done = |(key, Reverse(seq)): &&Version| {
                let number = u64::from_be_bytes(key[..].try_into().expect("eight bytes"));
                *seq <= before[(number % WRITERS) as usize]
            };
            let count = met.iter().filter(was_done).count() as u64;
            assert!(count == wanted, "a walk met {count} of {wanted} entries; of each, {why}");
        }
    };
    at_once(8, |thread| match thread as u64 {
        writer @ 0..WRITERS => write(writer),
        reader => read(reader),
    });
}

// Size.

#[test]
fn a_hundred_thousand_entries_are_found_whatever_their_order() {
    const COUNT: u64 = 120_000;
    let key = |n: u64| n.wrapping_mul(0x0100_0001).to_be_bytes();
    for order in ["ascending", "descending", "without pattern"] {
        let number = |n| match order {
            "ascending" => n,
            "descending" => COUNT - 1 - n,
            _ => n * 514_229 % COUNT,
        };
        let table = MemTable::new();
        (0..COUNT).for_each(|n| insert(&table, &version(key(number(n)), n + 1)));
        assert!(table.len() as u64 == COUNT, "{} of {COUNT} entries, {order}", table.len());
        for n in shuffled(COUNT).take(20_000) {
            expect_found(&table, &key(number(n)), n + 1, &format!("inserted {order} (rule 5)"));
            let absent = [&key(number(n))[..], b"\0"].concat();
            expect_absent(
                &table,
                &absent,
                "it is longer by a byte than a key that is there (rule 2)",
            );
        }
        let met = walk(&table, true, usize::MAX).len() as u64;
        assert!(met == COUNT, "a walk met {met} of {COUNT} entries, inserted {order} (rule 2)");
    }
}

/// Whoever takes heights from the numbers in their order gives all high nodes to one of four.
/// Counted are a lookup's steps, in every part of the table.
#[test]
fn a_nodes_height_does_not_follow_from_when_it_came_in() {
    const EACH: u64 = 256;
    const LOOKUPS: usize = 64;
    for writers in [2, 4, 16] {
        alone(move || {
            let table = ScheduledTable::new();
            let key = |part: u64, n: u64| [part.to_be_bytes(), n.to_be_bytes()].concat();
            for n in 0..EACH * writers {
                let (key, value) = (&key(n % writers, n / writers)[..], b"");
                table.insert(1, Operation::Put { key, value });
            }
            for part in 0..writers {
                let before = shuttle::current::context_switches();
                for n in shuffled(EACH).take(LOOKUPS) {
                    let found = table.search(&key(part, n), SEQ_MAX) != scheduled::Lookup::Absent;
                    assert!(found, "entry {n} of part {part} was inserted, and is not found");
                }
                let steps = (shuttle::current::context_switches() - before) / LOOKUPS;
                assert!(
                    steps <= 100,
                    "{writers} parts of a table got their entries by turns, {EACH} each, and a lookup \
                     in part {part} reads {steps} links: about 40 will do if the high nodes are \
                     everywhere (rule 5)"
                );
            }
        });
    }
}

/// On upper levels, whoever asks an entry reads its number first, and that counts as a step.
#[test]
fn few_entries_are_asked_whatever_keys_begin_with() {
    const COUNT: u64 = 4_096;
    const LOOKUPS: usize = 256;
    for start in ["", "user", "a prefix that is longer than any word of a processor: "] {
        alone(move || {
            let table = ScheduledTable::new();
            let key = |n: u64| format!("{start}{n:08}").into_bytes();
            for n in shuffled(COUNT) {
                table.insert(1, Operation::Put { key: &key(n), value: b"" });
            }
            let before = shuttle::current::context_switches();
            for n in shuffled(COUNT).take(LOOKUPS) {
                let found = table.search(&key(n), SEQ_MAX) != scheduled::Lookup::Absent;
                assert!(found, "entry {n} was inserted, and is not found");
            }
            let steps = (shuttle::current::context_switches() - before) / LOOKUPS;
            assert!(
                steps <= STEPS_MAX,
                "a lookup among {COUNT} keys that begin with {start:?} reads {steps} links and \
                 numbers: {STEPS_MAX} will do if only those entries are asked whose forks do not \
                 tell (rule 2)"
            );
        });
    }
}

/// The newest version stands in front of all others of its key, and nobody passes over these.
#[test]
fn a_key_with_many_versions_costs_a_search() {
    const COUNT: Seq = 40_000;
    let table = MemTable::new();
    (1..=COUNT).for_each(|seq| insert(&table, &version("counter", seq)));
    insert(&table, &version("counter\0", 1));
    for seq in shuffled(COUNT).map(|n| n + 1).take(20_000) {
        expect_found(&table, b"counter", seq, "old versions have towers, too (rule 5)");
        let (mut cursor, target) = (table.cursor(), InternalKey::lookup(b"counter", seq));
        cursor.seek_back(target).expect("memory does not fail");
        let found = at(&cursor);
        assert!(
            found == Some(version("counter", seq)),
            "`seek_back` of {}@{seq}, which is there, leads to {} (rule 2 of day 3)",
            show(b"counter"),
            name(found.as_ref())
        );
    }
}

/// Threads that write at once bring versions out of turn.
#[test]
fn the_newest_version_is_found_in_whatever_order_they_came() {
    const COUNT: Seq = 5_000;
    for step in [1, COUNT - 1, 1_777] {
        let table = MemTable::new();
        for seq in (0..COUNT).map(|n| n * step % COUNT + 1) {
            insert(&table, &version("counter", seq));
            insert(&table, &version(seq.to_be_bytes(), seq));
        }
        let why = "it is the newest, whenever it came (rule 1)";
        let newest = table.get(b"counter", SEQ_MAX);
        assert!(newest == table.get(b"counter", COUNT), "`get` gives {newest:?} at the end: {why}");
        for seq in shuffled(COUNT).map(|n| n + 1).take(1_000) {
            expect_found(&table, b"counter", seq, why);
        }
    }
}
