//! The parts as a store uses them.

use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize};
pub(crate) use std::thread;

pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};

/// A place that holds one shared thing, and another one later.
#[derive(Debug)]
pub(crate) struct Place<T>(ArcSwap<T>);

impl<T> Place<T> {
    pub(crate) fn new(content: T) -> Place<T> {
        Place(ArcSwap::from_pointee(content))
    }

    /// What is there now, for a moment: no reference is counted, no lock taken.
    pub(crate) fn peek(&self) -> impl Deref<Target = Arc<T>> + use<T> {
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
