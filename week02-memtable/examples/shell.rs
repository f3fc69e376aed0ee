//! A small shell on the week's store: `cargo x run` starts it on the reference's code,
//! `cargo x run week02 --mine` on yours.

#[path = "../../week01-wal/examples/shell/mod.rs"]
mod shell;

use std::process::ExitCode;
use std::sync::Arc;

use memtable::{MemOptions, MemStore};
use wal::fs::OsFs;
use wal::{Recovered, Result};

use shell::{Options, Store};

fn main() -> ExitCode {
    shell::main::<MemStore>()
}

impl Store for MemStore {
    const WHOSE: &str = "the second week's";

    fn open(options: &Options) -> Result<MemStore> {
        let recovery = options.recovery;
        let store = MemOptions { recovery, ..MemOptions::default() };
        MemStore::open(Arc::new(OsFs), &options.dir, store)
    }

    fn recovered(&self) -> Recovered {
        MemStore::recovered(self)
    }
}
