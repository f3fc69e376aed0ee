//! Reading a table: one binary search for the block, one for the entry.
//!
//! ```text
//!   get(key, seq)
//!     │
//!     ├─ filter     in memory    says no for 99 of 100 keys that are not here     day 4
//!     ├─ index      in memory    the one data block that can hold it
//!     ├─ block      from the cache, or read, checked and decompressed             days 5, 6
//!     └─ find       in place; the value is a slice of the block
//! ```
//!
//! Opening a table reads footer, properties, index and filter once, and checks them; they stay in
//! memory. After that a lookup reads one block at most, and so does a step of a cursor. If index
//! and filter are cut into partitions, only their top is in memory: `table/partitions.rs`. What is
//! wrong with the file is [`Error::Corruption`], with the block in words and its offset.

mod cursor;
mod index;
mod partitions;
mod read;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use memtable::{InternalKey, Kind, Lookup, SEQ_MAX};
use wal::fs::{File, Fs};
use wal::{Error, Result, Seq};

use self::index::Index;
use self::partitions::Partitions;
use self::read::{corruption, read_block, read_exact};
use crate::block::{BadBlock, Block};
use crate::cache::{BlockCache, BlockKey};
use crate::filter::Filter;
use crate::format::{BLOCK_TRAILER_SIZE, FOOTER_SIZE, Footer};
use crate::properties::Properties;
use crate::sync::AtomicU64;

pub use self::cursor::TableCursor;

/// A table that is open: shared by threads, never changed.
pub struct Table {
    file: Arc<dyn File>,
    /// Names the table in the cache.
    id: u64,
    index: Index,
    filter: Option<Filter>,
    /// In the place of index and filter, which are then empty and none.
    partitions: Option<Partitions>,
    properties: Properties,
    /// Without one, each lookup reads its block from the file.
    cache: Option<Arc<BlockCache>>,
    /// Size of the file, in bytes.
    size: u64,
    counters: Counters,
}

/// What a table has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableStats {
    /// Lookups that the filter answered: no block was looked at.
    pub filter_avoided: u64,
    /// Lookups that the filter let through and that found nothing in the block. For keys that were
    /// never written these are its false positives.
    pub filter_misled: u64,
    /// Data blocks that were read from the file.
    pub blocks_read: u64,
    /// Bytes of these, as they are stored.
    pub bytes_read: u64,
    /// Filter parts and index parts that were read from the file; none if these are whole.
    pub parts_read: u64,
}

/// [`TableStats`], counted by many threads. A lookup that finds its key in the cache counts
/// nothing: a counter that all threads write would cost more than the lookup.
#[derive(Debug, Default)]
struct Counters {
    filter_avoided: AtomicU64,
    filter_misled: AtomicU64,
    blocks_read: AtomicU64,
    bytes_read: AtomicU64,
    parts_read: AtomicU64,
}

impl Table {
    /// Opens the table at `path`. `id` is its name in `cache`: no two tables of one cache may ever
    /// have the same, not even one after the other.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if the file is not a whole table of a known version; [`Error::Io`].
    ///
    /// # Cost
    ///
    /// One read for each part: three, and one for a filter. Memory for filter and index: with
    /// blocks of 4 KiB and entries of 100 bytes, some two or three bytes an entry. With partitions
    /// four reads, and memory for the top.
    pub fn open(
        fs: &dyn Fs,
        path: &Path,
        id: u64,
        cache: Option<Arc<BlockCache>>,
    ) -> Result<Table> {
        let file = fs.open(path)?;
        let opened = Table::open_whole(Arc::clone(&file), path, id, cache.clone());
        // Only what is no table with a whole index is looked at a second time.
        if let Err(Error::Corruption { .. }) = opened
            && let Some(footer) = partitions::footer_in(&*file)
        {
            return Table::open_partitioned(file, footer, id, cache);
        }
        opened
    }

    /// Opens a table whose index is whole.
    ///
    /// **Day 3**, chapter `week03/day3-reader.md`.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if the file is not a whole table of [`VERSION`](crate::format::VERSION);
    /// [`Error::Io`].
    ///
    /// # Cost
    ///
    /// One read for each part.
    fn open_whole(
        file: Arc<dyn File>,
        path: &Path,
        id: u64,
        cache: Option<Arc<BlockCache>>,
    ) -> Result<Table> {
        // ANCHOR: day3_open
        // From the end: the footer says where the others are, and `Footer::decode` that they are
        // inside of the file. `read_block` reads and checks. The index must account for every byte
        // of the data, and agree with the properties.
        let size = file.len()?;
        let Some(footer_at) = size.checked_sub(FOOTER_SIZE as u64) else {
            return Err(Error::corruption(path, 0, "the file is too short for a footer"));
        };
        let mut footer = [0; FOOTER_SIZE];
        read_exact(&*file, footer_at, &mut footer)?;
        let bad = |name, at| move |bad: BadBlock| corruption(path, name, at, bad);
        let footer = Footer::decode(&footer, footer_at).map_err(bad("footer", footer_at))?;
        let properties = read_block(&*file, "properties", footer.properties)?;
        let properties =
            Properties::decode(&properties).map_err(bad("properties", footer.properties.offset))?;
        let index = read_block(&*file, "index block", footer.index)?;
        let index = Index::decode(index, footer.data_end())
            .map_err(bad("index block", footer.index.offset))?;
        if properties.block_count() != index.len() || properties.data_size != footer.data_end() {
            let reason = "properties: they do not agree with the index";
            return Err(Error::corruption(path, footer.properties.offset, reason));
        }
        let mut filter = None;
        if let Some(handle) = footer.filter {
            let block = read_block(&*file, "filter block", handle)?;
            filter = Some(Filter::decode(&block).map_err(bad("filter block", handle.offset))?);
        }
        Ok(Table {
            file,
            id,
            index,
            filter,
            partitions: None,
            properties,
            cache,
            size,
            counters: Counters::default(),
        })
        // ANCHOR_END: day3_open
    }

    /// What a snapshot at `seq` sees of `key` in this table.
    ///
    /// **Day 3**. The newest version whose number is not above `seq` decides.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if the block is damaged, [`Error::Io`] if it cannot be read. The next
    /// lookup tries again.
    ///
    /// # Cost
    ///
    /// A binary search in the index, and one block, from the cache or from the file. No allocation
    /// if it is in the cache: the value is a slice of the block, which it keeps in memory. With
    /// partitions, two parts more, which come through the cache, too.
    pub fn get(&self, key: &[u8], seq: Seq) -> Result<Lookup> {
        if let Some(partitions) = &self.partitions {
            return self.get_partitioned(partitions, key, seq);
        }
        if !self.may_contain(key) {
            return Ok(Lookup::Absent);
        }
        // ANCHOR: day3_get
        // A snapshot above all numbers is one at the largest. Behind the last separator there is
        // nothing. No second block can have it: `separator.rs` says why.
        let target = InternalKey::lookup(key, seq.min(SEQ_MAX));
        let block_index = self.index.find(&target);
        if block_index == self.index.len() {
            return Ok(Lookup::Absent);
        }
        let block = self.block(block_index)?;
        match block.find(target).map_err(|bad| self.corruption(block_index, bad))? {
            Some(found) if found.kind == Kind::Put => {
                Ok(Lookup::Value(block.into_slice(found.value)))
            }
            Some(_) => Ok(Lookup::Deleted),
            None => {
                self.count_misled();
                Ok(Lookup::Absent)
            }
        }
        // ANCHOR_END: day3_get
    }

    /// Whether the filter lets `key` through; counts if it does not.
    ///
    /// **Day 4**, chapter `week03/day4-filter.md`. A table without a filter lets all keys through.
    #[inline]
    fn may_contain(&self, key: &[u8]) -> bool {
        // ANCHOR: day4_table_may_contain
        // `Relaxed` is enough for a counter.
        // STUB: true
        let may = self.filter.as_ref().is_none_or(|filter| filter.may_contain(key));
        if !may {
            self.counters.filter_avoided.fetch_add(1, Ordering::Relaxed);
        }
        may
        // ANCHOR_END: day4_table_may_contain
    }

    /// Data block `block_index`, from the cache if there is one.
    ///
    /// **Day 5**, chapter `week03/day5-cache.md`.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Table::load).
    fn block(&self, block_index: usize) -> Result<Block> {
        // ANCHOR: day5_table_block
        // A block is named by its table and by where it begins.
        // STUB: self.load(block_index)
        match &self.cache {
            Some(cache) => {
                let offset = self.index.handle(block_index).offset;
                let key = BlockKey { table_id: self.id, offset };
                cache.get_or_load(key, || self.load(block_index))
            }
            None => self.load(block_index),
        }
        // ANCHOR_END: day5_table_block
    }

    /// Reads data block `block_index` from the file, checks it and takes it for a block.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`], [`Error::Io`].
    fn load(&self, block_index: usize) -> Result<Block> {
        let handle = self.index.handle(block_index);
        let bytes = read_block(&*self.file, "data block", handle)?;
        self.counters.blocks_read.fetch_add(1, Ordering::Relaxed);
        let size = u64::from(handle.size) + BLOCK_TRAILER_SIZE as u64;
        self.counters.bytes_read.fetch_add(size, Ordering::Relaxed);
        Block::parse(bytes).map_err(|bad| self.corruption(block_index, bad))
    }

    /// A cursor over all entries, at none of them yet.
    pub fn cursor(&self) -> TableCursor<'_> {
        TableCursor::new(self)
    }

    /// The table in up to `count_max` pieces of about the same size, in the order of their keys: of each
    /// piece, a user key that ends it and its size in the file, in bytes. For whoever wants to cut
    /// several tables at the same keys.
    ///
    /// No user key of a piece is behind the one that ends it, and none of the pieces that follow is in
    /// front of that; only the versions of a key that ends a piece may go on in the next.
    ///
    /// # Cost
    ///
    /// Nothing is read: it is the index, or the top of the partitions, that says so.
    pub fn pieces(&self, count_max: usize) -> impl Iterator<Item = (&[u8], u64)> {
        let index = self.partitions.as_ref().map_or(&self.index, Partitions::index);
        index.pieces(count_max)
    }

    /// What is in the table.
    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    /// What it has done so far.
    pub fn stats(&self) -> TableStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TableStats {
            filter_avoided: count(&self.counters.filter_avoided),
            filter_misled: count(&self.counters.filter_misled),
            blocks_read: count(&self.counters.blocks_read),
            bytes_read: count(&self.counters.bytes_read),
            parts_read: count(&self.counters.parts_read),
        }
    }

    /// Its name in the cache.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Size of the file, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Memory of index and filter, or of the top of their partitions, in bytes.
    pub fn memory(&self) -> usize {
        let filter = self.filter.as_ref().map_or(0, Filter::size);
        self.index.size() + filter + self.partitions.as_ref().map_or(0, Partitions::size)
    }

    /// Counts a lookup that the filter let through for nothing.
    fn count_misled(&self) {
        if self.filter.is_some() {
            self.counters.filter_misled.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What is wrong with data block `block_index`, which had a good checksum.
    #[cold]
    fn corruption(&self, block_index: usize, bad: BadBlock) -> Error {
        corruption(self.path(), "data block", self.index.handle(block_index).offset, bad)
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        f.debug_struct("Table").field("path", &path).field("id", &self.id).finish_non_exhaustive()
    }
}
