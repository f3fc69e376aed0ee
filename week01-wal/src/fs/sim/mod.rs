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
mod handle;
mod inode;
mod names;
mod trace;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use super::{File, Fs, Lock};
use crate::{Error, Result};
use disk::{Course, Disk};
use handle::{HeldLock, SimFile};
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

    /// An operation that happens or fails, and nothing in between.
    fn run<T>(
        &self,
        operation: Operation,
        path: &Path,
        detail: Detail,
        act: impl FnOnce(&mut Disk) -> io::Result<T>,
    ) -> Result<T> {
        let mut disk = self.shared.disk.lock();
        run(&mut disk, self.process(), operation, path, detail, |disk, course| match course {
            Course::Fails(fault) => Err(fault.error()),
            Course::Well | Course::Cut => act(disk),
        })
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

impl Fs for SimFs {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.run(Operation::Create, path, Detail::None, |disk| {
            let id = disk.create(path)?;
            Ok(self.file(disk, path, id))
        })
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.run(Operation::Open, path, Detail::None, |disk| {
            let id = disk.names.file(path)?;
            Ok(self.file(disk, path, id))
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let detail = Detail::To(to.to_path_buf());
        self.run(Operation::Rename, from, detail, |disk| disk.rename(from, to))
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        let detail = Detail::To(to.to_path_buf());
        self.run(Operation::HardLink, from, detail, |disk| disk.hard_link(from, to))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.run(Operation::Remove, path, Detail::None, |disk| {
            disk.names.file(path)?;
            disk.names.unlink(path);
            Ok(())
        })
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        self.run(Operation::List, dir, Detail::None, |disk| {
            disk.names.expect_dir(dir)?;
            let names = disk.names.files_in(dir).filter_map(|path| path.file_name()?.to_str());
            Ok(names.map(str::to_owned).collect())
        })
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.run(Operation::CreateDir, dir, Detail::None, |disk| disk.names.create_dir(dir))
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        let mut disk = self.shared.disk.lock();
        let (process, detail) = (self.process(), Detail::None);
        run(&mut disk, process, Operation::SyncDir, dir, detail, |disk, course| {
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
        let lock = |disk: &mut Disk| {
            let id = disk.touch(path)?;
            let free = !disk.locked.contains(&id);
            if free {
                disk.locked.push(id);
            }
            Ok(free.then_some(id))
        };
        let process = self.process();
        match self.run(Operation::Lock, path, Detail::None, lock)? {
            Some(id) => Ok(Lock::new(HeldLock { shared: Arc::clone(&self.shared), process, id })),
            None => Err(Error::Locked { path: path.to_path_buf() }),
        }
    }
}
