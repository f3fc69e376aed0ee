//! A disk whose links are watched, or are not what they should be.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wal::fs::{File, Fs, Lock, SimFs};
use wal::{Error, Result};

use super::given::*;

/// What becomes of a link.
#[derive(Clone, Copy)]
pub(super) enum Links {
    Work,
    /// There are none.
    None,
    /// It is made, and the answer is that something went wrong: over a network, the answer is what gets
    /// lost.
    WorkAndFail,
}

/// A disk with such links, which calls a hook before the first one.
pub(super) struct Linking {
    sim: SimFs,
    links: Links,
    hook: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Linking {
    pub(super) fn new(sim: &SimFs, links: Links) -> Arc<Linking> {
        Arc::new(Linking { sim: sim.clone(), links, hook: Mutex::new(None) })
    }

    /// Does `work` before the next link, once.
    pub(super) fn at_link(&self, work: impl FnOnce() + Send + 'static) {
        *locked(&self.hook) = Some(Box::new(work));
    }

    /// That the hook was called.
    #[track_caller]
    pub(super) fn expect_linked(&self) {
        assert!(locked(&self.hook).is_none(), "no table was linked {LINKED}");
    }
}

impl fmt::Debug for Linking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Linking")
    }
}

impl Fs for Linking {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.sim.create(path)
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.sim.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.sim.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        let hook = locked(&self.hook).take();
        if let Some(hook) = hook {
            hook();
        }
        let failed = |kind: std::io::ErrorKind| Err(Error::io("link", from, kind.into()));
        match self.links {
            Links::Work => self.sim.hard_link(from, to),
            Links::None => failed(std::io::ErrorKind::CrossesDevices),
            Links::WorkAndFail => {
                self.sim.hard_link(from, to).and(failed(std::io::ErrorKind::TimedOut))
            }
        }
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.sim.remove(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        self.sim.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.sim.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.sim.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> Result<Lock> {
        self.sim.lock(path)
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
