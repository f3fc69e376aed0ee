//! Directives: `{{#name argument …}}` in a chapter, replaced by what the code says.
//!
//! | directive | becomes |
//! |---|---|
//! | `{{#include PATH:REGION}}` | the region of a source file, without its markers, flush left |
//! | `{{#number PATH NAME}}`, `{{#size PATH NAME}}` | a Rust constant: `16`, `64 KiB` |
//! | `{{#figure PATH "caption"}}` | an SVG file, inlined so that it follows the theme |
//! | `{{#day day1}}` | the chapter's heading and its card: time, points, files, command |
//! | `{{#promise week01}}` | what there is at the end of the week, in a sentence |
//! | `{{#days week01}}` | the table of the week's days and labs |
//! | `{{#test day1::name}}` | the name of a test, which must exist |
//! | `{{#fact week01 tests}}` | a number of a week, of a unit such as `day1`, or of the `course` |
//!
//! Paths are relative to the chapter. A backslash in front leaves a directive as it is. Whatever
//! cannot be filled in is an error with the chapter and the line.

mod cards;
mod constant;
mod figure;
mod include;
mod parts;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use regex::{Captures, Regex};

use crate::facts::{Facts, Unit, Week};

pub(crate) use parts::PARTS;

static DIRECTIVE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?m)(?P<indent>^[ \t]*)?(?P<escape>\\)?\{\{#(?P<name>\w+)(?P<rest>[^}\n]*)\}\}"#)
        .expect("a constant pattern")
});

static ARGUMENT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""([^"]*)"|(\S+)"#).expect("a constant pattern"));

/// Fills in the directives of chapters below `src`.
pub(crate) struct Expander<'a> {
    pub(crate) facts: &'a Facts,
    /// `book/src`.
    pub(crate) src: &'a Path,
}

/// One chapter on its way through: where it lies, and what it is the chapter of.
struct Chapter<'a> {
    /// Below `book/src`.
    path: &'a Path,
    dir: PathBuf,
    week: Option<&'a Week>,
    unit: Option<&'a Unit>,
}

impl<'a> Expander<'a> {
    /// The text of the chapter at `path` (below `book/src`) with every directive filled in and, if
    /// it is the chapter of a day or lab, its parts marked for the theme.
    ///
    /// # Errors
    ///
    /// One message a directive that could not be filled in, with file and line.
    pub(crate) fn expand(&self, path: &Path, text: &str) -> Result<String, Vec<String>> {
        let chapter = self.chapter(path);
        let mut problems = Vec::new();
        let filled = DIRECTIVE.replace_all(text, |found: &Captures| {
            let whole = found.get(0).expect("group 0 is the match");
            let indent = found.name("indent").map_or("", |indent| indent.as_str());
            if found.name("escape").is_some() {
                return format!("{indent}{}", &whole.as_str()[indent.len() + 1..]);
            }
            match self.fill(&chapter, &found["name"], &arguments(&found["rest"])) {
                Ok(text) => indented(&text, indent),
                Err(error) => {
                    let line = text[..whole.start()].matches('\n').count() + 1;
                    problems.push(format!("book/src/{}:{line}: {error:#}", path.display()));
                    String::new()
                }
            }
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(if chapter.unit.is_some() { parts::mark(&filled) } else { filled.into_owned() })
    }

    fn chapter<'p>(&'p self, path: &'p Path) -> Chapter<'p> {
        let dir = self.src.join(path).parent().expect("a file lies in a directory").to_path_buf();
        let folder = path.components().next().map(|first| first.as_os_str().to_string_lossy());
        let unit = self.facts.of_chapter(path);
        let week = match unit {
            Some((week, _)) => Some(week),
            None => folder.and_then(|id| self.facts.week(&id).ok()),
        };
        Chapter { path, dir, week, unit: unit.map(|(_, unit)| unit) }
    }

    fn fill(&self, chapter: &Chapter, name: &str, arguments: &[String]) -> Result<String> {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match (name, &arguments[..]) {
            ("include", [target]) => include_file(&chapter.dir, target),
            ("number", [path, name]) => {
                Ok(constant::find(&read(&chapter.dir.join(path))?, name)?.to_string())
            }
            ("size", [path, name]) => {
                Ok(constant::size(constant::find(&read(&chapter.dir.join(path))?, name)?))
            }
            ("figure", [path, caption]) => {
                let stems = [chapter.path, Path::new(path)].map(Path::file_stem);
                let stems = stems.map(|stem| stem.unwrap_or_default().to_string_lossy());
                figure::inline(&read(&chapter.dir.join(path))?, &stems.join("-"), caption)
                    .with_context(|| format!("figure {path}"))
            }
            ("day", [id]) => {
                let (week, unit) = chapter.unit_called(id)?;
                Ok(cards::day(week, unit))
            }
            ("promise", [id]) => Ok(cards::promise(self.facts.week(id)?)),
            ("days", [id]) => Ok(cards::days(self.facts.week(id)?, self.src, &chapter.dir)),
            ("test", [name]) => chapter.test(name),
            ("fact", ["course", what]) => cards::course_fact(self.facts, what),
            ("fact", [of, what]) => match self.facts.week(of) {
                Ok(week) => cards::week_fact(week, what),
                Err(_) => cards::unit_fact(chapter.unit_called(of)?.1, what),
            },
            (
                "include" | "number" | "size" | "figure" | "day" | "promise" | "days" | "test"
                | "fact",
                _,
            ) => {
                bail!("`{{{{#{name}}}}}` does not take these arguments: {arguments:?}")
            }
            _ => bail!("there is no directive called `{name}`"),
        }
    }
}

impl<'a> Chapter<'a> {
    /// The unit `id` of the week that the chapter belongs to.
    fn unit_called(&self, id: &str) -> Result<(&'a Week, &'a Unit)> {
        let Some(week) = self.week else {
            bail!("`{id}`: {} lies in no week's folder", self.path.display());
        };
        Ok((week, week.unit(id)?))
    }

    /// The test `day1::name`, as code.
    fn test(&self, id: &str) -> Result<String> {
        let (unit, name) = id.split_once("::").context("write the test as `day1::its_name`")?;
        let (week, unit) = self.unit_called(unit)?;
        if !unit.tests.iter().any(|test| test == name) {
            bail!("{} has no test `{name}` in tests/days/{}.rs", week.package, unit.id);
        }
        Ok(format!("`{name}`"))
    }
}

/// `path:region`, or `path` alone for the whole file.
fn include_file(dir: &Path, target: &str) -> Result<String> {
    let (path, region) = match target.split_once(':') {
        Some((path, region)) => (path, Some(region)),
        None => (target, None),
    };
    include::region(&read(&dir.join(path))?, region).with_context(|| target.to_string())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn arguments(rest: &str) -> Vec<String> {
    ARGUMENT
        .captures_iter(rest)
        .map(|found| found.get(1).or(found.get(2)).map_or("", |text| text.as_str()).to_string())
        .collect()
}

/// Plain `text` for a page; what stands in backticks is code.
fn escape(text: &str) -> String {
    let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let pieces = plain.split('`').enumerate();
    pieces
        .map(|(i, piece)| if i % 2 == 1 { format!("<code>{piece}</code>") } else { piece.into() })
        .collect()
}

/// `text` with `indent` before each line that is not empty: a listing in a list stays there.
fn indented(text: &str, indent: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("{indent}{line}") })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> Result<String, Vec<String>> {
        let facts = Facts { weeks: Vec::new(), rust_version: String::new() };
        Expander { facts: &facts, src: Path::new("src") }.expand(Path::new("preface.md"), text)
    }

    #[test]
    fn a_backslash_leaves_a_directive_as_it_is() {
        assert_eq!(expand(r"write \{{#day day1}}").unwrap(), "write {{#day day1}}");
    }

    #[test]
    fn an_unknown_directive_names_file_and_line() {
        let problems = expand("one\n\n{{#dya day1}}\n").unwrap_err();
        assert_eq!(problems, ["book/src/preface.md:3: there is no directive called `dya`"]);
    }

    #[test]
    fn plain_text_has_code_and_no_markup() {
        assert_eq!(escape("a < b, `c & d`"), "a &lt; b, <code>c &amp; d</code>");
    }

    #[test]
    fn a_quoted_argument_may_hold_spaces() {
        assert_eq!(arguments(r#" a.svg "two words""#), ["a.svg", "two words"]);
    }
}
