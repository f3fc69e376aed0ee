//! Lab lz4: the block format by hand, both ways, and nothing that comes in is believed.

mod given;

use given::*;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use sstable::lz4::Compressor;
use wal::testing::{seeds, show};

use crate::codecs::{all_kinds, counters, noise, text, zeros};

// ANCHOR: listing_golden
/// Blocks, and what they are as LZ4.
const GOLDEN: &[(&[u8], &[u8])] = &[
    (b"", b"\0"),
    (b"stone", b"\x50stone"),
    (b"0123456789abcde", b"\xf0\x000123456789abcde"),
    (b"aaaaaaaaaaaa", b"\xc0aaaaaaaaaaaa"),
    (b"aaaaaaaaaaaaa", b"\x13a\x01\0\x50aaaaa"),
    (b"a stone on a stone on a stone, and no more", b"\xbea stone on \x0b\0\xd0, and no more"),
];
// ANCHOR_END: listing_golden

// Reading.

#[test]
fn these_bytes_are_a_block() {
    for (block, packed) in GOLDEN {
        expect_back(packed, block, "a block that was worked out by hand");
    }
    expect_back(b"\x1fa\x01\0\xff\x14\x50aaaaa", &[b'a'; 300], "300 times a");
    // The rules for the end bind who writes. Here a copy goes up to the end, and no literal follows.
    expect_back(b"\x11a\x01\0\0", b"aaaaaa", "no literals at the end");
    expect_back(b"\x40ston", b"ston", "four literals");
    expect_back(b"\x10a\x01\0\x02\x05\0\x20le", b"aaaaaaaaaaale", "no literals between copies");
}

#[test]
fn a_copy_repeats_what_it_has_just_made() {
    let literals = noise(48);
    for offset in 1..=48 {
        for len in (4..=80).chain([100, 273, 274, 1000]) {
            for end in [0, 1, 17, 40] {
                let start = sequence(&literals, Some((offset, len)));
                let packed = [start, sequence(&noise(end), None)].concat();
                let (block, _) = walk(&packed).expect("it is a good one");
                let what = format!("{len} bytes from {offset} back, {end} behind");
                expect_back(&packed, &block, &what);
            }
        }
    }
}

#[test]
fn lengths_of_every_size_are_read() {
    for size in (0..800).chain([1000, 5000, 65_535, 65_536, 70_000, 300_000]) {
        let literals = noise(size);
        expect_back(&sequence(&literals, None), &literals, &format!("{size} literals"));
        let (len, start) = (size + 4, noise(70));
        let copy = sequence(&start, Some((70, len)));
        let packed = [copy, sequence(b"slate", None)].concat();
        let (block, _) = walk(&packed).expect("it is a good one");
        expect_back(&packed, &block, &format!("a copy of {len} bytes"));
    }
}

#[test]
fn what_the_crate_makes_is_read() {
    for (what, block) in all_kinds() {
        expect_back(&lz4_flex::block::compress(&block), &block, &what);
    }
    let text = text(70_000);
    for size in 0..600 {
        let block = &text[size..2 * size];
        expect_back(&lz4_flex::block::compress(block), block, &format!("{size} bytes of text"));
    }
    expect_back(&lz4_flex::block::compress(&text), &text, "70 000 bytes of text");
}

// Writing.

#[test]
fn a_block_is_exactly_these_bytes() {
    for (block, want) in GOLDEN {
        let came = packed(block);
        assert!(
            came == *want,
            "of \"{}\" your compressor made \"{}\", and must make \"{}\" {FORMAT}",
            show(block),
            show(&came),
            show(want)
        );
    }
}

#[test]
fn what_does_not_repeat_grows_by_a_byte_in_255_at_most() {
    for size in (0..1200).chain([5000, 60_000]) {
        let block = noise(size);
        let (came, want) = (packed(&block), sequence(&block, None));
        let copies = expect_good(&came, &block, &format!("{size} bytes of noise"));
        assert!(
            came == want || !copies.is_empty() && came.len() <= want.len() + 3,
            "{size} bytes of noise: one token, a count, and the noise are {} bytes, and yours are \
             {} {FORMAT}",
            want.len(),
            came.len()
        );
    }
}

#[test]
fn runs_of_every_length_are_one_copy() {
    for size in 13..1200 {
        let block = vec![b'a'; size];
        let want = [sequence(b"a", Some((1, size - 6))), sequence(b"aaaaa", None)].concat();
        let came = packed(&block);
        expect_good(&came, &block, &format!("{size} times a"));
        assert!(
            came == want,
            "{size} times a became \"{}\", and must become \"{}\": a literal, a copy of all but that \
             and the last five, and those {FORMAT}",
            show(&came),
            show(&want)
        );
    }
}

#[test]
fn every_kind_of_block_comes_back() {
    for (what, block) in all_kinds() {
        let packed = packed(&block);
        expect_good(&packed, &block, &what);
        expect_back(&packed, &block, &what);
    }
}

#[test]
fn blocks_of_every_small_size_come_back() {
    let text = text(2000);
    for size in 0..600 {
        for block in [&text[..size], &counters(size), &zeros(size)] {
            let packed = packed(block);
            expect_good(&packed, block, &format!("{size} bytes"));
            expect_back(&packed, block, &format!("{size} bytes"));
        }
    }
}

#[test]
fn a_block_ends_with_literals() {
    // 20 bytes, something else, some of the 20 again, and so many others behind.
    let (start, at) = (noise(20), 24);
    for (again, end) in (5..=20).flat_map(|again| (0..16).map(move |end| (again, end))) {
        let block = [&start[..], b"----", &start[..again], &b"0123456789abcdef"[..end]].concat();
        let size = block.len();
        let copies = expect_good(&packed(&block), &block, &format!("{again} again, {end} behind"));
        let may = at + 12 <= size;
        let want = may.then(|| Copied { at, offset: 24, len: again.min(size - 5 - at) });
        assert_eq!(
            copies,
            Vec::from_iter(want),
            "in a block of {size} bytes, {again} bytes of the start stand again at byte {at}: left \
             are your copies, right what they must be {END}"
        );
    }
}

#[test]
fn a_copy_begins_at_most_65535_back() {
    for (distance, want) in [(65_534, true), (65_535, true), (65_536, false), (131_073, false)] {
        let name = b"marble and quartz";
        let between = zeros(distance - name.len());
        let block = [b"0", &name[..], &between, name, b" behind it"].concat();
        let copies = expect_good(&packed(&block), &block, &format!("{distance} between"));
        let found = copies.iter().any(|copy| copy.offset == distance && copy.len >= 15);
        assert_eq!(found, want, "whether a copy from {distance} back is there: {copies:?} {END}");
    }
}

#[test]
fn a_copy_is_as_long_as_it_gets_in_both_directions() {
    // Noise makes long steps, which end up inside of what was there before.
    for size in [200, 500, 1000, 3000] {
        let block = [noise(size), noise(size), b"the end of it".to_vec()].concat();
        let copies = expect_good(&packed(&block), &block, &format!("{size} bytes of noise twice"));
        let ends = copies.last().map(|copy| (copy.at, copy.at + copy.len));
        assert_eq!(
            ends,
            Some((size, 2 * size)),
            "{size} bytes of noise, and the same again: left is where your last copy begins and \
             ends, right where it must {FINDS}"
        );
    }
}

#[test]
fn a_block_is_the_same_bytes_whatever_was_before() {
    let mut compressor = Compressor::new();
    let blocks = [text(5000), counters(3000), text(300), noise(1000), text(5000), zeros(100)];
    for (number, block) in blocks.iter().chain(&blocks).enumerate() {
        // Longer than what some of the blocks become.
        let before = vec![b'-'; 6000];
        let mut out = before.clone();
        compressor.compress(block, &mut out);
        let want = [&before[..], &packed(block)].concat();
        assert!(
            out == want,
            "block {number}, of {} bytes, came out as {} bytes behind 6000 others, and a new \
             compressor makes {} of it: they must be the same, and the others stay {FINDS}",
            block.len(),
            out.len().saturating_sub(6000),
            want.len() - 6000
        );
        expect_good(&out[6000..], block, "a block after others");
    }
}

#[test]
fn what_the_table_says_is_compared() {
    for bits in [1, 2, 4, 8, 14] {
        let mut compressor = Compressor::with_table_bits(bits);
        for block in [text(3000), counters(3000), noise(3000), zeros(3000), all_bytes()] {
            let mut out = Vec::new();
            compressor.compress(&block, &mut out);
            let what = format!("{} bytes, with a table of {} entries", block.len(), 1 << bits);
            expect_good(&out, &block, &what);
        }
    }
}

fn all_bytes() -> Vec<u8> {
    (0..=255).chain(0..=255).collect()
}

#[test]
fn after_noise_copies_are_found_again() {
    let tail = text(20_000);
    let alone = packed(&tail).len();
    for size in [10_000, 60_000, 1 << 20] {
        let block = [noise(size), tail.clone()].concat();
        let packed = packed(&block);
        expect_good(&packed, &block, "noise, and text behind");
        // The step is as long as it is when the text begins, and some of them find nothing.
        let most = size + size / 255 + alone + 1500 + size / 256;
        assert!(
            packed.len() <= most,
            "{size} bytes of noise and {} of text became {}, at most {most}: text alone is {alone}. \
             A step that has grown in what repeats nothing begins at one again {FINDS}",
            tail.len(),
            packed.len()
        );
    }
}

#[test]
fn it_leaves_no_more_than_the_crate_and_a_little() {
    for (what, block) in all_kinds() {
        let (yours, crates) = (packed(&block).len(), lz4_flex::block::compress(&block).len());
        assert!(
            yours <= crates + crates / 20 + 16,
            "{what}: lz4_flex leaves {crates} bytes and you {yours}, which is more than a twentieth \
             above it {FINDS}"
        );
    }
}

#[test]
fn any_data_comes_back() {
    for seed in seeds(400) {
        let mut dice = SmallRng::seed_from_u64(seed);
        let (size, letters) = (dice.random_range(0..3000), dice.random_range(1..40_u8));
        let mut block: Vec<u8> = Vec::new();
        while block.len() < size {
            let count = dice.random_range(1..60);
            let back = dice.random_range(0..=block.len());
            match dice.random_range(0..3) {
                0 => (0..count).for_each(|_| block.push(dice.random_range(0..letters))),
                1 => block.resize(block.len() + count, dice.random_range(0..letters)),
                _ => block.extend_from_within(back..(back + count).min(block.len())),
            }
        }
        let what = format!("seed {seed}, {} bytes of {letters} letters", block.len());
        let packed = packed(&block);
        expect_good(&packed, &block, &what);
        expect_back(&packed, &block, &what);
    }
}

mod cost;
mod hostile;
mod kept;
mod table;
