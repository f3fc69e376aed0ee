//! Day 1: bytes are a record only if length and checksum agree.

use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use wal::{Decoded, Error, HEADER_SIZE, Lsn, PAYLOAD_SIZE_MAX, Record, decode, encode};

use crate::allocated_by;

#[test]
fn a_record_has_exactly_these_bytes() {
    for (record, bytes) in golden() {
        assert_bytes(&encoded(&record), &bytes, &record);
    }
}

#[test]
fn these_bytes_are_exactly_that_record() {
    for (record, bytes) in golden() {
        assert_decodes(&bytes, &record);
    }
}

#[test]
fn every_record_is_built_as_it_is_drawn() {
    for seed in 0..200 {
        let mut dice = SmallRng::seed_from_u64(seed);
        let payload = random_bytes(&mut dice, seed as usize);
        let record = Record { lsn: dice.random(), synced: dice.random(), payload: &payload };
        assert_bytes(&encoded(&record), &by_hand(&record), &record);
    }
}

#[test]
fn what_was_encoded_is_decoded() {
    let sizes = (0..=80).chain(250..=260).chain(4_080..=4_100).chain(65_520..=65_537);
    for size in sizes {
        let payload = random_bytes(&mut SmallRng::seed_from_u64(size as u64), size);
        let record = Record { lsn: 1_000, synced: 900, payload: &payload };
        assert_decodes(&encoded(&record), &record);
    }
}

#[test]
fn a_record_goes_behind_what_is_already_in_the_buffer() {
    let record = Record { lsn: 40, synced: 21, payload: b"stone" };
    let mut out = b"kept".to_vec();
    encode(&record, &mut out).expect("five bytes are allowed");
    assert_eq!(&out[..4], b"kept", "bytes that were in `out` stay as they are: rule 5 of day 1");
    assert_decodes(&out[4..], &record);
}

#[test]
fn records_stand_side_by_side_without_a_gap() {
    let mut out = Vec::new();
    let mut lsn = 0;
    for payload in [&b"one"[..], b"", b"three"] {
        let record = Record { lsn, synced: 0, payload };
        encode(&record, &mut out).expect("small payloads are allowed");
        lsn = record.end();
    }
    assert_eq!(out.len() as u64, lsn, "a record is its header and its payload, and nothing else");
    assert_decodes(&out, &Record { lsn: 0, synced: 0, payload: b"one" });
    assert_decodes(&out[19..], &Record { lsn: 19, synced: 0, payload: b"" });
    assert_decodes(&out[35..], &Record { lsn: 35, synced: 0, payload: b"three" });
}

#[test]
fn the_largest_payload_makes_a_record() {
    let payload = vec![7; PAYLOAD_SIZE_MAX];
    let record = Record { lsn: 0, synced: 0, payload: &payload };
    let mut out = Vec::new();
    let encoded = encode(&record, &mut out);
    assert!(encoded.is_ok(), "PAYLOAD_SIZE_MAX itself is allowed, one byte more is not");
    assert_decodes(&out, &record);
}

#[test]
fn a_payload_one_byte_too_large_is_refused_and_nothing_is_written() {
    let payload = vec![7; PAYLOAD_SIZE_MAX + 1];
    let mut out = b"kept".to_vec();
    let refused = encode(&Record { lsn: 0, synced: 0, payload: &payload }, &mut out);
    let Err(Error::RecordTooLarge { size, limit }) = refused else {
        panic!("want Error::RecordTooLarge, got {refused:?}: rule 5 of day 1");
    };
    assert_eq!((size, limit), (PAYLOAD_SIZE_MAX + 1, PAYLOAD_SIZE_MAX), "the error's numbers");
    assert_eq!(out.len(), 4, "a refused record leaves `out` as it was: rule 5 of day 1");
    assert_eq!(out, b"kept", "a refused record leaves `out` as it was: rule 5 of day 1");
}

#[test]
fn a_cut_record_is_torn_and_says_how_many_bytes_it_needs() {
    for size in [0, 1, 16, 300] {
        let bytes = encoded(&Record { lsn: 64, synced: 0, payload: &vec![1; size] });
        for cut in 0..bytes.len() {
            let needed = if cut < HEADER_SIZE { HEADER_SIZE } else { HEADER_SIZE + size };
            let came = decode(&bytes[..cut], 64);
            assert!(
                came == Decoded::Torn { needed },
                "{cut} of the {} bytes of a record: want torn, {needed} needed, got {}\n\
                 first the header is needed, then header and payload: rule 4 of day 1",
                bytes.len(),
                shown(&came),
            );
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    for size in [0, 1, 5, 64] {
        let mut bytes = encoded(&Record { lsn: 64, synced: 21, payload: &vec![0x5a; size] });
        bytes.extend_from_slice(&[0; 300]);
        for bit in 0..(HEADER_SIZE + size) * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let came = decode(&bytes, 64);
            // With a larger length the record may seem to go on behind the bytes that are there.
            let seems_longer =
                matches!(came, Decoded::Torn { needed } if needed > bytes.len()) && is_len(bit / 8);
            assert!(
                seems_longer || matches!(came, Decoded::Corrupt { .. }),
                "bit {} of byte {} ({}) flipped in a record with {size} bytes of payload: \
                 want corrupt, got {}\n\
                 the checksum covers every byte of the record but its own: rule 2 of day 1",
                bit % 8,
                bit / 8,
                field(bit / 8),
                shown(&came),
            );
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn bytes_behind_a_record_do_not_matter() {
    let record = Record { lsn: 64, synced: 21, payload: b"stone" };
    let mut bytes = encoded(&record);
    bytes.extend_from_slice(&[0; 64]);
    for bit in record.size() * 8..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_decodes(&bytes, &record);
    }
}

#[test]
fn a_length_above_the_limit_is_damage_at_once() {
    let over = PAYLOAD_SIZE_MAX as u32 + 1;
    for len in [over, over + 1, 1 << 30, 1 << 31, u32::MAX] {
        let bytes = header_with_len(len);
        let came = decode(&bytes, 0);
        assert!(
            matches!(came, Decoded::Corrupt { .. }),
            "a length of {len}, where {PAYLOAD_SIZE_MAX} is the limit: want corrupt, got {}\n\
             nobody wrote such a record, so more bytes cannot help: rule 3 of day 1",
            shown(&came),
        );
    }
}

#[test]
fn a_length_up_to_the_limit_may_still_come_true() {
    for len in [1, 100, PAYLOAD_SIZE_MAX as u32 - 1, PAYLOAD_SIZE_MAX as u32] {
        let (bytes, needed) = (header_with_len(len), HEADER_SIZE + len as usize);
        let came = decode(&bytes, 0);
        assert!(
            came == Decoded::Torn { needed },
            "a header alone that promises {len} bytes: want torn, {needed} needed, got {}\n\
             whether it lies shows only when the payload is there: rule 4 of day 1",
            shown(&came),
        );
    }
}

#[test]
fn decoding_allocates_nothing() {
    let whole = encoded(&Record { lsn: 0, synced: 0, payload: &[1; 10_000] });
    let cases = [
        ("a record", whole.clone()),
        ("half a record", whole[..5_000].to_vec()),
        ("a length of 64 MiB", header_with_len(PAYLOAD_SIZE_MAX as u32).to_vec()),
        ("a length of 4 GiB", header_with_len(u32::MAX).to_vec()),
    ];
    for (what, bytes) in cases {
        let allocated = allocated_by(1_000, || matches!(decode(&bytes, 0), Decoded::Record(_)));
        assert_eq!(
            allocated, 0,
            "bytes allocated for {what}: a payload is borrowed from `bytes`, never copied, and \
             a length buys no memory: rule 3 of day 1"
        );
    }
}

#[test]
fn zeros_are_not_a_record() {
    for size in [16, 17, 24, 64, 512, 4_096] {
        for lsn in [0, 1, 4_096, 1 << 40] {
            let zeros = vec![0; size];
            let came = decode(&zeros, lsn);
            assert!(
                matches!(came, Decoded::Corrupt { .. }),
                "{size} zeros at LSN {lsn}: want corrupt, got {}\n\
                 files are full of zeros that nobody wrote: rule 2 of day 1",
                shown(&came),
            );
        }
    }
}

#[test]
fn a_record_is_one_only_where_it_was_written() {
    let written = 0x0000_1234_5678_9abc;
    for payload in [&b""[..], b"stone"] {
        let bytes = encoded(&Record { lsn: written, synced: 0, payload });
        let moved = (0..64).map(|bit| written ^ (1 << bit));
        for lsn in moved.chain([0, written + 4_096, written.swap_bytes()]) {
            let came = decode(&bytes, lsn);
            assert!(
                matches!(came, Decoded::Corrupt { .. }),
                "a record written at LSN {written} and found at {lsn}: want corrupt, got {}\n\
                 all eight bytes of the LSN are in the checksum: rule 2 of day 1",
                shown(&came),
            );
        }
    }
}

#[test]
fn random_bytes_are_no_record_and_no_panic() {
    for seed in 0..20_000 {
        let mut dice = SmallRng::seed_from_u64(seed);
        let size = dice.random_range(0..100);
        let mut bytes = random_bytes(&mut dice, size);
        // Half of them get a length that fits, so that the checksum is asked as well.
        if seed % 2 == 0 && size >= HEADER_SIZE {
            let len = dice.random_range(0..=(size - HEADER_SIZE) as u32);
            bytes[4..8].copy_from_slice(&len.to_le_bytes());
        }
        let came = decode(&bytes, dice.random());
        assert!(
            !matches!(came, Decoded::Record(_)),
            "random bytes of seed {seed} were taken for a record: rule 1 of day 1\n{bytes:02x?}"
        );
    }
}

/// Records and their bytes, worked out by another program.
fn golden() -> Vec<(Record<'static>, Vec<u8>)> {
    let first_sixteen = b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f";
    let rows: [(Lsn, Lsn, &[u8], &str); 6] = [
        // ANCHOR: listing_golden
        (0, 0, b"stone", "341063c2 05000000 0000000000000000 73746f6e65"),
        (0, 0, b"", "8d9bd50f 00000000 0000000000000000"),
        (21, 0, b"", "b7e099c4 00000000 0000000000000000"),
        (37, 21, b"on stone", "b49ae4ba 08000000 1500000000000000 6f6e2073746f6e65"),
        // ANCHOR_END: listing_golden
        (4_096, 4_000, &[0; 8], "1a5f955c 08000000 a00f000000000000 0000000000000000"),
        (
            0x0102_0304_0506_0708,
            0x1112_1314_1516_1718,
            first_sixteen,
            "b85ff70d 10000000 1817161514131211 000102030405060708090a0b0c0d0e0f",
        ),
    ];
    let record = |(lsn, synced, payload, bytes)| (Record { lsn, synced, payload }, hex(bytes));
    rows.into_iter().map(record).collect()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    let pairs = digits.chunks(2).map(|pair| str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("two hexadecimal digits")).collect()
}

/// The bytes of `record` as the drawing has them, slow and plain.
fn by_hand(record: &Record<'_>) -> Vec<u8> {
    let mut covered = record.lsn.to_le_bytes().to_vec();
    covered.extend((record.payload.len() as u32).to_le_bytes());
    covered.extend(record.synced.to_le_bytes());
    covered.extend(record.payload);
    [&crc32(&covered).to_le_bytes(), &covered[8..]].concat()
}

/// CRC-32 (IEEE 802.3) bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(u32::MAX, byte)
}

#[track_caller]
fn encoded(record: &Record<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let done = encode(record, &mut out);
    assert!(done.is_ok(), "{} bytes of payload are allowed: {done:?}", record.payload.len());
    out
}

/// A header with this length and no payload behind it.
fn header_with_len(len: u32) -> [u8; HEADER_SIZE] {
    let mut header = [0x5a; HEADER_SIZE];
    header[4..8].copy_from_slice(&len.to_le_bytes());
    header
}

fn random_bytes(dice: &mut SmallRng, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    dice.fill_bytes(&mut bytes);
    bytes
}

#[track_caller]
fn assert_bytes(came: &[u8], want: &[u8], record: &Record<'_>) {
    if came == want {
        return;
    }
    let wrong = came.iter().zip(want).position(|(came, want)| came != want);
    let offset = wrong.unwrap_or(came.len().min(want.len()));
    let from = |bytes: &[u8]| bytes.iter().skip(offset).take(8).copied().collect::<Vec<u8>>();
    let advice = if came.get(4..) == want.get(4..) {
        "all but the checksum is right: it covers the LSN's eight bytes, then bytes 4 .. 16+len"
    } else {
        "compare with the drawing at the top of record.rs"
    };
    panic!(
        "the record at LSN {} with synced {} and {} bytes of payload: byte {offset}, in {}, is \
         wrong\n  want {:02x?} from there on, {} bytes in all\n  got  {:02x?}, {} bytes\n\
         {advice}: rule 2 of day 1",
        record.lsn,
        record.synced,
        record.payload.len(),
        field(offset),
        from(want),
        want.len(),
        from(came),
        came.len(),
    );
}

#[track_caller]
fn assert_decodes(bytes: &[u8], record: &Record<'_>) {
    let came = decode(bytes, record.lsn);
    assert!(
        came == Decoded::Record(*record),
        "{} bytes at LSN {}: want {}, got {}\n\
         length possible, bytes there, checksum agrees: a record, whatever follows: rule 1 of day 1",
        bytes.len(),
        record.lsn,
        shown(&Decoded::Record(*record)),
        shown(&came),
    );
}

/// `decoded` without its payload.
fn shown(decoded: &Decoded<'_>) -> String {
    match decoded {
        Decoded::Record(record) => format!(
            "a record (lsn {}, synced {}, {} bytes of payload)",
            record.lsn,
            record.synced,
            record.payload.len()
        ),
        Decoded::Torn { needed } => format!("torn ({needed} bytes needed)"),
        Decoded::Corrupt { reason } => format!("corrupt ({reason})"),
    }
}

fn field(offset: usize) -> &'static str {
    match offset {
        0..4 => "crc",
        4..8 => "len",
        8..16 => "synced",
        _ => "the payload",
    }
}

fn is_len(offset: usize) -> bool {
    field(offset) == "len"
}
