//! The merge: one cursor over many, and every read is one.
//!
//! ```text
//!   newest   a@9  .    c@8               forward   a@9 a@4 b@2 c@8 c@3 d@1
//!            a@4  .    .    d@1          backward  d@1 c@3 c@8 b@2 a@4 a@9
//!   oldest   .    b@2  c@3  .
//! ```
//!
//! The sources that are at an entry stand in a heap, the one whose entry comes next on top. A step
//! moves that one alone and lets it sink to its place: at most two comparisons for each level of the
//! heap, 2·log₂ k for k sources, and none for one.
//!
//! Going forward, all sources are at or behind the merge's entry, going backward at or before it. So
//! to turn around is to move every source but one to the other side. (Knuth, "The Art of Computer
//! Programming", volume 3, 5.4.1, has the merge; LevelDB's `table/merger.cc` the turning.)

use std::cmp::Ordering;

use bytes::Bytes;
use wal::{Direction, Result};

use crate::cursor::Cursor;
use crate::key::InternalKey;

/// The entries of several sources as if they were one.
///
/// Sources have an age: the first one is the newest. If two have the very same internal key, the
/// newer one's entry comes first.
// ANCHOR: listing_merge
#[derive(Debug)]
pub struct Merge<C> {
    /// The newest first.
    sources: Vec<C>,
    /// Indices of the sources that are at an entry, as a heap: none comes before its parent, at
    /// `(i - 1) / 2`.
    heap: Vec<usize>,
    /// Which way the sources are placed for.
    direction: Direction,
    /// Memory for the key at which the merge turns around.
    turning_key: Vec<u8>,
}
// ANCHOR_END: listing_merge

impl<C: Cursor> Merge<C> {
    /// Merges `sources`, the newest first. The merge is at no entry.
    pub fn new(sources: Vec<C>) -> Merge<C> {
        let heap = Vec::with_capacity(sources.len());
        Merge { sources, heap, direction: Direction::Forward, turning_key: Vec::new() }
    }

    /// The source whose entry it is at; `None` at no entry.
    pub fn source(&self) -> Option<&C> {
        self.heap.first().map(|&top| &self.sources[top])
    }

    /// Places each source by `place`, which gets its index too, and the merge at the entry that comes
    /// first in `direction`.
    ///
    /// **Day 4**, chapter `week02/day4-merge.md`.
    ///
    /// # Errors
    ///
    /// The first that a source had; the merge is then at no entry.
    fn place(
        &mut self,
        direction: Direction,
        mut place: impl FnMut(usize, &mut C) -> Result<()>,
    ) -> Result<()> {
        // ANCHOR: day4_place
        // An empty heap is "at no entry": so empty it first, and fill it when all went well.
        self.heap.clear();
        self.direction = direction;
        for (index, source) in self.sources.iter_mut().enumerate() {
            place(index, source)?;
        }
        self.fill_heap();
        Ok(())
        // ANCHOR_END: day4_place
    }

    /// Makes a heap of all sources that are at an entry.
    ///
    /// **Day 4**.
    fn fill_heap(&mut self) {
        // ANCHOR: day4_fill_heap
        // Let each of the first half sink, the last one first: only they have children.
        let at_entry = |&index: &usize| self.sources[index].key().is_some();
        self.heap.extend((0..self.sources.len()).filter(at_entry));
        for position in (0..self.heap.len() / 2).rev() {
            self.sink(position);
        }
        // ANCHOR_END: day4_fill_heap
    }

    /// Lets the source at `position` of the heap sink until none of its children comes before it.
    ///
    /// **Day 4**. The children of position `i` are at `2i + 1` and `2i + 2`.
    fn sink(&mut self, mut position: usize) {
        // ANCHOR: day4_sink
        // The child that comes first goes up, as long as it comes before its parent.
        loop {
            let left = 2 * position + 1;
            let Some(&left_source) = self.heap.get(left) else { return };
            let child = match self.heap.get(left + 1) {
                Some(&right_source) if self.comes_before(right_source, left_source) => left + 1,
                _ => left,
            };
            if !self.comes_before(self.heap[child], self.heap[position]) {
                return;
            }
            self.heap.swap(child, position);
            position = child;
        }
        // ANCHOR_END: day4_sink
    }

    /// Whether the entry of source `left` comes before that of source `right`, the way that the
    /// merge goes.
    ///
    /// **Day 4**. Both are at an entry. Of equal keys, the newer source's comes first going
    /// forward, and so last going backward.
    fn comes_before(&self, left: usize, right: usize) -> bool {
        // ANCHOR: day4_comes_before
        // One order of (key, index), read from one side or from the other. `Cursor::compare` knows
        // the keys'.
        let order = self.sources[left].compare(&self.sources[right]);
        let order = order.then(left.cmp(&right));
        match self.direction {
            Direction::Forward => order == Ordering::Less,
            Direction::Backward => order == Ordering::Greater,
        }
        // ANCHOR_END: day4_comes_before
    }

    /// Moves one step in `direction`.
    ///
    /// **Day 4**. At no entry, nothing happens.
    ///
    /// # Errors
    ///
    /// Those of the sources; the merge is then at no entry.
    fn step(&mut self, direction: Direction) -> Result<()> {
        // ANCHOR: day4_step
        // Turn around if need be. Then the source on top moves on: it sinks, or leaves the heap if
        // it has come to its end. After an error, the heap is empty.
        let Some(&top) = self.heap.first() else { return Ok(()) };
        if self.direction != direction {
            self.turn(top, direction)?;
        }
        let source = &mut self.sources[top];
        let moved = match direction {
            Direction::Forward => source.next(),
            Direction::Backward => source.prev(),
        };
        if moved.is_err() {
            self.heap.clear();
            return moved;
        }
        if source.key().is_none() {
            self.heap.swap_remove(0);
        }
        self.sink(0);
        Ok(())
        // ANCHOR_END: day4_step
    }

    /// Places every source but `top` on the other side of the merge's entry, at which `top` is, and
    /// makes a new heap, with `top` on top.
    ///
    /// **Day 4**. A source may be at no entry because it has come to its end, and has entries on
    /// the other side all the same. One with the very same key, once or, if it is a merge itself,
    /// several times, is on the side that its age says.
    ///
    /// Each is sought by the key: one step from where it stands would do in entries that stand still,
    /// but a memtable may have been written to since.
    ///
    /// # Errors
    ///
    /// Those of the sources; the merge is then at no entry.
    fn turn(&mut self, top: usize, direction: Direction) -> Result<()> {
        // ANCHOR: day4_turn
        // Copy the key first: it belongs to a source. The memory for its user key is `self`'s, so take
        // it out meanwhile. `seek` and `seek_back` stop at the very key if a source has it: go on as long
        // as that lies on the side that is left behind.
        let key = self.sources[top].key().expect("a source in the heap is at an entry");
        let (seq, kind) = (key.seq, key.kind);
        let mut turning_key = std::mem::take(&mut self.turning_key);
        turning_key.clear();
        turning_key.extend_from_slice(key.user_key);
        let target = InternalKey { user_key: &turning_key, seq, kind };
        let placed = self.place(direction, |index, source| {
            match direction {
                _ if index == top => {}
                Direction::Forward => {
                    source.seek(target)?;
                    while index < top && source.key() == Some(target) {
                        source.next()?;
                    }
                }
                Direction::Backward => {
                    source.seek_back(target)?;
                    while index > top && source.key() == Some(target) {
                        source.prev()?;
                    }
                }
            }
            Ok(())
        });
        self.turning_key = turning_key;
        placed
        // ANCHOR_END: day4_turn
    }
}

impl<C: Cursor> Cursor for Merge<C> {
    fn first(&mut self) -> Result<()> {
        self.place(Direction::Forward, |_, source| source.first())
    }

    fn last(&mut self) -> Result<()> {
        self.place(Direction::Backward, |_, source| source.last())
    }

    fn seek(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.place(Direction::Forward, |_, source| source.seek(target))
    }

    fn seek_back(&mut self, target: InternalKey<'_>) -> Result<()> {
        self.place(Direction::Backward, |_, source| source.seek_back(target))
    }

    fn next(&mut self) -> Result<()> {
        self.step(Direction::Forward)
    }

    fn prev(&mut self) -> Result<()> {
        self.step(Direction::Backward)
    }

    fn key(&self) -> Option<InternalKey<'_>> {
        self.heap.first().and_then(|&top| self.sources[top].key())
    }

    fn entry(&self) -> (Bytes, Bytes) {
        let &top = self.heap.first().expect("entry() of a merge that is at none");
        self.sources[top].entry()
    }

    fn is_at(&self, user_key: &[u8]) -> bool {
        self.heap.first().is_some_and(|&top| self.sources[top].is_at(user_key))
    }
}
