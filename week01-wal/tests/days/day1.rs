//! Day 1: bytes are a record only if length and checksum agree.

use wal::{Record, encode};

#[test]
fn a_record_is_its_payload_and_sixteen_bytes() {
    let mut out = Vec::new();
    encode(&Record { lsn: 0, synced: 0, payload: b"stone" }, &mut out).unwrap();
    assert_eq!(out.len(), 21, "header of 16 bytes and payload of 5 (day 1, the drawing)");
}
