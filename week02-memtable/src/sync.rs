//! What threads meet at: a lock, a signal, a number, and a place whose content is exchanged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};

/// A number that one thread moves on and many read.
#[derive(Debug)]
pub(crate) struct Number(AtomicU64);

impl Number {
    pub(crate) fn new(number: u64) -> Number {
        Number(AtomicU64::new(number))
    }

    /// The number; all that was done before it was [`set`](Number::set) has been done.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, number: u64) {
        self.0.store(number, Ordering::Release);
    }
}

/// A place that holds one shared thing, and another one later.
#[derive(Debug)]
pub(crate) struct Place<T>(ArcSwap<T>);

impl<T> Place<T> {
    pub(crate) fn new(content: T) -> Place<T> {
        Place(ArcSwap::from_pointee(content))
    }

    /// What is there now, for a moment: no reference is counted, no lock taken.
    pub(crate) fn peek(&self) -> impl std::ops::Deref<Target = Arc<T>> + use<T> {
        self.0.load()
    }

    /// What is there now, to keep.
    pub(crate) fn get(&self) -> Arc<T> {
        self.0.load_full()
    }

    pub(crate) fn set(&self, content: T) {
        self.0.store(Arc::new(content));
    }
}
