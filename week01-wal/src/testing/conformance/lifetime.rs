//! Opening, closing, and who may.

use crate::testing::given::expect_entries;
use crate::testing::{OpenEngine, batch, delete, given, put};
use crate::{Direction, Durability, Error, KeyRange, Result};

/// Several times over, with writes in between.
pub fn reopening_finds_everything(open: &OpenEngine) {
    let mut store = given(open, &[]);
    store.reopen();
    store.expect(&[]);
    store.apply([put("a", "1"), put("b", "2")]);
    store.reopen();
    store.expect(&[("a", "1"), ("b", "2")]);
    store.apply([delete("a"), put("c", "3")]);
    store.reopen();
    store.reopen();
    store.expect(&[("b", "2"), ("c", "3")]);
}

/// Two stores over one directory would write over each other.
pub fn a_second_opener_is_refused(open: &OpenEngine) {
    let store = given(open, &[("a", "1")]);
    for attempt in 1..=3 {
        match store.open_again() {
            Ok(_) => panic!("the directory is in use, and a second opener was let in"),
            Err(Error::Locked { .. }) => {}
            Err(other) => panic!(
                "attempt {attempt} to open a directory in use should be refused as Locked, and \
                 failed otherwise: {other}"
            ),
        }
    }
    store.apply_as(Durability::Synced, [put("b", "2")]);
    store.expect(&[("a", "1"), ("b", "2")]);
}

/// Even while the closed store itself still exists.
pub fn the_directory_is_free_after_close(open: &OpenEngine) {
    let store = given(open, &[("a", "1")]);
    store.close().unwrap_or_else(|error| panic!("close must work, and failed: {error}"));
    let again = store.open_again();
    let again = again.unwrap_or_else(|error| panic!("after close the directory is free: {error}"));
    expect_entries(&*again, &[("a", "1")]);
}

/// A store that is dropped lets go; what was flushed is there.
pub fn the_directory_is_free_after_drop(open: &OpenEngine) {
    let mut store = given(open, &[]);
    store.apply_as(Durability::Flushed, [put("a", "1")]);
    store.drop_store();
    let again = store.open_again();
    let again = again.unwrap_or_else(|error| panic!("after drop the directory is free: {error}"));
    expect_entries(&*again, &[("a", "1")]);
}

/// Each call is [`Error::Closed`], but for `close` and `stats`.
pub fn a_closed_store_refuses_everything(open: &OpenEngine) {
    #[track_caller]
    fn expect_closed<T>(call: &str, result: Result<T>) {
        match result {
            Err(Error::Closed) => {}
            Err(other) => panic!("{call} on a closed store should be Closed, and is: {other}"),
            Ok(_) => panic!("{call} on a closed store should be Closed, and went well"),
        }
    }
    let store = given(open, &[("a", "1")]);
    store.close().unwrap_or_else(|error| panic!("close must work, and failed: {error}"));
    expect_closed("get", store.get(b"a"));
    expect_closed("get of an absent key", store.get(b"b"));
    expect_closed("scan", store.scan(KeyRange::all(), Direction::Forward));
    expect_closed("snapshot", store.snapshot());
    expect_closed("sync", store.sync());
    for durability in [Durability::Buffered, Durability::Flushed, Durability::Synced] {
        expect_closed("write", store.write(batch(&[put("b", "2")]), durability));
    }
    store.stats();
    if let Err(error) = store.close() {
        panic!("closing a second time is without effect, and failed: {error}");
    }
    let again = store.open_again();
    let again = again.unwrap_or_else(|error| panic!("after close the directory is free: {error}"));
    expect_entries(&*again, &[("a", "1")]);
}
