//! How a store is opened.

use memtable::MemOptions;
use sstable::{Codec, TableOptions};
use wal::{LogOptions, RecoveryMode};

/// Which tables are merged with which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// Each level ten times the one above: fewer runs to read, less space.
    #[default]
    Leveled,
    /// Runs of like size: fewer bytes written.
    Tiered,
}

/// How a store is opened. Sizes are in bytes.
#[derive(Debug, Clone)]
pub struct LsmOptions {
    /// A memtable of this size is full, and becomes a table of level 0. Default 64 MiB.
    ///
    /// Larger ones are merged less often; as much of the log is read when the store is opened.
    pub memtable_size: usize,
    /// So many full memtables may wait to become tables; then writers wait. Default 2, each of
    /// `memtable_size`.
    pub frozen_max: usize,
    /// Memory for blocks that were read. Default 64 MiB.
    pub cache_size: usize,
    /// How tables are built. Default: blocks of 4 KiB, LZ4, filters of ten bits a key.
    pub table: TableOptions,
    /// How the tables of the last level are compressed, where nine of ten bytes are. Default as all
    /// others.
    pub last_codec: Option<Codec>,
    /// A table of level 1 or below ends at this size. Default 64 MiB.
    ///
    /// Smaller ones make compactions shorter, and more files.
    pub table_size: u64,
    /// Which tables are merged with which. Default [`Strategy::Leveled`].
    pub strategy: Strategy,
    /// With so many tables level 0 is merged; of a tiered store, with so many runs. Default 4.
    ///
    /// At least 1. Each is one more to ask for a read; fewer are merged more often.
    pub level0_tables: usize,
    /// From so many tables in level 0 on, writes are slowed down. Default 20.
    pub level0_slow: usize,
    /// From so many on, writes wait. Default 36. With fewer than `level0_tables` none does: there
    /// would be nothing to wait for.
    pub level0_stop: usize,
    /// A level that has not more than this is the first below level 0. Default 256 MiB: what level
    /// 0 has when it is merged.
    pub base_level_size: u64,
    /// How many times larger a level is than the one above. Default 10.
    ///
    /// At least 2. Fewer make more levels, and each is a table more to ask; more make each byte be
    /// written more often.
    pub level_ratio: u64,
    /// A tiered store is merged into one run when all but the oldest have more than so many percent
    /// of it. Default 100.
    ///
    /// Less takes less room on disk; everything is written more often.
    pub space_max_percent: u64,
    /// Values of so many bytes or more live in files of their own, and tables have pointers of 17
    /// bytes in their place. Default `None`: all values are in the tables. Lab `valuelog`.
    ///
    /// A store is made with it or without, for good. With it each value has a byte more, and the
    /// number may be another one each time the store is opened: it holds for what is written then.
    pub value_min: Option<usize>,
    /// When more than so many percent of a value file are garbage, what is left of it is moved.
    /// Default 50.
    ///
    /// Less takes less room on disk; values are written more often. 100 or more moves nothing.
    pub value_garbage_percent: u64,
    /// So many threads merge a compaction at most, each its own range of keys. Default 1.
    ///
    /// At least 1. More shorten the wait for a compaction, and take cores and memory from others; it
    /// is lab `subcompactions` that gives them work.
    pub compaction_threads: usize,
    /// So many bytes a second are written by compactions at most, of all threads together, unless
    /// level 0 makes writes wait. Default `None`: as many as the disk takes.
    ///
    /// At least 1. Flushes are not held back. Reads of users find the disk free more often; a limit
    /// below what is written on the average only makes writes wait. It is lab `subcompactions`, too.
    pub compaction_rate: Option<u64>,
    /// How the log is laid out.
    pub log: LogOptions,
    /// What to do about bytes in the log that are no record.
    pub recovery: RecoveryMode,
}

impl Default for LsmOptions {
    fn default() -> LsmOptions {
        LsmOptions {
            memtable_size: 64 << 20,
            frozen_max: 2,
            cache_size: 64 << 20,
            table: TableOptions::default(),
            last_codec: None,
            table_size: 64 << 20,
            strategy: Strategy::default(),
            level0_tables: 4,
            level0_slow: 20,
            level0_stop: 36,
            base_level_size: 256 << 20,
            level_ratio: 10,
            space_max_percent: 100,
            value_min: None,
            value_garbage_percent: 50,
            compaction_threads: 1,
            compaction_rate: None,
            log: LogOptions::default(),
            recovery: RecoveryMode::default(),
        }
    }
}

impl LsmOptions {
    /// What week 2's store needs of them.
    pub(crate) fn mem(&self) -> MemOptions {
        MemOptions {
            log: self.log.clone(),
            recovery: self.recovery,
            memtable_size: self.memtable_size,
            frozen_max: self.frozen_max,
            ..MemOptions::default()
        }
    }
}
