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
        // ANCHOR: valuelog_references_encode
        // The map is in the right order.
        let mut note = Vec::with_capacity(self.0.len() * REFERENCE_SIZE);
        for (file, size) in &self.0 {
            note.extend_from_slice(&file.to_le_bytes());
            note.extend_from_slice(&size.to_le_bytes());
        }
        note
        // ANCHOR_END: valuelog_references_encode
    }

    /// Reads a note; `None` if it is none that [`encode`](References::encode) writes.
    ///
    /// **Lab valuelog**. Any bytes may come in.
    pub fn decode(note: &[u8]) -> Option<References> {
        // ANCHOR: valuelog_references_decode
        // Twelve bytes at a time, and none left. Each file's number is above the one before.
        let (pieces, rest) = note.as_chunks::<REFERENCE_SIZE>();
        let mut references = BTreeMap::new();
        for piece in pieces {
            let (file, size) = piece.split_first_chunk()?;
            let file = u32::from_le_bytes(*file);
            let size = u64::from_le_bytes(size.try_into().ok()?);
            if size == 0 || references.last_key_value().is_some_and(|(&last, _)| last >= file) {
                return None;
            }
            references.insert(file, size);
        }
        rest.is_empty().then_some(References(references))
        // ANCHOR_END: valuelog_references_decode
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
    // ANCHOR: valuelog_note_references
    // An empty note takes away what was there.
    let is_moved = |number: u64| edit.added.iter().any(|(_, table)| table.number == number);
    let gone = edit.removed.iter().map(|&(_, number)| number).filter(|&number| !is_moved(number));
    let mut notes: Vec<(u64, Arc<[u8]>)> = gone.map(|number| (number, [].into())).collect();
    for table in added.iter().filter(|table| !table.values().is_empty()) {
        notes.push((table.meta.number, References::from(&**table).encode().into()));
    }
    edit.notes.extend(notes);
    // ANCHOR_END: valuelog_note_references
}
