//! The gate of week 2: one module for each day and lab. `cargo x test week02` runs it.
//!
//! Every test runs in a process of its own, with a time limit and this much memory.

use std::alloc::System;
use std::hint::black_box;
use std::ops::RangeInclusive;

use cap::Cap;
// The table of days 2 and 3, and the same for threads in many orders. A lab runs these days' tests
// over another.
use memtable::MemTable;
use scheduled::MemTable as ScheduledTable;

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

/// How often two `get`s of the table of day 2 meet other threads.
const STEPS_OF_TWO_GETS: RangeInclusive<usize> = 0..=0;

/// What day 2's table allocates for an entry besides its bytes, at most.
const NODE_SIZE_MAX: usize = 84;

mod day1;
mod day2;
mod day3;
mod day4;
mod day5;
mod day6;
mod orders;
mod ranges;
mod skiplist;
