//! Entries as the tests of all days write and show them.

use std::fmt;

use memtable::{InternalKey, Kind};
use wal::Seq;
use wal::testing::show;

/// One version of a key, and its value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) user_key: Vec<u8>,
    pub(crate) seq: Seq,
    pub(crate) kind: Kind,
    pub(crate) value: Vec<u8>,
}

impl Entry {
    pub(crate) fn put(user_key: impl Into<Vec<u8>>, seq: Seq, value: impl Into<Vec<u8>>) -> Entry {
        Entry { user_key: user_key.into(), seq, kind: Kind::Put, value: value.into() }
    }

    pub(crate) fn key(&self) -> InternalKey<'_> {
        InternalKey { user_key: &self.user_key, seq: self.seq, kind: self.kind }
    }
}

/// `"stone"@7="x"`, `"stone"@9-`.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", show(&self.user_key), self.seq)?;
        match self.kind {
            Kind::Put => write!(f, "={}", show(&self.value)),
            Kind::Delete => f.write_str("-"),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Entries as a text, in the order of the text: `a@9=x a@4- @1=` is a value, a tombstone, and the
/// empty key's empty value.
pub(crate) fn as_written(text: &str) -> Vec<Entry> {
    let entry = |word: &str| {
        let (user_key, rest) = word.split_once('@').expect("a key, @ and a number");
        let (kind, (seq, value)) = match rest.strip_suffix('-') {
            Some(seq) => (Kind::Delete, (seq, "")),
            None => (Kind::Put, rest.split_once('=').expect("= and a value, or -")),
        };
        let seq = seq.parse().expect("a number");
        Entry { user_key: user_key.into(), seq, kind, value: value.into() }
    };
    text.split_whitespace().map(entry).collect()
}

/// The same in order.
pub(crate) fn entries(text: &str) -> Vec<Entry> {
    in_order(as_written(text))
}

/// Sorted, and each internal key once.
pub(crate) fn in_order(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|left, right| left.key().cmp(&right.key()));
    entries.dedup_by(|right, left| left.key() == right.key());
    entries
}
