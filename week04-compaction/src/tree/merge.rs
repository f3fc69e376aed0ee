//! One compaction: what goes in, what decides what stays, and the edit in which it ends.
//!
//! ```text
//!   compaction ──► inputs, snapshots, levels ──► tables, written by one thread ──► one edit
//!                                                or in parts
//! ```
//!
//! All of it is looked up once, at the beginning. Flushes go on meanwhile, and change none of it.

use std::sync::Arc;

use wal::{Result, Seq};

use super::{Counters, Tree};
use crate::compaction::Compaction;
use crate::edit::Edit;
use crate::levels::{LEVEL_COUNT, Levels};
use crate::options::LsmOptions;
use crate::source::Source;
use crate::version::{LiveTable, cursors};

impl Tree {
    /// Makes one run of the inputs of `compaction`, in their place. Other tables stay what they are,
    /// and flushes go on meanwhile. One thread compacts: no two compactions at a time.
    ///
    /// Options of lab `subcompactions` lead to `tree/parallel.rs`.
    ///
    /// # Errors
    ///
    /// Those of reading and writing, and [`Error::Closed`] if it is time to stop; the inputs are still
    /// what the store has, and no other table is left. Those of `apply`.
    ///
    /// # Cost
    ///
    /// Reads all inputs, and writes what survives; memory for one block of each source and for one
    /// builder.
    ///
    /// [`Error::Closed`]: wal::Error::Closed
    pub fn compact(&self, compaction: &Compaction) -> Result<()> {
        let Compaction { inputs, output_level } = compaction;
        if compaction.is_move() {
            let added =
                inputs.iter().map(|(_, table)| (*output_level, Arc::clone(table))).collect();
            let edit = Edit { removed: compaction.removed(), added, ..Edit::default() };
            self.apply(edit, &[], 0)?;
            Counters::add(&self.counters.moves, 1);
            return Ok(());
        }
        let merge = Merge::begin(self, compaction);
        let LsmOptions { compaction_threads, compaction_rate, .. } = self.options;
        let tables = if compaction_threads > 1 || compaction_rate.is_some() {
            self.write_in_parts(&merge)?
        } else {
            self.write_merge(&merge)?
        };
        self.end_merge(&merge, &tables)
    }

    /// Writes what survives of `merge`, in this thread. Gives its tables, in the order of their keys.
    ///
    /// **Day 3**. The store may stop before each table.
    ///
    /// # Errors
    ///
    /// Those of `write`; no table is left then.
    fn write_merge(&self, merge: &Merge<'_>) -> Result<Vec<Arc<LiveTable>>> {
        // `write` does it, for the level that the run is for.
        todo!("day 3: write merge")
    }

    /// Puts `tables` in the place of the inputs of `merge`, and counts what was done.
    ///
    /// **Day 3**. Snapshots below the largest number that went in cannot be answered from then on.
    ///
    /// # Errors
    ///
    /// Those of `apply`; nothing is counted then.
    fn end_merge(&self, merge: &Merge<'_>, tables: &[Arc<LiveTable>]) -> Result<()> {
        // One edit. Behind it three counters: a compaction, and the bytes of its inputs and of `tables`.
        todo!("day 3: end merge")
    }
}

/// A compaction that has begun.
pub(super) struct Merge<'a> {
    pub(super) compaction: &'a Compaction,
    /// The open tables of the inputs, by level, each in the order of the version.
    pub(super) inputs: [Vec<Arc<LiveTable>>; LEVEL_COUNT],
    /// What there is, to ask what is older.
    levels: Levels,
    /// The largest number that goes in: readers that come now see it at least.
    now: Seq,
    /// The numbers of all snapshots below, ascending, and `now` as the last.
    pub(super) snapshots: Vec<Seq>,
}

impl<'a> Merge<'a> {
    /// Looks up what `compaction` needs of `tree`.
    ///
    /// **Day 3**, chapter `week04/day3-compact.md`. The manifest is not locked afterwards.
    ///
    /// # Cost
    ///
    /// A copy of the levels; nothing is read.
    fn begin(tree: &Tree, compaction: &'a Compaction) -> Merge<'a> {
        // The version's tables that are inputs: ask for level and number. `std::array::from_fn` makes
        // an array of levels. Take the levels by a copy: flushes want the manifest meanwhile.
        todo!("day 3: begin")
    }

    /// New cursors over all inputs, the newest first.
    pub(super) fn sources(&self) -> Vec<Source<'_>> {
        cursors(&self.inputs)
    }

    /// Whether nothing that is older than the run could have a version of `user_key`.
    pub(super) fn is_oldest(&self, user_key: &[u8]) -> bool {
        self.compaction.is_oldest(&self.levels, user_key)
    }
}
