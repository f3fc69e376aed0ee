//! Our side: a table.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use peers::sstable::memtable::{Cursor, InternalKey, Kind, SEQ_MAX};
use peers::sstable::wal::fs::OsFs;
use peers::sstable::{BlockCache, Codec, Lookup, Table, TableBuilder, TableOptions};

use crate::entries::{ENTRIES, key, value};
use crate::{CACHE_SIZE, Settings};

/// A table that is open.
pub(crate) struct Ours(Table);

impl Ours {
    /// A table with all entries, which are in the cache if there is one.
    pub(crate) fn create(dir: &Path, settings: Settings) -> Result<Ours> {
        let path = dir.join("ours.sst");
        build(&path, settings)?;
        let cache = settings.cache.then(|| Arc::new(BlockCache::new(CACHE_SIZE)));
        let ours = Ours(Table::open(&OsFs, &path, 1, cache)?);
        ours.scan(true);
        Ok(ours)
    }

    /// The first byte of the value.
    pub(crate) fn get(&self, key: &[u8]) -> Option<u8> {
        match self.0.get(key, SEQ_MAX).expect("the file was just written") {
            Lookup::Value(value) => Some(black_box(value[0])),
            _ => None,
        }
    }

    /// Looks at every key and every value, and says how many there were.
    pub(crate) fn scan(&self, forward: bool) -> u64 {
        let mut cursor = self.0.cursor();
        let mut count = 0;
        let mut moved = if forward { cursor.first() } else { cursor.last() };
        while let Some(key) = cursor.key() {
            black_box((key.user_key[15], cursor.value()[0]));
            count += 1;
            moved = if forward { cursor.next() } else { cursor.prev() };
        }
        moved.expect("the file was just written");
        count
    }
}

/// Builds a table of all entries.
pub(crate) fn build(path: &Path, settings: Settings) -> Result<()> {
    let options = TableOptions {
        block_size: 4 << 10,
        restart_interval: 16,
        filter_bits_per_key: if settings.filter { 10 } else { 0 },
        codec: if settings.lz4 { Codec::Lz4 } else { Codec::None },
        index_partition_size: None,
    };
    let mut builder = TableBuilder::create(Arc::new(OsFs), path, options)?;
    for number in 0..ENTRIES {
        let key = &key(number);
        builder.add(InternalKey { user_key: key, seq: 1, kind: Kind::Put }, &value(number))?;
    }
    builder.finish()?;
    Ok(())
}
