//! The store as it was.

use crate::testing::given::{expect_entries, expect_get};
use crate::testing::{OpenEngine, TestStore, delete, given, put, scan};
use crate::{Direction, KeyRange, Reader};

#[track_caller]
fn snapshot(store: &TestStore<'_>) -> Box<dyn Reader> {
    let snapshot = store.snapshot();
    snapshot.unwrap_or_else(|error| panic!("a snapshot must be given, and failed: {error}"))
}

/// Overwritten, deleted and new keys: the snapshot has what was there.
pub fn a_snapshot_never_changes(open: &OpenEngine) {
    let store = given(open, &[("a", "1"), ("b", "2")]);
    let before = snapshot(&store);
    store.apply([put("a", "changed"), delete("b"), put("c", "new")]);
    expect_entries(&*before, &[("a", "1"), ("b", "2")]);
    expect_get(&*before, "c", None);
    store.expect(&[("a", "changed"), ("c", "new")]);
    store.apply([put("b", "back"), delete("a")]);
    expect_entries(&*before, &[("a", "1"), ("b", "2")]);
    store.expect(&[("b", "back"), ("c", "new")]);
}

/// A snapshot's scans, begun early or late, both ways, give one and the same.
pub fn a_snapshot_does_not_see_later_batches_in_any_scan(open: &OpenEngine) {
    let store = given(open, &[]);
    for number in (0..200).step_by(2) {
        store.apply([put(format!("{number:03}"), "old")]);
    }
    let before = snapshot(&store);
    let expected = scan(&*before, KeyRange::all(), Direction::Forward);
    assert_eq!(expected.len(), 100, "a snapshot has all that was written before it");
    for number in 0..200 {
        store.apply([put(format!("{number:03}"), "new")]);
        if number % 20 == 0 {
            let mut backward = scan(&*before, KeyRange::all(), Direction::Backward);
            backward.reverse();
            let same = backward == expected
                && scan(&*before, KeyRange::all(), Direction::Forward) == expected;
            assert!(same, "a scan of a snapshot changed after {} later writes", number + 1);
        }
    }
}

/// Each has its own instant, and dropping one leaves the others alone.
pub fn snapshots_do_not_disturb_each_other(open: &OpenEngine) {
    let store = given(open, &[]);
    let empty = snapshot(&store);
    store.apply([put("a", "1")]);
    let first = snapshot(&store);
    store.apply([put("a", "2"), put("b", "2")]);
    let second = snapshot(&store);
    store.apply([delete("a"), delete("b")]);
    expect_entries(&*first, &[("a", "1")]);
    drop(first);
    expect_entries(&*second, &[("a", "2"), ("b", "2")]);
    expect_entries(&*empty, &[]);
    drop(second);
    store.apply([put("z", "26")]);
    expect_entries(&*empty, &[]);
    store.expect(&[("z", "26")]);
}
