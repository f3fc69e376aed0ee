//! The gate of week 4: one module for each day and lab. `cargo x test week04` runs it.
//!
//! Every test runs in a process of its own, with a time limit and this much memory.

use std::alloc::System;

use cap::Cap;

/// Refuses more than 1 GiB.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, 1 << 30);

mod day6;
