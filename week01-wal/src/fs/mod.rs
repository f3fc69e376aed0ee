//! The disk, as this course sees it: a dozen calls, and no promise that the hardware does not keep.
//!
//! ```text
//!   what you called            what survives a power cut
//!   write_at(..)               nothing: it is in the operating system's memory
//!   sync_data()                the bytes of that file, and its length
//!   create / rename / link /   nothing: the name is in memory too
//!   remove
//!   sync_dir(dir)              the names in that directory
//! ```
//!
//! [`OsFs`] is the real disk. [`SimFs`] is one that crashes when told to, keeps exactly what the
//! table promises, and rolls dice, from a seed, for the rest. Every week's store runs on both.

mod os;
mod sim;

use std::any::Any;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::{Error, Result};

pub use os::OsFs;
pub use sim::{Counts, Fault, Operation, SimFs, SyncGate};

/// A file system. All paths of a store lie in directories that it made with
/// [`create_dir`](Fs::create_dir).
///
/// Every error is [`Error::Io`] with the operation and the path, unless a method says otherwise.
pub trait Fs: fmt::Debug + Send + Sync {
    /// Makes an empty file and opens it; a file of that name is emptied.
    ///
    /// Neither the name nor the emptying is durable before [`sync_dir`](Fs::sync_dir).
    fn create(&self, path: &Path) -> Result<Arc<dyn File>>;

    /// Opens an existing file to read and write it. [`Error::is_not_found`] if there is none.
    fn open(&self, path: &Path) -> Result<Arc<dyn File>>;

    /// Gives a file another name, in one step, replacing what had that name.
    ///
    /// Not durable before `sync_dir` on the directory (on both, if it moves from one to another).
    /// Says nothing about the file's bytes: sync those first.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Gives a file one more name, where there must be none. It is one file then: what is written
    /// under either name is read under both, and it is there until the last of its names is removed.
    ///
    /// The new name is not durable before `sync_dir` on its directory. A link takes no room.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] of kind `AlreadyExists` if there is something at `to`. Not every file system has
    /// links, and none has them from one disk to another: whoever gets another error, looks whether
    /// there is something now, for only the answer may have been lost, and copies if there is nothing.
    /// Without a word on it a file system has none, and says `Unsupported`.
    fn hard_link(&self, from: &Path, _to: &Path) -> Result<()> {
        Err(Error::io("link", from, io::ErrorKind::Unsupported.into()))
    }

    /// Removes a file's name. Handles that are open go on working. Durable after `sync_dir`.
    fn remove(&self, path: &Path) -> Result<()>;

    /// The names of the files in `dir`, sorted; directories are left out.
    fn list(&self, dir: &Path) -> Result<Vec<String>>;

    /// Makes a directory and those above it; one that exists is fine.
    ///
    /// Durable after `sync_dir` on the directory above.
    fn create_dir(&self, dir: &Path) -> Result<()>;

    /// Makes the names in `dir` durable: what was created, renamed or removed there.
    fn sync_dir(&self, dir: &Path) -> Result<()>;

    /// Takes the lock file at `path` for as long as the [`Lock`] lives, making it if need be.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if any other opener, in this process or another, has it.
    fn lock(&self, path: &Path) -> Result<Lock>;
}

/// An open file. Reads and writes name their offset, so one handle serves many threads.
pub trait File: fmt::Debug + Send + Sync {
    /// Reads into `buf` from `offset`, and says how many bytes came: fewer than asked for only at
    /// the end of the file, 0 at or past it.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize>;

    /// Writes all of `bytes` at `offset`, growing the file if need be; a gap reads as zeros.
    ///
    /// After an error any part of it may be there. Nothing is durable before
    /// [`sync_data`](File::sync_data).
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Makes the bytes and the length durable; returns when they are. `fdatasync`.
    ///
    /// After an error it is unknown which writes since the last sync are on disk, **and a second
    /// call cannot tell**: the kernel may have dropped the pages and call them clean
    /// (PostgreSQL's "fsyncgate", 2018).
    fn sync_data(&self) -> Result<()>;

    /// Cuts or grows the file to `len` bytes; what is new reads as zeros.
    fn set_len(&self, len: u64) -> Result<()>;

    /// The file's length in bytes.
    fn len(&self) -> Result<u64>;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Where the file was when it was opened, for messages.
    fn path(&self) -> &Path;
}

/// A held lock file; dropping it lets go.
pub struct Lock {
    _held: Box<dyn Any + Send + Sync>,
}

impl Lock {
    /// A lock that is held while `held` lives.
    pub fn new(held: impl Any + Send + Sync) -> Lock {
        Lock { _held: Box::new(held) }
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}

/// Reads a whole small file, such as a pointer or a lock; not for logs.
pub fn read_all(file: &dyn File) -> Result<Vec<u8>> {
    let len = usize::try_from(file.len()?).map_err(|_| {
        Error::corruption(file.path(), 0, "the file is larger than this machine's memory")
    })?;
    let mut bytes = vec![0; len];
    let mut filled = 0;
    while filled < len {
        match file.read_at(filled as u64, &mut bytes[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
