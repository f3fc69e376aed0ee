//! A place to build and run one tree at a time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;

use super::tree::Tree;
use crate::repo::Repo;
use crate::runner::{self, Build, BuildJob, Built, Event, Limits, Outcome, Planned};
use crate::week::Week;

/// A tree and a target directory that no other slot touches.
pub(super) struct Slot {
    dir: PathBuf,
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

    /// Builds the gate of `week` in `tree`.
    ///
    /// # Errors
    ///
    /// What the compiler says, if it does not compile.
    pub(super) fn build(&self, week: &Week, tree: &Tree) -> anyhow::Result<Built> {
        let workspace = self.dir.join(week.label());
        tree.write(&workspace)?;
        let target_dir = self.dir.join("target");
        build(&workspace, &week.dir_name, Some(&target_dir))
    }

    /// Runs `tests`, each in a process of its own.
    pub(super) fn run(
        &self,
        built: &Built,
        week: &Week,
        tests: &[String],
        until: Until,
    ) -> anyhow::Result<Vec<Ran>> {
        let plan: Vec<Planned> = tests.iter().map(|test| planned(week, test)).collect();
        let stop = AtomicBool::new(false);
        let reports = runner::run(built, &plan, &stop, |event| {
            if let (Until::FirstRed, Event::Done(report)) = (until, event)
                && !report.outcome.passed()
            {
                stop.store(true, Ordering::Relaxed);
            }
        })?;
        let ran =
            reports.into_iter().map(|report| Ran { test: report.test, outcome: report.outcome });
        Ok(ran.collect())
    }
}

/// Builds the gate of `week` against the solution itself, where it stands.
pub(super) fn build_solution(repo: &Repo, week: &Week) -> anyhow::Result<Built> {
    build(&repo.solutions(), &week.solution_package(), None)
}

/// The first error is enough to go on; all errors of all trees are not to be read.
const ERROR_LINES_MAX: usize = 12;

fn build(workspace: &Path, package: &str, target_dir: Option<&Path>) -> anyhow::Result<Built> {
    let job = BuildJob { workspace, package, target_dir, colour: false };
    match runner::build(job, |_crate| {})? {
        Build::Ready { built, .. } => Ok(built),
        Build::Failed { said } => {
            let lines: Vec<&str> = said.lines().take(ERROR_LINES_MAX).collect();
            bail!("it does not compile\n{}", lines.join("\n"))
        }
    }
}

fn planned(week: &Week, test: &str) -> Planned {
    let (_, name) = test.split_once("::").unwrap_or(("", test));
    let time = week.unit_of_test(test).map(|unit| unit.time_limit(name));
    let limits = Limits::within(time.unwrap_or(crate::week::TIME_LIMIT));
    Planned { test: test.to_owned(), limits }
}
