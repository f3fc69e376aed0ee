//! How sequences become a block again: nothing but copies, and none before it is checked.
//!
//! A copy of any size is a call, which costs more than the few bytes that it mostly moves. One of 32
//! bytes is a few instructions. So where there is room, 32 are copied, and what was too much is
//! written over by what comes next.

use super::{COPY_LEN_MIN, NIBBLE_MAX, RATIO_MAX};
use crate::block::BadBlock;

/// So many bytes are copied at once, where there is room.
const CHUNK: usize = 32;

/// The block of `raw_size` bytes that was compressed to `packed`.
///
/// **Lab lz4**, chapter `week03/lab-lz4.md`. Any bytes may come in with any size, and none may make
/// it panic, or get more memory than `packed` can possibly stand for. The rules for the end of a
/// block bind who writes, and are not checked.
///
/// # Errors
///
/// [`BadBlock`], with a place in `packed`:
///
/// * 0 if `raw_size` is above [`RATIO_MAX`] times `packed.len()`; nothing was allocated then;
/// * `packed.len()` if a token, a length or an offset is cut off, or if the block has fewer bytes than
///   `raw_size`;
/// * the first literal's, if there are fewer than the token says, or more than fit into `raw_size`;
/// * the offset's, if it is 0, leads to before the block, or its copy does not fit.
///
/// If several are wrong, it is the first that is met: an offset is judged before the length behind
/// it, and whether something fits when its length has been read whole.
///
/// # Cost
///
/// One allocation of `raw_size`; no byte is read from memory that was not written.
pub fn decompress(packed: &[u8], raw_size: usize) -> Result<Vec<u8>, BadBlock> {
    // ANCHOR: lz4_decompress
    // Refuse what cannot be, and get memory once. `from` is where `packed` is read, `to` where the
    // block is written. Only behind literals a block may end.
    let bad = |at, reason| Err(BadBlock { at, reason });
    if raw_size > packed.len().saturating_mul(RATIO_MAX) {
        return bad(0, "a compressed block claims more than LZ4 can make of it");
    }
    let mut block = vec![0; raw_size];
    let (mut from, mut to) = (0, 0);
    loop {
        let token = usize::from(*packed.get(from).ok_or_else(|| cut_off(packed))?);
        from += 1;
        let count = match token >> 4 {
            NIBBLE_MAX => read_length(packed, &mut from)?,
            count => count,
        };
        if count > packed.len() - from {
            return bad(from, "more literals than there are bytes");
        }
        if count > raw_size - to {
            return bad(from, "more literals than the block has room for");
        }
        copy_literals(&packed[from..], &mut block[to..], count);
        (from, to) = (from + count, to + count);
        if from == packed.len() {
            break;
        }

        let offset_at = from;
        let offset = packed[from..].first_chunk().ok_or_else(|| cut_off(packed))?;
        let offset = usize::from(u16::from_le_bytes(*offset));
        from += 2;
        if offset == 0 || offset > to {
            return bad(offset_at, "a copy of what is not in the block");
        }
        let more = match token & NIBBLE_MAX {
            NIBBLE_MAX => read_length(packed, &mut from)?,
            more => more,
        };
        let len = more.saturating_add(COPY_LEN_MIN);
        if len > raw_size - to {
            return bad(offset_at, "a copy that is longer than the block has room for");
        }
        copy_back(&mut block, to, offset, len);
        to += len;
    }
    if to < raw_size {
        return bad(packed.len(), "a compressed block with fewer bytes than its size");
    }
    Ok(block)
    // ANCHOR_END: lz4_decompress
}

/// The error for what is missing at the end.
fn cut_off(packed: &[u8]) -> BadBlock {
    BadBlock { at: packed.len(), reason: "a compressed block is cut off" }
}

/// A length that a token gives as 15, and goes on at `from`, which moves to behind it.
///
/// **Lab lz4**.
///
/// # Errors
///
/// [`BadBlock`] at the end of `packed` if that comes before the length's.
///
/// # Cost
///
/// One step a byte. Most lengths are shorter: this stays out of the loop that calls it.
#[inline(never)]
fn read_length(packed: &[u8], from: &mut usize) -> Result<usize, BadBlock> {
    // ANCHOR: lz4_read_length
    // 16 MiB of 255 are more than 32 bits can count, and on some machines a `usize` has no more.
    let mut length = NIBBLE_MAX;
    loop {
        let byte = *packed.get(*from).ok_or_else(|| cut_off(packed))?;
        *from += 1;
        length = length.saturating_add(usize::from(byte));
        if byte < u8::MAX {
            return Ok(length);
        }
    }
    // ANCHOR_END: lz4_read_length
}

/// Copies the first `count` bytes of `packed` to the start of `block`: both have as many.
///
/// **Lab lz4**. What is in `block` behind them does not matter.
#[inline]
fn copy_literals(packed: &[u8], block: &mut [u8], count: usize) {
    // ANCHOR: lz4_copy_literals
    // A chunk if that is enough and both have one.
    match (packed.first_chunk::<CHUNK>(), block.first_chunk_mut::<CHUNK>()) {
        (Some(packed), Some(block)) if count <= CHUNK => *block = *packed,
        _ => block[..count].copy_from_slice(&packed[..count]),
    }
    // ANCHOR_END: lz4_copy_literals
}

/// Copies `len` bytes of `block`, from `offset` before `to`, to `to`: both are inside of it.
///
/// **Lab lz4**. `offset` is not 0. If `len` is above `offset`, what is copied is copied again. What
/// is in `block` behind does not matter.
///
/// # Cost
///
/// Byte by byte is right. Faster is, where it overlaps, to copy twice as much in each step.
#[inline]
fn copy_back(block: &mut [u8], to: usize, offset: usize, len: usize) {
    // ANCHOR: lz4_copy_back
    // A chunk if that is enough, there is one on either side, and they do not overlap. Else from
    // the same place again and again: from there to here everything repeats with `offset`, and is
    // twice as long after each step.
    let (start, end) = (to - offset, to + len);
    let (before, behind) = block.split_at_mut(to);
    if let (Some(source), Some(target)) =
        (before[start..].first_chunk::<CHUNK>(), behind.first_chunk_mut::<CHUNK>())
        && len <= CHUNK
    {
        *target = *source;
        return;
    }
    let mut to = to;
    while to < end {
        let size = (to - start).min(end - to);
        block.copy_within(start..start + size, to);
        to += size;
    }
    // ANCHOR_END: lz4_copy_back
}
