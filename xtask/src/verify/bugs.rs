//! The proof of the zoo: each wrong solution compiles, and a test of its day finds it.
//!
//! The bugs of a day are [woven](super::weave) into one tree, which is built once. If that does not
//! compile, each half of them is tried, and at last each bug by itself, so that what is said of a bug
//! is never another's fault.

use std::path::PathBuf;
use std::time::Instant;

use super::cache::Cache;
use super::slot::{Gate, Slot, Until};
use super::tree::Tree;
use super::weave::{Variant, Weave, variant};
use super::zoo::Bug;
use super::{Check, Prepared, Proof};
use crate::week::Unit;

/// A bug whose proof is not known yet.
struct Case<'a> {
    bug: &'a Bug,
    unit: &'a Unit,
    path: PathBuf,
    tree: Tree,
    variant: Option<Variant>,
    /// Under which what is proved is remembered.
    key: String,
}

/// What every step of the proof needs.
struct Prover<'a, 'b> {
    slot: &'b Slot,
    cache: &'b Cache,
    course: &'b Prepared<'a>,
    tell: &'b mut dyn FnMut(Vec<Check>),
}

/// Proves each of `bugs`, all of them of one unit, and tells of each.
pub(super) fn prove(
    slot: &Slot,
    cache: &Cache,
    course: &Prepared<'_>,
    bugs: &[&Bug],
    tell: &mut dyn FnMut(Vec<Check>),
) {
    let mut prover = Prover { slot, cache, course, tell };
    let (mut woven, mut alone) = (Vec::new(), Vec::new());
    for bug in bugs {
        let begun = Instant::now();
        match prover.case(bug) {
            Ok(case) => match cache.recall(&case.key) {
                Some(notes) => prover.say(bug, Vec::new(), notes, None),
                None if case.variant.is_some() => woven.push(case),
                None => alone.push(case),
            },
            Err(error) => prover.say(bug, vec![format!("{error:#}")], Vec::new(), Some(begun)),
        }
    }
    prover.together(&woven);
    alone.iter().for_each(|case| prover.alone(case));
}

impl<'a> Prover<'a, '_> {
    fn case<'c>(&self, bug: &'c Bug) -> anyhow::Result<Case<'c>>
    where
        'a: 'c,
    {
        let (unit, path, wrong) = self.course.wrong_file(bug)?;
        let variant = variant(&self.right(unit, &path), &wrong);
        let tree = self.course.changed(unit, [(path.clone(), wrong)])?;
        let key = self.cache.key(Proof::Zoo.name(), &[&unit.id], &tree);
        Ok(Case { bug, unit, path, tree, variant, key })
    }

    /// The file at `path` as it should be when `unit` is done.
    fn right(&self, unit: &Unit, path: &PathBuf) -> String {
        let solved = &self.course.week.unit_ids()[..self.course.solved_with(unit)];
        let file = self.course.files.iter().find(|file| file.path == *path);
        file.map(|file| file.source.up_to(solved)).unwrap_or_default()
    }

    /// Proves all of `cases`, which have variants, with as few builds as can be.
    fn together(&mut self, cases: &[Case<'_>]) {
        match cases {
            [] => {}
            [case] => self.alone(case),
            [first, ..] => match self.weave(first.unit, cases) {
                Ok((gate, tests)) => {
                    for (index, case) in cases.iter().enumerate() {
                        self.judge(case, &gate.choosing(index + 1), &tests, Instant::now());
                    }
                }
                Err(_) => {
                    let (some, others) = cases.split_at(cases.len() / 2);
                    self.together(some);
                    self.together(others);
                }
            },
        }
    }

    /// The gate with all of `cases` in it, and the tests that pass as long as none is chosen: they
    /// alone prove something. The quick ones come first.
    fn weave(&self, unit: &Unit, cases: &[Case<'_>]) -> anyhow::Result<(Gate, Vec<String>)> {
        let mut weave = Weave::default();
        for (index, case) in cases.iter().enumerate() {
            let variant = case.variant.clone().expect("only what has a variant is woven");
            weave.add(index + 1, case.path.clone(), variant);
        }
        let woven = weave.woven(|path| self.right(unit, path));
        let woven = woven.map(|(path, text)| (path.clone(), text));
        let mut tree = self.course.changed(unit, woven)?;
        tree.allow_unsafe()?;
        let week = self.course.week;
        let gate = self.slot.build(week, &tree, &unit.features)?;
        let mut ran = gate.run(week, &gate.tests_of(&[&unit.id]), Until::End)?;
        ran.retain(|ran| ran.passed());
        ran.sort_by_key(|ran| ran.duration_ms);
        Ok((gate, ran.into_iter().map(|ran| ran.test).collect()))
    }

    /// Proves one, in a tree of its own.
    fn alone(&mut self, case: &Case<'_>) {
        let begun = Instant::now();
        match self.slot.build(self.course.week, &case.tree, &case.unit.features) {
            Ok(gate) => self.judge(case, &gate, &gate.tests_of(&[&case.unit.id]), begun),
            Err(error) => self.say(case.bug, vec![format!("{error:#}")], Vec::new(), Some(begun)),
        }
    }

    /// Whether one of `tests` finds the bug that `gate` has.
    fn judge(&mut self, case: &Case<'_>, gate: &Gate, tests: &[String], begun: Instant) {
        let found = gate.run(self.course.week, tests, Until::FirstRed).and_then(|ran| {
            let notes = match ran.iter().find(|ran| !ran.passed()) {
                None => return Ok(None),
                Some(by) if by.hung() => vec![format!("found by a time limit: {}", by.test)],
                Some(_) => Vec::new(),
            };
            self.cache.remember(&case.key, &notes)?;
            Ok(Some(notes))
        });
        let (problems, notes) = match found {
            Ok(Some(notes)) => (Vec::new(), notes),
            Ok(None) => {
                let Case { bug, unit, .. } = case;
                (vec![format!("no test of {} finds it: {}", unit.label(), bug.breaks())], vec![])
            }
            Err(error) => (vec![format!("{error:#}")], Vec::new()),
        };
        self.say(case.bug, problems, notes, Some(begun));
    }

    fn say(
        &mut self,
        bug: &Bug,
        problems: Vec<String>,
        notes: Vec<String>,
        begun: Option<Instant>,
    ) {
        let subject = format!("{} {}", self.course.week.label(), bug.name);
        let took = begun.map(|begun| begun.elapsed());
        (self.tell)(vec![Check { proof: Proof::Zoo, subject, problems, notes, took }]);
    }
}
