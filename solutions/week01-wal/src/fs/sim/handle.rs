//! What a process holds of the disk: open files and locks. They end with it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::MutexGuard;

use super::disk::{Course, Disk};
use super::fault::Operation;
use super::names::InodeId;
use super::trace::Detail;
use super::{Shared, run};
use crate::fs::File;
use crate::{Error, Result};

/// A lock file that is held.
pub(super) struct HeldLock {
    pub(super) shared: Arc<Shared>,
    pub(super) process: u64,
    pub(super) id: InodeId,
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        let mut disk = self.shared.disk.lock();
        // The locks of a process end with it: by now another may have this one.
        if disk.process == self.process {
            disk.locked.retain(|id| *id != self.id);
        }
    }
}

/// An open file.
pub(super) struct SimFile {
    pub(super) shared: Arc<Shared>,
    pub(super) process: u64,
    pub(super) id: InodeId,
    pub(super) path: PathBuf,
    /// Keeps the inode while the file has no name any more.
    pub(super) _handle: Arc<()>,
}

impl fmt::Debug for SimFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SimFile").field(&self.path).finish()
    }
}

impl SimFile {
    fn run<T>(
        &self,
        operation: Operation,
        detail: Detail,
        act: impl FnOnce(&mut Disk, Course) -> io::Result<T>,
    ) -> Result<T> {
        run(&mut self.shared.disk.lock(), self.process, operation, &self.path, detail, act)
    }
}

impl File for SimFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.run(Operation::Read, Detail::None, |disk, _| {
            let size = disk.inode(self.id).read(offset, buf);
            disk.trace.counts.bytes_read += size as u64;
            Ok(size)
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let detail = Detail::Range { offset, size: bytes.len() as u64 };
        self.run(Operation::Write, detail, |disk, course| {
            let size = match course {
                Course::Well => bytes.len(),
                Course::Cut => disk.interrupted_size(bytes.len()),
                // Some of it was written before the error came.
                Course::Fails(_) => bytes.len() / 2,
            };
            disk.write(self.id, offset, &bytes[..size])
        })
    }

    fn sync_data(&self) -> Result<()> {
        let mut disk = self.shared.disk.lock();
        let synced = self.sync(&mut disk);
        synced.map_err(|error| Error::io(Operation::Sync.name(), &self.path, error))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.run(Operation::SetLen, Detail::Len(len), |disk, course| match course {
            Course::Fails(fault) => Err(fault.error()),
            Course::Well | Course::Cut => disk.set_len(self.id, len),
        })
    }

    fn len(&self) -> Result<u64> {
        self.run(Operation::Len, Detail::None, |disk, _| Ok(disk.inode(self.id).live.len() as u64))
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

impl SimFile {
    fn sync(&self, disk: &mut MutexGuard<'_, Disk>) -> io::Result<()> {
        let course = disk.begin(self.process, Operation::Sync, &self.path, Detail::None)?;
        // A sync is for the writes made before it began, however long it takes.
        let number = disk.number();
        if course != Course::Cut {
            self.shared.wait_at_gate(disk, self.process)?;
        }
        match course {
            Course::Well => disk.inode(self.id).sync(number),
            Course::Cut => return Err(io::Error::other("the power is off")),
            Course::Fails(fault) => {
                disk.inode(self.id).drop_unsynced(number);
                return Err(fault.error());
            }
        }
        Ok(())
    }
}
