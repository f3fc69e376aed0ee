//! Chance, as a function of a seed: the same seed rolls the same numbers on every machine.

use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};

/// Size of the piece that a drive writes whole or not at all, in bytes.
pub(super) const SECTOR_SIZE: usize = 512;

/// What a power cut makes of one unsynced write.
pub(super) enum Fate {
    Kept,
    Lost,
    /// The first bytes came, the rest did not.
    Prefix(usize),
    /// Some sectors came, others did not; ask for each.
    Sectors,
}

/// How many of four unsynced things survive. Drawn once for each file and for the directories, so
/// that "all of them", "none" and "names but no data" are as common as a mix.
#[derive(Clone, Copy)]
pub(super) struct Odds(u8);

pub(super) struct Dice(SmallRng);

impl Dice {
    /// Dice for one moment of a disk's life. Each moment has its own, or a seed that is kind to one
    /// crash point would be kind to them all.
    pub(super) fn new(seed: u64, moment: u64) -> Dice {
        Dice(SmallRng::seed_from_u64(seed ^ moment.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    pub(super) fn odds(&mut self) -> Odds {
        Odds(self.0.random_range(0..=4))
    }

    pub(super) fn keeps(&mut self, odds: Odds) -> bool {
        self.0.random_range(0..4) < odds.0
    }

    pub(super) fn coin(&mut self) -> bool {
        self.0.random_bool(0.5)
    }

    /// A number below `end`, or 0 if there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.random_range(0..end) }
    }

    pub(super) fn fate(&mut self, odds: Odds, size: usize) -> Fate {
        if self.keeps(odds) {
            return Fate::Kept;
        }
        match self.below(4) {
            0 if odds.0 > 0 => Fate::Prefix(self.below(size)),
            1 if odds.0 > 0 => Fate::Sectors,
            _ => Fate::Lost,
        }
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}
