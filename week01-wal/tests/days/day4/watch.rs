//! How much is read at once, and how much memory is in use.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use wal::fs::File;
use wal::{Record, Result};

use crate::MEMORY;

/// A file that notes what is read from it.
#[derive(Debug, Clone)]
pub(super) struct Watched(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Arc<dyn File>,
    bytes_read: AtomicUsize,
    largest_read: AtomicUsize,
}

impl Watched {
    pub(super) fn new(file: Arc<dyn File>) -> Watched {
        let [bytes_read, largest_read] = [const { AtomicUsize::new(0) }; 2];
        Watched(Arc::new(Inner { file, bytes_read, largest_read }))
    }

    /// The same file, as the log wants it.
    pub(super) fn shared(&self) -> Arc<dyn File> {
        Arc::new(self.clone())
    }

    /// Bytes read so far, all reads together.
    pub(super) fn bytes_read(&self) -> usize {
        self.0.bytes_read.load(Relaxed)
    }

    /// The most bytes that one read asked for.
    pub(super) fn largest_read(&self) -> usize {
        self.0.largest_read.load(Relaxed)
    }
}

impl File for Watched {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let read = self.0.file.read_at(offset, buf)?;
        self.0.bytes_read.fetch_add(read, Relaxed);
        self.0.largest_read.fetch_max(buf.len(), Relaxed);
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.0.file.write_at(offset, bytes)
    }

    fn sync_data(&self) -> Result<()> {
        self.0.file.sync_data()
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.0.file.set_len(len)
    }

    fn len(&self) -> Result<u64> {
        self.0.file.len()
    }

    fn path(&self) -> &Path {
        self.0.file.path()
    }
}

/// The most memory in use when `recover` shows a record, in bytes, beyond what was in use before.
///
/// The least of five runs: under plain `cargo test` others allocate at the same time.
pub(super) fn peak_of(recover: impl Fn(&mut dyn FnMut(Record<'_>) -> Result<()>)) -> usize {
    let measure = |_| {
        let before = MEMORY.allocated();
        let mut peak = before;
        recover(&mut |_| {
            peak = peak.max(MEMORY.allocated());
            Ok(())
        });
        peak - before
    };
    (0..5).map(measure).min().expect("five is more than none")
}
