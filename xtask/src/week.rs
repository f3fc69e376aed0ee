//! What a week consists of: its `week.toml`, as types.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use toml_span::{DeserError, Deserialize, Value};

use crate::nearest::unknown;
use crate::repo::{self, Repo};
use crate::toml::{self, Map};

/// How long a test may take unless its day says otherwise.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(20);

/// All weeks of the course, in order.
#[derive(Debug)]
pub(crate) struct Weeks(pub(crate) Vec<Week>);

/// One week.
#[derive(Debug, Clone)]
pub(crate) struct Week {
    /// Directory and package of the learner's crate: `week01-wal`.
    pub(crate) dir_name: String,
    /// 1 to 8.
    pub(crate) number: u32,
    /// The library's name: `wal`.
    pub(crate) name: String,
    /// What the week is about, in two or three words.
    pub(crate) title: String,
    /// What the learner will have at its end.
    pub(crate) promise: String,
    /// Whether there is anything to run yet.
    pub(crate) open: bool,
    /// The core days, in order. Their points add up to 100.
    pub(crate) days: Vec<Unit>,
    /// The optional labs, in order.
    pub(crate) labs: Vec<Unit>,
}

/// A day or a lab: what a learner does in one sitting.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// `day3` or `bitcask`: names the test module, the regions and the file of hints.
    pub(crate) id: String,
    /// As in the book.
    pub(crate) title: String,
    /// The one idea, in a sentence.
    pub(crate) idea: String,
    /// Below `book/src`.
    pub(crate) chapter: String,
    /// What the learner edits, relative to the week.
    pub(crate) files: Vec<PathBuf>,
    /// How long it takes.
    pub(crate) minutes: u32,
    /// Of the week's 100.
    pub(crate) points: u32,
    /// The name of `examples/lab_<name>.rs`, if the unit has an experiment.
    pub(crate) experiment: Option<String>,
    /// Features of the week's crate without which its tests and its experiment are not built: for a lab
    /// that stands on crates which nobody else should have to wait for.
    pub(crate) features: Vec<String>,
    /// Exceptions to [`TIME_LIMIT`], in seconds, by test name; `*` names all others.
    pub(crate) time_limit_s: BTreeMap<String, u64>,
}

impl<'de> Deserialize<'de> for Week {
    fn deserialize(value: &mut Value<'de>) -> Result<Week, DeserError> {
        toml::table(value, |table| Week {
            dir_name: String::new(), // [`Week::parse`] knows
            number: table.required("number").unwrap_or_default(),
            name: table.required("name").unwrap_or_default(),
            title: table.required("title").unwrap_or_default(),
            promise: table.required("promise").unwrap_or_default(),
            open: table.required("open").unwrap_or_default(),
            days: table.required("day").unwrap_or_default(),
            labs: table.optional("lab").unwrap_or_default(),
        })
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize(value: &mut Value<'de>) -> Result<Unit, DeserError> {
        toml::table(value, |table| {
            let files: Vec<String> = table.optional("files").unwrap_or_default();
            let limits: Option<Map<u64>> = table.optional("time_limit_s");
            Unit {
                id: table.required("id").unwrap_or_default(),
                title: table.required("title").unwrap_or_default(),
                idea: table.required("idea").unwrap_or_default(),
                chapter: table.optional("chapter").unwrap_or_default(),
                files: files.into_iter().map(PathBuf::from).collect(),
                minutes: table.optional("minutes").unwrap_or_default(),
                points: table.optional("points").unwrap_or_default(),
                experiment: table.optional("experiment"),
                features: table.optional("features").unwrap_or_default(),
                time_limit_s: limits.map(|Map(limits)| limits).unwrap_or_default(),
            }
        })
    }
}

impl Weeks {
    /// Reads every `weekNN-…/week.toml`.
    pub(crate) fn load(repo: &Repo) -> anyhow::Result<Weeks> {
        let mut weeks = Vec::new();
        let entries = std::fs::read_dir(&repo.root)
            .with_context(|| format!("cannot list {}", repo.root.display()))?;
        for entry in entries {
            let path = entry?.path().join("week.toml");
            if path.is_file() {
                weeks.push(Week::read(&path)?);
            }
        }
        weeks.sort_by_key(|week| week.number);
        ensure!(!weeks.is_empty(), "{} has no week in it", repo.root.display());
        Ok(Weeks(weeks))
    }

    /// The week that goes by this name: `week03`, `3`, `03`, `sstable`, `week03-sstable`.
    pub(crate) fn find(&self, name: &str) -> anyhow::Result<&Week> {
        // A tab in the shell completes a directory with its slash.
        let name = name.trim_end_matches(['/', '\\']);
        let number = name.strip_prefix("week").unwrap_or(name).parse::<u32>().ok();
        let found = self
            .0
            .iter()
            .find(|week| number == Some(week.number) || name == week.name || name == week.dir_name);
        found.ok_or_else(|| {
            let labels: Vec<String> = self.0.iter().map(Week::label).collect();
            let names = self.0.iter().map(|week| week.name.as_str());
            unknown("week", name, labels.iter().map(String::as_str).chain(names))
        })
    }

    /// Like [`Weeks::find`], but a week that has nothing to run yet is an error.
    pub(crate) fn find_open(&self, name: &str) -> anyhow::Result<&Week> {
        let week = self.find(name)?;
        if !week.open {
            let open: Vec<String> = self.open().map(Week::label).collect();
            bail!("{} is not open yet; open: {}", week.label(), open.join(", "));
        }
        Ok(week)
    }

    /// The weeks that can be run.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Week> {
        self.0.iter().filter(|week| week.open)
    }
}

impl Week {
    fn read(path: &Path) -> anyhow::Result<Week> {
        let dir = path.parent().and_then(Path::file_name).unwrap_or_default();
        let week = Week::parse(&dir.to_string_lossy(), &repo::read(path)?);
        week.with_context(|| format!("{} is not what it should be", path.display()))
    }

    /// Parses the `week.toml` of the directory `dir_name` and checks it.
    pub(crate) fn parse(dir_name: &str, text: &str) -> anyhow::Result<Week> {
        let mut week: Week = toml::read(text)?;
        week.dir_name = dir_name.to_owned();
        let label = week.label();
        ensure!(dir_name.starts_with(&label), "{dir_name} says that it is {label}");
        for (index, day) in week.days.iter().enumerate() {
            ensure!(day.id == format!("day{}", index + 1), "`{}` is not day {}", day.id, index + 1);
        }
        for day in &week.days {
            ensure!(day.features.is_empty(), "only a lab may need features, not {}", day.id);
        }
        for lab in &week.labs {
            let reserved = lab.id.starts_with("day") || ["hidden", "listing"].contains(&&*lab.id);
            let plain = lab.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            ensure!(plain && !reserved, "a lab cannot be called `{}`", lab.id);
        }
        let points: u32 = week.days.iter().map(|day| day.points).sum();
        ensure!(!week.open || points == 100, "the days have {points} points, want 100");
        Ok(week)
    }

    /// `week01`.
    pub(crate) fn label(&self) -> String {
        format!("week{:02}", self.number)
    }

    /// The package of the reference's crate: `week01-wal-solution`.
    pub(crate) fn solution_package(&self) -> String {
        format!("{}-solution", self.dir_name)
    }

    /// Days, then labs: the order of learning.
    pub(crate) fn units(&self) -> impl Iterator<Item = &Unit> + Clone {
        self.days.iter().chain(&self.labs)
    }

    /// The ids of all units, in order.
    pub(crate) fn unit_ids(&self) -> Vec<&str> {
        self.units().map(|unit| unit.id.as_str()).collect()
    }

    /// The unit that goes by this name: `2`, `day2`, `bitcask`.
    pub(crate) fn unit(&self, name: &str) -> anyhow::Result<&Unit> {
        let found =
            self.units().find(|unit| unit.id == name || unit.id.strip_prefix("day") == Some(name));
        found.ok_or_else(|| unknown(&format!("day of {}", self.label()), name, self.unit_ids()))
    }

    /// The unit that a test id such as `day2::rotation_is_exact` belongs to.
    pub(crate) fn unit_of_test(&self, test: &str) -> Option<&Unit> {
        let (module, _) = test.split_once("::")?;
        self.units().find(|unit| unit.id == module)
    }
}

/// The features that the tests of `units` need, each once.
pub(crate) fn features<'u>(units: impl IntoIterator<Item = &'u Unit>) -> Vec<String> {
    let features = units.into_iter().flat_map(|unit| &unit.features).cloned();
    features.collect::<BTreeSet<_>>().into_iter().collect()
}

/// A test's own name, which is unique in its unit: what stands after all modules of its id.
pub(crate) fn test_name(test: &str) -> &str {
    test.rsplit_once("::").map_or(test, |(_, name)| name)
}

impl Unit {
    /// Whether this is a lab, which is optional.
    pub(crate) fn is_lab(&self) -> bool {
        !self.id.starts_with("day")
    }

    /// `day 3` or `lab bitcask`.
    pub(crate) fn label(&self) -> String {
        match self.id.strip_prefix("day") {
            Some(number) => format!("day {number}"),
            None => format!("lab {}", self.id),
        }
    }

    /// What one types for it: `3` or `bitcask`.
    pub(crate) fn argument(&self) -> &str {
        self.id.strip_prefix("day").unwrap_or(&self.id)
    }

    /// Whether this test is named among the limits, with or without others.
    pub(crate) fn has_own_limit(&self, test: &str) -> bool {
        self.time_limit_s.contains_key(test)
    }

    /// How long the test of this [name](test_name) may take.
    pub(crate) fn time_limit(&self, test: &str) -> Duration {
        let limit = self.time_limit_s.get(test).or_else(|| self.time_limit_s.get("*"));
        limit.map_or(TIME_LIMIT, |&s| Duration::from_secs(s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(number: u32, name: &str, dir: &str) -> Week {
        let text = format!(
            r#"
            number = {number}
            name = "{name}"
            title = "t"
            promise = "p"
            open = true
            [[day]]
            id = "day1"
            title = "one"
            idea = "i"
            points = 60
            [day.time_limit_s]
            slow = 60
            [[day]]
            id = "day2"
            title = "two"
            idea = "i"
            points = 40
            [day.time_limit_s]
            "*" = 5
            slow = 60
            [[lab]]
            id = "bitcask"
            title = "lab"
            idea = "i"
            "#
        );
        Week::parse(&format!("week{number:02}-{dir}"), &text).unwrap()
    }

    #[test]
    fn a_week_goes_by_all_its_names() {
        let weeks = Weeks(vec![
            week(1, "wal", "wal"),
            week(3, "sstable", "sstable"),
            week(4, "lsm", "compaction"),
        ]);
        for name in ["week03", "3", "03", "sstable", "week03-sstable", "week3", "week03-sstable/"] {
            assert_eq!(weeks.find(name).unwrap().number, 3, "{name}");
        }
        assert_eq!(weeks.find("week04-compaction").unwrap().name, "lsm");
    }

    #[test]
    fn an_unknown_week_names_the_nearest() {
        let weeks = Weeks(vec![week(1, "wal", "wal"), week(3, "sstable", "sstable")]);
        let text = weeks.find("sstabel").unwrap_err().to_string();
        assert!(text.contains("did you mean `sstable`?"), "{text}");
    }

    #[test]
    fn a_unit_goes_by_all_its_names() {
        let week = week(1, "wal", "wal");
        assert_eq!(week.unit("2").unwrap().id, "day2");
        assert_eq!(week.unit("day2").unwrap().id, "day2");
        assert_eq!(week.unit("bitcask").unwrap().label(), "lab bitcask");
        assert!(week.unit("7").is_err());
    }

    #[test]
    fn a_test_has_the_limit_its_day_gives_it() {
        let week = week(1, "wal", "wal");
        assert_eq!(week.unit("1").unwrap().time_limit("slow"), Duration::from_secs(60));
        assert_eq!(week.unit("1").unwrap().time_limit("fast"), TIME_LIMIT);
        assert_eq!(week.unit("2").unwrap().time_limit("slow"), Duration::from_secs(60));
        assert_eq!(week.unit("2").unwrap().time_limit("any"), Duration::from_secs(5));
    }

    #[test]
    fn a_lab_may_need_features_and_a_day_may_not() {
        let unit = |kind, id, features| {
            format!("[[{kind}]]\nid='{id}'\ntitle=''\nidea=''\npoints=100\nfeatures={features}\n")
        };
        let head = "number=1\nname='wal'\ntitle=''\npromise=''\nopen=true\n";
        let read =
            |units: [String; 3]| Week::parse("week01-wal", &(head.to_owned() + &units.concat()));
        let day = unit("day", "day1", "[]");
        let labs = [unit("lab", "one", "['b', 'a']"), unit("lab", "two", "['b']")];
        let week = read([day, labs[0].clone(), labs[1].clone()]).unwrap();
        assert_eq!(features(&week.days), [""; 0]);
        assert_eq!(features(&week.labs[1..]), ["b"]);
        assert_eq!(features(week.units()), ["a", "b"]);
        let wrong = read([unit("day", "day1", "['a']"), labs[0].clone(), labs[1].clone()]);
        assert!(wrong.unwrap_err().to_string().contains("not day1"));
    }

    #[test]
    fn points_of_an_open_week_add_up_to_a_hundred() {
        let text = "number = 1\nname = 'wal'\ntitle = ''\npromise = ''\nopen = true\n\
                    [[day]]\nid = 'day1'\ntitle = ''\nidea = ''\npoints = 99\n";
        assert!(Week::parse("week01-wal", text).unwrap_err().to_string().contains("99"));
    }
}
