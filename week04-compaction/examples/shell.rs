//! A small shell on the week's store: `cargo x run` starts it on the reference's code,
//! `cargo x run week04 --mine` on yours.

#[path = "../../week01-wal/examples/shell/mod.rs"]
mod shell;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use lsm::files::CURRENT;
use lsm::{Lsm, LsmOptions};
use wal::fs::{Fs, OsFs};
use wal::{Error, Recovered, Result};

use shell::{Options, Store};

fn main() -> ExitCode {
    shell::main::<Lsm>()
}

impl Store for Lsm {
    const WHOSE: &str = "the fourth week's";

    fn open(options: &Options) -> Result<Lsm> {
        refuse_older_store(&options.dir)?;
        let recovery = options.recovery;
        let store = LsmOptions { recovery, ..LsmOptions::default() };
        Lsm::open(Arc::new(OsFs), &options.dir, store)
    }

    fn recovered(&self) -> Recovered {
        Lsm::recovered(self)
    }
}

/// The stores of weeks 1 and 2 have their log where this one has its tables. It would see none of
/// that, and begin anew beside it.
fn refuse_older_store(dir: &Path) -> Result<()> {
    let names = match OsFs.list(dir) {
        Err(error) if error.is_not_found() => return Ok(()),
        listed => listed?,
    };
    let has_log = names.iter().any(|name| name.ends_with(".wal"));
    if has_log && !names.iter().any(|name| name == CURRENT) {
        let reason = std::io::Error::other(
            "a store of an earlier week is there: `cargo x run week02` opens it; give another \
             directory to this one",
        );
        return Err(Error::io("open", dir, reason));
    }
    Ok(())
}
