//! `.fuzz/run filter`; what it asserts is in `src/filter.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cairn_fuzz::filter(data));
