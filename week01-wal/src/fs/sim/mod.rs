//! A disk that crashes when told to: it keeps what was synced, and rolls dice for the rest.
//!
//! ```text
//!   let fs = SimFs::new(seed);
//!
//!   fs.crash_at(7)        ops 1 ─ 2 ─ 3 ─ 4 ─ 5 ─ 6 ─ 7✗ every call fails: "the power is off"
//!   fs.power_cycle()      what was synced is there; of the rest, each change on its own:
//!                           a write        kept · lost · torn
//!                           a new length   kept · lost · kept without its bytes
//!                           a name         kept · forgotten
//!   fs.kill()             the process ends, the machine does not: all that was written is there
//! ```
//!
//! A real disk does the same, but on the one day in three years when nobody watches. Here it
//! happens at every operation of a test, and as a function of the seed: what failed once fails
//! again, as often as you like.
//!
//! Read on in this order: `inode.rs` for bytes, `names.rs` for directories, `disk.rs` for how an
//! operation goes. The idea of crashing a file system at every operation is that of ALICE
//! (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).

mod control;
mod dice;
mod disk;
mod fault;
mod gate;
mod graveyard;
mod inode;
mod names;
mod trace;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use super::{File, Fs, Lock};
use crate::{Error, Result};
use disk::{Course, Disk};
use names::InodeId;
use trace::Detail;

pub use fault::{Fault, Operation};
pub use gate::SyncGate;
pub use trace::Counts;

/// A simulated disk in memory. Clones are handles to the same disk.
///
/// A clone given to a store belongs to the process that the store runs in: after
/// [`kill`](SimFs::kill) or [`power_cycle`](SimFs::power_cycle) it refuses everything, as do the
/// files and locks that were opened through it. The handle on which these were called goes over to
/// the next process, and so do the clones made of it from then on.
pub struct SimFs {
    shared: Arc<Shared>,
    process: AtomicU64,
}

struct Shared {
    disk: Mutex<Disk>,
    /// Someone came to the gate, passed it, or lost the power there.
    changed: Condvar,
}

impl Clone for SimFs {
    fn clone(&self) -> SimFs {
        SimFs { shared: Arc::clone(&self.shared), process: AtomicU64::new(self.process()) }
    }
}

impl fmt::Debug for SimFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let disk = self.shared.disk.lock();
        write!(f, "SimFs(seed {}, after {} operations)", disk.seed(), disk.number())
    }
}

impl SimFs {
    fn process(&self) -> u64 {
        self.process.load(Ordering::Relaxed)
    }

    fn run<T>(
        &self,
        operation: Operation,
        path: &Path,
        detail: Detail,
        act: impl FnOnce(&mut Disk, Course) -> io::Result<T>,
    ) -> Result<T> {
        let mut disk = self.shared.disk.lock();
        run(&mut disk, self.process(), operation, path, detail, act)
    }

    fn file(&self, disk: &mut Disk, path: &Path, id: InodeId) -> Arc<dyn File> {
        let handle = Arc::clone(&disk.inode(id).handles);
        let shared = Arc::clone(&self.shared);
        let process = self.process();
        Arc::new(SimFile { shared, process, id, path: path.to_path_buf(), _handle: handle })
    }
}

/// Does one operation: `act` has its effect, whole or in part, as the course demands; how it went
/// is told here.
fn run<T>(
    disk: &mut Disk,
    process: u64,
    operation: Operation,
    path: &Path,
    detail: Detail,
    act: impl FnOnce(&mut Disk, Course) -> io::Result<T>,
) -> Result<T> {
    let result = disk.begin(process, operation, path, detail).and_then(|course| {
        let result = act(disk, course);
        match course {
            Course::Well => result,
            Course::Cut => Err(io::Error::other("the power is off")),
            Course::Fails(fault) => Err(fault.error()),
        }
    });
    result.map_err(|error| Error::io(operation.name(), path, error))
}

/// An operation with an effect on names: it happens, unless it fails.
fn unless_failing(course: Course, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    if let Course::Fails(fault) = course { Err(fault.error()) } else { act() }
}

impl Fs for SimFs {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.run(Operation::Create, path, Detail::None, |disk, course| {
            if let Course::Fails(fault) = course {
                return Err(fault.error());
            }
            let id = disk.create(path)?;
            Ok(self.file(disk, path, id))
        })
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.run(Operation::Open, path, Detail::None, |disk, _| {
            let id = disk.names.file(path)?;
            Ok(self.file(disk, path, id))
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let detail = Detail::To(to.to_path_buf());
        self.run(Operation::Rename, from, detail, |disk, course| {
            unless_failing(course, || disk.rename(from, to))
        })
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.run(Operation::Remove, path, Detail::None, |disk, course| {
            unless_failing(course, || {
                disk.names.file(path)?;
                disk.names.unlink(path);
                Ok(())
            })
        })
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        self.run(Operation::List, dir, Detail::None, |disk, _| {
            disk.names.expect_dir(dir)?;
            let names = disk.names.files_in(dir).filter_map(|path| path.file_name()?.to_str());
            Ok(names.map(str::to_owned).collect())
        })
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.run(Operation::CreateDir, dir, Detail::None, |disk, course| {
            unless_failing(course, || disk.names.create_dir(dir))
        })
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.run(Operation::SyncDir, dir, Detail::None, |disk, course| {
            disk.names.expect_dir(dir)?;
            match course {
                Course::Well => disk.names.sync(dir),
                Course::Cut => {}
                Course::Fails(_) => disk.names.drop_unsynced(dir),
            }
            disk.sweep();
            Ok(())
        })
    }

    fn lock(&self, path: &Path) -> Result<Lock> {
        let mut disk = self.shared.disk.lock();
        let process = self.process();
        let act = |disk: &mut Disk, course| {
            if let Course::Fails(fault) = course {
                return Err(fault.error());
            }
            disk.touch(path)
        };
        let id = run(&mut disk, process, Operation::Lock, path, Detail::None, act)?;
        if disk.locked.contains(&id) {
            return Err(Error::Locked { path: path.to_path_buf() });
        }
        disk.locked.push(id);
        Ok(Lock::new(HeldLock { shared: Arc::clone(&self.shared), process, id }))
    }
}

struct HeldLock {
    shared: Arc<Shared>,
    process: u64,
    id: InodeId,
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

struct SimFile {
    shared: Arc<Shared>,
    process: u64,
    id: InodeId,
    path: PathBuf,
    _handle: Arc<()>,
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
        self.run(Operation::Read, Detail::None, |disk, _| Ok(disk.inode(self.id).read(offset, buf)))
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
        let begun = disk.begin(self.process, Operation::Sync, &self.path, Detail::None);
        // A sync is for the writes made before it began, however long it takes.
        let number = disk.number();
        let result = begun.and_then(|course| {
            if course != Course::Cut {
                self.shared.wait_at_gate(&mut disk, self.process)?;
            }
            match course {
                Course::Well => {
                    disk.inode(self.id).sync(number);
                    Ok(())
                }
                Course::Cut => Err(io::Error::other("the power is off")),
                Course::Fails(fault) => {
                    disk.inode(self.id).drop_unsynced(number);
                    Err(fault.error())
                }
            }
        });
        result.map_err(|error| Error::io("sync", &self.path, error))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.run(Operation::SetLen, Detail::Len(len), |disk, course| {
            unless_failing(course, || disk.set_len(self.id, len))
        })
    }

    fn len(&self) -> Result<u64> {
        self.run(Operation::Len, Detail::None, |disk, _| Ok(disk.inode(self.id).live.len() as u64))
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

impl Shared {
    /// Waits until the gate is open, or says that the wait ended with the process.
    fn wait_at_gate(
        &self,
        disk: &mut parking_lot::MutexGuard<'_, Disk>,
        process: u64,
    ) -> io::Result<()> {
        if !disk.gate.closed {
            return Ok(());
        }
        disk.gate.waiting += 1;
        self.changed.notify_all();
        while disk.gate.closed && disk.gate.passes == 0 && disk.check_alive(process).is_ok() {
            self.changed.wait(disk);
        }
        disk.gate.waiting -= 1;
        disk.gate.passes = disk.gate.passes.saturating_sub(1);
        self.changed.notify_all();
        disk.check_alive(process)
    }
}
