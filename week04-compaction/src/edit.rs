//! Edits: what changes from one state of the store to the next, as the manifest writes it.
//!
//! ```text
//!  tag   field          content
//! ┌─────┬──────────────┬───────────────────────────────────────────────────────────────────┐
//! │   1 │ flushed      │ where the log goes on: lsn 8, seq 8                                │
//! │   2 │ next_number  │ 8: the number of the next file                                     │
//! │   3 │ removed      │ level 1, number 8                                                  │
//! │   4 │ added        │ level 1, number 8, size 8, entries 8, tombstones 8, smallest and   │
//! │     │              │ largest seq 8 and 8, smallest and largest key: length 4, bytes     │
//! │   5 │ note         │ key 8, length 4, bytes                                             │
//! └─────┴──────────────┴───────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Fields stand one behind the other in the order of their tags, each a byte for its tag and then its
//! content; 3, 4 and 5 may come any number of times, 1 and 2 at most once. Integers are little-endian.
//! There is one way to write an edit, and checksums are around all of it: it goes into records.
//!
//! Notes are what other parts of the store want to remember together with its tables, at the same
//! moment. Nobody here looks into them.

use std::sync::Arc;

use memtable::LogMark;

use crate::levels::{BadEdit, LEVEL_COUNT, TableMeta};

/// The tags.
const FLUSHED: u8 = 1;
const NEXT_NUMBER: u8 = 2;
const REMOVED: u8 = 3;
const ADDED: u8 = 4;
const NOTE: u8 = 5;

/// What changes from one state to the next, all of it at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// Everything that the log has before this is in tables.
    pub flushed: Option<LogMark>,
    /// No file has this number or a larger one.
    pub next_number: Option<u64>,
    /// Level and number of each table that is not in that level any more.
    pub removed: Vec<(usize, u64)>,
    /// Each table that is new in a level.
    pub added: Vec<(usize, Arc<TableMeta>)>,
    /// Under each key what is to be remembered; nothing takes away what was there.
    pub notes: Vec<(u64, Arc<[u8]>)>,
}

impl Edit {
    /// Appends the edit to `out`.
    ///
    /// **Day 2**, chapter `week04/day2-manifest.md`. Fields in the order of their tags.
    pub fn encode(&self, out: &mut Vec<u8>) {
        // Tag and content, field by field.
        todo!("day 2: edit encode")
    }

    /// Reads what [`encode`](Edit::encode) wrote.
    ///
    /// **Day 2**. Any bytes may come in, and none may make it panic or ask for more memory than they
    /// have.
    ///
    /// # Errors
    ///
    /// [`BadEdit`] if a tag is none, comes behind a larger one, or a second time where it may come
    /// once; if a content is cut off, a level is none, or a table has less than nothing in it.
    pub fn decode(bytes: &[u8]) -> Result<Edit, BadEdit> {
        // `Fields`, given, takes one number or key after the other from the front.
        todo!("day 2: edit decode")
    }
}

/// What of an edit has not been read yet.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The tag of the next field; `None` at the end.
    fn tag(&mut self) -> Option<u8> {
        let (&tag, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(tag)
    }

    /// So many bytes.
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], BadEdit> {
        let cut = || bad(format!("{count} bytes are wanted, and {} are left", self.0.len()));
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(cut)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn u64(&mut self) -> Result<u64, BadEdit> {
        let bytes = self.bytes(size_of::<u64>())?;
        Ok(u64::from_le_bytes(bytes.try_into().expect("there are eight")))
    }

    fn level(&mut self) -> Result<usize, BadEdit> {
        match usize::from(self.bytes(1)?[0]) {
            level if level < LEVEL_COUNT => Ok(level),
            other => Err(bad(format!("there is no level {other}"))),
        }
    }

    /// A key, or a note's bytes: their length first.
    fn key(&mut self) -> Result<Vec<u8>, BadEdit> {
        let size = self.bytes(size_of::<u32>())?.try_into().expect("there are four");
        Ok(self.bytes(u32::from_le_bytes(size) as usize)?.to_vec())
    }

    /// A table, from its number on; with the first of everything not behind the last.
    fn table(&mut self) -> Result<TableMeta, BadEdit> {
        let table = TableMeta {
            number: self.u64()?,
            size: self.u64()?,
            entry_count: self.u64()?,
            tombstone_count: self.u64()?,
            smallest_seq: self.u64()?,
            largest_seq: self.u64()?,
            smallest: self.key()?,
            largest: self.key()?,
        };
        let is_good = table.tombstone_count <= table.entry_count
            && table.smallest_seq <= table.largest_seq
            && table.smallest <= table.largest;
        match is_good {
            true => Ok(table),
            false => Err(bad(format!("table {} contradicts itself", table.number))),
        }
    }
}

fn bad(reason: String) -> BadEdit {
    BadEdit { reason }
}
