//! Compression, block by block.
//!
//! ```text
//!   codec 0        │ block │                          as it is
//!
//!                   offset   size   field
//!   codec 1, 2, 3  ┌────────┬──────┬──────────┬─────────────────────────────────────────┐
//!                  │      0 │    4 │ raw_size │ size of the block without compression   │
//!                  │      4 │      │ packed   │ LZ4 block, raw Snappy, Zstandard frame  │
//!                  └────────┴──────┴──────────┴─────────────────────────────────────────┘
//! ```
//!
//! The size in front says how much memory to get, so it is not believed: no codec makes more of a
//! byte than its own format can say, and nothing is larger than a block may be. The checksum is
//! over what is stored, and is compared before anything is decompressed.
//!
//! A block that does not get smaller by an eighth is stored as it is: the reader would pay for
//! nothing. (After LevelDB's `table/table_builder.cc`;
//! here exactly an eighth pays, too.)

use bytes::Bytes;

use crate::block::BadBlock;
use crate::format::{BLOCK_SIZE_MAX, u32_at};

/// Bytes in front of what is compressed.
const RAW_SIZE_SIZE: usize = 4;

/// How many codecs the format knows, also if this build does not.
pub const CODEC_COUNT: usize = 4;

/// How a block is stored. The numbers are in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Codec {
    /// As it is.
    #[default]
    None = 0,
    /// LZ4: half the size of text, at gigabytes a second back.
    Lz4 = 1,
    /// Snappy: text gets somewhat smaller than with LZ4, and comes back at two thirds of the speed.
    Snappy = 2,
    /// Zstandard, at level 3: a third smaller than these, and several times slower. Only with the
    /// feature `zstd`.
    #[cfg(feature = "zstd")]
    Zstd = 3,
}

impl Codec {
    /// The codec with this number; `None` if there is none in this build.
    pub fn from_number(number: u8) -> Option<Codec> {
        match number {
            0 => Some(Codec::None),
            1 => Some(Codec::Lz4),
            2 => Some(Codec::Snappy),
            #[cfg(feature = "zstd")]
            3 => Some(Codec::Zstd),
            _ => None,
        }
    }

    /// The most bytes that one compressed byte can stand for.
    ///
    /// LZ4: a match grows by 255 with each byte of its length. Snappy: three bytes copy 64.
    /// Zstandard: a block of four bytes repeats one byte 128 Ki times.
    pub fn ratio_max(self) -> usize {
        match self {
            Codec::None => 1,
            Codec::Lz4 => 255,
            Codec::Snappy => 22,
            #[cfg(feature = "zstd")]
            Codec::Zstd => 32 << 10,
        }
    }

    /// Appends `block` to `out`, compressed if that pays, and says how it is stored.
    ///
    /// **Day 6**, chapter `week03/day6-compression.md`. Bytes that are already in `out` stay. If
    /// what would be stored, `raw_size` included, is not smaller than the block by at least an
    /// eighth of it, the block itself is appended.
    ///
    /// # Cost
    ///
    /// The codec's; no allocation but growing `out`, and what the codec needs for itself.
    pub fn compress(self, block: &[u8], out: &mut Vec<u8>) -> Codec {
        // ANCHOR: day6_compress
        // `pack` compresses. What does not pay is cut off again.
        // STUB: out.extend_from_slice(block);
        // STUB: Codec::None
        let start = out.len();
        if self != Codec::None {
            out.extend_from_slice(&(block.len() as u32).to_le_bytes());
            let packed = self.pack(block, out);
            if packed && out.len() - start <= block.len() - block.len().div_ceil(8) {
                return self;
            }
            out.truncate(start);
        }
        out.extend_from_slice(block);
        Codec::None
        // ANCHOR_END: day6_compress
    }

    /// The block that is stored as `stored`.
    ///
    /// **Day 6**. Any bytes may come in, and none may make it panic or get more memory than
    /// `stored` can possibly stand for.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] at byte 0 if `raw_size` is cut off, is above [`BLOCK_SIZE_MAX`], or above
    /// [`ratio_max`](Codec::ratio_max) times what is compressed; nothing was allocated then. At
    /// byte 4, where `packed` begins, if that is no compressed block, or one of another size.
    ///
    /// # Cost
    ///
    /// [`Codec::None`]: nothing, it is the same memory. Else one allocation of `raw_size`.
    pub fn decompress(self, stored: Bytes) -> Result<Bytes, BadBlock> {
        if self == Codec::None {
            return Ok(stored);
        }
        // ANCHOR: day6_decompress
        // Three questions about the size before a byte is allocated, and one behind: did `unpack`
        // give as many?
        let bad = |at, reason| BadBlock { at, reason };
        let Some((front, packed)) = stored.split_at_checked(RAW_SIZE_SIZE) else {
            return Err(bad(0, "the size of a compressed block is cut off"));
        };
        let raw_size = u32_at(front, 0) as usize;
        if raw_size > BLOCK_SIZE_MAX {
            return Err(bad(0, "a compressed block claims to be larger than any block"));
        }
        if raw_size > packed.len().saturating_mul(self.ratio_max()) {
            return Err(bad(0, "a compressed block claims more than its codec can make of it"));
        }
        let mut block = vec![0; raw_size];
        if self.unpack(packed, &mut block) != Some(raw_size) {
            return Err(bad(RAW_SIZE_SIZE, "a compressed block does not decompress to its size"));
        }
        Ok(Bytes::from(block))
        // ANCHOR_END: day6_decompress
    }

    /// Appends `block` to `out`, compressed, without a size in front; false if the codec cannot: `out`
    /// is then as it was.
    ///
    /// **Day 6**. [`Codec::None`] cannot.
    ///
    /// # Cost
    ///
    /// `out` grows to the codec's worst case for a moment.
    fn pack(self, block: &[u8], out: &mut Vec<u8>) -> bool {
        // ANCHOR: day6_pack
        // Each crate says how large the outcome can get
        // (`lz4_flex::block::get_maximum_output_size`, `snap::raw::max_compress_len`,
        // `zstd::zstd_safe::compress_bound`) and compresses into a slice (`compress_into`,
        // `Encoder::compress`, `zstd::bulk::compress_to_buffer`): make room, compress behind what
        // is there, cut off what was not needed. An arm for `Codec::Zstd` stands under
        // `#[cfg(feature = "zstd")]`.
        let start = out.len();
        let size = match self {
            Codec::None => return false,
            Codec::Lz4 => {
                out.resize(start + lz4_flex::block::get_maximum_output_size(block.len()), 0);
                lz4_flex::block::compress_into(block, &mut out[start..]).ok()
            }
            Codec::Snappy => {
                out.resize(start + snap::raw::max_compress_len(block.len()), 0);
                snap::raw::Encoder::new().compress(block, &mut out[start..]).ok()
            }
            #[cfg(feature = "zstd")]
            Codec::Zstd => {
                out.resize(start + zstd::zstd_safe::compress_bound(block.len()), 0);
                zstd::bulk::compress_to_buffer(block, &mut out[start..], 3).ok()
            }
        };
        out.truncate(start + size.unwrap_or(0));
        size.is_some()
        // ANCHOR_END: day6_pack
    }

    /// Decompresses `packed` into `block`, and says how many bytes that were; `None` if `packed` is
    /// no compressed block, or one of more bytes.
    ///
    /// **Day 6**. [`Codec::None`] unpacks nothing: `None`.
    ///
    /// # Cost
    ///
    /// The codec's; no copy of the block.
    fn unpack(self, packed: &[u8], block: &mut [u8]) -> Option<usize> {
        // ANCHOR: day6_unpack
        // The same three crates: `decompress_into`, `Decoder::decompress`,
        // `zstd::bulk::decompress_to_buffer`. None of them writes past the end of `block`.
        match self {
            Codec::None => None,
            Codec::Lz4 => lz4_flex::block::decompress_into(packed, block).ok(),
            Codec::Snappy => snap::raw::Decoder::new().decompress(packed, block).ok(),
            #[cfg(feature = "zstd")]
            Codec::Zstd => zstd::bulk::decompress_to_buffer(packed, block).ok(),
        }
        // ANCHOR_END: day6_unpack
    }
}
