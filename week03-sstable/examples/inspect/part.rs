//! A part of the file as it is stored, its checksum, and what may have happened to it.

use std::fmt;

use bytes::Bytes;
use sstable::format::{BLOCK_TRAILER_SIZE, Handle, checksum};
use sstable::{BadBlock, Codec};

use crate::flip;
use crate::source::Source;
use crate::{Failure, text};

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Data(usize),
    Filter,
    Index,
    Properties,
    Footer,
    /// Of a table with partitions: their filter parts, their index parts, and what names both.
    FilterPart(usize),
    IndexPart(usize),
    Top,
    /// Data blocks and their parts, where a picture has no room for each.
    Partition(usize),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Data(index) => f.pad(&format!("data block {index}")),
            Kind::Filter => f.pad("filter"),
            Kind::Index => f.pad("index"),
            Kind::Properties => f.pad("properties"),
            Kind::Footer => f.pad("footer"),
            Kind::FilterPart(index) => f.pad(&format!("filter {index}")),
            Kind::IndexPart(index) => f.pad(&format!("index {index}")),
            Kind::Top => f.pad("top"),
            Kind::Partition(index) => f.pad(&format!("partition {index}")),
        }
    }
}

/// A block and its trailer.
pub(crate) struct Stored {
    pub(crate) handle: Handle,
    bytes: Vec<u8>,
}

impl Stored {
    /// Reads what stands at `handle`, which lies inside of the file.
    pub(crate) fn read(source: &Source, handle: Handle) -> Result<Stored, Failure> {
        let bytes = source.read(handle.offset, handle.size as usize + BLOCK_TRAILER_SIZE)?;
        Ok(Stored { handle, bytes })
    }

    fn size(&self) -> usize {
        self.handle.size as usize
    }

    pub(crate) fn codec(&self) -> u8 {
        self.bytes[self.size()]
    }

    /// All of it, with the trailer.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn stored_crc(&self) -> u32 {
        u32::from_le_bytes(*self.bytes.last_chunk().expect("there is a trailer"))
    }

    pub(crate) fn computed_crc(&self) -> u32 {
        checksum(self.handle.offset, &self.bytes[..=self.size()], &[])
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.stored_crc() == self.computed_crc()
    }

    /// The block without compression.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] if the codec is unknown, or it did not make these bytes.
    pub(crate) fn block(&self) -> Result<Bytes, BadBlock> {
        let (at, reason) = (self.size(), "this build has no codec of this number");
        let codec = Codec::from_number(self.codec()).ok_or(BadBlock { at, reason })?;
        codec.decompress(Bytes::copy_from_slice(&self.bytes[..at]))
    }

    /// What its checksum tells about the damage. If one flipped bit explains it, that is flipped
    /// back in memory, so that the rest can be read on.
    pub(crate) fn explain(&mut self, others: &[Handle]) -> Vec<String> {
        let (stored, computed) = (self.stored_crc(), self.computed_crc());
        let mut notes = vec![format!(
            "stored {stored:08x}, computed {computed:08x} over the offset {}, {} and codec {}",
            self.handle.offset,
            text::many(self.size() as u64, "byte", "bytes"),
            self.codec()
        )];
        if self.bytes.iter().all(|&byte| byte == 0) {
            notes.push("it is all zeros: was it ever written?".into());
        } else if let Some((at, bit)) = flip::find(stored, computed, self.size() + 1) {
            notes.push(mend(&mut self.bytes, self.handle.offset, at, bit));
        } else if let Some(other) = self.home(others) {
            notes.push(format!("it is a whole block of offset {other}: written to a wrong place"));
        }
        notes
    }

    /// At which other offset its checksum would be right.
    fn home(&self, others: &[Handle]) -> Option<u64> {
        let mut content = crc32fast::Hasher::new();
        content.update(&self.bytes[..=self.size()]);
        let is_right = |offset: &u64| {
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(&offset.to_le_bytes());
            hasher.combine(&content);
            hasher.finalize() == self.stored_crc()
        };
        others.iter().map(|handle| handle.offset).find(is_right)
    }
}

/// Flips a bit back, and says which it was.
pub(crate) fn mend(bytes: &mut [u8], offset: u64, at: usize, bit: u32) -> String {
    let found = bytes[at];
    bytes[at] ^= 1 << bit;
    format!(
        "one flipped bit explains it: byte {} of the file is {found:02x}, and was {:02x}",
        offset + at as u64,
        bytes[at]
    )
}

/// The codec with this number, also if this build does not have it.
pub(crate) fn codec_name(number: u8) -> &'static str {
    match number {
        0 => "none",
        1 => "lz4",
        2 => "snappy",
        3 => "zstd",
        _ => "?",
    }
}
