//! How a table is built.

use crate::codec::Codec;

/// How a table is built. A reader needs none of it: the file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableOptions {
    /// A data block ends before it would be larger than this, in bytes before compression. Default
    /// 4 KiB; a single entry may be larger.
    ///
    /// Larger blocks compress better and make a smaller index; a lookup reads and decompresses
    /// more.
    pub block_size: usize,
    /// Entries from one restart point of a block to the next. Default 16.
    ///
    /// More save a few bytes an entry; a lookup walks over half of so many.
    pub restart_interval: usize,
    /// Bits in the filter for each user key, up to 64. Default 10; 0 is no filter.
    ///
    /// Ten let through one absent key in a hundred, and stay in memory while the table is open.
    pub filter_bits_per_key: usize,
    /// From how many bytes on the index is cut into partitions, and the filter with it. Default
    /// `None`: they are whole, and in memory while the table is open.
    ///
    /// Then only one key for each partition is in memory, and what a lookup needs comes through
    /// the cache: a good size is that of a block. A table whose index stays smaller is whole.
    pub index_partition_size: Option<usize>,
    /// How data blocks are compressed. Default LZ4.
    ///
    /// A block that does not get smaller by an eighth is stored as it is.
    pub codec: Codec,
}

impl TableOptions {
    /// Blocks as they are and no filter: what the format is about, and nothing else.
    pub fn plain() -> TableOptions {
        TableOptions { filter_bits_per_key: 0, codec: Codec::None, ..TableOptions::default() }
    }
}

impl Default for TableOptions {
    fn default() -> TableOptions {
        TableOptions {
            block_size: 4 << 10,
            restart_interval: 16,
            filter_bits_per_key: 10,
            index_partition_size: None,
            codec: Codec::Lz4,
        }
    }
}
