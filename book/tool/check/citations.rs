//! What tests and hints say of the book: every `rule 2 of day 4` must be a rule of that chapter,
//! every `rule 2` one of the test's own day.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::Result;
use regex::Regex;

use super::chapters::rule_count;
use crate::book::Guide;
use crate::facts::{Facts, Unit, Week};

// A citation may be broken over two lines of a string.
static CITATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\brules?\s+(\d+)(?:\s+of[\s\\]+day\s+(\d+))?").expect("a constant pattern")
});

/// Citations of rules that are not there, one line each.
pub(super) fn problems(guide: &Guide, facts: &Facts) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for week in facts.weeks.iter().filter(|week| week.open) {
        for unit in &week.units {
            for path in sources(&guide.repo, week, unit)? {
                let text = fs::read_to_string(&path)?;
                let shown = path.strip_prefix(&guide.repo)?.display();
                for wrong in wrong_citations(&text, unit, week, &guide.src) {
                    problems.push(format!("{shown}: {wrong}"));
                }
            }
        }
    }
    Ok(problems)
}

/// The unit's tests, in their file and in the folder of that name, and its hints.
fn sources(repo: &Path, week: &Week, unit: &Unit) -> Result<Vec<PathBuf>> {
    let dir = repo.join(&week.package);
    let mut paths = unit.test_files(&dir)?;
    paths.push(dir.join("hints").join(format!("{}.toml", unit.id)));
    paths.retain(|path| path.is_file());
    Ok(paths)
}

fn wrong_citations(text: &str, own: &Unit, week: &Week, src: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    for found in CITATION.captures_iter(text) {
        let line = text[..found.get(0).map_or(0, |all| all.start())].matches('\n').count() + 1;
        let cited = match found.get(2) {
            Some(day) => week.unit(&format!("day{}", day.as_str())),
            None => Ok(own),
        };
        let Ok(cited) = cited else {
            wrong.push(format!("line {line} cites day {}, which is not there", &found[2]));
            continue;
        };
        // A chapter that is missing is told of elsewhere.
        let Ok(chapter) = fs::read_to_string(src.join(&cited.chapter)) else { continue };
        let rules = rule_count(&chapter);
        let number: usize = found[1].parse().unwrap_or(usize::MAX);
        if number == 0 || number > rules {
            wrong.push(format!(
                "line {line} cites rule {number} of {}, whose chapter has {rules}",
                cited.id
            ));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_are_found_across_a_broken_line() {
        let text = "rule 1 of day 3 … rule 2: … (rule 3 of \\\n        day 5)";
        let found: Vec<(&str, Option<&str>)> = CITATION
            .captures_iter(text)
            .map(|found| (found.get(1).unwrap().as_str(), found.get(2).map(|day| day.as_str())))
            .collect();
        assert_eq!(found, [("1", Some("3")), ("2", None), ("3", Some("5"))]);
    }
}
