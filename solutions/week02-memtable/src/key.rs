//! Internal keys: a key of the user's, with the number and the kind of the operation that wrote it.
//!
//! ```text
//!  offset   size   field
//! ┌────────┬──────┬──────────┬──────────────────────────────────────────────────────┐
//! │      0 │    n │ user_key │ the caller's bytes, any at all, none at all included │
//! │      n │    8 │ trailer  │ sequence number × 256 + kind, little-endian          │
//! └────────┴──────┴──────────┴──────────────────────────────────────────────────────┘
//!   order: user_key ascending, byte by byte; then trailer descending
//! ```
//!
//! In this order the versions of a key stand side by side, the newest first, and nothing is ever
//! written over: what looks like an overwrite is one more entry. A snapshot is a number; what it
//! sees of a key is the first version that is not above it.
//!
//! The trailer stands behind the key, so that neighbours share their first bytes, and week 3 can
//! store these once. It has no terminator in front: the last eight bytes are the trailer, whatever
//! they are. So encoded keys are **not** in order as plain bytes: [`compare_encoded`] knows better.
//! The format is LevelDB's (`db/dbformat.h` there).

use std::cmp::Ordering;
use std::fmt;

use wal::Seq;

/// Bytes behind the user's key.
pub const TRAILER_SIZE: usize = 8;

/// The largest sequence number: eight bits of the trailer are the kind's.
pub const SEQ_MAX: Seq = (1 << 56) - 1;

/// What an operation did to its key.
///
/// The numbers are in files. `Put` is the larger one, so that [`InternalKey::lookup`] stands in
/// front of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Took the key away: the entry is a *tombstone*, which hides all that is older.
    Delete = 0,
    /// Gave the key a value.
    Put = 1,
}

// ANCHOR: listing_key
/// A user's key at one point of its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InternalKey<'a> {
    /// The key, any bytes.
    pub user_key: &'a [u8],
    /// The number of the operation that wrote it, at most [`SEQ_MAX`].
    pub seq: Seq,
    /// What the operation did.
    pub kind: Kind,
}
// ANCHOR_END: listing_key

/// Bytes that are no internal key. They came from a file with a good checksum: whoever wrote it was
/// wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadKey {
    /// Which check failed.
    pub reason: &'static str,
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an internal key: {}", self.reason)
    }
}

impl std::error::Error for BadKey {}

impl<'a> InternalKey<'a> {
    /// The place at which to look for what a snapshot at `seq` sees of `user_key`: in front of
    /// every version that it may see, behind every one that it may not.
    ///
    /// **Day 1**, chapter `week02/day1-key.md`. A snapshot sees the operation with its own number.
    pub fn lookup(user_key: &'a [u8], seq: Seq) -> InternalKey<'a> {
        // ANCHOR: day1_lookup
        // Which kind makes the largest trailer?
        InternalKey { user_key, seq, kind: Kind::Put }
        // ANCHOR_END: day1_lookup
    }

    /// The place behind every version of `user_key`, and in front of the next key.
    ///
    /// **Day 1**. Numbers are given out from 1, so that no version of a store's is at it.
    pub fn oldest(user_key: &'a [u8]) -> InternalKey<'a> {
        // ANCHOR: day1_oldest
        // The smallest trailer that there is.
        InternalKey { user_key, seq: 0, kind: Kind::Delete }
        // ANCHOR_END: day1_oldest
    }

    /// Number and kind in one, as they are stored.
    ///
    /// **Day 1**.
    ///
    /// # Panics
    ///
    /// If the number is above [`SEQ_MAX`]: no store gives out so many.
    pub fn trailer(&self) -> u64 {
        // ANCHOR: day1_trailer
        // The number in the upper seven bytes, the kind in the lowest.
        assert!(self.seq <= SEQ_MAX, "sequence number {} has more than 56 bits", self.seq);
        self.seq << 8 | self.kind as u64
        // ANCHOR_END: day1_trailer
    }

    /// Appends the key to `out`, as drawn at the top of this file.
    ///
    /// **Day 1**. Bytes that are already in `out` stay as they are.
    ///
    /// # Panics
    ///
    /// If the number is above [`SEQ_MAX`].
    ///
    /// # Cost
    ///
    /// A copy; no allocation but growing `out`.
    ///
    /// ```
    /// # use memtable::{InternalKey, Kind};
    /// let mut out = Vec::new();
    /// InternalKey { user_key: b"stone", seq: 7, kind: Kind::Put }.encode(&mut out);
    /// assert_eq!(out, b"stone\x01\x07\0\0\0\0\0\0");
    /// ```
    pub fn encode(&self, out: &mut Vec<u8>) {
        // ANCHOR: day1_encode
        // Key, then trailer. A number that is refused leaves nothing behind in `out`.
        let trailer = self.trailer().to_le_bytes();
        out.extend_from_slice(self.user_key);
        out.extend_from_slice(&trailer);
        // ANCHOR_END: day1_encode
    }

    /// Reads an encoded key, all of `bytes`.
    ///
    /// **Day 1**. Any bytes may come in, and none may make it panic.
    ///
    /// # Errors
    ///
    /// [`BadKey`] if there is no room for a trailer, or the kind is none.
    ///
    /// # Cost
    ///
    /// No allocation, no copy: the user's key is a slice of `bytes`.
    pub fn decode(bytes: &'a [u8]) -> Result<InternalKey<'a>, BadKey> {
        // ANCHOR: day1_decode
        // `split_last_chunk` cuts a trailer off the end, if there is one.
        let Some((user_key, trailer)) = bytes.split_last_chunk() else {
            return Err(BadKey { reason: "it is shorter than a trailer" });
        };
        let trailer = u64::from_le_bytes(*trailer);
        let kind = match trailer as u8 {
            0 => Kind::Delete,
            1 => Kind::Put,
            _ => return Err(BadKey { reason: "an unknown kind of operation" }),
        };
        Ok(InternalKey { user_key, seq: trailer >> 8, kind })
        // ANCHOR_END: day1_decode
    }
}

impl Ord for InternalKey<'_> {
    /// **Day 1**. User keys ascending, byte by byte; of one key, the newest first.
    fn cmp(&self, other: &Self) -> Ordering {
        // ANCHOR: day1_cmp
        // One comparison after the other, the second the other way round.
        self.user_key.cmp(other.user_key).then_with(|| other.trailer().cmp(&self.trailer()))
        // ANCHOR_END: day1_cmp
    }
}

impl PartialOrd for InternalKey<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares two encoded keys without decoding them: the order of [`InternalKey`].
///
/// **Day 1**. For files, where keys are bytes: `b"a"` before `b"a\0"`, whatever their trailers. A
/// trailer is compared as the number it is, also if its kind is none.
///
/// # Panics
///
/// If one is shorter than a trailer: whoever reads keys from a file has checked them.
///
/// # Cost
///
/// One pass over what they share; no allocation.
pub fn compare_encoded(left: &[u8], right: &[u8]) -> Ordering {
    // ANCHOR: day1_compare_encoded
    // Cut both in two, and compare the parts as `cmp` does. A trailer is a number, and its bytes
    // stand lowest first.
    let (left_key, left_trailer) = left.split_last_chunk().expect("a key has a trailer");
    let (right_key, right_trailer) = right.split_last_chunk().expect("a key has a trailer");
    let number = |trailer: &[u8; TRAILER_SIZE]| u64::from_le_bytes(*trailer);
    left_key.cmp(right_key).then_with(|| number(right_trailer).cmp(&number(left_trailer)))
    // ANCHOR_END: day1_compare_encoded
}
