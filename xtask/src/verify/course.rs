//! What can be proved without running a test: files in sync, hints, sizes of days, the guide.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use toml_span::Deserialize as _;
use toml_span::value::ValueInner;

use super::{Check, Prepared, Proof};
use crate::cargo::cargo;
use crate::cmd::skeleton;
use crate::hints::Hints;
use crate::nearest::nearest;
use crate::repo::{self, Repo};
use crate::toml;
use crate::week::{Unit, Week, test_name};

/// The learner's files are what the solution gives, no target is forgotten, and every bug of the
/// zoo has its place: known in a second, and not only when the zoo comes to it.
pub(super) fn sync(repo: &Repo, course: &Prepared<'_>) -> anyhow::Result<Vec<Check>> {
    let begun = Instant::now();
    let mut problems = skeleton::differences(repo, course.week)?;
    problems.extend(manifest_problems(repo, course.week)?);
    for bug in &course.bugs {
        if let Err(error) = course.wrong_file(bug) {
            problems.push(format!("the bug `{}`: {error:#}", bug.name));
        }
    }
    let (proof, subject, notes) = (Proof::Sync, course.week.label(), Vec::new());
    Ok(vec![Check { proof, subject, problems, notes, took: Some(begun.elapsed()) }])
}

/// Each day has its hints, and is of a size to be done in a day.
pub(super) fn days(repo: &Repo, course: &Prepared<'_>) -> anyhow::Result<Vec<Check>> {
    let gate = course.gate(repo)?;
    let check = |unit: &Unit| {
        let begun = Instant::now();
        let tests = gate.tests_of(&[&unit.id]);
        let mut problems = hint_problems(repo, course.week, unit, &tests);
        problems.extend(size_problems(course, unit, tests.len()));
        Check {
            proof: Proof::Book,
            subject: format!("{} {}", course.week.label(), unit.id),
            problems,
            notes: Vec::new(),
            took: Some(begun.elapsed()),
        }
    };
    Ok(course.week.units().map(check).collect())
}

/// A week has at least this many plausible mistakes.
const BUGS_PER_WEEK_MIN: usize = 8;

/// The zoo is large enough to say something about the tests.
pub(super) fn zoo(course: &Prepared<'_>) -> Check {
    let bug_count = course.bugs.len();
    let problems = match bug_count < BUGS_PER_WEEK_MIN {
        true => vec![format!("{bug_count} bugs in the zoo, want {BUGS_PER_WEEK_MIN} at least")],
        false => Vec::new(),
    };
    let (proof, subject, notes) = (Proof::Zoo, course.week.label(), Vec::new());
    Check { proof, subject, problems, notes, took: Some(Duration::ZERO) }
}

/// The subject of the one check that is not of a week.
pub(super) const GUIDE: &str = "the guide";

/// The guide builds without a warning, its links lead somewhere, its chapters have their parts.
pub(super) fn guide(repo: &Repo) -> anyhow::Result<Vec<Check>> {
    let begun = Instant::now();
    let mut command = cargo(&repo.root);
    command.args(["run", "--quiet", "--manifest-path", "book/Cargo.toml", "--", "check"]);
    let output = command.stdin(Stdio::null()).output().context("cannot start cargo")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let problems = match output.status.success() {
        true => Vec::new(),
        false => said.lines().map(str::to_owned).collect(),
    };
    let (proof, subject, notes) = (Proof::Book, GUIDE.to_owned(), Vec::new());
    Ok(vec![Check { proof, subject, problems, notes, took: Some(begun.elapsed()) }])
}

/// A day that takes more than this many lines is two days.
const LINES_PER_UNIT_MAX: usize = 190;
/// At least one test for so many lines that the learner writes.
const LINES_PER_TEST_MAX: usize = 15;

/// What is wrong with the hints of `unit`, one line each.
fn hint_problems(repo: &Repo, week: &Week, unit: &Unit, tests: &[String]) -> Vec<String> {
    let path = repo.week_dir(&week.dir_name).join("hints").join(format!("{}.toml", unit.id));
    let shown = repo.shown(&path);
    let text = match repo::read(&path) {
        Ok(text) => text,
        Err(_) => return vec![format!("{shown} is missing")],
    };
    let names: Vec<&str> = tests.iter().map(|test| test_name(test)).collect();
    let problems = problems_of_hints(&text, &names);
    problems.into_iter().map(|problem| format!("{shown}: {problem}")).collect()
}

fn problems_of_hints(text: &str, tests: &[&str]) -> Vec<String> {
    let mut document = match toml::parse(text) {
        Ok(document) => document,
        Err(error) => return vec![error.to_string()],
    };
    let ValueInner::Table(mut tables) = document.take() else {
        unreachable!("a document is a table");
    };
    let mut problems = Vec::new();
    for (index, test) in tests.iter().enumerate() {
        if tests[..index].contains(test) {
            problems.push(format!("another test is called `{test}`: whose hints are these?"));
            continue;
        }
        let Some(table) = tables.get_mut(*test) else {
            problems.push(format!("no hints for `{test}`"));
            continue;
        };
        match Hints::deserialize(table) {
            Ok(Hints { nudge, draw, shape }) => {
                let empty = [("nudge", nudge), ("draw", draw), ("shape", shape)];
                let empty = empty.iter().filter(|(_, text)| text.trim().is_empty());
                problems.extend(empty.map(|(name, _)| format!("`{test}` has an empty {name}")));
            }
            Err(wrong) => {
                let words = wrong.errors.iter().flat_map(toml::words);
                problems.extend(words.map(|(_, words)| format!("`{test}`: {words}")));
            }
        }
    }
    let names = tables.keys().map(|key| &*key.name);
    for name in names.filter(|name| !tests.contains(name)) {
        let near = nearest(name, tests.iter().copied());
        let near = near.map(|near| format!("; nearest: `{near}`")).unwrap_or_default();
        problems.push(format!("hints for `{name}`, which is no test{near}"));
    }
    problems
}

/// What is wrong with the size of `unit`; its lines are counted from the regions of the solution.
fn size_problems(course: &Prepared<'_>, unit: &Unit, test_count: usize) -> Vec<String> {
    let regions = course.files.iter().flat_map(|file| file.source.regions());
    let own = regions.filter(|region| region.unit() == Some(&unit.id));
    let line_count: usize = own.map(|region| region.code_line_count()).sum();
    let mut problems = Vec::new();
    if line_count == 0 {
        problems.push(format!("{} has no hole: nothing to write", unit.id));
    }
    if line_count > LINES_PER_UNIT_MAX {
        problems.push(format!(
            "{} is {line_count} lines to write, want {LINES_PER_UNIT_MAX} at most",
            unit.id
        ));
    }
    if test_count * LINES_PER_TEST_MAX < line_count {
        problems.push(format!(
            "{} has {test_count} tests for {line_count} lines, want one for every \
             {LINES_PER_TEST_MAX}",
            unit.id
        ));
    }
    problems
}

/// Tests, benches and examples of `week` that the solution's manifest does not name: they would
/// never be built against the reference.
fn manifest_problems(repo: &Repo, week: &Week) -> anyhow::Result<Vec<String>> {
    let solution = repo.solution_dir(&week.dir_name);
    let path = solution.join("Cargo.toml");
    let text = repo::read(&path)?;
    let manifest =
        toml::parse(&text).with_context(|| format!("{} is no manifest", repo.shown(&path)))?;
    let kinds = ["/test", "/bench", "/example"];
    let targets = kinds.iter().filter_map(|kind| manifest.pointer(kind)?.as_array()).flatten();
    let paths = targets.filter_map(|target| target.pointer("/path")?.as_str());
    let named: BTreeSet<&str> = paths.collect();

    let week_dir = repo.week_dir(&week.dir_name);
    let mut problems = Vec::new();
    for kind in ["tests", "benches", "examples"] {
        for file in target_files(&week_dir.join(kind))? {
            let wanted = format!("../../{}/{kind}/{file}", week.dir_name);
            if !named.contains(wanted.as_str()) {
                problems.push(format!("{} does not name {wanted}", repo.shown(&path)));
            }
        }
    }
    let gone = named.iter().filter(|path| !solution.join(path).is_file());
    problems.extend(gone.map(|gone| format!("{} names {gone}: no file", repo.shown(&path))));
    Ok(problems)
}

/// The names that cargo gives to the targets in `dir`: of `a.rs`, and of `a/main.rs`.
pub(crate) fn targets(dir: &Path) -> anyhow::Result<Vec<String>> {
    let names = target_files(dir)?.into_iter();
    let name = |file: String| file.trim_end_matches(".rs").trim_end_matches("/main").to_owned();
    Ok(names.map(name).collect())
}

/// The files of `dir` that cargo takes for targets.
fn target_files(dir: &Path) -> anyhow::Result<Vec<String>> {
    let files = repo::files_below(dir, "rs")?;
    let names = files.iter().map(|path| path.to_string_lossy().replace('\\', "/"));
    let is_root = |name: &String| !name.contains('/') || name.split('/').skip(1).eq(["main.rs"]);
    Ok(names.filter(is_root).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_has_three_hints_and_no_hint_is_stray() {
        let tests = ["zeros_are_no_record", "a_cut_is_torn", "third", "third"];
        let text = "
            [zeros_are_no_record]
            nudge = 'a'
            draw = ' '
            shape = 'c'
            [a_cut_is_tron]
            nudge = 'a'
            draw = 'b'
            shape = 'c'
            [third]
            nudge = 'a'
        ";
        let problems = problems_of_hints(text, &tests);
        let want = [
            "`zeros_are_no_record` has an empty draw",
            "no hints for `a_cut_is_torn`",
            "`third`: missing field `draw`",
            "`third`: missing field `shape`",
            "another test is called `third`: whose hints are these?",
            "hints for `a_cut_is_tron`, which is no test; nearest: `a_cut_is_torn`",
        ];
        assert_eq!(problems, want);
    }

    #[test]
    fn a_target_is_a_file_or_a_directory_with_a_main() {
        let dir = tempfile::tempdir().unwrap();
        for file in ["shell.rs", "days/main.rs", "days/day1.rs", "days/sub/main.rs"] {
            repo::write(&dir.path().join(file), "").unwrap();
        }
        assert_eq!(target_files(dir.path()).unwrap(), ["days/main.rs", "shell.rs"]);
        assert_eq!(targets(dir.path()).unwrap(), ["days", "shell"]);
    }
}
