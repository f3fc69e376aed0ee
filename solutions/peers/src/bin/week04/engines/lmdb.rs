//! LMDB.

use std::hint::black_box;
use std::path::Path;

use anyhow::Result;
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions};

use super::Store;
use crate::settings::Settings;

#[expect(unsafe_code)]
pub(super) fn open(dir: &Path, settings: &Settings) -> Result<Box<dyn Store>> {
    let mut options = EnvOpenOptions::new();
    options.map_size(settings.map_size());
    // SAFETY: the directory is a temporary one of this process, so nobody else writes to the file
    // that is mapped; and without syncs it is no worse than others' without syncs: whoever wants one
    // calls `force_sync`.
    let env = unsafe { options.flags(EnvFlags::NO_SYNC).open(dir)? };
    // A database borrows from its environment. That is never closed: it is an address space that
    // nobody looks at any more, and there are few.
    let env: &'static Env = Box::leak(Box::new(env));
    let transaction = env.write_txn()?;
    let entries = env
        .create_databases_and_commit(transaction, |databases, transaction| {
            databases.create_database(transaction, None).map(CommitOrAbort::<_, ()>::Commit)
        })?
        .unwrap_commit();
    Ok(Box::new(Lmdb { env, entries }))
}

struct Lmdb {
    env: &'static Env,
    entries: Database<'static, Bytes, Bytes>,
}

impl Store for Lmdb {
    fn write(&self, entries: &[([u8; 16], &[u8])], sync: bool) -> Result<()> {
        let mut transaction = self.env.write_txn()?;
        for (key, value) in entries {
            self.entries.put(&mut transaction, key, value)?;
        }
        transaction.commit()?;
        if sync {
            self.env.force_sync()?;
        }
        Ok(())
    }

    fn get(&self, key: &[u8; 16]) -> Result<Option<u8>> {
        let transaction = self.env.read_txn()?;
        Ok(self.entries.get(&transaction, key)?.map(|value| value[0]))
    }

    fn scan(&self, first: &[u8; 16], count: usize) -> Result<usize> {
        let transaction = self.env.read_txn()?;
        let mut met = 0;
        let from = (std::ops::Bound::Included(&first[..]), std::ops::Bound::Unbounded);
        for entry in self.entries.range(&transaction, &from)?.take(count) {
            let (key, value) = entry?;
            black_box((key[15], value[0]));
            met += 1;
        }
        Ok(met)
    }
}
