//! What threads meet at: a lock, a signal and a number.
//!
//! As in week 2, the crate is compiled a second time, as `scheduled`, with locks and numbers in which
//! a scheduler decides at each step who goes on: the tests go through the orders in which threads
//! may run, and do not wait for a bad one to come by itself.

#[cfg(scheduled)]
mod scheduled;

#[cfg(not(scheduled))]
pub(crate) use std::sync::atomic::AtomicU64;

#[cfg(not(scheduled))]
pub(crate) use parking_lot::{Condvar, Mutex};
#[cfg(scheduled)]
pub(crate) use scheduled::{AtomicU64, Condvar, Mutex};
