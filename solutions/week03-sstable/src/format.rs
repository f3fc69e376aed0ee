//! The format of a table, from its first byte to its last.
//!
//! ```text
//!   ┌──────────────┬─────────┬─────┬────────────────────────────────────────────────────┐
//!   │ data block 0 │ trailer │  …  │ entries in the order of their internal keys        │
//!   ├──────────────┼─────────┼─────┴────────────────────────────────────────────────────┤
//!   │ filter block │ trailer │ which user keys may be here; a table may be without one  │
//!   ├──────────────┼─────────┼──────────────────────────────────────────────────────────┤
//!   │ index block  │ trailer │ for each data block a key that ends it, and its handle   │
//!   ├──────────────┼─────────┼──────────────────────────────────────────────────────────┤
//!   │ properties   │ trailer │ what is in the table, counted                            │
//!   ├──────────────┴─────────┼──────────────────────────────────────────────────────────┤
//!   │ footer                 │ 52 bytes: where index, filter and properties are         │
//!   └────────────────────────┴──────────────────────────────────────────────────────────┘
//!
//!   trailer       offset   size   field
//!                ┌────────┬──────┬────────────┬──────────────────────────────────────────┐
//!                │      0 │    1 │ codec      │ how the block is stored; 0 is as it is   │
//!                │      1 │    4 │ crc        │ CRC-32 of the block's offset in the file │
//!                │        │      │            │ (8 bytes), of the block as it is stored, │
//!                │        │      │            │ and of `codec`                           │
//!                └────────┴──────┴────────────┴──────────────────────────────────────────┘
//!   handle        offset   size   field
//!                ┌────────┬──────┬────────────┬──────────────────────────────────────────┐
//!                │      0 │    8 │ offset     │ where a block begins in the file         │
//!                │      8 │    4 │ size       │ its size as stored, without the trailer  │
//!                └────────┴──────┴────────────┴──────────────────────────────────────────┘
//!   footer        offset   size   field
//!                ┌────────┬──────┬────────────┬──────────────────────────────────────────┐
//!                │      0 │   12 │ index      │ a handle                                 │
//!                │     12 │   12 │ filter     │ a handle; all zeros if there is none     │
//!                │     24 │   12 │ properties │ a handle                                 │
//!                │     36 │    4 │ version    │ 1                                        │
//!                │     40 │    4 │ crc        │ CRC-32 of the footer's offset in the     │
//!                │        │      │            │ file (8 bytes), and of bytes 0 .. 40     │
//!                │     44 │    8 │ magic      │ "CAIRNSST"                               │
//!                └────────┴──────┴────────────┴──────────────────────────────────────────┘
//! ```
//!
//! A table whose index is cut into partitions has version 2. It is made of *partitions*, each a
//! piece of a table with what is about it, and the index block is the *top*, which has an entry for
//! each of them:
//!
//! ```text
//!   ┌─────────────┬─────────────┬────────────┬─────┬─────┬────────────┬────────┐
//!   │ data blocks │ filter part │ index part │  …  │ top │ properties │ footer │
//!   └─────────────┴─────────────┴────────────┴─────┴─────┴────────────┴────────┘
//!    └───────────── partition 0 ────────────┘         each block with its trailer
//!
//!   filter part   a block of one entry, whose key is empty and whose value is a filter block
//!   index part    for each data block of the partition a key that ends it, and its handle; each
//!                 entry is a restart point
//!   top           for each partition the last key of its index part, and two handles: filter part
//!                 (all zeros if there is none) and index part
//! ```
//!
//! Integers are little-endian. The parts lie one behind the other, without gaps: each begins where
//! the one before it ends. So a handle that is wrong is seen to be wrong, and no byte is outside of
//! all checksums but the magic, which is compared.
//!
//! A writer knows where its blocks are only when they are written, and it never goes back: so the
//! file describes itself from its end. A checksum covers the offset of what it protects: a block
//! that the disk put in another's place is no block there. The other formats: entries in
//! `block.rs`, `filter.rs`, `properties.rs`, `codec.rs`. The shape is LevelDB's
//! (`doc/table_format.md` there) and that of RocksDB's block-based table.

use memtable::TRAILER_SIZE as KEY_TRAILER_SIZE;

use crate::block::BadBlock;

/// The footer's last bytes.
pub const MAGIC: &[u8; 8] = b"CAIRNSST";

/// The version of a table whose index is whole.
pub const VERSION: u32 = 1;

/// The version of a table whose index is cut into partitions. A reader that knows only the other
/// one refuses it by that.
pub const VERSION_PARTITIONED: u32 = 2;

/// Size of the footer, in bytes.
pub const FOOTER_SIZE: usize = 52;

/// Bytes behind each block.
pub const BLOCK_TRAILER_SIZE: usize = 5;

/// Size of a handle, in bytes.
pub const HANDLE_SIZE: usize = 12;

/// Size of a partition's handles in the top, in bytes.
pub const PARTITION_SIZE: usize = 2 * HANDLE_SIZE;

/// The largest entry, key, its trailer and value together, in bytes: what fits into a record of the
/// log.
pub const ENTRY_SIZE_MAX: usize = wal::PAYLOAD_SIZE_MAX;

/// The largest block before compression, in bytes: 1 GiB. Any size above it is damage.
pub const BLOCK_SIZE_MAX: usize = 1 << 30;

/// Bytes of the footer under its checksum.
const FOOTER_COVERED: usize = 40;

// An entry, and what stands around it, fits into a block.
const _: () = assert!(ENTRY_SIZE_MAX + KEY_TRAILER_SIZE + (1 << 20) < BLOCK_SIZE_MAX);

/// Where a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Handle {
    /// Where it begins, in bytes from the start of the file.
    pub offset: u64,
    /// Its size as it is stored, in bytes, without the trailer.
    pub size: u32,
}

impl Handle {
    /// Where the block's trailer ends, and the next part of the file begins; `None` if no file
    /// is so long.
    pub fn end(&self) -> Option<u64> {
        self.offset.checked_add(u64::from(self.size) + BLOCK_TRAILER_SIZE as u64)
    }

    /// The handle, as drawn at the top of this file.
    pub fn encode(&self) -> [u8; HANDLE_SIZE] {
        let mut bytes = [0; HANDLE_SIZE];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..].copy_from_slice(&self.size.to_le_bytes());
        bytes
    }

    /// Reads a handle. Any twelve bytes are one: what it points at has to be checked.
    pub fn decode(bytes: &[u8; HANDLE_SIZE]) -> Handle {
        Handle { offset: u64_at(bytes, 0), size: u32_at(bytes, 8) }
    }
}

// ANCHOR: listing_partition
/// Where the parts of a partition are: what the top says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// The filter part, if there is one.
    pub filter: Option<Handle>,
    /// The index part.
    pub index: Handle,
}
// ANCHOR_END: listing_partition

impl Partition {
    /// Both handles, as drawn at the top of this file.
    pub fn encode(&self) -> [u8; PARTITION_SIZE] {
        let mut bytes = [0; PARTITION_SIZE];
        bytes[..HANDLE_SIZE].copy_from_slice(&self.filter.unwrap_or_default().encode());
        bytes[HANDLE_SIZE..].copy_from_slice(&self.index.encode());
        bytes
    }

    /// Reads both handles. Any bytes are two: what they point at has to be checked.
    pub fn decode(bytes: &[u8; PARTITION_SIZE]) -> Partition {
        let handle = |at: usize| Handle { offset: u64_at(bytes, at), size: u32_at(bytes, at + 8) };
        let filter = (handle(0) != Handle::default()).then_some(handle(0));
        Partition { filter, index: handle(HANDLE_SIZE) }
    }

    /// Where its data blocks end, in bytes from the start of the file.
    pub fn data_end(&self) -> u64 {
        self.filter.unwrap_or(self.index).offset
    }
}

/// The last bytes of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footer {
    /// The index block.
    pub index: Handle,
    /// The filter block, if there is one.
    pub filter: Option<Handle>,
    /// The properties.
    pub properties: Handle,
}

impl Footer {
    /// The footer, as drawn at the top of this file, for a file in which it stands at `offset`.
    ///
    /// **Day 2**, chapter `week03/day2-file.md`.
    pub fn encode(&self, offset: u64) -> [u8; FOOTER_SIZE] {
        // ANCHOR: day2_footer_encode
        // The checksum last, over what is already there.
        let mut bytes = [0; FOOTER_SIZE];
        bytes[..12].copy_from_slice(&self.index.encode());
        bytes[12..24].copy_from_slice(&self.filter.unwrap_or_default().encode());
        bytes[24..36].copy_from_slice(&self.properties.encode());
        bytes[36..40].copy_from_slice(&VERSION.to_le_bytes());
        let crc = checksum(offset, &bytes[..FOOTER_COVERED], &[]);
        bytes[40..44].copy_from_slice(&crc.to_le_bytes());
        bytes[44..].copy_from_slice(MAGIC);
        bytes
        // ANCHOR_END: day2_footer_encode
    }

    /// Reads the footer, which stands at `offset` of its file, and checks that the parts that it
    /// names lie one behind the other and end where it begins.
    ///
    /// **Day 2**. Any bytes may come in, and none may make it panic. A handle that it returns lies
    /// inside of the file.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] at the first byte of the field that is wrong; of several, of the first in this
    /// order: magic, version, checksum, properties, index, filter.
    ///
    /// # Cost
    ///
    /// No allocation.
    pub fn decode(bytes: &[u8; FOOTER_SIZE], offset: u64) -> Result<Footer, BadBlock> {
        // ANCHOR: day2_footer_decode
        // Is it a table at all? of this version? whole? Only then do the handles mean something.
        // Filter (if any), index, properties, footer: each begins where the one before it ends.
        if bytes[44..] != MAGIC[..] {
            return Err(BadBlock { at: 44, reason: "this is not a table: no magic number" });
        }
        if u32_at(bytes, 36) != VERSION {
            return Err(BadBlock { at: 36, reason: "a table of another version" });
        }
        if u32_at(bytes, 40) != checksum(offset, &bytes[..FOOTER_COVERED], &[]) {
            return Err(BadBlock { at: 40, reason: "the checksum does not match" });
        }
        let handle = |at: usize| Handle::decode(bytes[at..][..HANDLE_SIZE].try_into().expect("12"));
        let (index, filter, properties) = (handle(0), handle(12), handle(24));
        let filter = (filter != Handle::default()).then_some(filter);
        if properties.end() != Some(offset) {
            return Err(BadBlock { at: 24, reason: "the properties do not end at the footer" });
        }
        if index.end() != Some(properties.offset) {
            return Err(BadBlock { at: 0, reason: "the index does not end at the properties" });
        }
        if filter.is_some_and(|filter| filter.end() != Some(index.offset)) {
            return Err(BadBlock { at: 12, reason: "the filter does not end at the index" });
        }
        Ok(Footer { index, filter, properties })
        // ANCHOR_END: day2_footer_decode
    }

    /// Where the data blocks end, in bytes from the start of the file.
    pub fn data_end(&self) -> u64 {
        self.filter.unwrap_or(self.index).offset
    }
}

/// The same for a table with partitions, whose `index` is the top.
impl Footer {
    /// Whether these are the last bytes of a table with partitions, damaged or not.
    pub fn is_partitioned(bytes: &[u8; FOOTER_SIZE]) -> bool {
        bytes[44..] == MAGIC[..] && u32_at(bytes, 36) == VERSION_PARTITIONED
    }

    /// The footer with [`VERSION_PARTITIONED`].
    pub fn encode_partitioned(&self, offset: u64) -> [u8; FOOTER_SIZE] {
        let mut bytes = self.encode(offset);
        set_version(&mut bytes, offset, VERSION_PARTITIONED);
        bytes
    }

    /// Reads it, and checks what [`decode`](Footer::decode) checks.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] at the first byte of the footer that cannot be; also if it names a filter,
    /// which is in the partitions.
    pub fn decode_partitioned(bytes: &[u8; FOOTER_SIZE], offset: u64) -> Result<Footer, BadBlock> {
        if !Footer::is_partitioned(bytes) {
            return Err(BadBlock { at: 36, reason: "not the version of a table with partitions" });
        }
        if u32_at(bytes, 40) != checksum(offset, &bytes[..FOOTER_COVERED], &[]) {
            return Err(BadBlock { at: 40, reason: "the checksum does not match" });
        }
        // But for the version it is the footer of a whole table.
        let mut whole = *bytes;
        set_version(&mut whole, offset, VERSION);
        let footer = Footer::decode(&whole, offset)?;
        if footer.filter.is_some() {
            return Err(BadBlock { at: 12, reason: "a whole filter beside partitions" });
        }
        Ok(footer)
    }
}

/// Gives a footer another version, and the checksum that goes with it.
fn set_version(bytes: &mut [u8; FOOTER_SIZE], offset: u64, version: u32) {
    bytes[36..40].copy_from_slice(&version.to_le_bytes());
    let crc = checksum(offset, &bytes[..FOOTER_COVERED], &[]);
    bytes[40..44].copy_from_slice(&crc.to_le_bytes());
}

/// The checksum of what stands at `offset` of a file, in two parts.
pub fn checksum(offset: u64, first: &[u8], second: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&offset.to_le_bytes());
    hasher.update(first);
    hasher.update(second);
    hasher.finalize()
}

/// The little-endian `u32` at `at` of `bytes`.
///
/// # Panics
///
/// If it is not all there: the caller has checked that.
#[inline]
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..][..4].try_into().expect("four bytes"))
}

/// The little-endian `u64` at `at` of `bytes`.
///
/// # Panics
///
/// If it is not all there: the caller has checked that.
#[inline]
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..][..8].try_into().expect("eight bytes"))
}
