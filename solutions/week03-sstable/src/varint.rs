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
    // ANCHOR: day1_varint_put
    // As long as more than seven bits are left, seven of them go out with the top bit set.
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    // ANCHOR_END: day1_varint_put
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
    // ANCHOR: day1_varint_get
    // The fifth byte has room for four bits: one with more is refused, and so is a sixth byte.
    let mut number = 0;
    for index in 0..VARINT_SIZE_MAX {
        let byte = *bytes.get(at.checked_add(index)?)?;
        if index == 4 && byte > 0x0f {
            return None;
        }
        number |= u32::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some((number, at + index + 1));
        }
    }
    None
    // ANCHOR_END: day1_varint_get
}
