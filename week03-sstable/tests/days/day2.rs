//! Day 2: entries become a file that describes itself from its end.

mod given;

use given::*;
use memtable::{InternalKey, Kind, SEQ_MAX};
use sstable::format::{BLOCK_TRAILER_SIZE, FOOTER_SIZE, Footer, Handle, checksum};
use sstable::{BadBlock, shortest_separator};
use wal::testing::{Workload, seeds};

use crate::allocated_by;

const BELIEVED: &str = "(rule 2 of day 2: magic, version, checksum over the footer's offset and \
                        its first 40 bytes, and only then handles, which lie one behind the other)";
const BETWEEN: &str = "(rule 4 of day 2: a separator is at or behind the left key, and in front of \
                       all that may follow)";
const SHORTEST: &str = "(rule 4 of day 2: the shortest cut of the left key whose last byte grows by \
                        one, if shorter; else the left key, number and kind)";

// Separators.

/// The separator, encoded.
fn separate(left: InternalKey<'_>, right: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    shortest_separator(left, right, &mut out);
    out
}

fn put(user_key: &[u8], seq: u64) -> InternalKey<'_> {
    InternalKey { user_key, seq, kind: Kind::Put }
}

/// Every key of up to four of these bytes: 341 of them, in order.
fn all_keys() -> Vec<Vec<u8>> {
    let mut keys = vec![Vec::new()];
    for index in 0..1 + 4 + 16 + 64 {
        for byte in [0, b'a', 0xfe, 0xff] {
            let mut key: Vec<u8> = keys[index].clone();
            key.push(byte);
            keys.push(key);
        }
    }
    keys.sort();
    keys
}

/// Runs `test` for every two keys, the left one not behind the right one.
fn for_all_pairs(test: impl Fn(&[u8], &[u8])) {
    let keys = all_keys();
    for (at, left) in keys.iter().enumerate() {
        keys[at..].iter().for_each(|right| test(left, right));
    }
}

fn show(key: &[u8]) -> String {
    format!("\"{}\"", key.escape_ascii())
}

#[test]
fn a_separator_is_a_cut_with_one_byte_that_grows() {
    let cases: [(&[u8], &[u8], &[u8]); 16] = [
        (b"marble", b"quartz", b"n"),
        (b"quartz", b"stone", b"r"),
        (b"marble", b"marine", b"marc"),
        // The byte behind m is n: what comes out must be before the right key, not be it.
        (b"marble", b"n", b"mb"),
        (b"marble", b"nickel", b"n"),
        (b"abcxy", b"abd", b"abcy"),
        (b"abcx", b"abd", b"abcx"),
        // No byte of it can grow without getting as long.
        (b"abc", b"abe", b"abc"),
        (b"a", b"z", b"a"),
        (b"", b"z", b""),
        (b"stone", b"stone", b"stone"),
        (b"stone", b"stones", b"stone"),
        // 0xff cannot grow.
        (b"a\xff\xffzz", b"b", b"a\xff\xff{"),
        (b"a\xff\xff\xff", b"b", b"a\xff\xff\xff"),
        (b"\xfe\xff", b"\xff\0", b"\xff"),
        (b"a\0\0\0", b"a\0\x02", b"a\0\x01"),
    ];
    for (left, right, expected) in cases {
        let separator = separate(put(left, 7), right);
        let found = show(&separator[..separator.len() - 8]);
        let between = format!("between {} and {}", show(left), show(right));
        assert_eq!(found, show(expected), "the separator's user key {between} {SHORTEST}");
    }
}

#[test]
fn a_separator_is_behind_the_left_key_and_in_front_of_the_right() {
    for_all_pairs(|left, right| {
        let key = put(left, 7);
        let separator = separate(key, right);
        let found = InternalKey::decode(&separator).expect("a separator is an internal key");
        // The newest entry that may follow: of the same key an older one, of another key any.
        let next = if left == right { put(right, 6) } else { put(right, SEQ_MAX) };
        assert!(
            key <= found && found < next,
            "{} @ {} does not separate {} @ 7 from {} @ {} {BETWEEN}",
            show(found.user_key),
            found.seq,
            show(left),
            show(right),
            next.seq
        );
    });
}

#[test]
fn no_cut_with_a_byte_that_grows_is_shorter() {
    for_all_pairs(|left, right| {
        let candidate = |at: usize| -> Option<Vec<u8>> {
            let grown = left[at].checked_add(1)?;
            let candidate = [&left[..at], &[grown]].concat();
            (candidate.as_slice() < right).then_some(candidate)
        };
        let shorter = (0..left.len().saturating_sub(1)).find_map(candidate);
        let separator = separate(put(left, 7), right);
        let (found, expected) = (&separator[..separator.len() - 8], shorter.as_deref());
        assert_eq!(
            show(found),
            show(expected.unwrap_or(left)),
            "the separator's user key between {} and {} {SHORTEST}",
            show(left),
            show(right)
        );
    });
}

#[test]
fn a_shorter_separator_stands_in_front_of_all_its_versions() {
    for kind in [Kind::Put, Kind::Delete] {
        let separator = separate(InternalKey { user_key: b"marble", seq: 7, kind }, b"quartz");
        assert_eq!(
            separator,
            encode(InternalKey::lookup(b"n", SEQ_MAX)),
            "n is a key of no block, and whoever looks for it, at any number, looks in the next \
             one: so the separator is in front of all versions of n (rule 4 of day 2)"
        );
    }
}

#[test]
fn versions_of_one_key_are_separated_by_the_last_of_the_block() {
    for kind in [Kind::Put, Kind::Delete] {
        for (seq, right) in [(7, "stone"), (1, "stone"), (SEQ_MAX, "stone"), (7, "stoneware")] {
            let left = InternalKey { user_key: b"stone", seq, kind };
            assert_eq!(
                separate(left, right.as_bytes()),
                encode(left),
                "stone @ {seq} {kind:?} and {right}: nothing shorter is between them, so it is the \
                 left key itself, with its number and its kind {SHORTEST}"
            );
        }
    }
}

#[test]
fn a_separator_is_appended_to_what_is_there() {
    for (left, right) in [("marble", "quartz"), ("stone", "stone"), ("", "")] {
        let (left, right) = (put(left.as_bytes(), 7), right.as_bytes());
        let mut out = b"before".to_vec();
        shortest_separator(left, right, &mut out);
        let expected = [&b"before"[..], &separate(left, right)].concat();
        assert_eq!(show(&out), show(&expected), "bytes that are in `out` already stay (rule 4)");
    }
}

#[test]
fn a_separator_allocates_nothing_if_there_is_room_for_it() {
    let mut out = Vec::with_capacity(100);
    for (left, right) in [("marble", "quartz"), ("marble", "marine"), ("stone", "stones")] {
        let allocated = allocated_by(20, || {
            out.clear();
            shortest_separator(put(left.as_bytes(), 7), right.as_bytes(), &mut out);
        });
        assert_eq!(
            allocated, 0,
            "bytes allocated for the separator between {left} and {right}: it goes straight into \
             `out`, which has room (the stub's cost)"
        );
    }
}

// The footer.

const OFFSET: u64 = 0x12fe;

const WITH_FILTER: Footer = Footer {
    index: Handle { offset: 0x1234, size: 0x40 },
    filter: Some(Handle { offset: 0x1000, size: 0x22f }),
    properties: Handle { offset: 0x1279, size: 0x80 },
};

const WITHOUT_FILTER: Footer = Footer { filter: None, ..WITH_FILTER };

/// Writes the checksum that its bytes should have at `offset`.
fn seal(bytes: &mut [u8; FOOTER_SIZE], offset: u64) {
    let crc = checksum(offset, &bytes[..40], &[]);
    bytes[40..44].copy_from_slice(&crc.to_le_bytes());
}

/// A footer for `offset` whose checksum is right, whatever its handles are.
fn sealed(offset: u64, index: Handle, filter: Handle, properties: Handle) -> [u8; FOOTER_SIZE] {
    let mut bytes = WITH_FILTER.encode(offset);
    for (at, handle) in [(0, index), (12, filter), (24, properties)] {
        bytes[at..at + 12].copy_from_slice(&handle.encode());
    }
    seal(&mut bytes, offset);
    bytes
}

#[track_caller]
fn expect_refused(bytes: &[u8; FOOTER_SIZE], offset: u64, at: usize, what: &str) {
    let found = Footer::decode(bytes, offset);
    assert_eq!(
        found.map_err(|BadBlock { at, .. }| at),
        Err(at),
        "{what}: it must be refused, naming byte {at} of the footer {BELIEVED}"
    );
}

#[test]
fn a_footer_is_these_52_bytes() {
    let expected = [
        "0000  34 12 00 00 00 00 00 00 40 00 00 00 00 10 00 00  4.......@.......",
        "0010  00 00 00 00 2f 02 00 00 79 12 00 00 00 00 00 00  ..../...y.......",
        "0020  80 00 00 00 01 00 00 00 6a fe 43 3d 43 41 49 52  ........j.C=CAIR",
        "0030  4e 53 53 54                                      NSST",
    ];
    let found = hexdump(&WITH_FILTER.encode(OFFSET));
    assert_eq!(found, expected, "index, filter, properties, version, checksum, magic {LAYOUT}");
}

#[test]
fn without_a_filter_its_handle_is_zeros() {
    let bytes = WITHOUT_FILTER.encode(OFFSET);
    assert_eq!(bytes[12..24], [0; 12], "the filter's handle, where there is none {LAYOUT}");
    assert_eq!(bytes[..12], WITH_FILTER.encode(OFFSET)[..12], "the index's handle {LAYOUT}");
}

#[test]
fn a_footer_comes_back_from_its_bytes() {
    for footer in [WITH_FILTER, WITHOUT_FILTER] {
        let found = Footer::decode(&footer.encode(OFFSET), OFFSET);
        assert_eq!(found, Ok(footer), "what was encoded for this offset {BELIEVED}");
    }
}

#[test]
fn every_flipped_bit_of_a_footer_is_found() {
    for bit in 0..8 * FOOTER_SIZE {
        let mut bytes = WITH_FILTER.encode(OFFSET);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let found = Footer::decode(&bytes, OFFSET);
        assert!(found.is_err(), "bit {bit} was flipped, and it is believed: {found:?} {BELIEVED}");
    }
}

#[test]
fn a_footer_is_none_at_another_offset() {
    // Parts that end where the footer would begin, but for its checksum.
    for moved in [5, 64, 4096] {
        let handle = |size| Handle { offset: 0x1279, size };
        let (index, none) = (WITH_FILTER.index, Handle::default());
        let bytes = sealed(OFFSET, index, none, handle(0x80 + moved as u32));
        expect_refused(&bytes, OFFSET + moved, 40, "a footer from another place of a file");
    }
}

#[test]
fn a_footer_says_first_what_matters_most() {
    let mut bytes = WITH_FILTER.encode(OFFSET);
    bytes[24] ^= 1;
    expect_refused(&bytes, OFFSET, 40, "a handle is damaged, so the checksum is wrong");
    bytes[36] = 2;
    expect_refused(&bytes, OFFSET, 36, "version 2, under which a checksum may mean anything");
    bytes[51] ^= 1;
    expect_refused(&bytes, OFFSET, 44, "no magic number, so it is not a table at all");
    expect_refused(&[0; FOOTER_SIZE], OFFSET, 44, "zeros");
    let mut bytes = WITH_FILTER.encode(OFFSET);
    bytes[36] = 0;
    seal(&mut bytes, OFFSET);
    expect_refused(&bytes, OFFSET, 36, "version 0 with a good checksum");
}

#[test]
fn a_footer_whose_parts_leave_a_gap_or_overlap_is_refused() {
    let (index, properties) = (WITH_FILTER.index, WITH_FILTER.properties);
    let filter = WITH_FILTER.filter.expect("it has one");
    let longer = |handle: Handle, by: i32| Handle {
        size: handle.size.checked_add_signed(by).expect("it is small"),
        ..handle
    };
    for by in [-5, -1, 1, 5] {
        let bytes = sealed(OFFSET, index, filter, longer(properties, by));
        expect_refused(&bytes, OFFSET, 24, "the properties do not end at the footer");
        let bytes = sealed(OFFSET, longer(index, by), filter, properties);
        expect_refused(&bytes, OFFSET, 0, "the index does not end at the properties");
        let bytes = sealed(OFFSET, index, longer(filter, by), properties);
        expect_refused(&bytes, OFFSET, 12, "the filter does not end at the index");
        // Of two that are wrong, the one nearer to the end is named.
        let bytes = sealed(OFFSET, longer(index, by), filter, longer(properties, by));
        expect_refused(&bytes, OFFSET, 24, "neither properties nor index end where they should");
        let bytes = sealed(OFFSET, index, longer(filter, by), longer(properties, by));
        expect_refused(&bytes, OFFSET, 24, "neither properties nor filter end where they should");
        let bytes = sealed(OFFSET, longer(index, by), longer(filter, by), properties);
        expect_refused(&bytes, OFFSET, 0, "neither index nor filter end where they should");
    }
}

#[test]
fn half_a_handle_of_zeros_is_a_filter_all_the_same() {
    let (index, properties) = (WITH_FILTER.index, WITH_FILTER.properties);
    for filter in [Handle { offset: 0x1000, size: 0 }, Handle { offset: 0, size: 5 }] {
        let bytes = sealed(OFFSET, index, filter, properties);
        expect_refused(&bytes, OFFSET, 12, "only twelve zeros say that there is no filter");
    }
    let first = Handle { offset: 0, size: 0x122f };
    let bytes = sealed(OFFSET, index, first, properties);
    let found = Footer::decode(&bytes, OFFSET).map(|footer| footer.filter);
    assert_eq!(found, Ok(Some(first)), "a filter at byte 0 that ends at the index {BELIEVED}");
}

#[test]
fn no_handle_makes_a_footer_panic() {
    // With a checksum that is right. In 64 bits, this one's end is where the footer begins.
    let wraps = Handle { offset: 100_u64.wrapping_sub(200), size: 195 };
    let bytes = sealed(100, wraps, Handle::default(), wraps);
    expect_refused(&bytes, 100, 24, "properties behind the end of all files");
    for seed in seeds(50) {
        let mut dice = Workload::new(seed);
        for offset in [0, 1, 52, 100, u64::from(u32::MAX), u64::MAX - 51] {
            let edges = [0, 5, 100, offset, u64::MAX, u64::MAX - 5, offset.wrapping_sub(5)];
            let sizes = [0, 1, 95, u32::MAX, u32::MAX - 5];
            let mut handle = || Handle { offset: edges[dice.below(7)], size: sizes[dice.below(5)] };
            let bytes = sealed(offset, handle(), handle(), handle());
            if let Ok(footer) = Footer::decode(&bytes, offset) {
                let parts = [Some(footer.index), footer.filter, Some(footer.properties)];
                let inside = |part: Handle| {
                    u128::from(part.offset) + u128::from(part.size) + BLOCK_TRAILER_SIZE as u128
                        <= u128::from(offset)
                };
                let inside = parts.into_iter().flatten().all(inside);
                assert!(inside, "of a file that ends at {offset}: {footer:?} {BELIEVED}");
            }
        }
    }
}

// The file, byte for byte.

#[rustfmt::skip]
const GOLDEN: [&str; 21] = [
    "0000  00 0e 01 6d 61 72 62 6c 65 01 07 00 00 00 00 00  ...marble.......",
    "0010  00 78 00 0e 01 71 75 61 72 74 7a 01 09 00 00 00  .x...quartz.....",
    "0020  00 00 00 79 00 00 00 00 01 00 00 00 00 92 a4 7c  ...y...........|",
    "0030  69 00 0d 01 73 74 6f 6e 65 01 07 00 00 00 00 00  i...stone.......",
    "0040  00 78 03 0a 01 76 65 01 09 00 00 00 00 00 00 79  .x...ve........y",
    "0050  00 00 00 00 01 00 00 00 00 a5 10 aa 74 00 09 0c  ............t...",
    "0060  72 01 ff ff ff ff ff ff ff 00 00 00 00 00 00 00  r...............",
    "0070  00 2c 00 00 00 00 0d 0c 73 74 6f 76 65 01 09 00  .,......stove...",
    "0080  00 00 00 00 00 31 00 00 00 00 00 00 00 27 00 00  .....1.......'..",
    "0090  00 00 00 00 00 01 00 00 00 00 b2 03 31 e7 04 00  ............1...",
    "00a0  00 00 00 00 00 00 00 00 00 00 00 00 00 00 36 00  ..............6.",
    "00b0  00 00 00 00 00 00 04 00 00 00 00 00 00 00 07 00  ................",
    "00c0  00 00 00 00 00 00 09 00 00 00 00 00 00 00 5d 00  ..............].",
    "00d0  00 00 00 00 00 00 5d 00 00 00 00 00 00 00 02 00  ......].........",
    "00e0  00 00 00 00 00 00 00 00 00 00 00 00 00 00 0e 00  ................",
    "00f0  00 00 0d 00 00 00 6d 61 72 62 6c 65 01 07 00 00  ......marble....",
    "0100  00 00 00 00 73 74 6f 76 65 01 09 00 00 00 00 00  ....stove.......",
    "0110  00 00 30 42 c8 17 5d 00 00 00 00 00 00 00 3c 00  ..0B..].......<.",
    "0120  00 00 00 00 00 00 00 00 00 00 00 00 00 00 9e 00  ................",
    "0130  00 00 00 00 00 00 73 00 00 00 01 00 00 00 0b 0a  ......s.........",
    "0140  c8 5a 43 41 49 52 4e 53 53 54                    .ZCAIRNSST",
];

/// Where the golden table's parts begin.
const PARTS: [(usize, &str); 9] = [
    (0, "data block 0"),
    (44, "its trailer"),
    (49, "data block 1"),
    (88, "its trailer"),
    (93, "the index"),
    (153, "its trailer"),
    (158, "the properties"),
    (273, "their trailer"),
    (278, "the footer"),
];

#[test]
fn a_small_table_is_these_bytes() {
    let found = hexdump(&file_of(&blocks_of(64), &entries(STONES)));
    let same = found.iter().zip(GOLDEN).take_while(|(found, golden)| *found == golden).count();
    let next = PARTS.iter().rposition(|(at, _)| *at <= 16 * same + 15).unwrap_or(0);
    assert!(
        found == GOLDEN,
        "the table of {STONES} with blocks of 64 bytes is\n  {}\nand should be\n  {}\nThe first \
         line that differs is {same}, in which {} ends or begins {LAYOUT}",
        found.join("\n  "),
        GOLDEN.join("\n  "),
        PARTS[next].1,
    );
}

mod disk;
mod table;
