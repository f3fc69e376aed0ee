//! Many wrong versions of a file in one: which of them runs is decided when the program starts.
//!
//! To build one binary for each bug of the zoo takes longer than all else that is proved. Nearly
//! every bug is in the body of one function, though, and there a body can make room for others:
//!
//! ```text
//! fn sync(&self) -> Result<()> {          fn sync(&self) -> Result<()> {
//!     self.file.sync()                        match chosen_bug() {
//! }                                               3 => { Ok(()) }
//!                                                 _ => { self.file.sync() }
//!                                             }
//!                                         }
//! ```
//!
//! This is what the literature on mutation testing calls *mutant schemata* (Untch, Offutt and
//! Harrold, 1993). What cannot be woven, a changed type, constant or signature, is built by itself.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use proc_macro2::{TokenStream, TokenTree};

use crate::items::bodies;

/// The variable that chooses a bug, by a number from 1.
pub(super) const CHOICE: &str = "CAIRN_BUG";

/// The body of a function, instead of the one that stands at `range` of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    range: Range<usize>,
    body: String,
}

/// What makes `right` into `wrong`, if it is another body of one function and no more.
pub(super) fn variant(right: &str, wrong: &str) -> Option<Variant> {
    let fits = |range: &Range<usize>| {
        let (head, tail) = (&right[..range.start], &right[range.end..]);
        let body = wrong.strip_prefix(head)?.strip_suffix(tail)?;
        let tokens = Vec::from_iter(body.parse::<TokenStream>().ok()?);
        let is_one_block = matches!(&tokens[..], [TokenTree::Group(_)]) && body.starts_with('{');
        is_one_block.then(|| Variant { range: range.clone(), body: body.to_owned() })
    };
    bodies(right).ok()?.iter().find_map(fits)
}

/// The variants of some files, by number.
#[derive(Default)]
pub(super) struct Weave {
    files: BTreeMap<PathBuf, BTreeMap<usize, Vec<(usize, Variant)>>>,
}

impl Weave {
    /// Has `variant` of the file at `path` run if bug `number` is chosen.
    pub(super) fn add(&mut self, number: usize, path: PathBuf, variant: Variant) {
        let places = self.files.entry(path).or_default();
        places.entry(variant.range.start).or_default().push((number, variant));
    }

    /// Each file that has variants, with all of them in it; `right` tells what it holds without.
    pub(super) fn woven(
        &self,
        right: impl Fn(&PathBuf) -> String,
    ) -> impl Iterator<Item = (&PathBuf, String)> {
        self.files.iter().map(move |(path, places)| (path, woven(right(path), places)))
    }
}

fn woven(mut text: String, places: &BTreeMap<usize, Vec<(usize, Variant)>>) -> String {
    // From behind, so that what is in front stays where it is.
    for variants in places.values().rev() {
        let range = variants[0].1.range.clone();
        let mut body = "{ match chosen_bug() {\n".to_owned();
        for (number, variant) in variants {
            body += &format!("{number} => {}\n", variant.body);
        }
        body += &format!("_ => {}\n}} }}", &text[range.clone()]);
        text.replace_range(range, &body);
    }
    text + CHOSEN
}

/// Neither allocates nor locks: tests count allocations, and decide which thread goes on.
const CHOSEN: &str = r#"
fn chosen_bug() -> usize {
    use core::sync::atomic::{AtomicUsize, Ordering};
    unsafe extern "C" {
        fn getenv(name: *const core::ffi::c_char) -> *const core::ffi::c_char;
    }
    static CHOSEN: AtomicUsize = AtomicUsize::new(usize::MAX);
    let known = CHOSEN.load(Ordering::Relaxed);
    if known != usize::MAX {
        return known;
    }
    let text = unsafe { getenv(c"CAIRN_BUG".as_ptr()) };
    let text = match text.is_null() {
        true => c"0",
        false => unsafe { core::ffi::CStr::from_ptr(text) },
    };
    let digits = text.to_bytes().iter();
    let chosen = digits.fold(0, |number, digit| number * 10 + (digit - b'0') as usize);
    CHOSEN.store(chosen, Ordering::Relaxed);
    chosen
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "\
const LIMIT: u8 = 1;
fn first() -> bool { true }
fn second(n: u8) -> bool {
    n < LIMIT
}
";

    #[test]
    fn a_bug_in_one_body_is_a_variant() {
        let wrong = RIGHT.replace("n < LIMIT", "n <= LIMIT");
        let variant = variant(RIGHT, &wrong).expect("it is in `second` alone");
        assert_eq!(variant.body, "{\n    n <= LIMIT\n}");
        assert_eq!(&RIGHT[variant.range], "{\n    n < LIMIT\n}");
    }

    #[test]
    fn what_is_in_no_body_or_in_two_is_none() {
        for (from, to) in [
            ("u8 = 1", "u8 = 2"),
            ("fn second(n: u8)", "fn second(n: u16)"),
            ("true }\nfn second(n: u8) -> bool {", "false }\nfn second(n: u8) -> bool { true ||"),
            ("true }", "true }\nfn between() {}"),
        ] {
            let wrong = RIGHT.replacen(from, to, 1);
            assert_ne!(wrong, RIGHT);
            assert_eq!(variant(RIGHT, &wrong), None, "{wrong}");
        }
    }

    #[test]
    fn all_variants_stand_in_one_text_and_the_right_one_is_what_else_runs() {
        let mut weave = Weave::default();
        for (number, from, to) in
            [(1, "n < LIMIT", "false"), (2, "true", "false"), (7, "n < LIMIT", "true || n > 2")]
        {
            let variant = variant(RIGHT, &RIGHT.replacen(from, to, 1)).expect("one body");
            weave.add(number, "a.rs".into(), variant);
        }
        let files = Vec::from_iter(weave.woven(|_| RIGHT.to_owned()));
        let [(path, text)] = &files[..] else { panic!("one file has variants") };
        assert_eq!(path.to_str(), Some("a.rs"));
        let want = "\
const LIMIT: u8 = 1;
fn first() -> bool { match chosen_bug() {
2 => { false }
_ => { true }
} }
fn second(n: u8) -> bool { match chosen_bug() {
1 => {
    false
}
7 => {
    true || n > 2
}
_ => {
    n < LIMIT
}
} }
";
        assert_eq!(text.strip_suffix(CHOSEN), Some(want));
        assert!(CHOSEN.contains(&format!("c{CHOICE:?}")), "both sides know the variable's name");
    }
}
