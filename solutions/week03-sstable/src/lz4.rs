//! LZ4 by hand: the block format, as `lz4_flex` and every other LZ4 reads and writes it.
//!
//! ```text
//!   block      sequence … sequence, and the last one, which ends behind its literals
//!
//!   sequence   size   field
//!             ┌──────┬───────────────┬─────────────────────────────────────────────────────┐
//!             │    1 │ token         │ high four bits: how many literals, 15 for 15 or     │
//!             │      │               │ more; low four: the copy's length less 4, the same  │
//!             │ 0  … │ more literals │ only if that was 15: bytes of 255, and one below,   │
//!             │      │               │ all of which are added                              │
//!             │    … │ literals      │ as they are                                         │
//!             ├──────┼───────────────┼─────────────────────────────────────────────────────┤
//!             │    2 │ offset        │ how far back the copy begins, 1 ..= 65535,          │
//!             │      │               │ little-endian                                       │
//!             │ 0  … │ more length   │ only if the low four bits were 15                   │
//!             └──────┴───────────────┴─────────────────────────────────────────────────────┘
//! ```
//!
//! A block does not say how large it was: who stores it says that in front. A copy may be longer
//! than its offset, and then copies what it has just made. Of the last token the low four bits mean
//! nothing. There are two rules for the end: the last five bytes are literals, and a copy begins at
//! least twelve before the end. Readers have relied on them since the first version, to copy more
//! than they need without a look at where the memory ends; ours does not, and reads blocks that
//! break them.
//!
//! The format is Yann Collet's (`doc/lz4_Block_format.md` in LZ4's sources). Read
//! `lz4/compress.rs` next, then `lz4/decompress.rs`.

mod compress;
mod decompress;

pub use self::compress::Compressor;
pub use self::decompress::decompress;

/// The shortest copy that is worth a sequence, and the length that the token counts from.
pub const COPY_LEN_MIN: usize = 4;

/// How far back a copy can begin, in bytes.
pub const OFFSET_MAX: usize = u16::MAX as usize;

/// The last bytes of a block, which are never part of a copy.
pub const END_LITERALS: usize = 5;

/// A copy begins at least so many bytes before the end of the block.
pub const START_TO_END_MIN: usize = 12;

/// The most bytes that one byte of a block can stand for: 255 more of a copy.
pub const RATIO_MAX: usize = 255;

/// What four bits of a token can say; from there on, bytes say more.
const NIBBLE_MAX: usize = 15;

/// The most bytes that `block_size` bytes can become: literals alone, and their count.
pub const fn size_max(block_size: usize) -> usize {
    block_size + block_size / 255 + 16
}
