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

/// The command that shows how far a unit is.
pub(crate) fn test_command(week: &Week, unit: &Unit) -> String {
    let label = week.label();
    if unit.is_lab() {
        format!("cargo x test {label} --day {}", unit.id)
    } else {
        format!("cargo x test {label}")
    }
}
