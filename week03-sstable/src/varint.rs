//! Varints: small numbers in few bytes.
//!
//! ```text
//!     5   0_0000101                        seven bits a byte, the lowest first;
//!   300   1_0101100  0_0000010             the top bit says that more follow
//! ```
//!
//! Lengths in a block are mostly below 128: one byte each instead of four. (Protocol Buffers call
//! them base 128 varints.)

/// The most bytes that a `u32` takes.
pub const VARINT_SIZE_MAX: usize = 5;

/// Appends `number` to `out`.
///
/// **Day 1**, chapter `week03/day1-block.md`.
pub fn put(mut number: u32, out: &mut Vec<u8>) {
    // As long as more than seven bits are left, seven of them go out with the top bit set.
    todo!("day 1: varint put")
}

/// The number that begins at `at` of `bytes`, and where it ends.
///
/// **Day 1**. Any bytes may come in, and none may make it panic. `None` if they end before the
/// number does, or it has more than 32 bits; one in more bytes than it needs is a number.
///
/// # Cost
///
/// No allocation; one step a byte.
#[inline]
pub fn get(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    // The fifth byte has room for four bits: one with more is refused, and so is a sixth byte.
    todo!("day 1: varint get")
}
