//! Reading a part of a table's file, and saying what is wrong with it.
//!
//! ```text
//!   handle ──► block and trailer, in one read ──► checksum ──► codec ──► the block
//! ```

use std::io;
use std::path::Path;

use bytes::Bytes;
use wal::fs::File;
use wal::{Error, Result};

use crate::block::BadBlock;
use crate::codec::Codec;
use crate::format::{BLOCK_TRAILER_SIZE, Handle, checksum, u32_at};
use crate::spare;

/// Reads the block at `handle`, which lies inside of the file, checks it, and decompresses it.
///
/// **Day 3**. `name` says in errors what it is.
///
/// # Errors
///
/// [`Error::Corruption`] if the file ends before it does, or checksum or codec are not right;
/// [`Error::Io`], of kind `Unsupported` if this build has not got the codec.
///
/// # Cost
///
/// One read, one pass for the checksum; then the codec's.
pub(super) fn read_block(file: &dyn File, name: &'static str, handle: Handle) -> Result<Bytes> {
    // ANCHOR: day3_read_block
    // Block and trailer in one read, into a `spare::buffer`. The checksum before anything else:
    // nothing else means anything if it is wrong. It is over the offset, the block and the codec's
    // number.
    let bad = |at, reason| corruption(file.path(), name, handle.offset, BadBlock { at, reason });
    let size = handle.size as usize;
    let mut bytes = spare::buffer(size + BLOCK_TRAILER_SIZE);
    read_exact(file, handle.offset, &mut bytes)?;
    if u32_at(&bytes, size + 1) != checksum(handle.offset, &bytes[..=size], &[]) {
        return Err(bad(size + 1, "the checksum does not match"));
    }
    let codec = Codec::from_number(bytes[size])
        .ok_or_else(|| unsupported(file.path(), name, handle.offset, bytes[size]))?;
    bytes.truncate(size);
    let block = codec.decompress(bytes.freeze());
    block.map_err(|block| bad(block.at, block.reason))
    // ANCHOR_END: day3_read_block
}

/// Reads so many bytes at `offset`.
///
/// # Errors
///
/// [`Error::Corruption`] if the file ends before; [`Error::Io`].
pub(super) fn read_exact(file: &dyn File, offset: u64, mut buf: &mut [u8]) -> Result<()> {
    let mut at = offset;
    while !buf.is_empty() {
        let read = file.read_at(at, buf)?;
        if read == 0 {
            return Err(Error::corruption(file.path(), offset, "the file ends inside of a part"));
        }
        buf = &mut buf[read..];
        at += read as u64;
    }
    Ok(())
}

/// What is wrong with the part `name` of a file, which begins at `offset`.
#[cold]
pub(super) fn corruption(path: &Path, name: &'static str, offset: u64, bad: BadBlock) -> Error {
    Error::corruption(path, offset, format!("{name} at byte {offset}, {bad}"))
}

/// The checksum of the part `name`, which begins at `offset`, is right, and its codec is none of
/// this build's.
#[cold]
fn unsupported(path: &Path, name: &'static str, offset: u64, codec: u8) -> Error {
    let reason = format!(
        "{name} at byte {offset} has codec {codec}, which is not in this build (3, Zstandard, \
         needs the feature `zstd`)"
    );
    Error::io("decompress", path, io::Error::new(io::ErrorKind::Unsupported, reason))
}
