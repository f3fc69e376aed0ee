//! Where a compaction is cut: ranges of user keys, each for a thread of its own.
//!
//! ```text
//!   table 9   ├────── f: 40 ──────┼─────── s: 40 ────────┤       pieces of the inputs: a key that
//!   table 8        ├── d: 30 ──┼──── p: 30 ────┤                ends each, and its size
//!   level 6   ├─ c: 50 ─┼── h: 50 ──┼─ m: 50 ─┼─ t: 50 ─┤
//!
//!   in order  c: 50  d: 30  f: 40 │ h: 50  m: 50  p: 30 │ s: 40  t: 50
//!   3 parts   up to f             │ behind f, up to p   │ behind p          of 340 bytes
//! ```
//!
//! A cut is a user key, and belongs to the part in front of it: a separator stands behind what it
//! ends. All versions of a key are so in one part, with the tombstone that hides them.
//!
//! (RocksDB calls the parts *subcompactions*, and asks its tables for *anchors* to find their bounds.)

use std::ops::Bound;

use bytes::Bytes;
use wal::KeyRange;

use crate::compaction::Compaction;
use crate::options::LsmOptions;

/// Into how many parts `compaction` is cut at most.
///
/// **Lab subcompactions**, chapter `week04/lab-subcompactions.md`. Into as many as there are threads,
/// but into no more than there are tables' sizes in what is read: each part ends with a table that is
/// not full. A run of level 0 has to be one table, and so it is one part.
pub fn part_count(compaction: &Compaction, options: &LsmOptions) -> usize {
    // ANCHOR: subcompactions_part_count
    // There is always one. Sizes are `u64`: come back to a `usize` when the number is small.
    if compaction.output_level == 0 {
        return 1;
    }
    let size: u64 = compaction.inputs.iter().map(|(_, table)| table.size).sum();
    let most = size / options.table_size.max(1);
    most.clamp(1, options.compaction_threads.max(1) as u64) as usize
    // ANCHOR_END: subcompactions_part_count
}

/// The user keys, ascending, behind which all that `pieces` have is cut, into up to `part_count` parts
/// of about the same size.
///
/// **Lab subcompactions**. A piece is a key that ends it and its size, and counts as if all of it were
/// at that key; they come in any order. A part ends with the first key that gives it its share: of
/// what is in no earlier part, one of as many shares as there are parts to be made, this one included.
/// Behind the last cut some bytes are left.
///
/// No part but the last has more than its share and the pieces of its last key, and no share is more
/// than the total divided by `part_count`.
///
/// # Cost
///
/// A sort, and one walk.
pub fn cuts(mut pieces: Vec<(&[u8], u64)>, part_count: usize) -> Vec<&[u8]> {
    // ANCHOR: subcompactions_cuts
    // Pieces that end with the same key are on the same side of a cut: `chunk_by` gives them
    // together. Keep what this part has, and what is in no earlier one.
    pieces.sort_unstable();
    let mut rest: u64 = pieces.iter().map(|&(_, size)| size).sum();
    let (mut cuts, mut part) = (Vec::new(), 0);
    for same in pieces.chunk_by(|left, right| left.0 == right.0) {
        part += same.iter().map(|&(_, size)| size).sum::<u64>();
        let to_make = part_count - cuts.len();
        if to_make > 1 && part * to_make as u64 >= rest && part < rest {
            cuts.push(same[0].0);
            rest -= part;
            part = 0;
        }
    }
    cuts
    // ANCHOR_END: subcompactions_cuts
}

/// The parts between `cuts`, which ascend: one more than there are cuts.
///
/// **Lab subcompactions**. Every user key is in exactly one of them, a cut in the one that it ends.
pub fn ranges(cuts: &[&[u8]]) -> Vec<KeyRange> {
    // ANCHOR: subcompactions_ranges
    // Each begins behind the end of the one before.
    let mut start = Bound::Unbounded;
    let mut ranges = Vec::new();
    for cut in cuts {
        let cut = Bytes::copy_from_slice(cut);
        ranges.push(KeyRange { start, end: Bound::Included(cut.clone()) });
        start = Bound::Excluded(cut);
    }
    ranges.push(KeyRange { start, end: Bound::Unbounded });
    ranges
    // ANCHOR_END: subcompactions_ranges
}
