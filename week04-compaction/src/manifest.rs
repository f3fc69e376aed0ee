//! The manifest: the set of live files is itself a log.
//!
//! ```text
//!   CURRENT ──► MANIFEST-000003   ├─ all of it ─┼─ edit ─┼─ edit ─┼─ ed
//!                                 └ the state when the file was begun   └ never synced: cut
//!
//!   MANIFEST-000009   ├─ all of it ─┤     the next one: written, synced,
//!   CURRENT.tmp ──► CURRENT               and then named, in one step
//! ```
//!
//! Records are week 1's; an edit that is too large for one goes on in the next. It counts when it is
//! on disk, all of it at once: before, the old tables are the store, and after, the new ones. So
//! tables are synced before an edit names them, and those that it removes are files until it is
//! synced.
//!
//! A store that is opened begins a manifest of its own, so that nobody ever writes behind a torn
//! tail. What no manifest names is nobody's: [`orphans`] finds it, and it goes when all that is named
//! has been opened. If the last edit is lost to damage and not to a power cut, nothing in the file
//! says so; but then a file that it removed is missing, or the log does not reach back.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memtable::LogMark;
use sstable::TEMPORARY_SUFFIX;
use wal::fs::{File, Fs, read_all};
use wal::{Error, Lsn, Record, RecordReader, Result, encode, has_witness};

use crate::edit::Edit;
use crate::files::{
    CURRENT, FileKind, NUMBER_MAX, UNFINISHED, kind_of, manifest_name, value_number,
};
use crate::levels::{BadEdit, Levels};

/// An edit that finds so many bytes of edits in the manifest, or more, without the first, begins a new
/// one instead: so it is read fast.
pub const EDITS_SIZE_MAX: u64 = 1 << 20;
/// The largest payload of a record here, in bytes. A record that has so many is one piece of an edit,
/// and the next has more of it; the last piece is smaller, if need be empty.
pub const PIECE_SIZE: usize = 1 << 20;

/// The position of the first byte of manifest `number`, which no log and no other manifest has.
///
/// After a power cut a file may have bytes that another one had before it was removed. A record is
/// valid at its position only: so those of an old manifest are none in a new one, nor in the log.
pub fn base_of(number: u64) -> Lsn {
    1 << 63 | number << 32
}

/// What the manifest knows: all that a store is, but for its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The tables.
    pub levels: Levels,
    /// Everything that the log has before this is in them.
    pub flushed: LogMark,
    /// No file has this number or a larger one.
    pub next_number: u64,
    /// What other parts of the store remember together with the tables. None of them is empty.
    pub notes: BTreeMap<u64, Arc<[u8]>>,
}

impl State {
    /// The state of a store that is new.
    pub fn new() -> State {
        State {
            levels: Levels::default(),
            flushed: LogMark::default(),
            next_number: 1,
            notes: BTreeMap::new(),
        }
    }

    /// The edit that makes this state of a new one.
    pub fn as_edit(&self) -> Edit {
        Edit {
            flushed: Some(self.flushed),
            next_number: Some(self.next_number),
            removed: Vec::new(),
            added: self.levels.tables().map(|(level, table)| (level, Arc::clone(table))).collect(),
            notes: self.notes.iter().map(|(&key, note)| (key, Arc::clone(note))).collect(),
        }
    }

    /// The state after `edit`.
    ///
    /// # Errors
    ///
    /// [`BadEdit`] as for [`Levels::apply`], if the log or the next number goes back, the next number
    /// is larger than any file can have, or a table has one that has not been given out.
    pub fn apply(&self, edit: &Edit) -> Result<State, BadEdit> {
        let bad = |reason: String| Err(BadEdit { reason });
        let flushed = edit.flushed.unwrap_or(self.flushed);
        if flushed.lsn < self.flushed.lsn || flushed.seq < self.flushed.seq {
            return bad(format!("the log goes on at {}, after {}", flushed.lsn, self.flushed.lsn));
        }
        let next_number = edit.next_number.unwrap_or(self.next_number);
        if next_number < self.next_number {
            return bad(format!("the next number is {next_number}, after {}", self.next_number));
        }
        if next_number > NUMBER_MAX + 1 {
            return bad(format!("the next number is {next_number}, above {NUMBER_MAX}"));
        }
        if let Some((_, table)) = edit.added.iter().find(|(_, table)| table.number >= next_number) {
            return bad(format!("table {} is named before its number is given", table.number));
        }
        let mut notes = self.notes.clone();
        for (key, note) in &edit.notes {
            match note.is_empty() {
                true => notes.remove(key),
                false => notes.insert(*key, Arc::clone(note)),
            };
        }
        Ok(State { levels: self.levels.apply(edit)?, flushed, next_number, notes })
    }
}

impl Default for State {
    fn default() -> State {
        State::new()
    }
}

/// The manifest of an open store.
#[derive(Debug)]
pub struct Manifest {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    file: Arc<dyn File>,
    state: State,
    /// Position of the file's first byte.
    base: Lsn,
    /// Where the edits begin, behind the state that the file begins with.
    edits: Lsn,
    /// Where the next record goes. All before it is on disk.
    end: Lsn,
    /// Why nothing more is accepted.
    failure: Option<Arc<str>>,
}

impl Manifest {
    /// The state that the manifest in `dir` leads to; without one, that of a new store.
    ///
    /// **Day 2**, chapter `week04/day2-manifest.md`. Changes nothing on disk.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] if `CURRENT` names no manifest, or is missing although there are
    /// tables; if the manifest does not begin with a whole edit, has one that cannot be, or is
    /// damaged, as a later record proves. [`Error::Io`].
    pub fn recover(fs: &dyn Fs, dir: &Path) -> Result<State> {
        // `CURRENT` leads to the file; `read_current`, given, follows it. Put the pieces of an edit
        // together. The first bytes that are no record end it all: a torn tail if the first edit is
        // whole, and `has_witness` knows nothing better. At last `raise_number`, given: files that
        // nobody has named have numbers, too.
        todo!("day 2: recover")
    }

    /// Begins a manifest in `dir`, which exists, with `state`, in place of the one that is there. That
    /// one's file stays.
    ///
    /// **Day 2**. It is written and synced, its name too, before `CURRENT` names it: what is done in
    /// a directory may survive in any order. A crash at any moment leaves `CURRENT` with the old one
    /// or the new one, whole.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; there is still a whole manifest, the old one or the new one.
    ///
    /// # Cost
    ///
    /// One edit with all tables; four syncs.
    pub fn create(fs: Arc<dyn Fs>, dir: &Path, mut state: State) -> Result<Manifest> {
        // The file's number is the next one, and so the state that goes into it has the one behind.
        // `base_of` says where its first byte stands, `records_of` makes the bytes: both are given.
        // They and the file's name are on disk before `point_current` lets `CURRENT` say it.
        todo!("day 2: create")
    }

    /// Makes `edit` count. When this has returned, it does for good.
    ///
    /// **Day 2**. The edit is given the next number by itself: whatever the caller has in
    /// `next_number` is replaced. If the edits that are there already have [`EDITS_SIZE_MAX`] bytes or
    /// more, the state behind `edit` begins a new manifest instead, and the old one is removed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], also if no number is left for a new manifest; nobody knows then whether the edit
    /// counts, [`state`](Manifest::state) is the one before, and from then on every edit is
    /// [`Error::Poisoned`], with the first failure as its cause, and nothing is written.
    ///
    /// # Panics
    ///
    /// If it does not fit the state: a bug of ours. Nothing is written then.
    ///
    /// # Cost
    ///
    /// One write and one sync; now and then, a new manifest.
    pub fn append(&mut self, mut edit: Edit) -> Result<()> {
        // Poisoned? Then the next state, which must be one; then write at the end and sync, and only
        // then is it the state. A failure is kept. A manifest that is long enough is followed by a
        // new one: `*self = Manifest::create(…)`.
        todo!("day 2: append")
    }

    /// What the store is now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// A number for a new file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when all have been given out.
    pub fn new_number(&mut self) -> Result<u64> {
        take_number(&self.dir, &mut self.state)
    }
}

/// A number for a new file of the store in `dir`, whose state is to have the next one.
///
/// # Errors
///
/// [`Error::Io`] when all have been given out.
pub(crate) fn take_number(dir: &Path, state: &mut State) -> Result<u64> {
    let number = state.next_number;
    if number > NUMBER_MAX {
        let none_left = io::Error::other(format!("all numbers up to {NUMBER_MAX} are used"));
        return Err(Error::io("number a file in", dir, none_left));
    }
    state.next_number += 1;
    Ok(number)
}

/// An edit as records from position `lsn` on; all before it is on disk.
fn records_of(edit: &Edit, mut lsn: Lsn) -> Vec<u8> {
    let (mut bytes, mut records) = (Vec::new(), Vec::new());
    edit.encode(&mut bytes);
    let synced = lsn;
    let end: &[u8] = &[];
    let is_full = bytes.len().is_multiple_of(PIECE_SIZE);
    for payload in bytes.chunks(PIECE_SIZE).chain(is_full.then_some(end)) {
        let before = records.len();
        encode(&Record { lsn, synced, payload }, &mut records).expect("a piece is not too large");
        lsn += (records.len() - before) as Lsn;
    }
    records
}

/// The manifest that `CURRENT` names, and the position of its first byte; `None` in the directory of a
/// new store.
fn read_current(fs: &dyn Fs, dir: &Path) -> Result<Option<(Arc<dyn File>, Lsn)>> {
    let path = dir.join(CURRENT);
    let current = match fs.open(&path) {
        Err(error) if error.is_not_found() => {
            let is_table = |name: &String| matches!(kind_of(name), Some(FileKind::Table(_)));
            return match fs.list(dir)?.iter().find(|name| is_table(name)) {
                None => Ok(None),
                Some(table) => {
                    let reason = format!("it is missing, and without it nobody knows of {table}");
                    Err(Error::corruption(&path, 0, reason))
                }
            };
        }
        opened => opened?,
    };
    let line = read_all(&*current)?;
    let name = str::from_utf8(&line).ok().and_then(|line| line.strip_suffix('\n'));
    if name == Some(UNFINISHED) {
        return Err(Error::corruption(
            &path,
            0,
            "this is a copy of a store that was never finished",
        ));
    }
    let kind = name.and_then(|name| Some((name, kind_of(name)?)));
    let Some((name, FileKind::Manifest(number))) = kind else {
        return Err(Error::corruption(&path, 0, "it does not name a manifest"));
    };
    match fs.open(&dir.join(name)) {
        Err(error) if error.is_not_found() => {
            Err(Error::corruption(&path, 0, format!("it names {name}, which is not there")))
        }
        opened => Ok(Some((opened?, base_of(number)))),
    }
}

/// Lets `CURRENT` name manifest `name`, in one step and for good.
///
/// **Day 2**. The name and a newline, written to `CURRENT.tmp`: whoever reads `CURRENT` finds the old
/// line or the new one, whenever the power goes.
///
/// # Errors
///
/// [`Error::Io`]; `CURRENT` names the old manifest or the new one.
///
/// # Cost
///
/// Two syncs: of the bytes, and of the name.
pub(crate) fn point_current(fs: &dyn Fs, dir: &Path, name: &str) -> Result<()> {
    // As week 1's checkpoint: write it under another name, sync, rename, sync the directory.
    todo!("day 2: point current")
}

/// The files in `dir` that are not needed with `manifest`: tables that were half made or are not named
/// any more, older manifests, temporary files.
///
/// **Day 2**. They may be removed when all that is named is there and fits, and so does the log; but
/// not before: if something is missing, the edit that says so may be what was lost.
///
/// # Errors
///
/// [`Error::Io`].
pub fn orphans(fs: &dyn Fs, dir: &Path, manifest: &Manifest) -> Result<Vec<PathBuf>> {
    // Files that are not ours stay. So does the manifest's own.
    todo!("day 2: orphans")
}

/// Raises the next number above those of all files in `dir`: some may never have been named. A
/// manifest of the same number would have the same positions, and an orphan the same name.
fn raise_number(fs: &dyn Fs, dir: &Path, state: &mut State) -> Result<()> {
    for name in fs.list(dir)? {
        let finished = name.strip_suffix(TEMPORARY_SUFFIX).unwrap_or(&name);
        let number = match kind_of(finished) {
            Some(FileKind::Table(number) | FileKind::Manifest(number)) => Some(number),
            _ => value_number(finished),
        };
        state.next_number = number.map_or(state.next_number, |it| state.next_number.max(it + 1));
    }
    Ok(())
}
