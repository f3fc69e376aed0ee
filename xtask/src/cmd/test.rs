//! `cargo x test`: runs a week's gate, day by day.

mod print;
mod watch;

use std::sync::atomic::AtomicBool;

use anyhow::Result;

use crate::cli::{Answer, Subcommand, flag, option, word};
use crate::gate::Gate;
use crate::nearest::unknown;
use crate::repo::Repo;
use crate::results;
use crate::road;
use crate::runner::Report;
use crate::style::{self, CODE, GOOD, paint};
use crate::week::{Unit, Week, Weeks, test_name};

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "test",
    about: "Run a week's tests, day by day",
    help: "\
Days are run in order, up to the first that is not green. Labs follow when all days are green,
but for those that need more crates than their week: these run when they are asked for.
  ✓ passed   ✗ failed   · not started: it came to a todo!

Examples:
  cargo x test                          the week you are in
  cargo x test week01 --day 2           one day
  cargo x test week01 torn              tests with `torn` in their names
  cargo x test week01 --watch           again whenever you save
  cargo x test week01 --all --json      for a machine: one object a test",
    arguments: || {
        vec![
            word("week", "WEEK", "The week: week01, 1 or wal; the one you are in if left out"),
            word("name", "NAME", "Only tests whose names contain this"),
            option("day", "DAY", "Only this day or lab: 2, day2, bitcask"),
            flag("all", "Go on after a day that is not green, and run the labs"),
            flag("watch", "Run again whenever a file of the week is saved"),
            flag("json", "Print one JSON object a test and nothing else"),
        ]
    },
    read: |given| {
        let args = Args {
            week: given.remove_one("week"),
            name: given.remove_one("name"),
            day: given.remove_one("day"),
            all: given.get_flag("all"),
            watch: given.get_flag("watch"),
            json: given.get_flag("json"),
        };
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug)]
struct Args {
    week: Option<String>,
    name: Option<String>,
    day: Option<String>,
    all: bool,
    watch: bool,
    json: bool,
}

/// Runs the command.
fn run(repo: &Repo, args: Args) -> Result<Answer> {
    let weeks = Weeks::load(repo)?;
    let week = match &args.week {
        Some(name) => weeks.find_open(name)?,
        None => road::present_week(repo, &weeks)?,
    };
    let day = args.day.as_deref().map(|day| week.unit(day)).transpose()?;
    let job = Job { repo, week, day, name: args.name.as_deref(), all: args.all, json: args.json };
    if args.watch { watch::repeat(repo, week, |stop| job.run(stop)) } else { job.run(&NEVER) }
}

/// A run that is not watched is never stopped, but by Ctrl-C.
static NEVER: AtomicBool = AtomicBool::new(false);

/// What to run, and how to say it.
struct Job<'a> {
    repo: &'a Repo,
    week: &'a Week,
    day: Option<&'a Unit>,
    name: Option<&'a str>,
    all: bool,
    json: bool,
}

impl Job<'_> {
    fn run(&self, stop: &AtomicBool) -> Result<Answer> {
        let Some(mut gate) = Gate::open(self.repo, self.week, self.wanted())? else {
            return Ok(Answer::No);
        };
        gate.hasty = !self.all && !self.json;
        let chosen = self.choose(&gate)?;
        let mut answer = Answer::Yes;
        for (unit, tests) in &chosen {
            let reports = gate.run(unit, tests, stop)?;
            if reports.len() < tests.len() {
                // Stopped: the next run begins at once, and says it all.
                return Ok(Answer::No);
            }
            self.say(unit, &reports);
            if !self.is_fine(unit, &reports) {
                answer = Answer::No;
                if !self.goes_on() {
                    break;
                }
            }
        }
        if answer == Answer::Yes && !self.json {
            self.say_next()?;
        }
        Ok(answer)
    }

    /// The units that somebody asks for: what they need is built, too.
    fn wanted(&self) -> Vec<&Unit> {
        let is_named = |unit: &&Unit| match self.name {
            None => self.all,
            Some(name) => results::tests_in_source(self.repo, self.week, unit)
                .iter()
                .any(|test| test.contains(name)),
        };
        match self.day {
            Some(day) => vec![day],
            None => self.week.units().filter(is_named).collect(),
        }
    }

    /// The units to run and which of their tests.
    fn choose<'g>(&self, gate: &Gate<'g>) -> Result<Vec<(&'g Unit, Vec<String>)>> {
        let named = |test: &&String| self.name.is_none_or(|name| test.contains(name));
        let mut chosen = Vec::new();
        for (unit, tests) in gate.units() {
            let tests: Vec<String> = tests.iter().filter(named).cloned().collect();
            if !tests.is_empty() && self.day.is_none_or(|day| day.id == unit.id) {
                chosen.push((*unit, tests));
            }
        }
        if chosen.is_empty() {
            let units = gate.units().iter();
            let units = units.filter(|(unit, _)| self.day.is_none_or(|day| day.id == unit.id));
            let tests = units.flat_map(|(_, tests)| tests).map(|test| test_name(test));
            return Err(unknown("test", self.name.unwrap_or_default(), tests));
        }
        Ok(chosen)
    }

    fn goes_on(&self) -> bool {
        self.all || self.name.is_some()
    }

    /// Whether a unit stands in nobody's way. A lab that is not begun does not, as long as nobody
    /// asked for it.
    fn is_fine(&self, unit: &Unit, reports: &[Report]) -> bool {
        let asked_for = self.day.is_some() || self.name.is_some();
        let passed = reports.iter().all(|report| report.outcome.passed());
        let not_begun = reports.iter().all(|report| report.outcome.not_started());
        passed || (unit.is_lab() && not_begun && !asked_for)
    }

    fn say(&self, unit: &Unit, reports: &[Report]) {
        if self.json {
            reports.iter().for_each(|report| print::json(self.week, unit, report));
        } else {
            print::unit(self.repo, self.week, unit, reports, self.name.is_some());
        }
    }

    fn say_next(&self) -> Result<()> {
        if self.name.is_some() {
            return Ok(());
        }
        let standing = road::WeekStanding::load(self.repo, self.week)?;
        if self.day.is_none() && standing.days_done() {
            let label = self.week.label();
            let check = paint(GOOD, style::PASSED);
            anstream::println!("\n{check} {label} is green. {}", self.week.promise);
        }
        anstream::println!();
        if let Some(name) = self.day.and_then(|day| day.experiment.as_ref()) {
            let command = format!("cargo x lab {} {name}", self.week.label());
            anstream::println!("see it run: {}", paint(CODE, command));
        }
        let next = match self.day {
            Some(day) => standing.next_after(day),
            None => standing.next(),
        };
        match next {
            Some(unit) => road::print_step(self.week, unit),
            None => anstream::println!("where you stand: {}", paint(CODE, "cargo x")),
        }
        Ok(())
    }
}
