//! How a day's results look.

use jzon::object::Object;

use crate::repo::Repo;
use crate::road;
use crate::runner::{Outcome, Report};
use crate::style::{self, BAD, BOLD, CODE, DIM, GOOD, WARN, paint};
use crate::week::{Unit, Week};

/// The column that counts and times end at.
const WIDTH: usize = 72;
/// The column that no line of ours goes beyond.
const WIDTH_MAX: usize = 100;
/// How many lines of a failing test's own output are worth showing: the last ones.
const OUTPUT_LINES: usize = 16;
/// How much of each. It is more than a terminal's width, for one may want to copy a command whole.
const OUTPUT_WIDTH: usize = 240;

/// Prints how a unit did: one line if it is green, else the first failure in full and a line for
/// every other one. With `each`, a line for every test that passed, too.
pub(super) fn unit(repo: &Repo, week: &Week, unit: &Unit, reports: &[Report], each: bool) {
    let passed = reports.iter().filter(|report| report.outcome.passed()).count();
    heading(week, unit, passed, reports.len());
    // What has failed comes before what is not written yet.
    let failed = reports.iter().find(|r| !r.outcome.passed() && !r.outcome.not_started());
    let first = failed.or_else(|| reports.iter().find(|r| r.outcome.not_started()));
    if let Some(first) = first {
        in_full(repo, week, unit, first);
    }
    for report in reports {
        if first.is_some_and(|first| first.test == report.test) {
            continue;
        }
        if each || !report.outcome.passed() {
            anstream::println!("{}", in_a_line(report));
        }
    }
    let begun = reports.iter().any(|report| !report.outcome.not_started());
    if !begun && !each {
        anstream::println!();
        road::print_step(week, unit);
    }
}

fn heading(week: &Week, unit: &Unit, passed: usize, count: usize) {
    let left = format!("{} · {} · {}", week.label(), unit.label(), unit.title);
    let right = format!("{passed} of {count}");
    let (style, mark) = match (passed, count) {
        (passed, count) if passed == count => (GOOD, style::PASSED),
        (0, _) => (DIM, style::NOT_STARTED),
        _ => (WARN, style::PARTLY),
    };
    let gap = gap(&left, &format!("{mark} {right}"));
    let right = paint(style, format!("{mark} {right}"));
    anstream::println!("{}{gap}{right}", paint(BOLD, left));
}

fn in_full(repo: &Repo, week: &Week, unit: &Unit, report: &Report) {
    let left = format!("  {} {}", glyph(report).1, report.name());
    let time = seconds(report);
    let gap = gap(&left, &time);
    let (style, glyph) = glyph(report);
    let (glyph, name) = (paint(style, glyph), paint(BOLD, report.name()));
    anstream::println!("  {glyph} {name}{gap}{}", paint(DIM, time));
    let message = report.outcome.message();
    for line in style::wrap(&message, WIDTH_MAX - 4) {
        anstream::println!("    {line}");
    }
    if let Some(location) = report.outcome.location() {
        anstream::println!(
            "    {}",
            paint(DIM, format!("at {}", road::place(repo, week, location)))
        );
    }
    if !report.outcome.not_started() {
        own_output(&report.output);
    }
    let read = match rule(&message) {
        Some((rule, day)) => {
            let day = day.and_then(|day| week.unit(day).ok()).unwrap_or(unit);
            format!("rule {rule} in {}", road::chapter_path(day))
        }
        None => format!("read {}", road::chapter_path(unit)),
    };
    let hint = format!("cargo x hint {} {}", week.label(), unit.argument());
    anstream::println!("    {} · {}", paint(DIM, read), paint(CODE, hint));
}

fn own_output(output: &str) {
    let lines: Vec<&str> = output.lines().collect();
    let skipped = lines.len().saturating_sub(OUTPUT_LINES);
    if !lines.is_empty() {
        let what = match skipped {
            0 => "printed:".to_owned(),
            _ => format!("printed, after {skipped} lines more:"),
        };
        anstream::println!("    {}", paint(DIM, what));
    }
    for line in &lines[skipped..] {
        anstream::println!("    {} {}", paint(DIM, "│"), cut(line, OUTPUT_WIDTH));
    }
}

fn in_a_line(report: &Report) -> String {
    let (style, glyph) = glyph(report);
    let name = cut(report.name(), WIDTH_MAX - 4);
    let line = format!("  {} {name}", paint(style, glyph));
    if report.outcome.passed() {
        return line;
    }
    let room = WIDTH_MAX.saturating_sub(6 + name.chars().count());
    let message = match &report.outcome {
        // The glyph says the rest.
        Outcome::NotStarted { what, .. } => what.clone(),
        outcome => outcome.message(),
    };
    let first = cut(message.lines().next().unwrap_or_default(), room);
    // Half a word tells nothing.
    if room < 12 { line } else { format!("{line}  {}", paint(DIM, first)) }
}

fn glyph(report: &Report) -> (anstyle::Style, &'static str) {
    match report.outcome {
        Outcome::Passed => (GOOD, style::PASSED),
        Outcome::NotStarted { .. } => (DIM, style::NOT_STARTED),
        _ => (BAD, style::FAILED),
    }
}

fn seconds(report: &Report) -> String {
    format!("{:.2} s", report.duration_ms as f64 / 1000.0)
}

/// Spaces that bring `right` to end at [`WIDTH`], one at least.
fn gap(left: &str, right: &str) -> String {
    let used = left.chars().count() + right.chars().count();
    " ".repeat(WIDTH.saturating_sub(used).max(1))
}

/// At most `width` characters of `text`.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The number in the first `rule 3` of a message, and the day in `rule 3 of day 1`.
fn rule(message: &str) -> Option<(u32, Option<&str>)> {
    let number = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (_, rest) = message.split_once("rule ")?;
    let (rule, rest) = rest.split_at(number(rest));
    let day = rest.strip_prefix(" of day ").map(|day| &day[..number(day)]);
    Some((rule.parse().ok()?, day))
}

/// Prints one JSON object on one line.
pub(super) fn json(week: &Week, unit: &Unit, report: &Report) {
    println!("{}", line(week, unit, report));
}

/// One test for a machine.
fn line(week: &Week, unit: &Unit, report: &Report) -> String {
    let mut line = Object::new();
    line.insert("week", week.label().into());
    line.insert("unit", unit.id.as_str().into());
    report.write(&mut line);
    line.dump()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_in_a_message() {
        assert_eq!(rule("want 3\nthis breaks rule 12 of day 1"), Some((12, Some("1"))));
        assert_eq!(rule("rule 2: no more"), Some((2, None)));
        assert_eq!(rule("as a rule of thumb"), None);
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!(cut("größe", 5), "größe");
        assert_eq!(cut("größer", 5), "größ…");
    }

    #[test]
    fn a_line_for_a_machine_is_flat() {
        let text = "number = 1\nname = 'wal'\ntitle = ''\npromise = ''\nopen = false\n\
                    [[day]]\nid = 'day1'\ntitle = ''\nidea = ''\n";
        let week = Week::parse("week01-wal", text).unwrap();
        let outcome = Outcome::TimedOut { limit_s: 20, busy: None };
        let test = "day1::a".to_owned();
        let report = Report { test, outcome, duration_ms: 20_001, output: String::new() };
        let want = r#"{"week":"week01","unit":"day1","test":"day1::a","outcome":"timed_out","limit_s":20,"busy":null,"duration_ms":20001}"#;
        assert_eq!(line(&week, &week.days[0], &report), want);
    }
}
