//! The bug zoo: plausible wrong solutions, each of which a named day must catch.
//!
//! The files below `solutions/bugs/week01/` have one table each:
//!
//! ```toml
//! [[bug]]
//! name = "torn_tail_is_damage"
//! file = "recovery.rs"          # below src
//! find = "exact text"           # once in the solution, marks as they stand
//! replace = "what a learner might write"
//! day = "day4"                  # the unit whose tests must turn red
//! breaks = "After every power cut the store refuses to open."
//! ```

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use toml_span::{DeserError, Deserialize, Value};

use crate::nearest::unknown;
use crate::reference::Reference;
use crate::repo::{self, Repo};
use crate::source::Source;
use crate::toml;
use crate::week::{Unit, Week};

/// One wrong solution.
#[derive(Clone, Debug)]
pub(crate) struct Bug {
    /// What it is called: `torn_tail_is_damage`.
    pub(crate) name: String,
    /// The file it is in, below `src`.
    file: PathBuf,
    /// What it replaces: exactly once in that file.
    find: String,
    /// What stands there instead.
    replace: String,
    /// The id of the unit that must catch it.
    day: String,
    /// What goes wrong because of it, in a sentence.
    breaks: String,
}

struct Zoo {
    bugs: Vec<Bug>,
}

impl<'de> Deserialize<'de> for Bug {
    fn deserialize(value: &mut Value<'de>) -> Result<Bug, DeserError> {
        toml::table(value, |table| Bug {
            name: table.required("name").unwrap_or_default(),
            file: table.required::<String>("file").unwrap_or_default().into(),
            find: table.required("find").unwrap_or_default(),
            replace: table.required("replace").unwrap_or_default(),
            day: table.required("day").unwrap_or_default(),
            breaks: table.required("breaks").unwrap_or_default(),
        })
    }
}

impl<'de> Deserialize<'de> for Zoo {
    fn deserialize(value: &mut Value<'de>) -> Result<Zoo, DeserError> {
        toml::table(value, |table| Zoo { bugs: table.optional("bug").unwrap_or_default() })
    }
}

/// The bugs of `week`; none if it has no zoo.
pub(crate) fn read(repo: &Repo, week: &Week) -> anyhow::Result<Vec<Bug>> {
    let dir = repo.solutions().join("bugs").join(week.label());
    let mut bugs: Vec<Bug> = Vec::new();
    for file in repo::files_below(&dir, "toml")? {
        let path = dir.join(file);
        let shown = repo.shown(&path);
        let zoo: Zoo = toml::read(&repo::read(&path)?).with_context(|| shown.clone())?;
        for bug in zoo.bugs {
            let twice = bugs.iter().any(|other| other.name == bug.name);
            ensure!(!twice, "{shown}: there is another bug `{}`", bug.name);
            ensure!(!bug.breaks.trim().is_empty(), "{shown}: `{}` breaks nothing?", bug.name);
            bugs.push(bug);
        }
    }
    Ok(bugs)
}

impl Bug {
    /// The unit that must catch it.
    pub(crate) fn unit<'a>(&self, week: &'a Week) -> anyhow::Result<&'a Unit> {
        let found = week.units().find(|unit| unit.id == self.day);
        found
            .ok_or_else(|| unknown(&format!("day of {}", week.label()), &self.day, week.unit_ids()))
    }

    /// The id of that unit, which may not exist.
    pub(crate) fn day(&self) -> &str {
        &self.day
    }

    /// What goes wrong because of it.
    pub(crate) fn breaks(&self) -> &str {
        self.breaks.trim()
    }

    /// The changed file as it is with the units in `solved` done, below `src`.
    ///
    /// # Errors
    ///
    /// If the text is not there, or more than once, or in no part that `solved` includes: then
    /// nobody could meet the bug on its day.
    pub(crate) fn apply(
        &self,
        week: &Week,
        files: &[Reference],
        solved: &[&str],
    ) -> anyhow::Result<(PathBuf, String)> {
        let paths = || files.iter().filter_map(|file| file.path.to_str());
        let file = files.iter().find(|file| file.path == self.file).ok_or_else(|| {
            unknown("file in the solution", &self.file.to_string_lossy(), paths())
        })?;
        let shown = file.shown();
        match file.text.matches(&self.find).count() {
            1 => {}
            0 => bail!("its text is not in {shown} any more: {:?}", first_line(&self.find)),
            n => bail!("its text is {n} times in {shown}: {:?}", first_line(&self.find)),
        }
        let wrong = file.text.replacen(&self.find, &self.replace, 1);
        let wrong = Source::parse(Path::new(&shown), &wrong, &week.unit_ids())?.up_to(solved);
        ensure!(
            wrong != file.source.up_to(solved),
            "it changes nothing in {shown} with the days up to {} solved",
            self.day
        );
        Ok((file.path.clone(), wrong))
    }
}

fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLUTION: &str = "\
fn sync() {
    // ANCHOR: day2_sync
    file.sync();
    done();
    // ANCHOR_END: day2_sync
}
fn other() { done(); }
";

    fn week() -> Week {
        let day = |n| format!("[[day]]\nid='day{n}'\ntitle=''\nidea=''\npoints=50\n");
        let head = "number=1\nname='wal'\ntitle=''\npromise=''\nopen=true\n";
        Week::parse("week01-wal", &format!("{head}{}{}", day(1), day(2))).unwrap()
    }

    fn apply(find: &str, replace: &str, solved: &[&str]) -> anyhow::Result<String> {
        let source = Source::parse(Path::new("a.rs"), SOLUTION, &["day1", "day2"]).unwrap();
        let file = Reference { path: "a.rs".into(), text: SOLUTION.into(), source };
        let bug = Bug {
            name: "bug".into(),
            file: "a.rs".into(),
            find: find.into(),
            replace: replace.into(),
            day: "day2".into(),
            breaks: "All.".into(),
        };
        bug.apply(&week(), &[file], solved).map(|(_, text)| text)
    }

    #[test]
    fn a_bug_is_applied_to_the_tree_of_its_day() {
        let text = apply("    file.sync();\n", "", &["day1", "day2"]).unwrap();
        assert!(text.starts_with("fn sync() {\n    done();\n}"), "{text}");
    }

    #[test]
    fn text_that_is_gone_or_doubled_or_never_reached_is_an_error() {
        for (find, solved, want) in [
            ("file.fsync()", &["day1", "day2"][..], "not in src/a.rs any more"),
            ("done();", &["day1", "day2"], "2 times in src/a.rs"),
            ("file.sync();", &["day1"], "changes nothing"),
        ] {
            let error = apply(find, "", solved).unwrap_err().to_string();
            assert!(error.contains(want), "{find}: {error}");
        }
    }
}
