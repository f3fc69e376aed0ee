//! Week 3: tables beside RocksDB's, and the block cache beside quick_cache.
//!
//! A million entries, keys of 16 bytes, values of 100 of which half compress well.
//!
//! ```text
//!                        on both sides
//!   blocks               4 KiB, a restart point every 16 entries
//!   filter               10 bits a key, in lines of 64 bytes
//!   checksums            checked when a block is read from the file, and never again
//!   cache                larger than the data; index and filter outside of it, in memory
//!   from the file        no cache of blocks; the system has the file in memory
//!   values               not copied: a part of the block; a byte of each is looked at
//!   building             ends with a sync of the file
//! ```
//!
//! RocksDB answers through its whole engine, an empty memtable and one table below it, and through
//! its C interface: its lookups have a longer way than ours, by some tens of nanoseconds. Its
//! checksum is XXH3, ours CRC-32.

mod caches;
mod entries;
mod ours;
mod rocks;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use peers::{given, print_head, print_row};

use self::entries::{ENTRIES, Numbers, absent_key, key};
use self::ours::Ours;
use self::rocks::Rocks;

/// Room for all blocks, and as much again.
const CACHE_SIZE: usize = 256 << 20;

/// Lookups in a round.
const LOOKUPS: u64 = 100_000;

/// How tables are built and read.
#[derive(Clone, Copy)]
struct Settings {
    lz4: bool,
    filter: bool,
    /// Without it, every block is read from the file.
    cache: bool,
}

const CACHED: Settings = Settings { lz4: false, filter: true, cache: true };

fn main() -> anyhow::Result<()> {
    if let Some(unknown) = std::env::args().nth(2) {
        anyhow::bail!("the only argument is a part of the rows' names; what is `{unknown}`?");
    }
    let exe = std::env::current_exe()?;
    let dir = tempfile::tempdir_in(exe.parent().context("a program is in a directory")?)?;
    let ours = Ours::create(dir.path(), CACHED)?;
    let rocks = Rocks::create(dir.path(), CACHED)?;

    println!(
        "blocks of 4 KiB, a restart every 16 entries, filters of 10 bits a key, a cache larger than"
    );
    println!("the data, checksums checked at each read from the file; times are a thread's own");
    print_head("a table of a million entries", &rocks.version()?);
    print_builds(dir.path());
    print_row("get", LOOKUPS, || gets(|key| ours.get(key)), || gets(|key| rocks.get(key)));
    print_row(
        "get, key is not there",
        LOOKUPS,
        || absent_gets(|key| ours.get(key)),
        || absent_gets(|key| rocks.get(key)),
    );
    print_scans("", &ours, &rocks);
    for (suffix, lz4) in [(", from the file", false), (", from the file, LZ4", true)] {
        let settings = Settings { lz4, cache: false, ..CACHED };
        let ours = Ours::create(dir.path(), settings)?;
        let rocks = Rocks::create(dir.path(), settings)?;
        let name = format!("get{suffix}");
        print_row(&name, LOOKUPS, || gets(|key| ours.get(key)), || gets(|key| rocks.get(key)));
        print_scans(suffix, &ours, &rocks);
    }

    print_head("a filter", "none");
    let without = Ours::create(dir.path(), Settings { filter: false, ..CACHED })?;
    print_row(
        "get, key is not there",
        LOOKUPS,
        || absent_gets(|key| ours.get(key)),
        || absent_gets(|key| without.get(key)),
    );
    caches::print_rows();
    Ok(())
}

fn print_builds(dir: &Path) {
    for (name, lz4) in [("build", false), ("build, LZ4", true)] {
        let settings = Settings { lz4, ..CACHED };
        let (our_path, their_path) = (dir.join("built.ours"), dir.join("built.rocks"));
        print_row(
            name,
            ENTRIES,
            || given(|| ours::build(&our_path, settings).expect("the disk takes it")),
            || given(|| rocks::build(&their_path, settings).expect("the disk takes it")),
        );
    }
}

fn print_scans(suffix: &str, ours: &Ours, rocks: &Rocks) {
    for (name, forward) in [("scan", true), ("scan backwards", false)] {
        print_row(
            &format!("{name}{suffix}"),
            ENTRIES,
            || given(|| assert_eq!(ours.scan(forward), ENTRIES, "our scan meets all entries")),
            || given(|| assert_eq!(rocks.scan(forward), ENTRIES, "their scan meets all entries")),
        );
    }
}

/// The time for lookups of keys that are there. `get` gives the first byte of the value.
fn gets(get: impl Fn(&[u8]) -> Option<u8>) -> Duration {
    let mut numbers = Numbers::below(ENTRIES);
    given(|| {
        for _ in 0..LOOKUPS {
            let found = get(&key(numbers.next()));
            assert!(found.is_some(), "a key that is there is found");
        }
    })
}

/// The time for lookups of keys that are not there, but behind the first and before the last.
fn absent_gets(get: impl Fn(&[u8]) -> Option<u8>) -> Duration {
    let mut numbers = Numbers::below(ENTRIES - 1);
    given(|| {
        for _ in 0..LOOKUPS {
            let found = get(&absent_key(numbers.next()));
            assert!(found.is_none(), "a key that is not there is not found");
        }
    })
}
