//! Which tables there are, and in which level: what the engine knows without opening any of them.
//!
//! ```text
//!   level 0   ├──── 9 ────┤                     flushed memtables, the newest first; they overlap
//!                  ├──── 8 ─────┤
//!   level 1   ├ 4 ┤├── 5 ──┤├─ 6 ─┤            one sorted run, cut into tables: no two of them
//!   level 2   ├1┤├2┤  ├ 3 ┤    ├─ 7 ─┤          have a key in common
//!
//!             a ─────────── keys ──────── z
//! ```
//!
//! Of each key, all versions in a level are older than those in the levels above. All versions of a
//! key that a run has are in one of its tables: a table begins and ends with a whole key.
//!
//! A picture of levels is never changed. An [`Edit`] makes the next one from it.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use sstable::Table;
use wal::Seq;

use crate::edit::Edit;

/// How many levels there are.
pub const LEVEL_COUNT: usize = 7;

/// A table, as the manifest has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableMeta {
    /// Names the file: `000007.sst`. No two tables of a store ever have the same.
    pub number: u64,
    /// Size of the file, in bytes.
    pub size: u64,
    /// How many entries it has, tombstones and old versions included.
    pub entry_count: u64,
    /// How many of them are deletes.
    pub tombstone_count: u64,
    /// The smallest sequence number of an entry.
    pub smallest_seq: Seq,
    /// The largest one.
    pub largest_seq: Seq,
    /// The user key of its first entry.
    pub smallest: Vec<u8>,
    /// The user key of its last entry.
    pub largest: Vec<u8>,
}

impl TableMeta {
    /// What there is to know of `table`, whose number is its name in the cache.
    pub fn of(table: &Table) -> TableMeta {
        let properties = table.properties();
        TableMeta {
            number: table.id(),
            size: table.size(),
            entry_count: properties.entry_count,
            tombstone_count: properties.tombstone_count,
            smallest_seq: properties.smallest_seq,
            largest_seq: properties.largest_seq,
            smallest: properties.smallest_user_key().to_vec(),
            largest: properties.largest_user_key().to_vec(),
        }
    }

    /// Whether a version of `user_key` could be in it.
    pub fn spans(&self, user_key: &[u8]) -> bool {
        self.smallest[..] <= *user_key && *user_key <= self.largest[..]
    }

    /// Whether it could have a key in common with a table that spans `smallest ..= largest`.
    pub fn overlaps(&self, smallest: &[u8], largest: &[u8]) -> bool {
        self.smallest[..] <= *largest && *smallest <= self.largest[..]
    }
}

/// The tables of each level at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels {
    levels: [Vec<Arc<TableMeta>>; LEVEL_COUNT],
}

/// Bytes that are no edit, or an edit that does not fit: the state that it is about is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEdit {
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for BadEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for BadEdit {}

impl Levels {
    /// The tables of `level`: of level 0 the newest first, of all others by key.
    pub fn level(&self, level: usize) -> &[Arc<TableMeta>] {
        &self.levels[level]
    }

    /// All tables, with their levels.
    pub fn tables(&self) -> impl Iterator<Item = (usize, &Arc<TableMeta>)> {
        let with_level = |(level, tables)| std::iter::repeat(level).zip(tables);
        self.levels.iter().enumerate().flat_map(with_level)
    }

    /// Size of all files of `level`, in bytes.
    pub fn size(&self, level: usize) -> u64 {
        self.levels[level].iter().map(|table| table.size).sum()
    }

    /// Which tables of `level`, 1 or below, have a key of `smallest ..= largest` in their span: they
    /// stand side by side.
    ///
    /// # Cost
    ///
    /// Two binary searches.
    pub fn overlapping(&self, level: usize, smallest: &[u8], largest: &[u8]) -> &[Arc<TableMeta>] {
        debug_assert!(level > 0, "tables of level 0 are not in the order of their keys");
        let tables = &self.levels[level];
        let start = tables.partition_point(|table| table.largest[..] < *smallest);
        let count = tables[start..].partition_point(|table| table.smallest[..] <= *largest);
        &tables[start..start + count]
    }

    /// The state after `edit`.
    ///
    /// **Day 2**, chapter `week04/day2-manifest.md`. What an edit removes must be there; then what
    /// it adds goes to its place: in level 0 by largest sequence number, the newest first, below by
    /// key.
    ///
    /// # Errors
    ///
    /// [`BadEdit`] if a table is removed that is not there, or is added a second time, anywhere; if two
    /// tables of level 0 have sequence numbers in common, where common keys are fine, or two of a level
    /// below have keys in common, where common sequence numbers are. Then nothing of it counts.
    ///
    /// # Panics
    ///
    /// If a level is none.
    ///
    /// # Cost
    ///
    /// A copy of the lists, whose tables are shared, and a sort.
    pub fn apply(&self, edit: &Edit) -> Result<Levels, BadEdit> {
        // Removals first: a table may move from one level to another. Then insert, sort, and look
        // at all neighbours.
        todo!("day 2: apply")
    }
}

/// The user keys from the smallest to the largest of `tables`.
///
/// # Panics
///
/// Without any table.
pub fn span<'a>(tables: impl IntoIterator<Item = &'a Arc<TableMeta>>) -> RangeInclusive<&'a [u8]> {
    let spans = tables.into_iter().map(|table| (&table.smallest[..], &table.largest[..]));
    let both = spans.reduce(|all, next| (all.0.min(next.0), all.1.max(next.1)));
    let (smallest, largest) = both.expect("no table has no span");
    smallest..=largest
}
