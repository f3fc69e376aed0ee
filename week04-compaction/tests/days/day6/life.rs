//! A store that is opened, filled, closed and opened again.

use std::path::Path;
use std::sync::Arc;

use lsm::{Lsm, LsmOptions, Strategy};
use wal::fs::{Fs, OsFs, SimFs};
use wal::testing::{batch, for_each_seed, put};
use wal::{Durability, Engine, Error, Reader};

use super::given::*;

#[test]
fn what_memory_has_no_room_for_is_flushed_and_compacted() {
    for strategy in [Strategy::Leveled, Strategy::Tiered] {
        let store = open(&SimFs::new(1), LsmOptions { strategy, ..small() });
        overwrite(&store, 0..200);
        expect_all(&store, &after(199), "after 200 rounds", ORDER);
        // Writes stop at twelve tables: so they could not have come so far without compactions.
        for name in ["flushes", "compactions"] {
            let count = stat(&store, name);
            assert!(
                count > 0,
                "with {strategy:?}, after 100 KB in memtables of 400 bytes, {name} is 0"
            );
        }
        let level0 = stat(&store, "level0_tables");
        assert!(level0 <= 12 + 2, "{level0} tables are in level 0, and writes stop at 12 {ENDS}");
        let (flushed, written) =
            (stat(&store, "flushed_bytes"), stat(&store, "compaction_written"));
        assert!(flushed > 0 && written > 0, "{flushed} bytes flushed and {written} compacted");
    }
}

#[test]
fn a_store_that_is_opened_again_holds_what_it_held() {
    for_each_seed(8, |sim| {
        let store = open(sim, small());
        overwrite(&store, 0..30);
        store.close().expect("a good disk");
        drop(store);
        for time in ["first", "second", "third"] {
            let store = open(sim, small());
            expect_all(&store, &after(29), &format!("opened the {time} time"), FUNCTION);
            drop(store);
        }
    });
}

#[test]
fn opening_and_closing_leaves_nothing_behind() {
    let sim = SimFs::new(1);
    let store = open(&sim, small());
    overwrite(&store, 0..30);
    drop(store);
    let mut shapes = Vec::new();
    for _ in 0..10 {
        let store = open(&sim, small());
        store.close().expect("a good disk");
        let (found, want) = (names(&sim, ".sst"), named_by(&store.version()));
        assert!(
            found == want,
            "tables on disk: {found:?}, and the version has {want:?} {FUNCTION}"
        );
        let all = sim.list(Path::new(DIR)).expect("it is there");
        let manifests = all.iter().filter(|name| name.starts_with("MANIFEST")).count();
        assert_eq!(manifests, 1, "manifests in {all:?} {FUNCTION}");
        assert!(!all.iter().any(|name| name.ends_with(".tmp")), "left behind: {all:?} {FUNCTION}");
        shapes.push(all.len());
    }
    let (first, last) = (shapes[2], shapes[9]);
    assert!(
        last <= first,
        "there are {last} files after ten openings, {first} after three {FUNCTION}"
    );
}

#[test]
fn a_store_goes_from_one_strategy_to_the_other() {
    let sim = SimFs::new(3);
    for (life, strategy) in
        [Strategy::Leveled, Strategy::Tiered].into_iter().cycle().take(6).enumerate()
    {
        let store = open(&sim, LsmOptions { strategy, ..small() });
        if life > 0 {
            expect_all(&store, &after(life * 20 - 1), &format!("in life {life}"), FUNCTION);
        }
        overwrite(&store, life * 20..(life + 1) * 20);
        store.close().expect("a good disk");
    }
}

#[test]
fn both_threads_end_when_the_store_is_dropped() {
    for how in ["close and drop", "drop"] {
        let fs: Arc<dyn Fs> = Arc::new(SimFs::new(1));
        let store = Lsm::open(Arc::clone(&fs), Path::new(DIR), small()).expect("a good disk");
        overwrite(&store, 0..30);
        if how == "close and drop" {
            store.close().expect("a good disk");
        }
        drop(store);
        let holders = Arc::strong_count(&fs);
        assert_eq!(holders, 1, "after {how}, somebody still has the disk: a thread goes on {ENDS}");
    }
}

#[test]
fn a_store_that_is_closed_twice_is_closed() {
    let store = open(&SimFs::new(1), small());
    write(&store, "a", "1", Durability::Buffered);
    store.close().expect("a good disk");
    store.close().unwrap_or_else(|error| panic!("closing again fails: {error} {ENDS}"));
    let refused = store.write(batch(&[put("b", "2")]), Durability::Buffered);
    assert!(matches!(refused, Err(Error::Closed)), "a write after close gives {refused:?} {ENDS}");
    let refused = store.write(batch(&[]), Durability::Buffered);
    assert!(
        matches!(refused, Err(Error::Closed)),
        "a write of nothing after close gives {refused:?} {ENDS}"
    );
}

#[test]
fn a_directory_that_is_a_file_is_an_error_that_names_it() {
    let sim = SimFs::new(1);
    sim.overwrite("/db", b"a file");
    let error = try_open(&sim, small()).expect_err("a file is no directory");
    assert!(error.to_string().contains("/db"), "it does not name the file: {error} {NAMED}");
}

#[test]
fn a_store_works_on_a_real_disk() {
    let dir = tempfile::tempdir().expect("a real disk");
    let options = || LsmOptions {
        memtable_size: 64 << 10,
        table_size: 64 << 10,
        base_level_size: 256 << 10,
        ..LsmOptions::default()
    };
    let open = || {
        Lsm::open(Arc::new(OsFs), &dir.path().join("db"), options())
            .unwrap_or_else(|error| panic!("the store must open, and fails: {error} {FUNCTION}"))
    };
    let key = |index: u32| index.wrapping_mul(2_654_435_761).to_be_bytes();
    let value = |index: u32| [index as u8; 100];
    let store = open();
    for index in 0..20_000 {
        let durability = match index % 1000 {
            999 => Durability::Synced,
            _ => Durability::Buffered,
        };
        store.write(batch(&[put(key(index), value(index))]), durability).expect("a real disk");
    }
    store.close().expect("a real disk");
    drop(store);
    let store = open();
    for index in 0..20_000 {
        let found = store.get(&key(index)).expect("a real disk");
        assert!(
            found.as_deref() == Some(&value(index)[..]),
            "key {index}: got {found:?} {FUNCTION}"
        );
    }
    assert_eq!(all(&store).len(), 20_000, "entries of a scan {FUNCTION}");
}
