//! Six proofs that the course works.
//!
//! | proof | what it shows |
//! |---|---|
//! | sync  | the learner's files are what the solution gives; manifests name every target; every
//! |       | bug of the zoo has its place |
//! | green | every test passes on the solution |
//! | red   | every test fails without its day's code |
//! | days  | every test passes with the days up to its own, and needs no later one |
//! | zoo   | every plausible wrong solution is caught on its day |
//! | book  | the guide is whole, and so are hints and sizes of days |
//!
//! Read [`jobs`] for how the work is spread, [`trees`] and [`bugs`] for the proofs that build and
//! run.

mod bugs;
mod cache;
mod course;
mod jobs;
mod slot;
#[cfg(test)]
mod tests;
mod tree;
mod trees;
mod weave;
mod zoo;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::anyhow;

use crate::reference::Reference;
use crate::repo::Repo;
use crate::style::{BAD, BOLD, DIM, FAILED, GOOD, PASSED, paint};
use crate::week::{Unit, Week, Weeks};

use slot::Gate;
use tree::Tree;
use zoo::Bug;

pub(crate) use course::targets;
pub(crate) use jobs::run;

/// One of the six.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Sync,
    Green,
    Red,
    Days,
    Zoo,
    Book,
}

impl Proof {
    pub(crate) const ALL: [Proof; 6] =
        [Proof::Sync, Proof::Green, Proof::Red, Proof::Days, Proof::Zoo, Proof::Book];

    /// What one types for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Proof::Sync => "sync",
            Proof::Green => "green",
            Proof::Red => "red",
            Proof::Days => "days",
            Proof::Zoo => "zoo",
            Proof::Book => "book",
        }
    }
}

/// What is to be proved.
#[derive(Debug)]
pub(crate) struct Request {
    /// Which proofs.
    pub(crate) proofs: Vec<Proof>,
    /// Of which week; of all that are open if none.
    pub(crate) week: Option<u32>,
    /// Of the zoo, this bug only.
    pub(crate) bug: Option<String>,
    /// Prove again what was proved before with the same files.
    pub(crate) fresh: bool,
    /// How many trees are built and run at a time.
    pub(crate) slot_count: usize,
}

/// One question, answered.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// The proof it belongs to.
    pub(crate) proof: Proof,
    /// What was looked at: `week01 day3`, `week01 torn_tail`.
    pub(crate) subject: String,
    /// What is wrong, one a line; nothing if it holds.
    pub(crate) problems: Vec<String>,
    /// What is worth knowing though it holds.
    pub(crate) notes: Vec<String>,
    /// How long it took; nothing if it was known from an earlier run.
    pub(crate) took: Option<Duration>,
}

impl Check {
    /// Whether it holds.
    pub(crate) fn holds(&self) -> bool {
        self.problems.is_empty()
    }
}

/// A week with all that its proofs need, read or built once.
struct Prepared<'a> {
    week: &'a Week,
    files: Vec<Reference>,
    /// The solution's tests, built when they are first asked for.
    gate: OnceLock<Result<Gate, String>>,
    bugs: Vec<Bug>,
    /// Without `src`.
    tree: Tree,
}

impl<'a> Prepared<'a> {
    fn new(repo: &Repo, weeks: &Weeks, week: &'a Week) -> anyhow::Result<Prepared<'a>> {
        Ok(Prepared {
            week,
            files: Reference::of_week(repo, week)?,
            gate: OnceLock::new(),
            bugs: zoo::read(repo, week)?,
            tree: Tree::of_week(repo, weeks, week)?,
        })
    }

    /// The course with the first `unit_count` units of the week solved.
    fn solved(&self, unit_count: usize) -> Tree {
        let mut tree = self.tree.clone();
        let units = &self.week.unit_ids()[..unit_count];
        for file in &self.files {
            tree.set_source(self.week, &file.path, file.source.up_to(units));
        }
        tree
    }

    /// How many units are solved when `unit` is done.
    fn solved_with(&self, unit: &Unit) -> usize {
        self.week.units().position(|other| other.id == unit.id).map_or(0, |index| index + 1)
    }

    /// The course with the units up to `unit` solved, these files of the week's `src` changed and no
    /// other unit's tests.
    fn changed(
        &self,
        unit: &Unit,
        files: impl IntoIterator<Item = (PathBuf, String)>,
    ) -> anyhow::Result<Tree> {
        let mut tree = self.solved(self.solved_with(unit));
        for (path, text) in files {
            tree.set_source(self.week, &path, text);
        }
        tree.keep_tests_of(self.week, unit)?;
        Ok(tree)
    }

    /// The file that `bug` is in, with it, as it is on the day that must catch it.
    ///
    /// # Errors
    ///
    /// If there is no such day, or [`Bug::apply`] finds no place for it.
    fn wrong_file(&self, bug: &Bug) -> anyhow::Result<(&'a Unit, PathBuf, String)> {
        let unit = bug.unit(self.week)?;
        let solved = &self.week.unit_ids()[..self.solved_with(unit)];
        let (path, text) = bug.apply(self.week, &self.files, solved)?;
        Ok((unit, path, text))
    }

    /// The tests of the week, built against the solution where it stands.
    fn gate(&self, repo: &Repo) -> anyhow::Result<&Gate> {
        let build = || Gate::of_solution(repo, self.week).map_err(|error| format!("{error:#}"));
        self.gate.get_or_init(build).as_ref().map_err(|said| anyhow!("{said}"))
    }
}

/// Says what did not hold, and what is worth knowing.
pub(crate) fn print_check(check: &Check) {
    let name = check.proof.name();
    let Check { subject, problems, notes, .. } = check;
    if !problems.is_empty() {
        anstream::println!("{} {name} {}", paint(BAD, FAILED), paint(BOLD, subject));
    } else if !notes.is_empty() {
        anstream::println!("{} {name} {subject}", paint(GOOD, PASSED));
    }
    for text in problems.iter().chain(notes) {
        for line in text.lines() {
            anstream::println!("    {line}");
        }
    }
}

/// A row for each proof: how many of its checks hold, and the time they took together.
pub(crate) fn print_summary(checks: &[Check]) {
    anstream::println!("{}", paint(BOLD, "  proof    holds        work"));
    for proof in Proof::ALL {
        let of_proof: Vec<&Check> = checks.iter().filter(|c| c.proof == proof).collect();
        if of_proof.is_empty() {
            continue;
        }
        let held = of_proof.iter().filter(|c| c.holds()).count();
        let took: Duration = of_proof.iter().filter_map(|c| c.took).sum();
        let known = of_proof.iter().filter(|c| c.took.is_none()).count();
        let mark = if held == of_proof.len() { paint(GOOD, PASSED) } else { paint(BAD, FAILED) };
        let count = format!("{held} of {}", of_proof.len());
        let known = match known {
            0 => String::new(),
            n => format!("{n} known from an earlier run"),
        };
        let name = proof.name();
        let took = format!("{:.1} s", took.as_secs_f64());
        anstream::println!("{mark} {name:<8} {count:<11} {took:>8}  {}", paint(DIM, known));
    }
}
