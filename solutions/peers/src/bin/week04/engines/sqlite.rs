//! SQLite.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Result;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::Store;
use crate::settings::Settings;

pub(super) fn open(dir: &Path, settings: &Settings) -> Result<Box<dyn Store>> {
    let sqlite = Sqlite {
        path: dir.join("entries.db"),
        cache_kib: (settings.cache_size() + settings.buffer_size()) >> 10,
        idle: [const { Mutex::new(Vec::new()) }; 2],
    };
    sqlite.with(false, |connection| {
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID",
        )
    })?;
    Ok(Box::new(sqlite))
}

/// A connection is one thread's at a time, so there is a pool of them: one for writes that are not
/// synced and for reads, one for those that are.
struct Sqlite {
    path: PathBuf,
    cache_kib: usize,
    idle: [Mutex<Vec<Connection>>; 2],
}

impl Sqlite {
    fn connect(&self, sync: bool) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.path)?;
        connection.busy_timeout(std::time::Duration::from_secs(60))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", if sync { "FULL" } else { "OFF" })?;
        connection.pragma_update(None, "cache_size", -(self.cache_kib as i64))?;
        Ok(connection)
    }

    fn with<T>(
        &self,
        sync: bool,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let idle = &self.idle[usize::from(sync)];
        let taken = idle.lock().expect("nobody panics with it").pop();
        let mut connection = taken.map_or_else(|| self.connect(sync), Ok)?;
        let done = work(&mut connection)?;
        idle.lock().expect("nobody panics with it").push(connection);
        Ok(done)
    }
}

impl Store for Sqlite {
    fn write(&self, entries: &[([u8; 16], &[u8])], sync: bool) -> Result<()> {
        self.with(sync, |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut insert =
                transaction.prepare_cached("INSERT OR REPLACE INTO entries VALUES (?1, ?2)")?;
            for (key, value) in entries {
                insert.execute(params![&key[..], value])?;
            }
            drop(insert);
            transaction.commit()
        })
    }

    fn get(&self, key: &[u8; 16]) -> Result<Option<u8>> {
        self.with(false, |connection| {
            let mut select =
                connection.prepare_cached("SELECT value FROM entries WHERE key = ?1")?;
            select.query_row([&key[..]], |row| Ok(row.get_ref(0)?.as_blob()?[0])).optional()
        })
    }

    fn scan(&self, first: &[u8; 16], count: usize) -> Result<usize> {
        self.with(false, |connection| {
            let mut select = connection.prepare_cached(
                "SELECT key, value FROM entries WHERE key >= ?1 ORDER BY key LIMIT ?2",
            )?;
            let mut rows = select.query(params![&first[..], count as i64])?;
            let mut met = 0;
            while let Some(row) = rows.next()? {
                black_box((row.get_ref(0)?.as_blob()?[15], row.get_ref(1)?.as_blob()?[0]));
                met += 1;
            }
            Ok(met)
        })
    }
}
