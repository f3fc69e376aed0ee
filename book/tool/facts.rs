//! The facts that the book shares with the code: weeks, days, tests, bugs.
//!
//! They are read from the files that the course runs on, so a chapter cannot disagree with them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use regex::Regex;
use serde::Deserialize;

/// Every week of the course, in order.
pub(crate) struct Facts {
    pub(crate) weeks: Vec<Week>,
    /// The oldest Rust that compiles the course.
    pub(crate) rust_version: String,
}

/// One week: its `week.toml`, and what its tests and its bug zoo say.
pub(crate) struct Week {
    pub(crate) number: u32,
    /// The name of the library: `wal`.
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) promise: String,
    /// Whether there is something to run; a closed week is only announced.
    pub(crate) open: bool,
    /// Days in order, then labs in order.
    pub(crate) units: Vec<Unit>,
    /// Wrong solutions in the bug zoo.
    pub(crate) bug_count: usize,
    /// The directory of the learner's crate: `week01-wal`.
    pub(crate) package: String,
}

/// A day or a lab.
pub(crate) struct Unit {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) title: String,
    pub(crate) idea: String,
    /// The chapter's file below `book/src`.
    pub(crate) chapter: PathBuf,
    /// What the learner edits, relative to the week's directory.
    pub(crate) files: Vec<String>,
    pub(crate) minutes: u32,
    pub(crate) points: u32,
    pub(crate) experiment: Option<String>,
    /// Names of the unit's tests, in the order of the file.
    pub(crate) tests: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A core day and its number, from 1.
    Day(u32),
    Lab,
}

/// `week.toml` as it is written.
#[derive(Deserialize)]
struct WeekFile {
    number: u32,
    name: String,
    title: String,
    promise: String,
    open: bool,
    #[serde(default)]
    day: Vec<UnitFile>,
    #[serde(default)]
    lab: Vec<UnitFile>,
}

#[derive(Deserialize)]
struct UnitFile {
    id: String,
    title: String,
    idea: String,
    #[serde(default)]
    chapter: PathBuf,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    minutes: u32,
    #[serde(default)]
    points: u32,
    experiment: Option<String>,
}

/// The learner's `Cargo.toml`, as far as the book speaks of it.
#[derive(Deserialize)]
struct Workspace {
    workspace: WorkspaceTable,
}

#[derive(Deserialize)]
struct WorkspaceTable {
    package: PackageTable,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct PackageTable {
    rust_version: String,
}

#[derive(Deserialize)]
struct ZooFile {
    #[serde(default)]
    bug: Vec<toml::Table>,
}

impl Facts {
    /// Reads every `weekNN-*/week.toml` below `repo`.
    pub(crate) fn load(repo: &Path) -> Result<Facts> {
        let is_week = Regex::new(r"^week\d\d-").expect("a constant pattern");
        let mut weeks = Vec::new();
        for entry in fs::read_dir(repo)? {
            let package = entry?.file_name().to_string_lossy().into_owned();
            if is_week.is_match(&package) && repo.join(&package).join("week.toml").exists() {
                weeks.push(Week::load(repo, &package)?);
            }
        }
        weeks.sort_by_key(|week| week.number);
        Ok(Facts {
            weeks,
            rust_version: read_toml::<Workspace>(&repo.join("Cargo.toml"))?
                .workspace
                .package
                .rust_version,
        })
    }

    /// The week called `week01`.
    pub(crate) fn week(&self, id: &str) -> Result<&Week> {
        let Some(week) = self.weeks.iter().find(|week| week.id() == id) else {
            let known: Vec<String> = self.weeks.iter().map(Week::id).collect();
            bail!("there is no `{id}`; the weeks are {}", known.join(", "));
        };
        Ok(week)
    }

    /// The week and unit whose chapter is `chapter`, a path below `book/src`.
    pub(crate) fn of_chapter(&self, chapter: &Path) -> Option<(&Week, &Unit)> {
        self.weeks
            .iter()
            .flat_map(|week| week.units.iter().map(move |unit| (week, unit)))
            .find(|(_, unit)| unit.chapter == chapter)
    }
}

impl Week {
    fn load(repo: &Path, package: &str) -> Result<Week> {
        let dir = repo.join(package);
        let file: WeekFile = read_toml(&dir.join("week.toml"))?;
        let mut units = Vec::new();
        for (index, day) in file.day.into_iter().enumerate() {
            units.push(Unit::load(day, Kind::Day(index as u32 + 1), &dir)?);
        }
        for lab in file.lab {
            units.push(Unit::load(lab, Kind::Lab, &dir)?);
        }
        let zoo = repo.join("solutions").join("bugs").join(format!("week{:02}", file.number));
        Ok(Week {
            number: file.number,
            name: file.name,
            title: file.title,
            promise: file.promise,
            open: file.open,
            units,
            bug_count: bug_count(&zoo)?,
            package: package.to_string(),
        })
    }

    /// `week01`, as it is called on the command line and in the book's folders.
    pub(crate) fn id(&self) -> String {
        format!("week{:02}", self.number)
    }

    /// `Week 1 · The log`, the heading of the week's page.
    pub(crate) fn heading(&self) -> String {
        format!("Week {} · {}", self.number, self.title)
    }

    /// The unit called `day1` or `bitcask`.
    pub(crate) fn unit(&self, id: &str) -> Result<&Unit> {
        let Some(unit) = self.units.iter().find(|unit| unit.id == id) else {
            let known: Vec<&str> = self.units.iter().map(|unit| unit.id.as_str()).collect();
            bail!("{} has no `{id}`; it has {}", self.id(), known.join(", "));
        };
        Ok(unit)
    }

    /// The core days, in order.
    pub(crate) fn days(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|unit| unit.kind != Kind::Lab)
    }

    /// The labs, in order.
    pub(crate) fn labs(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|unit| unit.kind == Kind::Lab)
    }
}

impl Unit {
    fn load(file: UnitFile, kind: Kind, week: &Path) -> Result<Unit> {
        let mut unit = Unit {
            id: file.id,
            kind,
            title: file.title,
            idea: file.idea,
            chapter: file.chapter,
            files: file.files,
            minutes: file.minutes,
            points: file.points,
            experiment: file.experiment,
            tests: Vec::new(),
        };
        for path in unit.test_files(week)? {
            unit.tests.extend(test_names(&fs::read_to_string(path)?));
        }
        Ok(unit)
    }

    /// The files that hold the unit's tests, in `week`: `day1.rs`, and those in `day1/`.
    pub(crate) fn test_files(&self, week: &Path) -> Result<Vec<PathBuf>> {
        let days = week.join("tests").join("days");
        let mut files = vec![days.join(format!("{}.rs", self.id))];
        if let Ok(folder) = days.join(&self.id).read_dir() {
            for entry in folder {
                files.push(entry?.path());
            }
        }
        files.retain(|path| path.extension().is_some_and(|kind| kind == "rs") && path.is_file());
        files.sort();
        Ok(files)
    }

    /// `Day 1 · A record you can trust`, the heading of the chapter.
    pub(crate) fn heading(&self) -> String {
        format!("{} · {}", self.label(), self.title)
    }

    /// `Day 1`, or `Lab`.
    pub(crate) fn label(&self) -> String {
        match self.kind {
            Kind::Day(number) => format!("Day {number}"),
            Kind::Lab => "Lab".to_string(),
        }
    }

    /// What `--day` takes: `1`, or a lab's name.
    pub(crate) fn argument(&self) -> String {
        match self.kind {
            Kind::Day(number) => number.to_string(),
            Kind::Lab => self.id.clone(),
        }
    }
}

/// The functions marked `#[test]` in a test module.
fn test_names(source: &str) -> Vec<String> {
    let test = Regex::new(r"(?m)^\s*#\[test\]\s*(?:(?:#\[|//).*\n\s*)*fn\s+(\w+)")
        .expect("a constant pattern");
    test.captures_iter(source).map(|found| found[1].to_string()).collect()
}

/// How many wrong solutions the files of a zoo hold; a week that is not open has none.
fn bug_count(zoo: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in zoo.read_dir().into_iter().flatten() {
        count += read_toml::<ZooFile>(&entry?.path())?.bug.len();
    }
    Ok(count)
}

fn read_toml<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_behind_other_attributes_and_comments() {
        let source = "#[test]\nfn a() {}\nfn helper() {}\n#[test]\n// why\n#[should_panic]\nfn b() {}\n\
             suite! {\n    #[test] fn c();\n}";
        assert_eq!(test_names(source), ["a", "b", "c"]);
    }
}
