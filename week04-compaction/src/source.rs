//! One type for all that a merge of this store can have as a source.
//!
//! A merge moves its sources and compares them millions of times a second: with one type the
//! compiler knows all of them, and nothing is called through a pointer.

use std::cmp::Ordering;

use bytes::Bytes;
use memtable::{Cursor, InternalKey, StoreCursor};
use sstable::TableCursor;
use wal::Result;

use crate::version::LevelCursor;

/// A cursor over a memtable, a table or a level.
#[derive(Debug)]
pub enum Source<'a> {
    /// A memtable, active or frozen.
    Mem(StoreCursor<'a>),
    /// A table of level 0.
    Table(TableCursor<'a>),
    /// A level below.
    Level(LevelCursor<'a>),
}

/// The same call on whichever it is.
macro_rules! each {
    ($source:expr, $cursor:ident => $call:expr) => {
        match $source {
            Source::Mem($cursor) => $call,
            Source::Table($cursor) => $call,
            Source::Level($cursor) => $call,
        }
    };
}

impl Source<'_> {
    /// The value that it is at, where it stands; empty at no entry.
    pub fn value(&self) -> &[u8] {
        each!(self, cursor => cursor.value())
    }
}

impl Cursor for Source<'_> {
    fn first(&mut self) -> Result<()> {
        each!(self, cursor => cursor.first())
    }

    fn last(&mut self) -> Result<()> {
        each!(self, cursor => cursor.last())
    }

    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        each!(self, cursor => cursor.seek(target))
    }

    fn seek_back(&mut self, target: InternalKey<'_>) -> Result<()> {
        each!(self, cursor => cursor.seek_back(target))
    }

    fn next(&mut self) -> Result<()> {
        each!(self, cursor => cursor.next())
    }

    fn prev(&mut self) -> Result<()> {
        each!(self, cursor => cursor.prev())
    }

    fn key(&self) -> Option<InternalKey<'_>> {
        each!(self, cursor => cursor.key())
    }

    fn entry(&self) -> (Bytes, Bytes) {
        each!(self, cursor => cursor.entry())
    }

    fn is_at(&self, user_key: &[u8]) -> bool {
        each!(self, cursor => cursor.is_at(user_key))
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            // Memtables know the first bytes of their keys without a look at them.
            (Source::Mem(left), Source::Mem(right)) => left.compare(right),
            _ => self.key().cmp(&other.key()),
        }
    }
}
