//! How the learner's file comes out of the solution's.
//!
//! A solution is marked with mdBook anchors, each alone on its line:
//!
//! ```text
//! pub fn encode(payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
//!     // ANCHOR: day1_encode
//!     // Refuse first. Leave room for the checksum.          kept: the hint on approach
//!     // STUB: Ok(())                                        instead of `todo!`, if given
//!     if payload.len() > PAYLOAD_SIZE_MAX { … }              replaced
//!     // ANCHOR_END: day1_encode
//! }
//! ```
//!
//! | region           | in the skeleton                                       |
//! |------------------|-------------------------------------------------------|
//! | `day1_…`         | opening comment, then `todo!` or the `STUB` lines     |
//! | `hidden_day1_…`  | gone                                                  |
//! | `listing_…`      | as it is: the marks are for the book                  |
//!
//! A tree "up to day 3" keeps the regions of days 1 to 3 as they are and makes skeletons of the
//! rest. Marks appear in neither.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

/// A file of the solution, split at its marks.
#[derive(Debug)]
pub(crate) struct Source {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    /// Lines outside of any region.
    Given(Vec<String>),
    Region(Region),
}

/// The lines between two marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    /// As the marks say it: `day3_group_commit`.
    pub(crate) name: String,
    /// What becomes of it.
    pub(crate) kind: Kind,
    /// 1-based line of the opening mark in the solution.
    pub(crate) first_line: usize,
    /// 1-based line of the closing mark.
    pub(crate) last_line: usize,
    /// Spaces before the opening mark.
    indent: String,
    /// The comment that opens the region.
    approach: Vec<String>,
    /// What stands in the skeleton instead of `todo!`; empty if nothing does.
    stub: Vec<String>,
    /// The rest.
    body: Vec<String>,
}

/// What becomes of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The learner's to write, on the unit of this id.
    Hole { unit: String },
    /// A private helper of the reference, for the unit of this id.
    Hidden { unit: String },
    /// For the book only.
    Listing,
}

impl Source {
    /// Splits the text of a solution's file. `units` are the ids that regions may belong to.
    ///
    /// # Errors
    ///
    /// A mark that is unpaired, nested, used twice, malformed or of no unit, and a `STUB` that does
    /// not follow its region's opening comment; each with `path` and line.
    pub(crate) fn parse(path: &Path, text: &str, units: &[&str]) -> anyhow::Result<Source> {
        let mut parser = Parser {
            path: path.to_path_buf(),
            units,
            pieces: Vec::new(),
            open: None,
            seen: Vec::new(),
        };
        for (index, line) in text.lines().enumerate() {
            parser.line(index + 1, line)?;
        }
        if let Some(region) = &parser.open {
            bail!(parser.at(region.first_line, &format!("`{}` is never closed", region.name)));
        }
        Ok(Source { pieces: parser.pieces })
    }

    /// The regions, in order.
    pub(crate) fn regions(&self) -> impl Iterator<Item = &Region> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Region(region) => Some(region),
            Piece::Given(_) => None,
        })
    }

    /// What the learner finds at the start.
    pub(crate) fn skeleton(&self) -> String {
        self.up_to(&[])
    }

    /// The file with the regions of these units solved and all others as in the skeleton.
    pub(crate) fn up_to(&self, solved: &[&str]) -> String {
        let mut out = Lines::default();
        for piece in &self.pieces {
            match piece {
                Piece::Given(lines) => out.extend(lines),
                Piece::Region(region) => region.write(solved, &mut out),
            }
        }
        out.finish()
    }
}

impl Region {
    /// The id of the unit it belongs to; none for a listing.
    pub(crate) fn unit(&self) -> Option<&str> {
        match &self.kind {
            Kind::Hole { unit } | Kind::Hidden { unit } => Some(unit),
            Kind::Listing => None,
        }
    }

    /// Lines of code that the learner writes here: neither blank nor comment.
    pub(crate) fn code_line_count(&self) -> usize {
        let code = |line: &&String| !line.trim().is_empty() && !line.trim().starts_with("//");
        self.body.iter().filter(code).count()
    }

    fn write(&self, solved: &[&str], out: &mut Lines) {
        let is_solved = |unit: &String| solved.contains(&unit.as_str());
        match &self.kind {
            Kind::Hidden { unit } if !is_solved(unit) => out.gap(),
            Kind::Hole { unit } if !is_solved(unit) => {
                out.extend(&self.approach);
                if self.stub.is_empty() {
                    out.push(format!("{}todo!(\"{}\")", self.indent, self.title(unit)));
                }
                for line in &self.stub {
                    out.push(format!("{}{line}", self.indent));
                }
            }
            Kind::Hole { .. } | Kind::Hidden { .. } | Kind::Listing => {
                out.extend(&self.approach);
                out.extend(&self.body);
            }
        }
    }

    /// `day 3: group commit`, or `lab bitcask: merge`.
    fn title(&self, unit: &str) -> String {
        let rest = self.name[unit.len() + 1..].replace('_', " ");
        match unit.strip_prefix("day") {
            Some(number) => format!("day {number}: {rest}"),
            None => format!("lab {unit}: {rest}"),
        }
    }
}

/// Lines written so far, and whether a hidden region vanished just before the next one.
#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    gap: bool,
}

impl Lines {
    fn extend(&mut self, lines: &[String]) {
        for line in lines {
            self.push(line.clone());
        }
    }

    fn push(&mut self, line: String) {
        if std::mem::take(&mut self.gap) {
            let opens = self.lines.last().is_none_or(|l| l.is_empty() || l.ends_with('{'));
            if line.is_empty() && opens {
                // The blank line that stood behind what is gone goes with it. What stands behind
                // that may be one more closing brace.
                self.gap = true;
                return;
            }
            if line.trim_start().starts_with('}') && self.lines.last().is_some_and(String::is_empty)
            {
                self.lines.pop();
            }
        }
        self.lines.push(line);
    }

    fn gap(&mut self) {
        self.gap = true;
    }

    fn finish(mut self) -> String {
        if self.gap && self.lines.last().is_some_and(String::is_empty) {
            self.lines.pop();
        }
        let mut text = self.lines.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

struct Parser<'a> {
    path: PathBuf,
    units: &'a [&'a str],
    pieces: Vec<Piece>,
    open: Option<Region>,
    seen: Vec<String>,
}

impl Parser<'_> {
    fn line(&mut self, number: usize, line: &str) -> anyhow::Result<()> {
        let trimmed = line.trim();
        if let Some(name) = trimmed.strip_prefix("// ANCHOR: ") {
            self.begin(number, name, line)
        } else if let Some(name) = trimmed.strip_prefix("// ANCHOR_END: ") {
            self.end(number, name)
        } else if line.contains("ANCHOR:") || line.contains("ANCHOR_END:") {
            bail!(self.at(number, "a mark is `// ANCHOR: name`, alone on its line"))
        } else if let Some(stub) = trimmed.strip_prefix("// STUB:") {
            self.stub(number, stub.trim())
        } else {
            self.plain(line);
            Ok(())
        }
    }

    fn begin(&mut self, number: usize, name: &str, line: &str) -> anyhow::Result<()> {
        if let Some(outer) = &self.open {
            let (outer, at) = (&outer.name, outer.first_line);
            bail!(self.at(number, &format!("`{name}` begins inside of `{outer}` (line {at})")));
        }
        if self.seen.iter().any(|seen| seen == name) {
            bail!(self.at(number, &format!("there is a `{name}` in this file already")));
        }
        let kind = self.kind(name).ok_or_else(|| {
            let units = self.units.join(", ");
            self.at(number, &format!("`{name}` is of no unit; these are: {units}"))
        })?;
        self.seen.push(name.to_owned());
        self.open = Some(Region {
            name: name.to_owned(),
            kind,
            first_line: number,
            last_line: number,
            indent: line[..line.len() - line.trim_start().len()].to_owned(),
            approach: Vec::new(),
            stub: Vec::new(),
            body: Vec::new(),
        });
        Ok(())
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        let tail = |prefix: &str| name.strip_prefix(prefix)?.strip_prefix('_');
        let plain = |rest: &str| {
            let byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            !rest.is_empty() && rest.bytes().all(byte)
        };
        if tail("listing").is_some_and(plain) {
            return Some(Kind::Listing);
        }
        self.units.iter().find_map(|unit| {
            let unit_owned = (*unit).to_owned();
            if tail(unit).is_some_and(plain) {
                Some(Kind::Hole { unit: unit_owned })
            } else if tail(&format!("hidden_{unit}")).is_some_and(plain) {
                Some(Kind::Hidden { unit: unit_owned })
            } else {
                None
            }
        })
    }

    fn end(&mut self, number: usize, name: &str) -> anyhow::Result<()> {
        match self.open.take() {
            Some(mut region) if region.name == name => {
                region.last_line = number;
                self.pieces.push(Piece::Region(region));
                Ok(())
            }
            Some(region) => {
                let (open, at) = (region.name, region.first_line);
                bail!(self.at(number, &format!("`{name}` ends where `{open}` is open (line {at})")))
            }
            None => bail!(self.at(number, &format!("`{name}` ends and never began"))),
        }
    }

    fn stub(&mut self, number: usize, stub: &str) -> anyhow::Result<()> {
        match &mut self.open {
            Some(Region { kind: Kind::Hole { .. }, stub: stubs, body, .. }) if body.is_empty() => {
                stubs.push(stub.to_owned());
                Ok(())
            }
            _ => bail!(self.at(number, "a STUB stands right behind a region's opening comment")),
        }
    }

    fn plain(&mut self, line: &str) {
        let Some(region) = &mut self.open else {
            match self.pieces.last_mut() {
                Some(Piece::Given(lines)) => lines.push(line.to_owned()),
                _ => self.pieces.push(Piece::Given(vec![line.to_owned()])),
            }
            return;
        };
        let is_hole = matches!(region.kind, Kind::Hole { .. });
        let opening = region.body.is_empty() && region.stub.is_empty();
        if is_hole && opening && line.trim_start().starts_with("//") {
            region.approach.push(line.to_owned());
        } else {
            region.body.push(line.to_owned());
        }
    }

    fn at(&self, line: usize, what: &str) -> anyhow::Error {
        anyhow!("{}:{line}: {what}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: &[&str] = &["day1", "day2", "bitcask"];

    fn parse(text: &str) -> anyhow::Result<Source> {
        Source::parse(Path::new("src/a.rs"), text, UNITS)
    }

    fn skeleton(text: &str) -> String {
        parse(text).unwrap().skeleton()
    }

    #[track_caller]
    fn refused(text: &str, says: &str) {
        let error = parse(text).unwrap_err().to_string();
        assert_eq!(error, format!("src/a.rs:{says}"));
    }

    const TWO_DAYS: &str = "\
fn a() -> u32 {
    // ANCHOR: day1_first_step
    // Think first.
    // Then write.
    let x = 1;
    // a later comment
    x
    // ANCHOR_END: day1_first_step
}

fn b() {
    // ANCHOR: day2_b
    // STUB: let y = 2;
    // STUB: drop(y);
    a();
    // ANCHOR_END: day2_b
}
";

    #[test]
    fn a_hole_keeps_its_opening_comment_and_says_what_is_to_do() {
        assert_eq!(
            skeleton(TWO_DAYS),
            "\
fn a() -> u32 {
    // Think first.
    // Then write.
    todo!(\"day 1: first step\")
}

fn b() {
    let y = 2;
    drop(y);
}
"
        );
    }

    #[test]
    fn up_to_a_day_keeps_what_is_solved_and_drops_marks_and_stubs() {
        let source = parse(TWO_DAYS).unwrap();
        let text = source.up_to(&["day1"]);
        assert!(text.contains("    x\n}"), "{text}");
        assert!(text.contains("drop(y)"), "{text}");
        let all = source.up_to(&["day1", "day2"]);
        assert!(all.contains("    a();\n}"), "{all}");
        for mark in ["ANCHOR", "STUB", "drop(y)"] {
            assert!(!all.contains(mark), "{all}");
        }
    }

    #[test]
    fn a_lab_is_named_as_one() {
        let text = "// ANCHOR: bitcask_merge_files\nx\n// ANCHOR_END: bitcask_merge_files\n";
        assert_eq!(skeleton(text), "todo!(\"lab bitcask: merge files\")\n");
    }

    #[test]
    fn a_listing_is_for_the_book_only() {
        let text = "a\n// ANCHOR: listing_format\n// why\nb\n// ANCHOR_END: listing_format\nc\n";
        assert_eq!(skeleton(text), "a\n// why\nb\nc\n");
    }

    #[test]
    fn a_hidden_region_takes_one_blank_line_with_it() {
        let hidden = "// ANCHOR: hidden_day1_x\nfn x() {}\n// ANCHOR_END: hidden_day1_x\n";
        assert_eq!(skeleton(&format!("a\n\n{hidden}\nb\n")), "a\n\nb\n");
        assert_eq!(skeleton(&format!("a {{\n{hidden}\nb\n}}\n")), "a {\nb\n}\n");
        assert_eq!(skeleton(&format!("a {{\nb\n\n{hidden}}}\n")), "a {\nb\n}\n");
        assert_eq!(skeleton(&format!("a {{\n\n{hidden}\n}}\n")), "a {\n}\n");
        assert_eq!(skeleton(&format!("a\n\n{hidden}")), "a\n");
        assert_eq!(skeleton(&format!("{hidden}\nb\n")), "b\n");
        assert_eq!(skeleton(&format!("a\n{hidden}b\n")), "a\nb\n");
    }

    #[test]
    fn two_hidden_regions_in_a_row_leave_one_blank_line() {
        let text = "a\n\n// ANCHOR: hidden_day1_x\nx\n// ANCHOR_END: hidden_day1_x\n\n\
                    // ANCHOR: hidden_day2_y\ny\n// ANCHOR_END: hidden_day2_y\n\nb\n";
        assert_eq!(skeleton(text), "a\n\nb\n");
        assert_eq!(parse(text).unwrap().up_to(&["day1"]), "a\n\nx\n\nb\n");
    }

    #[test]
    fn regions_know_their_unit_and_lines() {
        let source = parse(TWO_DAYS).unwrap();
        let first = source.regions().next().unwrap();
        assert_eq!((first.unit(), first.first_line, first.last_line), (Some("day1"), 2, 8));
        assert_eq!(first.code_line_count(), 2);
    }

    #[test]
    fn a_mark_that_is_wrong_is_named_with_its_line() {
        refused("\n// ANCHOR: day1_a\n", "2: `day1_a` is never closed");
        refused("// ANCHOR_END: day1_a\n", "1: `day1_a` ends and never began");
        refused(
            "// ANCHOR: day1_a\n// ANCHOR: day1_b\n",
            "2: `day1_b` begins inside of `day1_a` (line 1)",
        );
        refused(
            "// ANCHOR: day1_a\n// ANCHOR_END: day1_b\n",
            "2: `day1_b` ends where `day1_a` is open (line 1)",
        );
        refused("// ANCHOR: day9_a\n", "1: `day9_a` is of no unit; these are: day1, day2, bitcask");
        refused(
            "let x = 1; // ANCHOR: day1_a\n",
            "1: a mark is `// ANCHOR: name`, alone on its line",
        );
        refused("//ANCHOR: day1_a\n", "1: a mark is `// ANCHOR: name`, alone on its line");
        let twice = "// ANCHOR: day1_a\n// ANCHOR_END: day1_a\n// ANCHOR: day1_a\n";
        refused(twice, "3: there is a `day1_a` in this file already");
    }

    #[test]
    fn a_stub_elsewhere_is_refused() {
        refused("// STUB: x\n", "1: a STUB stands right behind a region's opening comment");
        refused(
            "// ANCHOR: day1_a\ncode\n// STUB: x\n// ANCHOR_END: day1_a\n",
            "3: a STUB stands right behind a region's opening comment",
        );
    }

    #[test]
    fn a_file_without_marks_is_the_same_in_both() {
        let text = "//! Given.\n\nfn a() {}\n";
        assert_eq!(skeleton(text), text);
        assert_eq!(skeleton(""), "");
    }
}
