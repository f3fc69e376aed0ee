//! Back-pressure: slow down before you stop.
//!
//! ```text
//!   tables in level 0     0 ─────── 4 ──────────── 20 ─────────── 36
//!                         │  as fast as you like   │  slower       │ stop
//!                                                  └ 1 2 4 8 ms ──┘
//! ```
//!
//! Writers are faster than compaction for as long as the disk has patience. Without a limit, level 0
//! grows and every read pays; with a hard one, writers race up to it and stand still for seconds.
//! Between the two, each write waits a little, and the more, the nearer the limit is.

use std::time::Duration;

use crate::options::LsmOptions;

/// What a write has to do before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// Nothing.
    None,
    /// Wait for so long.
    Slow(Duration),
    /// Wait until compaction has caught up.
    Stop,
}

/// The wait of a write in the first quarter of the way from slow to stop.
const DELAY: Duration = Duration::from_millis(1);

impl Pressure {
    /// That of a store with so many tables in level 0.
    ///
    /// **Day 5**, chapter `week04/day5-tiered.md`. From `level0_stop` tables on it is stop, but never
    /// with fewer than `level0_tables`, or than two: with so few nothing is compacted, and the write
    /// would wait for ever. Below this limit, raised or not, it is none with fewer than `level0_slow`,
    /// else slow: for `DELAY` in the first quarter of the way from slow to the limit, and in each that
    /// follows for twice as long. Where the limit is not above slow nothing is between none and stop.
    pub fn of(level0_count: usize, options: &LsmOptions) -> Pressure {
        // ANCHOR: day5_pressure
        // First of all, is it stop? Then none, and last, how many quarters of the way are done?
        let stop = options.level0_stop.max(options.level0_tables).max(2);
        let slow = options.level0_slow;
        if level0_count >= stop {
            return Pressure::Stop;
        }
        match level0_count.checked_sub(slow) {
            None => Pressure::None,
            Some(above) => Pressure::Slow(DELAY * (1 << (4 * above / (stop - slow)))),
        }
        // ANCHOR_END: day5_pressure
    }
}
