//! What day 1's tests are given, and the sentences they speak about it.

use std::cmp::{Ordering, Reverse};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use memtable::{InternalKey, Kind, SEQ_MAX, TRAILER_SIZE, compare_encoded};
use rand::RngExt;
use rand::rngs::SmallRng;
use wal::Seq;
use wal::testing::show;

/// Numbers in order, whose bytes are not: 255 and 256, 65 535 and 65 536.
pub(super) const NUMBERS: [Seq; 8] = [0, 1, 2, 255, 256, 65_535, 65_536, SEQ_MAX];

pub(super) fn put(user_key: &[u8], seq: Seq) -> InternalKey<'_> {
    InternalKey { user_key, seq, kind: Kind::Put }
}

pub(super) fn delete(user_key: &[u8], seq: Seq) -> InternalKey<'_> {
    InternalKey { user_key, seq, kind: Kind::Delete }
}

/// Keys and their bytes, worked out by hand.
pub(super) fn golden() -> [(InternalKey<'static>, &'static [u8]); 6] {
    [
        // ANCHOR: listing_golden
        (put(b"stone", 7), b"stone\x01\x07\0\0\0\0\0\0"),
        (delete(b"stone", 9), b"stone\x00\x09\0\0\0\0\0\0"),
        (put(b"stone", 300), b"stone\x01\x2c\x01\0\0\0\0\0"),
        (put(b"", 1), b"\x01\x01\0\0\0\0\0\0"),
        // ANCHOR_END: listing_golden
        (delete(b"\0\xff", 0x07_0605_0403_0201), b"\0\xff\x00\x01\x02\x03\x04\x05\x06\x07"),
        (
            put(b"\x01\x07\0\0\0\0\0\0", SEQ_MAX),
            b"\x01\x07\0\0\0\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff",
        ),
    ]
}

/// All keys of up to three bytes, each the smallest, the next, or the largest one.
pub(super) fn short_keys() -> Vec<Vec<u8>> {
    let mut keys = vec![Vec::new()];
    let mut begins = 0;
    for _ in 0..3 {
        let end = keys.len();
        for at in begins..end {
            for byte in [0, 1, 0xff] {
                keys.push([&keys[at][..], &[byte]].concat());
            }
        }
        begins = end;
    }
    keys
}

/// Both kinds of each of these keys, at numbers of all sizes.
pub(super) fn versions_of(user_keys: &[Vec<u8>]) -> Vec<InternalKey<'_>> {
    let numbers = |key| NUMBERS.into_iter().flat_map(move |seq| [put(key, seq), delete(key, seq)]);
    user_keys.iter().flat_map(|key| numbers(key)).collect()
}

/// Keys with many bytes in common, in any order, at numbers of all sizes.
pub(super) fn random_keys(dice: &mut SmallRng) -> Vec<(Vec<u8>, Seq, Kind)> {
    let mut random_key = || {
        let size = dice.random_range(0..20);
        let end = [2, 3, 256][dice.random_range(0..3)];
        let user_key = (0..size).map(|_| dice.random_range(0..end) as u8).collect();
        let seq = dice.random::<u64>() >> dice.random_range(8..64);
        (user_key, seq, if dice.random() { Kind::Put } else { Kind::Delete })
    };
    (0..100).map(|_| random_key()).collect()
}

/// The model: where a key stands, as a tuple of the standard library's.
pub(super) fn place(key: InternalKey<'_>) -> (&[u8], Reverse<(Seq, u8)>) {
    (key.user_key, Reverse((key.seq, key.kind as u8)))
}

/// The bytes of `key` as the drawing has them.
pub(super) fn by_hand(key: InternalKey<'_>) -> Vec<u8> {
    let trailer = key.seq * 256 + u64::from(key.kind as u8);
    [key.user_key, &trailer.to_le_bytes()].concat()
}

#[track_caller]
pub(super) fn encoded(key: InternalKey<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    without_panic(&format!("encoding {}", show_key(key)), || key.encode(&mut out));
    out
}

/// `"stone"@7 put`
pub(super) fn show_key(key: InternalKey<'_>) -> String {
    let kind = if key.kind == Kind::Put { "put" } else { "delete" };
    format!("{}@{} {kind}", show(key.user_key), key.seq)
}

#[track_caller]
pub(super) fn expect_decodes(bytes: &[u8], key: InternalKey<'_>) {
    let call = format!("decoding {}", show(bytes));
    let came = match without_panic(&call, || InternalKey::decode(bytes)) {
        Ok(came) if came == key => return,
        Ok(came) => show_key(came),
        Err(error) => format!("an error, \"{error}\""),
    };
    panic!(
        "{}: want {}, got {came}\nthe last eight bytes are the trailer, whatever they are, and all \
         before them is the user's key: rule 4 of day 1",
        show(bytes),
        show_key(key)
    );
}

#[track_caller]
pub(super) fn expect_refused(bytes: &[u8], why: &str) {
    let call = format!("decoding {}", show(bytes));
    if let Ok(key) = without_panic(&call, || InternalKey::decode(bytes)) {
        panic!(
            "{} is no key, for {why}; want an error, got {}: rule 4 of day 1",
            show(bytes),
            show_key(key)
        );
    }
}

/// `cmp` says of these two what the model says.
#[track_caller]
pub(super) fn expect_order(left: InternalKey<'_>, right: InternalKey<'_>) {
    let (want, came) = (place(left).cmp(&place(right)), left.cmp(&right));
    assert!(
        came == want,
        "{} compared with {}: want {want:?}, got {came:?}\n{}: rule 1 of day 1",
        show_key(left),
        show_key(right),
        what_decides(left, right)
    );
}

fn what_decides(left: InternalKey<'_>, right: InternalKey<'_>) -> &'static str {
    let (one, other) = (left.user_key, right.user_key);
    if one == other && left.seq == right.seq {
        "of one key and number, the larger kind comes first, as its trailer is the larger"
    } else if one == other {
        "of one key, the larger number comes first"
    } else if one.starts_with(other) || other.starts_with(one) {
        "a key comes before every longer one that begins with it, whatever the numbers"
    } else {
        "the first byte in which the user keys differ decides, whatever the numbers"
    }
}

/// `compare_encoded` says of these two what the model says, kinds that are none included.
#[track_caller]
pub(super) fn expect_encoded_order(left: &[u8], right: &[u8]) {
    let parts = |bytes: &[u8]| {
        let (user_key, trailer) = bytes.split_at(bytes.len() - TRAILER_SIZE);
        let trailer = trailer.try_into().expect("it was cut to this size");
        (user_key.to_vec(), Reverse(u64::from_le_bytes(trailer)))
    };
    let want = parts(left).cmp(&parts(right));
    let call = || format!("comparing {} with {}", show(left), show(right));
    let came = match catch_unwind(|| compare_encoded(left, right)) {
        Ok(came) => came,
        Err(panic) => panicked(&call(), panic),
    };
    assert!(
        came == want,
        "{}: want {want:?}, got {came:?}\n{}: rule 5 of day 1",
        call(),
        why_encoded(left, right, want)
    );
}

fn why_encoded(left: &[u8], right: &[u8], want: Ordering) -> &'static str {
    let user_key = |bytes: &[u8]| bytes[..bytes.len() - TRAILER_SIZE].to_vec();
    if user_key(left) != user_key(right) {
        "the user keys differ, and they alone decide; the last eight bytes are no part of them"
    } else if want.is_eq() {
        "they are the same bytes"
    } else {
        "the user keys are the same, and the larger trailer comes first, as a number whose lowest \
         byte is stored first"
    }
}

/// A search among sorted `entries` for what the snapshot sees.
#[track_caller]
pub(super) fn expect_found(
    seed: u64,
    entries: &[InternalKey<'_>],
    user_key: &[u8],
    snapshot: Seq,
    want: Option<InternalKey<'_>>,
) {
    let lookup = InternalKey::lookup(user_key, snapshot);
    let at = entries.partition_point(|entry| entry.cmp(&lookup) == Ordering::Less);
    let came = entries.get(at).copied().filter(|entry| entry.user_key == user_key);
    let shown = |key: Option<_>| key.map_or("no version".to_owned(), show_key);
    assert!(
        came == want,
        "seed {seed}: a snapshot at {snapshot} looks for {} at {}\nwant {} there, got {}\na \
         snapshot sees the newest version that is not above its number; its own number is not \
         above it: rule 2 of day 1",
        show(user_key),
        show_key(lookup),
        shown(want),
        shown(came)
    );
}

/// What `work` gives, if it does not panic.
#[track_caller]
pub(super) fn without_panic<T>(call: &str, work: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done,
        Err(panic) => panicked(call, panic),
    }
}

#[track_caller]
fn panicked(call: &str, panic: Box<dyn std::any::Any + Send>) -> ! {
    let said = said(&*panic);
    if is_a_stub(&said) {
        resume_unwind(panic);
    }
    panic!("{call} must not panic, and did: \"{said}\"");
}

/// `work` must refuse with a panic, that of a stub excepted.
#[track_caller]
pub(super) fn expect_panic<T: std::fmt::Debug>(call: &str, why: &str, work: impl FnOnce() -> T) {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(came) => panic!("{call} must panic, for {why}; got {came:x?}"),
        Err(panic) if is_a_stub(&said(&*panic)) => resume_unwind(panic),
        Err(_) => {}
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no text").to_owned()
}

fn is_a_stub(said: &str) -> bool {
    said.starts_with("not yet implemented")
}
