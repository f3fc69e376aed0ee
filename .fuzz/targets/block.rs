//! `.fuzz/run block`; what it asserts is in `src/block.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cairn_fuzz::block(data));
