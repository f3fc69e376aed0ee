//! The disk as a compaction sees it: whoever writes a block to a new file waits for its turn.
//!
//! A table's builder knows nothing of it, and what it counts is what the disk gets: blocks as they are
//! compressed, filters and indexes, one write each.

use std::path::Path;
use std::sync::Arc;

use wal::Result;
use wal::fs::{File, Fs, Lock};

use super::Pace;

/// A disk whose new files are written at a pace. All else goes straight to the disk behind it.
#[derive(Debug)]
pub struct PacedFs {
    fs: Arc<dyn Fs>,
    pace: Arc<Pace>,
}

impl PacedFs {
    /// `fs`, at this pace.
    pub fn new(fs: Arc<dyn Fs>, pace: Arc<Pace>) -> PacedFs {
        PacedFs { fs, pace }
    }
}

impl Fs for PacedFs {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        let file = self.fs.create(path)?;
        Ok(Arc::new(PacedFile { file, pace: Arc::clone(&self.pace) }))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.fs.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.fs.rename(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.fs.remove(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        self.fs.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.fs.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.fs.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> Result<Lock> {
        self.fs.lock(path)
    }
}

#[derive(Debug)]
struct PacedFile {
    file: Arc<dyn File>,
    pace: Arc<Pace>,
}

impl File for PacedFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        self.file.read_at(offset, buf)
    }

    /// [`Error::Closed`](wal::Error::Closed) if it is over; then nothing was written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.pace.wait_for(bytes.len() as u64)?;
        self.file.write_at(offset, bytes)
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data()
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file.set_len(len)
    }

    fn len(&self) -> Result<u64> {
        self.file.len()
    }

    fn path(&self) -> &Path {
        self.file.path()
    }
}
