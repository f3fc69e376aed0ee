//! Readers, while flushes and compactions go on below them.

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use bytes::Bytes;
use lsm::{Lsm, LsmOptions, Strategy};
use wal::fs::SimFs;
use wal::testing::{Workload, batch, delete, for_each_seed, put};
use wal::{Direction, Durability, Engine, Error, KeyRange, Reader, Scan};

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
fn a_key_that_is_always_there_is_always_found() {
    // The writer goes on until the readers have looked so often.
    const LOOKS: usize = 20_000;
    for_each_seed(2, |sim| {
        let store = open(sim, LsmOptions { level0_tables: 1, memtable_size: 200, ..small() });
        overwrite(&store, 0..1);
        thread::scope(|scope| {
            let look = |reader: usize| {
                let (mut newest, key) = (0, format!("key{reader}"));
                for count in 0..LOOKS {
                    let found = store.get(key.as_bytes()).expect("a good disk");
                    let found = found.unwrap_or_else(|| {
                        panic!("{key} was never deleted, and get finds nothing {ORDER}")
                    });
                    let text = String::from_utf8_lossy(&found).replace('-', "");
                    let round: usize = text.parse().expect("what was put");
                    assert!(round >= newest, "{key}: round {round} after round {newest} {ORDER}");
                    newest = round;
                    if count % 8 == 0 {
                        let count = all(&store).len();
                        assert_eq!(
                            count, 10,
                            "ten keys are always there: entries of a scan {ORDER}"
                        );
                    }
                }
            };
            let readers = [0, 1, 2].map(|reader| scope.spawn(move || look(reader)));
            let mut rounds = 1..;
            while !readers.iter().all(|reader| reader.is_finished()) {
                let round = rounds.next().expect("there is no end");
                overwrite(&store, round..round + 1);
            }
            for reader in readers {
                reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        });
    });
}

/// One way to look at a key of a store.
type Look = fn(&Lsm, &[u8]) -> Result<bool, Error>;

/// All ways, with their names. A scan is begun in an instant and takes long to read: only where many
/// are begun does one begin just when something moves.
const LOOKS: [(&str, Look); 4] = [
    ("get", |store, key| Ok(store.get(key)?.is_some())),
    ("scan", |store, key| {
        let scans: Vec<_> = (0..8).map(|_| scan_of(store, key)).collect::<Result<_, _>>()?;
        for mut scan in scans {
            if scan.next().transpose()?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }),
    ("get of a snapshot", |store, key| Ok(store.snapshot()?.get(key)?.is_some())),
    ("scan of a snapshot", |store, key| {
        let snapshot = store.snapshot()?;
        Ok(scan_of(&*snapshot, key)?.next().transpose()?.is_some())
    }),
];

/// A scan from `key` to the same key.
fn scan_of<'a>(reader: &'a dyn Reader, key: &[u8]) -> Result<Scan<'a>, Error> {
    let key = Bytes::copy_from_slice(key);
    let range = KeyRange { start: Bound::Included(key.clone()), end: Bound::Included(key) };
    reader.scan(range, Direction::Forward)
}

#[test]
fn what_moves_from_memory_into_tables_is_found_all_the_while() {
    // Each key is put once: nothing newer in memory hides that it is missed while it moves.
    const KEYS: usize = 2_000;
    let options = LsmOptions { memtable_size: 300, level0_tables: 4, ..small() };
    let store = open(&SimFs::new(7), options);
    write(&store, "key0", "", Durability::Buffered);
    let newest = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (store, newest) = (&store, &newest);
        let read = |seed: usize, (how, look): (&str, Look)| {
            let mut dice = Workload::new(seed as u64);
            loop {
                let known = newest.load(Ordering::Acquire);
                if known == KEYS {
                    return;
                }
                // The memtables that are about to move have a handful of keys each.
                let key = format!("key{}", known.saturating_sub(dice.below(20)));
                let is_found = look(store, key.as_bytes()).expect("a good disk");
                assert!(is_found, "{key} was put before, and {how} finds nothing {ORDER}");
            }
        };
        let readers = LOOKS.into_iter().enumerate();
        let readers: Vec<_> =
            readers.map(|(seed, way)| scope.spawn(move || read(seed, way))).collect();
        for key in 1..=KEYS {
            if readers.iter().any(|reader| reader.is_finished()) {
                break;
            }
            write(store, &format!("key{key}"), "", Durability::Buffered);
            newest.store(key, Ordering::Release);
        }
        newest.store(KEYS, Ordering::Release);
        for reader in readers {
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
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
