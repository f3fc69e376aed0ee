//! The gate of week 3: one module for each day and lab. `cargo x test week03` runs it.
//!
//! Every test runs in a process of its own, with a time limit and this much memory.

use std::alloc::System;
use std::hint::black_box;

use cap::Cap;

/// Counts what is allocated, and refuses more than 1 GiB.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, 1 << 30);

/// The bytes that `work` allocates: the least of so many runs, as under plain `cargo test` others
/// allocate at the same time.
fn allocated_by<T>(runs: usize, mut work: impl FnMut() -> T) -> usize {
    let measure = |_| {
        let before = MEMORY.total_allocated();
        black_box(work());
        MEMORY.total_allocated() - before
    };
    (0..runs).map(measure).min().expect("at least one run")
}

mod codecs;
mod day1;
mod day2;
mod day3;
mod day4;
mod day5;
mod day6;
mod entries;
mod lz4;
mod partitions;
