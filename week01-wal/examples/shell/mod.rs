//! A small shell on a week's store: type `put stone flint`, pull the plug, come back.
//!
//! ```text
//!   terminal ── rustyline ─┐
//!                          ├─ a line ── words ── Command ── Shell ── the week's store
//!   pipe ──────────────────┘
//! ```
//!
//! Each week's `examples/shell.rs` says what its store is and starts this. Read on in `words.rs`
//! (quotes and escapes) and `command.rs` (what can be said).

mod command;
mod options;
mod prompt;
mod words;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use wal::{Engine, Error, Recovered};

use command::{Command, Failure, Outcome, Shell};
use options::Asked;

pub(crate) use options::Options;

/// A command failed, or the store did not open.
const FAILED: u8 = 1;
/// The arguments made no sense.
const MISUSED: u8 = 2;

/// What a shell has to know of a week's store.
pub(crate) trait Store: Engine + Sized {
    /// Which store this is, as in "A shell on the first week's store".
    const WHOSE: &'static str;

    /// Opens the store.
    fn open(options: &Options) -> wal::Result<Self>;

    /// What was found when it was opened.
    fn recovered(&self) -> Recovered;

    /// Writes everything to a checkpoint; `None` if such a store has none.
    fn checkpoint(&self) -> Option<wal::Result<()>> {
        None
    }
}

/// All of a shell's `main`.
pub(crate) fn main<S: Store>() -> ExitCode {
    let options = match options::parse(std::env::args().skip(1)) {
        Ok(Asked::Open(options)) => options,
        Ok(Asked::Help) => {
            print!("{}", options::help(S::WHOSE));
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            complain(&format!("{error}\n`--help` says what can be asked for"));
            return ExitCode::from(MISUSED);
        }
    };
    let store = match open::<S>(&options) {
        Ok(store) => store,
        Err(error) => {
            complain(&explain(&error, &options.dir));
            return ExitCode::from(FAILED);
        }
    };
    let watched = io::stdin().is_terminal();
    let mut shell = Shell::new(&store, &options, watched);
    let talked = if watched {
        prompt::talk(&mut shell)
    } else {
        read_commands(&mut shell, io::stdin().lock())
    };
    // What was only buffered is synced by this, however the talk went.
    let closed = store.close().map_err(|error| explain(&error, &options.dir));
    match talked.and(closed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(FAILED)
        }
    }
}

/// Opens the store, and says what recovery found if a person is watching or something was lost.
fn open<S: Store>(options: &Options) -> wal::Result<S> {
    let store = S::open(options)?;
    let found = store.recovered();
    if found.torn_bytes > 0 {
        note(&format!("{} bytes that a crash left half written were cut off", found.torn_bytes));
    }
    if found.lost_bytes > 0 {
        note(&format!("{} bytes behind the damage were given up", found.lost_bytes));
    }
    if io::stdin().is_terminal() {
        note(&format!(
            "{}: {} records in the log; `help` says what can be said",
            options.dir.display(),
            found.records
        ));
    }
    Ok(store)
}

/// Runs commands from a pipe or a file, up to the first that fails.
fn read_commands(shell: &mut Shell<'_, impl Store>, input: impl BufRead) -> Result<(), String> {
    let mut out = io::stdout().lock();
    for (index, line) in input.lines().enumerate() {
        let number = index + 1;
        let line = line.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => {
                format!("line {number} is not UTF-8; write such bytes as \"\\xff\"")
            }
            _ => format!("cannot read line {number}: {error}"),
        })?;
        match run(shell, &line, &mut out) {
            Ok(Outcome::Done) => {}
            Ok(Outcome::Leave) => break,
            Err(error) => {
                return Err(format!("line {number}: {error}\nnothing after it was run"));
            }
        }
    }
    if shell.in_batch() {
        return Err("the input ended inside a batch: nothing of that batch was written".into());
    }
    Ok(())
}

/// Runs one line.
fn run(
    shell: &mut Shell<'_, impl Store>,
    line: &str,
    out: &mut impl Write,
) -> Result<Outcome, String> {
    let words = words::split(line)?;
    let Some(command) = Command::parse(&words)? else { return Ok(Outcome::Done) };
    match shell.run(command, out) {
        Ok(outcome) => Ok(outcome),
        Err(Failure::Said(error)) => Err(error),
        // Whoever read our output has seen enough: `scan` into `head`.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(Outcome::Leave)
        }
        Err(Failure::Output(error)) => Err(format!("cannot print: {error}")),
    }
}

/// What went wrong, and what to do about it.
fn explain(error: &Error, dir: &Path) -> String {
    let advice = match error {
        Error::Locked { .. } => {
            "another shell or program has this store open: leave that one first"
        }
        Error::Corruption { .. } => {
            "this is not a crash's doing: restore the file from a backup, or open with \
             `--recovery point-in-time` to keep what stands before the damage and give up the rest"
        }
        Error::Poisoned { .. } => "leave and come back: opening finds out what is on the disk",
        Error::RecordTooLarge { .. } => "nothing was written: split the batch, or the value",
        Error::Io { .. } if error.is_not_found() => "is the directory still there?",
        Error::Io { .. } => "what was acknowledged as synced before is safe",
        Error::Closed => "nothing was written",
    };
    let place = match error {
        Error::Poisoned { .. } | Error::RecordTooLarge { .. } => {
            format!(" (in {})", dir.display())
        }
        _ => String::new(),
    };
    format!("{error}{place}\n{advice}")
}

/// An error on stderr, in red if someone is there to see it.
fn complain(message: &str) {
    if in_colour() {
        eprintln!("\x1b[1;31merror\x1b[0m: {message}");
    } else {
        eprintln!("error: {message}");
    }
}

/// Something to know, on stderr.
fn note(message: &str) {
    if in_colour() {
        eprintln!("\x1b[2m{message}\x1b[0m");
    } else {
        eprintln!("{message}");
    }
}

/// A terminal that can, and a user who has not said no (<https://no-color.org>).
fn in_colour() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stderr().is_terminal() && !is_set("NO_COLOR") && !dumb
}
