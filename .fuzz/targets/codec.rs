//! `.fuzz/run codec`; what it asserts is in `src/codec.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cairn_fuzz::codec(data));
