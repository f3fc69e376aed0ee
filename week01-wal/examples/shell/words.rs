//! A line as words: keys and values are bytes, and any of them can be typed.
//!
//! ```text
//!   put stone flint             words, spaces in between
//!   put "two words" 'x\y'       in double quotes with escapes, in single quotes as they stand
//!   put "\x00\xff" "a\tb\n"     escapes: \\ \" \n \r \t \0 \xHH
//!   # put a 1                   the rest of a line behind # at a word's beginning is a comment
//! ```
//!
//! What is printed is written in the same way, so it can be typed back in.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::CharIndices;

/// The words of `line`.
///
/// # Errors
///
/// What is wrong, with the place marked by a caret.
pub(crate) fn split(line: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut words = Vec::new();
    let mut chars = line.char_indices().peekable();
    loop {
        while chars.next_if(|(_, char)| char.is_whitespace()).is_some() {}
        match chars.peek() {
            None | Some((_, '#')) => return Ok(words),
            Some(_) => {
                let word = word(&mut chars);
                words.push(word.map_err(|(at, reason)| mark(line, at, reason))?);
            }
        }
    }
}

/// A word, up to the next space; parts of it may be in quotes.
fn word(chars: &mut Peekable<CharIndices<'_>>) -> Result<Vec<u8>, (usize, &'static str)> {
    let mut word = Vec::new();
    while let Some((at, char)) = chars.next_if(|(_, char)| !char.is_whitespace()) {
        match char {
            '\'' => loop {
                match chars.next() {
                    Some((_, '\'')) => break,
                    Some((_, char)) => push(&mut word, char),
                    None => return Err((at, "this quote is never closed")),
                }
            },
            '"' => loop {
                match chars.next() {
                    Some((_, '"')) => break,
                    Some((at, '\\')) => word.push(escape(chars).ok_or((at, ESCAPES))?),
                    Some((_, char)) => push(&mut word, char),
                    None => return Err((at, "this quote is never closed")),
                }
            },
            char => push(&mut word, char),
        }
    }
    Ok(word)
}

const ESCAPES: &str = r#"an escape is one of \\ \" \n \r \t \0 \xHH"#;

/// The byte that the characters behind a backslash stand for.
fn escape(chars: &mut Peekable<CharIndices<'_>>) -> Option<u8> {
    let digit = |chars: &mut Peekable<CharIndices<'_>>| chars.next()?.1.to_digit(16);
    Some(match chars.next()?.1 {
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        '0' => 0,
        '\\' => b'\\',
        '"' => b'"',
        'x' => (digit(chars)? << 4 | digit(chars)?) as u8,
        _ => return None,
    })
}

fn push(word: &mut Vec<u8>, char: char) {
    word.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The line, with a caret under the character at `at`.
fn mark(line: &str, at: usize, reason: &str) -> String {
    let column = line[..at].chars().count();
    format!("{reason}\n  {line}\n  {:column$}^", "")
}

/// `bytes` as a word that `split` reads back.
pub(crate) fn show(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_plain(text) => text.to_owned(),
        _ => quoted(bytes),
    }
}

/// Whether these characters are a word without quotes.
fn is_plain(text: &str) -> bool {
    let special = |char: char| char.is_whitespace() || char.is_control() || "\"'".contains(char);
    !text.is_empty() && !text.starts_with('#') && !text.contains(special)
}

fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from('"');
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '"' | '\\' => out.extend(['\\', char]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                char if char.is_control() => {
                    for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                        write!(out, "\\x{byte:02x}").expect("a string takes all");
                    }
                }
                char => out.push(char),
            }
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}").expect("a string takes all");
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{show, split};

    #[test]
    fn words_are_split_at_spaces_and_quotes_keep_them() {
        let words = |line: &str| split(line).unwrap();
        assert_eq!(words("  put  a 1 "), [&b"put"[..], b"a", b"1"]);
        assert_eq!(
            words(r#"put "a b" 'c\n' "\x00\xff\n""#)[1..],
            [&b"a b"[..], b"c\\n", b"\0\xff\n"]
        );
        assert_eq!(words(r#"put "" x"y z"w"#)[1..], [&b""[..], b"xy zw"]);
        assert_eq!(words("get a#b # a comment"), [&b"get"[..], b"a#b"]);
        assert!(words("# only a comment").is_empty());
    }

    #[test]
    fn what_is_wrong_is_marked() {
        let error = split("put \"a").unwrap_err();
        assert!(error.ends_with("  put \"a\n      ^"), "{error}");
        let error = split(r#"put "é\q""#).unwrap_err();
        assert!(error.ends_with("\n        ^"), "{error}");
        split(r#"put "\x4""#).unwrap_err();
    }

    #[test]
    fn any_bytes_are_shown_as_a_word_that_reads_back() {
        for first in 0..=u8::MAX {
            for bytes in [vec![first], vec![first, b'a'], vec![b'a', first, 0xe4]] {
                assert_eq!(split(&show(&bytes)).unwrap(), [bytes]);
            }
        }
        assert_eq!(show("größe".as_bytes()), "größe");
        assert_eq!(show(b""), "\"\"");
    }
}
