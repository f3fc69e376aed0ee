//! redb.

use std::hint::black_box;
use std::path::Path;

use anyhow::Result;
use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use super::Store;
use crate::settings::Settings;

const ENTRIES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("entries");

pub(super) fn open(dir: &Path, settings: &Settings) -> Result<Box<dyn Store>> {
    let mut builder = Database::builder();
    builder.set_cache_size(settings.cache_size() + settings.buffer_size());
    let database = builder.create(dir.join("entries.redb"))?;
    let transaction = database.begin_write()?;
    transaction.open_table(ENTRIES)?;
    transaction.commit()?;
    Ok(Box::new(Redb { database }))
}

struct Redb {
    database: Database,
}

impl Store for Redb {
    fn write(&self, entries: &[([u8; 16], &[u8])], sync: bool) -> Result<()> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(match sync {
            true => Durability::Immediate,
            false => Durability::None,
        })?;
        let mut table = transaction.open_table(ENTRIES)?;
        for (key, value) in entries {
            table.insert(&key[..], *value)?;
        }
        drop(table);
        Ok(transaction.commit()?)
    }

    fn get(&self, key: &[u8; 16]) -> Result<Option<u8>> {
        let table = self.database.begin_read()?.open_table(ENTRIES)?;
        Ok(table.get(&key[..])?.map(|value| value.value()[0]))
    }

    fn scan(&self, first: &[u8; 16], count: usize) -> Result<usize> {
        let table = self.database.begin_read()?.open_table(ENTRIES)?;
        let mut met = 0;
        for entry in table.range::<&[u8]>(&first[..]..)?.take(count) {
            let (key, value) = entry?;
            black_box((key.value()[15], value.value()[0]));
            met += 1;
        }
        Ok(met)
    }
}
