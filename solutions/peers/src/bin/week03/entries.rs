//! The entries that both sides get.

pub(crate) const ENTRIES: u64 = 1_000_000;

/// The `number`th key, of 16 bytes: they ascend.
pub(crate) fn key(number: u64) -> [u8; 16] {
    spelled(2 * number)
}

/// A key that nobody has, right behind the `number`th.
pub(crate) fn absent_key(number: u64) -> [u8; 16] {
    spelled(2 * number + 1)
}

/// `user`, and twelve hexadecimal digits.
fn spelled(number: u64) -> [u8; 16] {
    let mut key = *b"user000000000000";
    for (place, digit) in key[4..].iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (4 * place)) as usize & 15];
    }
    key
}

/// The `number`th value, of 100 bytes: half of it are of no order, and half one letter.
pub(crate) fn value(number: u64) -> [u8; 100] {
    let mut value = [b'x'; 100];
    let mut dice = number;
    for chunk in value[..48].as_chunks_mut::<8>().0 {
        dice = dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (dice ^ dice >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        *chunk = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb).to_le_bytes();
    }
    value
}

/// Numbers below a limit, in an order of their own: each step goes somewhere else.
pub(crate) struct Numbers {
    state: u64,
    end: u64,
}

impl Numbers {
    pub(crate) fn below(end: u64) -> Numbers {
        Numbers { state: 1, end }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.state >> 32) * self.end) >> 32
    }
}
