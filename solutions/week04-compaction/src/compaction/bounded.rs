//! A merge that keeps to a range of user keys: what one part of a compaction sees of its inputs.

use memtable::cursor::enter;
use memtable::{Cursor, InternalKey, Merge};
use wal::{Direction, KeyRange, Result};

use crate::source::Source;

/// A merge, forward, of all entries or of those in a range.
pub(super) struct Bounded<'a> {
    merge: Merge<Source<'a>>,
    /// `None`: all.
    range: Option<&'a KeyRange>,
    /// Whether the merge has left the range.
    is_past: bool,
}

impl<'a> Bounded<'a> {
    /// All entries of `sources`, the newest first; at the first one.
    ///
    /// # Errors
    ///
    /// Those of the sources.
    pub(super) fn all(sources: Vec<Source<'a>>) -> Result<Bounded<'a>> {
        let mut merge = Merge::new(sources);
        merge.first()?;
        Ok(Bounded { merge, range: None, is_past: false })
    }

    /// Those of `range`; at the first one, if there is any.
    ///
    /// **Lab subcompactions**, chapter `week04/lab-subcompactions.md`.
    ///
    /// # Errors
    ///
    /// Those of the sources.
    ///
    /// # Cost
    ///
    /// A seek in each source.
    pub(super) fn within(sources: Vec<Source<'a>>, range: &'a KeyRange) -> Result<Bounded<'a>> {
        // ANCHOR: subcompactions_within
        // Week 2's `enter` puts any cursor at the start of a range. It may be past the end there.
        let mut merge = Merge::new(sources);
        enter(&mut merge, range, Direction::Forward)?;
        let is_past = is_past(&merge, range);
        Ok(Bounded { merge, range: Some(range), is_past })
        // ANCHOR_END: subcompactions_within
    }

    /// The key that it is at; `None` behind the last.
    pub(super) fn key(&self) -> Option<InternalKey<'_>> {
        self.merge.key().filter(|_| !self.is_past)
    }

    /// The source whose entry it is at; `None` behind the last.
    pub(super) fn source(&self) -> Option<&Source<'a>> {
        self.merge.source().filter(|_| !self.is_past)
    }

    /// Goes to the next.
    ///
    /// # Errors
    ///
    /// Those of the sources.
    pub(super) fn next(&mut self) -> Result<()> {
        self.merge.next()?;
        if let Some(range) = self.range {
            self.is_past = is_past(&self.merge, range);
        }
        Ok(())
    }
}

/// Whether `merge`, which began at the start of `range`, is at an entry that is not in it.
///
/// **Lab subcompactions**.
fn is_past(merge: &Merge<Source<'_>>, range: &KeyRange) -> bool {
    // ANCHOR: subcompactions_is_past
    // Behind the merge's own end there is no entry.
    merge.key().is_some_and(|key| !range.contains(key.user_key))
    // ANCHOR_END: subcompactions_is_past
}
