//! Moments of a call at which a test gets a word in: between two looks, where nobody is asked, not even
//! the disk.
//!
//! A mistake between two lines of a reader shows only if another thread does just then all that it
//! takes, which may be a write, a flush and a compaction. A test does all that itself, in the reader's
//! own thread. Without debug assertions no call comes to any moment: readers pay nothing for it.

use std::cell::Cell;

/// Where a call may be interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It takes the current version next.
    BeforeVersion,
    /// It has taken the version, and has not looked into it.
    AfterVersion,
    /// It has taken state and version of one moment.
    Pinned,
    /// It locks the list of snapshots next, to add one.
    BeforeSnapshot,
}

type Work = Box<dyn FnOnce()>;

thread_local! {
    static WORK: Cell<Option<(Moment, Work)>> = const { Cell::new(None) };
}

/// Does `call`, and `work` in the midst of it, when this thread comes to `moment` for the first time.
/// If it never does, `work` is not done.
///
/// # Panics
///
/// Without debug assertions.
pub fn interrupt<T>(moment: Moment, work: impl FnOnce() + 'static, call: impl FnOnce() -> T) -> T {
    if !cfg!(debug_assertions) {
        panic!("without debug assertions no call comes to {moment:?}");
    }
    WORK.set(Some((moment, Box::new(work))));
    let given = call();
    WORK.set(None);
    given
}

/// A call has come to `moment`.
pub(crate) fn reach(moment: Moment) {
    if cfg!(debug_assertions) {
        match WORK.take() {
            // Not there while it runs: it may come to the same moment.
            Some((awaited, work)) if awaited == moment => work(),
            other => WORK.set(other),
        }
    }
}
