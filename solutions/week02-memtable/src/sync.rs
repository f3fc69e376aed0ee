//! What threads meet at: a lock, a signal, a number, and a place whose content is exchanged.
//!
//! All that threads of this crate do to each other goes through here, for a reason: the crate is
//! compiled a second time, as `scheduled`, with locks and numbers in which a scheduler decides at
//! each step who goes on. So the tests can go through the orders in which threads may run, one by
//! one, and do not wait for a bad one to come by itself.

#[cfg(not(scheduled))]
mod real;
#[cfg(scheduled)]
mod scheduled;

#[cfg(not(scheduled))]
pub(crate) use real::*;
#[cfg(scheduled)]
pub(crate) use scheduled::*;

use std::hint::spin_loop;
use std::sync::atomic::Ordering;

/// A condition variable at which one thread waits, and looks about for some microseconds before it
/// sleeps: to be woken takes longer than what it waits for, most of the time.
#[derive(Debug)]
pub(crate) struct Turn {
    is_called: AtomicBool,
    called: Condvar,
}

impl Turn {
    pub(crate) fn new() -> Turn {
        Turn { is_called: AtomicBool::new(false), called: Condvar::new() }
    }

    /// Lets go of the lock until it is [`notified`](Turn::notify_one), or for no reason.
    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        MutexGuard::unlocked(guard, || {
            let looks = (0..LOOKS).take_while(|_| !self.is_called.load(Ordering::Acquire));
            looks.for_each(|_| spin_loop());
        });
        // Nobody calls without the lock: between this look and the wait nothing is missed.
        if !self.is_called.swap(false, Ordering::AcqRel) {
            self.called.wait(guard);
            self.is_called.store(false, Ordering::Relaxed);
        }
    }

    /// Wakes the thread that waits, or will wait next. Hold the lock that it lets go of.
    pub(crate) fn notify_one(&self) {
        self.is_called.store(true, Ordering::Release);
        self.called.notify_one();
    }
}

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
