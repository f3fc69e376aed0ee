//! The board: every week and day of the road, what is done, and the next step.

use anstyle::Style;

use crate::cli::Answer;
use crate::repo::Repo;
use crate::results::Standing;
use crate::road::{self, WeekStanding};
use crate::style::{self, BOLD, CODE, DIM, GOOD, WARN, paint};
use crate::week::{Unit, Week, Weeks};

/// The column that titles end at, before the counts.
const TITLE_WIDTH: usize = 44;
/// The column that lines are broken at.
const WIDTH: usize = 96;

/// Prints the board.
pub(crate) fn run(repo: &Repo) -> anyhow::Result<Answer> {
    let weeks = Weeks::load(repo)?;
    let present = road::present_week(repo, &weeks)?;
    let mut stale = false;
    for week in &weeks.0 {
        if week.open {
            let standing = WeekStanding::load(repo, week)?;
            print_open(&standing, week.number == present.number);
            let units = standing.units.iter();
            stale |= units.clone().any(|(_, standing)| !standing.current);
        } else {
            print_closed(week);
        }
    }
    anstream::println!();
    if stale {
        let command = paint(CODE, format!("cargo x test {}", present.label()));
        anstream::println!("{}", paint(DIM, "? files have changed since these tests ran"));
        anstream::println!("  {} {command}", paint(DIM, "look again with"));
        anstream::println!();
    }
    match WeekStanding::load(repo, present)?.next() {
        Some(unit) => road::print_step(present, unit),
        None => anstream::println!("all that is open is done"),
    }
    Ok(Answer::Yes)
}

fn print_open(standing: &WeekStanding<'_>, in_full: bool) {
    let week = standing.week;
    heading(week, "");
    if !in_full && standing.days_done() {
        let done = format!("{} all days done", style::PASSED);
        anstream::println!("        {}", paint(GOOD, done));
        return;
    }
    for (unit, standing) in &standing.units {
        let (style, glyph) = mark(*standing);
        let label = paint(style, format!("{glyph} {:<12}", label(unit)));
        let title = format!("{:<TITLE_WIDTH$}", unit.title);
        anstream::println!("        {label} {title} {}", paint(DIM, count(unit, *standing)));
    }
}

fn print_closed(week: &Week) {
    heading(week, "not open yet");
    let titles: Vec<&str> = week.units().map(|unit| unit.title.as_str()).collect();
    for line in wrap(&titles, WIDTH - 8) {
        anstream::println!("        {}", paint(DIM, line));
    }
}

fn heading(week: &Week, state: &str) {
    let title = paint(BOLD, format!("{}  {}", week.label(), week.title));
    let room = WIDTH.saturating_sub(8 + week.title.chars().count());
    let state = if state.is_empty() { String::new() } else { format!("{state:>room$}") };
    anstream::println!("{title}{}", paint(DIM, state));
    anstream::println!("        {}", paint(DIM, &week.promise));
}

fn label(unit: &Unit) -> String {
    if unit.is_lab() { "lab".to_owned() } else { unit.label() }
}

fn mark(standing: Standing) -> (Style, &'static str) {
    if standing.done() {
        (GOOD, style::PASSED)
    } else if standing.started {
        (WARN, style::PARTLY)
    } else {
        (DIM, style::NOT_STARTED)
    }
}

fn count(unit: &Unit, standing: Standing) -> String {
    let stale = if standing.current { "" } else { " ?" };
    if standing.passed_count > 0 || standing.started {
        format!("{} of {}{stale}", standing.passed_count, standing.test_count)
    } else {
        format!("{} min", unit.minutes)
    }
}

/// `parts` with dots between them, in lines of at most `width` characters.
fn wrap(parts: &[&str], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 3 + part.chars().count() <= width => {
                *line += &format!(" · {part}");
            }
            _ => lines.push((*part).to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_titles() {
        assert_eq!(wrap(&["one", "two", "three"], 9), ["one · two", "three"]);
        assert_eq!(wrap(&["longer than that"], 3), ["longer than that"]);
    }
}
