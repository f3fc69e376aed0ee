//! From a file's lines to its pieces.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use super::{Kind, Piece, Region};

/// Splits the text of the file `path`.
pub(super) fn parse(path: &Path, text: &str, units: &[&str]) -> anyhow::Result<Vec<Piece>> {
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
    Ok(parser.pieces)
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
