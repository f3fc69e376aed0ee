//! The gate of week 3: one module for each day and lab. `cargo x test week03` runs it.
//!
//! Every test runs in a process of its own, with a time limit and this much memory.

use std::alloc::System;
use std::hint::black_box;

use cap::Cap;

/// Counts what is allocated, and refuses more than 1 GiB.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, 1 << 30);

/// The bytes that `work` allocates. Under plain `cargo test` others allocate at the same time, and
/// all are counted together: so it is the least of up to so many runs, and of fewer if that is
/// nothing, or has come four times. What others allocate is hardly ever the same.
fn allocated_by<T>(runs_max: usize, mut work: impl FnMut() -> T) -> usize {
    let (mut least, mut times) = (usize::MAX, 0);
    for _ in 0..runs_max {
        let before = MEMORY.total_allocated();
        black_box(work());
        let allocated = MEMORY.total_allocated() - before;
        if allocated < least {
            (least, times) = (allocated, 0);
        }
        times += usize::from(allocated == least);
        if least == 0 || times == 4 {
            break;
        }
    }
    least
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
#[allow(dead_code, reason = "week 2 counts steps with it, too")]
#[path = "../../../week02-memtable/tests/days/orders.rs"]
mod orders;
mod partitions;
mod walk;
