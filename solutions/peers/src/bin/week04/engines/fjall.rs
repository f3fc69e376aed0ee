//! fjall.

use std::hint::black_box;
use std::path::Path;

use anyhow::Result;
use fjall::config::CompressionPolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::Store;
use crate::settings::Settings;

pub(super) fn open(dir: &Path, settings: &Settings) -> Result<Box<dyn Store>> {
    // One thread for flushes and one for compactions would be two; it is given as many.
    let database = Database::builder(dir)
        .cache_size(settings.cache_size() as u64)
        .worker_threads(2)
        .journal_compression(fjall::CompressionType::None)
        .open()?;
    let options = || {
        KeyspaceCreateOptions::default()
            .max_memtable_size(settings.buffer_size() as u64)
            .data_block_compression_policy(CompressionPolicy::disabled())
            .index_block_compression_policy(CompressionPolicy::disabled())
    };
    let entries = database.keyspace("entries", options)?;
    Ok(Box::new(Fjall { database, entries }))
}

struct Fjall {
    database: Database,
    entries: Keyspace,
}

impl Store for Fjall {
    fn write(&self, entries: &[([u8; 16], &[u8])], sync: bool) -> Result<()> {
        if let ([(key, value)], false) = (entries, sync) {
            return Ok(self.entries.insert(*key, *value)?);
        }
        let mut batch = self.database.batch();
        if sync {
            batch = batch.durability(Some(PersistMode::SyncData));
        }
        for (key, value) in entries {
            batch.insert(&self.entries, *key, *value);
        }
        Ok(batch.commit()?)
    }

    fn get(&self, key: &[u8; 16]) -> Result<Option<u8>> {
        Ok(self.entries.get(key)?.map(|value| value[0]))
    }

    fn scan(&self, first: &[u8; 16], count: usize) -> Result<usize> {
        let mut met = 0;
        for entry in self.entries.range(*first..).take(count) {
            let (key, value) = entry.into_inner()?;
            black_box((key[15], value[0]));
            met += 1;
        }
        Ok(met)
    }

    fn settle(&self) -> Result<()> {
        // It has no call that waits: nothing to do for half a second is taken for nothing to do.
        let mut quiet = 0;
        while quiet < 50 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            let busy = self.database.outstanding_flushes() + self.database.active_compactions();
            quiet = if busy == 0 { quiet + 1 } else { 0 };
        }
        Ok(())
    }
}
