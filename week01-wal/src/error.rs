//! What can go wrong with a disk, and what a caller can do about it.
//!
//! An error here is always the world's doing: a disk, a full file system, another process, bytes
//! that are not what was written. What only a bug of ours could cause is an assertion instead.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the log, the disk under it or a store on top.
#[derive(Debug)]
pub enum Error {
    /// The operating system refused `operation` on `path`.
    ///
    /// After a failed read, try again if you like. After a failed write or sync, don't: nobody
    /// knows what is on disk. Close the store and open it again.
    Io {
        /// What was tried, as a verb: `"open"`, `"sync"`.
        operation: &'static str,
        /// The file or directory it was tried on.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// Bytes that were safely on disk are not what was written. Nothing after `offset` was used.
    ///
    /// Restore the file from a backup, or open with [`RecoveryMode::PointInTime`] to keep what
    /// stands before the damage and lose the rest.
    ///
    /// [`RecoveryMode::PointInTime`]: crate::RecoveryMode::PointInTime
    Corruption {
        /// The damaged file.
        file: PathBuf,
        /// Where the first bad byte range begins, counted from the start of the file.
        offset: u64,
        /// Which check failed.
        reason: String,
    },

    /// Another opener holds the directory. Close that one first; the lock dies with its process.
    Locked {
        /// The lock file.
        path: PathBuf,
    },

    /// An earlier write or sync failed, so nothing more is accepted. What was acknowledged before
    /// is safe; open again to find out what else reached the disk.
    Poisoned {
        /// The first failure, as text.
        cause: Arc<str>,
    },

    /// A record's payload is larger than the log takes. Nothing was written; split the batch.
    RecordTooLarge {
        /// Size of the payload, in bytes.
        size: usize,
        /// The largest payload allowed here, in bytes.
        limit: usize,
    },

    /// The store was closed; open it again.
    Closed,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io { operation, path, source } => {
                write!(f, "cannot {operation} {}: {source}", path.display())
            }
            Error::Corruption { file, offset, reason } => {
                write!(f, "{} is damaged at byte {offset}: {reason}", file.display())
            }
            Error::Locked { path } => {
                write!(f, "{} is in use: another process or handle has it open", path.display())
            }
            Error::Poisoned { cause } => {
                write!(f, "nothing is written any more since this failed: {cause}")
            }
            Error::RecordTooLarge { size, limit } => {
                write!(f, "a payload of {size} bytes does not fit: the limit is {limit}")
            }
            Error::Closed => f.write_str("the store is closed"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl Error {
    /// Names `operation` and `path` in what the operating system said.
    pub fn io(operation: &'static str, path: &Path, source: io::Error) -> Error {
        Error::Io { operation, path: path.to_path_buf(), source }
    }

    /// Damage in `file` at byte `offset`, with the check that found it.
    pub fn corruption(file: &Path, offset: u64, reason: impl Into<String>) -> Error {
        Error::Corruption { file: file.to_path_buf(), offset, reason: reason.into() }
    }

    /// The operating system's error kind, if this came from there.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Error::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }

    /// Whether a file or directory was simply not there.
    pub fn is_not_found(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::NotFound)
    }
}
