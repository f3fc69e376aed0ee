//! RocksDB.

use std::hint::black_box;
use std::path::Path;

use anyhow::Result;
use rocksdb::statistics::{StatsLevel, Ticker};
use rocksdb::{
    BlockBasedOptions, Cache, DB, DBCompressionType, Options, ReadOptions, WaitForCompactOptions,
    WriteBatch, WriteOptions,
};

use super::Store;
use crate::settings::Settings;

pub(super) fn open(dir: &Path, settings: &Settings) -> Result<Box<dyn Store>> {
    let mut table = BlockBasedOptions::default();
    table.set_bloom_filter(10.0, false);
    table.set_block_cache(&Cache::new_lru_cache(settings.cache_size()));
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(settings.buffer_size());
    options.set_compression_type(DBCompressionType::None);
    // Of its statistics no more than what the amplification is told from: the others cost time.
    options.enable_statistics();
    options.set_statistics_level(StatsLevel::ExceptHistogramOrTimers);
    // One thread for flushes and one for compactions, as ours has.
    options.set_max_background_jobs(2);
    Ok(Box::new(Rocks { db: DB::open(&options, dir)?, options }))
}

struct Rocks {
    db: DB,
    options: Options,
}

impl Store for Rocks {
    fn write(&self, entries: &[([u8; 16], &[u8])], sync: bool) -> Result<()> {
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        if let [(key, value)] = entries {
            self.db.put_opt(key, value, &options)?;
            return Ok(());
        }
        let mut batch = WriteBatch::default();
        for (key, value) in entries {
            batch.put(key, value);
        }
        self.db.write_opt(batch, &options)?;
        Ok(())
    }

    fn get(&self, key: &[u8; 16]) -> Result<Option<u8>> {
        Ok(self.db.get_pinned(key)?.map(|value| value[0]))
    }

    fn scan(&self, first: &[u8; 16], count: usize) -> Result<usize> {
        let mut cursor = self.db.raw_iterator_opt(ReadOptions::default());
        cursor.seek(first);
        let mut met = 0;
        while met < count
            && let Some((key, value)) = cursor.item()
        {
            black_box((key[15], value[0]));
            met += 1;
            cursor.next();
        }
        cursor.status()?;
        Ok(met)
    }

    fn settle(&self) -> Result<()> {
        Ok(self.db.wait_for_compact(&WaitForCompactOptions::default())?)
    }

    fn written(&self) -> Option<u64> {
        let flushed = self.options.get_ticker_count(Ticker::FlushWriteBytes);
        Some(flushed + self.options.get_ticker_count(Ticker::CompactWriteBytes))
    }
}
