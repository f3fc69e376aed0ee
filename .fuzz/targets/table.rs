//! `.fuzz/run table`; what it asserts is in `src/table.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cairn_fuzz::table(data));
