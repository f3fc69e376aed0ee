//! All tables in one walk: what a merge is given, and what it makes of it.

use lsm::Source;
use memtable::{Cursor, Merge};
use wal::Direction;
use wal::testing::{Workload, seeds};

use super::given::*;

#[test]
fn a_version_without_tables_has_no_sources() {
    assert!(given_in(&[], None).version.cursors().is_empty(), "cursors over no table {WALKS}");
}

#[test]
fn a_version_has_a_cursor_for_each_table_of_level_0_and_one_for_each_other_level() {
    let given = given("0: a@9=x / 0: a@8=x / 0: b@7=x / 1: a@5=x / 1: b@5=x / 4: c@1=x / 4: d@1=x");
    let sources = given.version.cursors();
    let kinds: Vec<&str> = sources
        .iter()
        .map(|source| match source {
            Source::Mem(_) => "memtable",
            Source::Table(_) => "table",
            Source::Level(_) => "level",
        })
        .collect();
    let want = ["table", "table", "table", "level", "level"];
    assert!(
        kinds == want,
        "three tables in level 0, two each in levels 1 and 4: want the sources {want:?}, got \
         {kinds:?} {WALKS}"
    );
}

#[test]
fn a_cursor_that_has_not_moved_has_read_nothing() {
    let given = given("0: a@9=x / 0: a@8=x / 1: a@5=x / 1: b@5=x / 4: c@1=x");
    let read = given.asked_by(|version| {
        let at = version.cursors().iter().filter(|source| source.key().is_some()).count();
        assert!(at == 0, "new cursors are at no entry: {at} of them are at one {WALKS}");
    });
    assert!(read.is_empty(), "cursors were made and not moved: tables {read:?} were read {HOLDS}");
}

#[test]
fn a_merge_of_its_cursors_meets_all_entries_both_ways() {
    for seed in seeds(40) {
        let mut dice = Workload::new(seed);
        let given = random(&mut dice);
        let merge = Merge::new(given.version.cursors());
        let mut walk = Walk::new(&given.entries, merge, WALKS);
        walk.go(First);
        (0..given.entries.len()).for_each(|_| walk.go(Next));
        walk.go(Last);
        (0..given.entries.len()).for_each(|_| walk.go(Prev));
    }
}

#[test]
fn sources_stand_the_newest_first() {
    let given = given("0: a@9=x / 0: a@8=x / 1: a@5=x / 4: a@1=x");
    let mut sources = given.version.cursors();
    let seqs: Vec<u64> = sources
        .iter_mut()
        .map(|source| {
            source.first().expect("a good disk");
            source.key().expect("it has an entry").seq
        })
        .collect();
    let want = [9, 8, 5, 1];
    assert!(
        seqs == want,
        "numbers of the sources' first entries: want {want:?}, got {seqs:?} {WALKS}"
    );
}

#[test]
fn a_scan_over_memory_and_tables_sees_what_its_snapshot_sees() {
    for seed in seeds(40) {
        let mut dice = Workload::new(seed);
        let given = random(&mut dice).under_memory(&mut dice);
        for seq in [0, 100, 150, 180, 200, 205, 210, 220] {
            for direction in [Direction::Forward, Direction::Backward] {
                given.expect_scan(direction, seq);
            }
        }
    }
}
