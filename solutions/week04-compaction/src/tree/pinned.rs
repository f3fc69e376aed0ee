//! A way in for tests of lab `backup`: the moment at which state and version have been taken.
//!
//! A checkpoint looks at memory just before that, or just after it if it is wrong, and calls nobody in
//! between, not even the disk: so nothing else can show which of the two it does.

use std::cell::Cell;

type Work = Box<dyn FnOnce()>;

thread_local! {
    static WORK: Cell<Option<Work>> = const { Cell::new(None) };
}

/// Does `work`, once, when this thread has taken state and version of a store the next time, and has not
/// gone on yet.
pub fn at_pinned(work: impl FnOnce() + 'static) {
    WORK.set(Some(Box::new(work)));
}

/// That moment.
pub(super) fn reach() {
    if let Some(work) = WORK.take() {
        work();
    }
}
