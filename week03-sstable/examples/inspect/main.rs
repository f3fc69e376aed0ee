//! Shows a table as a person would want to see it, and says exactly what is wrong with a damaged
//! one.
//!
//! ```text
//!   FILE ──► footer.rs, index.rs ──► part.rs: checksum, codec ──► entries.rs ──┬─ view.rs, bar.rs
//!              │ damaged                │ damaged                 check.rs ────┤  svg.rs
//!              └─ salvage.rs            └─ flip.rs                             ├─ block.rs, hex.rs
//!                                                                              └─ lookup.rs, keys.rs
//! ```
//!
//! What is read is read with this week's code: varints, blocks, footer, codecs, filter. Only where
//! it does not say enough about a block, its bytes are taken apart here once more (`entries.rs`).
//! An index that is cut into partitions has a top, and parts: `partitions.rs`.

mod args;
mod bar;
mod block;
mod check;
mod demo;
mod entries;
mod filter;
mod flip;
mod footer;
mod hex;
mod index;
mod keys;
mod lookup;
mod part;
mod partitions;
mod problem;
mod reader;
mod salvage;
mod source;
mod style;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod view;

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use wal::fs::OsFs;

use args::{Args, Typed, What};
use source::Source;
use style::{BAD, BOLD, paint};

/// Where it is printed to.
#[derive(Debug, Clone, Copy)]
struct Screen {
    width: usize,
    colour: bool,
}

/// What is printed if it is no terminal, or one that does not say how wide it is.
const WIDTH: usize = 100;

/// Why it came to nothing.
#[derive(Debug)]
enum Failure {
    /// In words.
    Said(String),
    /// What it had to say could not be printed.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// A table is damaged.
const DAMAGED: u8 = 1;
/// The arguments made no sense, or a file cannot be read.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    reader::take_todos_kindly();
    let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.into());
    let choice = anstream::AutoStream::choice(&io::stdout());
    let screen = Screen { width, colour: choice != anstream::ColorChoice::Never };
    let mut out = BufWriter::new(anstream::stdout().lock());
    let code = match reader::attempt(|| run(&args, screen, &mut out, &mut anstream::stderr())) {
        Ok(code) => code,
        Err(missing) => Err(Failure::Said(format!(
            "this is as far as your code goes: {missing}, is not written yet\n{REFERENCE}"
        ))),
    };
    let flushed = out.flush().map_err(Failure::Output);
    match code.and_then(|code| flushed.map(|()| code)) {
        Ok(code) => ExitCode::from(code),
        // Whoever read our output has seen enough: `--keys` into `head`.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Output(error)) => complain(&format!("cannot print: {error}")),
        Err(Failure::Said(error)) => complain(&error),
    }
}

const REFERENCE: &str = "in `solutions/`, the same runs on the reference: cargo run -q -p \
                         week03-sstable-solution --example inspect";

fn complain(error: &str) -> ExitCode {
    anstream::eprintln!("{}: {error}", paint(BAD, "error"));
    ExitCode::from(MISUSED)
}

/// Does what the arguments say, for each file, and gives the exit status. Problems go to `err`, if
/// what `out` gets is for a program or a picture.
fn run(
    args: &Args,
    screen: Screen,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Failure> {
    if let Some(path) = &args.what.demo {
        demo::write(Arc::new(OsFs), path, demo::options())?;
        writeln!(out, "{}: a small table; look at it with `inspect {0}`", path.display())?;
        return Ok(0);
    }
    let mut code = 0;
    for (number, path) in args.files.iter().enumerate() {
        if number > 0 && !args.what.keys && !args.what.check && !args.what.svg {
            writeln!(out)?;
        }
        if show(args, path, screen, out, err)? {
            code = DAMAGED;
        }
    }
    Ok(code)
}

/// Shows one file, and says whether it is damaged.
fn show(
    args: &Args,
    path: &Path,
    screen: Screen,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<bool, Failure> {
    let source = Source::open(path)?;
    let What { block, key, keys, blocks, svg, check, .. } = &args.what;
    if *check {
        return check_only(&source, out);
    }
    if block.is_some() || key.is_some() || *keys {
        let mut survey = check::open(&source)?;
        match (block, key) {
            (Some(which), _) => {
                block::print(&source, &mut survey, *which, args.hex, screen, out)?;
            }
            (_, Some(Typed(key))) => {
                let seq = args.seq.unwrap_or(memtable::SEQ_MAX);
                lookup::print(&source, &mut survey, key, seq, out)?;
            }
            _ => keys::print(&source, &mut survey, out)?,
        }
        out.flush()?;
        survey.problems.print(err)?;
        return Ok(survey.problems.count > 0);
    }
    if *svg {
        let survey = check::survey(&source, |index, _| index < svg::ROWS_MAX)?;
        svg::print(&source, &survey, out)?;
        survey.problems.print(err)?;
        return Ok(survey.problems.count > 0);
    }
    let is_shown = |index, count| {
        *blocks
            || count <= view::FIRST + view::LAST
            || index < view::FIRST
            || index + view::LAST >= count
    };
    let survey = check::survey(&source, is_shown)?;
    view::print(&source, &survey, screen, out)?;
    Ok(survey.problems.count > 0)
}

/// Checks a file, and if it is good, whether this build's reader agrees.
fn check_only(source: &Source, out: &mut dyn Write) -> Result<bool, Failure> {
    let mut survey = check::survey(source, |_, _| false)?;
    let remark = match survey.problems.count {
        0 => reader::compare(source, &mut survey)?,
        _ => None,
    };
    writeln!(out, "{}", paint(BOLD, source.path.display()))?;
    view::verdict(&survey, out)?;
    if let Some(remark) = remark {
        writeln!(out, "  {remark}")?;
    }
    Ok(survey.problems.count > 0)
}
