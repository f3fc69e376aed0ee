//! Cursors: a place in some ordered entries, which moves in both directions.
//!
//! ```text
//!   entries        a@7   a@3   b@5   c@9   c@2
//!                         ▲     │
//!   seek(a@4) ────────────┘     │            the first entry at or behind a@4
//!   next ───────────────────────┘
//!   last, next ──────────────────────────────────► at no entry: it has run off the end
//! ```
//!
//! A cursor is a position, not a copy: it costs the same over ten entries and ten million, and
//! entries that are written meanwhile are met if they lie ahead. Everything in this course that has
//! entries in order has one of these: memtables, blocks, files, levels, and merges of them all.

use std::cmp::Ordering;
use std::ops::Bound;

use bytes::Bytes;
use wal::{Direction, KeyRange, Result};

use crate::key::{InternalKey, SEQ_MAX};

/// A place in entries that are in the order of their internal keys, or at none of them.
///
/// It is at no entry when it is new, when it has run off either end, and after an error. Then
/// `next` and `prev` do nothing, until one of the other four has put it somewhere.
pub trait Cursor {
    /// Moves to the first entry.
    fn first(&mut self) -> Result<()>;

    /// Moves to the last entry.
    fn last(&mut self) -> Result<()>;

    /// Moves to the first entry at or behind `target`.
    fn seek(&mut self, target: InternalKey<'_>) -> Result<()>;

    /// Moves to the last entry at or before `target`.
    fn seek_back(&mut self, target: InternalKey<'_>) -> Result<()>;

    /// Moves to the next entry.
    fn next(&mut self) -> Result<()>;

    /// Moves to the entry before.
    fn prev(&mut self) -> Result<()>;

    /// The key that it is at; `None` at no entry.
    fn key(&self) -> Option<InternalKey<'_>>;

    /// The user's key and the value that it is at; a tombstone's value is empty.
    ///
    /// # Panics
    ///
    /// At no entry.
    ///
    /// # Cost
    ///
    /// Both are shared with the source if it has them whole, not copied.
    fn entry(&self) -> (Bytes, Bytes);

    /// Whether it is at a version of `user_key`.
    ///
    /// # Cost
    ///
    /// A comparison. A source that keeps the first bytes of its keys at hand, as the memtable does,
    /// mostly tells from these, and the key itself, which lies elsewhere in memory, is not fetched.
    fn is_at(&self, user_key: &[u8]) -> bool {
        self.key().is_some_and(|key| key.user_key == user_key)
    }

    /// The order of the keys that this cursor and `other` are at; being at none comes first.
    ///
    /// # Cost
    ///
    /// As for [`is_at`](Cursor::is_at).
    fn compare(&self, other: &Self) -> Ordering
    where
        Self: Sized,
    {
        self.key().cmp(&other.key())
    }
}

/// Puts `cursor` at the entry of `range` that comes first in `direction`, if there is one.
///
/// **Day 3**, chapter `week02/day3-cursor.md`. If there is none, the cursor is at an entry outside
/// of the range or at none: whoever walks on asks [`KeyRange::contains`] at each step. Versions are
/// not looked at: all those of a key are inside, or none is.
///
/// # Errors
///
/// Those of the cursor.
///
/// # Cost
///
/// One move to a place, and at most one step; no allocation. A step back may be a search, too.
pub fn enter(cursor: &mut impl Cursor, range: &KeyRange, direction: Direction) -> Result<()> {
    // `lookup(key, SEQ_MAX)` is in front of all versions of a key, `oldest(key)` behind them. Mind
    // that seeks stop **at** a target that is there: nothing has number 0, but something may have
    // the largest.
    todo!("day 3: enter")
}
