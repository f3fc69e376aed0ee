//! The engines, behind one interface.

mod fjall;
mod lmdb;
mod ours;
mod redb;
mod rocks;
mod sqlite;

use std::path::Path;

use anyhow::Result;

use crate::settings::Settings;

/// An engine that is open.
pub(crate) trait Store: Sync {
    /// Writes these entries, all or none, and has handed them to the system when it returns; with
    /// `sync`, they are on the disk.
    fn write(&self, entries: &[([u8; 16], &[u8])], sync: bool) -> Result<()>;

    /// The first byte of the value of `key`.
    fn get(&self, key: &[u8; 16]) -> Result<Option<u8>>;

    /// Looks at up to `count` entries from `first` on, keys and values, and says how many there were.
    fn scan(&self, first: &[u8; 16], count: usize) -> Result<usize>;

    /// Waits until the engine has nothing to tidy up.
    fn settle(&self) -> Result<()> {
        Ok(())
    }

    /// Bytes written to tables by flushes and compactions since it was opened, if it counts them.
    fn written(&self) -> Option<u64> {
        None
    }
}

/// An engine that can be opened.
#[derive(Clone, Copy)]
pub(crate) struct Engine {
    /// How it is called in tables, charts and arguments.
    pub(crate) name: &'static str,
    /// Opens it in a directory that is there.
    pub(crate) open: fn(&Path, &Settings) -> Result<Box<dyn Store>>,
}

/// Whom all others are compared with.
pub(crate) const ROCKSDB: &str = "rocksdb";

/// All engines.
pub(crate) const ENGINES: [Engine; 8] = [
    Engine { name: "lsm", open: ours::open_lsm },
    Engine { name: "memstore", open: ours::open_mem_store },
    Engine { name: "logstore", open: ours::open_log_store },
    Engine { name: ROCKSDB, open: rocks::open },
    Engine { name: "fjall", open: fjall::open },
    Engine { name: "redb", open: redb::open },
    Engine { name: "lmdb", open: lmdb::open },
    Engine { name: "sqlite", open: sqlite::open },
];
