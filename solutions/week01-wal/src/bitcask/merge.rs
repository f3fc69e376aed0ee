//! The merge: what still counts of the oldest segment is written again, and the segment goes.
//!
//! ```text
//!   1 read the oldest segment      ├ a ┼ b'┼ c ┼ d'┤
//!   2 append what counts                                        … ┼ a ┼ c ┼ number ┤
//!   3 sync                                                                         ✓
//!   4 remove the segment           (gone, and so is its hint)
//! ```
//!
//! After a crash before 3 the old values are there, and perhaps the new ones; after a crash
//! before 4 both are. Both are as good as one: the log is read in order, and the last word counts.
//!
//! Always the oldest segment, and one at a time: what a directory forgets in a crash it forgets in
//! any order, and a log with a hole is damaged.
use std::sync::Arc;

use super::Bitcask;
use super::hint::{self, Hint};
use super::keydir::{self, DataFile};
use crate::segment::{self, Segment};
use crate::{HEADER_SIZE, Lsn, Operation, Record, RecordReader, Result, WriteBatch};

/// What a merge did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merged {
    /// Entries that were written again.
    pub live_entries: u64,
    /// Bytes that were appended for them.
    pub written_bytes: u64,
    /// Bytes of the segments that are gone.
    pub freed_bytes: u64,
}

impl Bitcask {
    /// Takes the oldest segment out of the log: what of it still counts is written again, at the
    /// end. `None` if there is no segment but the one that is being written.
    ///
    /// Reads and writes go on meanwhile, and snapshots keep what they see.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if the segment is damaged: it stays. [`Error::RecordTooLarge`] if the
    /// log has smaller segments now than when a batch was written: it stays, too, and
    /// [`LogOptions::segment_size`](crate::LogOptions::segment_size) says what it takes.
    /// [`Error::Poisoned`], [`Error::Closed`], [`Error::Io`]. Nothing is lost, whatever the error. But if the sync of the
    /// directory failed, open the store again only when the machine has been started anew: the
    /// segment is out of sight and still on disk, and nobody can remove again what nobody sees.
    ///
    /// [`Error::Corruption`]: crate::Error::Corruption
    /// [`Error::RecordTooLarge`]: crate::Error::RecordTooLarge
    /// [`Error::Poisoned`]: crate::Error::Poisoned
    /// [`Error::Closed`]: crate::Error::Closed
    /// [`Error::Io`]: crate::Error::Io
    ///
    /// # Cost
    ///
    /// The segment is read once, its live entries are written once, and the log is synced.
    pub fn merge(&self) -> Result<Option<Merged>> {
        let _one_at_a_time = self.merging.lock();
        self.check_open()?;
        let segments = segment::list(&*self.fs, &self.dir)?;
        let [oldest, next, ..] = &segments[..] else {
            return Ok(None);
        };
        let merged = self.merge_segment(oldest, next.base)?;
        self.write_hints()?;
        Ok(Some(merged))
    }

    /// Merges every segment that is complete now, the oldest first.
    ///
    /// # Errors
    ///
    /// As for [`merge`](Bitcask::merge).
    pub fn compact(&self) -> Result<Merged> {
        let mut total = Merged::default();
        let (until, _) = self.wal.segment();
        while self.begin()? < until
            && let Some(merged) = self.merge()?
        {
            total.live_entries += merged.live_entries;
            total.written_bytes += merged.written_bytes;
            total.freed_bytes += merged.freed_bytes;
        }
        Ok(total)
    }

    /// Merges the oldest segment, which ends at `end`.
    ///
    /// **Lab bitcask**. A crash at any moment leaves the old values, the new ones, or both. And the
    /// numbers go on where they were: the log must not forget how many it has given out, not even
    /// when the segment that says so goes. So the last record of every merge is a batch of no
    /// operations, with the next number; it goes in whether or not anything was copied.
    ///
    /// # Errors
    ///
    /// As for [`merge`](Bitcask::merge).
    fn merge_segment(&self, oldest: &Segment, end: Lsn) -> Result<Merged> {
        // ANCHOR: bitcask_merge
        // Carry over, record by record; see that the records reached to `end` (`hint::expect_end`);
        // note the last number; sync; and only then `drop_segment`.
        let file = DataFile { base: oldest.base, file: self.fs.open(&oldest.path)? };
        let mut reader = RecordReader::new(Arc::clone(&file.file), file.base, file.base);
        let mut merged = Merged { freed_bytes: end - oldest.base, ..Merged::default() };
        while reader.advance()? {
            self.carry_over(&file, &reader.record(), &mut merged)?;
        }
        hint::expect_end(&reader, end)?;
        {
            let mut head = self.head.lock();
            let first_seq = head.last_seq + 1;
            self.append(&mut head, &mut WriteBatch::new(), first_seq)?;
        }
        self.wal.sync()?;
        self.drop_segment(oldest.base, end)?;
        Ok(merged)
        // ANCHOR_END: bitcask_merge
    }

    /// Writes again what of `record` still counts, and adds that to `merged`.
    ///
    /// **Lab bitcask**. An entry counts if the key directory says that the key's value lies exactly
    /// there. Between the look into the directory and the append nobody else may write, or the old
    /// value would come behind a newer one.
    ///
    /// Entries are not operations: they get no new numbers. A batch of *n* entries has the last *n*
    /// numbers that were given out, so that it ends, like every record, with the newest.
    fn carry_over(&self, file: &DataFile, record: &Record<'_>, merged: &mut Merged) -> Result<()> {
        // ANCHOR: bitcask_carry_over
        // A delete counts for nothing here: what it deleted was older, and nothing older is left.
        let batch = keydir::decode_batch(file, record)?;
        let mut live = WriteBatch::new();
        let mut head = self.head.lock();
        for (index, operation) in batch.operations.enumerate() {
            if let Operation::Put { key, value } = operation
                && self.keys.read().get(key).is_some_and(|place| place.is(record.lsn, index))
            {
                live.put(key, value);
            }
        }
        if !live.is_empty() {
            let count = live.len() as u64;
            let first_seq = head.last_seq + 1 - count;
            self.append(&mut head, &mut live, first_seq)?;
            merged.live_entries += count;
            merged.written_bytes += (HEADER_SIZE + live.size()) as u64;
        }
        Ok(())
        // ANCHOR_END: bitcask_carry_over
    }

    /// Removes the oldest segment, which ends at `end`, and its hint.
    ///
    /// If that fails, nothing more is written or merged: the name may come back after a crash, and
    /// would stand there alone once the next segment is gone.
    fn drop_segment(&self, base: Lsn, end: Lsn) -> Result<()> {
        self.wal.poison_on_failure(self.wal.purge(end))?;
        match self.fs.remove(&hint::path(&self.dir, base)) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes a hint for every complete segment that has none.
    pub(super) fn write_hints(&self) -> Result<()> {
        if !self.hints {
            return Ok(());
        }
        let hinted = hint::list(&*self.fs, &self.dir)?;
        for pair in segment::list(&*self.fs, &self.dir)?.windows(2) {
            let Segment { base, path } = &pair[0];
            if !hinted.contains(base) {
                let file = DataFile { base: *base, file: self.fs.open(path)? };
                let hint = Hint::of(&file, pair[1].base)?;
                hint::write(&*self.fs, &self.dir, *base, &hint)?;
            }
        }
        Ok(())
    }

    /// Where the log begins.
    pub(super) fn begin(&self) -> Result<Lsn> {
        let segments = segment::list(&*self.fs, &self.dir)?;
        Ok(segments.first().map_or(0, |oldest| oldest.base))
    }
}
