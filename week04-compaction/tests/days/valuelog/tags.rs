//! Tags and pointers.

use lsm::values::{POINTER_SIZE, Pointer, Stored, tag_all};
use wal::WriteBatch;
use wal::testing::{Workload, batch, delete, put, seeds, show};

use super::given::*;

#[test]
fn a_batch_is_tagged_value_by_value() {
    let batch = batch(&[put("a", "1"), delete("b"), put("", ""), put("a", "\x01x"), delete("a")]);
    let want = [
        ("a", Some("\x001")),
        ("b", None),
        ("", Some("\x00")),
        ("a", Some("\x00\x01x")),
        ("a", None),
    ];
    let mut expected = WriteBatch::new();
    for (key, value) in want {
        match value {
            Some(value) => expected.put(key.as_bytes(), value.as_bytes()),
            None => expected.delete(key.as_bytes()),
        }
    }
    let tagged = tag_all(&batch);
    let same = tagged.iter().collect::<Vec<_>>() == expected.iter().collect::<Vec<_>>();
    assert!(same, "a byte 0 in front of each value, and nothing else: {tagged:?} {TAGS}");
}

#[test]
fn a_pointer_is_exactly_these_bytes() {
    let pointer = Pointer { file: 8, offset: 0x0102_0304, size: 300 };
    let hex: String = pointer.encode().iter().map(|byte| format!("{byte:02x}")).collect();
    let want = "01 08000000 0403020100000000 2c010000".replace(' ', "");
    assert_eq!(hex, want, "tag, file 8, offset 0x01020304, size 300 {TAGS}");
}

#[test]
fn what_stands_in_the_place_of_a_value_is_one_of_two_things() {
    for value in ["", "x", "\x01", &large(7)] {
        let stored = stored(value);
        let came = Stored::decode(&stored);
        let want = Some(Stored::Inline(value.as_bytes()));
        assert_eq!(came, want, "{} behind the tag 0 {TAGS}", show(value.as_bytes()));
    }
    for seed in seeds(100) {
        let mut dice = Workload::new(seed);
        let number = |dice: &mut Workload| (dice.below(1 << 31) as u32) >> dice.below(32);
        let offset = (u64::from(number(&mut dice)) << 32) | u64::from(number(&mut dice));
        let pointer = Pointer { file: number(&mut dice), offset, size: number(&mut dice) };
        let bytes = pointer.encode();
        let came = Stored::decode(&bytes);
        assert_eq!(came, Some(Stored::Apart(pointer)), "a pointer, read back {TAGS}");
        for bad in [&bytes[..POINTER_SIZE - 1], &[&bytes[..], b"x"].concat(), &bytes[..1]] {
            let came = Stored::decode(bad);
            assert_eq!(came, None, "{} bytes with a pointer's tag {TAGS}", bad.len());
        }
    }
    for tag in 2..=255 {
        let stored = [tag, 1, 2, 3];
        assert_eq!(Stored::decode(&stored), None, "{tag} is no tag {TAGS}");
    }
    assert_eq!(Stored::decode(b""), None, "nothing has no tag {TAGS}");
}
