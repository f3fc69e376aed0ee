//! The contract that every store in this course keeps, from week 1's log store to week 7's
//! replicated one.
//!
//! One suite ([`testing::conformance`](crate::testing::conformance)) runs over all of them, so the
//! words below are tested:
//!
//! * **atomic**: a [`WriteBatch`] is there whole or not at all, to readers and after a crash;
//! * **ordered**: if a batch survived a crash, so did every batch written before it;
//! * **durable**: as the batch's [`Durability`] says, from the moment `write` returns;
//! * **isolated**: a snapshot or a scan sees one instant, whatever is written meanwhile.

use std::ops::{Bound, ControlFlow};

use bytes::Bytes;

use crate::{Result, WriteBatch};

/// The number of an operation in a store's history: each put or delete has the next one, from 1.
pub type Seq = u64;

/// One key and its value. Both are shared, not copied: cloning costs a reference count.
pub type Entry = (Bytes, Bytes);

/// Entries in key order, or its reverse; see [`Reader::scan`].
///
/// After an error the iterator ends.
pub type Scan<'a> = Box<dyn Iterator<Item = Result<Entry>> + Send + 'a>;

/// What is shown the entries that [`Reader::visit`] meets: key and value, where they stand. It says
/// whether to go on.
pub type Visitor<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// What a write survives, from the moment it is acknowledged.
///
/// | | this process is killed | the machine loses power |
/// |---|---|---|
/// | [`Buffered`](Durability::Buffered) | may be lost | may be lost |
/// | [`Flushed`](Durability::Flushed) | survives | may be lost |
/// | [`Synced`](Durability::Synced) | survives | survives |
///
/// What is lost is always the newest part: never a batch without those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Durability {
    /// In this process's memory. Costs a copy.
    Buffered,
    /// Handed to the operating system. Costs a system call.
    Flushed,
    /// On the disk. Costs a sync, which is shared with all who wait at the same time.
    Synced,
}

/// Which way a scan walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// A range of keys, compared byte by byte; any of the nine combinations of bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The lower bound.
    pub start: Bound<Bytes>,
    /// The upper bound.
    pub end: Bound<Bytes>,
}

impl KeyRange {
    /// Every key.
    pub fn all() -> KeyRange {
        KeyRange { start: Bound::Unbounded, end: Bound::Unbounded }
    }

    /// From `start`, included, up to `end`, left out.
    pub fn half_open(start: impl Into<Bytes>, end: impl Into<Bytes>) -> KeyRange {
        KeyRange { start: Bound::Included(start.into()), end: Bound::Excluded(end.into()) }
    }

    /// Every key that begins with `prefix`.
    ///
    /// The end is the prefix with its last byte below `0xff` raised by one, and unbounded if there
    /// is no such byte.
    pub fn prefix(prefix: impl Into<Bytes>) -> KeyRange {
        let start: Bytes = prefix.into();
        let end = match start.iter().rposition(|&byte| byte < 0xff) {
            Some(last) => {
                let mut end = start[..=last].to_vec();
                end[last] += 1;
                Bound::Excluded(end.into())
            }
            None => Bound::Unbounded,
        };
        KeyRange { start: Bound::Included(start), end }
    }

    /// Whether no key can lie inside, such as in `b..a`. Ask before handing the range to a
    /// `BTreeMap`, which panics at such bounds.
    pub fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (Bound::Included(start), Bound::Excluded(end))
            | (Bound::Excluded(start), Bound::Included(end))
            | (Bound::Excluded(start), Bound::Excluded(end)) => start >= end,
            _ => false,
        }
    }

    /// Whether `key` lies inside.
    pub fn contains(&self, key: &[u8]) -> bool {
        let after_start = match &self.start {
            Bound::Included(start) => key >= &start[..],
            Bound::Excluded(start) => key > &start[..],
            Bound::Unbounded => true,
        };
        let before_end = match &self.end {
            Bound::Included(end) => key <= &end[..],
            Bound::Excluded(end) => key < &end[..],
            Bound::Unbounded => true,
        };
        after_start && before_end
    }
}

/// Something that can be read: a store as it is now, or a snapshot of it.
pub trait Reader: Send + Sync {
    /// The value of `key`, if it has one. Any bytes are a key, none at all included.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>>;

    /// The entries in `range`, one instant's picture of them.
    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Scan<'_>>;

    /// Shows `visitor` what a scan would give, until that breaks off. Going forward, a store that can
    /// shows each entry where it stands, and copies nothing: for whoever counts, sums or filters.
    ///
    /// The store is not locked meanwhile, and the visitor may use it.
    ///
    /// # Errors
    ///
    /// Those of the scan; what was shown before them was right.
    fn visit(
        &self,
        range: KeyRange,
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<()> {
        show_all(self.scan(range, direction)?, visitor)
    }
}

/// Shows `visitor` each entry, until it breaks off.
///
/// # Errors
///
/// The first error among the entries, at which it ends.
pub fn show_all(
    entries: impl Iterator<Item = Result<Entry>>,
    visitor: &mut Visitor<'_>,
) -> Result<()> {
    for entry in entries {
        let (key, value) = entry?;
        if visitor(&key, &value).is_break() {
            break;
        }
    }
    Ok(())
}

/// A store: an ordered map from bytes to bytes that survives what [`Durability`] says.
pub trait Engine: Reader {
    /// Applies all of `batch` or nothing, and returns the number of its last operation.
    ///
    /// Operations take effect in the order they were added. An empty batch writes nothing and
    /// returns the store's last number, even if an earlier failure has poisoned the store.
    ///
    /// # Errors
    ///
    /// Whatever the error, the batch was not acknowledged: it may be visible until the store is
    /// reopened, and there or not there afterwards, but whole. After an [`Error::Io`] every
    /// further write is [`Error::Poisoned`]; after [`Error::RecordTooLarge`] nothing has changed.
    ///
    /// [`Error::Io`]: crate::Error::Io
    /// [`Error::Poisoned`]: crate::Error::Poisoned
    /// [`Error::RecordTooLarge`]: crate::Error::RecordTooLarge
    fn write(&self, batch: WriteBatch, durability: Durability) -> Result<Seq>;

    /// The store as it is now, unchanged by later writes for as long as the snapshot lives.
    fn snapshot(&self) -> Result<Box<dyn Reader>>;

    /// Makes everything written so far [`Durability::Synced`].
    fn sync(&self) -> Result<()>;

    /// Counters since `open`, for people and for tests.
    fn stats(&self) -> Stats;

    /// Syncs and lets go of the directory. Later calls are [`Error::Closed`], but for `close`
    /// itself, which is then without effect.
    ///
    /// Dropping a store does not sync: what was `Buffered` may be lost.
    ///
    /// [`Error::Closed`]: crate::Error::Closed
    fn close(&self) -> Result<()>;

    /// Writes one key: a batch of one.
    fn put(&self, key: &[u8], value: &[u8], durability: Durability) -> Result<Seq> {
        let mut batch = WriteBatch::new();
        batch.put(key, value);
        self.write(batch, durability)
    }

    /// Deletes one key: a batch of one. A key that is not there is fine.
    fn delete(&self, key: &[u8], durability: Durability) -> Result<Seq> {
        let mut batch = WriteBatch::new();
        batch.delete(key);
        self.write(batch, durability)
    }
}

/// What a store says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// The store's name: `"LogStore"`.
    pub engine: &'static str,
    /// Counters in the order to show them.
    pub counters: Vec<Counter>,
}

/// One named number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// What is counted: `"syncs"`.
    pub name: &'static str,
    /// Its unit: `"bytes"`, or nothing for a plain count.
    pub unit: &'static str,
    /// How many.
    pub value: u64,
}

impl Stats {
    /// The counter called `name`, if there is one.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.counters.iter().find(|counter| counter.name == name).map(|counter| counter.value)
    }
}
