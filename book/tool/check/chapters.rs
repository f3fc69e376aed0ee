//! The chapters as they are written: listings name their language, days have all of their parts.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use mdbook_summary::SummaryItem;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

use crate::book::Guide;
use crate::expand::PARTS;
use crate::facts::{Facts, Unit};
use crate::summary;

const RULES: std::ops::RangeInclusive<usize> = 3..=5;
const QUESTIONS_MIN: usize = 3;
const FIGURES_MIN: usize = 2;

/// What is wrong with the chapters below `book/src`, one line each.
pub(super) fn problems(guide: &Guide, facts: &Facts) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let listed = listed(&guide.src, facts)?;
    for path in markdown_files(&guide.src)? {
        let name = path.strip_prefix(&guide.src)?;
        // The chapters of a week that is not open yet may come one by one.
        let waits = facts.weeks.iter().any(|week| !week.open && name.starts_with(week.id()));
        if name != Path::new("SUMMARY.md") && !waits && !listed.contains(name) {
            problems.push(format!("{}: not in SUMMARY.md", shown(name)));
        }
        let bare = listings_without_language(&fs::read_to_string(&path)?);
        problems.extend(bare.iter().map(|line| {
            format!("{}:{line}: the listing names no language (`text` if it has none)", shown(name))
        }));
    }
    for week in facts.weeks.iter().filter(|week| week.open) {
        for unit in &week.units {
            match fs::read_to_string(guide.src.join(&unit.chapter)) {
                Ok(text) => {
                    let missing = missing_parts(unit, &text);
                    problems.extend(
                        missing.iter().map(|lack| format!("{}: {lack}", shown(&unit.chapter))),
                    );
                }
                Err(_) => problems.push(format!(
                    "{}: {} of {} has no chapter",
                    shown(&unit.chapter),
                    unit.id,
                    week.id()
                )),
            }
        }
    }
    Ok(problems)
}

fn shown(path: &Path) -> String {
    format!("book/src/{}", path.display())
}

/// The chapters that the table of contents leads to.
fn listed(src: &Path, facts: &Facts) -> Result<HashSet<PathBuf>> {
    let summary = summary::load(src, facts)?;
    let mut items: Vec<SummaryItem> =
        [summary.prefix_chapters, summary.numbered_chapters, summary.suffix_chapters].concat();
    let mut listed = HashSet::new();
    while let Some(item) = items.pop() {
        if let SummaryItem::Link(link) = item {
            listed.extend(link.location);
            items.extend(link.nested_items);
        }
    }
    Ok(listed)
}

/// Every chapter below `dir`, listed or not.
pub(super) fn markdown_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(markdown_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The lines on which a listing begins that says nothing of its language.
fn listings_without_language(text: &str) -> Vec<usize> {
    Parser::new(text)
        .into_offset_iter()
        .filter(|(event, _)| match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => language.is_empty(),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => true,
            _ => false,
        })
        .map(|(_, range)| text[..range.start].matches('\n').count() + 1)
        .collect()
}

/// What a day's or lab's chapter lacks.
fn missing_parts(unit: &Unit, text: &str) -> Vec<String> {
    let mut lacks = Vec::new();
    if !text.trim_start().starts_with(&format!("{{{{#day {}}}}}", unit.id)) {
        lacks.push(format!("it should begin with `{{{{#day {}}}}}`", unit.id));
    }
    let sections = sections(text);
    let mut last = 0;
    for (name, _) in PARTS {
        match sections.iter().position(|(title, _)| title.starts_with(name)) {
            None => lacks.push(format!("the part `## {name}` is missing")),
            Some(at) if at < last => lacks.push(format!("the part `## {name}` comes too late")),
            Some(at) => last = at,
        }
    }
    let body = |name: &str| {
        sections.iter().find(|(title, _)| title.starts_with(name)).map_or("", |(_, body)| body)
    };
    let rules = rule_count(text);
    if !RULES.contains(&rules) {
        lacks.push(format!("{rules} numbered rules, want {} to {}", RULES.start(), RULES.end()));
    }
    let questions = body("Check yourself").matches("<details").count();
    if questions < QUESTIONS_MIN {
        lacks.push(format!("{questions} questions with folded answers, want {QUESTIONS_MIN}"));
    }
    let figures = text.matches("{{#figure ").count();
    if figures < FIGURES_MIN {
        lacks.push(format!("{figures} figures, want {FIGURES_MIN}"));
    }
    lacks
}

/// The numbered rules of a chapter.
pub(super) fn rule_count(text: &str) -> usize {
    let sections = sections(text);
    let rules = sections.iter().find(|(title, _)| title.starts_with("The rules"));
    rules.map_or(0, |(_, body)| body.lines().filter(|line| is_rule(line)).count())
}

/// Titles of level 2 with the text below them.
fn sections(text: &str) -> Vec<(&str, &str)> {
    text.split("\n## ")
        .skip(1)
        .map(|section| section.split_once('\n').unwrap_or((section, "")))
        .collect()
}

fn is_rule(line: &str) -> bool {
    line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Kind;

    fn unit() -> Unit {
        Unit {
            id: "day1".into(),
            kind: Kind::Day(1),
            title: "A record".into(),
            idea: "one".into(),
            chapter: "week01/day1.md".into(),
            files: vec![],
            minutes: 90,
            points: 10,
            experiment: None,
            tests: vec![],
        }
    }

    fn whole_chapter() -> String {
        let mut text = String::from("{{#day day1}}\n\nA story.\n");
        for (name, _) in PARTS {
            text.push_str(&format!("\n## {name}\n\n"));
            match name {
                "The rules" => text.push_str("1. One.\n2. Two.\n3. Three.\n"),
                "The idea" => text.push_str("{{#figure a.svg \"\"}}\n{{#figure b.svg \"\"}}\n"),
                "Check yourself" => text.push_str(&"<details>…</details>\n".repeat(3)),
                _ => {}
            }
        }
        text
    }

    #[test]
    fn a_whole_chapter_lacks_nothing() {
        assert_eq!(missing_parts(&unit(), &whole_chapter()), Vec::<String>::new());
    }

    #[test]
    fn each_missing_part_is_named() {
        for (name, _) in PARTS {
            let text = whole_chapter().replace(&format!("## {name}\n"), "## Something else\n");
            let lacks = missing_parts(&unit(), &text).join("; ");
            assert!(lacks.contains(name), "`{name}` is gone, but all it says is `{lacks}`");
        }
    }

    #[test]
    fn listings_without_language_are_found_by_line() {
        let text = "a\n\n```rust\nx\n```\n\n```\ny\n```\n\n    indented\n";
        assert_eq!(listings_without_language(text), [7, 11]);
    }
}
