//! What becomes of a value when a table is written.

use std::path::Path;

use lsm::values::{LiveFiles, Placing, Pointer, References, Stored, ValueWriter};
use wal::Error;
use wal::fs::SimFs;

use super::given::*;
use crate::allocated_by;

/// Begins value file 9.
fn begin_nine(sim: &SimFs) -> impl Fn() -> wal::Result<ValueWriter> {
    let fs = fs(sim);
    move || ValueWriter::create(&fs, Path::new(DIR), 9)
}

/// Places values for the keys `k0`, `k1` and so on; says what a table has of them, and where it points.
#[track_caller]
fn place_all(placing: &mut Placing<'_>, values: &[&str]) -> (Vec<Vec<u8>>, References) {
    let mut references = References::default();
    let mut place = |(at, value): (usize, &&str)| {
        let (key, stored) = (format!("k{at}"), stored(value));
        let placed = placing.place(key.as_bytes(), &stored, &mut references);
        placed.unwrap_or_else(|error| panic!("{key}: {error} {TAGS}")).into_owned()
    };
    (values.iter().enumerate().map(&mut place).collect(), references)
}

#[test]
fn large_values_go_apart_and_are_counted() {
    let (sim, live) = (disk(1), LiveFiles::default());
    let begin = begin_nine(&sim);
    let mut placing = Placing::new(Path::new(DIR), (60, 50), &live, &begin);
    // 59, 60, 0 and 61 bytes.
    let (less, least) = (&large(1)[1..], large(2));
    let values = [less, &least, "", &format!("{least}x")];
    let (placed, references) = place_all(&mut placing, &values);
    let pointer = |offset, size| Pointer { file: 9, offset, size }.encode().to_vec();
    let want = [stored(less), pointer(16, 60), stored(""), pointer(16 + 69, 61)];
    assert_eq!(placed, want, "what the table has of values of 59, 60, 0 and 61 bytes {TAGS}");
    let counted: Vec<_> = references.iter().map(|(&file, &size)| (file, size)).collect();
    assert_eq!(counted, [(9, 69 + 70)], "file and bytes of its two records {COUNTED}");
    let tables = [live_table(&sim, 11, Vec::new()), live_table(&sim, 12, Vec::new())];
    let written = placing.finish(&tables, &[references, References::default()]);
    let written = written.expect("a good disk");
    assert_eq!(written, 69 + 70, "bytes of values that were written {COUNTED}");
    let told = |at: usize| -> Vec<_> {
        tables[at].values().iter().map(|(file, size)| (file.number(), *size)).collect()
    };
    assert_eq!(told(0), [(9, 69 + 70)], "where the first table points {COUNTED}");
    assert_eq!(told(1), [], "the second table has no pointer {COUNTED}");
    let file = &tables[0].values()[0].0;
    let Some(Stored::Apart(pointer)) = Stored::decode(&placed[3]) else { panic!("a pointer") };
    let came = file.read(b"k3", &pointer).expect("a good disk");
    assert_eq!(came[..], stored(values[3])[..], "what k3's pointer leads to {WHOLE}");
}

#[test]
fn nothing_large_makes_no_file() {
    let (sim, live) = (disk(1), LiveFiles::default());
    let begin = begin_nine(&sim);
    let mut placing = Placing::new(Path::new(DIR), (VALUE_MIN, 50), &live, &begin);
    let (_, references) = place_all(&mut placing, &["x", "", "y"]);
    let table = live_table(&sim, 11, Vec::new());
    let written = placing.finish(&[table], &[references]).expect("a good disk");
    assert_eq!(written, 0, "bytes of values that were written {COUNTED}");
    assert_eq!(names(&sim, ".val"), [""; 0], "value files {TAGS}");
}

#[test]
fn what_stays_inline_is_not_copied() {
    let (sim, live) = (disk(1), LiveFiles::default());
    let begin = begin_nine(&sim);
    let mut placing = Placing::new(Path::new(DIR), (200_000, 50), &live, &begin);
    let (value, mut references) = (stored(&"x".repeat(100_000)), References::default());
    let allocated = allocated_by(20, || {
        let placed = placing.place(b"a", &value, &mut references).expect("a good disk");
        assert!(*placed == value[..], "a value below the least size stays what it is {TAGS}");
    });
    let why = "give what came, as a `Cow::Borrowed`";
    assert!(allocated < 1_000, "100 000 bytes that stay took {allocated} bytes of memory: {why}");
}

#[test]
fn what_is_no_value_and_no_known_pointer_is_an_error() {
    let (sim, live) = (disk(1), LiveFiles::default());
    let begin = begin_nine(&sim);
    let mut placing = Placing::new(Path::new(DIR), (0, 50), &live, &begin);
    let pointer = Pointer { file: 8, offset: 16, size: 60 }.encode();
    let about_file = Path::new("000008.val");
    for (bad, about, what) in [
        (&b""[..], Path::new(DIR), "no tag"),
        (b"\x02x", Path::new(DIR), "another tag"),
        (&pointer[..16], Path::new(DIR), "a pointer that is cut off"),
        (&pointer[..], about_file, "a pointer into file 8, into which no table points"),
    ] {
        let mut references = References::default();
        match placing.place(b"a", bad, &mut references) {
            Err(Error::Corruption { file, .. }) if file.ends_with(about) => {}
            placed => panic!("{what}: want damage of {about:?}, got {placed:?} {COUNTED}"),
        }
        assert_eq!(references, References::default(), "{what}, and it was counted {COUNTED}");
    }
}
