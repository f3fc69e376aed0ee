//! A small shell on the week's store: `cargo x run week01` starts it on the reference's code,
//! `cargo x run week01 --mine` on yours.

#[path = "shell/mod.rs"]
mod shell;

use std::process::ExitCode;
use std::sync::Arc;

use wal::fs::OsFs;
use wal::{LogStore, Recovered, Result, StoreOptions};

use shell::{Options, Store};

fn main() -> ExitCode {
    shell::main::<LogStore>()
}

impl Store for LogStore {
    const WHOSE: &str = "the first week's";

    fn open(options: &Options) -> Result<LogStore> {
        let recovery = options.recovery;
        let store = StoreOptions { recovery, ..StoreOptions::default() };
        LogStore::open(Arc::new(OsFs), &options.dir, store)
    }

    fn recovered(&self) -> Recovered {
        LogStore::recovered(self)
    }

    fn checkpoint(&self) -> Option<Result<()>> {
        Some(LogStore::checkpoint(self))
    }
}
