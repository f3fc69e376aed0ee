//! What a snapshot sees: of each key one version or none.
//!
//! ```text
//!   merge          a@9 put   a@4 put   b@7 delete   b@2 put   c@3 put
//!   at 8                     a                                c
//!   at 9           a                                          c
//!   at 5                     a                      b         c
//! ```
//!
//! Going forward, the first version that is not too new decides, and the rest of the key is passed
//! over. Going backward the versions come oldest first, so the last one that is not too new decides,
//! and that is known only when the next key begins.

use wal::{Direction, Entry, KeyRange, Result, Seq, Visitor, show_all};

use crate::cursor::{Cursor, enter};
use crate::key::Kind;

/// The entries of a range as a snapshot sees them, in one direction.
///
/// After an error it ends.
#[derive(Debug)]
pub struct Visible<C> {
    cursor: C,
    range: KeyRange,
    direction: Direction,
    /// The snapshot: operations with larger numbers are not seen.
    seq: Seq,
    state: State,
    /// The key that was decided last, going forward. A copy: to share it would cost an allocation
    /// for every key that nobody else shares.
    decided: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The cursor has not been placed yet.
    New,
    /// It has.
    Placed,
    /// Nothing more comes.
    Over,
}

impl<C: Cursor> Visible<C> {
    /// What a snapshot at `seq` sees of `range`, from its start or from its end. Nothing is read
    /// before the first entry is asked for.
    pub fn new(cursor: C, range: KeyRange, direction: Direction, seq: Seq) -> Visible<C> {
        Visible { cursor, range, direction, seq, state: State::New, decided: None }
    }

    /// Shows each entry to `visitor`, until it breaks off. Where the cursor's value stands, `value`
    /// knows.
    ///
    /// # Errors
    ///
    /// Those of the cursor.
    ///
    /// # Cost
    ///
    /// Going forward, nothing is copied but keys, into memory that is used again.
    pub fn visit(mut self, value: impl Fn(&C) -> &[u8], visitor: &mut Visitor<'_>) -> Result<()> {
        if self.direction == Direction::Backward {
            return show_all(self, visitor);
        }
        while self.begin()? && self.forward()? {
            let key = self.cursor.key().expect("a cursor stays at what was decided");
            if visitor(key.user_key, value(&self.cursor)).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Places the cursor before the first entry is asked for; `false` if nothing more comes.
    fn begin(&mut self) -> Result<bool> {
        if self.state == State::New && self.range.is_empty() {
            self.state = State::Over;
        }
        if self.state == State::New {
            self.state = State::Placed;
            enter(&mut self.cursor, &self.range, self.direction)?;
        }
        Ok(self.state == State::Placed)
    }

    /// Goes on to the next entry that is seen, going forward; `false` if there is none.
    ///
    /// **Day 4**, chapter `week02/day4-merge.md`. No entry is read further than it has to be: the
    /// cursor stays at the one that was found.
    ///
    /// # Errors
    ///
    /// Those of the cursor.
    ///
    /// # Cost
    ///
    /// A step for each version passed over, and a copy of each key.
    fn forward(&mut self) -> Result<bool> {
        // ANCHOR: day4_forward
        // Pass over what is too new, and what is of the key that was decided (`Cursor::is_at`).
        // Any other version decides its key, whatever its kind. If a key was decided when you are
        // called, the cursor is still at that version: step first, there is nothing to compare. The
        // memory for the decided key serves again.
        if self.decided.is_some() {
            self.cursor.next()?;
        }
        while let Some(key) = self.cursor.key() {
            if !self.range.contains(key.user_key) {
                break;
            }
            let is_decided = self.decided.as_ref().is_some_and(|key| self.cursor.is_at(key));
            if key.seq <= self.seq && !is_decided {
                let decided = self.decided.get_or_insert_default();
                decided.clear();
                decided.extend_from_slice(key.user_key);
                if key.kind == Kind::Put {
                    return Ok(true);
                }
            }
            self.cursor.next()?;
        }
        Ok(false)
        // ANCHOR_END: day4_forward
    }

    /// The next entry going backward.
    ///
    /// **Day 4**. The cursor stays at the first version of the next key, which is a version too
    /// far; it could not be known otherwise.
    ///
    /// # Errors
    ///
    /// Those of the cursor.
    fn backward(&mut self) -> Result<Option<Entry>> {
        // ANCHOR: day4_backward
        // Keep the newest version so far that is not too new, and nothing if that is a tombstone. When
        // another key begins, or nothing more comes, what is kept is the next entry.
        let mut newest: Option<Entry> = None;
        while let Some(key) = self.cursor.key() {
            if !self.range.contains(key.user_key) {
                break;
            }
            if newest.as_ref().is_some_and(|(decided, _)| !self.cursor.is_at(decided)) {
                break;
            }
            if key.seq <= self.seq {
                newest = (key.kind == Kind::Put).then(|| self.cursor.entry());
            }
            self.cursor.prev()?;
        }
        Ok(newest)
        // ANCHOR_END: day4_backward
    }
}

impl<C: Cursor> Iterator for Visible<C> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        let found = self.begin().and_then(|goes_on| match self.direction {
            _ if !goes_on => Ok(None),
            Direction::Forward => Ok(self.forward()?.then(|| self.cursor.entry())),
            Direction::Backward => self.backward(),
        });
        if !matches!(found, Ok(Some(_))) {
            self.state = State::Over;
        }
        found.transpose()
    }
}
