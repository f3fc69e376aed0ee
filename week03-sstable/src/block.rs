//! The block: entries in order, of which neighbours share their first bytes.
//!
//! ```text
//!   ┌─────────┬─────────┬───┬───────────┬───┬───────────────┐
//!   │ entry 0 │ entry 1 │ … │ restart 0 │ … │ restart count │
//!   └─────────┴─────────┴───┴───────────┴───┴───────────────┘
//!      entry            restarts (4 bytes each): where in the block an entry begins that shares
//!      │                nothing; the first is 0. Their count, 4 bytes, is never 0.
//!      │
//!      │  size     field
//!      ├ ──────┬──────────┬───────────────────────────────────────────────────────────────
//!      │ 1 – 5 │ shared   │ varint: first bytes of the user key that are the last entry's
//!      │ 1 – 5 │ unshared │ varint: bytes of the encoded key that follow here, 8 or more
//!      │ 1 – 5 │ size     │ varint: bytes of the value
//!      │       │ key      │ the rest of the user key, and its trailer, whole
//!      │       │ value    │ the caller's bytes; none for a tombstone (not checked)
//!      └ ──────┴──────────┴───────────────────────────────────────────────────────────────
//!
//!   stone@7 = "x"    0 13 1  s t o n e  01 07 00 00 00 00 00 00  x       a restart: all of it
//!   stove@9 = "y"    3 10 1        v e  01 09 00 00 00 00 00 00  y       "sto" is shared
//! ```
//!
//! Every sixteenth entry, or so, is a *restart point*: its key stands there whole. To find a key is
//! a binary search among restart points, and a walk from the last that is before it: eight entries
//! on average. The walk needs no key but the one that it looks for ([`Block::find`] says why).
//!
//! What is shared never reaches into a trailer, so that a key's two parts can be taken apart where
//! they stand. Otherwise the format is LevelDB's (`table/block_builder.cc` there).

mod builder;
mod cursor;
mod find;
mod restarts;

use std::cmp::Ordering;
use std::fmt;
use std::mem;
use std::ops::Range;

use bytes::Bytes;
use memtable::{InternalKey, Kind, TRAILER_SIZE};

use crate::format::{u32_at, u64_at};
use crate::varint;

pub use builder::BlockBuilder;
pub(crate) use builder::shared_prefix;
pub use cursor::BlockCursor;
pub use find::Found;

/// Bytes that are no block, or none of a table's other parts. Whoever knows the file makes
/// [`wal::Error::Corruption`] of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadBlock {
    /// Where, in bytes from its first.
    pub at: usize,
    /// Which check failed.
    pub reason: &'static str,
}

impl fmt::Display for BadBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {} of it: {}", self.at, self.reason)
    }
}

impl std::error::Error for BadBlock {}

/// A block in memory, shared by whoever reads it.
#[derive(Debug, Clone)]
pub struct Block {
    bytes: Bytes,
    /// Where the entries end and the restarts begin.
    entries_end: usize,
    /// How many restart points there are, at least one.
    restart_count: usize,
}

/// One entry, taken apart where it stands. All ranges lie inside of the block's entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawEntry {
    /// First bytes of the user key that are the entry's before.
    pub(crate) shared: usize,
    /// Where the rest of the user key is.
    pub(crate) rest: Range<usize>,
    /// The key's trailer; its kind is a kind.
    pub(crate) trailer: u64,
    /// Where the value is. It ends where the next entry begins.
    pub(crate) value: Range<usize>,
}

impl Block {
    /// Takes `bytes` for a block and checks its restart points; entries are checked when they are
    /// read.
    ///
    /// **Day 1**, chapter `week03/day1-block.md`. Any bytes may come in, and none may make it
    /// panic. In the block that it returns the entries have at least one byte, and restart points
    /// ascend from 0, all of them before the end of the entries.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] if that is not so, at whichever of its bytes tells most.
    ///
    /// # Cost
    ///
    /// No copy, no allocation; one step a restart point.
    pub fn parse(bytes: Bytes) -> Result<Block, BadBlock> {
        // From the end: is there a count? are there so many restarts? do they ascend? A product of
        // what was read can be too large for a `usize`.
        todo!("day 1: block parse")
    }

    /// Size of the block in memory, in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// A cursor over the block, at no entry yet.
    pub fn cursor(&self) -> BlockCursor {
        BlockCursor::new(self.clone())
    }

    /// Its bytes; the block is empty then, and good for nothing.
    pub(crate) fn take_bytes(&mut self) -> Bytes {
        mem::take(&mut self.bytes)
    }

    /// Whether somebody else has the block, or a value that is a part of it.
    pub(crate) fn is_pinned(&self) -> bool {
        !self.bytes.is_unique()
    }

    /// How many restart points there are.
    pub(crate) fn restart_count(&self) -> usize {
        self.restart_count
    }

    /// These bytes of the block, in place of it: a value that keeps the block alive.
    pub(crate) fn into_slice(self, range: Range<usize>) -> Bytes {
        let mut bytes = self.bytes;
        bytes.truncate(range.end);
        bytes::Buf::advance(&mut bytes, range.start);
        bytes
    }

    /// Where restart point `index` is.
    fn restart(&self, index: usize) -> usize {
        u32_at(&self.bytes, self.entries_end + 4 * index) as usize
    }

    /// Takes apart the entry that begins at `at`, which is before the end of the entries.
    ///
    /// **Day 1**. Any bytes may stand there, and none may make it panic.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] at `at` if a length is none or goes past the end of the entries, if there is no
    /// room for the key's trailer, or if its kind is none.
    ///
    /// # Cost
    ///
    /// No copy, no allocation.
    #[inline(always)]
    fn entry_at(&self, at: usize) -> Result<RawEntry, BadBlock> {
        // Three varints, then key and value behind them. The entries end before the block does: cut
        // that off first. Lengths are added with `checked_add`.
        todo!("day 1: entry at")
    }

    /// The last restart point whose key is before `target`, or the first of all if none is.
    ///
    /// **Day 1**. The first entry at or behind `target` is then between it and the next restart
    /// point, or is that one.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] if an entry that it looks at is none, or shares bytes with the entry before.
    ///
    /// # Cost
    ///
    /// log₂ of the number of restart points comparisons; no copy, no allocation.
    fn restart_before(&self, target: &InternalKey<'_>) -> Result<usize, BadBlock> {
        // Keep: restart `low` is before the target (or is 0), restart `high` is not. `compare`
        // knows the order of a key's two parts.
        todo!("day 1: restart before")
    }

    /// The entry at restart point `index`.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] if it is none, or shares bytes with the entry before: then it is no restart
    /// point.
    fn restart_entry(&self, index: usize) -> Result<RawEntry, BadBlock> {
        let at = self.restart(index);
        let entry = self.entry_at(at)?;
        if entry.shared != 0 {
            return Err(BadBlock { at, reason: "a restart point shares bytes" });
        }
        Ok(entry)
    }
}

/// The three lengths of the entry at `at`, and where they end.
#[inline(always)]
fn lengths(entries: &[u8], at: usize) -> Option<(usize, usize, usize, usize)> {
    if let Some(&[shared, unshared, value_size]) = entries.get(at..)?.first_chunk::<3>()
        && (shared | unshared | value_size) < 0x80
    {
        // Nearly always: one byte each, and one question for all three.
        return Some((shared.into(), unshared.into(), value_size.into(), at + 3));
    }
    let (shared, at) = varint::get(entries, at)?;
    let (unshared, at) = varint::get(entries, at)?;
    let (value_size, at) = varint::get(entries, at)?;
    Some((shared as usize, unshared as usize, value_size as usize, at))
}

/// The order of a key in two parts and a key in one: [`InternalKey`]'s.
#[inline]
fn compare(user_key: &[u8], trailer: u64, other: &InternalKey<'_>) -> Ordering {
    user_key.cmp(other.user_key).then_with(|| other.trailer().cmp(&trailer))
}
