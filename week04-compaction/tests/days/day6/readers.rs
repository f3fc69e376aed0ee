//! Readers, while flushes and compactions go on below them.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lsm::{LsmOptions, Strategy};
use wal::fs::SimFs;
use wal::testing::{batch, delete, put};
use wal::{Direction, Durability, Engine, Error, KeyRange, Reader};

use super::given::*;

#[test]
fn a_scan_that_was_begun_keeps_its_tables() {
    let sim = SimFs::new(1);
    let store = open(&sim, small());
    overwrite(&store, 0..30);
    let mut begun = store.scan(KeyRange::all(), Direction::Forward).expect("a good disk");
    let first = begun.next().expect("there are ten").expect("a good disk");
    overwrite(&store, 30..90);
    let rest: Result<Vec<_>, Error> = begun.collect();
    let rest = rest.unwrap_or_else(|error| {
        panic!(
            "a scan that began before compactions must not notice them, and fails: {error} {ORDER}"
        )
    });
    let found: Vec<_> = [first].into_iter().chain(rest).collect();
    assert!(found == after(29), "begun after round 29, the scan gives {found:?} {ORDER}");
    store.close().expect("a good disk");
    let (found, want) = (names(&sim, ".sst"), named_by(&store.version()));
    assert!(
        found == want,
        "without readers: {found:?} are on disk, {want:?} in the version {ENDS}"
    );
}

#[test]
fn a_visit_shows_entries_where_they_stand() {
    const COUNT: usize = 2_000;
    let with_memtables = |memtable_size| LsmOptions { memtable_size, ..LsmOptions::default() };
    let sim = SimFs::new(1);
    let store = open(&sim, with_memtables(40_000));
    for number in 0..COUNT {
        write(&store, &format!("key{number:05}"), &value(number), Durability::Buffered);
    }
    store.close().expect("a good disk");
    drop(store);
    // Neither a flush nor a compaction goes on behind what is measured.
    let store = open(&sim, with_memtables(1 << 30));
    store.settle().unwrap_or_else(|error| panic!("compaction must end, and: {error} {ENDS}"));
    let visit = || {
        let mut size = 0;
        let visited = store.visit(KeyRange::all(), Direction::Forward, &mut |key, value| {
            size += key.len() + value.len();
            ControlFlow::Continue(())
        });
        visited.expect("a good disk");
        size
    };
    // Then all blocks are in the cache.
    assert_eq!(visit(), COUNT * 48, "bytes of keys and values that a visit is shown {ORDER}");
    let allocated = crate::allocated_by(20, visit);
    assert!(
        allocated < 2 * COUNT,
        "a visit of {COUNT} entries allocates {allocated} bytes: keys and values are shown where they \
         stand, and nothing is allocated for each of them (`Reader::visit`) {ORDER}"
    );
}

#[test]
fn a_snapshot_sees_its_own_state_through_flushes_and_compactions() {
    for strategy in [Strategy::Leveled, Strategy::Tiered] {
        let store = open(&SimFs::new(2), LsmOptions { strategy, ..small() });
        let mut snapshots = Vec::new();
        for round in 0..60 {
            overwrite(&store, round..round + 1);
            if round % 7 == 0 {
                snapshots.push((round, store.snapshot().expect("it is open")));
            }
        }
        for key in 0..10 {
            let deleted = store.write(batch(&[delete(format!("key{key}"))]), Durability::Buffered);
            deleted.expect("a good disk");
        }
        for filler in 0..200 {
            write(&store, &format!("other{filler}"), &value(filler), Durability::Buffered);
        }
        for (round, snapshot) in &snapshots {
            let when = format!("{strategy:?}, the snapshot of round {round}:");
            expect_all(&**snapshot, &after(*round), &when, SNAPSHOT);
            let mut back = wal::testing::scan(&**snapshot, KeyRange::all(), Direction::Backward);
            back.reverse();
            assert!(back == after(*round), "{when} backward it gives {back:?} {SNAPSHOT}");
        }
        assert_eq!(store.get(b"key3").expect("a good disk"), None, "it was deleted {ORDER}");
    }
}

#[test]
fn what_is_deleted_in_memory_is_not_looked_for_in_tables() {
    let store = open(&SimFs::new(1), small());
    overwrite(&store, 0..30);
    store.write(batch(&[delete("key3")]), Durability::Buffered).expect("a good disk");
    let snapshot = store.snapshot().expect("it is open");
    for (who, reader) in [("the store", &store as &dyn Reader), ("a snapshot", &*snapshot)] {
        let found = reader.get(b"key3").expect("a good disk");
        assert_eq!(found, None, "key3 was deleted, its values are in tables: get of {who} {ORDER}");
        let keys: Vec<_> = all(reader).into_iter().map(|(key, _)| key).collect();
        assert!(
            !keys.contains(&"key3".into()),
            "key3 was deleted: a scan of {who} gives {keys:?} {ORDER}"
        );
    }
}

#[test]
fn compaction_knows_the_snapshots_that_are_alive_and_no_others() {
    let store = open(&SimFs::new(1), small());
    overwrite(&store, 0..1);
    let (one, two) = (store.snapshot().expect("it is open"), store.snapshot().expect("it is open"));
    assert_eq!(stat(&store, "snapshots"), 2, "two are alive {SNAPSHOT}");
    drop(one);
    assert_eq!(stat(&store, "snapshots"), 1, "of two of the same number one is alive {SNAPSHOT}");
    overwrite(&store, 1..60);
    expect_all(&*two, &after(0), "with its twin dropped,", SNAPSHOT);
    drop(two);
    assert_eq!(stat(&store, "snapshots"), 0, "none is alive {SNAPSHOT}");
    overwrite(&store, 60..200);
    store.close().expect("a good disk");
    let version = store.version();
    let entries: u64 = version.tables().map(|table| table.meta.entry_count).sum();
    assert!(
        entries < 400,
        "{entries} entries of ten keys are left, and nobody needs them {SNAPSHOT}"
    );
}

#[test]
fn a_snapshot_does_not_keep_a_store_open() {
    let sim = SimFs::new(1);
    let store = open(&sim, small());
    overwrite(&store, 0..5);
    let snapshot = store.snapshot().expect("it is open");
    drop(store);
    let refused = snapshot.get(b"key1");
    assert!(matches!(refused, Err(Error::Closed)), "of a store that is gone: {refused:?} {ENDS}");
    let refused = snapshot.scan(KeyRange::all(), Direction::Forward).err();
    assert!(matches!(refused, Some(Error::Closed)), "of a store that is gone: {refused:?} {ENDS}");
    open(&sim, small());
    drop(snapshot);
}

#[test]
fn snapshots_that_come_and_go_see_whole_rounds() {
    let store =
        open(&SimFs::new(5), LsmOptions { level0_tables: 1, memtable_size: 200, ..small() });
    let round_of = |round: usize| -> Vec<_> {
        (0..10).map(|key| put(format!("key{key}"), value(round))).collect()
    };
    store.write(batch(&round_of(0)), Durability::Buffered).expect("a good disk");
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let look = || {
            while !is_done.load(Ordering::Acquire) {
                let snapshot = store.snapshot().expect("it is open");
                let first = all(&*snapshot);
                assert_eq!(first.len(), 10, "entries that a snapshot sees {SNAPSHOT}");
                let is_whole = first.iter().all(|(_, value)| *value == first[0].1);
                assert!(is_whole, "a snapshot sees a round in part: {first:?} {SNAPSHOT}");
                for _ in 0..5 {
                    let again = all(&*snapshot);
                    assert!(again == first, "first {first:?},\nthen {again:?}\n{SNAPSHOT}");
                    let found = snapshot.get(b"key7").expect("a good disk");
                    assert_eq!(found.as_ref(), Some(&first[7].1), "get of key7 {SNAPSHOT}");
                }
            }
        };
        let readers = [scope.spawn(look), scope.spawn(look)];
        for round in 1..800 {
            store.write(batch(&round_of(round)), Durability::Buffered).expect("a good disk");
        }
        is_done.store(true, Ordering::Release);
        for reader in readers {
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}
