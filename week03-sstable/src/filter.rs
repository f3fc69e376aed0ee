//! The filter: which user keys may be in a table. No is no; yes is nearly always yes.
//!
//! ```text
//!   ┌────────┬────────┬───┬────────┬─────────────┐
//!   │ line 0 │ line 1 │ … │ line n │ probe_count │   64 bytes each; the last field is one byte
//!   └────────┴────────┴───┴────────┴─────────────┘
//!        ▲
//!        │  hash(user key): its upper 32 bits choose the line,
//!        │                  the hash, multiplied again and again, chooses the bits in it
//!   ┌────┴────────────────────────────────────────┐
//!   │ 0 0 1 0 0 0 0 1 0 0 0 0 0 1 … 0 1 0 0 0 0 0 │   512 bits, of which a key sets probe_count
//!   └─────────────────────────────────────────────┘
//!   line = (hash >> 32) × line count >> 32
//!   bit  = h >> 55,  where h = hash × MULTIPLIER for the first probe, and h × MULTIPLIER for each
//!          one after it; bit b of a line is bit b mod 8 of its byte b / 8
//! ```
//!
//! A Bloom filter (1970) sets and asks for bits all over; each is a cache miss. Here all bits of a
//! key are in one line of the CPU's cache, so a question costs one miss at most. The price: keys
//! are not spread evenly over lines, and a crowded line says yes more often: for 96 absent keys in
//! ten thousand instead of 82, at ten bits a key. (Putze, Sanders, Singler, "Cache-, Hash- and
//! Space-Efficient Bloom Filters", 2007; RocksDB's filter since version 6.6.)
//!
//! The filter knows user keys, not versions: a lookup asks for a key at any time of its history.

use crate::block::BadBlock;
use crate::hash::hash;

pub use crate::hash::MULTIPLIER;

/// Size of a line, in bytes.
pub const LINE_SIZE: usize = 64;

/// The most bits that a key may set.
pub const PROBE_COUNT_MAX: usize = 30;

/// The most bits a key in a filter.
pub const BITS_PER_KEY_MAX: usize = 64;

/// Bits in a line, which is where a cache line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(align(64))]
struct Line([u64; LINE_SIZE / 8]);

impl Line {
    /// The line that stands in these bytes of a filter block.
    fn decode(bytes: &[u8; LINE_SIZE]) -> Line {
        let (words, _) = bytes.as_chunks::<8>();
        Line(std::array::from_fn(|index| u64::from_le_bytes(words[index])))
    }

    /// Sets the bits of `hash`.
    ///
    /// **Day 4**, chapter `week03/day4-filter.md`.
    fn set(&mut self, hash: u64, probe_count: usize) {
        // As drawn above: multiply, take the upper nine bits, and again. Word, then bit in it.
        todo!("day 4: line set")
    }

    /// Whether all bits of `hash` are set.
    ///
    /// **Day 4**.
    #[inline]
    fn has(&self, hash: u64, probe_count: usize) -> bool {
        // The same walk, which ends at the first bit that is not set.
        todo!("day 4: line has")
    }

    /// Which of `line_count` lines is that of `hash`.
    ///
    /// **Day 4**.
    #[inline]
    fn index(hash: u64, line_count: usize) -> usize {
        // A multiplication spreads 32 bits over so many lines without a division.
        todo!("day 4: line index")
    }
}

/// How many bits a key sets if there are so many bits for each: six tenths of them. In a filter
/// that is not cut into lines it is ln 2, about seven tenths; here, a little fewer are better.
pub fn probe_count(bits_per_key: usize) -> usize {
    (bits_per_key.min(BITS_PER_KEY_MAX) * 6).div_ceil(10).clamp(1, PROBE_COUNT_MAX)
}

/// Which part of absent keys a filter with so many bits a key lets through, in theory.
///
/// A line of 512 bits has 512 / `bits_per_key` keys on average, and so many as a Poisson
/// distribution says; with *i* keys in it, each of k probes meets a set bit with probability
/// 1 − (1 − 1/512)^(i·k). (Putze and others, equation 3.) Without bits there is no filter, and all
/// are let through.
pub fn expected_false_positive_rate(bits_per_key: usize) -> f64 {
    if bits_per_key == 0 {
        return 1.0;
    }
    let bits = (8 * LINE_SIZE) as f64;
    let probes = probe_count(bits_per_key) as f64;
    let mean = bits / bits_per_key as f64;
    let mut keys_chance = (-mean).exp();
    let mut rate = 0.0;
    for keys in 0..10 * (mean as usize + 10) {
        let set = 1.0 - (1.0 - 1.0 / bits).powf(keys as f64 * probes);
        rate += keys_chance * set.powf(probes);
        keys_chance *= mean / (keys + 1) as f64;
    }
    rate
}

/// The filter of a table that is being built: eight bytes a user key until it is finished, because
/// its size depends on how many there are.
#[derive(Debug, Clone, Default)]
pub struct FilterBuilder {
    bits_per_key: usize,
    /// The hashes of the keys, without those that came several times in a row.
    hashes: Vec<u64>,
}

impl FilterBuilder {
    /// A filter with so many bits a key, at most [`BITS_PER_KEY_MAX`]; with 0 there will be none.
    pub fn new(bits_per_key: usize) -> FilterBuilder {
        FilterBuilder { bits_per_key: bits_per_key.min(BITS_PER_KEY_MAX), hashes: Vec::new() }
    }

    /// Adds a user key. Its versions come one behind the other, and count once.
    ///
    /// **Day 4**. Without bits there is nothing to do.
    ///
    /// # Cost
    ///
    /// The hash, and eight bytes that are kept. Nearly always no allocation: the vector doubles
    /// when it is full.
    pub fn add(&mut self, user_key: &[u8]) {
        // The hash is all that the filter needs.
        let _ = user_key;
    }

    /// The filter block, as drawn at the top of this file; no bytes if there are no bits, or no
    /// keys.
    ///
    /// **Day 4**.
    ///
    /// # Cost
    ///
    /// The filter's size, twice, and a line touched for each key.
    pub fn finish(&self) -> Vec<u8> {
        // So many lines that all bits are there, at least one. A key sets its bits in its line; the
        // words go out little-endian, and the number of probes behind them.
        Vec::new()
    }
}

/// A filter in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// At least one.
    lines: Vec<Line>,
    probe_count: usize,
}

impl Filter {
    /// Reads a filter block.
    ///
    /// **Day 4**. Any bytes may come in, and none may make it panic.
    ///
    /// # Errors
    ///
    /// [`BadBlock`] at the last byte if the number of probes is 0 or above [`PROBE_COUNT_MAX`], and
    /// at byte 0 if the others are not lines, at least one. If both are so, either will do. Nothing
    /// was allocated then.
    ///
    /// # Cost
    ///
    /// A copy, to where lines begin where the CPU's do.
    pub fn decode(bytes: &[u8]) -> Result<Filter, BadBlock> {
        // The last byte first. `as_chunks` cuts the others into lines.
        Ok(Filter { lines: Vec::new(), probe_count: 0 })
    }

    /// Whether `user_key` may have been added. If it has been, it may.
    ///
    /// **Day 4**.
    ///
    /// # Cost
    ///
    /// The hash, and one line of the CPU's cache; no allocation.
    #[inline]
    pub fn may_contain(&self, user_key: &[u8]) -> bool {
        // One bit that is not set, and it was never added.
        true
    }

    /// What [`may_contain`](Filter::may_contain) says of the filter that these bytes are, which
    /// stays where it stands.
    ///
    /// **Lab partitions**, chapter `week03/lab-partitions.md`. Any bytes may come in, and none may
    /// make it panic.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Filter::decode).
    ///
    /// # Cost
    ///
    /// One line is copied, whatever the size of the filter; no allocation.
    pub fn may_contain_in(bytes: &[u8], user_key: &[u8]) -> Result<bool, BadBlock> {
        // The checks of `decode`, without its copy. `Line::decode` takes the one line that counts.
        todo!("lab partitions: may contain in")
    }

    /// Size in memory, in bytes.
    pub fn size(&self) -> usize {
        self.lines.len() * LINE_SIZE
    }
}
