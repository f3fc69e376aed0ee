//! Blocks without an index: found by their checksums.
//!
//! A block does not say where it ends. But behind it stands a checksum over its offset and its
//! bytes, and of four thousand wrong places one in a million looks like the right one. So the first
//! place whose checksum is right is the block's end, and the next block begins behind it. That finds
//! everything up to the first block that is damaged itself.

use bytes::Bytes;
use memtable::TRAILER_SIZE;
use sstable::format::{BLOCK_TRAILER_SIZE, FOOTER_SIZE, Handle, Partition};
use sstable::{Block, Filter};

use crate::entries::{Entry, Walk};
use crate::footer::Layout;
use crate::index::Separator;
use crate::part::Stored;
use crate::partitions;
use crate::problem::Problems;
use crate::source::Source;
use crate::{Failure, index, text};

/// How far a block's end is looked for, in bytes.
const SEARCHED_MAX: u64 = 4 << 20;

/// The largest number of a codec.
const CODEC_MAX: u8 = sstable::codec::CODEC_COUNT as u8 - 1;

/// Size of the properties without their two keys, in bytes.
const FIXED_SIZE: usize = 88;

/// The whole blocks from the beginning of the file, up to `end`.
pub(crate) fn blocks(source: &Source, end: u64) -> Result<Vec<Handle>, Failure> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(handle) = block_at(source, at, end)? {
        at = handle.end().expect("it is in a file");
        found.push(handle);
    }
    Ok(found)
}

/// The data blocks from the beginning of the file, up to `end`.
pub(crate) fn data_blocks(source: &Source, end: u64) -> Result<Vec<Handle>, Failure> {
    without_parts(source, &blocks(source, end)?)
}

/// Those of the blocks that do not look like a part of an index and a filter cut into partitions.
fn without_parts(source: &Source, blocks: &[Handle]) -> Result<Vec<Handle>, Failure> {
    let mut others = Vec::new();
    for &handle in blocks {
        let Ok(block) = Stored::read(source, handle)?.block() else { continue };
        if !is_filter_part(&block) && !is_index_part(&block, &others) {
            others.push(handle);
        }
    }
    Ok(others)
}

/// Whether it has a filter for its only entry, whose key is in front of all others.
fn is_filter_part(block: &Bytes) -> bool {
    let Ok(filter) = partitions::filter_in(block) else { return false };
    let mut walk = Walk::new(block);
    let first = walk.next().and_then(Result::ok);
    first.is_some_and(|first| walk.key(&first).user_key.is_empty())
        && Filter::decode(&filter).is_ok()
}

/// Whether all values are handles of blocks among `before`.
fn is_index_part(block: &Bytes, before: &[Handle]) -> bool {
    let names = |value: &[u8]| {
        let handle = value.try_into().map(Handle::decode);
        handle.is_ok_and(|handle| before.contains(&handle))
    };
    are_values(block, names)
}

/// Whether all values are two handles of parts in front of `offset`.
fn is_top(block: &Bytes, offset: u64) -> bool {
    let names = |value: &[u8]| {
        let handles = value.try_into().map(Partition::decode);
        handles.is_ok_and(|handles| handles.index.end().is_some_and(|end| end <= offset))
    };
    are_values(block, names)
}

/// Whether there are entries, and each has such a value.
fn are_values(block: &Bytes, is_one: impl Fn(&[u8]) -> bool) -> bool {
    if Block::parse(block.clone()).is_err() {
        return false;
    }
    let mut walk = Walk::new(block);
    let mut count = 0;
    while let Some(entry) = walk.next() {
        if !entry.is_ok_and(|entry| is_one(walk.value(&entry))) {
            return false;
        }
        count += 1;
    }
    count > 0
}

/// The block that begins at `offset`.
fn block_at(source: &Source, offset: u64, end: u64) -> Result<Option<Handle>, Failure> {
    let bytes = source.read(offset, (end - offset).min(SEARCHED_MAX) as usize)?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&offset.to_le_bytes());
    for (at, window) in bytes.windows(5).enumerate() {
        hasher.update(&window[..1]);
        let crc = u32::from_le_bytes(window[1..].try_into().expect("four bytes"));
        if at > 0 && window[0] <= CODEC_MAX && hasher.clone().finalize() == crc {
            return Ok(Some(Handle { offset, size: at as u32 }));
        }
    }
    Ok(None)
}

/// The layout of a file without a footer, from its blocks. What is missing becomes a note of the
/// problem that was added last, which is that there is none.
pub(crate) fn layout(source: &Source, problems: &mut Problems) -> Result<Layout, Failure> {
    let blocks = blocks(source, source.size)?;
    let whole = blocks.last().and_then(Handle::end).unwrap_or(0);
    let notes = problems.notes();
    if blocks.is_empty() {
        notes.push("no whole block is at its beginning either: it may be no table at all".into());
        return Ok(Layout::default());
    }
    notes.push(format!(
        "looked for by their checksums, {} at its beginning, up to byte {whole} of {}",
        text::many(blocks.len() as u64, "whole block is", "whole blocks are"),
        source.size
    ));
    if let Some(at) = top_among(source, &blocks)? {
        notes.push("its index is cut into partitions, and their top is there".into());
        let (top, properties) = (blocks[at], blocks.get(at + 1).copied());
        let data_end = top.offset;
        return Ok(Layout { top: Some(top), properties, data_end, ..Layout::default() });
    }
    let Some((index_at, separators)) = index_among(source, &blocks)? else {
        notes.push("how much is missing cannot be told: the index is not there".into());
        let parts = blocks.len() - without_parts(source, &blocks)?.len();
        if parts > 0 {
            notes.push(format!("{parts} of them are parts of an index and a filter in partitions"));
        }
        // A filter is no block of entries.
        let filter = filter_among(source, &blocks)?;
        let data_end = filter.map_or(whole, |filter| filter.offset);
        return Ok(Layout { filter, data_end, ..Layout::default() });
    };
    let data_end = separators.last().and_then(|last| last.handle.end()).unwrap_or(0);
    let index = blocks[index_at];
    let filter = blocks[..index_at].last().filter(|part| part.offset >= data_end).copied();
    let properties = blocks.get(index_at + 1).copied();
    let size = match properties {
        Some(properties) => Some(u64::from(properties.size)),
        None => properties_size(source, &separators)?,
    };
    if let (Some(size), Some(index_end)) = (size, index.end()) {
        let expected = index_end + size + (BLOCK_TRAILER_SIZE + FOOTER_SIZE) as u64;
        notes.push(match expected.checked_sub(source.size) {
            None | Some(0) => format!("the whole file has {expected} bytes, and they are here"),
            Some(missing) => {
                let missing = text::many(missing, "byte is", "bytes are");
                format!("the whole file has {expected} bytes: {missing} missing at its end")
            }
        });
    }
    Ok(Layout { filter, index: Some(index), properties, data_end, ..Layout::default() })
}

/// Which of the blocks is the index, and what it says: the last one of which that makes sense.
fn index_among(
    source: &Source,
    blocks: &[Handle],
) -> Result<Option<(usize, Vec<Separator>)>, Failure> {
    // Behind it are the properties, and the footer: that one's checksum is right for a block, too.
    for (at, &handle) in blocks.iter().enumerate().rev().take(3) {
        let Ok(block) = Stored::read(source, handle)?.block() else { continue };
        let mut problems = Problems::default();
        let separators = index::read(&block, 0, None, "", &mut problems);
        if problems.count == 0 && !separators.is_empty() {
            // The first partition's index part looks the same, but for the filter part before it.
            let before = at.checked_sub(1).map(|before| Stored::read(source, blocks[before]));
            let before = before.transpose()?.and_then(|before| before.block().ok());
            let is_part = before.is_some_and(|before| is_filter_part(&before));
            return Ok(Some((at, separators)).filter(|_| !is_part));
        }
    }
    Ok(None)
}

/// Which of the blocks is the top of partitions: one of the last.
fn top_among(source: &Source, blocks: &[Handle]) -> Result<Option<usize>, Failure> {
    for (at, &handle) in blocks.iter().enumerate().rev().take(3) {
        let Ok(block) = Stored::read(source, handle)?.block() else { continue };
        if is_top(&block, handle.offset) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// The last of the blocks, if it is a filter.
fn filter_among(source: &Source, blocks: &[Handle]) -> Result<Option<Handle>, Failure> {
    let Some(&last) = blocks.last() else { return Ok(None) };
    let Ok(block) = Stored::read(source, last)?.block() else { return Ok(None) };
    let is_filter = Block::parse(block.clone()).is_err() && Filter::decode(&block).is_ok();
    Ok(is_filter.then_some(last))
}

/// How large the properties are: their fixed part, the first key of all and the last.
fn properties_size(source: &Source, separators: &[Separator]) -> Result<Option<u64>, Failure> {
    let (Some(first), Some(last)) = (separators.first(), separators.last()) else {
        return Ok(None);
    };
    let Ok(block) = Stored::read(source, first.handle)?.block() else { return Ok(None) };
    let smallest = match Block::parse(block.clone()) {
        Ok(_) => Walk::new(&block).next().and_then(Result::ok),
        Err(_) => None,
    };
    // The last separator is the last key itself.
    let keys_size = |smallest: Entry| smallest.rest.len() + last.key().user_key.len();
    Ok(smallest.map(|smallest| (FIXED_SIZE + keys_size(smallest) + 2 * TRAILER_SIZE) as u64))
}
