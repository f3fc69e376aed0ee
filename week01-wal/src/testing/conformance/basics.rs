//! One key at a time.

use crate::testing::given::{expect_entries, expect_get};
use crate::testing::{OpenEngine, delete, given, put, scan};
use crate::{Direction, KeyRange};

/// `get` after `put`, in the same store.
pub fn what_was_put_is_found(open: &OpenEngine) {
    let store = given(open, &[("b", "2"), ("a", "1")]);
    store.expect(&[("a", "1"), ("b", "2")]);
}

/// No value is `None`, and no error.
pub fn a_key_never_put_is_absent(open: &OpenEngine) {
    let store = given(open, &[]);
    store.expect(&[]);
    expect_get(&*store, "a", None);
    store.apply([put("b", "2")]);
    expect_get(&*store, "a", None);
    expect_get(&*store, "c", None);
}

/// An overwrite leaves one entry, with the new value.
pub fn the_latest_value_counts(open: &OpenEngine) {
    let mut store = given(open, &[("a", "1"), ("a", "a longer one"), ("b", "2"), ("a", "3")]);
    store.expect(&[("a", "3"), ("b", "2")]);
    store.reopen();
    store.expect(&[("a", "3"), ("b", "2")]);
}

/// Deleting what is not there is fine, and what was deleted can be put again.
pub fn a_deleted_key_is_absent(open: &OpenEngine) {
    let mut store = given(open, &[("a", "1"), ("b", "2")]);
    store.apply([delete("a")]);
    store.apply([delete("a")]);
    store.apply([delete("never there")]);
    expect_get(&*store, "a", None);
    store.expect(&[("b", "2")]);
    store.reopen();
    store.expect(&[("b", "2")]);
    store.apply([put("a", "again")]);
    store.expect(&[("a", "again"), ("b", "2")]);
}

/// No bytes at all are a key, and a value.
pub fn the_empty_key_and_the_empty_value_are_like_any_other(open: &OpenEngine) {
    let mut store = given(open, &[("", "value of the empty key"), ("a", "")]);
    store.expect(&[("", "value of the empty key"), ("a", "")]);
    store.reopen();
    store.expect(&[("", "value of the empty key"), ("a", "")]);
    store.apply([put("", ""), delete("a")]);
    store.expect(&[("", "")]);
    store.apply([delete("")]);
    store.expect(&[]);
}

/// Neither a zero nor a line end is special, and bytes are compared without a sign.
pub fn every_byte_is_allowed_in_keys_and_values(open: &OpenEngine) {
    let mut store = given(open, &[]);
    for byte in 0..=u8::MAX {
        store.apply([put([byte], [byte, !byte, byte])]);
    }
    for reopened in [false, true] {
        if reopened {
            store.reopen();
        }
        for byte in 0..=u8::MAX {
            expect_get(&*store, [byte], Some(&[byte, !byte, byte]));
        }
    }
    let entries = scan(&*store, KeyRange::all(), Direction::Forward);
    let found: Vec<&[u8]> = entries.iter().map(|(key, _)| &key[..]).collect();
    let expected: Vec<[u8; 1]> = (0..=u8::MAX).map(|byte| [byte]).collect();
    assert!(
        found.iter().eq(&expected),
        "keys come in the order of their bytes, 0x00 first and 0xff last, and came as {found:x?}"
    );
}

/// A key ends where it ends: `a` is neither `a\0` nor `aa`.
pub fn a_key_that_begins_another_is_not_that_other(open: &OpenEngine) {
    let store = given(open, &[("a", "1"), ("a\0", "2"), ("aa", "3"), ("a\0b", "4")]);
    store.expect(&[("a", "1"), ("a\0", "2"), ("a\0b", "4"), ("aa", "3")]);
    store.apply([delete("a\0")]);
    store.expect(&[("a", "1"), ("a\0b", "4"), ("aa", "3")]);
    let snapshot = store.snapshot().expect("an open store gives a snapshot");
    expect_entries(&*snapshot, &[("a", "1"), ("a\0b", "4"), ("aa", "3")]);
}

/// Up to a mebibyte, through reopening too.
pub fn large_values_come_back_whole(open: &OpenEngine) {
    let mut store = given(open, &[]);
    let sizes = [511, 512, 4095, 4096, 16_384, 65_536, 65_537, 1 << 20];
    let value = |size: usize| -> Vec<u8> { (0..size).map(|at| (at ^ at >> 8) as u8).collect() };
    for size in sizes {
        store.apply([put(size.to_string(), value(size))]);
    }
    for reopened in [false, true] {
        if reopened {
            store.reopen();
        }
        for size in sizes {
            expect_get(&*store, size.to_string(), Some(&value(size)));
        }
    }
}
