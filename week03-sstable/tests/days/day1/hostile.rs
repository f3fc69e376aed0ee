//! Blocks that nobody vouches for: every move gives an error, or an entry that stands there.

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use sstable::Block;
use wal::testing::{seeds, show};

use super::given::Move::{First, Last, Next, Prev, Seek, SeekBack};
use super::given::*;

// What is no block.

#[test]
fn what_has_no_room_for_its_restart_points_is_refused() {
    for size in 0..4 {
        expect_no_block(&vec![0; size], "four bytes at its end say how many restart points it has");
    }
    let stone = raw([0, 13, 0], STONE);
    // Times four, the last three are 0, 4 and 4 again in 32 bits.
    for count in [6, 7, 1000, u32::MAX, 1 << 30, (1 << 30) + 1, (3 << 30) + 1] {
        let bytes = [&stone[..], b"\0\0\0\0", &count.to_le_bytes()].concat();
        expect_no_block(&bytes, "there is no room for so many restart points");
    }
}

#[test]
fn a_block_without_restart_points_or_without_entries_is_refused() {
    expect_no_block(&block(b"", &[]), "its count of restart points is 0");
    expect_no_block(&block(&raw([0, 13, 0], STONE), &[]), "its count of restart points is 0");
    expect_no_block(&block(b"", &[0]), "restart point 0 is where the entries end: it has none");
}

#[test]
fn restart_points_that_do_not_ascend_from_0_are_refused() {
    let entries = raw([0, 13, 0], STONE).repeat(4); // sixteen bytes each
    let why = "restart points ascend from 0, all of them before the end of the entries";
    for restarts in [
        &[1][..],
        &[16],
        &[0, 0],
        &[0, 16, 16],
        &[0, 32, 16],
        &[16, 0],
        &[0, 64],
        &[0, 16, 65],
        &[0, 0xffff_ffff],
        &[0xffff_ffff, 0],
    ] {
        expect_no_block(&block(&entries, restarts), &format!("{restarts:?} are none: {why}"));
    }
    let good = block(&entries, &[0, 16, 48]);
    let parsed = Block::parse(Bytes::from(good));
    assert!(parsed.is_ok(), "0, 16 and 48 ascend, and `parse` says {parsed:?} {BYTES}");
}

// What is no entry.

#[test]
fn lengths_that_are_cut_off_or_too_large_are_refused() {
    for length in [&b"\x80"[..], b"\xff\xff", b"\xff\xff\xff\xff\x10", &[0xff; 6], &[0x80; 20]] {
        expect_no_entry(length, "its first length is none");
        expect_no_entry(&[b"\0", length].concat(), "its second length is none");
        expect_no_entry(&[b"\0\x0d", length].concat(), "its third length is none");
    }
    // It ends with the entries, although more bytes follow.
    expect_no_entry(b"\x00", "it has one length of three");
    expect_no_entry(b"\x00\x0d", "it has two lengths of three");
}

#[test]
fn an_entry_that_runs_past_the_end_of_the_entries_is_refused() {
    const MAX: usize = u32::MAX as usize;
    for lengths in [
        [0, 13, 1],
        [0, 13, 4],
        [0, 13, 8],
        [0, 13, MAX - 12],
        [0, 13, MAX],
        [0, 14, 0],
        [0, MAX, 0],
        [0, MAX - 15, 16],
        [0, MAX, MAX],
        [MAX, MAX, MAX],
    ] {
        expect_no_entry(&raw(lengths, STONE), "the entries end before it does");
    }
    // Half of its trailer would be restart points.
    expect_no_entry(&raw([0, 13, 0], &STONE[..9]), "the entries end within its trailer");
}

#[test]
fn a_key_without_room_for_its_trailer_is_refused() {
    for unshared in 0..8 {
        for value_size in [0, 1, 13 - unshared] {
            let why = "what is not shared of a key is eight bytes or more";
            expect_no_entry(&raw([0, unshared, value_size], STONE), why);
        }
    }
}

#[test]
fn an_entry_of_an_unknown_kind_is_refused() {
    for kind in 2..=255 {
        let mut key = *STONE;
        key[5] = kind;
        expect_no_entry(&raw([0, 13, 0], &key), &format!("{kind} is no kind"));
    }
}

#[test]
fn an_entry_that_shares_more_than_there_is_is_refused() {
    for shared in [6, 7, 100, u32::MAX as usize] {
        expect_no_entry(&raw([shared, 13, 0], STONE), "the key before it has five bytes");
    }
    // `stone`, then `st`, which has no third byte to share.
    let entries =
        [raw([0, 13, 0], STONE), raw([2, 8, 0], &STONE[5..]), raw([3, 8, 0], &STONE[5..])];
    let mut cursor = parsed(&block(&entries.concat(), &[0])).cursor();
    let results = [cursor.first(), cursor.next(), cursor.next()];
    assert!(
        matches!(results, [Ok(()), Ok(()), Err(_)]),
        "the third entry shares three bytes of `st`: {results:?}; only the key right before it \
         counts {HOSTILE}"
    );
}

#[test]
fn a_restart_point_that_shares_bytes_is_refused() {
    let entries = [raw([0, 13, 0], STONE), raw([1, 13, 0], STONE), raw([0, 13, 0], STONE)];
    let mut cursor = parsed(&block(&entries.concat(), &[0, 16, 32])).cursor();
    let target = &given("t@1=")[0];
    for (start, step) in
        [(First, Next), (Last, Prev), (Seek(target), Next), (SeekBack(target), Next)]
    {
        let results = [start.on(&mut cursor), step.on(&mut cursor)];
        assert!(
            results.iter().any(Result::is_err) && entry_of(&cursor).is_none(),
            "{start}, {step}: the second entry, at restart point 1, shares a byte: {results:?} \
             {HOSTILE}"
        );
    }
}

#[test]
fn an_entry_that_reaches_across_a_restart_point_is_refused() {
    // The second entry stands in the first one's value.
    let inner = raw([0, 13, 0], STONE);
    for behind in [&b""[..], b"!", &raw([0, 13, 0], STONE)] {
        let value = [b"value", &inner[..], behind].concat();
        let outer = raw([0, 13, value.len()], &[&STONE[..], &value].concat());
        let inner_at = outer.len() - behind.len() - inner.len();
        let bytes = block(&outer, &[0, inner_at]);
        expect_honest("an entry in an entry", &bytes, &given("stone@7= stone@8= t@1= a@1="));
        let mut cursor = parsed(&bytes).cursor();
        let results = [cursor.first(), cursor.next()];
        let count = results.iter().filter(|result| result.is_err()).count();
        assert_eq!(
            count, 1,
            "first, next: {results:?}: the entry ends behind a restart point {HOSTILE}"
        );
    }
    let bytes = block(&[&raw([0, 13, 16], STONE)[..], &inner].concat(), &[0, 16]);
    let mut cursor = parsed(&bytes).cursor();
    assert_eq!(cursor.last(), Ok(()), "the entry at the last restart point is a good one {READS}");
    let result = cursor.prev();
    assert!(
        result.is_err() && entry_of(&cursor).is_none(),
        "prev: {result:?}: no entry ends where this one begins {HOSTILE}"
    );
}

#[test]
fn the_damage_of_the_worked_example_is_found_where_the_chapter_says() {
    let good = by_hand(&given("stone@9- stone@7=x stones@8=y stove@4=z"), 3);
    // Behind the end: byte 0. Across a restart point: where the entry begins, or where it ends.
    for (unshared, places) in [(0x4d, &[0][..]), (0x1d, &[32, 43])] {
        let mut bytes = good.clone();
        bytes[1] = unshared;
        let mut cursor = parsed(&bytes).cursor();
        let mut result = cursor.first();
        while result.is_ok() && cursor.key().is_some() {
            result = cursor.next();
        }
        let is_right = result.is_err_and(|bad| places.contains(&bad.at));
        assert!(
            is_right,
            "the first entry's second length is {unshared:#x}: a walk from it ends with \
             {result:?}; want an error at one of the bytes {places:?} {HOSTILE}"
        );
    }
}

#[test]
fn after_an_error_a_cursor_is_at_no_entry_until_it_is_placed_anew() {
    let (entries, good) = (numbered(9), by_hand(&numbered(9), 3));
    let (_, kinds) = by_hand_with_kinds(&entries, 3);
    let ends = kinds.iter().zip(&entries).map(|(kind, entry)| kind + 8 + entry.value.len());
    let begins: Vec<usize> = std::iter::once(0).chain(ends).collect();
    for (damaged, &kind) in kinds.iter().enumerate() {
        let mut bytes = good.clone();
        bytes[kind] = 2;
        let mut cursor = parsed(&bytes).cursor();
        // The first run or the last is whole: from there, every move.
        let (start, at) = if damaged < 3 { (Last, 8) } else { (First, 0) };
        for target in &entries {
            for step in [First, Last, Seek(target), SeekBack(target), Next, Prev] {
                start.on(&mut cursor).unwrap_or_else(|bad| panic!("{start}: {bad} {READS}"));
                let said = format!("entry {damaged} of 9 is damaged: {start}, {step}");
                if let Err(bad) = step.on(&mut cursor) {
                    let (at, want) = (bad.at, begins[damaged]);
                    assert_eq!(at, want, "{said}: {bad}: want the byte where it begins {HOSTILE}");
                    for step in [Next, Prev, Next] {
                        let at = entry_of(&cursor);
                        let (is_none, value) = (at.is_none(), cursor.value());
                        assert!(
                            is_none && value == b"",
                            "{said}: {bad}, and it is at an entry {HOSTILE}"
                        );
                        assert_eq!(step.on(&mut cursor), Ok(()), "{said}, {step}: nothing is read");
                    }
                }
                start
                    .on(&mut cursor)
                    .unwrap_or_else(|bad| panic!("{said}, {start}: {bad} {HOSTILE}"));
                let came = entry_of(&cursor);
                let is_right = came.as_ref() == Some(&entries[at]);
                assert!(is_right, "{said}, {start}: {} {PLACES}", show_entry(came.as_ref()));
            }
        }
    }
}

// Everything else.

#[test]
fn every_cut_of_a_block_gives_errors_or_what_stands_there() {
    let entries = mixed();
    for interval in [1, 2, 4, 16] {
        let bytes = by_hand(&entries, interval);
        for size in 0..=bytes.len() {
            expect_honest(&format!("cut at byte {size}"), &bytes[..size], &entries);
            expect_honest(&format!("its first {size} bytes gone"), &bytes[size..], &entries);
        }
    }
}

#[test]
fn every_byte_of_a_block_may_be_any_other() {
    let entries = given("stone@9- stone@7=x stones@8=y stove@4=z");
    let good = by_hand(&entries, 3);
    for at in 0..good.len() {
        for byte in 0..=255 {
            let mut bytes = good.clone();
            bytes[at] = byte;
            expect_honest(&format!("byte {at} is {byte:#04x}"), &bytes, &entries[1..3]);
        }
    }
}

#[test]
fn every_restart_point_may_be_anywhere() {
    let entries = mixed();
    let bytes = by_hand(&entries, 100);
    let end = bytes.len() - 8;
    for at in 0..=end {
        let moved = block(&bytes[..end], &[0, at]);
        expect_honest(&format!("a restart point at byte {at}"), &moved, &entries);
    }
}

#[test]
fn ten_thousand_mutated_blocks_give_errors_or_what_stands_there() {
    for seed in seeds(10_000) {
        let mut dice = SmallRng::seed_from_u64(seed);
        let entries = random(&mut dice, 12);
        let interval = [1, 2, 4, 16][dice.random_range(0..4)];
        let mut bytes = by_hand(&entries, interval);
        for _ in 0..dice.random_range(1..4) {
            let near_the_end = bytes.len().saturating_sub(20) * dice.random_range(0..2);
            let at = dice.random_range(near_the_end..bytes.len());
            match dice.random_range(0..5) {
                0 => bytes[at] = dice.random(),
                1 => bytes[at] = 0xff,
                2 => bytes[at] ^= 1 << dice.random_range(0..8),
                3 => bytes[at] = bytes[at].wrapping_add(1),
                _ => drop(bytes.remove(at)),
            }
        }
        let targets = &entries[..entries.len().min(4)];
        expect_honest(&format!("seed {seed}"), &bytes, targets);
    }
}

#[test]
fn any_bytes_with_good_restart_points_give_errors_or_what_stands_there() {
    for seed in seeds(5_000) {
        let mut dice = SmallRng::seed_from_u64(seed);
        let size = dice.random_range(1..200);
        let end = [3, 12, 256][dice.random_range(0..3)];
        let entries: Vec<u8> = (0..size).map(|_| dice.random_range(0..end) as u8).collect();
        let mut restarts: Vec<usize> = (0..3).map(|_| dice.random_range(0..size)).collect();
        restarts.push(0);
        restarts.sort_unstable();
        restarts.dedup();
        let targets = given("@1= a@7=");
        expect_honest(&format!("seed {seed}"), &block(&entries, &restarts), &targets);
    }
}

#[track_caller]
fn expect_no_block(bytes: &[u8], why: &str) {
    let call = format!("parsing {}", show(bytes));
    let parsed = without_panic(&call, || Block::parse(Bytes::copy_from_slice(bytes)));
    let Err(bad) = parsed else { panic!("{call}: want an error: {why} {HOSTILE}") };
    let (at, size) = (bad.at, bytes.len());
    assert!(at <= size, "{call}: \"{bad}\": byte {at} of {size} is none of them {HOSTILE}");
    let words = [at.to_string(), bad.reason.to_owned()];
    assert!(
        words.iter().all(|word| bad.to_string().contains(word)),
        "{bad:?} is shown as \"{bad}\""
    );
}

/// `bad` is refused, as the only entry of a block, and behind a good one.
#[track_caller]
fn expect_no_entry(bad: &[u8], why: &str) {
    let good = raw([0, 13, 0], STONE);
    let target = &given("t@1=")[0];
    for front in [&b""[..], &good] {
        let bytes = block(&[front, bad].concat(), &[0]);
        let said = format!("{} behind {} bytes of another entry", show(bad), front.len());
        without_panic(&said, || {
            let mut cursor = parsed(&bytes).cursor();
            let mut result = cursor.first();
            if !front.is_empty() {
                assert_eq!(result, Ok(()), "{said}: the first entry is a good one {READS}");
                result = cursor.next();
            }
            let Err(error) = result else { panic!("{said} must be refused: {why} {HOSTILE}") };
            let at = front.len();
            assert_eq!(
                error.at, at,
                "{said}: \"{error}\": want the byte where it begins {HOSTILE}"
            );
            for step in [Last, Seek(target), SeekBack(target)] {
                let result = step.on(&mut cursor);
                assert!(
                    result.is_err(),
                    "{said}: {step} passes it, and says {result:?}: {why} {HOSTILE}"
                );
            }
        });
    }
}
