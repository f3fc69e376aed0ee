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
use wal::{Error, KeyRange, Result};

use super::Tree;
use super::merge::Merge;
use crate::compaction::Survivors;
use crate::control::Pressure;
use crate::pacer::{Pace, PacedFs};
use crate::parts::{cuts, part_count, ranges};
use crate::version::LiveTable;

/// Into so many pieces a table is taken apart at most, to find the cuts.
const PIECES_PER_TABLE: usize = 128;

/// What all parts of a compaction have in common.
struct Job<'a> {
    merge: &'a Merge<'a>,
    pace: Arc<Pace>,
    /// Where tables are written, at that pace.
    fs: Arc<dyn Fs>,
}

impl<'a> Job<'a> {
    fn new(tree: &Tree, merge: &'a Merge<'a>) -> Job<'a> {
        let pace = Arc::new(Pace::new(Arc::clone(&tree.pacer)));
        let fs = Arc::new(PacedFs::new(Arc::clone(&tree.fs), Arc::clone(&pace)));
        Job { merge, pace, fs }
    }

    /// The parts, in the order of their keys.
    ///
    /// **Lab subcompactions**, chapter `week04/lab-subcompactions.md`. There are up to `part_count`.
    fn parts(&self, part_count: usize) -> Vec<KeyRange> {
        // ANCHOR: subcompactions_parts
        // Each table says its pieces, up to `PIECES_PER_TABLE`.
        let tables = self.merge.inputs.iter().flatten();
        let pieces = tables.flat_map(|table| table.table.pieces(PIECES_PER_TABLE)).collect();
        ranges(&cuts(pieces, part_count))
        // ANCHOR_END: subcompactions_parts
    }
}

impl Tree {
    /// As `write_merge`, with up to `compaction_threads` threads, and not faster than
    /// `compaction_rate`. What comes of it is the same, but for where tables end.
    ///
    /// # Errors
    ///
    /// As of `write_merge`; of several failures, the first.
    ///
    /// # Panics
    ///
    /// If a part does, and no other has failed before; no table is left then, either.
    ///
    /// # Cost
    ///
    /// As of [`compact`](Tree::compact); memory for one block of each source and for one builder in
    /// each part. A block in which a cut lies may be read twice.
    pub(super) fn write_in_parts(&self, merge: &Merge<'_>) -> Result<Vec<Arc<LiveTable>>> {
        self.lift_limit();
        let job = Job::new(self, merge);
        self.write_parts(&job, &job.parts(part_count(merge.compaction, &self.options)))
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
        // ANCHOR: subcompactions_write_parts
        // What was written so far has to come out of a part that fails or panics, too. `Pace::end` keeps
        // the first failure; that no thread could be had is one.
        let write = |part| {
            let mut tables = Vec::new();
            let written = || self.write_part(job, part, &mut tables);
            let ended = catch_unwind(AssertUnwindSafe(written));
            if !matches!(ended, Ok(Ok(()))) {
                job.pace.end(ended);
            }
            tables
        };
        let tables: Vec<_> = thread::scope(|scope| {
            let (here, others) = parts.split_first().expect("there is always one part");
            let begin = |part| {
                let begun = thread::Builder::new().spawn_scoped(scope, move || write(part));
                let no_thread = |error| Error::io("begin a thread", &self.dir, error);
                begun.map_err(|error| job.pace.end(Ok(Err(no_thread(error))))).ok()
            };
            let threads: Vec<_> = others.iter().filter_map(begin).collect();
            let mut tables = write(here);
            for thread in threads {
                tables.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            tables
        });
        match job.pace.take_failure() {
            None => Ok(tables),
            Some(ended) => {
                tables.iter().for_each(|table: &Arc<LiveTable>| table.retire());
                drop(tables);
                ended.unwrap_or_else(|panic| resume_unwind(panic)).map(|()| Vec::new())
            }
        }
        // ANCHOR_END: subcompactions_write_parts
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
        let merge = job.merge;
        let is_oldest = |user_key: &[u8]| merge.is_oldest(user_key) && !is_over();
        let survivors = Survivors::within(merge.sources(), part, &merge.snapshots, &is_oldest)?;
        let may_go_on = || job.pace.wait_for(0);
        self.write_to(&job.fs, survivors, merge.compaction.output_level, may_go_on, tables)
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
        // ANCHOR: subcompactions_lift_limit
        // What a write has to do now, `pressure` says. Let the pacer ask.
        self.pacer.lift_if(|| self.pressure() != Pressure::None);
        // ANCHOR_END: subcompactions_lift_limit
    }
}
