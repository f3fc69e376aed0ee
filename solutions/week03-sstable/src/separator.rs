//! Separators: short keys between the blocks of a table.
//!
//! ```text
//!   block i ends with    "marble@7"  ┐
//!                                    ├ "n" separates them, in one byte instead of six
//!   block i+1 begins at  "quartz@9"  ┘
//! ```
//!
//! The index needs no key that is in the table: any key will do that is not before the last one of
//! its block and before the first one of the next. Only the last block has no next; it is ended by
//! its last key, whole, so that nothing is read for a key behind all that there are. (LevelDB's
//! `FindShortestSeparator`; for trees, Bayer and Unterauer, "Prefix B-Trees", 1977.)
//!
//! One block is enough for a lookup. The index names the first block whose separator is at or
//! behind the target. If all entries of that block are before the target, its separator is none of
//! them: so it is a shorter key, and no version of the target's key comes behind it.

use memtable::{InternalKey, SEQ_MAX};

use crate::block::shared_prefix;

/// Appends to `out` an encoded internal key at or behind `left` and before every entry that follows
/// it, the first of which is a version of `right`.
///
/// **Day 2**, chapter `week03/day2-file.md`. The user key is the shortest that a cut of `left`'s
/// and one byte that grows can make. If it is not shorter than `left`'s, it is `left` itself,
/// trailer and all: so two versions of one key can be in different blocks. A shorter one stands in
/// front of all its versions, of which there are none.
///
/// `left.user_key` is not behind `right`.
///
/// # Cost
///
/// A comparison and a copy; no allocation but growing `out`.
///
/// ```
/// # use memtable::{InternalKey, Kind};
/// # use sstable::shortest_separator;
/// let mut out = Vec::new();
/// let left = InternalKey { user_key: b"marble", seq: 7, kind: Kind::Put };
/// shortest_separator(left, b"quartz", &mut out);
/// assert_eq!(out[..out.len() - 8], *b"n");
/// ```
pub fn shortest_separator(left: InternalKey<'_>, right: &[u8], out: &mut Vec<u8>) {
    // ANCHOR: day2_shortest_separator
    // What both begin with has to stay. Behind it, look for the first byte of `left` that can grow:
    // it is not 0xff, and at the first place where the keys differ, what comes out must still be
    // before `right`. The last byte of `left` need not be looked at: nothing would get shorter.
    let user_key = left.user_key;
    let shared = shared_prefix(user_key, right);
    let stays_before = |at| at > shared || user_key[at] + 1 < right[at] || right.len() > shared + 1;
    let last = user_key.len().saturating_sub(1);
    match (shared..last).find(|&at| user_key[at] < 0xff && stays_before(at)) {
        Some(at) => {
            let start = out.len();
            out.extend_from_slice(&user_key[..=at]);
            out[start + at] += 1;
            InternalKey::lookup(&[], SEQ_MAX).encode(out);
        }
        None => left.encode(out),
    }
    // ANCHOR_END: day2_shortest_separator
}
