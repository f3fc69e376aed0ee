//! A cursor over one block.

use std::cmp::Ordering;
use std::ops::Range;

use bytes::Bytes;
use memtable::{InternalKey, Kind};

use super::{BadBlock, Block, RawEntry, compare};

/// A place in a block.
///
/// Moves are those of [`memtable::Cursor`], with errors that know no file: a table's cursor wraps
/// this one. After an error it is at no entry.
#[derive(Debug)]
pub struct BlockCursor {
    block: Block,
    /// Where the entry that it is at begins; the end of the entries if it is at none.
    at: usize,
    /// The restart point from which that entry was reached: the last one at or before it.
    restart_index: usize,
    /// The entry's user key, put together. Its memory is used again and again.
    user_key: Vec<u8>,
    /// The trailer of its key.
    trailer: u64,
    /// Where its value is; the next entry begins where that ends.
    value: Range<usize>,
}

impl BlockCursor {
    /// A cursor over `block`, at no entry.
    pub fn new(block: Block) -> BlockCursor {
        let at = block.entries_end;
        BlockCursor { block, at, restart_index: 0, user_key: Vec::new(), trailer: 0, value: 0..0 }
    }

    /// Lets go of the block and takes another, at no entry; the memory for keys stays.
    pub fn reset(&mut self, block: Block) {
        self.block = block;
        self.leave();
    }

    /// Moves to the first entry.
    ///
    /// **Day 1**, chapter `week03/day1-block.md`.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] if there stands no entry, as for all moves. The cursor is then at none.
    pub fn first(&mut self) -> Result<(), BadBlock> {
        // ANCHOR: day1_first
        // The first restart point is the first entry.
        self.go_to_restart(0)
        // ANCHOR_END: day1_first
    }

    /// Moves to the last entry.
    ///
    /// **Day 1**.
    ///
    /// # Cost
    ///
    /// A walk from the last restart point.
    pub fn last(&mut self) -> Result<(), BadBlock> {
        // ANCHOR: day1_last
        // From the last restart point on, until the entry ends where the entries do.
        self.go_to_restart(self.block.restart_count - 1)?;
        while self.value.end < self.block.entries_end {
            self.next()?;
        }
        Ok(())
        // ANCHOR_END: day1_last
    }

    /// Moves to the first entry at or behind `target`.
    ///
    /// **Day 1**.
    ///
    /// # Cost
    ///
    /// A binary search among restart points and a walk of at most an interval; a copy of the new
    /// part of each key on the way. No allocation once the keys' memory has grown.
    pub fn seek(&mut self, target: InternalKey<'_>) -> Result<(), BadBlock> {
        // ANCHOR: day1_seek
        // From the restart point before it, step by step. If that cannot be found, the cursor must
        // not stay where it was.
        self.leave();
        let restart_index = self.block.restart_before(&target)?;
        self.go_to_restart(restart_index)?;
        while self.order(&target) == Some(Ordering::Less) {
            self.next()?;
        }
        Ok(())
        // ANCHOR_END: day1_seek
    }

    /// Moves to the last entry at or before `target`.
    ///
    /// **Day 1**.
    ///
    /// # Cost
    ///
    /// That of [`seek`](BlockCursor::seek) and of [`prev`](BlockCursor::prev).
    pub fn seek_back(&mut self, target: InternalKey<'_>) -> Result<(), BadBlock> {
        // ANCHOR: day1_seek_back
        // Where `seek` stops at the target itself, that is the place. Else one step back; from
        // behind the end, that is the last entry.
        self.seek(target)?;
        match self.order(&target) {
            Some(Ordering::Equal) => Ok(()),
            Some(_) => self.prev(),
            None => self.last(),
        }
        // ANCHOR_END: day1_seek_back
    }

    /// Moves to the next entry; from the last, or from none, to none.
    ///
    /// **Day 1**. At a restart point nothing is shared, and no entry reaches across one.
    ///
    /// # Cost
    ///
    /// A copy of the new part of the key.
    #[expect(clippy::should_implement_trait, reason = "what a cursor is at borrows from it")]
    pub fn next(&mut self) -> Result<(), BadBlock> {
        // ANCHOR: day1_next
        // The next entry begins where this one's value ends. Whoever passes a restart point without
        // stopping at it has read something else than entries.
        if self.at == self.block.entries_end {
            return Ok(());
        }
        let at = self.value.end;
        let next_restart = self.restart_index + 1;
        if next_restart < self.block.restart_count {
            match at.cmp(&self.block.restart(next_restart)) {
                Ordering::Less => {}
                Ordering::Equal => return self.go_to_restart(next_restart),
                Ordering::Greater => return self.fail("an entry reaches across a restart point"),
            }
        } else if at == self.block.entries_end {
            self.leave();
            return Ok(());
        }
        let entry = self.block.entry_at(at);
        self.enter(at, entry)
        // ANCHOR_END: day1_next
    }

    /// Moves to the entry before; from the first, or from none, to none.
    ///
    /// **Day 1**. An entry does not say where the one before it begins.
    ///
    /// # Cost
    ///
    /// A walk from the restart point before: half an interval on average.
    pub fn prev(&mut self) -> Result<(), BadBlock> {
        // ANCHOR: day1_prev
        // From the last restart point **before** this entry, to the entry that ends where this one
        // begins.
        let old = self.at;
        if old == self.block.entries_end || old == 0 {
            self.leave();
            return Ok(());
        }
        let at_restart = old == self.block.restart(self.restart_index);
        self.go_to_restart(self.restart_index - usize::from(at_restart))?;
        while self.value.end < old {
            self.next()?;
        }
        if self.value.end != old {
            return self.fail("an entry reaches across another's beginning");
        }
        Ok(())
        // ANCHOR_END: day1_prev
    }

    /// The key that it is at; `None` at no entry.
    pub fn key(&self) -> Option<InternalKey<'_>> {
        let kind = if self.trailer as u8 == Kind::Put as u8 { Kind::Put } else { Kind::Delete };
        let key = InternalKey { user_key: &self.user_key, seq: self.trailer >> 8, kind };
        (self.at < self.block.entries_end).then_some(key)
    }

    /// The value that it is at, where it stands; empty at no entry.
    pub fn value(&self) -> &[u8] {
        &self.block.bytes[self.value.clone()]
    }

    /// The value that it is at, shared with the block; empty at no entry.
    pub fn shared_value(&self) -> Bytes {
        self.block.bytes.slice(self.value.clone())
    }

    /// The order of the key that it is at and `target`; `None` at no entry.
    fn order(&self, target: &InternalKey<'_>) -> Option<Ordering> {
        let at_entry = self.at < self.block.entries_end;
        at_entry.then(|| compare(&self.user_key, self.trailer, target))
    }

    /// Moves to restart point `index`.
    fn go_to_restart(&mut self, index: usize) -> Result<(), BadBlock> {
        self.restart_index = index;
        self.user_key.clear();
        let entry = self.block.restart_entry(index);
        self.enter(self.block.restart(index), entry)
    }

    /// Moves to `entry`, which begins at `at` and stands behind the one whose key is in `user_key`.
    ///
    /// **Day 1**.
    ///
    /// # Errors
    ///
    /// That of `entry`, or [`BadBlock`] if it shares more than there is; the cursor is at no entry.
    #[inline]
    fn enter(&mut self, at: usize, entry: Result<RawEntry, BadBlock>) -> Result<(), BadBlock> {
        // ANCHOR: day1_enter
        // Of the key before, what is shared stays, and the rest comes behind it.
        let entry = match entry {
            Ok(entry) if entry.shared <= self.user_key.len() => entry,
            Ok(_) => return self.fail("an entry shares more than there is"),
            Err(bad) => {
                self.leave();
                return Err(bad);
            }
        };
        self.user_key.truncate(entry.shared);
        self.user_key.extend_from_slice(&self.block.bytes[entry.rest]);
        self.trailer = entry.trailer;
        self.value = entry.value;
        self.at = at;
        Ok(())
        // ANCHOR_END: day1_enter
    }

    /// Moves to no entry, and says that the one that follows is none.
    #[cold]
    fn fail(&mut self, reason: &'static str) -> Result<(), BadBlock> {
        let at = self.value.end;
        self.leave();
        Err(BadBlock { at, reason })
    }

    /// Moves to no entry.
    pub(crate) fn leave(&mut self) {
        self.at = self.block.entries_end;
        self.value = self.at..self.at;
    }
}
