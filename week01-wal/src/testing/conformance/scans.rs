//! Ranges, both ways.

use std::ops::{Bound, ControlFlow};

use bytes::Bytes;

use crate::testing::{OpenEngine, TestStore, delete, given, put, scan, show};
use crate::{Direction, Entry, KeyRange, Reader};

const KEYS: [&[u8]; 8] = [b"", b"a", b"a\0", b"aa", b"b", b"c\xff", b"c\xff\xff", b"\xff\xff"];

/// Bounds on keys, between them, before the first and behind the last.
const BOUNDS: [&[u8]; 10] =
    [b"", b"\0", b"a", b"a\0", b"ab", b"b", b"bb", b"c\xff", b"\xff\xff", b"\xff\xff\xff"];

fn store_with_keys(open: &OpenEngine) -> TestStore<'_> {
    let store = given(open, &[]);
    // Not in key order, each in a batch of its own, one deleted again in the middle.
    for index in [3, 0, 7, 5, 1, 6, 2, 4] {
        store.apply([put(KEYS[index], [index as u8]), put("aaa", "x")]);
    }
    store.apply([delete("aaa")]);
    store
}

fn all_entries() -> Vec<Entry> {
    let keys = KEYS.iter().enumerate();
    keys.map(|(index, key)| {
        let value = Bytes::copy_from_slice(&[index as u8]);
        (Bytes::from_static(key), value)
    })
    .collect()
}

/// A scan and a visit, compared with the entries that lie inside.
#[track_caller]
fn expect_scan(reader: &dyn Reader, range: KeyRange) {
    for direction in [Direction::Forward, Direction::Backward] {
        let mut expected = all_entries();
        expected.retain(|(key, _)| range.contains(key));
        if direction == Direction::Backward {
            expected.reverse();
        }
        let found = scan(reader, range.clone(), direction);
        let keys = |entries: &[Entry]| {
            let keys = entries.iter().map(|(key, _)| show(key).to_string());
            keys.collect::<Vec<_>>().join(" ")
        };
        assert!(
            found == expected,
            "scanning {range:?}, {direction:?}, gives the keys\n  {}\nand should give\n  {}",
            keys(&found),
            keys(&expected)
        );
        for limit in [1, 3, usize::MAX] {
            let met = visit(reader, range.clone(), direction, limit);
            let wanted = &expected[..expected.len().min(limit)];
            assert!(
                met == wanted,
                "a visit to {range:?}, {direction:?}, of {limit} entries at most, is shown the keys\n  \
                 {}\nand should be shown what a scan gives\n  {}",
                keys(&met),
                keys(wanted)
            );
        }
    }
}

/// What a visit is shown that breaks off at so many entries.
fn visit(reader: &dyn Reader, range: KeyRange, direction: Direction, limit: usize) -> Vec<Entry> {
    let mut met = Vec::new();
    let visited = reader.visit(range, direction, &mut |key, value| {
        met.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
        if met.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    visited.unwrap_or_else(|error| panic!("a visit must work, and failed: {error}"));
    met
}

/// Included, excluded and unbounded, at each end, on keys and between them.
pub fn all_nine_kinds_of_bounds_agree_with_a_model(open: &OpenEngine) {
    let store = store_with_keys(open);
    let snapshot = store.snapshot().expect("an open store gives a snapshot");
    let bound_kinds = [Bound::Included, Bound::Excluded, |_| Bound::Unbounded];
    for (start, end) in BOUNDS.iter().flat_map(|start| BOUNDS.map(|end| (*start, end))) {
        for start_kind in bound_kinds {
            for end_kind in bound_kinds {
                let start = start_kind(Bytes::from_static(start));
                let end = end_kind(Bytes::from_static(end));
                let range = KeyRange { start, end };
                expect_scan(&*store, range.clone());
                expect_scan(&*snapshot, range);
            }
        }
    }
}

/// `b..a`, `a..a` and the like are empty, and no reason to panic.
pub fn an_empty_or_inverted_range_gives_nothing(open: &OpenEngine) {
    let store = store_with_keys(open);
    let (low, high) = (Bytes::from_static(b"a"), Bytes::from_static(b"b"));
    let empty = [
        (Bound::Included(high.clone()), Bound::Excluded(low.clone())),
        (Bound::Included(high.clone()), Bound::Included(low.clone())),
        (Bound::Excluded(high), Bound::Excluded(low.clone())),
        (Bound::Included(low.clone()), Bound::Excluded(low.clone())),
        (Bound::Excluded(low.clone()), Bound::Included(low.clone())),
        (Bound::Excluded(low.clone()), Bound::Excluded(low)),
    ];
    for (start, end) in empty {
        expect_scan(&*store, KeyRange { start, end });
    }
}

/// Also where the prefix ends in `0xff`, and no byte can be raised to find its end.
pub fn a_prefix_gives_the_keys_that_begin_with_it(open: &OpenEngine) {
    let store = store_with_keys(open);
    for prefix in [&b""[..], b"a", b"aa", b"c", b"c\xff", b"d", b"\xff", b"\xff\xff\xff"] {
        let range = KeyRange::prefix(prefix);
        expect_scan(&*store, range.clone());
        let keys =
            |range| scan(&*store, range, Direction::Forward).into_iter().map(|entry| entry.0);
        let expected = keys(KeyRange::all()).filter(|key| key.starts_with(prefix));
        assert!(
            keys(range).eq(expected),
            "the keys in `KeyRange::prefix({0})` are those that begin with {0}, all of them",
            show(prefix)
        );
    }
}

/// Writes that come while a scan is under way are not in it.
pub fn a_scan_sees_one_instant(open: &OpenEngine) {
    for direction in [Direction::Forward, Direction::Backward] {
        let store = given(open, &[]);
        for number in 0..300 {
            store.apply([put(format!("{number:03}"), "old")]);
        }
        let expected = scan(&*store, KeyRange::all(), direction);
        let scan = store.scan(KeyRange::all(), direction);
        let mut scan = scan.unwrap_or_else(|error| panic!("a scan must work, and failed: {error}"));
        let mut found: Vec<Entry> = scan.by_ref().take(5).filter_map(Result::ok).collect();
        for number in 0..300 {
            let key = format!("{number:03}");
            store.apply([put(format!("{key} and a half"), "new")]);
            match number % 2 {
                0 => store.apply([put(key, "new")]),
                _ => store.apply([delete(key)]),
            };
        }
        found.extend(scan.filter_map(Result::ok));
        let changed = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        assert!(
            found == expected,
            "a scan, {direction:?}, sees the store at the instant it began, and this one saw later \
             writes: it gave {} entries for {}, the first wrong one is number {changed:?}",
            found.len(),
            expected.len()
        );
    }
}
