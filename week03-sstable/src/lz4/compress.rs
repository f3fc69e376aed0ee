//! How a block becomes sequences: at each place, ask a table where these bytes were last.

use std::mem;

use super::{COPY_LEN_MIN, END_LITERALS, NIBBLE_MAX, OFFSET_MAX, START_TO_END_MIN, size_max};
use crate::block::shared_prefix;
use crate::format::{BLOCK_SIZE_MAX, u32_at};

/// How many bits of a hash choose the entry of a table, if nobody says.
///
/// 4096 entries are 16 KiB, half of a processor's first cache. The experiment shows what more would
/// bring.
const TABLE_BITS: u32 = 12;

/// So many tries, as a power of two, make the step between them longer by a byte.
const TRIES_A_STEP_BITS: u32 = 5;

/// 2^64 over the golden ratio. (Knuth, "The Art of Computer Programming", 6.4.)
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Compresses blocks, each by itself, with one table for all of them.
#[derive(Debug, Clone)]
pub struct Compressor {
    /// Where in the block five bytes with this hash were seen last. Zero means "never" and "at the
    /// very start" alike: what an entry says is compared with the block before it is believed.
    table: Vec<u32>,
    /// log2 of how many entries there are.
    table_bits: u32,
}

/// Bytes that stood in the block before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Repeat {
    /// Where they stand again, in bytes from the start of the block.
    at: usize,
    /// So many bytes before that they begin: 1 ..= [`OFFSET_MAX`].
    offset: usize,
    /// How many, at least [`COPY_LEN_MIN`].
    len: usize,
}

impl Compressor {
    /// A compressor with a table of 16 KiB.
    pub fn new() -> Compressor {
        Compressor::with_table_bits(TABLE_BITS)
    }

    /// A compressor whose table has `1 << bits` entries of four bytes.
    ///
    /// # Panics
    ///
    /// If `bits` is not in 1 ..= 24.
    pub fn with_table_bits(bits: u32) -> Compressor {
        assert!((1..=24).contains(&bits), "a table of 2^{bits} entries");
        Compressor { table: vec![0; 1 << bits], table_bits: bits }
    }

    /// Appends `block`, compressed, to `out`.
    ///
    /// **Lab lz4**, chapter `week03/lab-lz4.md`. Bytes that are already in `out` stay. What is
    /// appended is a function of `block` alone, whatever this compressor has seen before, and not
    /// longer than [`size_max`].
    ///
    /// # Panics
    ///
    /// If `block` is larger than [`BLOCK_SIZE_MAX`].
    ///
    /// # Cost
    ///
    /// One pass; a step in bytes that repeat nothing grows. No allocation but growing `out`, once,
    /// to the worst case.
    pub fn compress(&mut self, block: &[u8], out: &mut Vec<u8>) {
        assert!(block.len() <= BLOCK_SIZE_MAX, "a block of {} bytes", block.len());
        // Room, and an empty table. From copy to copy: what lies between is literals. `done` bytes
        // are written. The table has not seen the places inside of a copy: put the one into it that
        // is two bytes before the copy's end.
        todo!("lab lz4: compress")
    }

    /// The first copy that begins at `from` or later; `None` if the rest is literals.
    ///
    /// **Lab lz4**. It begins at least [`START_TO_END_MIN`] bytes before the end. Every place that
    /// is looked at is in the table afterwards, also one that was found to repeat.
    ///
    /// # Cost
    ///
    /// One entry of the table, and mostly one place in the block, a try. After each 32 tries that
    /// found nothing the step is longer by a byte.
    fn find(&mut self, block: &[u8], from: usize) -> Option<Repeat> {
        // Nothing stands before the first byte: begin at 1, and what the table says is always
        // before `at`. Is it near enough? Do the same four bytes stand there?
        todo!("lab lz4: find")
    }

    /// Puts `at` into the table, and returns what the table had for the five bytes that are there.
    ///
    /// **Lab lz4**. Five, although four are enough for a copy: one of four saves a byte, and takes
    /// the place of a longer one that begins a byte later. There may be no more than seven bytes
    /// from here on: read four, and one.
    #[inline]
    fn swap(&mut self, block: &[u8], at: usize) -> usize {
        // The entry's number is as many of the product's highest bits as the table asks for: they
        // depend on all five bytes.
        todo!("lab lz4: swap")
    }
}

impl Default for Compressor {
    fn default() -> Compressor {
        Compressor::new()
    }
}

/// The copy of which four bytes are known, at `before` and again at `at`: as long as it gets.
///
/// **Lab lz4**. To the left it ends at `from`, where bytes are written already, and at the start of
/// the block; to the right, before the last [`END_LITERALS`] bytes.
fn grow(block: &[u8], from: usize, before: usize, at: usize) -> Repeat {
    // To the right, `shared_prefix` of day 1 compares eight bytes at a time. To the left there is
    // something only where places were stepped over, or lie inside of a copy.
    todo!("lab lz4: grow")
}

/// Appends a sequence to `out`: `literals`, and a copy if it is not the last.
///
/// **Lab lz4**. As drawn at the top of `lz4.rs`.
#[inline]
fn write_sequence(literals: &[u8], repeat: Option<Repeat>, out: &mut Vec<u8>) {
    // The token has the lower of the length and 15, twice.
    todo!("lab lz4: write sequence")
}

/// Appends to `out` what a token cannot say of a length.
///
/// **Lab lz4**. Nothing below 15; from there on bytes of 255, and one that is less.
#[inline]
fn write_length(length: usize, out: &mut Vec<u8>) {
    // The reader stops at the first byte that is not 255, so there must be one.
    todo!("lab lz4: write length")
}
