//! The test's side of the disk: power, faults, damage, and a look at what happened.
//!
//! These work from any handle, in whatever process.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use super::disk::Disk;
use super::fault::{Fault, Operation};
use super::gate::SyncGate;
use super::trace::Counts;
use super::{Shared, SimFs};

/// Power.
impl SimFs {
    /// An empty disk whose dice are a function of `seed`.
    pub fn new(seed: u64) -> SimFs {
        let disk = Disk::new(seed);
        let process = AtomicU64::new(disk.process);
        let shared = Shared { disk: Mutex::new(disk), changed: Condvar::new() };
        SimFs { shared: Arc::new(shared), process }
    }

    /// The seed the disk was made with.
    pub fn seed(&self) -> u64 {
        self.shared.disk.lock().seed()
    }

    /// Cuts the power in the middle of the `nth` operation from now; 1 is the next.
    ///
    /// That operation may or may not have had its effect. It and everything after it fails, until
    /// [`power_cycle`](SimFs::power_cycle).
    #[track_caller]
    pub fn crash_at(&self, nth: u64) {
        self.shared.disk.lock().cut_power_in(nth);
    }

    /// Whether the power is on: `false` once [`crash_at`](SimFs::crash_at) has struck.
    pub fn is_powered(&self) -> bool {
        self.shared.disk.lock().powered()
    }

    /// Cuts the power, if it is still on, and turns it on again: the disk is what it is after the
    /// reboot. Planned faults stay planned.
    pub fn power_cycle(&self) {
        self.next_process(Disk::power_cycle);
    }

    /// Ends the process, as `kill -9` does: handles and locks are gone, but what was written stays
    /// with the operating system, synced or not.
    ///
    /// After [`crash_at`](SimFs::crash_at) has struck, this says that it was the process that ended
    /// there, and not the power.
    pub fn kill(&self) {
        self.next_process(Disk::kill);
    }

    fn next_process(&self, end: fn(&mut Disk)) {
        let mut disk = self.shared.disk.lock();
        end(&mut disk);
        self.process.store(disk.process, Ordering::Relaxed);
        self.shared.changed.notify_all();
    }
}

/// Faults.
impl SimFs {
    /// Lets the `nth` call of that kind from now fail, once; 1 is the next.
    ///
    /// A write that fails has written its first half. A sync that fails drops what it should have
    /// made durable: reads still see it, the next sync says that all is well, a power cut loses it.
    #[track_caller]
    pub fn fail(&self, operation: Operation, nth: u64, fault: Fault) {
        self.shared.disk.lock().faults.plan(operation, nth, fault, true);
    }

    /// Lets the `nth` call of that kind from now fail, and all after it.
    #[track_caller]
    pub fn fail_from(&self, operation: Operation, nth: u64, fault: Fault) {
        self.shared.disk.lock().faults.plan(operation, nth, fault, false);
    }

    /// Forgets every planned fault.
    pub fn clear_faults(&self) {
        self.shared.disk.lock().faults.clear();
    }

    /// Leaves room for this many bytes more, of all files together. A write that does not fit
    /// writes what does and fails with `ENOSPC`. `None` is a disk without end.
    pub fn set_free_space(&self, bytes: Option<u64>) {
        self.shared.disk.lock().set_free_space(bytes);
    }

    /// Makes every `sync_data` wait, from now until the gate is dropped.
    #[track_caller]
    pub fn hold_syncs(&self) -> SyncGate {
        SyncGate::close(&self.shared)
    }
}

/// Bytes, past all handles.
impl SimFs {
    /// What reads of the file at `path` see.
    ///
    /// # Panics
    ///
    /// If there is no such file.
    #[track_caller]
    pub fn contents(&self, path: impl AsRef<Path>) -> Vec<u8> {
        self.with_file(path.as_ref(), |inode| inode.live.clone())
    }

    /// Replaces the bytes of the file at `path`, durably; makes it, and its directory, if need be.
    #[track_caller]
    pub fn overwrite(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        let path = path.as_ref();
        let placed = self.shared.disk.lock().place(path, bytes);
        placed.unwrap_or_else(|error| panic!("no file can be at {}: {error}", path.display()));
    }

    /// Flips one bit of the file at `path`, 0 being the lowest of the byte at `offset`.
    ///
    /// # Panics
    ///
    /// If there is no such file, or no such byte in it.
    #[track_caller]
    pub fn flip_bit(&self, path: impl AsRef<Path>, offset: u64, bit: u32) {
        self.with_file(path.as_ref(), |inode| {
            assert!(offset < inode.live.len() as u64, "no byte {offset} to flip");
            inode.flip(offset as usize, 1 << bit);
        });
    }

    #[track_caller]
    fn with_file<T>(&self, path: &Path, look: impl FnOnce(&mut super::inode::Inode) -> T) -> T {
        let mut disk = self.shared.disk.lock();
        if disk.at(path).is_none() {
            let paths = disk.paths();
            drop(disk);
            panic!("there is no file {} on the disk, only {paths:?}", path.display());
        }
        look(disk.at(path).expect("it was there a line ago"))
    }
}

/// What happened.
impl SimFs {
    /// Counters of all calls since the disk was made.
    pub fn counts(&self) -> Counts {
        self.shared.disk.lock().trace.counts
    }

    /// One line for each operation since the disk was made: `"sync 00000000000000000000.wal"`.
    pub fn trace(&self) -> Vec<String> {
        self.shared.disk.lock().trace.lines()
    }
}
