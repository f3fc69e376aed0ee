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

use std::sync::atomic::Ordering;

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
