//! The index in memory: for each data block a key that ends it, laid out to be searched.
//!
//! ```text
//!   separators     user/carl   user/dora   user/paul/7   user/quentin
//!   shared         user/                       what all of them begin with, once
//!   heads          carl…       dora…       paul/7…       quentin…     the eight bytes behind it,
//!                                                                     as numbers: what is searched
//!   keys           carl dora paul/7 quentin    all of them, asked only where heads are equal
//! ```
//!
//! In the file it is a block like any other, of separators and handles. Once open, its keys are
//! needed whole for every lookup: so it is taken apart once. The binary search then goes over an
//! array of numbers, eight to a line of the CPU's cache.

use std::cmp::Ordering;

use bytes::Bytes;
use memtable::InternalKey;

use crate::block::{BadBlock, Block, shared_prefix};
use crate::format::Handle;

/// The separators and handles of a table's data blocks.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// The first bytes that all separators have in common.
    shared: Vec<u8>,
    /// Of each separator, the first eight bytes behind that, zeros behind its end. They ascend.
    heads: Vec<u64>,
    /// Where each separator's user key ends in `keys`; it begins where the one before it ends.
    key_ends: Vec<usize>,
    /// The user keys of all separators.
    keys: Vec<u8>,
    /// Their trailers.
    trailers: Vec<u64>,
    /// The data blocks, which lie one behind the other.
    handles: Vec<Handle>,
}

impl Index {
    /// Takes an index block apart. The data that it is about ends at `data_end`.
    ///
    /// **Day 3**, chapter `week03/day3-reader.md`.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] if it is no block, a value is no handle, data blocks do not lie one behind the
    /// other from 0 to `data_end`, or separators do not ascend.
    ///
    /// # Cost
    ///
    /// One walk over it, and memory of about its own size.
    pub(crate) fn decode(bytes: Bytes, data_end: u64) -> Result<Index, BadBlock> {
        // ANCHOR: day3_index_decode
        // A cursor over the block gives keys and handles. `push` puts them in their places. What
        // all have in common is what the first and the last have: they ascend. `set_heads` does the
        // rest.
        let bad = |reason| Err(BadBlock { at: 0, reason });
        let mut cursor = Block::parse(bytes)?.cursor();
        let mut index = Index::default();
        let mut next = 0;
        cursor.first()?;
        while let Some(separator) = cursor.key() {
            let Ok(handle) = cursor.value().try_into().map(Handle::decode) else {
                return bad("a value is no handle");
            };
            let Some(end) = handle.end().filter(|&end| handle.offset == next && end <= data_end)
            else {
                return bad("data blocks do not lie one behind the other");
            };
            if index.order_of_last(&separator) != Ordering::Less {
                return bad("separators do not ascend");
            }
            index.push(separator, handle);
            next = end;
            cursor.next()?;
        }
        if next != data_end {
            return bad("data blocks do not reach to the next part");
        }
        index.set_heads();
        Ok(index)
        // ANCHOR_END: day3_index_decode
    }

    /// The first data block whose separator is at or behind `target`: the only one that can have an
    /// entry at `target`. The number of blocks if there is none.
    ///
    /// **Day 3**.
    ///
    /// # Cost
    ///
    /// A binary search over numbers, and one over the keys whose numbers are equal, which are
    /// mostly none or one. No allocation.
    #[inline]
    pub(crate) fn find(&self, target: &InternalKey<'_>) -> usize {
        // ANCHOR: day3_index_find
        // A target that does not begin with what all share is before all or behind all. Else its
        // head leaves a range of candidates: `partition_point` finds both of its ends, and the
        // place in it. Mostly there is none, and one look says so.
        let size = target.user_key.len().min(self.shared.len());
        let (front, rest) = target.user_key.split_at(size);
        match front.cmp(&self.shared) {
            Ordering::Less => return 0,
            Ordering::Greater => return self.len(),
            Ordering::Equal => {}
        }
        let head = head(rest);
        let low = self.heads.partition_point(|&other| other < head);
        if self.heads.get(low) != Some(&head) {
            return low;
        }
        let equal = self.heads[low..].partition_point(|&other| other == head);
        let (mut low, mut high) = (low, low + equal);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.order(middle, target) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal | Ordering::Greater => high = middle,
            }
        }
        low
        // ANCHOR_END: day3_index_find
    }

    /// How many data blocks there are.
    pub(crate) fn len(&self) -> usize {
        self.handles.len()
    }

    /// Where data block `index` is.
    #[inline]
    pub(crate) fn handle(&self, index: usize) -> Handle {
        self.handles[index]
    }

    /// All that the handles are about, in up to `count_max` pieces of as many handles each, one behind
    /// the other: of each piece, the user key of its last separator, and its size in the file, in bytes.
    pub(super) fn pieces(&self, count_max: usize) -> impl Iterator<Item = (&[u8], u64)> {
        let count = self.len().min(count_max);
        let mut start = 0;
        (1..=count).map(move |piece| {
            let last = self.len() * piece / count - 1;
            let end = self.handle(last).end().expect("it was checked");
            let size = end - start;
            start = end;
            (self.key(last).0, size)
        })
    }

    /// Size in memory, in bytes.
    pub(crate) fn size(&self) -> usize {
        let per_block = size_of::<u64>() * 2 + size_of::<usize>() + size_of::<Handle>();
        self.keys.len() + self.len() * per_block
    }

    /// The user key and the trailer of separator `index`.
    #[inline]
    fn key(&self, index: usize) -> (&[u8], u64) {
        let start = if index == 0 { 0 } else { self.key_ends[index - 1] };
        (&self.keys[start..self.key_ends[index]], self.trailers[index])
    }

    /// The order of separator `index` and `target`.
    #[inline]
    fn order(&self, index: usize, target: &InternalKey<'_>) -> Ordering {
        let (user_key, trailer) = self.key(index);
        user_key.cmp(target.user_key).then_with(|| target.trailer().cmp(&trailer))
    }

    /// The order of the last separator so far and `next`; before the first one comes anything.
    pub(super) fn order_of_last(&self, next: &InternalKey<'_>) -> Ordering {
        self.len().checked_sub(1).map_or(Ordering::Less, |last| self.order(last, next))
    }

    /// Whether separator `index` is this key, encoded.
    pub(super) fn is_key(&self, index: usize, key: &[u8]) -> bool {
        let key = InternalKey::decode(key);
        key.is_ok_and(|key| self.order(index, &key) == Ordering::Equal)
    }

    /// Adds a separator and a handle behind all others.
    pub(super) fn push(&mut self, separator: InternalKey<'_>, handle: Handle) {
        self.keys.extend_from_slice(separator.user_key);
        self.key_ends.push(self.keys.len());
        self.trailers.push(separator.trailer());
        self.handles.push(handle);
    }

    /// Finds out what all separators begin with, and the eight bytes behind it of each.
    pub(super) fn set_heads(&mut self) {
        let ((first, _), (last, _)) = (self.key(0), self.key(self.len() - 1));
        let shared = first[..shared_prefix(first, last)].to_vec();
        let heads = (0..self.len()).map(|index| head(&self.key(index).0[shared.len()..]));
        self.heads = heads.collect();
        self.shared = shared;
    }
}

// ANCHOR: listing_head
/// The first eight bytes as a number, so that numbers are in the order of the bytes; zeros behind
/// the end.
#[inline]
fn head(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => {
            let mut padded = [0; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            u64::from_be_bytes(padded)
        }
    }
}
// ANCHOR_END: listing_head
