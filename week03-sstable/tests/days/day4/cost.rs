//! What a filter costs while it is built, and where its bytes are wrong.

use sstable::filter::PROBE_COUNT_MAX;
use sstable::{Filter, FilterBuilder};

use super::given::*;
use crate::{MEMORY, allocated_by};

const KEYS: u64 = 100_000;

/// A builder that has so many keys.
fn builder_of(count: u64) -> FilterBuilder {
    let mut builder = FilterBuilder::new(10);
    (0..count).for_each(|index| builder.add(&key_at(index)));
    builder
}

#[test]
fn a_builder_keeps_eight_bytes_a_key() {
    // The least of some runs: under plain `cargo test` others allocate at the same time.
    let held = |_| {
        let before = MEMORY.allocated();
        let builder = builder_of(KEYS);
        let held = MEMORY.allocated().saturating_sub(before);
        drop(builder);
        held
    };
    let held = (0..5).map(held).min().expect("some runs");
    // A vector that doubles has up to twice the room that it needs.
    let limits = 8 * KEYS as usize..=16 * KEYS as usize + 4096;
    assert!(
        limits.contains(&held),
        "a builder holds {held} bytes for {KEYS} keys, want eight bytes a key, and at most as much \
         room again {FORMAT}"
    );
}

#[test]
fn to_finish_a_filter_allocates_its_size_twice() {
    let builder = builder_of(KEYS);
    let size = builder.finish().len();
    assert!(size > KEYS as usize, "ten bits a key are more than a byte: got {size} bytes {FORMAT}");
    let allocated = allocated_by(50, || builder.finish());
    assert!(
        allocated <= 2 * size + 4096,
        "{allocated} bytes allocated for a filter of {size}: want its lines and its bytes, and \
         nothing for each key {FORMAT}"
    );
}

#[test]
fn bytes_that_are_no_filter_are_refused_at_their_place_and_get_no_memory() {
    let mut impossible = vec![0xff; 64 << 10];
    impossible.push(PROBE_COUNT_MAX as u8 + 1);
    let mut none = vec![0xff; 64 << 10];
    none.push(0);
    let mut torn = vec![0xff; (64 << 10) - 1];
    torn.push(6);
    for (bytes, at, what) in [
        (&impossible, 64 << 10, "31 probes, behind 64 KiB"),
        (&none, 64 << 10, "no probes, behind 64 KiB"),
        (&torn, 0, "a byte too few for whole lines"),
        (&vec![6], 0, "no line"),
        (&Vec::new(), 0, "no byte"),
    ] {
        let came = Filter::decode(bytes).map(|_| "a filter").map_err(|bad| bad.at);
        assert_eq!(came, Err(at), "{what} (an error is given by its byte) {HOSTILE}");
        let allocated = allocated_by(300, || Filter::decode(bytes).is_err());
        assert_eq!(allocated, 0, "{what}: bytes allocated to refuse it {HOSTILE}");
    }
}
