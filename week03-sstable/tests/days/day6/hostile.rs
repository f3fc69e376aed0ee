//! Bytes that no codec has made, and sizes that no block has.

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use sstable::Codec;
use sstable::format::BLOCK_SIZE_MAX;
use wal::testing::seeds;

use crate::allocated_by;
use crate::codecs::*;

/// A claim of this size is refused at byte 0, without memory.
#[track_caller]
fn expect_claim_refused(codec: Codec, raw_size: u32, packed: &[u8]) {
    let what = format!("{} bytes that claim to be {raw_size}", packed.len());
    let stored = claim(raw_size, packed);
    expect_refused(codec, &stored, 0, &what, CLAIM);
    let stored = Bytes::from(stored);
    let allocated = allocated_by(300, || codec.decompress(stored.clone()));
    assert!(allocated < 256, "{codec:?}, {what}: {allocated} bytes were allocated {CLAIM}");
}

#[test]
fn a_size_that_is_cut_off_is_refused() {
    for &codec in CODECS {
        for size in 0..4 {
            let what = format!("{size} bytes in all");
            expect_refused(codec, &zeros(size), 0, &what, CLAIM);
            expect_refused(codec, &vec![0xff; size], 0, &what, CLAIM);
        }
    }
}

#[test]
fn a_size_above_what_the_codec_can_make_gets_no_memory() {
    for &codec in CODECS {
        for size in [0, 1, 2, 100, 1000] {
            let most = (size * codec.ratio_max()) as u32;
            for raw_size in [most + 1, most + 1000, 1 << 28, 1 << 30] {
                expect_claim_refused(codec, raw_size, &zeros(size));
            }
        }
    }
}

#[test]
fn a_size_above_any_blocks_gets_no_memory() {
    for &codec in CODECS {
        let large = BLOCK_SIZE_MAX as u32 + 1;
        for raw_size in [large, large + 1, u32::MAX / 2 + 1, u32::MAX - 3, u32::MAX] {
            expect_claim_refused(codec, raw_size, b"stone");
        }
        // So many bytes that the codec could make it of them.
        let packed = zeros(large as usize / codec.ratio_max() + 1);
        expect_claim_refused(codec, large, &packed);
    }
}

#[test]
fn the_size_that_snappy_has_of_its_own_gets_no_memory() {
    // Seven bits to a byte, the lowest first: 1 GiB, and the largest of all.
    for own in [b"\x80\x80\x80\x80\x04", b"\xff\xff\xff\xff\x0f"] {
        let stored = Bytes::from(claim(100, &[&own[..], b"\x10stone"].concat()));
        expect_refused(Codec::Snappy, &stored, 4, "100 in front, and more in Snappy's own", ANY);
        let allocated = allocated_by(300, || Codec::Snappy.decompress(stored.clone()));
        assert!(allocated < 512, "{allocated} bytes, and the size in front says 100 {CLAIM}");
    }
}

#[test]
fn a_size_that_the_codec_can_make_is_tried() {
    for &codec in CODECS {
        for size in [1, 100, 1000] {
            let most = (size * codec.ratio_max()) as u32;
            // Noise is no compressed block, but that is found out behind the size.
            for raw_size in [1, most / 2, most] {
                let what = format!("{size} bytes of noise that may be {raw_size}");
                expect_refused(codec, &claim(raw_size, &vec![0xf7; size]), 4, &what, ANY);
            }
        }
        // Nothing may be nothing: that is for the codec to say, and none says so of its own kind.
        if codec.ratio_max() < 1000 {
            expect_refused(codec, &claim(0, b""), 4, "nothing that may be nothing", ANY);
        }
        // What a codec makes of zeros is close to its most.
        let block = zeros(8 << 20);
        expect_back(codec, &compressed(codec, &block), &block, "8 MiB of zeros");
    }
}

#[test]
fn large_blocks_are_blocks() {
    // Sixteen million bytes of LZ4 could be more than four thousand million.
    let what = "seventeen million zeros that may be 1000 bytes";
    expect_refused(Codec::Lz4, &claim(1000, &zeros(16_843_010)), 4, what, ANY);
    // As large as a fourth of the largest block.
    let raw_size = 256 << 20;
    for codec in [Codec::Lz4, Codec::Snappy] {
        let packed = vec![0xf7; raw_size / codec.ratio_max() + 1];
        let what = "bytes that may be a block of 256 MiB, and are none";
        expect_refused(codec, &claim(raw_size as u32, &packed), 4, what, ANY);
    }
}

#[test]
fn a_block_of_another_size_than_claimed_is_refused() {
    for &codec in CODECS {
        for block in [text(1000), zeros(1000), SHORT.to_vec()] {
            let packed = packed(codec, &block);
            let size = block.len() as u32;
            for raw_size in [0, 1, size / 2, size - 1, size + 1, size + 100] {
                if raw_size as usize > packed.len() * codec.ratio_max() {
                    continue;
                }
                let what = format!("a block of {size} bytes that claims {raw_size}");
                expect_refused(codec, &claim(raw_size, &packed), 4, &what, ANY);
            }
        }
    }
}

const SHORT: &[u8] = b"marble and slate";

#[test]
fn every_cut_of_a_stored_block_is_refused() {
    for &codec in CODECS {
        for block in [text(2000), counters(500), SHORT.to_vec()] {
            let stored = claim(block.len() as u32, &packed(codec, &block));
            for size in 0..stored.len() {
                let came = unpacked(codec, &stored[..size]);
                let whole = stored.len();
                assert!(came.is_err(), "{codec:?}: {size} of {whole} bytes were a block {ANY}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error_or_a_block_of_its_size() {
    for &codec in CODECS {
        for block in [text(1000), counters(300)] {
            let stored = claim(block.len() as u32, &packed(codec, &block));
            for bit in 0..8 * stored.len() {
                let mut stored = stored.clone();
                stored[bit / 8] ^= 1 << (bit % 8);
                expect_judged(codec, &stored);
                let in_size = bit < 32 && unpacked(codec, &stored).is_ok();
                assert!(
                    !in_size,
                    "{codec:?}: bit {bit} of the size is flipped, a block came {ANY}"
                );
            }
        }
    }
}

#[test]
fn any_bytes_are_an_error_or_a_block_of_the_size_in_front() {
    for seed in seeds(20_000) {
        let mut dice = SmallRng::seed_from_u64(seed);
        let mut packed = zeros(dice.random_range(0..60));
        dice.fill_bytes(&mut packed);
        for &codec in CODECS {
            let raw_size = match dice.random_range(0..4) {
                0 => dice.random_range(0..=u32::MAX),
                _ => dice.random_range(0..200),
            };
            expect_judged(codec, &packed);
            expect_judged(codec, &claim(raw_size, &packed));
        }
    }
}

#[test]
fn a_damaged_block_is_an_error_or_a_block_of_its_size() {
    for seed in seeds(2000) {
        let mut dice = SmallRng::seed_from_u64(seed);
        let block = text(dice.random_range(30..600));
        for &codec in CODECS {
            let mut stored = claim(block.len() as u32, &packed(codec, &block));
            for _ in 0..dice.random_range(1..4) {
                let at = dice.random_range(0..stored.len());
                stored[at] = [0, 1, 0xf0, 0xff, dice.random()][dice.random_range(0..5)];
            }
            expect_judged(codec, &stored);
        }
    }
}
