//! What day 3's tests are given, and the sentences they speak about it.

use std::cmp::Reverse;
use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::path::PathBuf;

use bytes::Bytes;
use memtable::{Cursor, InternalKey, Kind, SEQ_MAX, cursor};
use wal::testing::show;
use wal::{Direction, Error, KeyRange, Operation, Result, Seq};

use super::MemTable;

/// One version of a key: an entry, or a place where one could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) key: Vec<u8>,
    pub(super) seq: Seq,
    pub(super) kind: Kind,
}

impl Version {
    /// What the order depends on: keys ascending, numbers and kinds descending.
    fn order(&self) -> impl Ord + '_ {
        (&self.key, Reverse(self.seq), Reverse(self.kind as u8))
    }

    pub(super) fn internal_key(&self) -> InternalKey<'_> {
        InternalKey { user_key: &self.key, seq: self.seq, kind: self.kind }
    }

    /// No two entries have the same value, unless they are tombstones.
    fn value(&self) -> Vec<u8> {
        if self.kind == Kind::Put { self.to_string().into_bytes() } else { Vec::new() }
    }

    pub(super) fn insert_into(&self, table: &MemTable) {
        let (key, value) = (&self.key[..], self.value());
        let operation = match self.kind {
            Kind::Put => Operation::Put { key, value: &value },
            Kind::Delete => Operation::Delete { key },
        };
        table.insert(self.seq, operation);
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind == Kind::Put { "put" } else { "delete" };
        match self.seq {
            SEQ_MAX => write!(f, "{}@SEQ_MAX {kind}", show(&self.key)),
            seq => write!(f, "{}@{seq} {kind}", show(&self.key)),
        }
    }
}

pub(super) fn put(key: impl AsRef<[u8]>, seq: Seq) -> Version {
    Version { key: key.as_ref().to_vec(), seq, kind: Kind::Put }
}

pub(super) fn delete(key: impl AsRef<[u8]>, seq: Seq) -> Version {
    Version { kind: Kind::Delete, ..put(key, seq) }
}

// ANCHOR: listing_versions
/// Three versions, a tombstone between two puts.
pub(super) fn versions(key: impl AsRef<[u8]>) -> [Version; 3] {
    let key = key.as_ref();
    [put(key, 8), delete(key, 5), put(key, 3)]
}
// ANCHOR_END: listing_versions

/// Keys that are easily mixed up: empty, zeros, and each the beginning of another.
pub(super) const KEYS: [&str; 5] = ["", "\0", "a", "a\0", "b"];

/// All versions of all keys.
pub(super) fn all_versions() -> Vec<Version> {
    sorted(KEYS.iter().flat_map(versions))
}

pub(super) fn sorted(versions: impl IntoIterator<Item = Version>) -> Vec<Version> {
    let mut sorted: Vec<_> = versions.into_iter().collect();
    sorted.sort_by(|left, right| left.order().cmp(&right.order()));
    sorted
}

/// A memtable with these entries, which go in from the last to the first.
pub(super) fn table_of(versions: &[Version]) -> MemTable {
    let table = MemTable::new();
    versions.iter().rev().for_each(|version| version.insert_into(&table));
    table
}

/// Every place that a target can name around the [`KEYS`], entries or not.
pub(super) fn targets() -> Vec<Version> {
    let keys = KEYS.iter().copied().chain(["\0\0", "aa", "b\0", "c"]);
    let seqs = [0, 2, 3, 4, 5, 6, 8, 9, SEQ_MAX];
    let places = keys.flat_map(|key| seqs.map(|seq| [put(key, seq), delete(key, seq)]));
    places.flatten().collect()
}

/// What a cursor can be told to do.
#[derive(Debug, Clone)]
pub(super) enum Move {
    First,
    Last,
    Seek(Version),
    SeekBack(Version),
    Next,
    Prev,
}

impl Move {
    #[track_caller]
    pub(super) fn make(&self, cursor: &mut impl Cursor) {
        let moved = match self {
            Move::First => cursor.first(),
            Move::Last => cursor.last(),
            Move::Seek(target) => cursor.seek(target.internal_key()),
            Move::SeekBack(target) => cursor.seek_back(target.internal_key()),
            Move::Next => cursor.next(),
            Move::Prev => cursor.prev(),
        };
        moved.unwrap_or_else(|error| panic!("{self}: memory does not fail, and this did: {error}"));
    }

    /// Where the move leads from `at`, among `entries`.
    pub(super) fn of_model(&self, at: Option<&Version>, entries: &[Version]) -> Option<Version> {
        let entry = match self {
            Move::First => entries.first(),
            Move::Last => entries.last(),
            Move::Seek(target) => entries.iter().find(|entry| entry.order() >= target.order()),
            Move::SeekBack(target) => entries.iter().rfind(|entry| entry.order() <= target.order()),
            Move::Next => {
                entries.iter().find(|entry| at.is_some_and(|at| entry.order() > at.order()))
            }
            Move::Prev => {
                entries.iter().rfind(|entry| at.is_some_and(|at| entry.order() < at.order()))
            }
        };
        entry.cloned()
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Move::First => f.write_str("first"),
            Move::Last => f.write_str("last"),
            Move::Seek(target) => write!(f, "seek({target})"),
            Move::SeekBack(target) => write!(f, "seek_back({target})"),
            Move::Next => f.write_str("next"),
            Move::Prev => f.write_str("prev"),
        }
    }
}

/// The entry that the cursor is at, or none.
#[track_caller]
pub(super) fn entry_at(cursor: &impl Cursor) -> Option<Version> {
    let InternalKey { user_key, seq, kind } = cursor.key()?;
    let version = Version { key: user_key.to_vec(), seq, kind };
    let (key, value) = cursor.entry();
    assert!(
        (&key[..], &value[..]) == (user_key, &version.value()),
        "at {version}, `entry` gives the key {} and the value {}",
        show(&key),
        show(&value)
    );
    Some(version)
}

#[track_caller]
pub(super) fn expect_at(cursor: &impl Cursor, expected: Option<&Version>, why: &str) {
    let found = entry_at(cursor);
    assert!(
        found.as_ref() == expected,
        "{why}: the cursor must be at {}, and is at {}",
        show_place(expected),
        show_place(found.as_ref())
    );
}

/// Makes one step after the other, and checks that it meets these entries and then none.
#[track_caller]
pub(super) fn expect_ahead(cursor: &mut impl Cursor, step: &Move, ahead: &[Version], why: &str) {
    for entry in ahead {
        step.make(cursor);
        expect_at(cursor, Some(entry), why);
    }
    step.make(cursor);
    expect_at(cursor, None, why);
}

fn show_place(at: Option<&Version>) -> String {
    at.map_or("no entry".to_string(), Version::to_string)
}

/// Every range that begins and ends at one of these keys, or nowhere: all nine kinds, and among
/// them the empty ones and those whose start is behind their end.
pub(super) fn ranges(keys: &[&str]) -> Vec<KeyRange> {
    let bounds = || {
        let at = |key: &&str| Bytes::copy_from_slice(key.as_bytes());
        let both = move |key| [Bound::Included(at(key)), Bound::Excluded(at(key))];
        keys.iter().flat_map(both).chain([Bound::Unbounded])
    };
    bounds().flat_map(|start| bounds().map(move |end| (start.clone(), end))).map(range).collect()
}

fn range((start, end): (Bound<Bytes>, Bound<Bytes>)) -> KeyRange {
    KeyRange { start, end }
}

/// Enters the range and walks on while keys are inside, as every scan does, and checks that it
/// meets the entries that a model says: all that are inside.
#[track_caller]
pub(super) fn expect_walk(
    table: &MemTable,
    entries: &[Version],
    range: &KeyRange,
    direction: Direction,
) {
    let bounds = (range.start.as_ref().map(|key| &key[..]), range.end.as_ref().map(|key| &key[..]));
    let is_inside = |entry: &&Version| RangeBounds::<[u8]>::contains(&bounds, &entry.key[..]);
    let mut expected: Vec<_> = entries.iter().filter(is_inside).collect();
    let step = match direction {
        Direction::Forward => Move::Next,
        Direction::Backward => {
            expected.reverse();
            Move::Prev
        }
    };
    let mut cursor = table.cursor();
    cursor::enter(&mut cursor, range, direction).expect("memory does not fail");
    let shown = format!("{cursor:?}");
    assert!(shown.contains("at"), "a cursor is printed by the entry that it is at: {shown}");
    let mut found = Vec::new();
    while let Some(entry) = entry_at(&cursor).filter(|entry| range.contains(&entry.key)) {
        found.push(entry);
        assert!(found.len() <= entries.len(), "a walk through {range:?} does not end");
        step.make(&mut cursor);
    }
    assert!(
        found.iter().eq(expected.iter().copied()),
        "{direction:?} through {range:?} of\n  {}\na walk must meet\n  {}\nand met\n  {}\n(rule 5 \
         of day 3)",
        list(entries),
        list(expected),
        list(&found)
    );
}

fn list<'a>(versions: impl IntoIterator<Item = &'a Version>) -> String {
    let names: Vec<_> = versions.into_iter().map(Version::to_string).collect();
    if names.is_empty() { "nothing".to_string() } else { names.join(", ") }
}

/// A cursor that counts its moves. The one with number `fails_at` fails, and leaves it at no entry.
pub(super) struct Watched<C> {
    pub(super) inner: C,
    pub(super) moves: usize,
    pub(super) fails_at: Option<usize>,
    has_failed: bool,
}

impl<C: Cursor> Watched<C> {
    pub(super) fn new(inner: C, fails_at: Option<usize>) -> Watched<C> {
        Watched { inner, moves: 0, fails_at, has_failed: false }
    }

    fn make(&mut self, make: impl FnOnce(&mut C) -> Result<()>) -> Result<()> {
        self.moves += 1;
        self.has_failed = self.fails_at == Some(self.moves);
        if self.has_failed {
            let (file, reason) = (PathBuf::from("a"), "a test broke it".to_string());
            return Err(Error::Corruption { file, offset: 0, reason });
        }
        make(&mut self.inner)
    }
}

impl<C: Cursor> Cursor for Watched<C> {
    fn first(&mut self) -> Result<()> {
        self.make(C::first)
    }

    fn last(&mut self) -> Result<()> {
        self.make(C::last)
    }

    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.make(|inner| inner.seek(target))
    }

    fn seek_back(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.make(|inner| inner.seek_back(target))
    }

    fn next(&mut self) -> Result<()> {
        self.make(C::next)
    }

    fn prev(&mut self) -> Result<()> {
        self.make(C::prev)
    }

    fn key(&self) -> Option<InternalKey<'_>> {
        if self.has_failed { None } else { self.inner.key() }
    }

    fn entry(&self) -> (Bytes, Bytes) {
        assert!(!self.has_failed, "entry() of a cursor that is at none");
        self.inner.entry()
    }
}
