//! The memtables of an open store, as one view after the other: frozen when they are full, flushed
//! by a thread of their own, oldest first, and waited for when too many stand in line.
//!
//! ```text
//!                    memtable_size                  frozen_max
//!                         │                             │
//!   writers ──► active ▒▒▒▒   ──► frozen ████ ████ ████ │ ──► flusher ──► elsewhere
//!                                        newest  oldest │
//!                                                       └ here writers wait
//! ```
//!
//! A writer that waits costs milliseconds; a memtable that nobody waits for costs memory without
//! end. Readers wait for nothing: they have a view.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use wal::{Error, Result, Wal};

use crate::sync::{Condvar, Mutex, Place};
use crate::view::{Frozen, LogMark, View};

/// Where full memtables go: in week 4, into sorted files.
pub trait Flush: Send + Sync + Debug {
    /// Puts every entry of a table where it survives a power cut, and where reads find it, together
    /// with the mark at which the log goes on: the next opener gives that as
    /// [`MemOptions::begin`](crate::MemOptions::begin).
    ///
    /// When this has returned, the store forgets the table, and the part of the log that made it.
    /// Called by one thread, for the oldest table first.
    ///
    /// # Errors
    ///
    /// The table stays, readable, and the store accepts no more than it has room for.
    fn flush(&self, frozen: &Frozen) -> Result<()>;
}

/// The memtables of an open store.
#[derive(Debug)]
pub(crate) struct Tables {
    view: Place<View>,
    /// Held while one view takes the place of another: writers freeze, and the flusher lets go.
    state: Mutex<State>,
    /// Signalled when the view or the state has changed.
    changed: Condvar,
    memtable_size: usize,
    /// So many frozen tables may wait to be flushed; `None` if nobody flushes them.
    frozen_max: Option<usize>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the flusher is to end.
    stopping: bool,
    /// Why it has ended, if it was not told to.
    failed: Option<Arc<str>>,
}

impl Tables {
    /// Begins with `view`.
    pub(crate) fn new(view: View, memtable_size: usize, frozen_max: Option<usize>) -> Tables {
        let (state, changed) = (Mutex::new(State::default()), Condvar::new());
        // With room for none, a full table could not even be handed to the flusher.
        let frozen_max = frozen_max.map(|most| most.max(1));
        Tables { view: Place::new(view), state, changed, memtable_size, frozen_max }
    }

    /// Where the entries are now.
    pub(crate) fn view(&self) -> &Place<View> {
        &self.view
    }

    /// Freezes the active memtable if it is full; the log ends at `end`.
    ///
    /// **Day 5**, chapter `week02/day5-freeze.md`. Called by whoever writes, before it writes, so
    /// nobody adds to the table meanwhile. First [waits for room](Tables::wait_for_room).
    ///
    /// # Errors
    ///
    /// Those of the wait; nothing has changed then.
    pub(crate) fn freeze_if_full(&self, end: LogMark) -> Result<()> {
        // ANCHOR: day5_freeze_if_full
        // Others may exchange the view, too: what you freeze is the view that is there when you
        // have the lock. `Place::get` gives it, `Place::set` puts the next one in its place.
        if self.view.peek().active.size() < self.memtable_size {
            return Ok(());
        }
        self.wait_for_room()?;
        let _exchanging = self.state.lock();
        self.view.set(self.view.get().freeze(end));
        self.changed.notify_all();
        Ok(())
        // ANCHOR_END: day5_freeze_if_full
    }

    /// Returns when fewer than `frozen_max` tables wait to be flushed.
    ///
    /// **Day 6**, chapter `week02/day6-queue.md`.
    ///
    /// # Errors
    ///
    /// [`Error::Poisoned`] with the flusher's failure: there will be no room.
    fn wait_for_room(&self) -> Result<()> {
        // ANCHOR: day6_wait_for_room
        // Nobody flushes? Then there is no limit. Look again after every wait.
        // STUB: Ok(())
        let Some(frozen_max) = self.frozen_max else { return Ok(()) };
        let mut state = self.state.lock();
        while self.view.peek().frozen.len() >= frozen_max {
            if let Some(cause) = &state.failed {
                return Err(Error::Poisoned { cause: Arc::clone(cause) });
            }
            self.changed.wait(&mut state);
        }
        Ok(())
        // ANCHOR_END: day6_wait_for_room
    }

    /// Flushes frozen tables, the oldest first, until [`stop`](Tables::stop) or the first failure.
    ///
    /// **Day 6**. A table leaves the view when it is flushed, not sooner, and only then its part of
    /// the log goes. What is still frozen when it stops is in the log, and is replayed. After a
    /// failure nothing is flushed any more, and writers who wait for room hear why.
    pub(crate) fn run_flusher(&self, flush: &dyn Flush, wal: &Wal) {
        // ANCHOR: day6_run_flusher
        // `oldest` waits for a table, and `attempt` flushes it. Without the lock: the flush, and the
        // purge. With it: the exchange of the view, which may have a newer frozen table by then.
        while let Some(oldest) = self.oldest() {
            if let Err(cause) = attempt(flush, wal, &oldest) {
                self.state.lock().failed = Some(cause);
                self.changed.notify_all();
                return;
            }
            let exchanging = self.state.lock();
            self.view.set(self.view.get().without_oldest());
            drop(exchanging);
            self.changed.notify_all();
            // A log that is longer than it has to be costs time at the next opening, no more.
            let _ = wal.purge(oldest.end.lsn);
        }
        // ANCHOR_END: day6_run_flusher
    }

    /// Waits for a frozen table, and returns the oldest; `None` when it is time to stop.
    fn oldest(&self) -> Option<Frozen> {
        let mut state = self.state.lock();
        loop {
            if state.stopping {
                return None;
            }
            if let Some(oldest) = self.view.peek().frozen.last() {
                return Some(oldest.clone());
            }
            self.changed.wait(&mut state);
        }
    }

    /// Lets the flusher end when it has done what it is at.
    pub(crate) fn stop(&self) {
        self.state.lock().stopping = true;
        self.changed.notify_all();
    }
}

/// Flushes `table`, and says why if that fails. A panic is a failure like any other: somebody may be
/// waiting for room.
///
/// The log is on disk up to the table's mark before anybody can write that mark down: opening from
/// a mark behind the end of the log would find a log that is torn off.
fn attempt(flush: &dyn Flush, wal: &Wal, table: &Frozen) -> Result<(), Arc<str>> {
    let flush = || {
        if wal.synced() < table.end.lsn {
            wal.sync()?;
        }
        flush.flush(table)
    };
    match catch_unwind(AssertUnwindSafe(flush)) {
        Ok(flushed) => flushed.map_err(|error| error.to_string().into()),
        Err(_) => Err("the flush panicked".into()),
    }
}
