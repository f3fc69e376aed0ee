//! Tests of what is given: the two disks, and the vocabulary that the days' tests are written in.
//!
//! A test that cannot fail is worse than none, so most of these show that a known mistake is found.

mod faults;
mod gate;
mod lock;
mod mistakes;
mod power;
mod same;
mod suite;
mod toy;

use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wal::fs::{File, Fs, SimFs, read_all};

/// Directory of every test on a simulated disk; it is there and durable.
const DIR: &str = "/db";

fn path(name: &str) -> PathBuf {
    Path::new(DIR).join(name)
}

/// A disk with an empty directory that survives everything.
fn disk(seed: u64) -> SimFs {
    let fs = SimFs::new(seed);
    fs.create_dir(Path::new(DIR)).expect("a directory can be made");
    fs.sync_dir(Path::new("/")).expect("the root can be synced");
    fs
}

/// A new file with these bytes, not synced.
fn write(fs: &dyn Fs, name: &str, bytes: &[u8]) -> Arc<dyn File> {
    let file = fs.create(&path(name)).expect("a file can be made");
    file.write_at(0, bytes).expect("a file can be written");
    file
}

fn sync_dir(fs: &dyn Fs) {
    fs.sync_dir(Path::new(DIR)).expect("a directory can be synced");
}

/// A file's bytes, or nothing if it is not there.
fn read(fs: &dyn Fs, name: &str) -> Option<Vec<u8>> {
    let file = fs.open(&path(name)).ok()?;
    Some(read_all(&*file).expect("an open file can be read"))
}

/// The message with which `test` panics, if it does.
fn panic_of(test: impl FnOnce()) -> Option<String> {
    let panic = panic::catch_unwind(AssertUnwindSafe(test)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or(panic.downcast_ref::<&str>().map(|text| text.to_string())).unwrap_or_default())
}
