//! The gate of week 3: one module for each day and lab. `cargo x test week03` runs it.
//!
//! Every test runs in a process of its own, with a time limit and this much memory.

use std::alloc::System;

use cap::Cap;

/// Counts what is allocated, and refuses more than 1 GiB.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, 1 << 30);

mod day1;
mod day2;
