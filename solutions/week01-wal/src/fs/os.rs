//! The real disk: each call here is one call to the operating system, with the path in its error.
//!
//! ```text
//!   Fs / File          Unix                    Windows
//!   read_at            pread                   ReadFile at an offset
//!   write_at           pwrite                  WriteFile at an offset
//!   sync_data          fdatasync               FlushFileBuffers
//!                      (macOS: F_FULLFSYNC)
//!   sync_dir           open + fsync            nothing, see there
//!   lock               flock                   LockFileEx
//! ```
//!
//! On macOS a plain `fsync` stops at the drive's own cache; the standard library asks for
//! `F_FULLFSYNC`, which does not.

use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{File, Fs, Lock};
use crate::{Error, Result};

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsFs;

impl Fs for OsFs {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        open_file("create", path, OpenOptions::new().create(true).truncate(true))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        open_file("open", path, &mut OpenOptions::new())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        fs::rename(from, to).map_err(|error| Error::io("rename", from, error))
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        fs::hard_link(from, to).map_err(|error| match error.kind() {
            // Say what is in the way.
            io::ErrorKind::AlreadyExists => Error::io("link", to, error),
            _ => Error::io("link", from, error),
        })
    }

    fn remove(&self, path: &Path) -> Result<()> {
        fs::remove_file(path).map_err(|error| Error::io("remove", path, error))
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        list(dir).map_err(|error| Error::io("list", dir, error))
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).map_err(|error| Error::io("create directory", dir, error))
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        sync_dir(dir).map_err(|error| Error::io("sync directory", dir, error))
    }

    fn lock(&self, path: &Path) -> Result<Lock> {
        let failed = |error| Error::io("lock", path, error);
        // The lock belongs to this handle, not to the process: a second opener is refused even
        // within one program. It is let go when the handle is closed, by whatever end we come to.
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock::new(file)),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path: path.to_path_buf() }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

#[derive(Debug)]
struct OsFile {
    file: fs::File,
    path: PathBuf,
}

impl OsFile {
    fn failed(&self, operation: &'static str) -> impl FnOnce(io::Error) -> Error {
        move |error| Error::io(operation, &self.path, error)
    }
}

impl File for OsFile {
    fn read_at(&self, mut offset: u64, buf: &mut [u8]) -> Result<usize> {
        // The system may hand out less than it has. Only nothing at all means the end.
        let mut filled = 0;
        while filled < buf.len() {
            match positioned::read(&self.file, &mut buf[filled..], offset) {
                Ok(0) => break,
                Ok(read) => {
                    filled += read;
                    offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read", &self.path, error)),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        positioned::write_all(&self.file, bytes, offset).map_err(self.failed("write"))
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data().map_err(self.failed("sync"))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file.set_len(len).map_err(self.failed("set the length of"))
    }

    fn len(&self) -> Result<u64> {
        let metadata = self.file.metadata().map_err(self.failed("look at"))?;
        Ok(metadata.len())
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

fn open_file(
    operation: &'static str,
    path: &Path,
    options: &mut OpenOptions,
) -> Result<Arc<dyn File>> {
    let file = options.read(true).write(true).open(path);
    let file = file.map_err(|error| Error::io(operation, path, error))?;
    Ok(Arc::new(OsFile { file, path: path.to_path_buf() }))
}

/// `Path::parent` of a bare name is the empty path, which to the system is no directory at all.
fn or_current(dir: &Path) -> &Path {
    if dir.as_os_str().is_empty() { Path::new(".") } else { dir }
}

fn list(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(or_current(dir))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            // A name that is not Unicode is none of ours.
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(unix)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    fs::File::open(or_current(dir))?.sync_all()
}

/// Windows documents no call that makes a directory durable: a file can be flushed, and, by an
/// administrator, a volume. NTFS writes names to its own journal; we trust that it does so in time.
#[cfg(windows)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    fs::metadata(or_current(dir)).map(|_| ())
}

/// Reads and writes that name their offset, so that threads share a handle without a lock.
#[cfg(unix)]
mod positioned {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt;

    pub(super) fn read(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        file.read_at(buf, offset)
    }

    pub(super) fn write_all(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }
}

/// The same for Windows, whose calls move the handle's own position as well; nobody uses that.
#[cfg(windows)]
mod positioned {
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::FileExt;

    pub(super) fn read(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        file.seek_read(buf, offset)
    }

    pub(super) fn write_all(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match file.seek_write(bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    bytes = &bytes[written..];
                    offset += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
