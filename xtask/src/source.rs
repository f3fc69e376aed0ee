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

mod parse;

use std::path::Path;

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
        Ok(Source { pieces: parse::parse(path, text, units)? })
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

#[cfg(test)]
mod tests;
