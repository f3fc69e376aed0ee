//! Compaction: several tables become one sorted run, and what nobody can see any more is left out.
//!
//! ```text
//!   newest   a@9     b@7-            d@8              snapshots: 5, and now, 9
//!            a@4     b@3     c@6-            e@2
//!   oldest   a@2     b@1     c@1     d@5             a reader at 9 sees a@9, at 5 a@4
//!                                                    a@2 nobody
//!   kept     a@9 a@4 b@7- b@3 c@6- c@1 d@8 d@5 e@2
//!
//!   without the snapshot at 5, and nothing older below:
//!   kept     a@9              d@8 e@2                of b and c not even the tombstones
//! ```
//!
//! Two rules say what goes. Of the versions of a key that lie between two neighbouring snapshots,
//! only the newest can be seen. And a tombstone that every reader sees, with nothing left below for
//! it to hide, says what is known without it. (O'Neil, Cheng, Gawlick and O'Neil, "The Log-Structured
//! Merge-Tree", 1996, has the merge; LevelDB's `db/db_impl.cc` the two rules.)

mod bounded;

use std::fmt;
use std::sync::Arc;

use memtable::{Cursor, InternalKey, Kind};
use sstable::TableBuilder;
use wal::{KeyRange, Result, Seq};

use self::bounded::Bounded;
use crate::levels::{LEVEL_COUNT, Levels, TableMeta};
use crate::source::Source;

/// Tables to be made into one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compaction {
    /// Each table that goes in, with its level; at least one, in any order.
    pub inputs: Vec<(usize, Arc<TableMeta>)>,
    /// The level that the run is for. Its tables that overlap the run are inputs, too;
    /// no table of a level below is one.
    pub output_level: usize,
}

impl Compaction {
    /// Whether it is enough to say in which level the input is now, and nothing has to be written.
    ///
    /// **Day 4**, chapter `week04/day4-leveled.md`. So it is if there is one, and it comes from
    /// another level: whatever it overlapped there would be an input, too.
    pub fn is_move(&self) -> bool {
        // One table that comes alone.
        false
    }

    /// Whether nothing that is older than the run could have a version of `user_key`.
    ///
    /// **Day 3**, chapter `week04/day3-compact.md`. Older is what lies in a level below the run's,
    /// and what stands behind all inputs in level 0: that stands newest first.
    ///
    /// # Cost
    ///
    /// A binary search in each level below.
    pub fn is_oldest(&self, levels: &Levels, user_key: &[u8]) -> bool {
        // No input is older than the run: none lies below its level, none behind all inputs.
        todo!("day 3: is oldest")
    }

    /// The inputs as an edit removes them: each level and number.
    pub fn removed(&self) -> Vec<(usize, u64)> {
        self.inputs.iter().map(|(level, table)| (*level, table.number)).collect()
    }
}

/// `level 0: 8 7, level 6: 3 → level 6`.
impl fmt::Display for Compaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = None;
        for (level, table) in &self.inputs {
            match before {
                Some(before) if before == *level => write!(f, " {}", table.number)?,
                None => write!(f, "level {level}: {}", table.number)?,
                Some(_) => write!(f, ", level {level}: {}", table.number)?,
            }
            before = Some(*level);
        }
        write!(f, " → level {}", self.output_level)
    }
}

/// The entries of a merge that somebody could still see, in order.
pub struct Survivors<'a> {
    merge: Bounded<'a>,
    /// Numbers of all snapshots, ascending; the last one is what a reader sees that comes now, and so
    /// there is at least one.
    snapshots: &'a [Seq],
    /// Whether nothing older could have a version of a key.
    is_oldest: &'a dyn Fn(&[u8]) -> bool,
    /// The user key of the entry that it is at.
    user_key: Vec<u8>,
    /// Which snapshot is the first to see the last version of that key that was met, kept or not.
    seen_from: Option<usize>,
    /// Whether an entry of that key was kept.
    is_kept: bool,
}

/// An entry that stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Survivor<'a> {
    /// Its key.
    pub key: InternalKey<'a>,
    /// Its value; a tombstone's is empty.
    pub value: &'a [u8],
    /// Whether it is the first of its user key.
    pub is_first: bool,
}

impl<'a> Survivors<'a> {
    /// Those of `sources`, the newest first; at the first of them. `snapshots` ascend, the last one
    /// is what a reader sees that comes now; it is never empty.
    ///
    /// # Errors
    ///
    /// Those of the sources.
    pub fn new(
        sources: Vec<Source<'a>>,
        snapshots: &'a [Seq],
        is_oldest: &'a dyn Fn(&[u8]) -> bool,
    ) -> Result<Survivors<'a>> {
        Survivors::of(Bounded::all(sources)?, snapshots, is_oldest)
    }

    /// As [`new`](Survivors::new), of the keys in `range` alone.
    ///
    /// # Errors
    ///
    /// Those of the sources.
    ///
    /// # Cost
    ///
    /// A seek in each source; what lies outside of the range is not read, but for a block of each.
    pub fn within(
        sources: Vec<Source<'a>>,
        range: &'a KeyRange,
        snapshots: &'a [Seq],
        is_oldest: &'a dyn Fn(&[u8]) -> bool,
    ) -> Result<Survivors<'a>> {
        Survivors::of(Bounded::within(sources, range)?, snapshots, is_oldest)
    }

    fn of(
        merge: Bounded<'a>,
        snapshots: &'a [Seq],
        is_oldest: &'a dyn Fn(&[u8]) -> bool,
    ) -> Result<Survivors<'a>> {
        let (user_key, seen_from, is_kept) = (Vec::new(), None, false);
        let mut survivors = Survivors { merge, snapshots, is_oldest, user_key, seen_from, is_kept };
        survivors.settle()?;
        Ok(survivors)
    }

    /// The entry that it is at; `None` behind the last.
    pub fn get(&self) -> Option<Survivor<'_>> {
        let source = self.merge.source()?;
        Some(Survivor { key: source.key()?, value: source.value(), is_first: !self.is_kept })
    }

    /// Goes to the next.
    ///
    /// # Errors
    ///
    /// Those of the sources.
    pub fn advance(&mut self) -> Result<()> {
        self.is_kept = true;
        self.merge.next()?;
        self.settle()
    }

    /// Goes on, from the entry that the merge is at, to the first one that stays.
    ///
    /// **Day 3**. An entry stays if some snapshot sees it: not one that is seen from the same
    /// snapshot on as the version in front of it, and no tombstone that all of them see, if it hides
    /// nothing that is older.
    ///
    /// # Errors
    ///
    /// Those of the sources.
    fn settle(&mut self) -> Result<()> {
        // `seen_from` is an index into `snapshots`: their number for what is newer than all of them,
        // and each of those stays. A key that is new begins with none.
        todo!("day 3: settle")
    }
}

/// What entries of a run are put into: a table that is being built.
pub trait RunBuilder {
    /// Adds an entry, which comes behind all that were added before.
    ///
    /// # Errors
    ///
    /// Those of [`TableBuilder::add`].
    fn add(&mut self, key: InternalKey<'_>, value: &[u8]) -> Result<()>;

    /// As [`TableBuilder::estimated_size`].
    fn estimated_size(&self) -> u64;
}

impl RunBuilder for TableBuilder {
    fn add(&mut self, key: InternalKey<'_>, value: &[u8]) -> Result<()> {
        TableBuilder::add(self, key, value)
    }

    fn estimated_size(&self) -> u64 {
        TableBuilder::estimated_size(self)
    }
}

/// Writes what survives into tables, each with the builder that `begin` makes, and calls `finish`
/// with each that is complete, before the next one is begun.
///
/// **Day 3**. A table ends when it has `table_size` bytes, but never between two versions of a key.
/// Without survivors no table is begun.
///
/// # Errors
///
/// Those of the sources and of the builders. Of tables that are finished by then the caller knows.
///
/// # Cost
///
/// Memory for one block of each source and for one builder.
pub fn write_tables<B: RunBuilder>(
    survivors: &mut Survivors<'_>,
    table_size: u64,
    mut begin: impl FnMut() -> Result<B>,
    mut finish: impl FnMut(B) -> Result<()>,
) -> Result<()> {
    // A table is begun when there is something to put into it.
    todo!("day 3: write tables")
}
