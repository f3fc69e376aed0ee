//! Runs a week's tests so that whatever a test does costs that one test, and says so.
//!
//! ```text
//!  build ──► list ──► run ──┬─► process: day1::a ──► verdict
//!  (cargo)  (--list)        ├─► process: day1::b ──► verdict
//!                           └─► … as many at a time as there are cores
//! ```
//!
//! An endless loop, a deadlock, a stack overflow, an abort, an exit, a flood of output or of
//! allocations ends one process. [`process`] bounds it, [`verdict`] names what happened, [`groups`]
//! sees to it that no process outlives its test or the tool.

mod build;
mod groups;
mod json;
mod pool;
mod process;
mod stderr;
mod verdict;

pub(crate) use build::{Build, BuildJob, Built, build, cargo};
pub(crate) use pool::{Event, Planned, list, run};
pub(crate) use process::Limits;
pub(crate) use verdict::{Outcome, Report, bytes};

#[cfg(test)]
mod tests;
