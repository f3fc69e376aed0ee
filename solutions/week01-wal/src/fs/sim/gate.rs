//! A gate in front of `sync_data`: a test closes it, sees who waits, and opens it again. Order
//! without sleeping.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::MutexGuard;

use super::Shared;
use super::disk::Disk;

#[derive(Default)]
pub(super) struct Gate {
    closed: bool,
    /// Times that it was opened: who waited then is free to go, even if it is closed again.
    openings: u64,
    /// Syncs that may pass although the gate is closed.
    passes: usize,
    /// Syncs that wait.
    waiting: usize,
}

/// Holds every `sync_data` until dropped; see [`SimFs::hold_syncs`](super::SimFs::hold_syncs).
#[must_use = "the gate opens when this is dropped"]
pub struct SyncGate {
    shared: Arc<Shared>,
}

impl SyncGate {
    #[track_caller]
    pub(super) fn close(shared: &Arc<Shared>) -> SyncGate {
        let gate = &mut shared.disk.lock().gate;
        assert!(!gate.closed, "syncs are held already: drop the other gate first");
        gate.closed = true;
        SyncGate { shared: Arc::clone(shared) }
    }

    /// Returns when `count` syncs wait at the gate.
    pub fn wait_for(&self, count: usize) {
        let mut disk = self.shared.disk.lock();
        while disk.gate.waiting < count {
            self.shared.changed.wait(&mut disk);
        }
    }

    /// Waits until `count` syncs wait at the gate, for so long at most; whether they do. For what
    /// must not happen: who waits for that has to end.
    pub fn comes_to(&self, count: usize, within: Duration) -> bool {
        let mut disk = self.shared.disk.lock();
        let is_less = |disk: &mut Disk| disk.gate.waiting < count;
        !self.shared.changed.wait_while_for(&mut disk, is_less, within).timed_out()
    }

    /// How many syncs wait at the gate now.
    pub fn waiting(&self) -> usize {
        self.shared.disk.lock().gate.waiting
    }

    /// Lets `count` syncs through, those that wait or the next to come, and stays closed.
    pub fn pass(&self, count: usize) {
        self.shared.disk.lock().gate.passes += count;
        self.shared.changed.notify_all();
    }
}

impl Drop for SyncGate {
    fn drop(&mut self) {
        let gate = &mut self.shared.disk.lock().gate;
        *gate = Gate { openings: gate.openings + 1, ..Gate::default() };
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// Waits for the gate to open, or for a pass; an error if the process ends before that.
    pub(super) fn wait_at_gate(
        &self,
        disk: &mut MutexGuard<'_, Disk>,
        process: u64,
    ) -> io::Result<()> {
        let openings = disk.gate.openings;
        let closed = |disk: &Disk| disk.gate.closed && disk.gate.openings == openings;
        if !closed(disk) {
            return Ok(());
        }
        disk.gate.waiting += 1;
        self.changed.notify_all();
        while closed(disk) && disk.gate.passes == 0 && disk.check_alive(process).is_ok() {
            self.changed.wait(disk);
        }
        let alive = disk.check_alive(process);
        if closed(disk) {
            disk.gate.waiting -= 1;
            disk.gate.passes -= usize::from(alive.is_ok());
        }
        alive
    }
}
