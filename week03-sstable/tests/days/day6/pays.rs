//! What pays, whatever the size, and what it may cost.

use std::thread;

use bytes::Bytes;
use sstable::Codec;

use crate::allocated_by;
use crate::codecs::*;

/// A block is stored by `codec` if that saves an eighth, and else as it is; says whether it is.
#[track_caller]
fn expect_judged(codec: Codec, block: &[u8], what: &str) -> bool {
    let stored = 4 + packed(codec, block).len();
    let pays = 8 * stored <= 7 * block.len();
    let want = if pays { codec } else { Codec::None };
    let came = codec.compress(block, &mut Vec::new());
    let size = block.len();
    assert_eq!(came, want, "{codec:?}: {what}, {size} bytes, would be stored in {stored} {PAYS}");
    pays
}

#[test]
fn small_blocks_pay_too() {
    for &codec in CODECS {
        let paid = (0..64).filter(|&size| expect_judged(codec, &zeros(size), "zeros")).count();
        assert!(paid > 30, "{codec:?}: of 64 blocks of zeros {paid} paid {PAYS}");
    }
}

#[test]
fn large_blocks_are_judged_as_a_whole() {
    for &codec in CODECS {
        for (noisy, zero) in [(60, 4), (4, 60), (57, 7), (48, 16)] {
            let (noise, zeros) = (noise(noisy << 10), zeros(zero << 10));
            expect_judged(codec, &[&noise[..], &zeros].concat(), "noise, then zeros");
            expect_judged(codec, &[&zeros[..], &noise].concat(), "zeros, then noise");
        }
    }
}

#[test]
fn to_compress_allocates_what_the_library_does_and_nothing_else() {
    for codec in [Codec::Lz4, Codec::Snappy] {
        for block in [zeros(1000), text(4096), noise(4096), text(64 << 10)] {
            let mut room = zeros(128 << 10);
            let library = allocated_by(300, || match codec {
                Codec::Lz4 => lz4_flex::block::compress_into(&block, &mut room).ok(),
                _ => snap::raw::Encoder::new().compress(&block, &mut room).ok(),
            });
            let mut out = Vec::with_capacity(128 << 10);
            let yours = allocated_by(300, || {
                out.clear();
                codec.compress(&block, &mut out)
            });
            let size = block.len();
            assert_eq!(yours, library, "{codec:?}: allocated to compress {size} bytes {STORED}");
        }
    }
}

#[test]
fn no_buffer_is_kept_for_the_next_block() {
    // A thread of its own has no buffer from before.
    let block = text(64 << 10);
    for codec in [Codec::Lz4, Codec::Snappy] {
        let mut out = Vec::with_capacity(128 << 10);
        let allocated = allocated_by(20, || {
            out.clear();
            let compress = || codec.compress(&block, &mut out);
            let came =
                thread::scope(|scope| scope.spawn(compress).join().expect("it does not panic"));
            assert_eq!(came, codec, "64 KiB of text {PAYS}");
        });
        assert!(
            allocated < 48 << 10,
            "{codec:?}: {allocated} bytes allocated by a new thread for one block of 64 KiB {STORED}"
        );
    }
}

#[test]
fn a_block_comes_back_in_one_allocation_of_its_size() {
    for codec in [Codec::Lz4, Codec::Snappy] {
        for size in [300, 1000, 4096, 1 << 20] {
            let stored = Bytes::from(compressed(codec, &text(size)));
            let allocated = allocated_by(300, || codec.decompress(stored.clone()));
            assert_eq!(allocated, size, "{codec:?}: allocated for a block of {size} bytes {ANY}");
        }
    }
}

#[test]
fn a_block_in_more_bytes_than_a_compressor_writes_is_read() {
    // Snappy's size of the whole, and a literal for each byte: twice the block and one.
    let block = text(100);
    let mut packed = vec![100];
    block.iter().for_each(|&byte| packed.extend([0, byte]));
    expect_back(Codec::Snappy, &claim(100, &packed), &block, "a literal for each byte");
}
