//! An entry of a memtable, and how the skip list compares it with a place that is only asked for.

use std::borrow::Borrow;
use std::cmp::Ordering;

use bytes::Bytes;

use crate::key::{InternalKey, Kind};

/// One version of a key, as the skip list holds it.
pub(crate) struct Entry {
    /// As [`prefix`] gives it: here, in the list's node, it saves most comparisons a look at the
    /// key, which lies elsewhere, and out of the processor's cache.
    prefix: u64,
    /// The user's key, and behind it the value.
    bytes: Bytes,
    /// As in [`InternalKey::trailer`].
    trailer: u64,
    /// Where in `bytes` the value begins; no record is larger than 64 MiB.
    key_size: u32,
}

impl Entry {
    /// The version with this trailer of the key that is the first `key_size` bytes.
    pub(crate) fn new(bytes: Bytes, key_size: usize, trailer: u64) -> Entry {
        let key_size = u32::try_from(key_size).expect("a key fits a record");
        Entry { prefix: prefix(&bytes[..key_size as usize]), bytes, trailer, key_size }
    }

    pub(crate) fn user_key(&self) -> &[u8] {
        &self.bytes[..self.key_size as usize]
    }

    /// Whether this is a version of `user_key`.
    pub(crate) fn is_of(&self, user_key: &[u8]) -> bool {
        self.prefix == prefix(user_key) && self.user_key() == user_key
    }

    /// The version that it is: among those of one key, the newest has the largest.
    pub(crate) fn trailer(&self) -> u64 {
        self.trailer
    }

    pub(crate) fn internal_key(&self) -> InternalKey<'_> {
        let kind = if self.trailer & 1 == Kind::Put as u64 { Kind::Put } else { Kind::Delete };
        InternalKey { user_key: self.user_key(), seq: self.trailer >> 8, kind }
    }

    /// The key, shared.
    pub(crate) fn key_bytes(&self) -> Bytes {
        self.bytes.slice(..self.key_size as usize)
    }

    /// The value, shared; empty if there is none.
    pub(crate) fn value(&self) -> Bytes {
        self.bytes.slice(self.key_size as usize..)
    }

    /// The value where it stands.
    pub(crate) fn value_bytes(&self) -> &[u8] {
        &self.bytes[self.key_size as usize..]
    }
}

/// What has a place in the order: an entry, or a key that one looks for.
///
/// The list searches for anything that an entry can be borrowed as, and an entry holds no
/// `InternalKey` to lend. A trait object it can lend: itself. That costs a call through a table a
/// comparison, and saves building an entry, with an allocation, for each `get`.
pub(crate) trait Position {
    /// What the order depends on.
    fn parts(&self) -> Parts<'_>;
}

/// What the order of entries depends on.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    prefix: u64,
    pub(crate) user_key: &'a [u8],
    pub(crate) trailer: u64,
}

impl Position for Entry {
    fn parts(&self) -> Parts<'_> {
        Parts { prefix: self.prefix, user_key: self.user_key(), trailer: self.trailer }
    }
}

/// A key that is looked for, ready to be compared with entries.
pub(crate) struct Target<'a>(Parts<'a>);

impl<'a> Target<'a> {
    pub(crate) fn new(key: InternalKey<'a>) -> Target<'a> {
        let (user_key, trailer) = (key.user_key, key.trailer());
        Target(Parts { prefix: prefix(user_key), user_key, trailer })
    }
}

impl Position for Target<'_> {
    fn parts(&self) -> Parts<'_> {
        self.0
    }
}

/// The first eight bytes of a key as a number, zeros behind a shorter one. If two of these differ,
/// they have the keys' order; if not, the keys have to be looked at.
fn prefix(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let size = key.len().min(8);
    bytes[..size].copy_from_slice(&key[..size]);
    u64::from_be_bytes(bytes)
}

/// The order of [`InternalKey`].
pub(crate) fn compare(left: &impl Position, right: &impl Position) -> Ordering {
    compare_parts(left.parts(), right.parts())
}

fn compare_parts(left: Parts<'_>, right: Parts<'_>) -> Ordering {
    (left.prefix.cmp(&right.prefix))
        .then_with(|| left.user_key.cmp(right.user_key))
        .then_with(|| right.trailer.cmp(&left.trailer))
}

impl<'a> Borrow<dyn Position + 'a> for Entry {
    fn borrow(&self) -> &(dyn Position + 'a) {
        self
    }
}

impl Ord for dyn Position + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_parts(self.parts(), other.parts())
    }
}

impl PartialOrd for dyn Position + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for dyn Position + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for dyn Position + '_ {}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_parts(self.parts(), other.parts())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}
