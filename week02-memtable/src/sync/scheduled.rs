//! The same parts, made of shuttle's: before each step of one, a scheduler decides which thread
//! goes on.
//!
//! shuttle's locks look like the standard library's, and are dressed here as `parking_lot`'s.

use std::fmt::{self, Display, Formatter};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, PoisonError};

use shuttle::sync;

pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize};
pub(crate) use shuttle::thread;

#[derive(Debug)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    /// `None` only while [`unlocked`](MutexGuard::unlocked) or a wait has let go.
    held: Option<sync::MutexGuard<'a, T>>,
}

#[derive(Debug)]
pub(crate) struct Condvar(sync::Condvar);

/// Takes the lock again, also when what was done without it panicked.
struct Relock<'a, 'b, T>(&'b mut MutexGuard<'a, T>);

impl<T> Mutex<T> {
    pub(crate) fn new(content: T) -> Mutex<T> {
        Mutex(sync::Mutex::new(content))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard { mutex: self, held: Some(self.hold()) }
    }

    fn hold(&self) -> sync::MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a, T> MutexGuard<'a, T> {
    pub(crate) fn unlocked<R>(guard: &mut MutexGuard<'a, T>, work: impl FnOnce() -> R) -> R {
        guard.held = None;
        let _relock = Relock(guard);
        work()
    }
}

impl<T> Drop for Relock<'_, '_, T> {
    fn drop(&mut self) {
        self.0.held = Some(self.0.mutex.hold());
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("the lock is held")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("the lock is held")
    }
}

impl<T: Display> Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Condvar {
    pub(crate) fn new() -> Condvar {
        Condvar(sync::Condvar::new())
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.held.take().expect("the lock is held");
        guard.held = Some(self.0.wait(held).unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A place that holds one shared thing, and another one later.
#[derive(Debug)]
pub(crate) struct Place<T>(Mutex<Arc<T>>);

impl<T> Place<T> {
    pub(crate) fn new(content: T) -> Place<T> {
        Place(Mutex::new(Arc::new(content)))
    }

    pub(crate) fn peek(&self) -> impl Deref<Target = Arc<T>> + use<T> {
        Box::new(self.get())
    }

    pub(crate) fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.lock())
    }

    pub(crate) fn set(&self, content: T) {
        *self.0.lock() = Arc::new(content);
    }
}
