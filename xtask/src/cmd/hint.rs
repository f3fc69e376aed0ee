//! `cargo x hint`: graded hints for the test that fails first.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use clap::ArgMatches;
use jzon::JsonValue;

use crate::cli::{Answer, Subcommand, flag, option, word};
use crate::gate::Gate;
use crate::hints::{self, Hints};
use crate::repo::{self, Repo};
use crate::results::{self, Results};
use crate::road;
use crate::runner::{Outcome, Report};
use crate::style::{self, BAD, BOLD, CODE, DIM, GOOD, paint};
use crate::week::{Unit, Week, Weeks, test_name};

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "hint",
    about: "A hint for the test that fails first",
    help: "\
Each test has three hints: a nudge, a state to draw on paper, the shape of the code. You see the
first; --more shows one more. What you have seen is remembered.

Examples:
  cargo x hint week01              the first test of week 1 that is not green
  cargo x hint week01 4            the same of day 4
  cargo x hint week01 --day 4      the same, in the words of `cargo x test`
  cargo x hint week01 4 --more     one hint more
  cargo x hint week01 torn         the first test with `torn` in its name, green or not",
    arguments: || {
        vec![
            word("week", "WEEK", "The week: week01, 1 or wal; the one you are in if left out"),
            word("unit", "DAY", "The day or lab: 4, day4, bitcask; or a part of a test's name"),
            option("day", "DAY", "The same, as `cargo x test` takes it").conflicts_with("unit"),
            flag("more", "Show one hint more than last time"),
        ]
    },
    read: |given| {
        let args = Args::read(given);
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug, PartialEq, Eq)]
struct Args {
    week: Option<String>,
    day: Option<String>,
    more: bool,
}

impl Args {
    /// The day may stand behind the week or behind `--day`.
    fn read(given: &mut ArgMatches) -> Args {
        Args {
            week: given.remove_one("week"),
            day: given.remove_one("unit").or_else(|| given.remove_one("day")),
            more: given.get_flag("more"),
        }
    }
}

/// Runs the command.
fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    let weeks = Weeks::load(repo)?;
    let week = match &args.week {
        Some(name) => weeks.find_open(name)?,
        None => road::present_week(repo, &weeks)?,
    };
    let about = args.day.as_deref().map(|word| About::read(repo, week, word)).transpose()?;
    let day = match about {
        Some(About::Test(unit, test)) => {
            let (report, name) = (run_one(repo, week, unit, &test)?, test_name(&test));
            return tell(repo, week, (unit, &report), name, args.more);
        }
        Some(About::Day(day)) => Some(day),
        None => None,
    };
    let Some((unit, report)) = first_red(repo, week, day)? else {
        let what = day.map_or(week.label(), |day| format!("{} · {}", week.label(), day.label()));
        anstream::println!("{} {what} is green: no hint needed", paint(GOOD, style::PASSED));
        return Ok(Answer::Yes);
    };
    tell(repo, week, (unit, &report), unit.argument(), args.more)
}

/// What a hint is asked for, if not the first test that is not green.
enum About<'a> {
    Day(&'a Unit),
    /// A test, by its id.
    Test(&'a Unit, String),
}

impl<'a> About<'a> {
    /// A day, a lab, or the first test of the week with `word` in its name.
    fn read(repo: &Repo, week: &'a Week, word: &str) -> anyhow::Result<About<'a>> {
        let unknown = match week.unit(word) {
            Ok(day) => return Ok(About::Day(day)),
            Err(unknown) => unknown,
        };
        for unit in week.units() {
            let tests = results::tests_in_source(repo, week, unit);
            if let Some(test) = tests.into_iter().find(|test| test_name(test).contains(word)) {
                return Ok(About::Test(unit, test));
            }
        }
        Err(unknown.context("no test has that in its name"))
    }
}

/// What comes of this test: from the last results if they are of the files as they are, else by
/// running it.
fn run_one(repo: &Repo, week: &Week, unit: &Unit, test: &str) -> anyhow::Result<Report> {
    let tests = [test.to_owned()];
    let known = Results::load(repo, week).current(&tests, &results::sources(repo, week)?);
    if let Some(report) = known.into_iter().next() {
        return Ok(report);
    }
    let mut gate = open_gate(repo, week, Some(unit))?;
    let reports = gate.run(unit, &tests, &AtomicBool::new(false))?;
    reports.into_iter().next().context("the test did not run")
}

/// The gate, if the code builds, with what `unit` needs.
fn open_gate<'a>(repo: &'a Repo, week: &'a Week, unit: Option<&Unit>) -> anyhow::Result<Gate<'a>> {
    Gate::open(repo, week, unit)?
        .context("the code does not build: the compiler's errors come before any hint")
}

/// Shows the test, and as many of its hints as were seen before, with `more` one more. `argument` is
/// what they are asked for by.
fn tell(
    repo: &Repo,
    week: &Week,
    (unit, report): (&Unit, &Report),
    argument: &str,
    more: bool,
) -> anyhow::Result<Answer> {
    print_test(repo, week, unit, report);
    let all = hints::load(repo, week, unit)?;
    let Some(hints) = all.get(report.name()) else {
        anstream::println!("\nthere is no hint for this test; read {}", road::chapter_path(unit));
        return Ok(Answer::No);
    };
    let mut seen = Seen::load(repo);
    let count = seen.count(week, &report.test, more);
    print_hints(week, argument, hints, count);
    seen.save(repo)?;
    Ok(Answer::Yes)
}

/// The first test that is not green: from the last results if they are of the files as they are,
/// else by running.
fn first_red<'a>(
    repo: &'a Repo,
    week: &'a Week,
    day: Option<&'a Unit>,
) -> anyhow::Result<Option<(&'a Unit, Report)>> {
    let asked_for = |unit: &&Unit| day.map_or(!unit.is_lab(), |day| day.id == unit.id);
    let results = Results::load(repo, week);
    let sources = results::sources(repo, week)?;
    let mut unknown = Vec::new();
    for unit in week.units().filter(asked_for) {
        let tests = results::tests_in_source(repo, week, unit);
        let reports = results.current(&tests, &sources);
        if let Some(red) = pick(&reports) {
            if unknown.is_empty() {
                return Ok(Some((unit, red)));
            }
        } else if reports.len() < tests.len() {
            unknown.push(unit);
        }
    }
    if unknown.is_empty() {
        return Ok(None);
    }
    let mut gate = open_gate(repo, week, day)?;
    let units: Vec<(&Unit, Vec<String>)> = gate.units().to_vec();
    for (unit, tests) in units.iter().filter(|(unit, _)| asked_for(unit)) {
        let reports = gate.run(unit, tests, &AtomicBool::new(false))?;
        if let Some(red) = pick(&reports) {
            return Ok(Some((unit, red)));
        }
    }
    Ok(None)
}

/// The first that failed, else the first that is not started: as `cargo x test` shows it.
fn pick(reports: &[Report]) -> Option<Report> {
    let failed = reports.iter().find(|r| !r.outcome.passed() && !r.outcome.not_started());
    failed.or_else(|| reports.iter().find(|r| r.outcome.not_started())).cloned()
}

fn print_test(repo: &Repo, week: &Week, unit: &Unit, report: &Report) {
    let title = format!("{} · {} · {}", week.label(), unit.label(), unit.title);
    anstream::println!("{}", paint(BOLD, title));
    let (style, glyph) = match report.outcome {
        Outcome::NotStarted { .. } => (DIM, style::NOT_STARTED),
        _ if report.outcome.passed() => (GOOD, style::PASSED),
        _ => (BAD, style::FAILED),
    };
    anstream::println!("  {} {}", paint(style, glyph), paint(BOLD, report.name()));
    let words = first_words(repo, week, &report.outcome);
    for line in words.lines().flat_map(|line| style::wrap(line, 88)) {
        anstream::println!("    {}", paint(DIM, line));
    }
}

/// What there is to say before any hint, which speaks of a wrong answer: not of none.
fn first_words(repo: &Repo, week: &Week, outcome: &Outcome) -> String {
    let message = outcome.message();
    match outcome {
        Outcome::NotStarted { what, location } => {
            let stub = what.split_once(": ").map_or(what.as_str(), |(_, stub)| stub);
            let place = location.as_deref().map(|place| road::place(repo, week, place));
            match place {
                Some(place) => format!("not written yet: begin with the stub `{stub}` at {place}"),
                None => message,
            }
        }
        Outcome::TimedOut { .. } => format!(
            "{message}\nFind the line where it stands before you read on: an `eprintln!` before each \
             loop, lock and wait; `cargo x test` shows what it printed last."
        ),
        _ => message.lines().next().unwrap_or_default().to_owned(),
    }
}

fn print_hints(week: &Week, argument: &str, hints: &Hints, count: usize) {
    let graded = hints.graded();
    for (index, (what, text)) in graded.iter().take(count).enumerate() {
        let number = format!("{} of {}", index + 1, graded.len());
        anstream::println!("\n  {} {}", paint(DIM, number), paint(BOLD, what));
        for line in style::wrap(text.trim(), 88) {
            anstream::println!("    {line}");
        }
    }
    anstream::println!();
    let label = week.label();
    if count < graded.len() {
        let command = paint(CODE, format!("cargo x hint {label} {argument} --more"));
        anstream::println!("  {} {command}", paint(DIM, "one more:"));
    } else {
        let command = paint(CODE, format!("cargo x diff {label}"));
        anstream::println!("  {} {command}", paint(DIM, "that is all; the reference:"));
    }
}

/// How many hints of each test were shown: `.x/hints.json`.
struct Seen(BTreeMap<String, usize>);

impl Seen {
    fn path(repo: &Repo) -> PathBuf {
        repo.state_dir().join("hints.json")
    }

    /// What cannot be read counts as nothing seen.
    fn load(repo: &Repo) -> Seen {
        let text = std::fs::read_to_string(Seen::path(repo)).unwrap_or_default();
        let seen = jzon::parse(&text).unwrap_or(JsonValue::Null);
        let counts = seen.entries();
        Seen(
            counts.filter_map(|(test, count)| Some((test.to_owned(), count.as_usize()?))).collect(),
        )
    }

    /// How many to show now: as many as before, one more if asked for, one at least.
    fn count(&mut self, week: &Week, test: &str, more: bool) -> usize {
        let count = self.0.entry(format!("{}::{test}", week.label())).or_insert(0);
        *count = (*count + usize::from(more)).clamp(1, 3);
        *count
    }

    fn save(&self, repo: &Repo) -> anyhow::Result<()> {
        repo::write(&Seen::path(repo), JsonValue::from(self.0.clone()).pretty(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week() -> Week {
        let text = "number = 1\nname = 'wal'\ntitle = ''\npromise = ''\nopen = false\n\
                    [[day]]\nid = 'day1'\ntitle = ''\nidea = ''\n";
        Week::parse("week01-wal", text).unwrap()
    }

    #[test]
    fn the_day_stands_behind_the_week_or_behind_its_option() {
        let read = |typed: &str| {
            let command = clap::Command::new("hint").args((COMMAND.arguments)());
            let given = command.try_get_matches_from(["hint"].into_iter().chain(typed.split(' ')));
            given.map(|mut given| Args::read(&mut given))
        };
        let day = |day: &str| Args {
            week: Some("week03".to_owned()),
            day: Some(day.to_owned()),
            more: false,
        };
        assert_eq!(read("week03 5").unwrap(), day("5"));
        assert_eq!(read("week03 --day 5").unwrap(), day("5"));
        assert_eq!(read("--day lz4 week03").unwrap(), day("lz4"));
        assert!(read("week03 5 --day 6").is_err(), "two days are one too many");
    }

    #[test]
    fn each_more_shows_one_more_and_it_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repo { root: dir.path().to_path_buf() };
        let week = week();
        let show = |more| {
            let mut seen = Seen::load(&repo);
            let count = seen.count(&week, "day1::a", more);
            seen.save(&repo).unwrap();
            count
        };
        assert_eq!(show(false), 1);
        assert_eq!(show(true), 2);
        assert_eq!(show(false), 2);
        assert_eq!(show(true), 3);
        assert_eq!(show(true), 3);
    }

    #[test]
    fn a_test_that_gave_no_answer_says_where_to_look_first() {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repo { root: dir.path().to_path_buf() };
        repo::write(&dir.path().join("week01-wal/src/record.rs"), "").unwrap();
        let words = |outcome| first_words(&repo, &week(), &outcome);

        let location = Some("src/record.rs:57".to_owned());
        let todo = Outcome::NotStarted { what: "day 1: encode".to_owned(), location };
        let want = "not written yet: begin with the stub `encode` at week01-wal/src/record.rs:57";
        assert_eq!(words(todo), want);
        let hung = words(Outcome::TimedOut { limit_s: 20, busy: Some(false) });
        assert!(hung.contains("a deadlock"), "{hung}");
        assert!(hung.contains("Find the line where it stands"), "{hung}");
        let message = "want 3\ngot 4".to_owned();
        assert_eq!(words(Outcome::Failed { message, location: None }), "want 3");
    }

    #[test]
    fn what_failed_comes_before_what_is_not_started() {
        let report = |test: &str, outcome| {
            let test = test.to_owned();
            Report { test, outcome, duration_ms: 0, output: String::new() }
        };
        let todo = || Outcome::NotStarted { what: String::new(), location: None };
        let reports = [
            report("day1::a", Outcome::Passed),
            report("day1::b", todo()),
            report("day1::c", Outcome::StackOverflow),
        ];
        assert_eq!(pick(&reports).unwrap().test, "day1::c");
        assert_eq!(pick(&reports[..2]).unwrap().test, "day1::b");
        assert_eq!(pick(&reports[..1]), None);
    }
}
