//! Where a compressor looks, what it remembers, and how far a copy grows.
//!
//! In noise nothing repeats, so the places that are looked at are known: the step is longer by a byte
//! after each 32 tries. A few bytes of noise, put there once more, must be found or must not be.

use sstable::lz4::{Compressor, size_max};

use super::given::*;
use crate::allocated_by;
use crate::codecs::{counters, noise, text, zeros};

/// A table that forgets nothing in blocks as small as these.
const LARGE: u32 = 20;

fn copies_with(bits: u32, block: &[u8], what: &str) -> Vec<Copied> {
    let packed = packed_by(&mut Compressor::with_table_bits(bits), block);
    expect_good(&packed, block, what)
}

/// The places that are looked at from `from` on, if nothing is found.
fn places(from: usize, end: usize) -> Vec<usize> {
    let (mut at, mut tries, mut places) = (from.max(1), 0, Vec::new());
    while at < end {
        places.push(at);
        tries += 1;
        at += 1 + tries / 32;
    }
    places
}

/// Puts the bytes from `left` before `source` to `right` behind it around `at`, and no more of them.
fn put_again(block: &mut [u8], source: usize, at: usize, left: usize, right: usize) {
    block.copy_within(source - left..source + right, at - left);
    block[at - left - 1] = !block[source - left - 1];
    block[at + right] = !block[source + right];
}

// Where it looks.

#[test]
fn places_are_looked_at_as_the_steps_say() {
    // From the start; and behind a copy of 50 bytes at 600, where steps are of one byte again.
    for (from, first) in [(0, 40), (650, 690)] {
        let looked = places(from, 1700);
        for at in (first..1600).step_by(7) {
            let mut block = noise(1800);
            let mut want = Vec::new();
            if from > 0 {
                put_again(&mut block, 1, 601, 0, 49);
                block[600] = block[0];
                block[599] = !block[0];
                want.push((600, 50));
            }
            put_again(&mut block, 2, at, 0, 5);
            if looked.contains(&at) {
                want.push((at, 5));
            }
            let copies = copies_with(LARGE, &block, &format!("five bytes again at {at}"));
            let copies = Vec::from_iter(copies.iter().map(|copy| (copy.at, copy.len)));
            assert_eq!(
                copies, want,
                "noise, and five bytes of its start again at byte {at}: left are your copies, right \
                 those that you find if the step is longer by a byte after each 32 tries that found \
                 nothing since byte {from} {FINDS}"
            );
        }
    }
}

#[test]
fn a_place_that_is_not_the_same_is_a_try_that_found_nothing() {
    // Two entries: nearly every try finds another place.
    for pair in places(0, 4000).windows(2).filter(|pair| pair[0] > 1000).step_by(10) {
        let mut block = noise(4100);
        put_again(&mut block, pair[0], pair[1], 0, 5);
        let copies = copies_with(1, &block, "a table of two entries");
        let want = [Copied { at: pair[1], offset: pair[1] - pair[0], len: 5 }];
        assert_eq!(
            copies, want,
            "five bytes at one place that is looked at, and again at the next: left are your copies, \
             right the one that is there {FINDS}"
        );
    }
}

#[test]
fn a_copy_may_begin_where_the_last_one_ended() {
    let mut block = noise(60);
    put_again(&mut block, 3, 30, 0, 5);
    block.copy_within(15..20, 35);
    block[40] = !block[20];
    assert_ne!(block[8], block[35], "so that the first copy ends there");
    let copies = copies_with(LARGE, &block, "two copies of five");
    let want = [Copied { at: 30, offset: 27, len: 5 }, Copied { at: 35, offset: 20, len: 5 }];
    assert_eq!(copies, want, "two copies with nothing between them {FINDS}");
}

#[test]
fn four_bytes_are_enough_for_a_copy() {
    let mut found = 0;
    for pair in places(0, 4000).windows(2).filter(|pair| pair[0] > 1000).step_by(5) {
        let mut block = noise(4100);
        put_again(&mut block, pair[0], pair[1], 0, 4);
        let copies = copies_with(1, &block, "a table of two entries");
        found += usize::from(copies.iter().any(|copy| copy.at == pair[1] && copy.len == 4));
    }
    // Which of two entries it is depends on the fifth byte: half of them are met.
    assert!(
        found > 5,
        "of some twenty copies of four bytes about ten are met, and {found} were {FINDS}"
    );
}

// What it remembers.

#[test]
fn a_place_that_repeats_is_in_the_table_afterwards() {
    let name = b"marble and quartz";
    let (first, second) = (vec![0; 40_000 - name.len()], vec![1; 40_000 - name.len()]);
    let block = [b"0", &name[..], &first, name, &second, name, b" behind it"].concat();
    let copies = expect_good(&packed(&block), &block, "a name three times");
    let third = Copied { at: 80_001, offset: 40_000, len: name.len() };
    assert!(
        copies.contains(&third),
        "a name at bytes 1, 40 001 and 80 001: the third is too far from the first, and must be a \
         copy of the second: {copies:?} {FINDS}"
    );
}

#[test]
fn two_before_the_end_of_a_copy_is_in_the_table() {
    let mut block = noise(100);
    put_again(&mut block, 5, 30, 0, 20);
    put_again(&mut block, 48, 65, 0, 5);
    let copies = copies_with(LARGE, &block, "a repeat that begins two before the end of a copy");
    let want = [Copied { at: 30, offset: 25, len: 20 }, Copied { at: 65, offset: 17, len: 5 }];
    assert_eq!(copies, want, "left are your copies, right what they must be {FINDS}");
}

#[test]
fn what_the_table_has_forgotten_is_not_looked_for() {
    let block = [b"#marble42", &noise(40)[..], b"marble42", &noise(90)[60..]].concat();
    let copies = copies_with(1, &block, "a table of two entries");
    assert_eq!(copies, [], "two entries remember two places, and others are not looked at {FINDS}");
}

#[test]
fn a_large_table_remembers_more() {
    let looked = places(0, 60_000);
    let at = looked[looked.len() - 1];
    for source in looked[40..looked.len() - 10].iter().copied().step_by(100) {
        let mut block = noise(60_100);
        put_again(&mut block, source, at, 0, 5);
        let copies = copies_with(22, &block, "a large table");
        let want = [Copied { at, offset: at - source, len: 5 }];
        assert_eq!(copies, want, "2000 places in a table of four million entries {FINDS}");
    }
}

#[test]
fn a_table_of_any_size_is_emptied() {
    for bits in [1, 4, 16] {
        let mut compressor = Compressor::with_table_bits(bits);
        for block in [text(5000), noise(1000), counters(3000), text(3000), text(300), zeros(100)] {
            let came = packed_by(&mut compressor, &block);
            let alone = packed_by(&mut Compressor::with_table_bits(bits), &block);
            let size = block.len();
            assert!(
                came == alone,
                "with a table of {} entries a block of {size} bytes became {} behind others, and {} \
                 alone {FINDS}",
                1 << bits,
                came.len(),
                alone.len()
            );
        }
    }
}

// How far a copy grows.

#[test]
fn a_copy_grows_to_the_left_over_all_that_was_stepped_over() {
    let looked = places(0, 200_000);
    let (source, at) = (looked[looked.len() - 100], looked[looked.len() - 2]);
    assert!(at - source < 65_535 && looked[looked.len() - 1] - at > 105, "as planned");
    for left in [1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100] {
        let mut block = noise(200_100);
        put_again(&mut block, source, at, left, 9);
        let copies = copies_with(LARGE, &block, "a repeat that is met behind its start");
        let want = [Copied { at: at - left, offset: at - source, len: left + 9 }];
        assert_eq!(copies, want, "a repeat that is met {left} bytes behind its start {FINDS}");
    }
}

#[test]
fn a_copy_grows_to_the_left_up_to_the_copy_before() {
    let looked = places(0, 60_000);
    let mut block = noise(60_200);
    let [.., first, second, at] = looked[..] else { panic!("there are more") };
    // Twenty bytes around a place; directly behind them forty around the next, all but one of whose
    // places were stepped over.
    put_again(&mut block, first, at, 10, 10);
    let done = at + 10;
    block.copy_within(second - 30..second + 10, done);
    assert_ne!(block[first + 10], block[done], "so that the first copy ends there");
    block[done + 40] = !block[second + 10];
    let copies = copies_with(LARGE, &block, "two copies, one behind the other");
    let want = [
        Copied { at: at - 10, offset: at - first, len: 20 },
        Copied { at: done, offset: done - (second - 30), len: 40 },
    ];
    assert_eq!(copies, want, "two copies, and no literal between them {FINDS}");
}

#[test]
fn a_run_of_32_megabytes_is_one_copy() {
    let size = 32 << 20;
    let want = [sequence(&[0], Some((1, size - 6))), sequence(&[0; 5], None)].concat();
    let came = packed(&zeros(size));
    assert!(
        came == want,
        "32 MiB of zeros became {} bytes, and one copy of all but six is {} {FINDS}",
        came.len(),
        want.len()
    );
}

// What it makes of `out`.

#[test]
fn room_that_is_there_is_enough() {
    let block = text(4096);
    let mut compressor = Compressor::new();
    let size = 100_000 + size_max(block.len());
    let allocated = allocated_by(20, || {
        let mut out = Vec::with_capacity(size);
        out.resize(100_000, 0);
        compressor.compress(&block, &mut out);
        out
    });
    assert_eq!(
        allocated, size,
        "`out` had 100 000 bytes, and room for the worst case behind them: left is what was \
         allocated with it, right what it is {FINDS}"
    );
}
