//! The gate of week 4: one module for each day and lab. `cargo x test week04` runs it.
//!
//! Every test runs in a process of its own, with a time limit and this much memory.

use std::alloc::System;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Whether lab `valuelog` is begun: a lab that takes its value files along is tried without them when
/// they are not there.
fn has_value_log() -> bool {
    std::panic::catch_unwind(|| lsm::values::tag_all(&wal::WriteBatch::new())).is_ok()
}

/// Raises its flag when it goes, also by a panic: threads that look at the flag end then, and the test
/// fails with its cause and not by its time limit.
struct RaiseAtEnd<'a>(&'a AtomicBool);

impl Drop for RaiseAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

mod backup;
mod day1;
mod day2;
mod day3;
mod day4;
mod day5;
mod day6;
// As week 3's tests have them.
#[path = "../../../week03-sstable/tests/days/entries.rs"]
mod entries;
mod script;
mod subcompactions;
mod valuelog;
#[path = "../../../week03-sstable/tests/days/walk.rs"]
mod walk;
