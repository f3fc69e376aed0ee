//! Bytes that nobody wrote, for the decoders of the reference.
//!
//! ```text
//!   .fuzz/run block          for five minutes
//!   .fuzz/run table 3600     for an hour
//!
//!   target    a fuzzer's bytes are                      asserted, besides that nothing panics
//!   block     a block; or entries and moves             `src/block.rs`
//!   table     a file; or entries, options and edits     `src/table.rs`
//!   filter    a filter block; or keys                   `src/filter.rs`
//!   codec     a stored block; or a block                `src/codec.rs`
//! ```
//!
//! The first byte of an input chooses among the target's cases, so that one corpus serves all. A
//! target is a plain function of bytes: the fuzzer calls it, and so does `cargo test` in this
//! folder, with the inputs in `seeds/`, on stable Rust.
//!
//! It needs nightly Rust, a C++ compiler, and `cargo install cargo-fuzz`. The address sanitizer, debug
//! assertions and overflow checks are on. An input may be 4 KiB, take five seconds, allocate 160 MiB
//! at a time (what Zstandard can make of that many bytes) and 2 GiB in all: more is a finding.
//!
//! # From a finding to a test
//!
//! 1. `cargo +nightly fuzz tmin --fuzz-dir .fuzz TARGET .fuzz/artifacts/TARGET/crash-…` makes the input
//!    small. The panic says what was expected.
//! 2. Put it into `seeds/TARGET/` under a name that says what is special. `cargo test` is red now.
//! 3. Write it by hand as a test of the day (`week03-sstable/tests/days/`), with its hints. That is
//!    red, too.
//! 4. Mend the reference. Could a learner make the same mistake? Then it is an entry of
//!    `solutions/bugs/week03/`.

#![forbid(unsafe_code)]

mod block;
mod codec;
mod entries;
mod filter;
mod moves;
mod table;

pub use block::block;
pub use codec::codec;
pub use filter::filter;
pub use table::table;
