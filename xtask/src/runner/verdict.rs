//! What happened to a test, told from what was seen of its process.

use std::process::ExitStatus;
use std::time::Duration;

use super::process::{Ending, Limits, Seen, Watch};
use super::stderr::Stderr;
use crate::week::test_name;

/// The words with which `todo!` panics.
const TODO: &str = "not yet implemented";

/// A test that came to a `todo!` on some thread may wait for that thread for ever. It need not.
pub(super) const WATCH: Watch = Watch { text: TODO, grace: Duration::from_secs(1) };

/// What happened to a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// It came to a `todo!`. `what` is the text in it.
    NotStarted {
        what: String,
        location: Option<String>,
    },
    /// It panicked, or returned an error.
    Failed {
        message: String,
        location: Option<String>,
    },
    /// It was still running when its time was over. `busy` tells a loop from a wait, where known.
    TimedOut {
        limit_s: u64,
        busy: Option<bool>,
    },
    StackOverflow,
    /// It asked for more memory than there is for a test; `size` is what it asked for last.
    OutOfMemory {
        size: Option<u64>,
    },
    TooMuchOutput {
        limit_bytes: u64,
    },
    /// A signal ended it: an abort, a segmentation fault. `message` is its last panic, if any.
    Crashed {
        signal: String,
        message: Option<String>,
    },
    /// Its process ended in the middle of the test, by a call of `exit`.
    Exited {
        code: i32,
    },
}

/// A test, what happened to it, and what it printed besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// `day1::a_record_that_is_cut_is_torn`.
    pub(crate) test: String,
    pub(crate) outcome: Outcome,
    pub(crate) duration_ms: u64,
    /// What the learner's code printed, without what the test harness did.
    pub(crate) output: String,
}

impl Report {
    /// The test's own name, without its modules.
    pub(crate) fn name(&self) -> &str {
        test_name(&self.test)
    }
}

impl Outcome {
    pub(crate) fn passed(&self) -> bool {
        *self == Outcome::Passed
    }

    pub(crate) fn not_started(&self) -> bool {
        matches!(self, Outcome::NotStarted { .. })
    }

    /// Where it happened, as `file:line`, if there is a place.
    pub(crate) fn location(&self) -> Option<&str> {
        match self {
            Outcome::NotStarted { location, .. } | Outcome::Failed { location, .. } => {
                location.as_deref()
            }
            _ => None,
        }
    }

    /// What happened in the words of the test where it has some, else in ours. May be many lines.
    pub(crate) fn message(&self) -> String {
        match self {
            Outcome::Passed => "passed".to_owned(),
            Outcome::NotStarted { what, .. } if what.is_empty() => "not written yet".to_owned(),
            Outcome::NotStarted { what, .. } => format!("{what}: not written yet"),
            Outcome::Failed { message, .. } => message.clone(),
            Outcome::TimedOut { limit_s, busy } => {
                let guess = match busy {
                    Some(true) => "it computes: a loop without end, or far too much work",
                    Some(false) => "it waits: a deadlock, or a signal that never comes",
                    None => "a loop without end, or a deadlock",
                };
                format!("still running after {limit_s} s\n{guess}, or a machine that is very busy")
            }
            Outcome::StackOverflow => {
                "the stack overflowed\na function that calls itself without end".to_owned()
            }
            Outcome::OutOfMemory { size: Some(size) } => {
                format!(
                    "out of memory when it asked for {} more\n\
                     a length that was believed before it was checked, or a loop that collects",
                    bytes(*size)
                )
            }
            Outcome::OutOfMemory { size: None } => {
                "the system ended it, most likely for want of memory".to_owned()
            }
            Outcome::TooMuchOutput { limit_bytes } => {
                format!("printed more than {}", bytes(*limit_bytes))
            }
            Outcome::Crashed { signal, message: None } => signal.clone(),
            Outcome::Crashed { signal, message: Some(message) } => format!("{message}\n{signal}"),
            Outcome::Exited { code } => {
                format!("exited in the middle: the test's process ended with exit code {code}")
            }
        }
    }
}

/// `1 073 741 824 bytes` is for machines; this is `1.0 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| count >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", count as f64 / unit as f64),
        None => format!("{count} bytes"),
    }
}

/// Names what happened to `test`. None if the run was stopped before anything did.
pub(super) fn judge(test: &str, limits: Limits, seen: &Seen) -> Option<Report> {
    let stderr = Stderr::parse(&seen.stderr);
    Some(Report {
        test: test.to_owned(),
        outcome: outcome(test, limits, seen, &stderr)?,
        duration_ms: u64::try_from(seen.duration.as_millis()).unwrap_or(u64::MAX),
        output: output(test, &seen.stdout, &stderr.rest),
    })
}

fn outcome(test: &str, limits: Limits, seen: &Seen, stderr: &Stderr) -> Option<Outcome> {
    match seen.ending {
        Ending::Ended(status) => Some(outcome_of_end(test, status, seen, stderr)),
        Ending::SaidIt => {
            let nameless = Outcome::NotStarted { what: String::new(), location: None };
            Some(not_started(stderr).unwrap_or(nameless))
        }
        Ending::TimedOut { busy } => {
            Some(Outcome::TimedOut { limit_s: limits.time.as_secs(), busy })
        }
        Ending::TooMuchOutput => {
            Some(Outcome::TooMuchOutput { limit_bytes: limits.output_bytes as u64 })
        }
        Ending::Stopped => None,
    }
}

fn outcome_of_end(test: &str, status: ExitStatus, seen: &Seen, stderr: &Stderr) -> Outcome {
    if status.success() && said_so(&seen.stdout) {
        return Outcome::Passed;
    }
    if let Some(not_started) = not_started(stderr) {
        return not_started;
    }
    if seen.stderr.contains("has overflowed its stack") || is_windows_stack_overflow(status) {
        return Outcome::StackOverflow;
    }
    if let Some(size) = failed_allocation(&seen.stderr) {
        return Outcome::OutOfMemory { size: Some(size) };
    }
    if let Some(crashed) = crashed(status, stderr) {
        return crashed;
    }
    match status.code() {
        // What the test harness ends with when a test failed.
        Some(101) if seen.stdout.contains("test result: FAILED") => failed(test, seen, stderr),
        code => Outcome::Exited { code: code.unwrap_or(-1) },
    }
}

/// Whether the harness reported that the one test passed. A process that ends well without this
/// was ended by the code under test.
fn said_so(stdout: &str) -> bool {
    stdout.lines().any(|line| line.starts_with("test result: ok. 1 passed; 0 failed;"))
}

fn not_started(stderr: &Stderr) -> Option<Outcome> {
    let panic = stderr.panics.iter().find(|panic| panic.message.starts_with(TODO))?;
    let what = panic.message[TODO.len()..].trim_start_matches(": ").to_owned();
    Some(Outcome::NotStarted { what, location: Some(panic.location.clone()) })
}

fn failed(test: &str, seen: &Seen, stderr: &Stderr) -> Outcome {
    if let Some(panic) = stderr.cause(test) {
        let (message, location) = (told(&panic.message), Some(panic.location.clone()));
        return Outcome::Failed { message, location };
    }
    // `Err(…)` from the test is printed as `Error: …`; a missing panic is told by the harness.
    let errors = stderr.rest.lines().skip_while(|line| !line.starts_with("Error: "));
    let mut message = errors.collect::<Vec<_>>().join("\n");
    if message.is_empty() {
        let notes = seen.stdout.lines().filter_map(|line| line.strip_prefix("note: "));
        message = notes.collect::<Vec<_>>().join("\n");
    }
    Outcome::Failed { message, location: None }
}

/// The message without the words that every assertion begins with, if it has words of its own.
fn told(message: &str) -> String {
    let relations = ["left == right", "left != right", "left matches right"];
    let own = relations
        .iter()
        .find_map(|relation| message.strip_prefix(&format!("assertion `{relation}` failed: ")));
    own.unwrap_or(message).trim_end().to_owned()
}

/// The size in `memory allocation of 10737418240 bytes failed`.
fn failed_allocation(stderr: &str) -> Option<u64> {
    let (_, rest) = stderr.split_once("memory allocation of ")?;
    let (size, rest) = rest.split_once(" bytes")?;
    rest.trim_start().starts_with("failed").then(|| size.parse().ok())?
}

#[cfg(unix)]
fn crashed(status: ExitStatus, stderr: &Stderr) -> Option<Outcome> {
    use std::os::unix::process::ExitStatusExt as _;

    use nix::sys::signal::Signal;
    let signal = match Signal::try_from(status.signal()?) {
        Ok(Signal::SIGKILL) => return Some(Outcome::OutOfMemory { size: None }),
        Ok(Signal::SIGABRT) => "the process aborted".to_owned(),
        Ok(Signal::SIGSEGV) => "the process crashed: segmentation fault".to_owned(),
        Ok(other) => format!("the process crashed: {other}"),
        Err(_) => format!("the process crashed: signal {}", status.signal()?),
    };
    Some(Outcome::Crashed { signal, message: stderr.panics.first().map(|p| told(&p.message)) })
}

#[cfg(windows)]
fn crashed(status: ExitStatus, stderr: &Stderr) -> Option<Outcome> {
    // What the system ends a process with has the two highest bits set: 0xC0000409 for an abort.
    let code = status.code()?.cast_unsigned();
    let signal = match code {
        0xC000_0409 => "the process aborted".to_owned(),
        0xC000_0000.. => format!("the process crashed: {code:#x}"),
        _ => return None,
    };
    Some(Outcome::Crashed { signal, message: stderr.panics.first().map(|p| told(&p.message)) })
}

fn is_windows_stack_overflow(status: ExitStatus) -> bool {
    cfg!(windows) && status.code().map(i32::cast_unsigned) == Some(0xC000_00FD)
}

/// What the code under test printed: neither panics nor the harness's own lines.
fn output(test: &str, stdout: &str, stderr_rest: &str) -> String {
    let opening = format!("test {test} ... ");
    let should_panic = format!("test {test} - should panic ... ");
    let mut printed = String::new();
    for line in stdout.lines() {
        if line == "failures:" || line.starts_with("test result: ") {
            break;
        }
        let line = line.strip_prefix(&opening).unwrap_or(line);
        let line = line.strip_prefix(&should_panic).unwrap_or(line);
        if !["", "running 1 test", "ok", "FAILED"].contains(&line) {
            printed.push_str(line);
            printed.push('\n');
        }
    }
    for line in stderr_rest.lines().filter(|line| !line.is_empty()) {
        printed.push_str(line);
        printed.push('\n');
    }
    printed
}
