//! From two checksums to the bit that was flipped.
//!
//! A CRC is linear: what two of them differ in depends on the bits that differ, and on how far these
//! are from the end, and on nothing else. Each bit of a block leaves a difference of its own. So
//! stored and computed checksum together say which single bit would explain them, if one does. Of
//! damage to many bits, one in a few hundred thousand looks like that by chance: it is a guess for
//! people, and no way to repair a file.

/// The polynomial of CRC-32, its lowest bit first.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// Of a larger block, only so many bytes at its end are searched: it would take seconds.
const SEARCHED_MAX: usize = 16 << 20;

/// The bit of `size` bytes in front of a checksum, or of the checksum behind them, that makes
/// `stored` of `computed`: its byte, and its place in it.
pub(crate) fn find(stored: u32, computed: u32, size: usize) -> Option<(usize, u32)> {
    let difference = stored ^ computed;
    if difference.is_power_of_two() {
        let bit = difference.trailing_zeros();
        return Some((size + bit as usize / 8, bit % 8));
    }
    let mut of_bit = POLYNOMIAL;
    for from_end in 0..8 * size.min(SEARCHED_MAX) {
        if of_bit == difference {
            return Some((size - 1 - from_end / 8, 7 - from_end as u32 % 8));
        }
        of_bit = of_bit >> 1 ^ if of_bit & 1 == 1 { POLYNOMIAL } else { 0 };
    }
    None
}
