//! What is measured, and how: the program's arguments.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Parser;

use crate::engines::{ENGINES, Engine, ROCKSDB};

/// Our stores beside RocksDB, fjall, redb, LMDB and SQLite.
///
/// All of them do the same work with the same keys, one after the other, round by round; what is
/// printed is the median of the rounds, and what RocksDB needs divided by it: above 1 is faster.
#[derive(Parser, Debug)]
#[command(name = "cargo x bench week04 --peers --", after_help = EXAMPLES)]
pub(crate) struct Settings {
    /// Only workloads with this in their name
    pub(crate) filter: Option<String>,
    /// Entries in a store
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) count: u32,
    /// Bytes in a value; a key has 16
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    pub(crate) value_size: usize,
    /// Memory for what is written, and as much for blocks that were read, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64)]
    pub(crate) memory: usize,
    /// How often everything is done
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Only these engines, and RocksDB, which all are compared with
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) engines: Vec<String>,
    /// Where the stores are while they are measured [default: beside this program]
    #[arg(long, value_name = "DIR")]
    pub(crate) disk: Option<PathBuf>,
    /// Where `peers.json` and `peers.svg` go
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  cargo x bench week04 --peers                                      everything: half an hour
  cargo x bench week04 --peers -- --engines lsm                     ours and RocksDB: ten minutes
  cargo x bench week04 --peers read                                 workloads with `read` in their name
  cargo x bench week04 --peers -- --value-size 1024 --out DIR       larger values; a chart and figures
  cargo x bench week04 --peers -- --count 10000000 --engines lsm    more data than memory";

impl Settings {
    /// Bytes of a full memtable.
    pub(crate) fn buffer_size(&self) -> usize {
        self.memory << 20
    }

    /// Bytes of the cache of blocks.
    pub(crate) fn cache_size(&self) -> usize {
        self.memory << 20
    }

    /// Bytes of the address space for an engine that maps its file: far more than it needs.
    pub(crate) fn map_size(&self) -> usize {
        (self.data_size() as usize * 8).next_multiple_of(1 << 30)
    }

    /// Bytes of all entries.
    pub(crate) fn data_size(&self) -> u64 {
        u64::from(self.count) * (16 + self.value_size as u64)
    }

    /// Reads in a workload.
    pub(crate) fn reads(&self) -> usize {
        self.count.min(500_000) as usize
    }

    /// Writes in a workload of writes with a sync each.
    pub(crate) fn synced_writes(&self) -> usize {
        self.count.min(2_000) as usize
    }

    /// The engines that were asked for, in the order of [`ENGINES`].
    ///
    /// # Errors
    ///
    /// If one of them is not known.
    pub(crate) fn chosen(&self) -> Result<Vec<Engine>> {
        let names = || ENGINES.iter().map(|engine| engine.name);
        if let Some(unknown) =
            self.engines.iter().find(|name| !names().any(|known| known == **name))
        {
            let known: Vec<_> = names().collect();
            bail!("there is no engine called `{unknown}`; there are {}", known.join(", "));
        }
        let is_chosen = |engine: &Engine| {
            engine.name == ROCKSDB
                || self.engines.is_empty()
                || self.engines.iter().any(|name| name == engine.name)
        };
        Ok(ENGINES.into_iter().filter(is_chosen).collect())
    }
}
