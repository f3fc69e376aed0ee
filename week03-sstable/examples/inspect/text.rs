//! Bytes as text: what a terminal can show of them, and how they are typed.
//!
//! ```text
//!   stone       stone            what can be seen stands as it is
//!   00 ff 0a    \x00\xff\n       the rest is escaped; so are \ and "
//!   (nothing)   ""               and a space at either end
//! ```

use std::fmt::Write;
use std::str::Chars;

/// `bytes`, so that each byte can be told from what is shown.
pub(crate) fn show(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return String::from("\"\"");
    }
    let mut out = String::new();
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            let at_end = at == 0 || at + 1 == bytes.len();
            match char {
                '"' | '\\' => out.extend(['\\', char]),
                '\'' => out.push(char),
                ' ' if !at_end => out.push(char),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                // What `Debug` does not print is a control or without shape.
                ' ' => escape(b" ", &mut out),
                char if char.escape_debug().len() > 1 => {
                    escape(char.encode_utf8(&mut [0; 4]).as_bytes(), &mut out);
                }
                char => out.push(char),
            }
            at += char.len_utf8();
        }
        escape(chunk.invalid(), &mut out);
        at += chunk.invalid().len();
    }
    out
}

fn escape(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        write!(out, "\\x{byte:02x}").expect("a string takes all");
    }
}

/// The same in at most `width` characters: `…` stands for what is left out.
pub(crate) fn short(bytes: &[u8], width: usize) -> String {
    // A character takes at most four bytes; of a value of megabytes no more is looked at.
    let cut = bytes.len().min(4 * width + 4);
    let shown = show(&bytes[..cut]);
    if cut == bytes.len() && shown.chars().count() <= width {
        return shown;
    }
    let mut shown: String = shown.chars().take(width.saturating_sub(1)).collect();
    shown.push('…');
    shown
}

/// The same, shortened in the middle: of neighbours in a table, the ends of keys differ.
pub(crate) fn squeeze(key: &[u8], width: usize) -> String {
    let shown: Vec<char> = show(key).chars().collect();
    let Some(kept) = (shown.len() > width).then(|| width.saturating_sub(1)) else {
        return shown.into_iter().collect();
    };
    let (front, back) = (kept - kept / 2, kept / 2);
    let front: String = shown[..front].iter().collect();
    let back: String = shown[shown.len() - back..].iter().collect();
    format!("{front}…{back}")
}

/// The bytes that were typed as `text`: the way back from [`show`].
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn read(text: &str) -> Result<Vec<u8>, String> {
    if text == "\"\"" {
        return Ok(Vec::new());
    }
    let mut bytes = Vec::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(
            escaped(&mut chars).ok_or("an escape is one of \\\\ \\\" \\n \\r \\t \\0 \\xHH")?,
        );
    }
    Ok(bytes)
}

/// The byte that the characters behind a backslash stand for.
fn escaped(chars: &mut Chars<'_>) -> Option<u8> {
    let digit = |chars: &mut Chars<'_>| chars.next()?.to_digit(16);
    Some(match chars.next()? {
        '\\' => b'\\',
        '"' => b'"',
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        '0' => 0,
        'x' => (digit(chars)? << 4 | digit(chars)?) as u8,
        _ => return None,
    })
}

/// `number` in groups of three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// So many of something: `1 entry`, `2 entries`.
pub(crate) fn many(number: u64, one: &str, more: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { more })
}

/// A size in bytes, and roughly if it is large.
pub(crate) fn size(bytes: u64) -> String {
    let exact = many(bytes, "byte", "bytes");
    let mut scaled = bytes as f64;
    for unit in ["KiB", "MiB", "GiB", "TiB"] {
        scaled /= 1024.0;
        if (1.0..1024.0).contains(&scaled) && bytes >= 10_000 {
            return format!("{exact} ({scaled:.1} {unit})");
        }
    }
    exact
}

/// `part` of `whole` in percent.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64)
}
