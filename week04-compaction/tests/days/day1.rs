//! Day 1: a read sees one immutable picture of the tables.

mod given;

use std::sync::Arc;

use given::*;
use memtable::Lookup;
use sstable::BlockCache;
use wal::fs::{Fault, Operation};
use wal::testing::{Workload, seeds};

use crate::allocated_by;

// Who decides.

#[test]
fn the_tables_of_the_chapter_answer_as_it_says() {
    let given = given(SHOP);
    let value = |text: &str| Lookup::Value(text.to_owned().into());
    // Key, snapshot, answer, tables that are asked.
    for (key, seq, want, asked) in [
        (&b"lamp"[..], 99, value("10"), &[1][..]),
        (b"lamp", 9, Lookup::Deleted, &[1, 2]),
        (b"lamp", 5, value("4"), &[1, 2, 3]),
        (b"lamp", 3, value("1"), &[1, 2, 3, 5]),
        (b"quartz", 99, Lookup::Deleted, &[1]),
        (b"quartz", 8, value("2"), &[1, 4, 5]),
        (b"marble", 99, value("7"), &[1, 2]),
        (b"agate", 99, value("5"), &[3]),
        (b"opal", 99, Lookup::Absent, &[1, 4, 5]),
        (b"zinc", 99, Lookup::Absent, &[]),
    ] {
        let came = given.version.get(key, seq);
        let is_right = came.as_ref().is_ok_and(|came| *came == want);
        let key_shown = key.escape_ascii();
        assert!(
            is_right,
            "{key_shown} at {seq} in the chapter's tables: want {want:?}, got {came:?} {DECIDES}"
        );
        given.expect_asked(key, seq, asked);
    }
}

#[test]
fn the_newest_table_of_level_0_decides() {
    let given = given("0: a@9=new / 0: a@5=old b@4=4 / 0: a@2=older c@1=1");
    for seq in 1..=10 {
        [b"a", b"b", b"c"].iter().for_each(|key| given.expect_get(*key, seq));
    }
}

#[test]
fn a_level_decides_before_those_below() {
    let given = given("1: a@7=1 b@6=1 / 2: a@5=2 c@5=2 / 6: a@1=6 b@2=6 d@3=6");
    for seq in 0..=8 {
        [b"a", b"b", b"c", b"d"].iter().for_each(|key| given.expect_get(*key, seq));
    }
}

#[test]
fn a_tombstone_hides_what_lies_below() {
    let given = given("0: a@9- / 1: a@5=old b@6- / 2: a@1=older b@2=old");
    for key in [b"a", b"b"] {
        given.expect_get(key, 99);
        let came = given.version.get(key, 99).expect("a good disk");
        assert_eq!(came, Lookup::Deleted, "deleted is not absent: memory above asks on {DECIDES}");
    }
}

#[test]
fn an_older_snapshot_finds_its_version_further_down() {
    // The tables above have the key, in versions that the snapshot does not see.
    let given = given("0: a@9=9 / 0: a@7- / 1: a@5=5 / 3: a@3=3 / 6: a@1-");
    (0..=10).for_each(|seq| given.expect_get(b"a", seq));
}

#[test]
fn a_get_agrees_with_a_list_of_all_entries() {
    for seed in seeds(60) {
        let mut dice = Workload::new(seed);
        let given = random(&mut dice);
        for key in 0..26 {
            let key = format!("{key:02}");
            for seq in [0, 50, 120, 150, 180, 199, 200] {
                given.expect_get(key.as_bytes(), seq);
            }
        }
    }
}

#[test]
fn the_first_and_the_last_key_of_each_table_are_found() {
    let given =
        given("0: b@9=x d@9=x / 1: a@5=x c@5=x / 1: d@5=x d@3=y f@2=x / 1: g@5=x / 2: c@1=x g@1=x");
    for key in [&b"a"[..], b"b", b"c", b"d", b"e", b"f", b"g", b"", b"h", b"cc", b"ff"] {
        [1, 4, 5, 9].iter().for_each(|&seq| given.expect_get(key, seq));
    }
}

#[test]
fn a_version_without_tables_has_nothing() {
    given_in(&[], None).expect_get(b"a", 99);
}

// Who is asked.

#[test]
fn a_get_asks_one_table_of_a_level_at_most() {
    // Tables b … d, f … h, j … l and so on, the same in each level below 0.
    let letter = |n: usize| vec![b'a' + n as u8];
    let table = |n: usize| {
        vec![Entry::put(letter(4 * n + 1), 7, "x"), Entry::put(letter(4 * n + 3), 7, "")]
    };
    let tables: Vec<_> = (1..=6)
        .flat_map(|level| (0..5).map(move |n| (level, n)))
        .map(|(l, n)| (l, table(n)))
        .collect();
    let given = given_in(&tables, None);
    for n in 0..22 {
        // The snapshot is too old for all versions: each level is asked for a key that it spans.
        let level = |level: u64| 5 * level + n as u64 / 4 + 1;
        let want: Vec<u64> = if n % 4 == 0 { vec![] } else { (0..6).map(level).collect() };
        given.expect_asked(&letter(n), 3, &want);
    }
}

#[test]
fn a_get_asks_no_table_whose_span_does_not_have_the_key() {
    let given =
        given("0: c@9=x f@9=x / 0: a@7=x b@7=x / 1: b@5=x d@5=x / 1: h@5=x k@5=x / 2: i@1=x");
    for (key, want) in [
        (&b""[..], &[][..]),
        (b"0", &[]),
        (b"bb", &[3]),
        (b"e", &[1]),
        (b"g", &[]),
        (b"gz", &[]),
        (b"aa", &[2]),
        (b"i", &[4, 5]),
        (b"j", &[4]),
        (b"ka", &[]),
        (b"l", &[]),
    ] {
        given.expect_asked(key, 99, want);
    }
}

#[test]
fn a_get_asks_nobody_behind_the_first_that_knows() {
    let given = given("0: a@9=9 b@9=x / 0: a@7- b@7=x / 1: a@5=5 b@5=x / 2: a@3=3 b@3=x");
    for (seq, want) in [(9, &[1][..]), (8, &[1, 2]), (5, &[1, 2, 3]), (3, &[1, 2, 3, 4])] {
        given.expect_asked(b"a", seq, want);
    }
}

#[test]
fn the_one_table_of_a_level_is_found_by_halving() {
    // All lookups are of keys between two of many tables, and far back: nothing is asked, and all
    // that is done is to look for the table. A walk along the tables runs into the time limit.
    let given = many_tables();
    let asked = given.asked_by(|version| {
        for n in 0..100_000 {
            let key = number(2 * MANY - 199 + 2 * (n % 99));
            let came = version.get(&key, 99);
            assert!(matches!(came, Ok(Lookup::Absent)), "between two tables: {came:?} {DECIDES}");
        }
    });
    let count = asked.len();
    assert!(
        count == 0,
        "keys that no table spans: want no table asked, got {count} questions {ASKED}"
    );
}

#[test]
fn a_get_allocates_nothing() {
    let cache = Arc::new(BlockCache::new(10 << 20));
    let tables: Vec<_> = [0, 0, 1, 2, 4]
        .into_iter()
        .zip((1..).step_by(10))
        .map(|(level, seq)| {
            let entry = |n: usize| Entry::put(format!("key{n:05}"), 100 - seq, vec![b'x'; 50]);
            (level, (0..100).map(entry).collect())
        })
        .collect();
    let given = given_in(&tables, Some(&cache));
    let keys: Vec<String> = (0..100).map(|n| format!("key{n:05}")).collect();
    let allocated = allocated_by(300, || {
        for key in &keys {
            for seq in [99, 60, 0] {
                given.version.get(key.as_bytes(), seq).expect("a good disk");
            }
        }
    });
    let why = "rule 2 of day 1: a lookup allocates nothing that the tables do not";
    assert!(
        allocated == 0,
        "300 gets whose blocks are in the cache: want no byte allocated, got {allocated} ({why})"
    );
}

// What cannot be read.

#[test]
fn a_table_that_cannot_be_read_is_an_error_and_not_an_older_answer() {
    let given = given("0: a@9=9 / 0: a@7- / 1: a@5=5 / 2: a@3=3 / 6: a@1=1");
    for seq in 0..=9 {
        // Every read that a good disk sees, in turn.
        let before = given.sim.counts().reads;
        given.expect_get(b"a", seq);
        for nth in 1..=given.sim.counts().reads - before {
            given.sim.fail(Operation::Read, nth, Fault::Io);
            let came = given.version.get(b"a", seq);
            let is_io = came.as_ref().is_err_and(|error| error.io_kind().is_some());
            assert!(
                is_io,
                "read {nth} of a get at {seq} fails: want the disk's error, got {came:?} {FAILS}"
            );
            given.expect_get(b"a", seq);
        }
    }
}

#[test]
fn a_damaged_table_is_named_and_the_others_answer() {
    let given = given("0: a@9=9 b@9- c@9=9 / 1: a@5=5 b@5=5 / 1: d@5=5");
    let path = lsm::files::table_path(std::path::Path::new(DIR), 1);
    let mut bytes = given.sim.contents(&path);
    bytes[3] ^= 0xff;
    given.sim.overwrite(&path, &bytes);
    for key in [b"a", b"c", b"b"] {
        let came = given.version.get(key, 99);
        assert!(names_table(&came, 1), "a … c is damaged: got {came:?} {FAILS}");
    }
    given.expect_get(b"d", 99);
}

mod level;
mod picture;
mod sources;
