//! A disk that fails, but does not crash.

use std::path::Path;
use std::sync::Arc;

use crate::fs::{Fault, Operation, SimFs};
use crate::testing::crash::{STORE_DIR, open_after};
use crate::testing::given::{expect_get, given_on};
use crate::testing::{Crash, Model, OpenEngine, put};
use crate::{Durability, Engine};

/// A second sync that goes well proves nothing: the kernel has dropped the pages and calls them
/// clean.
pub fn after_a_failed_sync_nothing_is_acknowledged(open: &OpenEngine) {
    nothing_is_acknowledged_after(open, Operation::Sync);
}

/// Of a failed write any part may be in the file; what follows it would stand behind a hole.
pub fn after_a_failed_write_nothing_is_acknowledged(open: &OpenEngine) {
    nothing_is_acknowledged_after(open, Operation::Write);
}

#[track_caller]
fn nothing_is_acknowledged_after(open: &OpenEngine, operation: Operation) {
    let (fs, mut model) = (SimFs::new(1), Model::new());
    let store = open(Arc::new(fs.clone()), Path::new(STORE_DIR));
    let store = store.unwrap_or_else(|error| panic!("a new store must open, and failed: {error}"));
    let safe = model.write(&*store, [put("safe", "1")], Durability::Synced);
    safe.unwrap_or_else(|error| panic!("a write must work, and failed: {error}"));
    fs.fail(operation, 1, Fault::Io);
    let failed = model.write(&*store, [put("doubtful", "2")], Durability::Synced);
    assert!(
        failed.is_err(),
        "the disk failed a {operation:?}, and the write that needed it was acknowledged as Synced"
    );
    // The model panics if any of these is acknowledged.
    for durability in [Durability::Synced, Durability::Flushed, Durability::Buffered] {
        let _ = model.write(&*store, [put("later", "3")], durability);
    }
    let _ = model.sync(&*store);
    expect_reopened_after_power_cut(open, &fs, &mut model, store);
}

#[track_caller]
fn expect_reopened_after_power_cut(
    open: &OpenEngine,
    fs: &SimFs,
    model: &mut Model,
    store: Box<dyn Engine>,
) {
    fs.power_cycle();
    drop(store);
    let store = open_after(Crash::PowerCut, open, fs);
    model.expect_after(Crash::PowerCut, &*store);
    let written = model.write(&*store, [put("and on", "4")], Durability::Synced);
    written.unwrap_or_else(|error| panic!("opened again, a store takes writes: {error}"));
}

/// The write that does not fit fails; with space again, the store opens and goes on.
pub fn a_full_disk_is_an_error_and_loses_nothing(open: &OpenEngine) {
    const WRITES_MAX: usize = 200;
    let (fs, mut model) = (SimFs::new(1), Model::new());
    let store = open(Arc::new(fs.clone()), Path::new(STORE_DIR));
    let store = store.unwrap_or_else(|error| panic!("a new store must open, and failed: {error}"));
    fs.set_free_space(Some(32 << 10));
    let mut written = 0;
    let full = loop {
        let changes = [put(format!("{written:04}"), [b'x'; 1000])];
        match model.write(&*store, changes, Durability::Synced) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(
            written < WRITES_MAX,
            "{written} kilobytes were acknowledged on a disk with room for 32"
        );
    };
    drop(store);
    fs.set_free_space(None);
    let store = match open(Arc::new(fs.clone()), Path::new(STORE_DIR)) {
        Ok(store) => store,
        Err(error) => panic!(
            "the disk was full ({full}); there is space again, and the store does not open: {error}"
        ),
    };
    model.expect_after(Crash::Kill, &*store);
    let more = model.write(&*store, [put("more", "space")], Durability::Synced);
    more.unwrap_or_else(|error| panic!("there is space again, and a write fails: {error}"));
    expect_reopened_after_power_cut(open, &fs, &mut model, store);
}

/// A store that reads its files may fail to answer, but must not say that a key is absent.
pub fn a_failed_read_is_an_error_and_never_a_wrong_answer(open: &OpenEngine) {
    let fs = SimFs::new(1);
    let mut store = given_on(open, fs.clone(), &[]);
    let keys: Vec<_> = (0..200).map(|number| format!("{number:03}")).collect();
    for key in &keys {
        store.apply([put(key, key)]);
    }
    store.reopen();
    fs.fail_from(Operation::Read, 1, Fault::Io);
    for key in &keys {
        match store.get(key.as_bytes()) {
            Ok(Some(value)) if value == key.as_bytes() => {}
            Ok(other) => panic!("the disk cannot read, and get({key:?}) gives {other:?}"),
            Err(_) => {}
        }
    }
    // A store that cannot read its files cannot open, unless it needs none of them.
    drop(store);
    if let Ok(store) = open(Arc::new(fs.clone()), Path::new(STORE_DIR)) {
        let missing = keys.iter().filter(|key| matches!(store.get(key.as_bytes()), Ok(None)));
        let missing = missing.count();
        assert_eq!(missing, 0, "opened on a disk that cannot read, {missing} keys were missing");
    }
    fs.clear_faults();
    let store = open_after(Crash::Kill, open, &fs);
    for key in &keys {
        expect_get(&*store, key, Some(key.as_bytes()));
    }
}
