//! What the lab's own tests are given, and the sentences they speak about it.

use std::cmp::Reverse;
use std::sync::Barrier;
use std::thread;

use memtable::{Cursor, InternalKey, Lookup, SEQ_MAX};
use wal::testing::show;
use wal::{Operation, Seq};

use super::MemTable;

/// A version of a key, in the order in which a table has them: the newest of a key first.
pub(super) type Version = (Vec<u8>, Reverse<Seq>);

pub(super) fn version(key: impl AsRef<[u8]>, seq: Seq) -> Version {
    (key.as_ref().to_vec(), Reverse(seq))
}

/// No two versions have the same value.
fn value(key: &[u8], seq: Seq) -> Vec<u8> {
    [&seq.to_le_bytes(), key].concat()
}

pub(super) fn insert(table: &MemTable, (key, Reverse(seq)): &Version) {
    table.insert(*seq, Operation::Put { key, value: &value(key, *seq) });
}

pub(super) fn table_of(versions: &[Version]) -> MemTable {
    let table = MemTable::new();
    versions.iter().for_each(|version| insert(&table, version));
    table
}

/// Every version from the first on, or from the last back; no more than `limit`, if they do not
/// end.
pub(super) fn walk(table: &MemTable, is_forward: bool, limit: usize) -> Vec<Version> {
    let (mut cursor, mut met) = (table.cursor(), Vec::new());
    if is_forward { cursor.first() } else { cursor.last() }.expect("memory does not fail");
    let shown = format!("{table:?}, {cursor:?}");
    assert!(shown.contains("len") && shown.contains("at"), "table and cursor, printed: {shown}");
    while let Some(version) = at(&cursor).filter(|_| met.len() < limit) {
        let (at_it, at_other) = (cursor.is_at(&version.0), cursor.is_at(b"\0no key of any test"));
        assert!(at_it, "a cursor is at {}, and `is_at` denies it", name(Some(&version)));
        assert!(!at_other, "a cursor is at {}, and at another key, too", name(Some(&version)));
        met.push(version);
        if is_forward { cursor.next() } else { cursor.prev() }.expect("memory does not fail");
    }
    met
}

/// The version that a cursor is at.
pub(super) fn at(cursor: &impl Cursor) -> Option<Version> {
    cursor.key().map(|InternalKey { user_key, seq, .. }| version(user_key, seq))
}

pub(super) fn name(version: Option<&Version>) -> String {
    version.map_or("nothing".into(), |(key, Reverse(seq))| format!("{}@{seq}", show(key)))
}

/// Checks that the table has these versions, in order both ways, and finds each.
#[track_caller]
pub(super) fn expect_all(table: &MemTable, versions: &[Version], why: &str) {
    let mut wanted = versions.to_vec();
    wanted.sort();
    assert!(!table.is_empty(), "there are entries in it, and it says that it is empty");
    expect_walk(table, true, &wanted, why);
    for (key, Reverse(seq)) in &wanted {
        expect_found(table, key, *seq, why);
    }
    wanted.reverse();
    expect_walk(table, false, &wanted, why);
}

#[track_caller]
fn expect_walk(table: &MemTable, is_forward: bool, wanted: &[Version], why: &str) {
    let met = walk(table, is_forward, wanted.len() + 1);
    let same = wanted.iter().zip(&met).take_while(|(wanted, met)| wanted == met).count();
    assert!(
        met == wanted,
        "a walk {} meets {} of {} versions in order; then comes {}, and {} must: {why}",
        if is_forward { "forward" } else { "backward" },
        same,
        wanted.len(),
        name(met.get(same)),
        name(wanted.get(same)),
    );
}

/// Checks that a snapshot at `seq` finds the version with that number: in the list, and through the
/// index in front of it.
#[track_caller]
pub(super) fn expect_found(table: &MemTable, key: &[u8], seq: Seq, why: &str) {
    let found = [("search", table.search(key, seq)), ("get", table.get(key, seq))];
    for (name, found) in found {
        assert!(
            found == Lookup::Value(value(key, seq).into()),
            "`{name}` of {} at {seq} must find what was put with this number, and gives {}: {why}",
            show(key),
            match &found {
                Lookup::Value(_) => "another version's value",
                Lookup::Deleted => "a tombstone",
                Lookup::Absent => "nothing",
            }
        );
    }
}

/// Checks that a key that nobody has put is not found.
#[track_caller]
pub(super) fn expect_absent(table: &MemTable, key: &[u8], why: &str) {
    for (name, found) in [("search", table.search(key, SEQ_MAX)), ("get", table.get(key, SEQ_MAX))]
    {
        let shown = show(key);
        assert!(found == Lookup::Absent, "`{name}` of {shown} gives {found:?}: {why}");
    }
}

/// All keys of these bytes, up to this size, in order.
pub(super) fn all_keys(bytes: &[u8], size_max: usize) -> Vec<Vec<u8>> {
    let mut keys = vec![vec![]];
    let mut longest = 0..1;
    for _ in 0..size_max {
        for at in longest.clone() {
            for byte in bytes {
                keys.push([&keys[at][..], &[*byte]].concat());
            }
        }
        longest = longest.end..keys.len();
    }
    keys.sort();
    keys
}

/// Every three numbers below `count`, the largest first.
pub(super) fn triples(count: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..count).flat_map(|third| {
        (0..third).flat_map(move |second| (0..second).map(move |first| (third, second, first)))
    })
}

/// Checks where `seek` and `seek_back` lead from each of `keys`. The table has three of them, given
/// in order and with their places in it, and they came in by `arrival`.
#[track_caller]
pub(super) fn expect_places(
    table: &MemTable,
    keys: &[Vec<u8>],
    chosen: &[(usize, Version); 3],
    arrival: &[Version; 3],
) {
    let mut cursor = table.cursor();
    for (at, key) in keys.iter().enumerate() {
        let target = InternalKey::lookup(key, 5);
        let ahead = chosen.iter().find(|(place, _)| *place >= at);
        let back = chosen.iter().rfind(|(place, _)| *place <= at);
        for (is_forward, wanted) in [(true, ahead), (false, back)] {
            let moved = if is_forward { cursor.seek(target) } else { cursor.seek_back(target) };
            moved.expect("memory does not fail");
            let wanted = wanted.map(|(_, version)| version);
            let found = self::at(&cursor);
            assert!(
                found.as_ref() == wanted,
                "after {} came in, `{}` of {} leads to {}, and must to {} (rule 2)",
                arrival.each_ref().map(|version| name(Some(version))).join(", "),
                if is_forward { "seek" } else { "seek_back" },
                show(key),
                name(found.as_ref()),
                name(wanted)
            );
        }
    }
}

/// Runs `work` on so many threads, which begin together and are told their number.
pub(super) fn at_once(threads: usize, work: impl Fn(usize) + Sync) {
    let (start, work) = (&Barrier::new(threads), &work);
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                start.wait();
                work(thread);
            });
        }
    });
}

/// `count` numbers below it, each once, in an order without pattern.
pub(super) fn shuffled(count: u64) -> impl Iterator<Item = u64> {
    // 514 229 is a prime: steps of it come by every number below a count that is no multiple of it.
    (0..count).map(move |n| n * 514_229 % count)
}
