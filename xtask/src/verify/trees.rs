//! The proofs that build and run: green, red, day by day, the zoo.

use std::time::{Duration, Instant};

use super::cache::Cache;
use super::slot::{self, Ran, Slot, Until};
use super::zoo::Bug;
use super::{Check, Prepared, Proof};
use crate::repo::Repo;
use crate::runner::{self, Built};
use crate::week::Week;

/// Every test passes on the solution itself, and the files tell of every test there is.
pub(super) fn green(repo: &Repo, slot: &Slot, course: &Prepared<'_>) -> anyhow::Result<Vec<Check>> {
    let begun = Instant::now();
    let week = course.week;
    let built = slot::build_solution(repo, week)?;
    let mut problems = Vec::new();
    let expected = course.all_tests();
    let listed = runner::list(&built)?;
    for test in listed.iter().filter(|test| !expected.contains(test)) {
        problems.push(format!("{test} runs, but stands in no file of a day"));
    }
    for test in expected.iter().filter(|test| !listed.contains(test)) {
        problems.push(format!("{test} stands in its file, but does not run"));
    }
    let ran = slot.run(&built, week, &listed, Until::End)?;
    problems.extend(not_passed(&ran));
    let (subject, notes) = (week.label(), Vec::new());
    Ok(vec![Check { proof: Proof::Green, subject, problems, notes, took: Some(begun.elapsed()) }])
}

/// Red and day by day, in the tree with the first `solved` units done: the tests of those pass,
/// those of the next unit don't. With nothing solved, none passes.
pub(super) fn day(
    slot: &Slot,
    cache: &Cache,
    course: &Prepared<'_>,
    solved: usize,
    wanted: &[Proof],
) -> anyhow::Result<Vec<Check>> {
    let units = course.week.unit_ids();
    let done: Vec<String> =
        units[..solved].iter().flat_map(|unit| course.gate[*unit].clone()).collect();
    let next = match solved {
        0 => course.all_tests(),
        n => units.get(n).map(|unit| course.gate[*unit].clone()).unwrap_or_default(),
    };
    let tree = course.solved(solved);
    let mut built: Option<Result<Built, String>> = None;
    let mut checks = Vec::new();
    let questions: [(Proof, &[String], Judge); 2] =
        [(Proof::Days, &done, not_passed), (Proof::Red, &next, passed)];
    for (proof, tests, judge) in questions {
        if !wanted.contains(&proof) || tests.is_empty() {
            continue;
        }
        let begun = Instant::now();
        let subject = subject(course.week, solved);
        let key = cache.key(proof.name(), &tree, tests);
        if let Some(notes) = cache.recall(&key) {
            checks.push(Check { proof, subject, problems: Vec::new(), notes, took: None });
            continue;
        }
        // Both ask the same tree: it is built once, and what is wrong with it is said once.
        let build = || slot.build(course.week, &tree).map_err(|error| error.to_string());
        let (problems, notes) = match built.get_or_insert_with(build) {
            Err(said) => (vec![std::mem::replace(said, "it does not compile".into())], Vec::new()),
            Ok(built) => {
                let ran = slot.run(built, course.week, tests, Until::End)?;
                // A test that needs its whole time limit to turn red lets a learner wait for it.
                let hung = ran.iter().filter(|ran| proof == Proof::Red && ran.hung());
                let notes = hung.map(|ran| format!("{} hangs until its time is over", ran.test));
                (judge(&ran), notes.collect())
            }
        };
        if problems.is_empty() {
            cache.remember(&key, &notes)?;
        }
        checks.push(Check { proof, subject, problems, notes, took: Some(begun.elapsed()) });
    }
    Ok(checks)
}

/// The tree with the first `solved` units done, in words.
pub(super) fn subject(week: &Week, solved: usize) -> String {
    match solved.checked_sub(1) {
        None => format!("{} with nothing solved", week.label()),
        Some(last) => format!("{} solved up to {}", week.label(), week.unit_ids()[last]),
    }
}

/// What is wrong with results, one line each.
type Judge = fn(&[Ran]) -> Vec<String>;

/// One wrong solution: it must compile, and a test of its day must find it.
pub(super) fn bug(
    slot: &Slot,
    cache: &Cache,
    course: &Prepared<'_>,
    bug: &Bug,
) -> anyhow::Result<Vec<Check>> {
    let begun = Instant::now();
    let week = course.week;
    let subject = format!("{} {}", week.label(), bug.name);
    let check = |problems, notes, took| Check {
        proof: Proof::Zoo,
        subject: subject.clone(),
        problems,
        notes,
        took,
    };
    let outcome = (|| {
        let unit = bug.unit(week)?;
        let units = week.unit_ids();
        let solved = units.iter().position(|id| *id == unit.id).map_or(0, |index| index + 1);
        let (path, text) = bug.apply(week, &course.files, &units[..solved])?;
        let mut tree = course.solved(solved);
        tree.set_source(week, &path, text);
        let tests = &course.gate[&unit.id];
        let key = cache.key(Proof::Zoo.name(), &tree, tests);
        if let Some(notes) = cache.recall(&key) {
            return Ok(check(Vec::new(), notes, None));
        }
        let built = slot.build(week, &tree)?;
        let ran = slot.run(&built, week, tests, Until::FirstRed)?;
        let caught = ran.iter().find(|ran| !ran.passed());
        let (problems, notes) = match caught {
            None => {
                (vec![format!("no test of {} finds it: {}", unit.label(), bug.breaks())], vec![])
            }
            Some(by) if by.hung() => (vec![], vec![format!("found by a time limit: {}", by.test)]),
            Some(_) => (vec![], vec![]),
        };
        if problems.is_empty() {
            cache.remember(&key, &notes)?;
        }
        Ok(check(problems, notes, Some(begun.elapsed())))
    })();
    let failed = |error: anyhow::Error| {
        let took: Duration = begun.elapsed();
        check(vec![format!("{error:#}")], Vec::new(), Some(took))
    };
    Ok(vec![outcome.unwrap_or_else(failed)])
}

fn not_passed(ran: &[Ran]) -> Vec<String> {
    let red = ran.iter().filter(|ran| !ran.passed());
    red.map(|ran| format!("{}: {}", ran.test, ran.says())).collect()
}

fn passed(ran: &[Ran]) -> Vec<String> {
    let green = ran.iter().filter(|ran| ran.passed());
    green.map(|ran| format!("{} passes without its day's code", ran.test)).collect()
}
