//! Readers that are interrupted between their two looks, at memory and at the version.

use std::sync::Arc;

use bytes::Bytes;
use lsm::moments::{Moment, interrupt};
use lsm::{Lsm, LsmOptions};
use wal::fs::SimFs;
use wal::{Direction, Durability, Engine, KeyRange, Reader};

use super::given::*;

/// One way to look at [`KEY`].
type Look = fn(&dyn Reader) -> wal::Result<Option<Bytes>>;

const LOOKS: [(&str, Look); 2] = [
    ("get", |reader| reader.get(KEY.as_bytes())),
    ("scan", |reader| {
        let entry = reader.scan(KeyRange::prefix(KEY), Direction::Forward)?.next().transpose()?;
        Ok(entry.map(|(_, value)| value))
    }),
];

const MOMENTS: [(&str, Moment); 2] = [
    ("just before it took the version", Moment::BeforeVersion),
    ("just after it took the version", Moment::AfterVersion),
];

const KEY: &str = "key";

/// A store whose memtables are full with one value, and wait one at a time to be flushed; and whose
/// flushes are compacted at once, all into the last level.
fn new_store() -> Arc<Lsm> {
    let options = LsmOptions {
        memtable_size: 40,
        frozen_max: 1,
        level0_tables: 1,
        base_level_size: 1 << 20,
        ..LsmOptions::default()
    };
    Arc::new(open(&SimFs::new(1), options))
}

/// Puts the value of round `round`.
fn overwrite_key(store: &Lsm, round: usize) {
    write(store, KEY, &value(round), Durability::Buffered);
}

/// Brings into tables what was put: the next write freezes its memtable, and the one behind that has
/// to freeze another, for which there is no room before the first is flushed.
fn flush(store: &Lsm) {
    write(store, "other", "", Durability::Buffered);
    write(store, "other", "", Durability::Buffered);
}

/// Overwrites what is in tables, with nothing of it left behind but for snapshots.
fn merge_away(store: &Lsm) {
    overwrite_key(store, 1);
    flush(store);
    store.settle().expect("a good disk");
}

enum Who {
    Store,
    /// A snapshot that was taken before.
    Snapshot,
}

/// What is found in a store that `given` has filled, by each way to look at it, if `work` is done on it
/// at each of the moments; with the way and the moment.
fn found_by(who: &Who, given: fn(&Lsm), work: fn(&Lsm)) -> Vec<(String, Option<Bytes>)> {
    let mut all_found = Vec::new();
    for (name, look) in LOOKS {
        for (when, moment) in MOMENTS {
            let store = new_store();
            given(&store);
            let (snapshot, how) = match who {
                Who::Store => (None, format!("{name}, interrupted {when},")),
                Who::Snapshot => {
                    let snapshot = store.snapshot().expect("it is open");
                    (Some(snapshot), format!("{name} of a snapshot, interrupted {when},"))
                }
            };
            let other = Arc::clone(&store);
            let found = interrupt(
                moment,
                move || work(&other),
                || look(snapshot.as_deref().unwrap_or(&*store)),
            );
            all_found.push((how, found.expect("a good disk")));
        }
    }
    all_found
}

#[test]
fn what_is_flushed_between_the_two_looks_is_found() {
    for who in [Who::Store, Who::Snapshot] {
        for (how, found) in found_by(&who, |store| overwrite_key(store, 0), flush) {
            assert!(
                found == Some(value(0).into()),
                "the key was in memory, and meanwhile its memtable has become a table: \
                 {how} gives {found:?} {ORDER}"
            );
        }
    }
}

#[test]
fn what_is_merged_away_between_the_two_looks_is_no_gap() {
    let given = |store: &Lsm| {
        overwrite_key(store, 0);
        flush(store);
    };
    for (how, found) in found_by(&Who::Store, given, merge_away) {
        assert!(
            [0, 1].map(|round| Some(value(round).into())).contains(&found),
            "the key was in a table, and meanwhile it was overwritten, and both were merged: \
             {how} gives {found:?}, and there was never nothing {ORDER}"
        );
    }
    for (how, found) in found_by(&Who::Snapshot, given, merge_away) {
        assert!(
            found == Some(value(0).into()),
            "the key was overwritten and merged after that: {how} gives {found:?} {SNAPSHOT}"
        );
    }
}

#[test]
fn what_is_merged_away_while_a_snapshot_is_taken_is_not_what_it_sees() {
    let store = new_store();
    overwrite_key(&store, 0);
    flush(&store);
    let other = Arc::clone(&store);
    let snapshot =
        interrupt(Moment::BeforeSnapshot, move || merge_away(&other), || store.snapshot());
    let snapshot = snapshot.expect("it is open");
    for (name, look) in LOOKS {
        let found = look(&*snapshot).expect("a good disk");
        assert!(
            found == Some(value(1).into()),
            "the key was overwritten, and both were merged, before compaction knew of the snapshot: \
             {name} gives {found:?}, and should what is there. Does the number come from inside \
             of `add`? {SNAPSHOT}"
        );
    }
}
