//! Back-pressure: slow down before you stop.
//!
//! ```text
//!   tables in level 0     0 ─────── 4 ──────────── 20 ─────────── 36
//!                         │  as fast as you like   │  slower       │ stop
//!                                                  └─ 1 ms ─ 16 ms ┘
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

/// The longest wait of a write that need not stop.
const DELAY_MAX: Duration = Duration::from_millis(16);

impl Pressure {
    /// That of a store with so many tables in level 0.
    ///
    /// **Day 5**, chapter `week04/day5-tiered.md`. None below `level0_slow`, stop from `level0_stop`
    /// on. In between the delay doubles with each quarter of the way: from a sixteenth of
    /// `DELAY_MAX` at first to all of it.
    pub fn of(level0_count: usize, options: &LsmOptions) -> Pressure {
        // ANCHOR: day5_pressure
        // How many quarters of the way are done? A limit of both at the same place has no way.
        let (slow, stop) = (options.level0_slow, options.level0_stop);
        if level0_count >= stop {
            return Pressure::Stop;
        }
        match level0_count.checked_sub(slow) {
            None => Pressure::None,
            Some(above) => {
                let quarters = 4 * above / (stop - slow);
                Pressure::Slow(DELAY_MAX / (1 << (4 - quarters)))
            }
        }
        // ANCHOR_END: day5_pressure
    }
}
