//! A region of a source file as a listing: without the marks that cut the skeleton, flush left.

use anyhow::{Result, bail};

/// The lines of `source` in region `name`, or all of them, without `ANCHOR` and `STUB` lines.
///
/// The region may occur several times; its pieces follow each other.
pub(super) fn region(source: &str, name: Option<&str>) -> Result<String> {
    let mut lines: Vec<&str> = Vec::new();
    let mut inside = name.is_none();
    let mut found = inside;
    for line in source.lines() {
        if let Some(marker) = marker(line) {
            if Some(marker.region) == name {
                inside = marker.opens;
                found = true;
            }
        } else if inside && !is_stub(line) {
            lines.push(line);
        }
    }
    if !found {
        bail!("there is no region `{}`", name.unwrap_or_default());
    }
    if inside && name.is_some() {
        bail!("the region `{}` does not end", name.unwrap_or_default());
    }
    Ok(flush_left(&squeeze(&lines)).join("\n"))
}

struct Marker<'a> {
    opens: bool,
    region: &'a str,
}

fn marker(line: &str) -> Option<Marker<'_>> {
    let comment = line.trim().strip_prefix("//")?.trim_start();
    let (opens, rest) = match comment.strip_prefix("ANCHOR:") {
        Some(rest) => (true, rest),
        None => (false, comment.strip_prefix("ANCHOR_END:")?),
    };
    Some(Marker { opens, region: rest.trim() })
}

fn is_stub(line: &str) -> bool {
    line.trim().strip_prefix("//").is_some_and(|rest| rest.trim_start().starts_with("STUB:"))
}

/// Drops blank lines at both ends and all but one where several meet.
fn squeeze<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut kept: Vec<&str> = Vec::new();
    for line in lines {
        let blank = line.trim().is_empty();
        if !blank || kept.last().is_some_and(|last| !last.trim().is_empty()) {
            kept.push(line);
        }
    }
    while kept.last().is_some_and(|last| last.trim().is_empty()) {
        kept.pop();
    }
    kept
}

fn flush_left(lines: &[&str]) -> Vec<String> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let margin = lines.iter().filter(|line| !line.trim().is_empty()).map(|line| depth(line)).min();
    lines
        .iter()
        .map(|line| line.get(margin.unwrap_or(0)..).unwrap_or("").trim_end().to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
fn f() {
    // ANCHOR: day1_f
    // Count first.
    // STUB: 0
    let n = 1;

    // ANCHOR: hidden_day1_g

    if n > 0 {
        g();
    }
    // ANCHOR_END: hidden_day1_g
    // ANCHOR_END: day1_f
}
";

    #[test]
    fn a_region_is_flush_left_and_bare_of_marks() {
        let listing = region(SOURCE, Some("day1_f")).unwrap();
        assert_eq!(listing, "// Count first.\nlet n = 1;\n\nif n > 0 {\n    g();\n}");
    }

    #[test]
    fn a_region_that_is_not_there_is_an_error() {
        assert!(region(SOURCE, Some("day1_h")).is_err());
    }

    #[test]
    fn a_region_without_end_is_an_error() {
        assert!(region("// ANCHOR: a\nx\n", Some("a")).is_err());
    }
}
