//! Where a store's entries are at one moment: the memtable that is being written, and those that
//! are full.
//!
//! ```text
//!   view        active ──► ▒▒▒▒        writes go here
//!               frozen ──► ████        full: read, and on their way to disk
//!                          ████        the newest first
//!
//!   next view   active ──► ░░░░        a new one; the rest is shared with the view before
//!               frozen ──► ████
//!                          ████
//!                          ████
//! ```
//!
//! A view is never changed. Who freezes a memtable makes the next view and puts it in the place of
//! this one; who is reading in this one reads on.

use std::sync::Arc;

use bytes::Bytes;
use self_cell::self_cell;
use wal::{Direction, Entry, KeyRange, Lsn, Reader, Result, Scan, Seq, Visitor};

use crate::{Lookup, Merge, Visible};

/// The memtable that a store has, and its cursor: day 2's, or the lab's with the feature `skiplist`.
#[cfg(not(feature = "skiplist"))]
pub use crate::memtable::{MemCursor as StoreCursor, MemTable as StoreTable};
#[cfg(feature = "skiplist")]
pub use crate::skiplist::{SkipCursor as StoreCursor, SkipTable as StoreTable};

/// The memtables of a store at one moment.
#[derive(Debug)]
pub struct View {
    /// The one that is being written.
    pub active: Arc<StoreTable>,
    /// Those that are full, the newest first.
    pub frozen: Vec<Frozen>,
}

/// A memtable that is full.
#[derive(Debug, Clone)]
pub struct Frozen {
    /// Its entries. Nobody adds to them any more.
    pub table: Arc<StoreTable>,
    /// What the log has before this is in this table or in an older one.
    pub end: LogMark,
}

/// A place in the log between two batches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogMark {
    /// Where the next record begins.
    pub lsn: Lsn,
    /// Number of the last operation before it.
    pub seq: Seq,
}

impl View {
    /// The view of a store without entries.
    pub fn new() -> View {
        View { active: Arc::new(StoreTable::new()), frozen: Vec::new() }
    }

    /// The view after this one, when the active memtable is full and the log ends at `end`.
    ///
    /// **Day 5**, chapter `week02/day5-freeze.md`. The table that is frozen is the newest of the
    /// frozen ones, and a new one becomes active. This view stays as it is.
    pub fn freeze(&self, end: LogMark) -> View {
        // Nothing is copied but references.
        todo!("day 5: freeze")
    }

    /// The view after this one, when the oldest frozen memtable is needed here no more.
    pub fn without_oldest(&self) -> View {
        let kept = self.frozen.len().saturating_sub(1);
        View { active: Arc::clone(&self.active), frozen: self.frozen[..kept].to_vec() }
    }

    /// What a snapshot at `seq` sees of `key`.
    ///
    /// **Day 5**. The newest memtable that knows anything of the key has the last word, and a
    /// tombstone is a word, too.
    ///
    /// # Cost
    ///
    /// A search in each memtable down to the first that knows the key. No allocation, no lock.
    pub fn get(&self, key: &[u8], seq: Seq) -> Lookup {
        // Which answers end the search?
        todo!("day 5: get")
    }

    /// A cursor over all versions in all memtables.
    ///
    /// **Day 5**.
    pub fn cursor(&self) -> Merge<StoreCursor<'_>> {
        // Sources are given the newest first.
        todo!("day 5: cursor")
    }
}

impl Default for View {
    fn default() -> View {
        View::new()
    }
}

/// A store as it was after operation `seq`: a view that holds all operations up to that number,
/// and perhaps later ones, which are not seen.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Where the entries are.
    pub view: Arc<View>,
    /// The number of the last operation that is seen.
    pub seq: Seq,
}

impl Snapshot {
    /// A scan that keeps the view alive by itself.
    pub(crate) fn into_scan(self, range: KeyRange, direction: Direction) -> Scan<'static> {
        let seq = self.seq;
        Box::new(ViewScan::new(self.view, |view| {
            Visible::new(view.cursor(), range, direction, seq)
        }))
    }
}

impl Reader for Snapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.view.get(key, self.seq).into_value())
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Scan<'_>> {
        Ok(self.clone().into_scan(range, direction))
    }

    fn visit(
        &self,
        range: KeyRange,
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<()> {
        Visible::new(self.view.cursor(), range, direction, self.seq)
            .visit(|merge| merge.source().map_or(&[], StoreCursor::value), visitor)
    }
}

type ViewCursor<'a> = Visible<Merge<StoreCursor<'a>>>;

self_cell! {
    /// A scan and the view that its cursors borrow from.
    struct ViewScan {
        owner: Arc<View>,
        #[not_covariant]
        dependent: ViewCursor,
    }
}

impl Iterator for ViewScan {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        self.with_dependent_mut(|_, visible| visible.next())
    }
}
