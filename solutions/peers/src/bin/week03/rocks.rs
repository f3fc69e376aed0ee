//! Their side: a RocksDB of one table, which is at the bottom, and nothing else.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rocksdb::{
    BlockBasedOptions, BottommostLevelCompaction, Cache, CompactOptions, DB, DBCompressionType,
    Options, ReadOptions, SstFileWriter,
};

use crate::entries::{ENTRIES, key, value};
use crate::{CACHE_SIZE, Settings};

/// A database that is open.
pub(crate) struct Rocks {
    db: DB,
    read_options: ReadOptions,
}

impl Rocks {
    /// A database with all entries, which are in the cache if there is one.
    pub(crate) fn create(dir: &Path, settings: Settings) -> Result<Rocks> {
        // A new place for each: the one before may still be open.
        let dir = tempfile::Builder::new().prefix("rocks").tempdir_in(dir)?.keep();
        let table = dir.with_extension("sst");
        build(&table, settings)?;
        let db = DB::open(&options(settings), &dir)?;
        db.ingest_external_file(vec![&table])?;
        // A table from outside keeps its numbers elsewhere, which costs at each step of a scan. A
        // compaction makes one of it as RocksDB writes them for itself.
        let mut compaction = CompactOptions::default();
        compaction.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        db.compact_range_opt(None::<&[u8]>, None::<&[u8]>, &compaction);
        ensure!(db.live_files()?.len() == 1, "RocksDB has its entries in more than one table");
        let rocks = Rocks { db, read_options: ReadOptions::default() };
        rocks.scan(true);
        Ok(rocks)
    }

    /// Which version this is. The library was there before us or was compiled from source; its log
    /// knows.
    pub(crate) fn version(&self) -> Result<String> {
        let log = fs::read_to_string(self.db.path().join("LOG"))?;
        let (_, version) = log.split_once("RocksDB version: ").context("a log without version")?;
        Ok(format!("RocksDB {}", version.lines().next().unwrap_or_default()))
    }

    /// The first byte of the value.
    pub(crate) fn get(&self, key: &[u8]) -> Option<u8> {
        let found = self.db.get_pinned_opt(key, &self.read_options);
        found.expect("the file was just written").map(|value| black_box(value[0]))
    }

    /// Looks at every key and every value, and says how many there were.
    pub(crate) fn scan(&self, forward: bool) -> u64 {
        let mut cursor = self.db.raw_iterator_opt(ReadOptions::default());
        let mut count = 0;
        if forward {
            cursor.seek_to_first()
        } else {
            cursor.seek_to_last()
        }
        while let Some((key, value)) = cursor.item() {
            black_box((key[15], value[0]));
            count += 1;
            if forward { cursor.next() } else { cursor.prev() }
        }
        cursor.status().expect("the file was just written");
        count
    }
}

/// Builds a table of all entries, to be taken into a database.
pub(crate) fn build(path: &Path, settings: Settings) -> Result<()> {
    let options = options(settings);
    let mut writer = SstFileWriter::create(&options);
    writer.open(path)?;
    for number in 0..ENTRIES {
        writer.put(key(number), value(number))?;
    }
    writer.finish()?;
    Ok(())
}

fn options(settings: Settings) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_size(4 << 10);
    table.set_block_restart_interval(16);
    if settings.filter {
        table.set_bloom_filter(10.0, false);
    }
    if settings.cache {
        table.set_block_cache(&Cache::new_lru_cache(CACHE_SIZE));
    } else {
        table.disable_cache();
    }
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_target_file_size_base(1 << 30);
    options.set_block_based_table_factory(&table);
    options.set_compression_type(match settings.lz4 {
        true => DBCompressionType::Lz4,
        false => DBCompressionType::None,
    });
    options
}
