//! The proofs that build a tree and run its tests: green, red, day by day.

use std::time::Instant;

use super::cache::Cache;
use super::slot::{Gate, Ran, Slot, Until, is_of};
use super::{Check, Prepared, Proof};
use crate::repo::Repo;
use crate::week::{Week, features};

/// Every test passes on the solution itself, and every test is of a unit, and every unit has some.
pub(super) fn green(repo: &Repo, course: &Prepared<'_>) -> anyhow::Result<Vec<Check>> {
    let begun = Instant::now();
    let week = course.week;
    let gate = course.gate(repo)?;
    let units = week.unit_ids();
    let mut problems = Vec::new();
    let strays = gate.tests.iter().filter(|test| !units.iter().any(|unit| is_of(unit, test)));
    problems.extend(strays.map(|test| format!("{test} is of no day of week.toml")));
    let bare = units.iter().filter(|unit| gate.tests_of(&[**unit]).is_empty());
    problems.extend(bare.map(|unit| format!("{unit} has no test")));
    problems.extend(not_passed(&gate.run(week, &gate.tests_of(&units), Until::End)?));
    let (subject, notes) = (week.label(), Vec::new());
    Ok(vec![Check { proof: Proof::Green, subject, problems, notes, took: Some(begun.elapsed()) }])
}

/// Red and day by day, in the tree with the first `solved` units done: the tests of those pass, or of
/// a lab its own, and those of the next unit don't. With nothing solved, none passes.
pub(super) fn day(
    slot: &Slot,
    cache: &Cache,
    course: &Prepared<'_>,
    solved: usize,
    wanted: &[Proof],
) -> anyhow::Result<Vec<Check>> {
    let units = course.week.unit_ids();
    // A lab changes a week that is done: of that, green asks everything once more.
    let is_lab = solved > course.week.days.len();
    let done = &units[if is_lab { solved - 1 } else { 0 }..solved];
    let next = match solved {
        0 => &units[..],
        n => &units[n..units.len().min(n + 1)],
    };
    let tree = course.solved(solved);
    let mut gate: Option<Result<Gate, String>> = None;
    let mut checks = Vec::new();
    let questions: [(Proof, &[&str], Judge); 2] =
        [(Proof::Days, done, not_passed), (Proof::Red, next, passed)];
    for (proof, asked, judge) in questions {
        if !wanted.contains(&proof) || asked.is_empty() {
            continue;
        }
        let begun = Instant::now();
        let subject = subject(course.week, solved);
        let key = cache.key(proof.name(), asked, &tree);
        if let Some(notes) = cache.recall(&key) {
            checks.push(Check { proof, subject, problems: Vec::new(), notes, took: None });
            continue;
        }
        // Both ask the same tree: it is built once, and what is wrong with it is said once.
        let features = features(course.week.units());
        let build = || slot.build(course.week, &tree, &features).map_err(|error| error.to_string());
        let (problems, notes) = match gate.get_or_insert_with(build) {
            Err(said) => (vec![std::mem::replace(said, "it does not compile".into())], Vec::new()),
            Ok(gate) => {
                let ran = gate.run(course.week, &gate.tests_of(asked), Until::End)?;
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

fn not_passed(ran: &[Ran]) -> Vec<String> {
    let red = ran.iter().filter(|ran| !ran.passed());
    red.map(|ran| format!("{}: {}", ran.test, ran.says())).collect()
}

fn passed(ran: &[Ran]) -> Vec<String> {
    let green = ran.iter().filter(|ran| ran.passed());
    green.map(|ran| format!("{} passes without its day's code", ran.test)).collect()
}
