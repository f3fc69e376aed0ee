//! The snapshots that are alive: what compaction has to keep for them.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use wal::{Result, Seq};

use crate::moments::{Moment, reach};

/// The numbers of all snapshots that are alive, with how many there are of each.
#[derive(Debug, Default)]
pub struct Snapshots {
    alive: Mutex<BTreeMap<Seq, usize>>,
}

impl Snapshots {
    /// Adds a snapshot at the number that `now` gives. No compaction begins between the two: what it
    /// keeps is for this snapshot, or it began before that number was given.
    ///
    /// # Errors
    ///
    /// Those of `now`.
    pub fn add(&self, now: impl FnOnce() -> Result<Seq>) -> Result<Seq> {
        reach(Moment::BeforeSnapshot);
        let mut alive = self.alive.lock();
        let seq = now()?;
        *alive.entry(seq).or_default() += 1;
        Ok(seq)
    }

    /// Takes one away.
    pub fn remove(&self, seq: Seq) {
        let mut alive = self.alive.lock();
        if let Some(count) = alive.get_mut(&seq) {
            *count -= 1;
            if *count == 0 {
                alive.remove(&seq);
            }
        }
    }

    /// Their numbers, ascending, and `now` behind them: what a reader sees at least that comes now.
    pub fn with(&self, now: Seq) -> Vec<Seq> {
        let alive = self.alive.lock();
        alive.keys().copied().take_while(|&seq| seq < now).chain([now]).collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.alive.lock().values().sum()
    }
}
