//! Lab lz4: tables in which your bytes and the crate's stand for one another.

use sstable::Codec;

use super::given::*;
use crate::codecs::{TableFile, build, claim, expect_entries, mixed_value, open, with_codec};

const COUNT: usize = 300;

#[test]
fn blocks_of_a_table_are_read_by_yours() {
    let (sim, _) = build(&with_codec(Codec::Lz4), COUNT, mixed_value);
    let mut count = 0;
    for part in TableFile::read(&sim).data.iter().filter(|part| part.codec == Codec::Lz4 as u8) {
        let (raw_size, packed) =
            part.stored.split_first_chunk::<4>().expect("day 6 has written it");
        let raw_size = u32::from_le_bytes(*raw_size) as usize;
        let back = unpacked(packed, raw_size).map_err(|bad| bad.to_string());
        assert_eq!(back, Ok(part.block().to_vec()), "a data block of a table {FORMAT}");
        count += 1;
    }
    assert!(count > 5, "the table has blocks that LZ4 makes smaller, and not {count}");
}

#[test]
fn a_table_of_your_blocks_is_read_by_the_course() {
    let (sim, _) = build(&with_codec(Codec::None), COUNT, mixed_value);
    TableFile::read(&sim)
        .store_anew(&sim, |_, block| (Codec::Lz4 as u8, claim(block.len() as u32, &packed(block))));
    expect_entries(&open(&sim), COUNT, mixed_value);
}
