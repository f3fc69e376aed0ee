//! The parts of a chapter: a section a heading, marked with a class for the theme, and numbered
//! rules that can be linked to.

/// The parts of a day's chapter in order: how the heading begins, and the class it gets.
///
/// What stands above the first of them is the story.
pub(crate) const PARTS: [(&str, &str); 10] = [
    ("By the end you can", "goals"),
    ("The rules", "rules"),
    ("Predict", "predict"),
    ("The idea", "idea"),
    ("A worked example", "example"),
    ("Your turn", "turn"),
    ("See it run", "run"),
    ("In the wild", "wild"),
    ("Check yourself", "check"),
    ("Stretch", "stretch"),
];

/// Wraps each part in a `section` and gives the items of the rules their anchors: `#rule-2`.
pub(super) fn mark(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1024);
    let mut open: Option<&str> = None;
    let mut in_fence = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        }
        if !in_fence && let Some(title) = heading(line) {
            if open.is_some() {
                out.push_str("\n</section>\n\n");
            }
            open = PARTS.iter().find(|(name, _)| title.starts_with(name)).map(|(_, class)| *class);
            if let Some(class) = open {
                out.push_str(&format!("\n<section class=\"part part-{class}\">\n\n"));
            }
        }
        match rule_number(line).filter(|_| open == Some("rules") && !in_fence) {
            Some((number, rest)) => {
                out.push_str(&format!("{number}. <a id=\"rule-{number}\"></a>{rest}"));
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    if open.is_some() {
        out.push_str("\n</section>\n");
    }
    out
}

/// The title of a heading of level 2.
pub(crate) fn heading(line: &str) -> Option<&str> {
    line.strip_prefix("## ").map(str::trim)
}

fn rule_number(line: &str) -> Option<(u32, &str)> {
    let (number, rest) = line.split_once(". ")?;
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_a_section_and_a_rule_has_an_anchor() {
        let marked = mark("# Day\n\nstory\n\n## The rules\n\n1. One.\n\n## Own heading\n\ntext\n");
        assert!(marked.contains("<section class=\"part part-rules\">\n\n## The rules"));
        assert!(marked.contains("1. <a id=\"rule-1\"></a>One."));
        assert_eq!(marked.matches("</section>").count(), 1);
    }

    #[test]
    fn a_heading_in_a_listing_is_not_a_part() {
        assert!(!mark("```text\n## The rules\n```\n").contains("section"));
    }
}
