//! Separators, on their own.

use memtable::{InternalKey, Kind, SEQ_MAX};
use sstable::shortest_separator;

use super::given::encode;

const SHORTEST: &str = "(rule 4 of day 2: the shortest cut of the left key with one byte that \
                        grows by one, if shorter; else the left key, number and kind)";
const BETWEEN: &str = "(rule 4 of day 2: a separator is at or behind the left key, and in front of \
                       every version of the right one)";

/// The separator, encoded.
fn separate(left: InternalKey<'_>, right: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    shortest_separator(left, right, &mut out);
    out
}

fn put(user_key: &[u8], seq: u64) -> InternalKey<'_> {
    InternalKey { user_key, seq, kind: Kind::Put }
}

/// Every key of up to four of these bytes: 341 of them, in order.
fn all_keys() -> Vec<Vec<u8>> {
    let mut keys = vec![Vec::new()];
    for index in 0..1 + 4 + 16 + 64 {
        for byte in [0, b'a', 0xfe, 0xff] {
            let mut key: Vec<u8> = keys[index].clone();
            key.push(byte);
            keys.push(key);
        }
    }
    keys.sort();
    keys
}

/// Runs `test` for every two keys, the left one not behind the right one.
fn for_all_pairs(test: impl Fn(&[u8], &[u8])) {
    let keys = all_keys();
    for (at, left) in keys.iter().enumerate() {
        keys[at..].iter().for_each(|right| test(left, right));
    }
}

fn show(key: &[u8]) -> String {
    format!("\"{}\"", key.escape_ascii())
}

#[test]
fn a_separator_is_a_cut_with_one_byte_that_grows() {
    let cases: [(&[u8], &[u8], &[u8]); 16] = [
        (b"marble", b"quartz", b"n"),
        (b"quartz", b"stone", b"r"),
        (b"marble", b"marine", b"marc"),
        // The byte behind m is n: what comes out must be before the right key, not be it.
        (b"marble", b"n", b"mb"),
        (b"marble", b"nickel", b"n"),
        (b"abcxy", b"abd", b"abcy"),
        (b"abcx", b"abd", b"abcx"),
        // No byte of it can grow without getting as long.
        (b"abc", b"abe", b"abc"),
        (b"a", b"z", b"a"),
        (b"", b"z", b""),
        (b"stone", b"stone", b"stone"),
        (b"stone", b"stones", b"stone"),
        // 0xff cannot grow.
        (b"a\xff\xffzz", b"b", b"a\xff\xff{"),
        (b"a\xff\xff\xff", b"b", b"a\xff\xff\xff"),
        (b"\xfe\xff", b"\xff\0", b"\xff"),
        (b"a\0\0\0", b"a\0\x02", b"a\0\x01"),
    ];
    for (left, right, expected) in cases {
        let separator = separate(put(left, 7), right);
        let found = show(&separator[..separator.len() - 8]);
        let between = format!("between {} and {}", show(left), show(right));
        assert_eq!(found, show(expected), "the separator's user key {between} {SHORTEST}");
    }
}

#[test]
fn a_separator_is_behind_the_left_key_and_in_front_of_the_right() {
    for_all_pairs(|left, right| {
        let key = put(left, 7);
        let separator = separate(key, right);
        let found = InternalKey::decode(&separator).expect("a separator is an internal key");
        // The newest entry that may follow: of the same key an older one, of another key any.
        let next = if left == right { put(right, 6) } else { put(right, SEQ_MAX) };
        assert!(
            key <= found && found < next,
            "{} @ {} does not separate {} @ 7 from {} @ {} {BETWEEN}",
            show(found.user_key),
            found.seq,
            show(left),
            show(right),
            next.seq
        );
    });
}

#[test]
fn no_cut_with_a_byte_that_grows_is_shorter() {
    for_all_pairs(|left, right| {
        let candidate = |at: usize| -> Option<Vec<u8>> {
            let grown = left[at].checked_add(1)?;
            let candidate = [&left[..at], &[grown]].concat();
            (candidate.as_slice() < right).then_some(candidate)
        };
        let shorter = (0..left.len().saturating_sub(1)).find_map(candidate);
        let separator = separate(put(left, 7), right);
        let (found, expected) = (&separator[..separator.len() - 8], shorter.as_deref());
        assert_eq!(
            show(found),
            show(expected.unwrap_or(left)),
            "the separator's user key between {} and {} {SHORTEST}",
            show(left),
            show(right)
        );
    });
}

#[test]
fn a_shorter_separator_stands_in_front_of_all_its_versions() {
    for kind in [Kind::Put, Kind::Delete] {
        let separator = separate(InternalKey { user_key: b"marble", seq: 7, kind }, b"quartz");
        assert_eq!(
            separator,
            encode(InternalKey::lookup(b"n", SEQ_MAX)),
            "n is a key of no block, and whoever looks for it, at any number, looks in the next \
             one: so the separator is in front of all versions of n (rule 4 of day 2)"
        );
    }
}

#[test]
fn versions_of_one_key_are_separated_by_the_last_of_the_block() {
    for kind in [Kind::Put, Kind::Delete] {
        for (seq, right) in [(7, "stone"), (1, "stone"), (SEQ_MAX, "stone"), (7, "stoneware")] {
            let left = InternalKey { user_key: b"stone", seq, kind };
            assert_eq!(
                separate(left, right.as_bytes()),
                encode(left),
                "stone @ {seq} {kind:?} and {right}: nothing shorter is between them, so it is the \
                 left key itself, with its number and its kind {SHORTEST}"
            );
        }
    }
}

#[test]
fn a_separator_is_appended_to_what_is_there() {
    for (left, right) in [("marble", "quartz"), ("stone", "stone"), ("", "")] {
        let (left, right) = (put(left.as_bytes(), 7), right.as_bytes());
        let mut out = b"before".to_vec();
        shortest_separator(left, right, &mut out);
        let expected = [&b"before"[..], &separate(left, right)].concat();
        assert_eq!(show(&out), show(&expected), "bytes that are in `out` already stay (rule 4)");
    }
}
