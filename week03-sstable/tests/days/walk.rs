//! A cursor that moves beside a list of entries, which knows where it should be.

use std::fmt;

use memtable::{Cursor, InternalKey};
use wal::Result;

use crate::entries::Entry;

/// A move of a cursor.
#[derive(Clone, Copy)]
pub(crate) enum Move<'a> {
    First,
    Last,
    Next,
    Prev,
    Seek(&'a Entry),
    SeekBack(&'a Entry),
}
pub(crate) use Move::{First, Last, Next, Prev, Seek, SeekBack};

impl Move<'_> {
    pub(crate) fn on(self, cursor: &mut impl Cursor) -> Result<()> {
        match self {
            First => cursor.first(),
            Last => cursor.last(),
            Next => cursor.next(),
            Prev => cursor.prev(),
            Seek(target) => cursor.seek(target.key()),
            SeekBack(target) => cursor.seek_back(target.key()),
        }
    }

    /// Where it leads in a list, from `at`.
    fn in_list(self, entries: &[Entry], at: Option<usize>) -> Option<usize> {
        let next = match self {
            First => Some(0),
            Last => entries.len().checked_sub(1),
            Next => at.map(|at| at + 1),
            Prev => at.and_then(|at| at.checked_sub(1)),
            Seek(target) => Some(entries.partition_point(|at| at.key() < target.key())),
            SeekBack(target) => {
                entries.partition_point(|at| at.key() <= target.key()).checked_sub(1)
            }
        };
        next.filter(|&next| next < entries.len())
    }
}

impl fmt::Display for Move<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            First => f.write_str("first"),
            Last => f.write_str("last"),
            Next => f.write_str("next"),
            Prev => f.write_str("prev"),
            Seek(target) => write!(f, "seek {target}"),
            SeekBack(target) => write!(f, "seek_back {target}"),
        }
    }
}

/// A cursor that moves beside its model.
pub(crate) struct Walk<'a, C> {
    entries: &'a [Entry],
    pub(crate) cursor: C,
    /// Where it should be: an index into the entries.
    pub(crate) at: Option<usize>,
    /// What was done so far.
    pub(crate) moves: Vec<String>,
    /// The rule that says so.
    rule: &'static str,
}

impl<'a, C: Cursor> Walk<'a, C> {
    /// `cursor` is at no entry yet of these.
    pub(crate) fn new(entries: &'a [Entry], cursor: C, rule: &'static str) -> Walk<'a, C> {
        Walk { entries, cursor, at: None, moves: Vec::new(), rule }
    }

    /// Moves both, and compares them.
    #[track_caller]
    pub(crate) fn go(&mut self, step: Move<'_>) {
        self.moves.push(step.to_string());
        let result = step.on(&mut self.cursor);
        self.at = step.in_list(self.entries, self.at);
        let (want, came) = (self.at.map(|at| &self.entries[at]), entry_of(&self.cursor));
        let show = |entry: Option<&Entry>| entry.map_or("no entry".to_owned(), Entry::to_string);
        let last_moves = &self.moves[self.moves.len().saturating_sub(8)..];
        assert!(
            result.is_ok() && want == came.as_ref(),
            "after {}: want {}, got {}, and the move says {result:?} {}",
            last_moves.join(", "),
            show(want),
            show(came.as_ref()),
            self.rule
        );
    }
}

/// What the cursor is at.
pub(crate) fn entry_of(cursor: &impl Cursor) -> Option<Entry> {
    let InternalKey { seq, kind, .. } = cursor.key()?;
    let (user_key, value) = cursor.entry();
    Some(Entry { user_key: user_key.to_vec(), seq, kind, value: value.to_vec() })
}
