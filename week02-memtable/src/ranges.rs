//! Range tombstones: one entry deletes every key between two.
//!
//! ```text
//!   layer 0   a@1  b@2  c@3  d@4  e@5  f@6        written over no tombstone
//!   delete         ├── [b, e)@7 ──┤
//!   layer 1             c@8                       written over one
//!
//!   at 6      a    b    c    d    e    f          of layer 0 all, of layer 1 nothing yet
//!   at 8      a         c         e    f          b, c and d of layer 0 are passed by one seek
//! ```
//!
//! A tombstone hides what is older, and what is written into its range later is newer. Kept in one
//! memtable, old and new would stand side by side, and every entry would have to be asked. So each
//! goes to the *layer* of as many tombstones as lie under it: in a layer, what stands between two
//! neighbouring ends of tombstones is hidden as a whole, or not at all.
//!
//! The lab stays in memory. Nothing here is logged; its chapter says what that would take.

mod skip;
mod tombstones;

use std::collections::BTreeMap;
use std::sync::Arc;

use wal::{Direction, KeyRange, Operation, Seq};

use crate::sync::{Mutex, MutexGuard, Place};
use crate::{Lookup, MemCursor, MemTable, Merge, Visible};

pub use self::skip::{Cover, Skip};
pub use self::tombstones::{Fragment, RangeTombstones, Stretch};

/// A memtable from which ranges of keys can be deleted.
///
/// Any number of threads read. Writes are made in the order of their numbers, one at a time, as the
/// leader of day 6's queue makes them; reads do not wait for them.
#[derive(Debug)]
pub struct RangeTable {
    view: Place<RangeView>,
    /// The number of the last write; held while there is one.
    last_seq: Mutex<Seq>,
}

/// A table's layers and range tombstones at one moment.
///
/// What is written later into a layer that is here already can be met, and has a larger number.
#[derive(Debug, Clone, Default)]
pub struct RangeView {
    /// In layer n are the versions that were written over n range tombstones. Layers without a
    /// version are not there.
    layers: BTreeMap<usize, Arc<MemTable>>,
    tombstones: Arc<RangeTombstones>,
}

/// What [`scan`] returns.
pub type RangeScan<'a> = Visible<Merge<Skip<'a, MemCursor<'a>>>>;

impl RangeTable {
    /// A table without entries.
    pub fn new() -> RangeTable {
        RangeTable { view: Place::new(RangeView::default()), last_seq: Mutex::new(0) }
    }

    /// The table as it is now. A reader takes the number of its snapshot first and the view after:
    /// then all that it may see is there.
    pub fn view(&self) -> Arc<RangeView> {
        self.view.get()
    }

    /// Adds what operation number `seq` did. Readers see it when this returns, or sooner.
    ///
    /// **Lab ranges**, chapter `week02/lab-ranges.md`. The version goes to the layer of as many
    /// range tombstones as cover its key by now. The views that readers hold stay as they are.
    ///
    /// # Panics
    ///
    /// If `seq` is not larger than that of every write before.
    ///
    /// # Cost
    ///
    /// A binary search among the tombstones, and day 2's insertion. The first version of a layer
    /// makes the next view, which copies references.
    pub fn insert(&self, seq: Seq, operation: Operation<'_>) {
        let _writing = self.begin(seq);
        // If the layer is there, the view stays. If not, fill the new one before anybody sees it.
        todo!("lab ranges: insert")
    }

    /// Deletes, as operation number `seq`, every key in `range`. An empty range deletes nothing.
    ///
    /// # Panics
    ///
    /// If `seq` is not larger than that of every write before.
    ///
    /// # Cost
    ///
    /// That of [`RangeTombstones::with`], whatever the number of keys. No entry is looked at.
    pub fn delete_range(&self, seq: Seq, range: &KeyRange) {
        let _writing = self.begin(seq);
        let view = self.view.get();
        let tombstones = Arc::new(view.tombstones.with(range, seq));
        self.view.set(RangeView { layers: view.layers.clone(), tombstones });
    }

    /// What a snapshot at `seq` sees of `key` here.
    pub fn get(&self, key: &[u8], seq: Seq) -> Lookup {
        self.view.peek().get(key, seq)
    }

    /// Begins the write with this number: there is no other until the guard is dropped.
    fn begin(&self, seq: Seq) -> MutexGuard<'_, Seq> {
        let mut last_seq = self.last_seq.lock();
        assert!(seq > *last_seq, "operation {seq} is written after operation {last_seq}");
        *last_seq = seq;
        last_seq
    }
}

impl Default for RangeTable {
    fn default() -> RangeTable {
        RangeTable::new()
    }
}

impl RangeView {
    /// The layers that have entries, with their numbers, the lowest first.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = (usize, &MemTable)> {
        self.layers.iter().map(|(&number, layer)| (number, &**layer))
    }

    /// The range tombstones.
    pub fn tombstones(&self) -> &RangeTombstones {
        &self.tombstones
    }

    /// What a snapshot at `seq` sees of `key` here. `seq` is not above the table's last number when
    /// the view was taken.
    ///
    /// **Lab ranges**. The newest of all versions and range tombstones decides, of those that are
    /// not above `seq`. A key that is covered is [`Lookup::Deleted`], also if this table never had
    /// it: an older table may.
    ///
    /// # Cost
    ///
    /// A binary search among the tombstones, and a search in one layer. No allocation, no lock.
    pub fn get(&self, key: &[u8], seq: Seq) -> Lookup {
        // How many tombstones does the snapshot see over this key? Lower layers are hidden from it,
        // and what is in higher ones was written over a tombstone that it does not see.
        todo!("lab ranges: get")
    }
}

/// What a snapshot at `seq` sees of `key` in several tables, the newest first: the first that knows
/// anything of the key has the last word.
pub fn get(views: &[&RangeView], key: &[u8], seq: Seq) -> Lookup {
    let mut answers = views.iter().map(|view| view.get(key, seq));
    answers.find(|found| *found != Lookup::Absent).unwrap_or(Lookup::Absent)
}

/// What a snapshot at `seq` sees of `range` in several tables, the newest first.
///
/// Every number in a table is larger than all those in the tables behind it, and `seq` is not above
/// the last number of the first when its view was taken.
pub fn scan<'a>(
    views: &[&'a RangeView],
    range: KeyRange,
    direction: Direction,
    seq: Seq,
) -> RangeScan<'a> {
    Visible::new(Merge::new(sources(views, seq)), range, direction, seq)
}

/// A cursor over each layer of each table, which passes over what a snapshot at `seq` does not see
/// because of range tombstones; the newest first.
///
/// **Lab ranges**. Over a layer lie the tombstones of its own table, less those under it, and all
/// tombstones of newer tables.
fn sources<'a>(views: &[&'a RangeView], seq: Seq) -> Vec<Skip<'a, MemCursor<'a>>> {
    // One `Skip` a layer. Its covers: which tables, and how many tombstones of each lie under it?
    todo!("lab ranges: sources")
}
