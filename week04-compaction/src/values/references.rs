//! References: how many bytes of which value file a table points at.
//!
//! The manifest has them as notes, each under its table's number, in the edit that adds the table:
//!
//! ```text
//! ┌────────┬────────┬────────┬────────┬──
//! │ file 4 │ size 8 │ file 4 │ size 8 │ …      by file, ascending; no size is 0
//! └────────┴────────┴────────┴────────┴──
//! ```
//!
//! Whoever counted what becomes garbage would have to count each version that a merge leaves out, once
//! and not twice, whatever crashes. To count what is live needs no memory: it is a sum over what the
//! manifest says now.

use std::collections::BTreeMap;
use std::collections::btree_map::Iter;
use std::sync::Arc;

use crate::edit::Edit;
use crate::values::Pointer;
use crate::version::LiveTable;

/// Size of one of them in a note, in bytes.
const REFERENCE_SIZE: usize = 12;

/// How many bytes of each value file a table points at, records with all that belongs to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References(BTreeMap<u32, u64>);

impl References {
    /// Counts a pointer.
    pub fn add(&mut self, pointer: &Pointer) {
        *self.0.entry(pointer.file).or_default() += pointer.record_size();
    }

    /// File and bytes, by file.
    pub fn iter(&self) -> Iter<'_, u32, u64> {
        self.0.iter()
    }

    /// The note.
    ///
    /// **Lab valuelog**, chapter `week04/lab-valuelog.md`.
    pub fn encode(&self) -> Vec<u8> {
        // The map is in the right order.
        todo!("lab valuelog: references encode")
    }

    /// Reads a note; `None` if it is none that [`encode`](References::encode) writes.
    ///
    /// **Lab valuelog**. Any bytes may come in.
    pub fn decode(note: &[u8]) -> Option<References> {
        // Twelve bytes at a time, and none left. Each file's number is above the one before.
        todo!("lab valuelog: references decode")
    }
}

impl From<&LiveTable> for References {
    fn from(table: &LiveTable) -> References {
        let references = table.values().iter().map(|(file, size)| (file.number(), *size));
        References(references.collect())
    }
}

/// Puts into `edit` what the manifest has to remember of `added`, the tables that are new, and has
/// to forget of those that it removes.
///
/// **Lab valuelog**. A table that the edit removes from one level and adds to another has only moved:
/// its note stays. A table without references has no note.
pub fn note_references(edit: &mut Edit, added: &[Arc<LiveTable>]) {
    // An empty note takes away what was there.
    todo!("lab valuelog: note references")
}
