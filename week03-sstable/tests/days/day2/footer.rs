//! The last 52 bytes.

use sstable::BadBlock;
use sstable::format::{BLOCK_TRAILER_SIZE, FOOTER_SIZE, Footer, Handle, checksum};
use wal::testing::{Workload, seeds};

use super::given::{LAYOUT, hexdump};

const BELIEVED: &str = "(rule 2 of day 2: magic, version, checksum over the footer's offset and \
                        its first 40 bytes, and only then handles, which lie one behind the other)";

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
    }
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
