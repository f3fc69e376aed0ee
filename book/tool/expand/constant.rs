//! Constants of the code, as numbers in the text.

use anyhow::{Context, Result, bail};
use regex::Regex;

/// The value of `const name: … = …;` in `source`: integers, `*`, `+`, `<<` and other constants of
/// the same file.
pub(super) fn find(source: &str, name: &str) -> Result<u64> {
    let pattern = format!(r"const\s+{}\s*:\s*\w+\s*=\s*([^;]+);", regex::escape(name));
    let pattern = Regex::new(&pattern).expect("an escaped name is a pattern");
    let found = pattern.captures(source).with_context(|| format!("no constant `{name}`"))?;
    sum(source, &found[1]).with_context(|| format!("constant `{name}`"))
}

/// `value` bytes as people write it: `64 KiB`, `16 bytes`.
pub(super) fn size(value: u64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if value >= 1 << shift && value.is_multiple_of(1 << shift) {
            return format!("{} {unit}", value >> shift);
        }
    }
    format!("{value} bytes")
}

// Rust's precedence: `*` before `+` before `<<`.
fn sum(source: &str, expression: &str) -> Result<u64> {
    let mut shifted = expression.split("<<").map(|terms| {
        terms
            .split('+')
            .try_fold(0u64, |sum, term| Ok::<_, anyhow::Error>(sum + product(source, term)?))
    });
    let first = shifted.next().context("it is empty")??;
    shifted.try_fold(first, |value, by| Ok(value << by?))
}

fn product(source: &str, term: &str) -> Result<u64> {
    term.split('*').try_fold(1, |product, factor| Ok(product * atom(source, factor.trim())?))
}

fn atom(source: &str, text: &str) -> Result<u64> {
    let text = text.split(" as ").next().unwrap_or(text).trim().trim_matches(['(', ')']);
    let digits = text.replace('_', "");
    if let Ok(value) = digits.trim_end_matches("usize").trim_end_matches("u64").parse() {
        return Ok(value);
    }
    if text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !text.is_empty() {
        return find(source, text);
    }
    bail!("`{text}` is more than this reads: integers, *, +, << and constants of the file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_worked_out() {
        let source = "pub const A: usize = 4 + 4 + 8;\nconst B: u64 = 1 << 20;\n\
                      const C: u64 = A as u64 * 1_000;";
        assert_eq!(find(source, "A").unwrap(), 16);
        assert_eq!(find(source, "B").unwrap(), 1 << 20);
        assert_eq!(find(source, "C").unwrap(), 16_000);
        assert!(find(source, "D").is_err());
    }

    #[test]
    fn sizes_are_written_in_the_largest_unit_that_is_exact() {
        assert_eq!(size(64 << 20), "64 MiB");
        assert_eq!(size(1536), "1536 bytes");
    }
}
