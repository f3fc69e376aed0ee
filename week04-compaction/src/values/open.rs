//! Opening a store with a value log: its setting, its files, and what nobody needs.
//!
//! Whether values are tagged is decided when a store is made, and remembered in its manifest, as a note
//! under [`TAGGED`]. Opened in the other way, each value would be a byte too long or too short.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wal::fs::Fs;
use wal::{Error, Result};

use crate::files::{CURRENT, table_path, value_number, value_path};
use crate::manifest::State;
use crate::options::LsmOptions;
use crate::values::{References, ValueFile};
use crate::version::LiveTable;

/// The key of the note of a store whose values are tagged. No table has this number. Nobody reads what
/// it says; but some byte it must have: a note without one takes the note away (see [`Edit::notes`]).
///
/// [`Edit::notes`]: crate::edit::Edit::notes
pub const TAGGED: u64 = 0;

/// Checks that the store of `state` was made with a value log if and only if it is opened with one. A
/// store that is new gets the note.
///
/// **Lab valuelog**, chapter `week04/lab-valuelog.md`. A store is new if nothing says which manifest
/// counts. Nothing on disk changes: the note gets there with the next manifest.
///
/// # Errors
///
/// [`Error::Io`] of kind `InvalidInput`, about the directory, if the store was made with the other
/// setting; its text names the option, `value_min`.
pub fn check_setting(
    fs: &dyn Fs,
    dir: &Path,
    state: &mut State,
    options: &LsmOptions,
) -> Result<()> {
    // What is there, and what is wanted? If they differ, only a new store may be wanted otherwise, with
    // tags.
    todo!("lab valuelog: check setting")
}

/// Whether no store has been made in `dir` yet.
fn is_new(fs: &dyn Fs, dir: &Path) -> Result<bool> {
    match fs.open(&dir.join(CURRENT)) {
        Err(error) if error.is_not_found() => Ok(true),
        opened => opened.map(|_| false),
    }
}

/// The value files of a store that is being opened, and for each table where it points.
#[derive(Debug, Default)]
pub struct OpenValues(HashMap<u64, Vec<(Arc<ValueFile>, u64)>>);

impl OpenValues {
    /// Opens the value files that the tables of `state` point into, each of them once.
    ///
    /// **Lab valuelog**. Which files these are, the tables' notes say.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] about the table's file if its note is none; about the value file if it
    /// is missing, is another one, or has fewer bytes than all tables together point at. Nothing on
    /// disk has changed. [`Error::Io`].
    pub fn open(fs: &Arc<dyn Fs>, dir: &Path, state: &State) -> Result<OpenValues> {
        // Of each live table the note, of each note the files. Sum up what points into a file, and
        // compare it with what the file has.
        todo!("lab valuelog: open values")
    }

    /// Tells each of `tables` where it points.
    pub fn give_to<'a>(mut self, tables: impl Iterator<Item = &'a Arc<LiveTable>>) {
        for table in tables {
            if let Some(values) = self.0.remove(&table.meta.number) {
                table.set_values(values);
            }
        }
    }
}

/// What the note of table `number` says.
fn references_of(dir: &Path, state: &State, number: u64) -> Result<References> {
    let Some(note) = state.notes.get(&number) else {
        return Ok(References::default());
    };
    let bad = || {
        let reason = "what the manifest remembers of its values is no list of references";
        Error::corruption(&table_path(dir, number), 0, reason)
    };
    References::decode(note).ok_or_else(bad)
}

/// The numbers of the value files that the tables of `state` point into, ascending.
///
/// # Errors
///
/// As for [`OpenValues::open`], of a note.
pub fn needed(dir: &Path, state: &State) -> Result<BTreeSet<u64>> {
    let mut needed = BTreeSet::new();
    for (_, table) in state.levels.tables() {
        let references = references_of(dir, state, table.number)?;
        needed.extend(references.iter().map(|(&file, _)| u64::from(file)));
    }
    Ok(needed)
}

/// Opens a value file that some table points into.
fn open_named(fs: &Arc<dyn Fs>, dir: &Path, number: u32) -> Result<ValueFile> {
    match ValueFile::open(fs, dir, number) {
        Err(error) if error.is_not_found() => {
            let path = value_path(dir, u64::from(number));
            Err(Error::corruption(&path, 0, "a table points into it, and it is not there"))
        }
        opened => opened,
    }
}

/// The value files in `dir` that no table of `state` points into.
///
/// **Lab valuelog**. As tables that nobody names, they go when all else has been opened.
///
/// # Errors
///
/// As for [`OpenValues::open`], of a note; [`Error::Io`].
pub fn orphans(fs: &dyn Fs, dir: &Path, state: &State) -> Result<Vec<PathBuf>> {
    // `needed`, given, says which stay, and `value_number` knows our names. Files that are not ours
    // stay, too.
    todo!("lab valuelog: orphans")
}
