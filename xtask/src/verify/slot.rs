//! A place to build and run one tree at a time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;

use super::tree::Tree;
use super::weave::CHOICE;
use crate::repo::Repo;
use crate::runner::{self, Build, BuildJob, Built, Event, Limits, Outcome, Planned, Report};
use crate::week::{Week, features, test_name};

/// A tree and a target directory that no other slot touches.
pub(super) struct Slot {
    dir: PathBuf,
}

/// The tests of a week, built.
pub(super) struct Gate {
    built: Built,
    /// As the runner names them: `day1::zeros_are_no_record`.
    pub(super) tests: Vec<String>,
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// When all tests have run.
    End,
    /// When one did not pass: that it is red is all one wants to know.
    FirstRed,
}

/// A test that ran.
pub(super) struct Ran {
    /// `day1::zeros_are_no_record`.
    pub(super) test: String,
    pub(super) duration_ms: u64,
    outcome: Outcome,
}

impl Ran {
    pub(super) fn passed(&self) -> bool {
        self.outcome.passed()
    }

    /// Whether only its time limit ended it.
    pub(super) fn hung(&self) -> bool {
        matches!(self.outcome, Outcome::TimedOut { .. })
    }

    /// What happened, in a few lines.
    pub(super) fn says(&self) -> String {
        self.outcome.message()
    }
}

impl Slot {
    /// Slot `number` of this repository, counted from 1.
    pub(super) fn new(repo: &Repo, number: usize) -> Slot {
        Slot { dir: repo.state_dir().join(format!("verify/slot{number}")) }
    }

    /// Builds the gate of `week` in `tree`, with these features.
    ///
    /// # Errors
    ///
    /// What the compiler says, if it does not compile.
    pub(super) fn build(
        &self,
        week: &Week,
        tree: &Tree,
        features: &[String],
    ) -> anyhow::Result<Gate> {
        let workspace = self.dir.join(week.label());
        tree.write(&workspace)?;
        let target_dir = self.dir.join("target");
        build(&workspace, &week.dir_name, features, Some(&target_dir))
    }
}

impl Gate {
    /// Builds the gate of `week` against the solution itself, where it stands: the tests of all units.
    pub(super) fn of_solution(repo: &Repo, week: &Week) -> anyhow::Result<Gate> {
        let features = features(week.units());
        build(&repo.solutions(), &week.solution_package(), &features, None)
    }

    /// The tests of `units`.
    pub(super) fn tests_of(&self, units: &[&str]) -> Vec<String> {
        let is_meant = |test: &&String| units.iter().any(|unit| is_of(unit, test));
        self.tests.iter().filter(is_meant).cloned().collect()
    }

    /// Runs `tests`, each in a process of its own.
    pub(super) fn run(
        &self,
        week: &Week,
        tests: &[String],
        until: Until,
    ) -> anyhow::Result<Vec<Ran>> {
        let plan: Vec<Planned> = tests.iter().map(|test| planned(week, test)).collect();
        let stop = AtomicBool::new(false);
        let reports = runner::run(&self.built, &plan, &stop, |event| {
            if let (Until::FirstRed, Event::Done(report)) = (until, event)
                && !report.outcome.passed()
            {
                stop.store(true, Ordering::Relaxed);
            }
        })?;
        let ran = |report: Report| Ran {
            test: report.test,
            duration_ms: report.duration_ms,
            outcome: report.outcome,
        };
        Ok(reports.into_iter().map(ran).collect())
    }

    /// The same gate, in which bug `number` of those woven into its tree is chosen.
    pub(super) fn choosing(&self, number: usize) -> Gate {
        let variable = Some((CHOICE, number.to_string()));
        Gate { built: Built { variable, ..self.built.clone() }, tests: self.tests.clone() }
    }
}

/// Whether `test`, as the runner names it, is of this unit.
pub(super) fn is_of(unit: &str, test: &str) -> bool {
    test.strip_prefix(unit).is_some_and(|rest| rest.starts_with("::"))
}

/// The first error is enough to go on; all errors of all trees are not to be read.
const ERROR_LINES_MAX: usize = 12;

fn build(
    workspace: &Path,
    package: &str,
    features: &[String],
    target_dir: Option<&Path>,
) -> anyhow::Result<Gate> {
    let job = BuildJob { workspace, package, features, beside: None, target_dir, colour: false };
    match runner::build(job, |_crate| {})? {
        Build::Ready { built, .. } => Ok(Gate { tests: runner::list(&built)?, built }),
        Build::Failed { said } => {
            let lines: Vec<&str> = said.lines().take(ERROR_LINES_MAX).collect();
            bail!("it does not compile\n{}", lines.join("\n"))
        }
    }
}

fn planned(week: &Week, test: &str) -> Planned {
    let time = week.unit_of_test(test).map(|unit| unit.time_limit(test_name(test)));
    let limits = Limits::within(time.unwrap_or(crate::week::TIME_LIMIT));
    Planned { test: test.to_owned(), limits }
}
