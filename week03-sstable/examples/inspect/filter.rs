//! The filter: how full it is, and which bits a key asks for.

use bytes::Bytes;
use sstable::filter::{LINE_SIZE, MULTIPLIER};
use sstable::{BadBlock, Filter, hash};

/// Bits of a line.
pub(crate) const LINE_BITS: usize = 8 * LINE_SIZE;

/// A filter block.
pub(crate) struct Lines {
    block: Bytes,
}

/// A filter, as it is shown and as this build reads it.
pub(crate) struct Filtered {
    pub(crate) lines: Lines,
    pub(crate) own: Filter,
}

impl Filtered {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] if this build says so.
    pub(crate) fn read(block: Bytes) -> Result<Filtered, BadBlock> {
        let own = Filter::decode(&block)?;
        Ok(Filtered { lines: Lines { block }, own })
    }
}

/// A bit that a key asks for.
pub(crate) struct Probe {
    pub(crate) bit: usize,
    pub(crate) is_set: bool,
}

impl Lines {
    /// The lines of `block`, of which `Filter::decode` has said that they are a filter.
    pub(crate) fn new(block: Bytes) -> Lines {
        Lines { block }
    }

    pub(crate) fn lines(&self) -> impl ExactSizeIterator<Item = &[u8; LINE_SIZE]> {
        self.block.as_chunks::<LINE_SIZE>().0.iter()
    }

    pub(crate) fn probe_count(&self) -> usize {
        self.block.last().copied().unwrap_or(0).into()
    }

    /// How many bits of a line are set.
    pub(crate) fn set(line: &[u8; LINE_SIZE]) -> u32 {
        line.iter().map(|byte| byte.count_ones()).sum()
    }

    pub(crate) fn bit_count(&self) -> u64 {
        (self.lines().len() * LINE_BITS) as u64
    }

    pub(crate) fn set_count(&self) -> u64 {
        self.lines().map(|line| u64::from(Lines::set(line))).sum()
    }

    /// Which part of absent keys it lets through, as it is filled: of a line in which half of the
    /// bits are set, each probe meets one with probability one half.
    pub(crate) fn rate(&self) -> f64 {
        let fill = |line| f64::from(Lines::set(line)) / LINE_BITS as f64;
        let rates = self.lines().map(|line| fill(line).powi(self.probe_count() as i32));
        rates.sum::<f64>() / self.lines().len() as f64
    }

    /// The line of `user_key`, and the bits that it asks for, as drawn in `filter.rs`.
    pub(crate) fn probes(&self, user_key: &[u8]) -> (usize, Vec<Probe>) {
        let mut state = hash(user_key);
        let line_index = (((state >> 32) * self.lines().len() as u64) >> 32) as usize;
        let line = self.lines().nth(line_index).expect("the product is below the number of lines");
        let probe = |_| {
            state = state.wrapping_mul(MULTIPLIER);
            let bit = (state >> 55) as usize;
            Probe { bit, is_set: line[bit / 8] & 1 << (bit % 8) != 0 }
        };
        (line_index, (0..self.probe_count()).map(probe).collect())
    }
}
