//! The properties of a table: what is in it, counted by its builder.
//!
//! ```text
//!  offset   size   field
//! ┌────────┬──────┬─────────────────┬────────────────────────────────────────────────────┐
//! │      0 │    8 │ entry_count     │ entries, tombstones and old versions included      │
//! │      8 │    8 │ tombstone_count │ those that are deletes                             │
//! │     16 │    8 │ raw_key_size    │ bytes of all encoded keys, shared with none        │
//! │     24 │    8 │ raw_value_size  │ bytes of all values                                │
//! │     32 │    8 │ smallest_seq    │ the smallest sequence number                       │
//! │     40 │    8 │ largest_seq     │ the largest                                        │
//! │     48 │    8 │ data_size       │ bytes of the file that are data blocks, stored,    │
//! │        │      │                 │ with their trailers: the filter or index is next   │
//! │     56 │    8 │ raw_data_size   │ the same without compression                       │
//! │     64 │   16 │ block_counts    │ data blocks by codec, 4 bytes each: stored as they │
//! │        │      │                 │ are, LZ4, Snappy, Zstandard                        │
//! │     80 │    4 │ smallest_len    │ size of the smallest key                           │
//! │     84 │    4 │ largest_len     │ size of the largest key                            │
//! │     88 │      │ smallest_key    │ the first entry's key, encoded                     │
//! │        │      │ largest_key     │ the last entry's key, encoded                      │
//! └────────┴──────┴─────────────────┴────────────────────────────────────────────────────┘
//! ```

use std::cmp::Ordering;

use memtable::{InternalKey, Kind, TRAILER_SIZE, compare_encoded};
use wal::Seq;

use crate::block::BadBlock;
use crate::codec::CODEC_COUNT;
use crate::format::{VERSION, u32_at, u64_at};

/// Size of the fields in front of the keys, in bytes.
const FIXED_SIZE: usize = 88;

/// What is in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Properties {
    /// The version of the file's format. It stands in the footer.
    pub format_version: u32,
    /// Entries, tombstones and old versions included.
    pub entry_count: u64,
    /// Entries that are deletes.
    pub tombstone_count: u64,
    /// Size of all keys as [`InternalKey::encode`] writes them, in bytes.
    pub raw_key_size: u64,
    /// Size of all values, in bytes.
    pub raw_value_size: u64,
    /// The smallest sequence number of an entry.
    pub smallest_seq: Seq,
    /// The largest sequence number of an entry.
    pub largest_seq: Seq,
    /// Size of the data blocks in the file, with their trailers, in bytes.
    pub data_size: u64,
    /// What that would be without compression, in bytes.
    pub raw_data_size: u64,
    /// How many data blocks are stored by each codec; the index is the codec's number.
    pub block_counts: [u32; CODEC_COUNT],
    /// The first entry's key, encoded.
    pub smallest_key: Vec<u8>,
    /// The last entry's key, encoded.
    pub largest_key: Vec<u8>,
}

impl Properties {
    /// Those of a table without entries.
    pub(crate) fn new() -> Properties {
        Properties {
            format_version: VERSION,
            entry_count: 0,
            tombstone_count: 0,
            raw_key_size: 0,
            raw_value_size: 0,
            smallest_seq: Seq::MAX,
            largest_seq: 0,
            data_size: 0,
            raw_data_size: 0,
            block_counts: [0; CODEC_COUNT],
            smallest_key: Vec::new(),
            largest_key: Vec::new(),
        }
    }

    /// Counts an entry, which comes behind all that were counted before.
    pub(crate) fn count(&mut self, key: InternalKey<'_>, value: &[u8]) {
        self.largest_key.clear();
        key.encode(&mut self.largest_key);
        if self.entry_count == 0 {
            self.smallest_key.clone_from(&self.largest_key);
        }
        self.entry_count += 1;
        self.tombstone_count += u64::from(key.kind == Kind::Delete);
        self.raw_key_size += self.largest_key.len() as u64;
        self.raw_value_size += value.len() as u64;
        self.smallest_seq = self.smallest_seq.min(key.seq);
        self.largest_seq = self.largest_seq.max(key.seq);
    }

    /// The user key of the first entry.
    pub fn smallest_user_key(&self) -> &[u8] {
        &self.smallest_key[..self.smallest_key.len() - TRAILER_SIZE]
    }

    /// The user key of the last entry.
    pub fn largest_user_key(&self) -> &[u8] {
        &self.largest_key[..self.largest_key.len() - TRAILER_SIZE]
    }

    /// How many data blocks there are, of all codecs.
    pub fn block_count(&self) -> usize {
        self.block_counts.iter().fold(0, |sum, &count| sum.saturating_add(count as usize))
    }

    /// How many bytes of data blocks one stored byte stands for: 1 is no compression, 2 is half.
    pub fn compression_ratio(&self) -> f64 {
        self.raw_data_size as f64 / self.data_size as f64
    }

    /// The properties, as drawn at the top of this file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for number in [
            self.entry_count,
            self.tombstone_count,
            self.raw_key_size,
            self.raw_value_size,
            self.smallest_seq,
            self.largest_seq,
            self.data_size,
            self.raw_data_size,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for number in self.block_counts {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for key in [&self.smallest_key, &self.largest_key] {
            out.extend_from_slice(&(key.len() as u32).to_le_bytes());
        }
        out.extend_from_slice(&self.smallest_key);
        out.extend_from_slice(&self.largest_key);
        out
    }

    /// Reads properties, all of `bytes`. Any bytes may come in, and none may make it panic.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] if there are not so many bytes, or the numbers contradict each other.
    pub fn decode(bytes: &[u8]) -> Result<Properties, BadBlock> {
        let bad = |at, reason| BadBlock { at, reason };
        let fixed =
            bytes.first_chunk::<FIXED_SIZE>().ok_or(bad(0, "the properties are cut off"))?;
        let number = |index: usize| u64_at(fixed, 8 * index);
        let sizes = [u32_at(fixed, 80) as usize, u32_at(fixed, 84) as usize];
        if (sizes[0] as u64) + (sizes[1] as u64) != (bytes.len() - FIXED_SIZE) as u64 {
            return Err(bad(80, "the keys are not as long as the properties say"));
        }
        let (smallest_key, largest_key) = bytes[FIXED_SIZE..].split_at(sizes[0]);
        for key in [smallest_key, largest_key] {
            InternalKey::decode(key).map_err(|key| bad(FIXED_SIZE, key.reason))?;
        }
        let properties = Properties {
            format_version: VERSION,
            entry_count: number(0),
            tombstone_count: number(1),
            raw_key_size: number(2),
            raw_value_size: number(3),
            smallest_seq: number(4),
            largest_seq: number(5),
            data_size: number(6),
            raw_data_size: number(7),
            block_counts: std::array::from_fn(|codec| u32_at(fixed, 64 + 4 * codec)),
            smallest_key: smallest_key.to_vec(),
            largest_key: largest_key.to_vec(),
        };
        if properties.entry_count == 0 || properties.tombstone_count > properties.entry_count {
            return Err(bad(0, "the numbers of entries cannot be"));
        }
        if properties.smallest_seq > properties.largest_seq {
            return Err(bad(32, "the smallest sequence number is above the largest"));
        }
        if compare_encoded(smallest_key, largest_key) == Ordering::Greater {
            return Err(bad(FIXED_SIZE, "the smallest key is behind the largest"));
        }
        Ok(properties)
    }
}
