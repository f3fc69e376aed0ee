//! What all benches need: a directory on the real disk, and room in it for each run.

// Each bench is a program of its own and uses a part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use wal::HEADER_SIZE;

/// Payloads that are measured, in bytes: a small put, and a page.
pub(crate) const PAYLOAD_SIZES: [usize; 2] = [100, 4096];

/// A directory that is removed when this is dropped.
pub(crate) struct Dir(PathBuf);

impl Dir {
    /// A directory beside this program, which lies on the disk with the sources: the system's
    /// directory for temporary files may be in memory, where a sync costs nothing.
    pub(crate) fn new(name: &str) -> Dir {
        let exe = env::current_exe().expect("a program knows where it is");
        let dir = Dir(exe.with_file_name(format!("bench-{name}-{}", process::id())));
        dir.clear();
        dir
    }

    /// Empties the directory.
    pub(crate) fn clear(&self) {
        let _ = fs::remove_dir_all(&self.0);
        fs::create_dir_all(&self.0).expect("the directory can be made");
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How many records with payloads of this size come to about `total` bytes, and to how many
/// exactly.
pub(crate) fn records(total: usize, payload_size: usize) -> (usize, u64) {
    let record_size = HEADER_SIZE + payload_size;
    let count = total / record_size;
    (count, (count * record_size) as u64)
}
