//! Reading a table whose index and filter are cut into partitions.
//!
//! ```text
//!   get(key, seq)
//!     │
//!     ├─ top           in memory            the one partition that can hold it
//!     ├─ filter part   through the cache    says no for 99 of 100 keys that are not here
//!     ├─ index part    through the cache    the one data block that can hold it
//!     └─ data block    through the cache
//! ```
//!
//! The top is what the index is to a whole table: a key that ends each partition, and where its
//! parts are. It is searched as an index is. All else is charged to the cache, and can be evicted:
//! a part is a block like any other, with a name, its offset.
//!
//! An index part is checked when it is read, before it is in the cache: it must account for every
//! byte of its partition's data, as a whole index must for the table's. A filter part is checked
//! where it is asked.

mod cursor;

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::Ordering as Memory;

use bytes::Bytes;
use memtable::{InternalKey, Kind, Lookup, SEQ_MAX, compare_encoded};
use wal::fs::File;
use wal::{Error, Result, Seq};

use super::index::Index;
use super::read::{corruption, read_block, read_exact};
use super::{Counters, Table};
use crate::block::{BadBlock, Block};
use crate::cache::{BlockCache, BlockKey};
use crate::filter::Filter;
use crate::format::{
    BLOCK_TRAILER_SIZE, FOOTER_SIZE, Footer, Handle, Partition, VERSION_PARTITIONED,
};
use crate::properties::Properties;
use crate::sync::AtomicU64;

pub(super) use self::cursor::PartitionCursor;

/// The top of a table's partitions: what of index and filter is always in memory.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    /// The key that ends each partition, and where its index part is.
    index: Index,
    /// Where its filter part is.
    filters: Vec<Option<Handle>>,
}

impl Partitions {
    /// Takes the top apart, which begins at byte `top_at` of the file.
    ///
    /// **Lab partitions**, chapter `week03/lab-partitions.md`. Any bytes may come in, and none may
    /// make it panic. The partitions that it returns fill the file from 0 to `top_at`.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] if it is no block, a value is not two handles, a partition is without data, one
    /// of its parts does not begin where the one before it ends, the last does not end at `top_at`,
    /// or keys do not ascend: at its first byte, but for an entry that is none.
    ///
    /// # Cost
    ///
    /// One walk over it, and memory of about its own size.
    fn decode(bytes: Bytes, top_at: u64) -> Result<Partitions, BadBlock> {
        // ANCHOR: partitions_decode
        // As day 3 takes an index apart: a cursor gives keys and values, `Index::push` takes a key
        // and a handle, `Index::set_heads` comes last. Keep where the partition before ended. This
        // one's data begins there, and is followed by the filter part (if any) and the index part.
        let bad = |reason| Err(BadBlock { at: 0, reason });
        let mut cursor = Block::parse(bytes)?.cursor();
        let mut partitions = Partitions::default();
        let mut start = 0;
        cursor.first()?;
        while let Some(last) = cursor.key() {
            let Ok(partition) = cursor.value().try_into().map(Partition::decode) else {
                return bad("a value is not two handles");
            };
            if partition.data_end() <= start {
                return bad("a partition without data");
            }
            if partition.filter.is_some_and(|part| part.end() != Some(partition.index.offset)) {
                return bad("a filter part does not end at its index part");
            }
            let Some(end) = partition.index.end().filter(|&end| end <= top_at) else {
                return bad("a partition reaches past the top");
            };
            if partitions.index.order_of_last(&last) != Ordering::Less {
                return bad("keys of partitions do not ascend");
            }
            partitions.index.push(last, partition.index);
            partitions.filters.push(partition.filter);
            start = end;
            cursor.next()?;
        }
        if start != top_at {
            return bad("partitions do not reach to the top");
        }
        partitions.index.set_heads();
        Ok(partitions)
        // ANCHOR_END: partitions_decode
    }

    /// The key that ends each, and where its index part is, behind which the next one begins.
    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// How many there are.
    fn len(&self) -> usize {
        self.filters.len()
    }

    /// Where the parts of partition `index` are.
    fn get(&self, index: usize) -> Partition {
        Partition { filter: self.filters[index], index: self.index.handle(index) }
    }

    /// Where the data blocks of partition `index` begin.
    fn data_start(&self, index: usize) -> u64 {
        let before = index.checked_sub(1).map(|before| self.index.handle(before));
        before.map_or(0, |part| part.end().expect("it was checked"))
    }

    /// What all data blocks take of the file.
    fn data_size(&self) -> u64 {
        (0..self.len()).map(|index| self.get(index).data_end() - self.data_start(index)).sum()
    }

    /// Size in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        self.index.size() + self.len() * size_of::<Option<Handle>>()
    }
}

/// The last bytes of a file and where they begin, if it ends like a table with partitions.
pub(super) fn footer_in(file: &dyn File) -> Option<([u8; FOOTER_SIZE], u64)> {
    let footer_at = file.len().ok()?.checked_sub(FOOTER_SIZE as u64)?;
    let mut footer = [0; FOOTER_SIZE];
    read_exact(file, footer_at, &mut footer).ok()?;
    Footer::is_partitioned(&footer).then_some((footer, footer_at))
}

impl Table {
    /// Opens a table with partitions, whose footer is that.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if footer, properties or top are not right; [`Error::Io`].
    ///
    /// # Cost
    ///
    /// A read for properties and top each. No part is read.
    pub(super) fn open_partitioned(
        file: Arc<dyn File>,
        (footer, footer_at): ([u8; FOOTER_SIZE], u64),
        id: u64,
        cache: Option<Arc<BlockCache>>,
    ) -> Result<Table> {
        let bad = |name, at| {
            let path = file.path();
            move |bad: BadBlock| corruption(path, name, at, bad)
        };
        let footer =
            Footer::decode_partitioned(&footer, footer_at).map_err(bad("footer", footer_at))?;
        let properties = read_block(&*file, "properties", footer.properties)?;
        let mut properties =
            Properties::decode(&properties).map_err(bad("properties", footer.properties.offset))?;
        properties.format_version = VERSION_PARTITIONED;
        let top = read_block(&*file, "top", footer.index)?;
        let partitions =
            Partitions::decode(top, footer.data_end()).map_err(bad("top", footer.index.offset))?;
        if properties.data_size != partitions.data_size() {
            let reason = "properties: they do not agree with the top";
            return Err(Error::corruption(file.path(), footer.properties.offset, reason));
        }
        Ok(Table {
            file,
            id,
            index: Index::default(),
            filter: None,
            partitions: Some(partitions),
            properties,
            cache,
            size: footer_at + FOOTER_SIZE as u64,
            counters: Counters::default(),
        })
    }

    /// What a snapshot at `seq` sees of `key`.
    ///
    /// **Lab partitions**, chapter `week03/lab-partitions.md`. What [`get`](Table::get) does, by
    /// way of the top: one filter part, one index part and one data block at most.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if a part or the block is damaged, [`Error::Io`] if it cannot be read.
    ///
    /// # Cost
    ///
    /// Binary searches in the top and in the index part, one line of the filter part. No allocation
    /// if all is in the cache.
    pub(super) fn get_partitioned(
        &self,
        partitions: &Partitions,
        key: &[u8],
        seq: Seq,
    ) -> Result<Lookup> {
        // ANCHOR: partitions_get
        // Behind the last partition there is nothing. The filter part comes first: whoever is not
        // there needs no index. What follows the index part is `get` of day 3, but for who was
        // misled: `count_misled` asks for a whole filter.
        let target = InternalKey::lookup(key, seq.min(SEQ_MAX));
        let index = partitions.index.find(&target);
        if index == partitions.len() || !self.part_may_contain(partitions.get(index), key)? {
            return Ok(Lookup::Absent);
        }
        let part = self.index_part(partitions, index)?;
        let handle = self.find_block(partitions, index, &part, &target)?;
        let block = self.data_block(handle)?;
        let bad = |bad| corruption(self.path(), "data block", handle.offset, bad);
        match block.find(target).map_err(bad)? {
            Some(found) if found.kind == Kind::Put => {
                Ok(Lookup::Value(block.into_slice(found.value)))
            }
            Some(_) => Ok(Lookup::Deleted),
            None => {
                if partitions.get(index).filter.is_some() {
                    self.counters.filter_misled.fetch_add(1, Memory::Relaxed);
                }
                Ok(Lookup::Absent)
            }
        }
        // ANCHOR_END: partitions_get
    }

    /// Whether the filter part of a partition lets `key` through; counts if it does not. Without
    /// one, all keys get through.
    ///
    /// **Lab partitions**.
    ///
    /// # Errors
    ///
    /// Those of reading the part; [`Error::Corruption`] if it is not a block whose first entry is a
    /// filter.
    fn part_may_contain(&self, partition: Partition, key: &[u8]) -> Result<bool> {
        // ANCHOR: partitions_part_may_contain
        // `cached` gives the block. Its only entry is the first at or behind the smallest key,
        // which is `InternalKey::lookup(&[], SEQ_MAX)`.
        let Some(handle) = partition.filter else { return Ok(true) };
        let load = || self.load_block("filter part", handle, &self.counters.parts_read);
        let part = self.cached(handle, load)?;
        let filter = part.find_at_restarts(&InternalKey::lookup(&[], SEQ_MAX));
        let may = filter.and_then(|filter| Filter::may_contain_in(filter.unwrap_or(&[]), key));
        let may = may.map_err(|bad| corruption(self.path(), "filter part", handle.offset, bad))?;
        if !may {
            self.counters.filter_avoided.fetch_add(1, Memory::Relaxed);
        }
        Ok(may)
        // ANCHOR_END: partitions_part_may_contain
    }

    /// The index part of partition `index`, from the cache if there is one. It was checked when it
    /// was read.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`], [`Error::Io`].
    fn index_part(&self, partitions: &Partitions, index: usize) -> Result<Block> {
        let partition = partitions.get(index);
        self.cached(partition.index, || {
            let part = self.load_block("index part", partition.index, &self.counters.parts_read)?;
            let (data_start, data_end) = (partitions.data_start(index), partition.data_end());
            match check_index_part(&part, data_start, data_end) {
                Ok(last) if partitions.index.is_key(index, &last) => Ok(part),
                Ok(_) => Err(BadBlock { at: 0, reason: "it does not end with the top's key" }),
                Err(bad) => Err(bad),
            }
            .map_err(|bad| corruption(self.path(), "index part", partition.index.offset, bad))
        })
    }

    /// The data block that can have an entry at `target`, by the index part of partition `index`,
    /// whose key is not before the target.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if the part does not say it.
    fn find_block(
        &self,
        partitions: &Partitions,
        index: usize,
        part: &Block,
        target: &InternalKey<'_>,
    ) -> Result<Handle> {
        let none = BadBlock { at: 0, reason: "a handle that is none" };
        let found = part.find_at_restarts(target);
        let handle = found.and_then(|value| value.and_then(handle_of).ok_or(none));
        let at = partitions.get(index).index.offset;
        handle.map_err(|bad| corruption(self.path(), "index part", at, bad))
    }

    /// The data block at `handle`, from the cache if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`], [`Error::Io`].
    fn data_block(&self, handle: Handle) -> Result<Block> {
        self.cached(handle, || self.load_block("data block", handle, &self.counters.blocks_read))
    }

    /// The block at `handle`, from the cache if there is one, else from `load`.
    ///
    /// **Lab partitions**.
    ///
    /// # Errors
    ///
    /// Those of `load`.
    fn cached(&self, handle: Handle, load: impl FnOnce() -> Result<Block>) -> Result<Block> {
        // ANCHOR: partitions_cached
        // As day 5 does it for data blocks.
        match &self.cache {
            Some(cache) => {
                cache.get_or_load(BlockKey { table_id: self.id, offset: handle.offset }, load)
            }
            None => load(),
        }
        // ANCHOR_END: partitions_cached
    }

    /// Reads the block at `handle` from the file, and counts it.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`], [`Error::Io`].
    fn load_block(&self, name: &'static str, handle: Handle, count: &AtomicU64) -> Result<Block> {
        let bytes = read_block(&*self.file, name, handle)?;
        count.fetch_add(1, Memory::Relaxed);
        let size = u64::from(handle.size) + BLOCK_TRAILER_SIZE as u64;
        self.counters.bytes_read.fetch_add(size, Memory::Relaxed);
        Block::parse(bytes).map_err(|bad| corruption(self.path(), name, handle.offset, bad))
    }
}

/// The handle that this value of an index part is.
fn handle_of(value: &[u8]) -> Option<Handle> {
    value.try_into().ok().map(Handle::decode)
}

/// Checks that `part` accounts for every byte from `data_start` to `data_end`, and gives its last
/// key, encoded.
///
/// # Errors
///
/// [`BadBlock`] if a value is no handle, data blocks do not lie one behind the other from
/// `data_start` to `data_end`, keys do not ascend, or an entry is no restart point: a search would
/// not see it.
fn check_index_part(part: &Block, data_start: u64, data_end: u64) -> Result<Vec<u8>, BadBlock> {
    let bad = |reason| Err(BadBlock { at: 0, reason });
    let mut cursor = part.cursor();
    let (mut last, mut key, mut next, mut count) = (Vec::new(), Vec::new(), data_start, 0);
    cursor.first()?;
    while let Some(separator) = cursor.key() {
        let Some(handle) = handle_of(cursor.value()) else {
            return bad("a value is no handle");
        };
        let Some(end) = handle.end().filter(|&end| handle.offset == next && end <= data_end) else {
            return bad("data blocks do not lie one behind the other");
        };
        key.clear();
        separator.encode(&mut key);
        if count > 0 && compare_encoded(&last, &key) != Ordering::Less {
            return bad("separators do not ascend");
        }
        std::mem::swap(&mut last, &mut key);
        next = end;
        count += 1;
        cursor.next()?;
    }
    if next != data_end {
        return bad("data blocks do not reach to the next part");
    }
    if count != part.restart_count() {
        return bad("an entry is no restart point");
    }
    Ok(last)
}
