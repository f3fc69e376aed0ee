//! The hash of a user key: a part of the file format, because filters are.
//!
//! ```text
//!   state = SEED ^ length                                      all of 64 bits
//!   for each eight bytes, and for what is left over, if anything, padded with zeros,
//!   as a little-endian number:
//!       state = fold(state ^ number, MULTIPLIER)
//!   hash  = fold(state, SEED)
//!
//!   fold(a, b) = upper half of a × b (128 bits)  ^  lower half
//! ```
//!
//! One multiplication mixes eight bytes: every bit of the product's middle depends on all of them,
//! and folding brings it to both ends. (Wang Yi's wyhash and Orson Peters' foldhash are made of the
//! same step.) It is no defence against keys that are chosen to collide: these make a filter
//! useless, and never wrong.

/// Where the state begins: the first 64 bits of the fraction of π.
const SEED: u64 = 0x243f_6a88_85a3_08d3;

/// What it is multiplied by: 2⁶⁴ divided by the golden ratio, odd.
pub const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of `key`, the same on every machine and for ever.
///
/// **Day 4**, chapter `week03/day4-filter.md`.
///
/// # Cost
///
/// A multiplication for each eight bytes; no allocation.
#[inline]
pub fn hash(key: &[u8]) -> u64 {
    // `as_chunks` cuts a slice into arrays of eight, and what is left over.
    todo!("day 4: hash")
}

/// Multiplies, and folds the product's halves together.
#[inline]
pub(crate) fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product >> 64) as u64 ^ product as u64
}
