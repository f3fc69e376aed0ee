//! A small table to look at: stones, of which some were written more than once, and some deleted.

use std::path::Path;
use std::sync::Arc;

use memtable::{InternalKey, Kind};
use sstable::{TEMPORARY_SUFFIX, TableBuilder, TableOptions};
use wal::fs::Fs;

use crate::Failure;

const STONES: [&str; 16] = [
    "agate",
    "basalt",
    "chalk",
    "flint",
    "gabbro",
    "gneiss",
    "granite",
    "limestone",
    "marble",
    "obsidian",
    "quartz",
    "quartzite",
    "sandstone",
    "schist",
    "shale",
    "slate",
];

/// Blocks of a few entries, so that there are several.
pub(crate) fn options() -> TableOptions {
    TableOptions { block_size: 512, restart_interval: 4, ..TableOptions::default() }
}

/// Writes it to `path`, where no file is.
pub(crate) fn write(fs: Arc<dyn Fs>, path: &Path, options: TableOptions) -> Result<(), Failure> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(TEMPORARY_SUFFIX);
    for path in [path, Path::new(&temporary)] {
        if path.exists() {
            return Err(Failure::Said(format!("{} is there already", path.display())));
        }
    }
    build(fs, path, options).map_err(|error| Failure::Said(error.to_string()))
}

fn build(fs: Arc<dyn Fs>, path: &Path, options: TableOptions) -> wal::Result<()> {
    let mut builder = TableBuilder::create(fs, path, options)?;
    let mut seq = 1000;
    for stone in STONES {
        for place in ["cairn", "field", "wall"] {
            let user_key = format!("stone/{stone}/{place}");
            seq -= 7;
            let newest = InternalKey { user_key: user_key.as_bytes(), seq, kind: Kind::Put };
            match (stone.len() + place.len()) % 4 {
                // Taken away, and what was there before.
                0 => {
                    builder.add(InternalKey { kind: Kind::Delete, ..newest }, b"")?;
                    builder.add(InternalKey { seq: seq - 3, ..newest }, b"a few")?;
                }
                size => {
                    let value = format!("{size} of {stone} in the {place}, {size} of {stone} left");
                    builder.add(newest, value.as_bytes())?;
                }
            }
        }
    }
    builder.finish()?;
    Ok(())
}
