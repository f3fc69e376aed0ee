//! What the last runs said, and of which sources: `.x/results/week01.json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jzon::JsonValue;
use jzon::object::Object;

use crate::repo::{self, Repo};
use crate::runner::Report;
use crate::week::{Unit, Week};

/// How much of what a test printed is worth keeping, in bytes.
const OUTPUT_KEPT: usize = 4096;

/// The last report of every test of a week that ever ran.
#[derive(Debug, Default)]
pub(crate) struct Results {
    tests: BTreeMap<String, Kept>,
}

#[derive(Debug)]
struct Kept {
    report: Report,
    /// The [`sources`] it ran on.
    sources: String,
}

/// How far a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) passed_count: usize,
    pub(crate) test_count: usize,
    /// Whether any test got further than a `todo!`.
    pub(crate) started: bool,
    /// Whether all of this was found on the sources as they are now.
    pub(crate) current: bool,
    /// Whether a test did not pass on the sources as they are now.
    pub(crate) red: bool,
}

impl Standing {
    /// Whether all tests are green.
    pub(crate) fn done(&self) -> bool {
        self.test_count > 0 && self.passed_count == self.test_count
    }
}

impl Results {
    fn path(repo: &Repo, week: &Week) -> PathBuf {
        repo.state_dir().join("results").join(format!("{}.json", week.label()))
    }

    /// What is known of a week. Results that cannot be read are as good as none: the next run
    /// writes them anew.
    pub(crate) fn load(repo: &Repo, week: &Week) -> Results {
        let text = std::fs::read_to_string(Results::path(repo, week)).unwrap_or_default();
        let known = jzon::parse(&text).unwrap_or(JsonValue::Null);
        let kept = known["tests"].entries().filter_map(|(test, kept)| {
            let sources = kept["sources"].as_str()?.to_owned();
            Some((test.to_owned(), Kept { report: Report::read(kept)?, sources }))
        });
        Results { tests: kept.collect() }
    }

    pub(crate) fn save(&self, repo: &Repo, week: &Week) -> anyhow::Result<()> {
        let mut tests = Object::new();
        for (test, kept) in &self.tests {
            let mut object = Object::new();
            kept.report.write(&mut object);
            object.insert("sources", kept.sources.as_str().into());
            tests.insert(test, object.into());
        }
        repo::write(&Results::path(repo, week), jzon::object! { tests: tests }.pretty(2))
    }

    /// Takes the reports of a run on `sources` in.
    pub(crate) fn note(&mut self, reports: &[Report], sources: &str) {
        for report in reports {
            let mut report = report.clone();
            if report.output.len() > OUTPUT_KEPT {
                let end = report.output.floor_char_boundary(OUTPUT_KEPT);
                report.output.truncate(end);
            }
            let kept = Kept { report, sources: sources.to_owned() };
            self.tests.insert(kept.report.test.clone(), kept);
        }
    }

    /// How far a unit is, whose tests these are. `sources` are those of now.
    pub(crate) fn standing(&self, tests: &[String], sources: &str) -> Standing {
        let kept: Vec<&Kept> = tests.iter().filter_map(|test| self.tests.get(test)).collect();
        Standing {
            passed_count: kept.iter().filter(|kept| kept.report.outcome.passed()).count(),
            test_count: tests.len(),
            started: kept.iter().any(|kept| !kept.report.outcome.not_started()),
            current: kept.iter().all(|kept| kept.sources == sources),
            red: kept.iter().any(|kept| kept.sources == sources && !kept.report.outcome.passed()),
        }
    }

    /// The reports of these tests, in this order, as far as they are of `sources`.
    pub(crate) fn current(&self, tests: &[String], sources: &str) -> Vec<Report> {
        let kept = tests.iter().filter_map(|test| self.tests.get(test));
        kept.filter(|kept| kept.sources == sources).map(|kept| kept.report.clone()).collect()
    }
}

/// The ids of a unit's tests in the order in which they stand in its file, those of a module in a
/// file of its own where that module is declared.
pub(crate) fn tests_in_source(repo: &Repo, week: &Week, unit: &Unit) -> Vec<String> {
    let mut tests = Vec::new();
    let days = repo.week_dir(&week.dir_name).join("tests/days");
    tests_of_module(&days, &unit.id, &mut tests);
    tests
}

/// Adds the tests of `module`, such as `day3::poison`, to `tests`.
fn tests_of_module(days: &Path, module: &str, tests: &mut Vec<String>) {
    let path = days.join(module.replace("::", "/") + ".rs");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if let Some(inner) = line.strip_prefix("mod ").and_then(|line| line.strip_suffix(';')) {
            tests_of_module(days, &format!("{module}::{inner}"), tests);
        }
        marked |= line.starts_with("#[test]");
        if marked && let Some((_, rest)) = line.split_once("fn ") {
            let name = rest.split(['(', '<']).next().unwrap_or(rest);
            // A macro's `$name` is the name of no test.
            if !name.starts_with('$') {
                tests.push(format!("{module}::{name}"));
            }
            marked = false;
        }
    }
}

/// A hash over all sources and tests of a week: what a result is true of.
pub(crate) fn sources(repo: &Repo, week: &Week) -> anyhow::Result<String> {
    let week_dir = repo.week_dir(&week.dir_name);
    let mut parts = Vec::new();
    for dir in ["src", "tests"] {
        let dir = week_dir.join(dir);
        for relative in repo::files_below(&dir, "rs")? {
            parts.push(relative.to_string_lossy().into_owned());
            parts.push(repo::read(&dir.join(relative))?);
        }
    }
    Ok(hash(parts.iter().map(String::as_bytes)))
}

/// FNV-1a over all parts and their lengths. It tells versions of a file apart; it is no guard
/// against someone who wants to deceive it.
pub(crate) fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for part in parts {
        part.iter().copied().for_each(&mut take);
        part.len().to_le_bytes().into_iter().for_each(&mut take);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::Outcome;

    fn report(test: &str, outcome: Outcome) -> Report {
        Report { test: test.to_owned(), outcome, duration_ms: 3, output: "é".repeat(5000) }
    }

    fn week() -> Week {
        let text = "number = 1\nname = 'wal'\ntitle = ''\npromise = ''\nopen = false\n\
                    [[day]]\nid = 'day1'\ntitle = ''\nidea = ''\n";
        Week::parse("week01-wal", text).unwrap()
    }

    #[test]
    fn what_was_noted_is_there_after_a_save() {
        let dir = tempfile::tempdir().unwrap();
        let (repo, week) = (Repo { root: dir.path().to_path_buf() }, week());
        let failed = Outcome::Failed { message: "no".into(), location: Some("a.rs:1".into()) };
        let todo = Outcome::NotStarted { what: "day 1: a".into(), location: None };
        let mut results = Results::load(&repo, &week);
        let reports = [
            report("day1::a", Outcome::Passed),
            report("day1::b", failed.clone()),
            report("day1::c", todo),
        ];
        results.note(&reports, "s1");
        results.save(&repo, &week).unwrap();

        let results = Results::load(&repo, &week);
        let tests: Vec<String> = ["a", "b", "c", "d"].map(|t| format!("day1::{t}")).to_vec();
        let standing = results.standing(&tests, "s1");
        let (passed_count, test_count) = (1, 4);
        let want = Standing { passed_count, test_count, started: true, current: true, red: true };
        assert_eq!(standing, want);
        let later = results.standing(&tests, "s2");
        assert_eq!((later.current, later.red), (false, false));
        assert_eq!(results.current(&tests, "s1")[1].outcome, failed);
        assert_eq!(results.current(&tests, "s2"), []);
    }

    #[test]
    fn tests_stand_in_the_order_of_their_file() {
        let dir = tempfile::tempdir().unwrap();
        let (repo, week) = (Repo { root: dir.path().to_path_buf() }, week());
        let day = "fn helper() {}\n#[test]\nfn zeros() {}\n\nmod given;\nmod poison;\n\n\
                   #[test]\n#[should_panic]\nfn a() {}\nsuite! {\n    #[test] fn b();\n}\n";
        let given = "macro_rules! suite {\n    ($(#[test] fn $check:ident();)+) => {};\n}\n";
        for (path, text) in [
            ("day1.rs", day),
            ("day1/given.rs", given),
            ("day1/poison.rs", "mod deep;\n#[test]\nfn c() {}\n"),
            ("day1/poison/deep.rs", "#[test]\nfn d() {}\n"),
        ] {
            repo::write(&dir.path().join("week01-wal/tests/days").join(path), text).unwrap();
        }
        let poison = ["day1::poison::deep::d", "day1::poison::c"];
        let want = ["day1::zeros", poison[0], poison[1], "day1::a", "day1::b"];
        assert_eq!(tests_in_source(&repo, &week, &week.days[0]), want);
    }

    #[test]
    fn a_hash_tells_where_one_part_ends() {
        assert_ne!(hash([&b"ab"[..], b"c"]), hash([&b"a"[..], b"bc"]));
    }
}
