//! Tables whose blocks are compressed, each by its own codec.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use sstable::{BlockCache, Codec, Table, TableOptions};
use wal::Error;

use crate::allocated_by;
use crate::codecs::*;

const COUNT: usize = 300;

/// The number of the first codec that this build has not got.
const UNKNOWN: u8 = if cfg!(feature = "zstd") { 4 } else { 3 };

#[test]
fn a_compressed_table_gives_what_went_in() {
    let values: [fn(usize) -> Vec<u8>; 3] = [mixed_value, |_| zeros(300), |_| Vec::new()];
    for &codec in CODECS {
        for value in values {
            let (sim, _) = build(&with_codec(codec), COUNT, value);
            expect_entries(&open(&sim), COUNT, value);
        }
        let blocks = TableFile::read(&build(&with_codec(codec), COUNT, |_| zeros(300)).0).data;
        let packed = blocks.iter().all(|part| part.codec == codec as u8);
        assert!(packed, "{codec:?}: every block of zeros is stored by it {TABLE}");
    }
}

#[test]
fn a_table_has_blocks_that_pay_beside_blocks_that_do_not() {
    for &codec in CODECS {
        let (sim, _) = build(&with_codec(codec), COUNT, mixed_value);
        let mut counts = [0; 4];
        for (number, part) in TableFile::read(&sim).data.iter().enumerate() {
            let mut want = Vec::new();
            let want_codec = codec.compress(&part.block(), &mut want) as u8;
            let same = (part.codec, &part.stored) == (want_codec, &want);
            assert!(same, "{codec:?}, data block {number}: stored as `compress` stores it {TABLE}");
            counts[usize::from(part.codec)] += 1;
        }
        let both = counts[0] > 5 && counts[codec as usize] > 5;
        assert!(both, "{codec:?}: text and zeros pay, noise does not; codecs {counts:?} {TABLE}");
    }
}

#[test]
fn a_table_of_blocks_of_every_codec_is_read() {
    let (sim, _) = build(&with_codec(Codec::None), COUNT, mixed_value);
    TableFile::read(&sim).store_anew(&sim, |number, block| match number % (CODECS.len() + 1) {
        0 => (0, block.to_vec()),
        turn => {
            let codec = CODECS[turn - 1];
            (codec as u8, claim(block.len() as u32, &packed(codec, block)))
        }
    });
    expect_entries(&open(&sim), COUNT, mixed_value);
}

#[test]
fn only_data_blocks_are_compressed() {
    // Of many blocks the index would get smaller, of two keys the filter, and the properties always.
    for (&codec, count) in CODECS.iter().flat_map(|codec| [(codec, 2), (codec, 2000)]) {
        let options = TableOptions { filter_bits_per_key: 10, ..with_codec(codec) };
        let (sim, _) = build(&options, count, |_| zeros(90));
        let file = TableFile::read(&sim);
        let filter = file.filter.as_ref().expect("a table with bits has a filter");
        assert_eq!(file.data[0].codec, codec as u8, "the codec of data block 0 {TABLE}");
        assert_eq!(filter.codec, 0, "{codec:?}: the codec of the filter {TABLE}");
        assert_eq!(file.index.codec, 0, "{codec:?}: the codec of the index {TABLE}");
        assert_eq!(file.properties.codec, 0, "{codec:?}: the codec of the properties {TABLE}");
    }
}

#[test]
fn properties_count_blocks_by_codec_and_bytes_before_compression() {
    for &codec in CODECS {
        let (sim, built) = build(&with_codec(codec), COUNT, mixed_value);
        let (mut counts, mut stored, mut raw) = ([0; 4], 0, 0);
        for part in TableFile::read(&sim).data {
            counts[usize::from(part.codec)] += 1;
            stored += part.stored.len() as u64 + 5;
            raw += part.block().len() as u64 + 5;
        }
        assert!(counts[codec as usize] > 0, "{codec:?}: blocks that pay are compressed {TABLE}");
        for properties in [&built, open(&sim).properties()] {
            assert_eq!(properties.block_counts, counts, "{codec:?}: data blocks by codec {TABLE}");
            assert_eq!(properties.data_size, stored, "{codec:?}: bytes in the file {TABLE}");
            assert_eq!(properties.raw_data_size, raw, "{codec:?}: bytes as they were {TABLE}");
            let (ratio, want) = (properties.compression_ratio(), raw as f64 / stored as f64);
            assert!((ratio - want).abs() < 1e-9, "{codec:?}: ratio {ratio}, want {want} {TABLE}");
        }
    }
}

#[test]
fn a_block_ends_by_its_size_before_compression() {
    let (sim, plain) = build(&with_codec(Codec::None), COUNT, mixed_value);
    let blocks = |file: TableFile| file.data.iter().map(Part::block).collect::<Vec<_>>();
    let want = blocks(TableFile::read(&sim));
    for &codec in CODECS {
        let (sim, properties) = build(&with_codec(codec), COUNT, mixed_value);
        let same = blocks(TableFile::read(&sim)) == want;
        assert!(same, "{codec:?}: the same blocks as without compression, stored smaller {TABLE}");
        assert!(properties.data_size < plain.data_size, "{codec:?}: it saves something {PAYS}");
    }
}

#[test]
fn the_same_entries_make_the_same_compressed_bytes() {
    for &codec in CODECS {
        let once = build(&with_codec(codec), COUNT, mixed_value);
        let again = build(&with_codec(codec), COUNT, mixed_value);
        let same = once.0.contents(PATH) == again.0.contents(PATH) && once.1 == again.1;
        assert!(same, "{codec:?}: two builds of the same entries differ (rule 1 of day 2)");
        assert!(once.1.compression_ratio() > 1.0, "{codec:?}: and they are compressed {TABLE}");
    }
}

#[test]
fn tables_without_compression_are_read_and_written_as_before() {
    let value = |index| vec![index as u8; 20];
    let (sim, properties) = build(&with_codec(Codec::None), COUNT, value);
    let file = TableFile::read(&sim);
    let raw = file.data.iter().all(|part| part.codec == 0);
    assert!(raw, "a table with codec 0 has blocks as they are, without a size in front {STORED}");
    assert_eq!(properties.data_size, properties.raw_data_size, "bytes of its blocks {TABLE}");
    expect_entries(&open(&sim), COUNT, value);
    // The reader is not told what the writer's options were: the same table, compressed.
    let (sim, properties) = build(&with_codec(Codec::Lz4), COUNT, value);
    assert!(properties.data_size < properties.raw_data_size, "and with LZ4 it is smaller {TABLE}");
    expect_entries(&open(&sim), COUNT, value);
}

#[test]
fn a_codec_that_is_not_in_this_build_is_named_with_its_block() {
    for number in [UNKNOWN, 4, 200, 255] {
        let (sim, _) = build(&with_codec(Codec::Lz4), COUNT, |_| zeros(100));
        TableFile::read(&sim).store_anew(&sim, |block_index, block| {
            let stored = claim(block.len() as u32, &packed(Codec::Lz4, block));
            (if block_index == 1 { number } else { 1 }, stored)
        });
        let file = TableFile::read(&sim);
        let table = open(&sim);
        let per_block = COUNT / file.data.len();
        let error = error_of(&table, per_block + 1);
        assert_eq!(
            error.io_kind(),
            Some(ErrorKind::Unsupported),
            "the kind of \"{error}\" {TABLE}"
        );
        for part in [format!("codec {number}"), place(&file, 1)] {
            let named = error.to_string().contains(&part);
            assert!(named, "\"{error}\" should say \"{part}\": who reads it needs both {TABLE}");
        }
        assert!(table.get(&key_at(0), 7).is_ok(), "another block is read all the same {TABLE}");
    }
}

/// Data block `number`, as errors name it.
fn place(file: &TableFile, number: usize) -> String {
    format!("data block at byte {}", file.data[number].handle.offset)
}

#[test]
fn a_hostile_size_in_a_table_is_corruption_with_its_place() {
    for &codec in CODECS {
        for raw_size in [u32::MAX, 1 << 30, 0, 1] {
            let (sim, _) = build(&with_codec(Codec::None), COUNT, |_| zeros(100));
            TableFile::read(&sim)
                .store_anew(&sim, |_, block| (codec as u8, claim(raw_size, &packed(codec, block))));
            let (file, table) = (TableFile::read(&sim), open(&sim));
            let error = error_of(&table, 0);
            let corrupt = matches!(&error, Error::Corruption { offset: 0, .. });
            assert!(corrupt, "{codec:?}, claim of {raw_size}: want corruption at 0, got {error}");
            let named = error.to_string().contains(&place(&file, 0));
            assert!(named, "{codec:?}, claim of {raw_size}: \"{error}\" names no block {TABLE}");
            let allocated = allocated_by(300, || table.get(&key_at(0), 7));
            assert!(allocated < 64 << 10, "{codec:?}, {raw_size}: {allocated} bytes {CLAIM}");
        }
    }
}

#[test]
fn every_byte_of_a_compressed_table_may_be_wrong() {
    let value = |index| text(20 + index);
    for &codec in CODECS {
        let (sim, properties) = build(&with_codec(codec), 60, value);
        assert!(properties.block_counts[codec as usize] > 1, "{codec:?}: blocks of text pay");
        let file = sim.contents(PATH);
        for at in 0..file.len() {
            let mut file = file.clone();
            file[at] ^= 1 << (at % 8);
            sim.overwrite(PATH, &file);
            let Ok(table) = Table::open(&sim, Path::new(PATH), 1, None) else { continue };
            for index in 0..60 {
                let Ok(found) = table.get(&key_at(index), 7) else { continue };
                let right = found == memtable::Lookup::Value(value(index).into());
                assert!(right, "{codec:?}, byte {at} flipped: entry {index} is wrong (rule 5)");
            }
        }
    }
}

#[test]
fn a_block_in_the_cache_is_not_decompressed_again() {
    for &codec in CODECS {
        let (sim, _) = build(&with_codec(codec), COUNT, |_| zeros(100));
        let cache = Arc::new(BlockCache::new(1 << 20));
        let table = Table::open(&sim, Path::new(PATH), 1, Some(cache)).expect("a good table");
        table.get(&key_at(0), 7).expect("a good block");
        let stats = table.stats();
        let file = TableFile::read(&sim);
        let size = file.data[0].stored.len() as u64 + 5;
        assert_eq!(stats.bytes_read, size, "{codec:?}: bytes read are those stored {TABLE}");
        assert!(
            size < 500,
            "{codec:?}: a block of zeros is stored in few bytes, not {size} {PAYS}"
        );
        let key = key_at(1);
        let allocated = allocated_by(3000, || table.get(&key, 7));
        assert_eq!(allocated, 0, "{codec:?}: bytes allocated for a block in the cache (day 5)");
        assert_eq!(table.stats(), stats, "{codec:?}: and nothing is read (rule 1 of day 5)");
    }
}
