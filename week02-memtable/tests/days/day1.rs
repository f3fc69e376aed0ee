//! Day 1: key ascending, sequence descending: an overwrite becomes an order.

mod given;

use given::*;
use memtable::{InternalKey, Kind, SEQ_MAX, TRAILER_SIZE, compare_encoded};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use wal::Seq;
use wal::testing::{seeds, show};

use crate::allocated_by;

// The bytes.

#[test]
fn a_trailer_is_the_number_times_256_plus_the_kind() {
    let bits = (0..56).map(|bit| 1 << bit);
    for seq in bits.chain([0, 255, 257, SEQ_MAX - 1, SEQ_MAX]) {
        for (kind, number) in [(Kind::Delete, 0), (Kind::Put, 1)] {
            let came = InternalKey { user_key: b"stone", seq, kind }.trailer();
            assert!(
                came == seq * 256 + number,
                "{kind:?} number {seq:#x}: want the trailer {:#x}, got {came:#x}\n\
                 the number in the upper seven bytes, the kind in the lowest: rule 3 of day 1",
                seq * 256 + number
            );
        }
    }
}

#[test]
fn a_number_above_the_largest_is_never_written() {
    for kind in [Kind::Delete, Kind::Put] {
        let key = |seq| InternalKey { user_key: b"stone", seq, kind };
        let largest = without_panic("the trailer of SEQ_MAX", || key(SEQ_MAX).trailer());
        assert_eq!(largest >> 8, SEQ_MAX, "SEQ_MAX itself is a number: rule 3 of day 1");
        without_panic("encoding SEQ_MAX", || key(SEQ_MAX).encode(&mut Vec::new()));
        for seq in [SEQ_MAX + 1, SEQ_MAX + 2, 1 << 57, 1 << 63, Seq::MAX] {
            let why = "its trailer would be another number's (rule 3 of day 1)";
            expect_panic(&format!("`trailer` of number {seq:#x}"), why, || key(seq).trailer());
            let mut out = Vec::new();
            expect_panic(&format!("`encode` of number {seq:#x}"), why, || {
                key(seq).encode(&mut out)
            });
            let left = show(&out);
            assert!(
                out.is_empty(),
                "`encode` of number {seq:#x} left {left} behind: rule 3 of day 1"
            );
        }
    }
}

#[test]
fn a_key_has_exactly_these_bytes() {
    for (key, bytes) in golden() {
        assert_eq!(
            show(&encoded(key)).to_string(),
            show(bytes).to_string(),
            "{}: want the right, got the left: the user's key as it is, then the trailer, its \
             lowest byte first, and nothing else (rule 4 of day 1)",
            show_key(key)
        );
    }
}

#[test]
fn these_bytes_are_exactly_that_key() {
    for (key, bytes) in golden() {
        expect_decodes(bytes, key);
    }
}

#[test]
fn a_key_goes_behind_what_is_already_in_the_buffer() {
    let mut out = b"kept".to_vec();
    put(b"stone", 7).encode(&mut out);
    assert_eq!(
        out.escape_ascii().to_string(),
        b"keptstone\x01\x07\0\0\0\0\0\0".escape_ascii().to_string(),
        "four bytes were in `out`, and stay; the key is appended (rule 4 of day 1)"
    );
}

#[test]
fn what_was_encoded_is_decoded() {
    let every_byte = (0..=255).flat_map(|byte| [vec![byte], vec![byte; TRAILER_SIZE + 1]]);
    let sizes = (0..40).chain([255, 256, 65_536]).map(|size| vec![0x01; size]);
    let encoded_once = [encoded(put(b"", 1)), encoded(delete(b"stone", SEQ_MAX))];
    for user_key in every_byte.chain(sizes).chain(encoded_once) {
        for seq in [0, 1, 255, 256, 1 << 40, SEQ_MAX] {
            for key in [put(&user_key, seq), delete(&user_key, seq)] {
                expect_decodes(&encoded(key), key);
            }
        }
    }
}

// Bytes that are no key.

#[test]
fn what_is_too_short_for_a_trailer_is_refused() {
    for byte in 0..=255 {
        for size in 0..TRAILER_SIZE {
            expect_refused(&vec![byte; size], "a trailer has eight bytes");
        }
    }
    // Eight bytes are a trailer behind an empty key.
    expect_decodes(b"\x01\x07\0\0\0\0\0\0", put(b"", 7));
}

#[test]
fn an_unknown_kind_is_refused() {
    for kind in 2..=255 {
        for user_key in [&b""[..], b"k", b"stone", &[kind; 20]] {
            for number in [[0; 7], [1, 0, 0, 0, 0, 0, 0], [0xff; 7], [kind; 7]] {
                let bytes = [user_key, &[kind], &number].concat();
                expect_refused(&bytes, &format!("{kind} is neither a put's kind nor a delete's"));
            }
        }
    }
}

// The order.

#[test]
fn of_one_key_the_newest_comes_first() {
    for user_key in [&b""[..], b"stone", b"\xff\xff"] {
        for pair in NUMBERS.windows(2) {
            for (older, newer) in [
                (put(user_key, pair[0]), put(user_key, pair[1])),
                (put(user_key, pair[0]), delete(user_key, pair[1])),
                (delete(user_key, pair[0]), put(user_key, pair[1])),
                (delete(user_key, pair[0]), put(user_key, pair[0])),
            ] {
                expect_order(newer, older);
                expect_order(older, newer);
            }
        }
    }
}

#[test]
fn keys_are_in_order_byte_by_byte() {
    for left in 0..=255 {
        for right in 0..=255 {
            let keys = [[b's', left, 0x80], [b's', right, 0x80]];
            expect_order(put(&keys[0], 1), delete(&keys[1], 2));
            expect_order(delete(&keys[0], SEQ_MAX), put(&keys[1], 1));
        }
    }
}

/// As plain bytes, `a` with a trailer and `a\0…` with another come in any order.
#[test]
fn a_key_comes_before_every_longer_one_that_begins_with_it() {
    for size in 0..12 {
        for next in 0..=255 {
            let long = [&b"stone by the river"[..size], &[next]].concat();
            let short = &long[..size];
            for seq in NUMBERS {
                for (before, behind) in
                    [(put(short, seq), put(&long, 1)), (delete(short, seq), delete(&long, SEQ_MAX))]
                {
                    expect_order(before, behind);
                    expect_order(behind, before);
                    expect_encoded_order(&by_hand(before), &by_hand(behind));
                    expect_encoded_order(&by_hand(behind), &by_hand(before));
                }
            }
        }
    }
}

#[test]
fn the_order_is_that_of_a_plain_tuple() {
    let short = short_keys();
    let versions = versions_of(&short);
    for &left in &versions {
        for &right in &versions {
            expect_order(left, right);
        }
    }
    for seed in seeds(300) {
        let random = random_keys(&mut SmallRng::seed_from_u64(seed));
        let mut sorted: Vec<_> = random
            .iter()
            .map(|(key, seq, kind)| InternalKey { user_key: key, seq: *seq, kind: *kind })
            .collect();
        for pair in sorted.windows(2) {
            expect_order(pair[0], pair[1]);
        }
        without_panic("sorting by `cmp`", || sorted.sort());
        let wrong = sorted.windows(2).find(|pair| place(pair[0]) > place(pair[1]));
        let shown = wrong.map(|pair| [show_key(pair[0]), show_key(pair[1])]);
        assert!(
            wrong.is_none(),
            "seed {seed}: sorted by `cmp`, these two stand the wrong way round: {shown:?} (rule 1 \
             of day 1)"
        );
    }
}

// What a snapshot sees.

#[test]
fn a_lookup_finds_the_newest_version_that_a_snapshot_sees() {
    for seed in seeds(100) {
        let mut dice = SmallRng::seed_from_u64(seed);
        let keys: [&[u8]; 5] = [b"", b"a", b"a\0", b"ab", b"b"];
        let mut history = Vec::new();
        for seq in 1..=20 {
            let user_key = keys[dice.random_range(0..keys.len())];
            let kind = if dice.random() { Kind::Put } else { Kind::Delete };
            history.push(InternalKey { user_key, seq, kind });
        }
        // The largest number there is, and a neighbour.
        history.extend([put(b"a", SEQ_MAX), delete(b"b", SEQ_MAX - 1)]);
        let mut entries = history.clone();
        entries.sort_by_key(|&key| place(key));
        for snapshot in (0..=21).chain([SEQ_MAX - 1, SEQ_MAX]) {
            for user_key in keys.into_iter().chain([&b"A"[..], b"aa", b"c"]) {
                let sees = |key: &&InternalKey<'_>| key.user_key == user_key && key.seq <= snapshot;
                let want = history.iter().rfind(sees).copied();
                expect_found(seed, &entries, user_key, snapshot, want);
            }
        }
    }
}

#[test]
fn oldest_is_behind_all_versions_and_before_the_next_key() {
    let short = short_keys();
    for user_key in &short {
        let oldest = without_panic("`oldest`", || InternalKey::oldest(user_key));
        for version in versions_of(std::slice::from_ref(user_key)) {
            assert!(
                version < oldest || (version == oldest && version.seq == 0),
                "{} must stand before `oldest`, which is {}: no version is behind it, and none \
                 that a store numbers is at it (rule 2 of day 1)",
                show_key(version),
                show_key(oldest)
            );
        }
        for next in short.iter().filter(|next| *next > user_key) {
            assert!(
                oldest < put(next, SEQ_MAX),
                "`oldest` of {} must stand before the next key, {}, and is {}: rule 2 of day 1",
                show(user_key),
                show(next),
                show_key(oldest)
            );
        }
    }
}

// Encoded keys.

#[test]
fn encoded_keys_compare_as_keys_do() {
    let short = short_keys();
    let encoded: Vec<Vec<u8>> = versions_of(&short).into_iter().map(by_hand).collect();
    for left in &encoded {
        for right in &encoded {
            expect_encoded_order(left, right);
        }
    }
    // Numbers whose bytes, lowest first, come in another order than the numbers.
    for bit in 0..56 {
        for other in 0..56 {
            expect_encoded_order(&by_hand(put(b"k", 1 << bit)), &by_hand(put(b"k", 1 << other)));
            expect_encoded_order(
                &by_hand(put(b"k", (1 << bit) - 1)),
                &by_hand(delete(b"k", 1 << other)),
            );
        }
    }
}

#[test]
fn a_comparison_asks_for_room_for_a_trailer_and_for_nothing_else() {
    for kinds in [[0, 2], [1, 2], [2, 3], [2, 255], [127, 128], [255, 255]] {
        for number in [[0; 7], [1, 0, 0, 0, 0, 0, 0], [0xff; 7]] {
            let [left, right] = kinds.map(|kind| [&b"k"[..], &[kind], &number].concat());
            expect_encoded_order(&left, &right);
            expect_encoded_order(&right, &left);
        }
    }
    let whole = by_hand(put(b"stone", 7));
    for size in 0..TRAILER_SIZE {
        let short = &whole[whole.len() - size..];
        for (left, right) in [(short, &whole[..]), (&whole, short), (short, short)] {
            let call = format!("comparing {} with {}", show(left), show(right));
            expect_panic(&call, "one of them is no key", || compare_encoded(left, right));
        }
    }
}

#[test]
fn keys_are_written_read_and_compared_without_an_allocation() {
    let (left, right) =
        (put(b"a key of some length, a", 300), delete(b"a key of some length, b", 9));
    let [mut left_bytes, mut right_bytes] = [Vec::with_capacity(100), Vec::with_capacity(100)];
    let allocated = allocated_by(5, || {
        left_bytes.clear();
        left.encode(&mut left_bytes);
        right_bytes.clear();
        right.encode(&mut right_bytes);
    });
    assert_eq!(allocated, 0, "bytes allocated by `encode` into a `Vec` that has room (rule 5)");
    let what: [(&str, &dyn Fn()); 3] = [
        ("`cmp`", &|| assert!(left < right, "the user keys decide")),
        ("`compare_encoded`", &|| assert!(compare_encoded(&left_bytes, &right_bytes).is_lt())),
        ("`decode`", &|| assert_eq!(InternalKey::decode(&left_bytes), Ok(left))),
    ];
    for (name, call) in what {
        assert_eq!(allocated_by(5, call), 0, "bytes allocated by {name} (rule 5 of day 1)");
    }
}
