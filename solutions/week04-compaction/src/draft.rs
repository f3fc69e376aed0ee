//! A draft: a store that is being made in a directory of its own, from what another one has.
//!
//! ```text
//!   begin     CURRENT ──► UNFINISHED            durable before anything else is there
//!   …         000007.sst  000009.val  …         linked, copied, or brought from elsewhere
//!   finish    log/  MANIFEST-000011             as a new manifest is begun: all that it names is
//!             CURRENT ──► MANIFEST-000011       on disk, and then it is named, in one step
//! ```
//!
//! `CURRENT` is the first thing that is written, and the last. So at every moment, and after every
//! crash, the directory is one of three: empty, or a draft and says so, or a store and whole. Who opens
//! a draft is refused; who begins it again clears it.
//!
//! A checkpoint is a draft that is filled by a store that is open, and a backup comes back as one.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memtable::{Cursor, View};
use sstable::{TEMPORARY_SUFFIX, Table, TableBuilder, TableOptions};
use wal::fs::{Fs, Lock, read_all};
use wal::{Error, LogOptions, Lsn, Result, Seq, Wal};

use crate::files::{CURRENT, LOCK, LOG, UNFINISHED, table_path};
use crate::levels::TableMeta;
use crate::manifest::{Manifest, State, point_current};

/// How much of a file is copied at once, in bytes.
const PIECE_SIZE: usize = 256 << 10;

/// A directory that becomes a store, and is none yet.
#[derive(Debug)]
pub struct Draft {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    /// Held until it is finished: nobody else fills the directory, and nobody opens it.
    _lock: Lock,
}

impl Draft {
    /// Begins a draft in `dir`, making the directory if there is none.
    ///
    /// **Lab backup**, chapter `week04/lab-backup.md`. When this has returned, `dir` survives a power
    /// cut, if the directory above it does, with a `CURRENT` that says that nothing is finished, and has
    /// nothing of an earlier draft.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if a store is open there, or a draft is being filled. Those of
    /// `expect_free`, if there is anything else than what a draft left behind; nothing there has
    /// changed then, but that there is a file `LOCK`. [`Error::Io`].
    ///
    /// # Cost
    ///
    /// Three syncs.
    pub fn begin(fs: Arc<dyn Fs>, dir: &Path) -> Result<Draft> {
        // ANCHOR: backup_begin
        // As `Lsm::open` begins: the directory, its lock, its name in the directory above. Look before
        // you change anything: `expect_free`, given. What is left then is an earlier draft's or
        // nothing: `point_current` at `UNFINISHED`, and `clear`, given, which leaves `CURRENT` and the
        // lock.
        fs.create_dir(dir)?;
        let lock = fs.lock(&dir.join(LOCK))?;
        fs.sync_dir(dir.parent().unwrap_or(dir))?;
        expect_free(&*fs, dir)?;
        point_current(&*fs, dir, UNFINISHED)?;
        clear(&*fs, dir)?;
        Ok(Draft { fs, dir: dir.to_path_buf(), _lock: lock })
        // ANCHOR_END: backup_begin
    }

    /// Begins a draft in `dir`, which is nobody else's: whatever is there goes.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if a draft is being filled there, [`Error::Io`].
    pub fn scratch(fs: Arc<dyn Fs>, dir: &Path) -> Result<Draft> {
        fs.create_dir(dir)?;
        // Not while somebody is at it; and then it is a draft, whatever it was.
        let lock = fs.lock(&dir.join(LOCK))?;
        point_current(&*fs, dir, UNFINISHED)?;
        drop(lock);
        Draft::begin(fs, dir)
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Gives the file at `from`, which never changes, the same name in the draft, too. Where that
    /// cannot be, the draft gets a copy.
    ///
    /// **Lab backup**. It is a table, or a value file of lab `valuelog`. Its bytes are on disk before
    /// anybody knows its name, and those of a copy are when this has returned. Its name here is when the
    /// draft is finished.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]. If the draft has a file of that name, of kind `AlreadyExists`, and names it: it
    /// may be the store's own file by another name, and is not written into.
    ///
    /// # Cost
    ///
    /// A link costs the same for every size. A copy reads and writes the file, in pieces of
    /// `PIECE_SIZE`, and syncs it.
    pub fn link(&self, from: &Path) -> Result<()> {
        // ANCHOR: backup_link
        // A file system without links says `Unsupported`, another disk `CrossesDevices`, others have
        // other words, and one may even have made the link: so do not ask the error, but look. If
        // there is nothing of that name, copy. `expect_absent`, given, looks.
        let to = self.dir.join(from.file_name().expect("a file has a name"));
        if self.fs.hard_link(from, &to).is_ok() {
            return Ok(());
        }
        expect_absent(&*self.fs, &to)?;
        let (source, copy) = (self.fs.open(from)?, self.fs.create(&to)?);
        let (mut piece, mut offset) = (vec![0; PIECE_SIZE], 0);
        loop {
            let filled = source.read_at(offset, &mut piece)?;
            if filled == 0 {
                return copy.sync_data();
            }
            copy.write_at(offset, &piece[..filled])?;
            offset += filled as u64;
        }
        // ANCHOR_END: backup_link
    }

    /// Makes table `number` of what `view` has: of the operations with these numbers, of which there is
    /// at least one, and of no others.
    ///
    /// **Lab backup**. Tombstones are entries like others: they may hide what tables have. Values are
    /// what memory has: in a store with a value log they have their tags, and are in the table.
    ///
    /// # Errors
    ///
    /// Those of [`TableBuilder`] and of [`Table::open`].
    ///
    /// # Cost
    ///
    /// A walk over all entries of the view, and one table written and synced. Writers go on meanwhile.
    pub fn write_memory(
        &self,
        view: &View,
        seqs: RangeInclusive<Seq>,
        number: u64,
        options: TableOptions,
    ) -> Result<TableMeta> {
        // ANCHOR: backup_write_memory
        // The view's cursor has them in the order in which a table wants them. What the manifest has
        // to know of a table is `TableMeta::of` the table, opened.
        let path = table_path(&self.dir, number);
        let mut builder = TableBuilder::create(Arc::clone(&self.fs), &path, options)?;
        let mut cursor = view.cursor();
        cursor.first()?;
        while let Some(key) = cursor.key() {
            if seqs.contains(&key.seq) {
                builder.add(key, &cursor.entry().1)?;
            }
            cursor.next()?;
        }
        builder.finish()?;
        Ok(TableMeta::of(&Table::open(&*self.fs, &path, number, None)?))
        // ANCHOR_END: backup_write_memory
    }

    /// Makes a store of it, whose state is `state`: from now on it can be opened, when the lock is let
    /// go. Where its log goes on is not what `state` says, but a position of its own.
    ///
    /// The files that `state` needs are there, and their bytes are on disk. Their names are when the
    /// manifest's is; that syncs the directory before `CURRENT` says the manifest's name.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; the directory is still a draft, or it is a store.
    ///
    /// # Cost
    ///
    /// Those of [`Manifest::create`], and the beginning of a log.
    pub fn finish(&self, mut state: State) -> Result<()> {
        state.flushed.lsn = own_lsn();
        let log = self.dir.join(LOG);
        self.fs.create_dir(&log)?;
        self.fs.sync_dir(&self.dir)?;
        let begun =
            Wal::open(Arc::clone(&self.fs), &log, state.flushed.lsn, LogOptions::default())?;
        begun.close()?;
        Manifest::create(Arc::clone(&self.fs), &self.dir, state)?;
        Ok(())
    }

    /// Removes the draft, or the store that has been made of it, and nobody has opened.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; what is left does no harm in a directory that is nobody else's.
    pub fn discard(self) -> Result<()> {
        clear(&*self.fs, &self.dir)
    }
}

/// A position for the first byte of a log, where no other log of the disk is likely to have been.
///
/// After a power cut a file may have bytes that another one had before it was removed, and a record is
/// valid at its position, whoever wrote it. The store that was copied has been at its own positions,
/// another copy of it goes on from the same number, and what is restored twice is twice the same. So it
/// is drawn by chance: two logs of a terabyte meet once in two million times. It is below 2⁶², and a
/// log may grow by as much before it is where manifests are.
fn own_lsn() -> Lsn {
    // The keys of a hash map are what the standard library has of chance.
    RandomState::new().build_hasher().finish() >> 2
}

/// That there is no file at `path`.
///
/// # Errors
///
/// [`Error::Io`], of kind `AlreadyExists` if there is one.
fn expect_absent(fs: &dyn Fs, path: &Path) -> Result<()> {
    match fs.open(path) {
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(Error::io("copy to", path, io::ErrorKind::AlreadyExists.into())),
    }
}

/// That a draft may be begun in `dir`: it has no files but the lock and perhaps a temporary `CURRENT`,
/// or its `CURRENT` says that it is a draft.
///
/// # Errors
///
/// [`Error::Io`] of kind `DirectoryNotEmpty` if it has others.
fn expect_free(fs: &dyn Fs, dir: &Path) -> Result<()> {
    let temporary = format!("{CURRENT}{TEMPORARY_SUFFIX}");
    let mut names = fs.list(dir)?;
    names.retain(|name| *name != LOCK && *name != temporary);
    let is_free = if names.iter().any(|name| name == CURRENT) {
        read_all(&*fs.open(&dir.join(CURRENT))?)? == format!("{UNFINISHED}\n").as_bytes()
    } else {
        // A log that is left behind would be read as the new store's.
        names.is_empty() && files_in(fs, &dir.join(LOG))?.is_empty()
    };
    if is_free {
        return Ok(());
    }
    Err(Error::io("make a store in", dir, io::ErrorKind::DirectoryNotEmpty.into()))
}

/// Removes all files in `dir` and in its log, but `CURRENT` and the lock.
fn clear(fs: &dyn Fs, dir: &Path) -> Result<()> {
    for dir in [dir.to_path_buf(), dir.join(LOG)] {
        for name in files_in(fs, &dir)? {
            if name != CURRENT && name != LOCK {
                fs.remove(&dir.join(name))?;
            }
        }
    }
    Ok(())
}

/// The names of the files in `dir`; none if there is no such directory.
fn files_in(fs: &dyn Fs, dir: &Path) -> Result<Vec<String>> {
    match fs.list(dir) {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        listed => listed,
    }
}
