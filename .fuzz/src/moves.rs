//! Moves of a cursor, beside the same in a list.

use std::fmt;

use arbitrary::{Result, Unstructured};
use memtable::{Cursor as _, InternalKey};
use sstable::{BadBlock, BlockCursor, TableCursor};

use crate::entries::{Entry, around};

/// A move of a cursor.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Move<'a> {
    First,
    Last,
    Next,
    Prev,
    Seek(&'a Entry),
    SeekBack(&'a Entry),
}

/// A cursor over a block or over a table.
pub(crate) trait Moves {
    type Error: fmt::Debug;

    fn go(&mut self, step: Move<'_>) -> Result<(), Self::Error>;

    /// The entry that it is at.
    fn entry(&self) -> Option<Entry>;
}

/// Both cursors have the same moves, and no trait in common: their errors differ.
macro_rules! moves {
    ($cursor:ident) => {
        match $cursor {
            (cursor, Move::First) => cursor.first(),
            (cursor, Move::Last) => cursor.last(),
            (cursor, Move::Next) => cursor.next(),
            (cursor, Move::Prev) => cursor.prev(),
            (cursor, Move::Seek(target)) => cursor.seek(target.key()),
            (cursor, Move::SeekBack(target)) => cursor.seek_back(target.key()),
        }
    };
}

fn entry_of(key: Option<InternalKey<'_>>, value: &[u8]) -> Option<Entry> {
    let InternalKey { user_key, seq, kind } = key?;
    Some(Entry { user_key: user_key.to_vec(), seq, kind, value: value.to_vec() })
}

impl Moves for BlockCursor {
    type Error = BadBlock;

    fn go(&mut self, step: Move<'_>) -> Result<(), BadBlock> {
        let both = (self, step);
        moves!(both)
    }

    fn entry(&self) -> Option<Entry> {
        entry_of(self.key(), self.value())
    }
}

impl Moves for TableCursor<'_> {
    type Error = wal::Error;

    fn go(&mut self, step: Move<'_>) -> Result<(), wal::Error> {
        let both = (self, step);
        moves!(both)
    }

    fn entry(&self) -> Option<Entry> {
        entry_of(self.key(), self.value())
    }
}

/// What a walk came by, and how it ended.
pub(crate) struct Walk<E> {
    pub(crate) entries: Vec<Entry>,
    pub(crate) end: Result<(), E>,
}

/// Walks from one end to the other, over at most `limit` entries.
///
/// # Panics
///
/// If there are more, or if the cursor is at an entry after an error.
pub(crate) fn walk<C: Moves>(cursor: &mut C, forward: bool, limit: usize) -> Walk<C::Error> {
    let (from, step) = if forward { (Move::First, Move::Next) } else { (Move::Last, Move::Prev) };
    let mut entries = Vec::new();
    let mut end = cursor.go(from);
    while let (Ok(()), Some(entry)) = (&end, cursor.entry()) {
        entries.push(entry);
        assert!(entries.len() <= limit, "a walk over more than {limit} entries, {from:?}");
        end = cursor.go(step);
    }
    assert_eq!(cursor.entry(), None, "where a walk from {from:?} has ended: {end:?}");
    Walk { entries, end }
}

/// Makes `step`; after an error the cursor must be at no entry.
pub(crate) fn try_to_go<C: Moves>(cursor: &mut C, step: Move<'_>) -> Result<(), C::Error> {
    let came = cursor.go(step);
    if let Err(error) = &came {
        assert_eq!(cursor.entry(), None, "after {step:?} failed: {error:?}");
    }
    came
}

/// A walk each way and a search for all that may be there find what the list has.
pub(crate) fn expect_list<C: Moves>(cursor: &mut C, list: &[Entry]) {
    let mut place = None;
    for forward in [true, false] {
        let mut walk = walk(cursor, forward, list.len());
        if !forward {
            walk.entries.reverse();
        }
        assert!(walk.end.is_ok(), "forward {forward}: {:?}", walk.end);
        assert_eq!(walk.entries, list, "forward {forward}");
    }
    for target in &around(list) {
        for seek in [Move::Seek(target), Move::SeekBack(target)] {
            for step in [seek, Move::Next, seek, Move::Prev] {
                expect(cursor, step, list, &mut place);
            }
        }
    }
}

/// The moves that `input` says, one after the other on one cursor, lead where they lead in a list.
pub(crate) fn expect_moves<C: Moves>(
    cursor: &mut C,
    list: &[Entry],
    input: &mut Unstructured<'_>,
) -> Result<()> {
    let targets = around(list);
    let mut place = None;
    expect(cursor, Move::First, list, &mut place);
    while !input.is_empty() {
        let number = usize::from(input.arbitrary::<u8>()?);
        let step = match number % 8 {
            0 => Move::First,
            1 => Move::Last,
            2 | 3 => Move::Next,
            4 | 5 => Move::Prev,
            seek => {
                let target = &targets[usize::from(input.arbitrary::<u8>()?) % targets.len()];
                if seek == 6 { Move::Seek(target) } else { Move::SeekBack(target) }
            }
        };
        expect(cursor, step, list, &mut place);
    }
    Ok(())
}

/// Makes `step` with the cursor and in the list, where it was at `place`.
fn expect<C: Moves>(cursor: &mut C, step: Move<'_>, list: &[Entry], place: &mut Option<usize>) {
    let came = cursor.go(step);
    assert!(came.is_ok(), "{step:?} from {place:?}: {came:?}");
    let next = match step {
        Move::First => Some(0),
        Move::Last => list.len().checked_sub(1),
        Move::Next => place.map(|place| place + 1),
        Move::Prev => place.and_then(|place| place.checked_sub(1)),
        Move::Seek(target) => Some(list.partition_point(|at| at.key() < target.key())),
        Move::SeekBack(target) => {
            list.partition_point(|at| at.key() <= target.key()).checked_sub(1)
        }
    };
    let next = next.filter(|&next| next < list.len());
    let want = next.map(|next| &list[next]);
    assert_eq!(cursor.entry().as_ref(), want, "{step:?} from {place:?}");
    *place = next;
}
