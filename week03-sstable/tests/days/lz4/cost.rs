//! Lab lz4: what it costs, counted.

use sstable::lz4::{Compressor, decompress, size_max};

use super::given::*;
use crate::allocated_by;
use crate::codecs::{noise, text, zeros};

#[test]
fn a_block_comes_back_in_one_allocation_of_its_size() {
    for block in [text(4096), zeros(1 << 20), noise(100_000)] {
        let (packed, size) = (lz4_flex::block::compress(&block), block.len());
        expect_back(&packed, &block, "the block");
        let allocated = allocated_by(20, || decompress(&packed, size));
        assert_eq!(allocated, size, "bytes that were allocated for a block of {size} {HOSTILE}");
    }
}

#[test]
fn a_compressor_needs_its_table_and_no_more() {
    let mut compressor = Compressor::new();
    for block in [text(64 << 10), zeros(64 << 10), noise(64 << 10)] {
        let mut out = Vec::with_capacity(size_max(block.len()));
        let allocated = allocated_by(20, || {
            out.clear();
            compressor.compress(&block, &mut out);
        });
        expect_good(&out, &block, "64 KiB");
        assert_eq!(
            allocated, 0,
            "bytes that were allocated for a block, where `out` has room for it and the table is \
             there {FINDS}"
        );
        let allocated = allocated_by(20, || {
            let mut out = Vec::new();
            compressor.compress(&block, &mut out);
            out
        });
        let most = size_max(block.len());
        assert!(
            allocated <= most,
            "an empty `out` gets {most} bytes at once, the most that the block can become, and \
             {allocated} were allocated {FINDS}"
        );
    }
}

#[test]
fn a_long_run_is_one_copy_and_a_step_for_each_of_its_bytes() {
    // Who compares or copies a run from its start again and again is here for a week.
    let block = zeros(32 << 20);
    let packed = packed(&block);
    let most = block.len() / 255 + 20;
    assert!(packed.len() <= most, "{} bytes, at most {most} {FORMAT}", packed.len());
    let back = decompress(&packed, block.len());
    assert!(back.is_ok_and(|back| back == block), "32 MiB of zeros must come back {OVERLAP}");
}
