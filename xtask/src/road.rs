//! Where the learner stands on the road, and the next step.

use crate::repo::Repo;
use crate::results::{self, Results, Standing};
use crate::style::{BOLD, CODE, DIM, paint};
use crate::week::{Unit, Week, Weeks};

/// How far a week is, unit by unit.
#[derive(Debug)]
pub(crate) struct WeekStanding<'a> {
    pub(crate) week: &'a Week,
    pub(crate) units: Vec<(&'a Unit, Standing)>,
}

impl<'a> WeekStanding<'a> {
    /// Reads it from the results of the last runs.
    pub(crate) fn load(repo: &Repo, week: &'a Week) -> anyhow::Result<WeekStanding<'a>> {
        let results = Results::load(repo, week);
        let sources = results::sources(repo, week)?;
        let standing = |unit| {
            let tests = results::tests_in_source(repo, week, unit);
            (unit, results.standing(&tests, &sources))
        };
        Ok(WeekStanding { week, units: week.units().map(standing).collect() })
    }

    /// The first day that is not done, else the first lab.
    pub(crate) fn next(&self) -> Option<&'a Unit> {
        self.units.iter().find(|(_, standing)| !standing.done()).map(|(unit, _)| *unit)
    }

    /// What to do after `unit`, which is green: an earlier unit that is known not to be, else the
    /// first later one that is not known to be.
    pub(crate) fn next_after(&self, unit: &Unit) -> Option<&'a Unit> {
        let at = self.units.iter().position(|(other, _)| other.id == unit.id)?;
        let (before, after) = self.units.split_at(at);
        let red = before.iter().find(|(unit, standing)| !unit.is_lab() && standing.red);
        let open = || after.iter().skip(1).find(|(_, s)| !(s.done() && s.current));
        red.or_else(open).map(|(unit, _)| *unit)
    }

    /// Whether all core days are done.
    pub(crate) fn days_done(&self) -> bool {
        self.units.iter().all(|(unit, standing)| unit.is_lab() || standing.done())
    }
}

/// The week to work on: the first open one with a day to do, else the first with a lab to do, else
/// the last.
pub(crate) fn present_week<'a>(repo: &Repo, weeks: &'a Weeks) -> anyhow::Result<&'a Week> {
    let mut standings = Vec::new();
    for week in weeks.open() {
        standings.push(WeekStanding::load(repo, week)?);
    }
    let with_day = standings.iter().find(|standing| !standing.days_done());
    let with_lab = standings.iter().find(|standing| standing.next().is_some());
    let last = standings.last();
    let chosen = with_day.or(with_lab).or(last);
    chosen.map(|standing| standing.week).ok_or_else(|| anyhow::anyhow!("no week is open yet"))
}

/// Says what to read, what to write and what to run for a unit.
pub(crate) fn print_step(week: &Week, unit: &Unit) {
    let optional = if unit.is_lab() { ", if you like" } else { "" };
    let title = format!("{} · {} · {}", week.label(), unit.label(), unit.title);
    let files = unit.files.iter().map(|file| week.dir_name.clone() + "/" + &file.to_string_lossy());
    let files: Vec<String> = files.collect();
    anstream::println!("{}{optional}: {}", paint(BOLD, "next"), paint(BOLD, title));
    anstream::println!("  {}", unit.idea);
    anstream::println!("  {}   {}", paint(DIM, "read"), chapter_path(unit));
    anstream::println!("  {}  {}", paint(DIM, "write"), files.join(", "));
    anstream::println!("  {}    {}", paint(DIM, "run"), paint(CODE, test_command(week, unit)));
}

/// The chapter's file, from the top directory.
pub(crate) fn chapter_path(unit: &Unit) -> String {
    format!("book/src/{}", unit.chapter)
}

/// Compilers name a file from the workspace or from the package; we name it from the workspace.
pub(crate) fn place(repo: &Repo, week: &Week, location: &str) -> String {
    let file = location.rsplit_once(':').map_or(location, |(file, _)| file);
    match repo.week_dir(&week.dir_name).join(file).is_file() && !repo.root.join(file).is_file() {
        true => format!("{}/{location}", week.dir_name),
        false => location.to_owned(),
    }
}

/// The command that shows how far a unit is.
pub(crate) fn test_command(week: &Week, unit: &Unit) -> String {
    let label = week.label();
    if unit.is_lab() {
        format!("cargo x test {label} --day {}", unit.id)
    } else {
        format!("cargo x test {label}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEN: Standing =
        Standing { passed_count: 1, test_count: 1, started: true, current: true, red: false };
    const UNKNOWN: Standing =
        Standing { passed_count: 0, test_count: 1, started: false, current: true, red: false };
    const RED: Standing = Standing { red: true, ..UNKNOWN };

    /// What comes after `unit`, with days 1 to 3 and a lab standing like this.
    fn after(unit: &str, standings: [Standing; 4]) -> Option<String> {
        let day = |n| format!("[[day]]\nid='day{n}'\ntitle=''\nidea=''\n");
        let head = "number=1\nname='wal'\ntitle=''\npromise=''\nopen=false\n";
        let lab = "[[lab]]\nid='bitcask'\ntitle=''\nidea=''\n";
        let text = format!("{head}{}{}{}{lab}", day(1), day(2), day(3));
        let week = Week::parse("week01-wal", &text).unwrap();
        let units = week.units().zip(standings).collect();
        let standing = WeekStanding { week: &week, units };
        standing.next_after(week.unit(unit).unwrap()).map(|unit| unit.id.clone())
    }

    #[test]
    fn after_a_green_day_comes_the_first_that_is_not_known_to_be_green() {
        let standings = [UNKNOWN, GREEN, UNKNOWN, UNKNOWN];
        assert_eq!(after("2", standings).as_deref(), Some("day3"));
        let stale = Standing { current: false, ..GREEN };
        assert_eq!(after("1", [GREEN, stale, GREEN, UNKNOWN]).as_deref(), Some("day2"));
        assert_eq!(after("1", [GREEN, GREEN, GREEN, UNKNOWN]).as_deref(), Some("bitcask"));
        assert_eq!(after("bitcask", [UNKNOWN, GREEN, GREEN, GREEN]), None);
    }

    #[test]
    fn a_day_that_is_known_to_be_red_comes_first() {
        assert_eq!(after("2", [RED, GREEN, UNKNOWN, UNKNOWN]).as_deref(), Some("day1"));
        assert_eq!(after("1", [GREEN, UNKNOWN, RED, UNKNOWN]).as_deref(), Some("day2"));
    }
}
