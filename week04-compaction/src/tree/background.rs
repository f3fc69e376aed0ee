//! What goes on behind a write: the thread that compacts, the wait of writers, and the failure that
//! ends both.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use wal::{Error, Result};

use super::{Counters, Tree};
use crate::compaction::Compaction;
use crate::control::Pressure;

impl Tree {
    /// Compacts whenever that is due, until [`stop`](Tree::stop) or the first failure.
    ///
    /// **Day 6**. A failure is told to `fail`: `a compaction failed: …` with the error's own text, or
    /// `a compaction panicked`. To be stopped is none.
    pub(crate) fn run_compactor(&self) {
        // `next_compaction` waits for one, and may panic as well: it calls the picker.
        todo!("day 6: run compactor")
    }

    /// Waits until a compaction is due; `None` when it is time to stop.
    fn next_compaction(&self) -> Option<Compaction> {
        let mut failure = self.failure.lock();
        loop {
            if self.stopping.load(Ordering::Acquire) || failure.is_some() {
                return None;
            }
            if let Some(compaction) = self.pick() {
                return Some(compaction);
            }
            self.changed.wait(&mut failure);
        }
    }

    /// Waits until nothing is to be compacted.
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`] if a flush or a compaction has failed, [`Error::Closed`] if the store stops.
    pub fn settle(&self) -> Result<()> {
        let mut failure = self.failure.lock();
        loop {
            check(&failure)?;
            if self.stopping.load(Ordering::Acquire) {
                return Err(Error::Closed);
            }
            // What is being done is picked again until it is done.
            if self.pick().is_none() {
                return Ok(());
            }
            self.changed.wait(&mut failure);
        }
    }

    /// Holds a write back as long as it takes for compaction to keep up.
    ///
    /// **Day 5**, chapter `week04/day5-tiered.md`. Each write is counted once, as slowed or as
    /// stopped, by what its first look at the pressure says, before it locks or waits. A slowed one
    /// sleeps for the whole delay, without a lock, and is let in, whatever the pressure is then. A
    /// stopped one waits until it sees no stop any more, or the store [stops](Tree::stop), and is let
    /// in. Nobody else waits with it.
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`] with the first failure of a flush or a compaction, also while it is
    /// stopped: nothing is to be written any more. A write that is refused at once is not counted.
    ///
    /// # Cost
    ///
    /// Without pressure, a look at the version and no lock: the compactor picks with `failure` locked,
    /// and wants the manifest for it, which may be held as long as a disk syncs.
    pub fn admit(&self) -> Result<()> {
        // The failure first; its lock only if there is one, for it may be held as long as an edit is
        // synced. A write that has to stop looks again whenever something has changed. Who looks has
        // the lock, and so nothing changes unheard between its look and its wait.
        todo!("day 5: admit")
    }

    /// What a write has to do now.
    pub(super) fn pressure(&self) -> Pressure {
        Pressure::of(self.current().level(0).len(), &self.options)
    }

    /// Notes why nothing more can be done, and wakes all who wait. The first one counts.
    pub(super) fn fail(&self, cause: &str) {
        self.failure.lock().get_or_insert_with(|| cause.into());
        self.has_failed.store(true, Ordering::Release);
        self.changed.notify_all();
    }

    /// Lets the compactor end before its next table, and whoever waits go on. Flushes go on.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.pacer.stop();
        self.notify();
    }

    /// Wakes all who wait for a change. With the lock: else somebody could look before
    /// the change, and wait after it.
    pub(super) fn notify(&self) {
        let _looking = self.failure.lock();
        self.changed.notify_all();
    }

    /// [`Error::Closed`] when it is time to stop.
    pub(super) fn check_running(&self) -> Result<()> {
        if self.stopping.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }
}

/// That nothing has failed, else the error that says what.
fn check(failure: &Option<Arc<str>>) -> Result<()> {
    match failure {
        Some(cause) => Err(Error::Poisoned { cause: Arc::clone(cause) }),
        None => Ok(()),
    }
}
