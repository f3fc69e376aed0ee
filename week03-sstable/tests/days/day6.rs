//! Day 6: a block takes less room on disk, and no size that it claims is believed.

use crate::codecs::*;
use bytes::Bytes;
use sstable::Codec;
use wal::testing::show;

use crate::allocated_by;

// Storing.

#[test]
fn every_kind_of_block_comes_back() {
    for (what, block) in all_kinds() {
        for &codec in CODECS {
            let mut out = Vec::new();
            let stored_as = codec.compress(&block, &mut out);
            expect_back(stored_as, &out, &block, &what);
            // It comes back from its codec, too, also where that did not pay.
            expect_back(codec, &claim(block.len() as u32, &packed(codec, &block)), &block, &what);
        }
    }
}

#[test]
fn blocks_of_every_small_size_come_back() {
    let text = text(300);
    for size in 0..300 {
        for &codec in CODECS {
            let mut out = Vec::new();
            let stored_as = codec.compress(&text[..size], &mut out);
            expect_back(stored_as, &out, &text[..size], &format!("{size} bytes of text"));
        }
    }
    CODECS
        .iter()
        .for_each(|&codec| assert!(compressed(codec, &text).len() < 262, "300 bytes {PAYS}"));
}

// ANCHOR: listing_golden
const STONES: &[u8] = b"stone, stone, stone, stone, and one more stone";
const STONES_LZ4: &[u8] = b"\x2e\0\0\0\x7fstone, \x07\0\x02\xf0\x03and one more stone";
const STONES_SNAPPY: &[u8] = b"\x2e\0\0\0\x2e\x18stone, \x52\x07\0\x44and one more stone";
// ANCHOR_END: listing_golden

#[test]
fn a_stored_block_is_exactly_these_bytes() {
    for (codec, want) in [(Codec::Lz4, STONES_LZ4), (Codec::Snappy, STONES_SNAPPY)] {
        let (got, want) = (show(&compressed(codec, STONES)).to_string(), show(want).to_string());
        assert_eq!(got, want, "{codec:?}: what is stored of {} {STORED}", show(STONES));
    }
}

#[test]
fn one_byte_decides_whether_a_block_pays() {
    // One stone less: 39 bytes, and an eighth of that is 4 and 7 eighths.
    let block = &STONES[7..];
    let lz4 = b"\x27\0\0\0\x7astone, \x07\0\xf0\x03and one more stone";
    let stored = compressed(Codec::Lz4, block);
    assert_eq!(show(&stored).to_string(), show(lz4).to_string(), "34 of 39 bytes pay {PAYS}");
    let mut out = Vec::new();
    let came = Codec::Snappy.compress(block, &mut out);
    assert_eq!(came, Codec::None, "Snappy needs 35 bytes of 39, one too many {PAYS}");
    assert_eq!(show(&out).to_string(), show(block).to_string(), "so the block is stored {PAYS}");
}

#[test]
fn these_bytes_are_a_stored_block() {
    expect_back(Codec::Lz4, STONES_LZ4, STONES, "the golden block");
    expect_back(Codec::Snappy, STONES_SNAPPY, STONES, "the golden block");
    // Another program may have stored it: literals alone, and more bytes than the block has.
    expect_back(Codec::Lz4, b"\x05\0\0\0\x50stone", b"stone", "literals alone");
    expect_back(Codec::Snappy, b"\x05\0\0\0\x05\x10stone", b"stone", "literals alone");
    expect_back(Codec::Lz4, b"\0\0\0\0\0", b"", "nothing, in five bytes");
    expect_back(Codec::Snappy, b"\0\0\0\0\0", b"", "nothing, in five bytes");
}

#[test]
fn what_is_stored_is_the_size_and_what_the_codec_makes() {
    for (what, block) in all_kinds() {
        for &codec in CODECS {
            let mut out = Vec::new();
            let stored_as = codec.compress(&block, &mut out);
            let want = match stored_as {
                Codec::None => block.clone(),
                _ => claim(block.len() as u32, &packed(codec, &block)),
            };
            assert!(
                out == want,
                "{codec:?}, {what}, stored as {stored_as:?}: want {} bytes, {}…, got {}, {}… \
                 {STORED}",
                want.len(),
                show(&want[..want.len().min(12)]),
                out.len(),
                show(&out[..out.len().min(12)])
            );
        }
    }
    assert_eq!(compressed(Codec::Lz4, &zeros(258))[..4], [2, 1, 0, 0], "258, in front {STORED}");
}

#[test]
fn what_is_stored_is_appended() {
    let before = noise(5000);
    for &codec in CODECS {
        for block in [text(500), noise(500), zeros(70_000), Vec::new()] {
            let (mut alone, mut behind) = (Vec::new(), before.clone());
            let stored_as = codec.compress(&block, &mut alone);
            assert_eq!(
                codec.compress(&block, &mut behind),
                stored_as,
                "the codec behind 5000 bytes {PAYS}"
            );
            let want = [before.as_slice(), &alone].concat();
            let size = block.len();
            assert!(behind == want, "{codec:?}, {size} bytes behind 5000 others {STORED}");
        }
        assert!(compressed(codec, &zeros(500)).len() < 100, "500 zeros are few bytes {STORED}");
    }
}

// Does it pay?

/// Blocks of noise and zeros, from all of the one to all of the other, with the bytes that would be
/// stored.
fn from_zeros_to_noise(codec: Codec, size: usize) -> impl Iterator<Item = (Vec<u8>, usize)> {
    (0..=size).map(move |noise_size| {
        let block = [noise(size)[..noise_size].to_vec(), zeros(size - noise_size)].concat();
        let stored_size = 4 + packed(codec, &block).len();
        (block, stored_size)
    })
}

#[test]
fn a_block_is_compressed_if_it_gets_smaller_by_an_eighth() {
    for &codec in CODECS {
        let (mut exactly, mut nearly) = (0, 0);
        for size in (256..800).step_by(40).chain([515, 519, 1001]) {
            for (block, stored_size) in from_zeros_to_noise(codec, size) {
                let pays = 8 * stored_size <= 7 * size;
                exactly += usize::from(8 * stored_size == 7 * size);
                nearly += usize::from(!pays && 8 * (stored_size - 1) <= 7 * size);
                let want = if pays { codec } else { Codec::None };
                let came = codec.compress(&block, &mut Vec::new());
                assert_eq!(came, want, "{codec:?}: {size} bytes would be {stored_size} {PAYS}");
            }
        }
        assert!(exactly > 0 && nearly > 2, "{codec:?}: the test has blocks at the limit");
    }
}

#[test]
fn a_block_that_does_not_pay_is_stored_as_it_is() {
    for &codec in CODECS {
        assert!(compressed(codec, &zeros(4096)).len() < 500, "4096 zeros pay {PAYS}");
        let mut blocks = vec![noise(4096), noise(1 << 20), b"stone".to_vec(), vec![0], Vec::new()];
        // One that gets smaller, but not by an eighth.
        let (block, _) =
            from_zeros_to_noise(codec, 1000).find(|&(_, size)| size > 900).expect("one");
        blocks.push(block);
        for block in blocks {
            let mut out = b"before".to_vec();
            let came = codec.compress(&block, &mut out);
            let size = block.len();
            assert_eq!(came, Codec::None, "{codec:?}: how {size} bytes that do not pay are stored");
            let same = out == [b"before", block.as_slice()].concat();
            assert!(same, "{codec:?}: {size} bytes as they are, and nothing else, in `out` {PAYS}");
        }
    }
}

#[test]
fn no_codec_means_no_compression() {
    let mut out = b"before".to_vec();
    assert_eq!(Codec::None.compress(&zeros(4096), &mut out), Codec::None, "as it is {PAYS}");
    assert_eq!(out.len(), 6 + 4096, "bytes in `out`: no size in front {STORED}");
    expect_back(Codec::None, &out[6..], &zeros(4096), "zeros as they are");
    // What is a bad block to a codec is any block to none.
    expect_back(Codec::None, &claim(u32::MAX, b"x"), &claim(u32::MAX, b"x"), "any bytes");
    expect_refused(Codec::Lz4, &claim(u32::MAX, b"x"), 0, "the same bytes", CLAIM);
}

// What it costs.

#[test]
fn a_raw_block_is_not_copied() {
    let stored = Bytes::from(noise(100_000));
    let block = Codec::None.decompress(stored.clone()).expect("it is any block");
    assert_eq!(block.as_ptr(), stored.as_ptr(), "a raw block is the memory that was read (rule 4)");
    let allocated = allocated_by(3000, || Codec::None.decompress(stored.clone()));
    assert_eq!(allocated, 0, "bytes allocated for a raw block (rule 4 of day 6)");
    expect_back(Codec::Snappy, STONES_SNAPPY, STONES, "a block that is not raw");
}

#[test]
fn a_compressed_block_costs_one_allocation_of_its_size() {
    for &codec in CODECS {
        for (size, block) in [(4096, text(4096)), (1 << 20, zeros(1 << 20))] {
            let stored = Bytes::from(compressed(codec, &block));
            let allocated = allocated_by(300, || codec.decompress(stored.clone()));
            assert!(
                (size..size + 256).contains(&allocated),
                "{codec:?}: a block of {size} bytes is decompressed into memory of that size, and \
                 {allocated} bytes were allocated (rule 4 of day 6)"
            );
        }
    }
}

#[test]
fn a_block_is_compressed_into_the_memory_that_is_there() {
    for &codec in CODECS {
        for block in [zeros(64 << 10), text(64 << 10)] {
            compressed(codec, &block);
            let mut out = Vec::with_capacity(128 << 10);
            let allocated = allocated_by(300, || {
                out.clear();
                codec.compress(&block, &mut out)
            });
            assert!(
                allocated < 48 << 10,
                "{codec:?}: `out` has room for a block of 64 KiB, and {allocated} bytes were \
                 allocated; the codec's table is all that it needs {STORED}"
            );
        }
    }
}

#[test]
fn a_block_that_does_not_pay_is_stored_in_the_memory_that_is_there() {
    let block = noise(64 << 10);
    for &codec in CODECS {
        let mut out = Vec::with_capacity(128 << 10);
        let before = out.as_ptr();
        assert_eq!(codec.compress(&text(64 << 10), &mut out), codec, "text gets smaller {PAYS}");
        out.clear();
        let used = codec.compress(&block, &mut out);
        assert_eq!(used, Codec::None, "{codec:?}: noise does not get smaller {PAYS}");
        assert_eq!(out, block, "{codec:?}: what is stored is the block itself {PAYS}");
        assert_eq!(out.as_ptr(), before, "{codec:?}: `out` had room, and was not used {STORED}");
    }
}

mod hostile;
mod pays;
mod table;
