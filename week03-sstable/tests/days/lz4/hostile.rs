//! Bytes that nobody has compressed, and sizes that no block has.

use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use sstable::lz4::decompress;
use wal::testing::{seeds, show};

use super::given::*;
use crate::allocated_by;
use crate::codecs::{counters, text, zeros};

#[test]
fn a_size_above_255_times_the_bytes_gets_no_memory() {
    for size in [0, 1, 9, 1000] {
        let packed = vec![0xff; size];
        for raw_size in [255 * size + 1, 255 * size + 1000, 1 << 29, usize::MAX / 2, usize::MAX] {
            let what = format!("{size} bytes that claim to be {raw_size}");
            expect_refused(&packed, raw_size, 0, &what);
            let allocated = allocated_by(20, || decompress(&packed, raw_size));
            assert!(allocated < 256, "{what}: {allocated} bytes were allocated {HOSTILE}");
        }
    }
    // What LZ4 can make is tried, and then it is not a matter of size.
    expect_refused(b"\x1fa", 510, 2, "an offset is missing, and 510 bytes are not too many");
    expect_back(&packed(&zeros(1 << 20)), &zeros(1 << 20), "a megabyte of zeros");
}

#[test]
fn every_cut_is_refused() {
    for block in [STONES.to_vec(), text(2000), counters(500), zeros(5000)] {
        let packed = lz4_flex::block::compress(&block);
        for size in 0..packed.len() {
            let came = unpacked(&packed[..size], block.len());
            let whole = packed.len();
            assert!(came.is_err(), "{size} of {whole} bytes came out as a block {HOSTILE}");
        }
    }
    // Token, 3 literals, offset, and more of a length: where it ends is where it is wrong.
    let packed = sequence(b"abc", Some((3, 200)));
    for size in 0..=packed.len() {
        let at = if (2..4).contains(&size) { 1 } else { size };
        expect_refused(&packed[..size], 203, at, &format!("{size} bytes of a sequence"));
    }
    // It may end behind literals only, and a copy that fills the block is not the end.
    expect_refused(b"\x10a\x01\0", 5, 4, "the sequence behind the copy is missing");
}

#[test]
fn the_first_place_that_is_wrong_is_named() {
    for more in 0..5 {
        let packed = [&[0xf0][..], &vec![255; more]].concat();
        expect_refused(&packed, 1, packed.len(), "a number of literals without its end");
    }
    let packed = [&sequence(b"abc", Some((3, 9)))[..], b"\xf0\xff"].concat();
    expect_refused(&packed, 100, packed.len(), "the same, behind a sequence");
    expect_refused(b"\x1fa\0\0", 300, 2, "an offset of 0, and a length that is cut off behind it");
    expect_refused(b"\x1fa\x01\0", 5, 4, "a length that is cut off, and too long already");
}

const STONES: &[u8] = b"a stone on a stone on a stone, and no more";

#[test]
fn every_flipped_bit_is_an_error_or_a_block_of_its_size() {
    for block in [STONES.to_vec(), text(1000), counters(300), zeros(3000)] {
        let good = lz4_flex::block::compress(&block);
        expect_back(&good, &block, "before anything is flipped");
        for bit in 0..8 * good.len() {
            let mut packed = good.clone();
            packed[bit / 8] ^= 1 << (bit % 8);
            expect_judged(&packed, block.len());
        }
    }
}

/// These bytes are an error, or the block that they stand for, of this size.
#[track_caller]
fn expect_judged(packed: &[u8], raw_size: usize) {
    let came = unpacked(packed, raw_size);
    let want = walk(packed).ok().map(|(block, _)| block).filter(|block| block.len() == raw_size);
    // A size that LZ4 cannot make of so many bytes is refused before anything is read.
    assert_eq!(
        came.as_ref().ok(),
        want.as_ref(),
        "{} as {raw_size} bytes gave {came:?}; left is your block, if any, right the one that these \
         bytes stand for {HOSTILE}",
        show(packed)
    );
}

#[test]
fn an_offset_to_before_the_block_is_refused_at_its_place() {
    for count in [0, 1, 4, 14, 15, 300] {
        let literals = text(count);
        let offset_at = sequence(&literals, None).len();
        for offset in [0, count + 1, count + 2, 256 + count, 65_535] {
            let start = sequence(&literals, Some((offset, 20)));
            let packed = [start, sequence(b"slate", None)].concat();
            let what = format!("{offset} back after {count} bytes");
            expect_refused(&packed, count + 25, offset_at, &what);
        }
        if count > 0 {
            let start = sequence(&literals, Some((count, 20)));
            let packed = [start, sequence(b"slate", None)].concat();
            let (block, _) = walk(&packed).expect("it is a good one");
            expect_back(&packed, &block, "as far back as the block goes");
        }
    }
}

#[test]
fn a_length_that_does_not_fit_is_refused_at_its_place() {
    // Behind the token, and behind the offset: literals that are not there, a copy without room.
    expect_refused(b"\x50slat", 5, 1, "five literals, and four are there");
    expect_refused(b"\xf0\x02slate", 17, 2, "17 literals, and five are there");
    expect_refused(b"\x50slate", 4, 1, "five literals, and room for four");
    expect_refused(b"\x15a\x01\0\x50slate", 9, 2, "a copy of nine, and room for eight");
    for raw_size in 1..60 {
        let packed = [sequence(b"a", Some((1, 60))), sequence(b"slate", None)].concat();
        expect_refused(&packed, raw_size, 2, "a copy of 60 bytes");
    }
    for raw_size in 61..66 {
        let packed = [sequence(b"a", Some((1, 60))), sequence(b"slate", None)].concat();
        expect_refused(&packed, raw_size, packed.len() - 5, "five literals behind 61 bytes");
    }
}

#[test]
fn a_length_of_more_than_32_bits_is_not_a_short_one() {
    // 15 and so many times 255 are 2^32 and 14; cut to 32 bits, that is a length of 14.
    let more = vec![255; (1 << 24) + (1 << 16) + (1 << 8) + 1];
    assert_eq!(15 + 255 * more.len() as u64, (1 << 32) + 14, "what the test counts on");
    let literals = [&[0xf0][..], &more, b"\0", &[b'a'; 14]].concat();
    let at = more.len() + 2;
    let refused = unpacked(&literals, 14).expect_err("more literals than there are bytes");
    assert_eq!(refused.at, at, "2^32 + 14 literals are refused where they begin {HOSTILE}");
    let copy = [&[0x1f, b'a', 1, 0][..], &more, b"\0\x50slate"].concat();
    let refused = unpacked(&copy, 1 + 18 + 5).expect_err("a copy of more bytes than there is room");
    assert_eq!(refused.at, 2, "a copy of 2^32 + 18 bytes is refused at its offset {HOSTILE}");
}

#[test]
fn a_block_of_another_size_than_announced_is_refused() {
    for block in [STONES.to_vec(), text(1000), zeros(1000), vec![7]] {
        let packed = lz4_flex::block::compress(&block);
        let size = block.len();
        expect_back(&packed, &block, "the size that it has");
        for raw_size in [size + 1, size + 5, size + 100].into_iter().chain(0..size) {
            let what = format!("a block of {size} bytes that is announced with {raw_size}");
            if raw_size > 255 * packed.len() {
                expect_refused(&packed, raw_size, 0, &what);
            } else if raw_size > size {
                expect_refused(&packed, raw_size, packed.len(), &what);
            } else {
                assert!(unpacked(&packed, raw_size).is_err(), "{what} came out {HOSTILE}");
            }
        }
    }
}

#[test]
fn any_bytes_are_an_error_or_the_block_they_stand_for() {
    for seed in seeds(20_000) {
        let mut dice = SmallRng::seed_from_u64(seed);
        let mut bytes = zeros(dice.random_range(0..40));
        dice.fill_bytes(&mut bytes);
        // Offsets that lead into the block, now and then.
        bytes.iter_mut().for_each(|byte| {
            if dice.random_range(0..3) > 0 {
                *byte = [0, 1, 2, 0x10, 0x11, 0x40][dice.random_range(0..6)];
            }
        });
        let size =
            walk(&bytes).map_or_else(|_| dice.random_range(0..100), |(block, _)| block.len());
        expect_judged(&bytes, size);
        expect_judged(&bytes, size + 1);
    }
}
