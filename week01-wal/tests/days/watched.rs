//! A disk that is watched: it notes what is opened, and lets something happen between two calls of
//! the code under test.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use wal::Result;
use wal::fs::{File, Fs, Lock};

type Event = Box<dyn FnOnce() + Send>;

/// Passes every call on to another disk.
pub(crate) struct Watched {
    disk: Arc<dyn Fs>,
    opened: Mutex<Vec<String>>,
    event: Mutex<Option<Event>>,
}

impl Watched {
    pub(crate) fn new(disk: Arc<dyn Fs>) -> Arc<Watched> {
        Arc::new(Watched { disk, opened: Mutex::default(), event: Mutex::default() })
    }

    /// The names of the files that were opened, in order.
    pub(crate) fn opened(&self) -> Vec<String> {
        self.opened.lock().expect("no panic while it is held").clone()
    }

    /// Does `event` once, right before the directory is listed next.
    pub(crate) fn before_next_list(&self, event: impl FnOnce() + Send + 'static) {
        *self.event.lock().expect("no panic while it is held") = Some(Box::new(event));
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl Fs for Watched {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.disk.create(path)
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.opened.lock().expect("no panic while it is held").push(name);
        self.disk.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.disk.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        self.disk.hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.disk.remove(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        let event = self.event.lock().expect("no panic while it is held").take();
        if let Some(event) = event {
            event();
        }
        self.disk.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.disk.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.disk.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> Result<Lock> {
        self.disk.lock(path)
    }
}
