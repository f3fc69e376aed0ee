//! What is live in a file, and who follows a pointer.

use std::path::Path;

use bytes::Bytes;
use lsm::values::{LiveFile, LiveFiles, Pointer};
use wal::Error;

use super::given::*;

#[test]
fn a_file_is_due_to_the_byte() {
    let sim = disk(1);
    for (size, live, percent, want) in [
        (3, 1, 66, true),
        (3, 1, 67, false),
        (150, 50, 70, false),
        (1_000, 500, 50, false),
        (1_000, 499, 50, true),
        (1_000, 1_000, 0, false),
        (1_000, 999, 0, true),
        (1_000, 0, 100, false),
        (0, 0, 0, false),
        (1_000, 0, u64::MAX, false),
    ] {
        let file = LiveFile { file: value_file(&sim, 8, size), live };
        let garbage = size - live;
        let is_due = file.is_due(percent);
        assert_eq!(is_due, want, "{garbage} of {size} bytes: more than {percent} percent? {MOVES}");
    }
}

#[test]
fn only_pointers_are_followed() {
    let files = LiveFiles::default();
    for kept in [&stored("a value")[..], b"\0", b"\x07no tag", b""] {
        let kept = Bytes::copy_from_slice(kept);
        let came = files.resolve(b"a", kept.clone());
        let came = came.unwrap_or_else(|error| panic!("{kept:?} is no pointer: {error} {TAGS}"));
        assert_eq!(came, kept, "no pointer, and stays what it is {TAGS}");
        assert_eq!(came.as_ptr(), kept.as_ptr(), "{kept:?} was copied {TAGS}");
    }
    let pointer = Pointer { file: 9, offset: 16, size: 300 };
    let came = files.resolve(b"a", Bytes::copy_from_slice(&pointer.encode()));
    match came {
        Err(Error::Corruption { file, offset: 16, .. })
            if file.ends_with(Path::new(&name_of(9))) => {}
        came => panic!("a pointer into a file that is not there gives {came:?} {COUNTED}"),
    }
}
