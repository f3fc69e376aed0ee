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
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use wal::fs::OsFs;

use source::Source;
use style::{BAD, BOLD, paint};

/// Shows a sorted file: its parts to scale, its blocks and entries, and whatever is wrong with it.
#[derive(Debug, Parser)]
#[command(name = "inspect", after_help = EXAMPLES)]
struct Args {
    /// Tables
    #[arg(required_unless_present = "demo", value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    what: What,
    /// With --block: the bytes, and which field each belongs to
    #[arg(long, requires = "block")]
    hex: bool,
    /// With --key: as a snapshot at this number sees it [default: the newest]
    #[arg(long, requires = "key", value_name = "NUMBER")]
    seq: Option<u64>,
}

/// What is shown instead of the whole.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct What {
    /// One part entry by entry: a data block's number, or filter, index, properties, footer
    #[arg(long, value_name = "PART")]
    block: Option<block::Which>,
    /// The way of a lookup; bytes may be written as \x00
    #[arg(long, value_name = "KEY", value_parser = typed)]
    key: Option<Typed>,
    /// All entries, a line each: key, number, kind, value, with tabs between them
    #[arg(long)]
    keys: bool,
    /// The whole, with all data blocks and not only the first and last
    #[arg(long)]
    blocks: bool,
    /// A picture, to standard output
    #[arg(long)]
    svg: bool,
    /// Only what is wrong, if anything
    #[arg(long)]
    check: bool,
    /// Writes a small table to look at; a file that is there stays as it is
    #[arg(long, value_name = "PATH", conflicts_with = "files")]
    demo: Option<PathBuf>,
}

/// A key, from what was typed.
#[derive(Debug, Clone)]
struct Typed(Vec<u8>);

fn typed(text: &str) -> Result<Typed, String> {
    text::read(text).map(Typed)
}

const EXAMPLES: &str = concat!(
    "Examples, behind `cargo run -q -p ",
    env!("CARGO_PKG_NAME"),
    " --example inspect --`:
  --demo stones.sst                    a small table to look at
  stones.sst                           the whole
  stones.sst --block 1                 the entries of a data block
  stones.sst --block index --hex       the bytes of the index, with their fields
  stones.sst --key stone/flint/wall    the way of a lookup
  stones.sst --keys | head             entries, a line each
  stones.sst --svg > stones.svg        a picture
  *.sst --check                        is anything wrong with them?

Exit status: 0 good · 1 a table is damaged · 2 wrong usage, or a file cannot be read"
);

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
    let code = match reader::attempt(|| run(&args, screen, &mut out)) {
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

/// Does what the arguments say, for each file, and gives the exit status.
fn run(args: &Args, screen: Screen, out: &mut dyn Write) -> Result<u8, Failure> {
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
        if show(args, path, screen, out)? {
            code = DAMAGED;
        }
    }
    Ok(code)
}

/// Shows one file, and says whether it is damaged.
fn show(args: &Args, path: &Path, screen: Screen, out: &mut dyn Write) -> Result<bool, Failure> {
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
        survey.problems.print(&mut anstream::stderr())?;
        return Ok(survey.problems.count > 0);
    }
    if *svg {
        let survey = check::survey(&source, |index, _| index < svg::ROWS_MAX)?;
        svg::print(&source, &survey, out)?;
        survey.problems.print(&mut anstream::stderr())?;
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
