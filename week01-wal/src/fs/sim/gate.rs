//! A gate in front of `sync_data`: a test closes it, sees who waits, and opens it again. Order
//! without sleeping.

use std::sync::Arc;

use super::Shared;

#[derive(Default)]
pub(super) struct Gate {
    pub(super) closed: bool,
    /// Syncs that may pass although the gate is closed.
    pub(super) passes: usize,
    /// Syncs that wait.
    pub(super) waiting: usize,
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
        gate.closed = false;
        gate.passes = 0;
        self.shared.changed.notify_all();
    }
}
