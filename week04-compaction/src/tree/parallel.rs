//! A compaction in parts: each is merged by a thread of its own, and one edit has them all.
//!
//! ```text
//!   inputs ──┬─► up to f            thread 1 ──► 12 15 ──┐
//!            ├─► behind f, up to p  thread 2 ──► 13 ─────┼─► one edit ──► version
//!            └─► behind p           thread 3 ──► 14 16 ──┘
//!
//!   one fails ──► the others end at their next block ──► all tables go, and there is no edit
//! ```
//!
//! Nothing is shared but what nobody changes: the inputs, the snapshots, the levels below. So parts
//! wait for one another nowhere, but for a number for each table, and for their turn to write.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use wal::fs::Fs;
use wal::{Error, KeyRange, Result, Seq};

use super::{Counters, Tree};
use crate::compaction::{Compaction, Survivors};
use crate::control::Pressure;
use crate::edit::Edit;
use crate::levels::{LEVEL_COUNT, Levels};
use crate::pacer::{Pace, PacedFs};
use crate::parts::{cuts, part_count, ranges};
use crate::source::Source;
use crate::version::{LevelCursor, LiveTable};

/// Into so many pieces a table is taken apart at most, to find the cuts.
const PIECES_PER_TABLE: usize = 128;

/// What all parts of a compaction have in common.
struct Job<'a> {
    compaction: &'a Compaction,
    /// The open tables of the inputs, by level, each in the order of the version.
    inputs: [Vec<Arc<LiveTable>>; LEVEL_COUNT],
    /// What there is, to ask what is older.
    levels: Levels,
    /// The numbers of all snapshots, and as the last the largest number that goes in.
    snapshots: Vec<Seq>,
    pace: Arc<Pace>,
    /// Where tables are written, at that pace.
    fs: Arc<dyn Fs>,
}

impl<'a> Job<'a> {
    /// That of `compaction`, of which the largest number is `now`.
    ///
    /// It begins as `compact` of day 3 does. All is looked up once: the parts agree on it.
    fn new(tree: &Tree, compaction: &'a Compaction, now: Seq) -> Job<'a> {
        let pace = Arc::new(Pace::new(Arc::clone(&tree.pacer)));
        let fs = Arc::new(PacedFs::new(Arc::clone(&tree.fs), Arc::clone(&pace)));
        let version = tree.version();
        let inputs = std::array::from_fn(|level| {
            let is_input = |table: &&Arc<LiveTable>| {
                let mut inputs = compaction.inputs.iter();
                inputs.any(|(at, input)| (*at, input.number) == (level, table.meta.number))
            };
            version.level(level).iter().filter(is_input).cloned().collect()
        });
        let snapshots = tree.snapshots.with(now);
        let levels = tree.manifest.lock().state().levels.clone();
        Job { compaction, inputs, levels, snapshots, pace, fs }
    }

    /// Cursors over all inputs, the newest first: each part has its own.
    fn sources(&self) -> Vec<Source<'_>> {
        let newest = self.inputs[0].iter().map(|table| Source::Table(table.table.cursor()));
        let sorted = self.inputs[1..].iter().filter(|level| !level.is_empty());
        newest.chain(sorted.map(|level| Source::Level(LevelCursor::new(level)))).collect()
    }

    /// The parts, in the order of their keys.
    ///
    /// **Lab subcompactions**, chapter `week04/lab-subcompactions.md`. There are up to `part_count`.
    fn parts(&self, part_count: usize) -> Vec<KeyRange> {
        // Each table says its pieces, up to `PIECES_PER_TABLE`.
        todo!("lab subcompactions: parts")
    }
}

impl Tree {
    /// As [`compact`](Tree::compact), with up to `compaction_threads` threads, and not faster than
    /// `compaction_rate`. What comes of it is the same, but for where tables end.
    ///
    /// `removed` names the inputs.
    ///
    /// # Errors
    ///
    /// As of [`compact`](Tree::compact); of several failures, the first.
    ///
    /// # Panics
    ///
    /// If a part does, and no other has failed before; nothing is left of it then, either.
    ///
    /// # Cost
    ///
    /// As of [`compact`](Tree::compact); memory for one block of each source and for one builder in
    /// each part. A block in which a cut lies may be read twice.
    pub(super) fn compact_in_parts(
        &self,
        compaction: &Compaction,
        removed: Vec<(usize, u64)>,
    ) -> Result<()> {
        self.lift_limit();
        let Compaction { inputs, output_level } = compaction;
        let now = inputs.iter().map(|(_, table)| table.largest_seq).max().unwrap_or(0);
        let job = Job::new(self, compaction, now);
        let tables = self.write_parts(&job, &job.parts(part_count(compaction, &self.options)))?;
        let added = tables.iter().map(|table| (*output_level, Arc::clone(&table.meta))).collect();
        self.apply(Edit { removed, added, ..Edit::default() }, &tables, now)?;
        Counters::add(&self.counters.compactions, 1);
        Counters::add(&self.counters.compaction_read, inputs.iter().map(|(_, t)| t.size).sum());
        Counters::add(&self.counters.compaction_written, tables.iter().map(|t| t.meta.size).sum());
        Ok(())
    }

    /// Writes all parts at the same time: one in this thread, each other in one of its own. Gives their
    /// tables, in the order of their keys.
    ///
    /// **Lab subcompactions**. A part that fails or panics ends the others, and so does one for which
    /// there is no thread.
    ///
    /// # Errors
    ///
    /// That of the part that failed first; no table is left then.
    ///
    /// # Panics
    ///
    /// With what a part panicked with, if that came first; no table is left then, either.
    fn write_parts(&self, job: &Job<'_>, parts: &[KeyRange]) -> Result<Vec<Arc<LiveTable>>> {
        // What was written so far has to come out of a part that fails or panics, too. `Pace::end` keeps
        // the first failure; that no thread could be had is one.
        todo!("lab subcompactions: write parts")
    }

    /// Writes what survives of one part, and puts each table into `tables` when it is complete.
    ///
    /// # Errors
    ///
    /// As of `write_to`.
    fn write_part(
        &self,
        job: &Job<'_>,
        part: &KeyRange,
        tables: &mut Vec<Arc<LiveTable>>,
    ) -> Result<()> {
        // Before a table, a part asks for no byte, and hears whether it is over. A part of tombstones
        // would come to no table, and so read on to its end: when it is over, the next one stays.
        let is_over = || self.stopping.load(Ordering::Acquire) || job.pace.is_over();
        let is_oldest =
            |user_key: &[u8]| job.compaction.is_oldest(&job.levels, user_key) && !is_over();
        let survivors = Survivors::within(job.sources(), part, &job.snapshots, &is_oldest)?;
        let may_go_on = || job.pace.wait_for(0);
        self.write_to(&job.fs, survivors, job.compaction.output_level, may_go_on, tables)
    }

    /// Lifts the limit, or lets it count again: called at the beginning of a compaction, and whenever
    /// there is a new version.
    ///
    /// **Lab subcompactions**. It does not count while a write would be slowed or stopped: one compaction
    /// runs at a time, so level 0 waits for whichever it is.
    pub(super) fn lift_limit(&self) {
        if self.options.compaction_rate.is_none() {
            return;
        }
        // What a write has to do now, `pressure` says. Let the pacer ask.
        todo!("lab subcompactions: lift limit")
    }
}
