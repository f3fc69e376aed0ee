//! Building a table: entries in order become a file, block by block.
//!
//! ```text
//!   add ──► data block ── full ──► compress ──► trailer ──► file
//!     │                     └─ a separator and a handle ──► index block ─┐
//!     └─ user key ──► filter ────────────────────────────────────────────┴─ finish ──► file
//!
//!   000007.sst.tmp   written from start to end, then synced
//!   000007.sst       its name when it is whole: a rename, and the directory is synced
//! ```
//!
//! With partitions, index and filter are written and begun anew whenever the index is large enough:
//! `builder/partitions.rs`.
//!
//! Memory is that of one data block, of the index, and of eight bytes a user key for the filter.
//! Nothing is ever written twice, and nothing of it depends on anything but entries and options:
//! two builds of the same input are the same bytes.

mod partitions;

use std::cmp::Ordering;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memtable::{InternalKey, TRAILER_SIZE};
use wal::fs::{File, Fs};
use wal::{Error, Result};

use crate::block::BlockBuilder;
use crate::codec::Codec;
use crate::filter::FilterBuilder;
use crate::format::{BLOCK_SIZE_MAX, BLOCK_TRAILER_SIZE, ENTRY_SIZE_MAX, Footer, Handle, checksum};
use crate::options::TableOptions;
use crate::properties::Properties;
use crate::separator::shortest_separator;
use crate::varint::VARINT_SIZE_MAX;

/// What the name of a file that is not finished ends with. After a crash it means nothing: remove
/// it.
pub const TEMPORARY_SUFFIX: &str = ".tmp";

/// The most bytes of a block that an entry takes besides its key and value: three lengths, the
/// key's trailer, and a restart point.
const ENTRY_OVERHEAD_MAX: usize = 3 * VARINT_SIZE_MAX + TRAILER_SIZE + 4;

/// A table that is being written.
///
/// Dropped before it is finished, it leaves nothing behind.
#[derive(Debug)]
pub struct TableBuilder {
    fs: Arc<dyn Fs>,
    /// Where the table will be.
    path: PathBuf,
    /// Where it is until it is whole.
    temporary: PathBuf,
    file: Arc<dyn File>,
    options: TableOptions,
    /// Bytes written so far: where the next part begins.
    offset: u64,
    /// The data block that is being filled.
    data: BlockBuilder,
    /// A separator and a handle for each data block that was written.
    index: BlockBuilder,
    /// The user keys so far, but for that of the last entry.
    filter: FilterBuilder,
    /// For each partition that was written its last separator and its handles.
    top: BlockBuilder,
    /// What filter parts and index parts take of the bytes that are written.
    parts_size: u64,
    /// What was counted so far; the largest key is the last one that was added.
    properties: Properties,
    /// The separator that is being made, for its memory.
    separator: Vec<u8>,
    /// The block and trailer that are being written, for their memory.
    out: Vec<u8>,
    /// The first failure of the disk: nothing more is accepted.
    failure: Option<Arc<str>>,
    /// Which of the two names is to be removed when the builder is dropped.
    left_behind: Option<PathBuf>,
}

impl TableBuilder {
    /// Begins the table that will be at `path`. A file of that name is replaced when the table is
    /// whole, not before.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file with the temporary name cannot be made.
    pub fn create(fs: Arc<dyn Fs>, path: &Path, options: TableOptions) -> Result<TableBuilder> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(TEMPORARY_SUFFIX);
        let temporary = PathBuf::from(temporary);
        let file = fs.create(&temporary)?;
        Ok(TableBuilder {
            fs,
            path: path.to_path_buf(),
            left_behind: Some(temporary.clone()),
            temporary,
            file,
            offset: 0,
            data: BlockBuilder::new(options.restart_interval),
            index: BlockBuilder::new(match options.index_partition_size {
                Some(_) => 1,
                None => options.restart_interval,
            }),
            filter: FilterBuilder::new(options.filter_bits_per_key),
            top: BlockBuilder::new(options.restart_interval),
            parts_size: 0,
            properties: Properties::new(),
            separator: Vec::new(),
            out: Vec::new(),
            failure: None,
            options,
        })
    }

    /// Adds an entry, which comes behind all that were added before.
    ///
    /// **Day 2**, chapter `week03/day2-file.md`. A data block that could get larger than
    /// `block_size` with it, which is at most `ENTRY_OVERHEAD_MAX` more than user key and value, is
    /// written first; so a block is larger only if it is one entry.
    ///
    /// # Errors
    ///
    /// * [`Error::Io`] of kind `InvalidInput` if the key is not behind the last one: the same key,
    ///   number and kind a second time included. [`Error::RecordTooLarge`] if the entry exceeds
    ///   [`ENTRY_SIZE_MAX`]. Nothing of it was written; the builder is as it was, and goes on.
    /// * [`Error::Io`] if the block could not be written, and [`Error::Poisoned`] from then on.
    ///
    /// # Cost
    ///
    /// A copy of key and value; a write for each block.
    pub fn add(&mut self, key: InternalKey<'_>, value: &[u8]) -> Result<()> {
        self.check(key, value)?;
        self.account_for_last()?;
        // How large could the block get? `ENTRY_OVERHEAD_MAX` is the most that stands around key
        // and value. Then the entry goes into the block, and is counted.
        todo!("day 2: builder add")
    }

    /// Whether the entry may be added.
    ///
    /// **Day 2**.
    ///
    /// # Errors
    ///
    /// Those of [`add`](TableBuilder::add) but for the disk's; [`Error::Poisoned`] if that failed
    /// before.
    fn check(&self, key: InternalKey<'_>, value: &[u8]) -> Result<()> {
        // `properties.largest_key` is the last key, encoded. There is none before the first entry.
        todo!("day 2: check")
    }

    /// Writes the data block, and notes it in the index: the separator between its last key and
    /// `next`, the first user key of the block that follows, with its handle. The last block of all
    /// is separated from nothing: there the last key itself goes in.
    ///
    /// **Day 2**.
    ///
    /// # Errors
    ///
    /// [`Error::RecordTooLarge`] if the index would exceed [`BLOCK_SIZE_MAX`]; the builder is as it
    /// was. Those of [`write_block`](TableBuilder::write_block).
    fn write_data_block(&mut self, next: Option<&[u8]>) -> Result<()> {
        // The separator first: its size is known before anything is written. Finish the block,
        // write it, count it by its codec, and clear it for the next.
        todo!("day 2: write data block")
    }

    /// Writes a block with its trailer, compressed if that pays, and says where it is and how it is
    /// stored.
    ///
    /// **Day 2**. [`Codec::compress`] appends what is to be stored.
    ///
    /// # Errors
    ///
    /// Those of [`write`](TableBuilder::write).
    ///
    /// # Cost
    ///
    /// One write; the block is copied once, or compressed.
    fn write_block(&mut self, block: &[u8], codec: Codec) -> Result<(Handle, Codec)> {
        // Put together in `out`, whose memory is there already: the block as it is stored, the
        // codec's number, the checksum over offset and both.
        todo!("day 2: write block")
    }

    /// Writes the rest: the last data block, filter, index, properties, footer. When it returns,
    /// the table is at its path for good.
    ///
    /// **Day 2**.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] of kind `InvalidInput` if nothing was added: there is no empty table.
    /// [`Error::Io`], [`Error::Poisoned`] and [`Error::RecordTooLarge`], as for
    /// [`add`](TableBuilder::add). After an error, neither of the two names is left, unless the
    /// disk does not even remove them; after a power cut, the temporary one may be.
    ///
    /// # Cost
    ///
    /// A write for each part, one sync of the file, one of the directory.
    pub fn finish(mut self) -> Result<Properties> {
        if self.properties.entry_count == 0 {
            return Err(self.refused("a table without entries was finished"));
        }
        if let Some(cause) = &self.failure {
            return Err(Error::Poisoned { cause: Arc::clone(cause) });
        }
        self.account_for_last()?;
        if !self.top.is_empty() {
            return self.finish_partitioned();
        }
        // The parts in the order of the file. `data_size` is known once the last data block is
        // written. A filter that has no bytes is not written. On the disk as everywhere: bytes,
        // sync, rename, sync the directory.
        todo!("day 2: finish")
    }

    /// Size of the file if it were finished now, in bytes, about: what is written, and the block
    /// that is being filled as it is, and index and top. For whoever decides when a table is large
    /// enough.
    pub fn estimated_size(&self) -> u64 {
        self.offset + (self.data.size() + self.index.size() + self.top.size()) as u64
    }

    /// How many entries were added.
    pub fn entry_count(&self) -> u64 {
        self.properties.entry_count
    }

    /// Ends the partition if its index is large enough, and puts the last entry's user key into the
    /// filter, which does nothing before day 4.
    ///
    /// The last entry is in the data block that is being filled: if the partition ends in front of
    /// that, the key belongs to the next one.
    ///
    /// # Errors
    ///
    /// Those of [`end_partition`](TableBuilder::end_partition).
    fn account_for_last(&mut self) -> Result<()> {
        if self.options.index_partition_size.is_some_and(|size| self.index.size() >= size)
            && !self.index.is_empty()
        {
            self.end_partition()?;
        }
        if let Ok(last) = InternalKey::decode(&self.properties.largest_key) {
            self.filter.add(last.user_key);
        }
        Ok(())
    }

    /// Gives the file, whose bytes are synced, its name for good.
    fn publish(&mut self) -> Result<()> {
        self.fs.rename(&self.temporary, &self.path)?;
        self.left_behind = Some(self.path.clone());
        if let Some(dir) = self.path.parent() {
            self.fs.sync_dir(dir)?;
        }
        self.left_behind = None;
        Ok(())
    }

    /// Writes `bytes` behind what is written already.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; nothing more is accepted from then on.
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_at(self.offset, bytes);
        if let Err(error) = &written {
            self.failure = Some(error.to_string().into());
        }
        self.offset += bytes.len() as u64;
        written
    }

    /// The caller's mistake, as an error.
    fn refused(&self, reason: &'static str) -> Error {
        Error::io("build", &self.path, io::Error::new(io::ErrorKind::InvalidInput, reason))
    }
}

impl Drop for TableBuilder {
    fn drop(&mut self) {
        if let Some(path) = &self.left_behind {
            // What cannot be removed now is removed by name when the store is opened again.
            let _ = self.fs.remove(path);
        }
    }
}
