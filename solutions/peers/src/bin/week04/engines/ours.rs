//! This course's stores: all have the same interface already.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use peers::lsm::memtable::{MemOptions, MemStore};
use peers::lsm::sstable::{Codec, TableOptions};
use peers::lsm::wal::fs::OsFs;
use peers::lsm::wal::{
    Direction, Durability, Engine, KeyRange, LogStore, Reader, StoreOptions, WriteBatch,
};
use peers::lsm::{Lsm, LsmOptions};

use super::Store;
use crate::settings::Settings;

pub(super) fn open_lsm(dir: &Path, settings: &Settings) -> Result<Box<dyn Store>> {
    let options = LsmOptions {
        memtable_size: settings.buffer_size(),
        cache_size: settings.cache_size(),
        table: TableOptions { codec: Codec::None, ..TableOptions::default() },
        ..LsmOptions::default()
    };
    let store = Lsm::open(Arc::new(OsFs), dir, options)?;
    Ok(Box::new(Ours { store, settle: |store| Ok(store.settle()?), written }))
}

pub(super) fn open_mem_store(dir: &Path, settings: &Settings) -> Result<Box<dyn Store>> {
    let options = MemOptions { memtable_size: settings.buffer_size(), ..MemOptions::default() };
    Ok(Box::new(Ours::new(MemStore::open(Arc::new(OsFs), dir, options)?)))
}

pub(super) fn open_log_store(dir: &Path, _: &Settings) -> Result<Box<dyn Store>> {
    Ok(Box::new(Ours::new(LogStore::open(Arc::new(OsFs), dir, StoreOptions::default())?)))
}

/// One of our stores, and what only some of them can do.
struct Ours<S> {
    store: S,
    settle: fn(&S) -> Result<()>,
    written: fn(&S) -> Option<u64>,
}

impl<S> Ours<S> {
    /// A store that tidies nothing up.
    fn new(store: S) -> Ours<S> {
        Ours { store, settle: |_| Ok(()), written: |_| None }
    }
}

impl<S: Engine> Store for Ours<S> {
    fn write(&self, entries: &[([u8; 16], &[u8])], sync: bool) -> Result<()> {
        write(&self.store, entries, sync)
    }

    fn get(&self, key: &[u8; 16]) -> Result<Option<u8>> {
        get(&self.store, key)
    }

    fn scan(&self, first: &[u8; 16], count: usize) -> Result<usize> {
        scan(&self.store, first, count)
    }

    fn settle(&self) -> Result<()> {
        (self.settle)(&self.store)
    }

    fn written(&self) -> Option<u64> {
        (self.written)(&self.store)
    }
}

/// Bytes of the tables that flushes and compactions have written.
fn written(store: &Lsm) -> Option<u64> {
    let stats = store.stats();
    let value = |name| stats.counters.iter().find(|counter| counter.name == name);
    Some(value("flushed_bytes")?.value + value("compaction_written")?.value)
}

fn write(store: &impl Engine, entries: &[([u8; 16], &[u8])], sync: bool) -> Result<()> {
    let mut batch = WriteBatch::new();
    for (key, value) in entries {
        batch.put(key, value);
    }
    store.write(batch, if sync { Durability::Synced } else { Durability::Flushed })?;
    Ok(())
}

fn get(store: &impl Reader, key: &[u8; 16]) -> Result<Option<u8>> {
    Ok(store.get(key)?.map(|value| value[0]))
}

fn scan(store: &impl Reader, first: &[u8; 16], count: usize) -> Result<usize> {
    let range =
        KeyRange { start: std::ops::Bound::Included(first.to_vec().into()), ..KeyRange::all() };
    let (mut met, mut is_behind) = (0, true);
    store.visit(range, Direction::Forward, &mut |key, value| {
        is_behind &= key >= &first[..];
        black_box((key[15], value[0]));
        met += 1;
        if met == count { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    ensure!(is_behind, "a scan begins in front of its first key");
    Ok(met)
}
