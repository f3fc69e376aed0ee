//! What a reader has, it keeps: versions that share tables, and files that go with the last of them.

use std::path::Path;
use std::sync::Arc;

use lsm::{LEVEL_COUNT, LiveTable, Version};
use memtable::{Cursor, Lookup, Merge};
use wal::fs::{Fault, Fs, Operation, SimFs};

use super::given::*;

/// A disk with these tables, as [`given`] has them, and each of them open.
fn tables(text: &str) -> (SimFs, Vec<Arc<LiveTable>>) {
    let lists: Vec<_> = text.split('/').map(entries).collect();
    let sim = disk_with(&lists);
    let tables = (1..).take(lists.len()).map(|number| open(&sim, number, None)).collect();
    (sim, tables)
}

/// A version of these tables in level 0, and of those in level 1.
fn version(level0: &[&Arc<LiveTable>], level1: &[&Arc<LiveTable>]) -> Version {
    let mut levels: [Vec<Arc<LiveTable>>; LEVEL_COUNT] = Default::default();
    levels[0] = level0.iter().map(|&table| Arc::clone(table)).collect();
    levels[1] = level1.iter().map(|&table| Arc::clone(table)).collect();
    Version::new(levels, 0)
}

/// The numbers of the tables whose files are there.
fn files(sim: &SimFs) -> Vec<u64> {
    let names = sim.list(Path::new(DIR)).expect("a good disk");
    let kinds = names.iter().map(|name| lsm::files::kind_of(name));
    let number = |kind| match kind {
        Some(lsm::files::FileKind::Table(number)) => Some(number),
        _ => None,
    };
    kinds.filter_map(number).collect()
}

#[track_caller]
fn expect_files(sim: &SimFs, want: &[u64], when: &str) {
    let mut came = files(sim);
    came.sort_unstable();
    assert!(came == want, "tables on the disk {when}: want {want:?}, got {came:?} {KEEPS}");
}

#[track_caller]
fn expect_value(version: &Version, key: &[u8], want: &str, when: &str) {
    let came = version.get(key, 99);
    let want = Lookup::Value(want.to_owned().into());
    let is_right = came.as_ref().is_ok_and(|came| *came == want);
    assert!(is_right, "{} {when}: want {want:?}, got {came:?} {KEEPS}", key.escape_ascii());
}

#[test]
fn a_reader_keeps_its_version_when_the_next_one_has_other_tables() {
    // Tables 1 and 2 are merged to 4; table 3 is in both versions.
    let (sim, all) = tables("a@9=new b@8=x / a@2=old c@3=x / k@1=x m@1=x / a@9=new b@8=x c@3=x");
    let old = version(&[&all[0], &all[1]], &[&all[2]]);
    let new = version(&[], &[&all[3], &all[2]]);
    let mut scan = Merge::new(old.cursors());
    scan.first().expect("a good disk");
    [&all[0], &all[1]].iter().for_each(|table| table.retire());
    drop(all);
    for (version, whose) in [(&old, "of the old version"), (&new, "of the new one")] {
        expect_value(version, b"a", "new", whose);
        expect_value(version, b"c", "x", whose);
        expect_value(version, b"m", "x", whose);
    }
    let mut met = 0;
    while scan.key().is_some() {
        scan.next().expect("its tables are there");
        met += 1;
    }
    assert!(
        met == 6,
        "a scan whose tables are retired on the way: want 6 entries, got {met} {KEEPS}"
    );
    expect_files(&sim, &[1, 2, 3, 4], "while the old version has its tables");
    drop(scan);
    drop(old);
    expect_files(&sim, &[3, 4], "when the old version is gone, whose tables 1 and 2 are retired");
    expect_value(&new, b"m", "x", "when the old version is gone");
}

#[test]
fn a_retired_table_goes_with_the_last_who_has_it() {
    // Three versions have table 1. They go in every order.
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for retired_after in 0..3 {
            let (sim, mut all) = tables("a@9=x / b@1=x");
            let table = all.remove(0);
            let mut versions = [(); 3].map(|()| Some(version(&[&table], &[])));
            drop(table);
            for (gone, index) in order.into_iter().enumerate() {
                let version = versions[index].take().expect("it is there once");
                expect_value(&version, b"a", "x", "of a version that is still there");
                if gone == retired_after {
                    version.level(0)[0].retire();
                }
                expect_files(&sim, &[1, 2], "while one of three versions has table 1");
                drop(version);
            }
            expect_files(&sim, &[2], "when table 1 is retired and its last version is gone");
        }
    }
}

#[test]
fn a_table_that_is_not_retired_outlives_its_versions() {
    let (sim, all) = tables("a@9=x / b@1=x");
    let version = version(&[&all[0]], &[&all[1]]);
    expect_value(&version, b"a", "x", "of a version");
    drop(all);
    drop(version);
    expect_files(&sim, &[1, 2], "when a store is closed that has two tables, and none is retired");
    let (first, second) = (open(&sim, 1, None), open(&sim, 2, None));
    let version = self::version(&[&first], &[&second]);
    expect_value(&version, b"b", "x", "after the store was opened again");
}

#[test]
fn a_file_that_cannot_be_removed_stays_and_nobody_panics() {
    let (sim, all) = tables("a@9=x / b@1=x");
    let version = version(&[&all[0], &all[1]], &[]);
    all.iter().for_each(|table| table.retire());
    drop(all);
    sim.fail(Operation::Remove, 1, Fault::Io);
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(version)));
    assert!(dropped.is_ok(), "the disk refuses to remove a file, and drop panics {KEEPS}");
    let left = files(&sim).len();
    assert!(
        left == 1,
        "of two retired tables that are dropped, the disk refuses to remove the first: want one file \
         that is left, got {left} {KEEPS}"
    );
}
