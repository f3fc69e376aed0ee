//! The entries of a block, one by one, with everything that the format says about each.
//!
//! `sstable::BlockCursor` gives keys and values. Here it is shown where they stand, and a bad entry
//! does not end it: the walk goes on at the next restart point.

use std::ops::Range;

use memtable::{InternalKey, Kind, TRAILER_SIZE};
use sstable::{BadBlock, varint};

/// An entry; places are in bytes from the block's first.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) at: usize,
    pub(crate) shared: usize,
    /// Where each of the three lengths ends.
    pub(crate) lengths: [usize; 3],
    /// The rest of the user key.
    pub(crate) rest: Range<usize>,
    pub(crate) trailer: u64,
    pub(crate) value: Range<usize>,
    pub(crate) is_restart: bool,
}

/// A walk over a block.
pub(crate) struct Walk<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) entries_end: usize,
    pub(crate) restarts: Vec<usize>,
    /// Where the next entry begins.
    at: usize,
    /// The restart point that is to come.
    next_restart: usize,
    user_key: Vec<u8>,
}

impl<'a> Walk<'a> {
    /// A walk over `bytes`, of which `Block::parse` has said that they are a block.
    pub(crate) fn new(bytes: &'a [u8]) -> Walk<'a> {
        let (front, count) = bytes.split_last_chunk::<4>().expect("a block has a count");
        let restarts_size = 4 * u32::from_le_bytes(*count) as usize;
        let (entries, restarts) = front.split_at(front.len() - restarts_size);
        let (restarts, _) = restarts.as_chunks::<4>();
        let restarts = restarts.iter().map(|at| u32::from_le_bytes(*at) as usize).collect();
        let entries_end = entries.len();
        Walk { bytes, entries_end, restarts, at: 0, next_restart: 0, user_key: Vec::new() }
    }

    /// The entry that comes next; `None` behind the last. An error ends a run of entries, and the
    /// entry after it is the next restart point.
    pub(crate) fn next(&mut self) -> Option<Result<Entry, BadBlock>> {
        if self.at >= self.entries_end {
            return None;
        }
        let entry = self.read();
        match &entry {
            Ok(entry) => {
                self.user_key.truncate(entry.shared);
                self.user_key.extend_from_slice(&self.bytes[entry.rest.clone()]);
                self.next_restart += usize::from(entry.is_restart);
                self.at = entry.value.end;
            }
            Err(_) => {
                self.user_key.clear();
                while self.restarts.get(self.next_restart).is_some_and(|&next| next <= self.at) {
                    self.next_restart += 1;
                }
                self.at = *self.restarts.get(self.next_restart).unwrap_or(&self.entries_end);
            }
        }
        Some(entry)
    }

    /// The key of the entry that came last.
    pub(crate) fn key(&self, entry: &Entry) -> InternalKey<'_> {
        let kind = if entry.trailer as u8 == 0 { Kind::Delete } else { Kind::Put };
        InternalKey { user_key: &self.user_key, seq: entry.trailer >> 8, kind }
    }

    /// The value of an entry.
    pub(crate) fn value(&self, entry: &Entry) -> &'a [u8] {
        &self.bytes[entry.value.clone()]
    }

    fn read(&self) -> Result<Entry, BadBlock> {
        let at = self.at;
        let bad = |reason| BadBlock { at, reason };
        let next_restart = self.restarts.get(self.next_restart).copied();
        if next_restart.is_some_and(|next| next < at) {
            return Err(bad("the entry before it runs across a restart point, where none begins"));
        }
        let entries = &self.bytes[..self.entries_end];
        let length = |at| varint::get(entries, at).ok_or(bad("a length is cut off or too large"));
        let (shared, unshared_at) = length(at)?;
        let (unshared, size_at) = length(unshared_at)?;
        let (value_size, key_at) = length(size_at)?;
        let (shared, unshared) = (shared as usize, unshared as usize);
        let rest_size = unshared.checked_sub(TRAILER_SIZE).ok_or(bad("a key without trailer"))?;
        let value_at = key_at.checked_add(unshared);
        let end = value_at.and_then(|value_at| value_at.checked_add(value_size as usize));
        let (Some(value_at), Some(end)) = (value_at, end.filter(|&end| end <= self.entries_end))
        else {
            return Err(bad("an entry runs past the end of the entries"));
        };
        let rest = key_at..key_at + rest_size;
        let trailer = u64::from_le_bytes(entries[rest.end..value_at].try_into().expect("eight"));
        if trailer as u8 > Kind::Put as u8 {
            return Err(bad("an unknown kind of operation"));
        }
        let is_restart = next_restart == Some(at);
        if is_restart && shared != 0 {
            return Err(bad("a restart point shares bytes with the entry before it"));
        }
        if shared > self.user_key.len() {
            return Err(bad("it shares more than the key before it has"));
        }
        let lengths = [unshared_at, size_at, key_at];
        Ok(Entry { at, shared, lengths, rest, trailer, value: value_at..end, is_restart })
    }
}
