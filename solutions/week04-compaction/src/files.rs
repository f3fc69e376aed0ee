//! The names in a store's directory.
//!
//! ```text
//!   LOCK               held by the process that has the store open
//!   CURRENT            one line: the name of the manifest that counts
//!   MANIFEST-000003    a log of edits
//!   000007.sst         a table
//!   000008.val         values that live apart from the tables: lab `valuelog`
//!   log/               week 2's store: a directory of its own, with a lock of its own
//!   000007.sst.tmp     half written, as is CURRENT.tmp; after a crash they mean nothing
//! ```
//!
//! Manifests, tables and value files are numbered by one counter, and no two that were ever named
//! have the same number.

use std::path::{Path, PathBuf};

use sstable::TEMPORARY_SUFFIX;

/// The lock file of a store.
pub const LOCK: &str = "LOCK";
/// The file that names the manifest.
pub const CURRENT: &str = "CURRENT";
/// The directory of the log.
pub const LOG: &str = "log";
/// What `CURRENT` names while a store is being made out of another one, and of the lab `backup`
/// alone: no manifest.
pub const UNFINISHED: &str = "UNFINISHED";

/// The largest number of a file. Two thousand million files are enough for as many memtables.
pub const NUMBER_MAX: u64 = (1 << 31) - 1;

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A table, with its number.
    Table(u64),
    /// A manifest, with its number.
    Manifest(u64),
    /// A file that nobody has finished.
    Temporary,
}

/// The path of table `number`.
pub fn table_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:06}.sst"))
}

/// The path of value file `number`.
pub fn value_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:06}.val"))
}

/// The number of the value file of this name; `None` if it is another file.
pub fn value_number(name: &str) -> Option<u64> {
    let number = name.strip_suffix(".val")?.parse().ok().filter(|&number| number <= NUMBER_MAX)?;
    // Only names that are made here.
    (name == format!("{number:06}.val")).then_some(number)
}

/// The name of manifest `number`.
pub fn manifest_name(number: u64) -> String {
    format!("MANIFEST-{number:06}")
}

/// What the file of this name is; `None` if it is not one of ours, or one of those that always have
/// the same name.
pub fn kind_of(name: &str) -> Option<FileKind> {
    if let Some(finished) = name.strip_suffix(TEMPORARY_SUFFIX) {
        let is_ours = finished == CURRENT || matches!(kind_of(finished), Some(FileKind::Table(_)));
        return is_ours.then_some(FileKind::Temporary);
    }
    let number = |digits: &str| digits.parse().ok().filter(|&number| number <= NUMBER_MAX);
    let kind = match (name.strip_suffix(".sst"), name.strip_prefix("MANIFEST-")) {
        (Some(digits), _) => FileKind::Table(number(digits)?),
        (_, Some(digits)) => FileKind::Manifest(number(digits)?),
        _ => return None,
    };
    // Only names that are made here: no sign, no more zeros than it takes.
    let made = match kind {
        FileKind::Table(number) => format!("{number:06}.sst"),
        FileKind::Manifest(number) => manifest_name(number),
        FileKind::Temporary => return None,
    };
    (made == name).then_some(kind)
}
