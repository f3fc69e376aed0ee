//! What comes back, and what does not.

use std::path::Path;

use lsm::Lsm;
use wal::fs::SimFs;
use wal::testing::for_each_seed;
use wal::{Engine, Error, Reader};

use super::given::*;

/// A bucket with a backup of a store of some tables.
fn with_backup() -> (TestBucket, Vec<wal::Entry>) {
    let bucket = TestBucket::new();
    let store = filled(disk(&SimFs::new(1)));
    store.backup(&bucket.backups()).expect("a good disk and a good bucket");
    (bucket, all(&store))
}

/// Brings backup 1 back, which must fail; it is no store then.
#[track_caller]
fn expect_damage(bucket: &TestBucket, object: &str, what: &str) -> Error {
    let sim = SimFs::new(1);
    let restored = bucket.backups().restore(1, disk(&sim), Path::new(COPY));
    let Err(error) = restored else {
        panic!("{what}, and the backup comes back without a word {BACK}");
    };
    assert!(error.to_string().contains(object), "{what}, and the error is: {error} {BACK}");
    let opened = Lsm::open(disk(&sim), Path::new(COPY), small()).map(|store| all(&store));
    assert!(
        opened.as_ref().map_or(true, |entries| entries.is_empty()),
        "{what}, and what came back of it is a store with {opened:?} {FIRST}"
    );
    error
}

#[test]
fn a_damaged_or_missing_table_is_an_error_that_names_it() {
    let (bucket, want) = with_backup();
    for name in bucket.files() {
        let whole = bucket.get(&name);
        let places = [0, 1, 5, whole.len() / 2, whole.len() - 9, whole.len() - 1];
        for (at, bit) in places.into_iter().zip([0, 7, 3, 1, 6, 2]) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            bucket.put(&name, &bytes);
            let error =
                expect_damage(&bucket, &name, &format!("bit {bit} of byte {at} is flipped"));
            assert!(matches!(error, Error::Corruption { .. }), "it is no damage: {error:?} {BACK}");
        }
        let longer = [&whole[..], b"more"].concat();
        for (bytes, what) in [
            (&whole[..whole.len() - 1], "a byte is missing"),
            (&whole[..0], "all bytes are missing"),
            (&longer[..], "there are four bytes more"),
        ] {
            bucket.put(&name, bytes);
            let error = expect_damage(&bucket, &name, what);
            assert!(matches!(error, Error::Corruption { .. }), "it is no damage: {error:?} {BACK}");
        }
        bucket.remove(&name);
        let error = expect_damage(&bucket, &name, "a table is missing");
        assert!(
            matches!(error, Error::Corruption { .. }),
            "it is not there, and the error is {error:?}: of kind `NotFound` it would say that there is \
             no such backup {BACK}"
        );
        bucket.put(&name, &whole);
    }
    super::send::expect_back(&bucket.backups(), 1, &want, "with all tables as they were,");
}

#[test]
fn a_damaged_list_is_an_error_that_names_it() {
    let (bucket, _) = with_backup();
    let name = "backups/0000000001";
    let whole = bucket.get(name);
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        bucket.put(name, &bytes);
        expect_damage(&bucket, name, &format!("byte {at} of the list is damaged"));
        bucket.put(name, &whole[..at]);
        expect_damage(&bucket, name, &format!("the list is cut at byte {at}"));
    }
    let listed = bucket.backups().list();
    assert!(
        listed.as_ref().is_err_and(|error| error.to_string().contains(name)),
        "a list is damaged, and list() gives {listed:?} {BACK}"
    );
}

#[test]
fn a_directory_with_something_in_it_is_not_restored_into() {
    let (bucket, want) = with_backup();
    let backups = bucket.backups();
    let sim = SimFs::new(1);
    sim.overwrite("/full/of/letters", b"dear reader");
    let store = open(disk(&sim), DIR, small());
    let refused = backups.restore(1, disk(&sim), Path::new(DIR));
    assert!(
        matches!(refused, Err(Error::Locked { .. })),
        "a store is open there, and restore gives {refused:?} {FIRST}"
    );
    drop(store);
    for dir in ["/full/of", DIR] {
        let refused = backups.restore(1, disk(&sim), Path::new(dir));
        let there = names(&sim, dir);
        assert!(
            refused.as_ref().is_err_and(is_refusal),
            "{dir} has {there:?} in it, and restore gives {refused:?} {FIRST}"
        );
    }
    assert_eq!(sim.contents("/full/of/letters"), b"dear reader", "somebody's file {FIRST}");
    assert_eq!(all(&open(disk(&sim), DIR, small())), [], "the store that was there {FIRST}");
    super::send::expect_back(&backups, 1, &want, "after others were refused,");
}

#[test]
fn a_store_that_came_back_goes_on() {
    let (bucket, want) = with_backup();
    for_each_seed(20, |sim| {
        let restored = bucket.backups().restore(1, disk(sim), Path::new(DIR));
        restored.unwrap_or_else(|error| panic!("restore fails on a good disk: {error} {BACK}"));
        // Bytes that were not synced are gone, or are others.
        sim.power_cycle();
        let store = open(disk(sim), DIR, small());
        expect(&store, &want, "brought back, and the power cut,");
        overwrite(&store, 0..10);
        store.settle().expect("a good disk");
        store.close().expect("a good disk");
        drop(store);
        let store = open(disk(sim), DIR, small());
        let key0 = store.get(b"key0").expect("a good disk");
        let is_new = key0.is_some_and(|value| value.starts_with(b"9---"));
        assert!(is_new, "what was written to a store that came back is not there {BACK}");
        let again = bucket.backups().restore(1, disk(sim), Path::new(COPY));
        assert!(again.is_ok(), "a second time, elsewhere, it is {again:?} {BACK}");
    });
}
