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
        // An empty heap is "at no entry": so empty it first, and fill it when all went well.
        todo!("day 4: place")
    }

    /// Makes a heap of all sources that are at an entry.
    ///
    /// **Day 4**.
    fn fill_heap(&mut self) {
        // Let each of the first half sink, the last one first: only they have children.
        todo!("day 4: fill heap")
    }

    /// Lets the source at `position` of the heap sink until none of its children comes before it.
    ///
    /// **Day 4**. The children of position `i` are at `2i + 1` and `2i + 2`.
    fn sink(&mut self, mut position: usize) {
        // The child that comes first goes up, as long as it comes before its parent.
        todo!("day 4: sink")
    }

    /// Whether the entry of source `left` comes before that of source `right`, the way that the
    /// merge goes.
    ///
    /// **Day 4**. Both are at an entry. Of equal keys, the newer source's comes first going
    /// forward, and so last going backward.
    fn comes_before(&self, left: usize, right: usize) -> bool {
        // One order of (key, index), read from one side or from the other. `Cursor::compare` knows
        // the keys'.
        todo!("day 4: comes before")
    }

    /// Moves one step in `direction`.
    ///
    /// **Day 4**. At no entry, nothing happens.
    ///
    /// # Errors
    ///
    /// Those of the sources; the merge is then at no entry.
    fn step(&mut self, direction: Direction) -> Result<()> {
        // Turn around if need be. Then the source on top moves on: it sinks, or leaves the heap if
        // it has come to its end. After an error, the heap is empty.
        todo!("day 4: step")
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
        // Copy the key first: it belongs to a source. The memory for its user key is `self`'s, so take
        // it out meanwhile. `seek` and `seek_back` stop at the very key if a source has it: go on as long
        // as that lies on the side that is left behind.
        todo!("day 4: turn")
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
