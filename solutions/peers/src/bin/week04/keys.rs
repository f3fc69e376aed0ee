//! Keys, values, and the orders in which they come: the same for all engines.

use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::{Distribution as _, Zipf};

/// The key of entry `number`, in the order of the numbers. Every second key is nobody's.
pub(crate) fn key(number: u32) -> [u8; 16] {
    text(2 * u64::from(number))
}

/// A key that no entry has, behind that of entry `number`.
pub(crate) fn absent_key(number: u32) -> [u8; 16] {
    text(2 * u64::from(number) + 1)
}

fn text(number: u64) -> [u8; 16] {
    let mut key = *b"user000000000000";
    let mut rest = number;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// Bytes that values are cut out of: they do not compress, and no two values begin alike for long.
pub(crate) fn value_pool(value_size: usize) -> Vec<u8> {
    let mut dice = SmallRng::seed_from_u64(1);
    (0..value_size + 4_096).map(|_| dice.random()).collect()
}

/// The value of entry `number` after `version` changes.
pub(crate) fn value(pool: &[u8], value_size: usize, number: u32, version: u32) -> &[u8] {
    let start = (number.wrapping_mul(31).wrapping_add(version.wrapping_mul(7)) % 4_096) as usize;
    &pool[start..start + value_size]
}

/// All numbers below `count`, each once, in no order.
pub(crate) fn shuffled(count: u32, seed: u64) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..count).collect();
    numbers.shuffle(&mut SmallRng::seed_from_u64(seed));
    numbers
}

/// `len` numbers below `count`, all as likely.
pub(crate) fn uniform(count: u32, len: usize, seed: u64) -> Vec<u32> {
    let mut dice = SmallRng::seed_from_u64(seed);
    (0..len).map(|_| dice.random_range(0..count)).collect()
}

/// `len` numbers below `count`, a few of them most of the time: Zipf's law with exponent 0.99, as
/// YCSB has it. Those that come often do not lie side by side.
pub(crate) fn zipf(count: u32, len: usize, seed: u64) -> Vec<u32> {
    let mut dice = SmallRng::seed_from_u64(seed);
    let law = Zipf::new(f64::from(count), 0.99).expect("a number of keys and an exponent above 0");
    let scattered = |rank: f64| {
        let rank = (rank as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((u128::from(rank) * u128::from(count)) >> 64) as u32
    };
    (0..len).map(|_| scattered(law.sample(&mut dice))).collect()
}
