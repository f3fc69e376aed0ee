//! Day 4: which keys are not here. No is no, and yes is nearly always yes.

mod given;

use given::*;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use sstable::filter::{BITS_PER_KEY_MAX, LINE_SIZE};
use sstable::{FilterBuilder, hash};
use wal::testing::{seeds, show};

use crate::allocated_by;

// The hash.

#[test]
fn a_hash_is_exactly_this_number() {
    let golden: [(&[u8], u64); 9] = [
        // ANCHOR: listing_golden_hashes
        (b"", 0xf305_0e83_7be3_25db),
        (b"\0", 0xa5c8_f284_248f_e562),
        (b"a", 0xebd4_323f_931e_3ee8),
        (b"stone", 0xdaf5_cf88_6fdf_2b11),
        (b"stove", 0x9838_fd60_f332_14be),
        (b"12345678", 0x408f_d574_c78b_9df8),
        (b"123456789", 0x20bf_17ba_c95c_6a71),
        (b"stone by the river", 0x373f_e767_4c37_25a6),
        (&[0xff; 24], 0xeb38_6ac5_b7ad_04e5),
        // ANCHOR_END: listing_golden_hashes
    ];
    for (key, want) in golden {
        let came = hash(key);
        assert!(came == want, "hash of {}: want {want:#x}, got {came:#x} {FORMAT}", show(key));
    }
}

#[test]
fn every_bit_of_a_key_changes_its_hash() {
    for size in 1..=40 {
        let key: Vec<u8> = (0..size).collect();
        for bit in 0..8 * key.len() {
            let changed = hash(&flipped(key.clone(), bit)) ^ hash(&key);
            assert!(
                changed >> 32 != 0 && changed as u32 != 0,
                "a key of {size} bytes, bit {bit} flipped: both halves of the hash must change, \
                 and {changed:#018x} is what changed {FORMAT}"
            );
        }
    }
}

#[test]
fn zeros_at_the_end_of_a_key_change_its_hash() {
    let zeros = [0; 100];
    for start in [&b""[..], b"stone", b"12345678"] {
        let key = |size: usize| [start, &zeros[..size]].concat();
        for size in 0..zeros.len() {
            let (shorter, longer) = (hash(&key(size)), hash(&key(size + 1)));
            assert!(
                shorter != longer,
                "{} with {size} zeros behind it, and with {}: two keys, and one hash, {shorter:#x} \
                 {FORMAT}",
                show(start),
                size + 1
            );
        }
    }
}

// The block.

#[test]
fn a_filter_block_is_exactly_these_bytes() {
    // ANCHOR: listing_golden_filter
    let bytes = concat!(
        "4000000000000800000000200040000000400000800000000000000000000000",
        "0000000008000040000000000000000000080000000100000000000400000000",
        "06", // the number of probes
    );
    // ANCHOR_END: listing_golden_filter
    assert_eq!(
        hex(&block_of(10, ["stone", "stove"])),
        bytes,
        "a filter of `stone` and `stove` at ten bits a key: want the right {FORMAT}"
    );
}

#[test]
fn a_filter_of_three_lines_is_exactly_these_bytes() {
    let keys = (0..17).map(|number| format!("stone {number}"));
    let lines = concat!(
        "0b333884c410000aa02802a202a0b0841da0d0800a0d103c00e00922001482b4",
        "f862690054124130300481804013062044000162250c82420841a11002848618",
        "0a448282a012aa140340200b3130aa92521ea0188a7b1f40028c14d82c908b18",
        "087450a1fa9854000d10464050920230340309a506ac40a55018741817c14c58",
        "2283004a4e164c30268a88110e24a60110502280808200948028803200d10440",
        "001a00055084000800824240001371a1c00e19100912245192ac804624854184",
    );
    assert_eq!(
        hex(&block_of(64, keys)),
        format!("{lines}1e"),
        "`stone 0` to `stone 16` at 64 bits a key: three lines, 30 probes; want the right {FORMAT}"
    );
}

#[test]
fn a_filter_has_as_many_lines_as_its_bits_need() {
    for bits_per_key in [1, 4, 7, 10, 16, 33, 64] {
        for count in [1, 2, 7, 8, 9, 51, 52, 102, 103, 511, 512, 513, 1000] {
            let block = block_of(bits_per_key, (0..count).map(|n| format!("{n}")));
            let lines = (count * bits_per_key).div_ceil(8 * LINE_SIZE);
            let want = lines * LINE_SIZE + 1;
            assert!(
                block.len() == want,
                "{count} keys at {bits_per_key} bits are {} bits, which are {lines} lines; want \
                 {want} bytes, got {} {FORMAT}",
                count * bits_per_key,
                block.len()
            );
        }
    }
}

#[test]
fn the_last_byte_is_how_many_bits_a_key_sets() {
    for bits_per_key in (1..=70).chain([1000, usize::MAX]) {
        let block = block_of(bits_per_key, ["stone"]);
        let want = probes_byte(bits_per_key.min(BITS_PER_KEY_MAX));
        let came = block.last().copied();
        assert!(
            came == Some(want),
            "{bits_per_key} bits a key: want {want} probes in the last byte, got {came:?} {FORMAT}"
        );
        let (set, most) = (bits_set(&block), usize::from(want));
        assert!(
            (most.div_ceil(2)..=most).contains(&set),
            "{bits_per_key} bits a key: one key sets {most} bits, a few of them twice; {set} are \
             set {FORMAT}"
        );
    }
}

#[test]
fn all_bits_of_a_key_are_in_one_line() {
    for number in 0..100 {
        // 400 keys at ten bits, and with one more: both are eight lines.
        let others = (0..400).map(|other| format!("pebble {number}/{other}"));
        let (without, with) =
            (block_of(10, others.clone()), block_of(10, others.chain([format!("stone {number}")])));
        let changed = changed_lines(&without, &with);
        assert!(
            with.len() == 8 * LINE_SIZE + 1 && changed <= 1,
            "`stone {number}` as one key more: want eight lines, and bits set in one of them; got \
             {} bytes, and bits set in {changed} lines {FORMAT}",
            with.len()
        );
    }
}

#[test]
fn without_bits_or_without_keys_there_is_no_filter() {
    let none = [block_of(0, ["stone", "stove"]), block_of(10, [""; 0]), block_of(0, [""; 0])];
    let sizes = none.map(|block| block.len());
    assert_eq!(sizes, [0; 3], "no bits; no keys; neither: want no bytes at all {FORMAT}");
    let allocated = allocated_by(3000, || {
        let mut builder = FilterBuilder::new(0);
        (0..100).for_each(|byte| builder.add(&[byte]));
    });
    assert_eq!(allocated, 0, "bytes allocated for 100 keys without bits {FORMAT}");
    let size = block_of(1, [""]).len();
    assert_eq!(size, LINE_SIZE + 1, "one bit and one key, the empty one: want a line {FORMAT}");
}

#[test]
fn versions_of_a_key_count_once_in_a_filter() {
    for times in [1, 2, 3, 1000] {
        let keys = ["", "stone", "stone by the river", "stove"];
        let versions = keys.into_iter().flat_map(|key| vec![key; times]);
        let (want, came) = (block_of(64, keys), block_of(64, versions));
        assert!(
            want == came && !want.is_empty(),
            "four keys, each {times} times in a row: want the same {} bytes as for each once, got \
             {} {USER_KEYS}",
            want.len(),
            came.len()
        );
    }
}

#[test]
fn neither_their_order_nor_asking_twice_changes_a_filter() {
    let keys = random_keys(1, 1000);
    let mut builder = FilterBuilder::new(10);
    keys.iter().rev().for_each(|key| builder.add(key));
    let [first, second] = [builder.finish(), builder.finish()];
    assert!(first == second, "`finish` a second time: want the same bytes {FORMAT}");
    let forward = block_of(10, &keys);
    assert!(
        first == forward && !first.is_empty(),
        "a thousand keys, and the same from the last to the first: want the same bytes {FORMAT}"
    );
}

// No is no.

#[test]
fn no_key_that_was_added_is_denied() {
    for seed in seeds(60) {
        let mut dice = SmallRng::seed_from_u64(seed);
        let bits_per_key = dice.random_range(1..=BITS_PER_KEY_MAX);
        let count = [1, 2, 10, 100, 1000][dice.random_range(0..5)];
        let keys = random_keys(seed, count);
        let filter = filter_of(bits_per_key, &keys);
        let what = format!("one of {count} keys at {bits_per_key} bits, seed {seed}");
        keys.iter().for_each(|key| expect_let_through(&filter, key, &what));
    }
}

#[test]
fn no_key_is_denied_at_any_number_of_bits() {
    let keys = random_keys(0, 300);
    for bits_per_key in 1..=BITS_PER_KEY_MAX {
        let filter = filter_of(bits_per_key, &keys);
        let what = format!("one of 300 keys at {bits_per_key} bits");
        keys.iter().for_each(|key| expect_let_through(&filter, key, &what));
    }
}

#[test]
fn no_key_of_a_hundred_thousand_is_denied() {
    for bits_per_key in [1, 10, 64] {
        let filter = filter_of(bits_per_key, (0..100_000).map(key_at));
        let what = format!("one of a hundred thousand keys at {bits_per_key} bits");
        (0..100_000).for_each(|index| expect_let_through(&filter, &key_at(index), &what));
    }
}

#[test]
fn keys_of_every_size_are_let_through() {
    for fill in [0, 1, b'a', 0x80, 0xff] {
        let keys: Vec<Vec<u8>> =
            (0..=100).chain([255, 256, 65_536, 1 << 20]).map(|size| vec![fill; size]).collect();
        let filter = filter_of(20, &keys);
        keys.iter().for_each(|key| expect_let_through(&filter, key, "which was added"));
        expect_denied(&filter, &[fill; 101], "which was not added, as were one byte less");
    }
}

// Yes is nearly always yes.

#[test]
fn absent_random_keys_are_let_through_as_rarely_as_theory_says() {
    let absent = |index| random_key_at(index + PRESENT);
    expect_rate("random keys", ALL_BITS, random_key_at, absent);
}

#[test]
fn absent_numbers_are_let_through_as_rarely_as_theory_says() {
    let highest_first = |index: u64| index.to_be_bytes().to_vec();
    let what = "numbers, highest byte first";
    expect_rate(what, ALL_BITS, highest_first, |index| highest_first(index + PRESENT));
    let lowest_first = |index: u64| index.to_le_bytes().to_vec();
    let what = "numbers, lowest byte first";
    expect_rate(what, USUAL_BITS, lowest_first, |index| lowest_first(index + PRESENT));
    expect_rate("numbers in digits", USUAL_BITS, key_at, |index| key_at(index + PRESENT));
}

#[test]
fn absent_keys_that_share_a_long_part_are_let_through_as_rarely_as_theory_says() {
    let long = "a stone by the river ".repeat(5);
    let before = |index: u64| format!("{long}{index}").into_bytes();
    let what = "105 bytes in front of a number";
    expect_rate(what, USUAL_BITS, before, |index| before(index + PRESENT));
    let behind = |index: u64| format!("{index:08}{long}").into_bytes();
    let what = "105 bytes behind a number";
    expect_rate(what, USUAL_BITS, behind, |index| behind(index + PRESENT));
}

#[test]
fn absent_keys_one_bit_away_are_let_through_as_rarely_as_theory_says() {
    let away = |index| flipped(random_key_at(index % PRESENT), (index / PRESENT * 7) as usize);
    let what = "16 bytes that look random, and the same with a bit flipped";
    expect_rate(what, USUAL_BITS, random_key_at, away);
    // Any two of 600 bits, all others being 0.
    let pair = |index: u64| {
        let (first, further) = (index as usize % 600, index as usize / 600 + 1);
        flipped(flipped(vec![0; 75], first), (first + further) % 600)
    };
    let what = "75 bytes of zeros but for two bits";
    expect_rate(what, USUAL_BITS, pair, |index| pair(index + PRESENT));
}

#[test]
fn the_empty_key_is_denied_as_often_as_any_other() {
    let let_through = |key: &&[u8]| {
        let filters = (0..300).map(|seed| filter_of(10, (0..60).map(|n| format!("{seed}/{n}"))));
        filters.filter(|filter| filter.may_contain(key)).count()
    };
    for key in [&b""[..], b"\0", &[0; 8], b"a"] {
        let through = let_through(&key);
        assert!(
            through <= 20,
            "300 filters that have not got the key {}: want about three that let it through, got \
             {through} {ANSWER}",
            show(key)
        );
    }
}

// What a question looks at.

#[test]
fn one_bit_that_is_not_set_denies_a_key() {
    for bits_per_key in [1, 10, 64] {
        let block = lines_of(bits_per_key, ["stone"]);
        for bit in (0..8 * LINE_SIZE).filter(|bit| block[bit / 8] & 1 << (bit % 8) != 0) {
            let filter = decoded(&flipped(block.clone(), bit)).expect("a line and its probes");
            expect_denied(&filter, b"stone", &format!("without bit {bit}, which is one of its"));
        }
        // All bits but the key's: they are none of its business.
        let mut others = block.clone();
        others[..LINE_SIZE].iter_mut().for_each(|byte| *byte = !*byte);
        let filter = decoded(&others).expect("a line and its probes");
        expect_denied(&filter, b"stone", "with all bits set but its own");
        others[..LINE_SIZE].iter_mut().zip(&block).for_each(|(byte, own)| *byte |= own);
        expect_let_through(&decoded(&others).expect("a line"), b"stone", "with all bits set");
    }
}

#[test]
fn a_filter_is_asked_with_the_probes_that_its_block_names() {
    let mut many = lines_of(64, ["stone"]);
    for probes in 1..=30 {
        many[LINE_SIZE] = probes;
        let filter = decoded(&many).expect("1 to 30 probes");
        expect_let_through(&filter, b"stone", &format!("its first {probes} bits being set"));
    }
    let mut one = lines_of(1, ["stone"]);
    expect_let_through(&decoded(&one).expect("one probe"), b"stone", "its one bit being set");
    one[LINE_SIZE] = 2;
    expect_denied(&decoded(&one).expect("two probes"), b"stone", "its second bit not being set");
}

#[test]
fn a_filter_is_read_back_as_it_was_written() {
    for count in [1, 51, 52, 1000] {
        let block = lines_of(10, random_keys(7, count));
        let [filter, again] = [&block, &block].map(|block| decoded(block).expect("a new filter"));
        assert_eq!(filter, again, "the same bytes twice: want equal filters {FORMAT}");
        let (size, want) = (filter.size(), block.len() - 1);
        assert!(
            size == want && size > 0,
            "{count} keys: a filter of {want} bytes of lines takes {size} in memory {FORMAT}"
        );
    }
}

#[test]
fn a_question_allocates_nothing() {
    let keys = random_keys(3, 200);
    let filter = filter_of(10, &keys[..100]);
    let allocated = allocated_by(3000, || {
        let through = keys.iter().filter(|key| filter.may_contain(key)).count();
        assert!((100..120).contains(&through), "{through} of 200 are let through {ANSWER}");
    });
    assert_eq!(allocated, 0, "bytes allocated by 200 questions (rule 5 of day 4)");
}

// Bytes that are no filter.

#[test]
fn what_is_not_made_of_lines_is_no_filter() {
    for size in 0..=5 * LINE_SIZE {
        for byte in [0, 1, 6, 30, 31, 0xff] {
            expect_judged(&vec![byte; size]);
        }
    }
}

#[test]
fn a_number_of_probes_from_1_to_30_and_no_other_is_taken() {
    for probes in 0..=255 {
        for lines in [0, 1, 3] {
            expect_judged(&[vec![0x55; lines * LINE_SIZE], vec![probes]].concat());
        }
    }
}

#[test]
fn any_bytes_give_an_answer_or_an_error() {
    for seed in seeds(300) {
        let mut dice = SmallRng::seed_from_u64(seed);
        let lines = dice.random_range(0..10) * LINE_SIZE;
        let mut bytes = random_key(&mut dice, lines + 1 + seed as usize % 3 / 2);
        let last = bytes.len() - 1;
        bytes[last] %= 40;
        expect_judged(&bytes);
        if let Ok(filter) = decoded(&bytes) {
            random_keys(seed, 50).iter().for_each(|key| _ = filter.may_contain(key));
        }
    }
}

mod cost;
mod kept;
mod table;
