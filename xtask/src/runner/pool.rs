//! Many tests, as many at a time as there are cores.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::build::Built;
use super::process::{Limits, observe};
use super::verdict::{Outcome, Report, WATCH, judge};

/// A test to run, and what it may use.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// `day1::a_record_that_is_cut_is_torn`.
    pub(crate) test: String,
    pub(crate) limits: Limits,
}

/// News from a run.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A test is done.
    Done(&'a Report),
    /// A moment has passed; these tests are running, and since when.
    Tick(&'a [(String, Instant)]),
}

/// The ids of all tests in a test binary, in alphabetical order.
pub(crate) fn list(built: &Built) -> anyhow::Result<Vec<String>> {
    let mut command = built.command();
    command.args(["--list", "--format", "terse"]);
    let limits = Limits::within(Duration::from_secs(20));
    let seen = observe(&mut command, limits, WATCH, &AtomicBool::new(false))?;
    let tests = seen.stdout.lines().filter_map(|line| line.strip_suffix(": test"));
    let tests: Vec<String> = tests.map(str::to_owned).collect();
    ensure!(!tests.is_empty(), "{} lists no tests\n{}", built.exe.display(), seen.stderr);
    Ok(tests)
}

/// Runs each test in a process of its own and reports them in the order of `tests`. Once `stop` is
/// set, what runs is ended and what does not is left out.
pub(crate) fn run(
    built: &Built,
    tests: &[Planned],
    stop: &AtomicBool,
    mut on_event: impl FnMut(Event<'_>),
) -> anyhow::Result<Vec<Report>> {
    let next = AtomicUsize::new(0);
    let hung = AtomicBool::new(false);
    let (sender, receiver) = channel();
    let mut reports: Vec<Option<Report>> = tests.iter().map(|_| None).collect();
    let mut running: Vec<(String, Instant)> = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..worker_count().min(tests.len()) {
            let (sender, next, hung) = (sender.clone(), &next, &hung);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(planned) = tests.get(index) else {
                        break;
                    };
                    // The receiver goes away only when the whole run has failed.
                    let _heard = sender.send((index, None));
                    let _heard = sender.send((index, Some(run_one(built, planned, hung, stop))));
                }
            });
        }
        drop(sender);
        loop {
            match receiver.recv_timeout(Duration::from_millis(100)) {
                Ok((index, None)) => running.push((tests[index].test.clone(), Instant::now())),
                Ok((index, Some(report))) => {
                    running.retain(|(test, _)| *test != tests[index].test);
                    reports[index] = report?;
                    if let Some(report) = &reports[index] {
                        on_event(Event::Done(report));
                    }
                }
                Err(RecvTimeoutError::Timeout) => on_event(Event::Tick(&running)),
                Err(RecvTimeoutError::Disconnected) => return anyhow::Ok(()),
            }
        }
    })?;
    Ok(reports.into_iter().flatten().collect())
}

fn run_one(
    built: &Built,
    planned: &Planned,
    hung: &AtomicBool,
    stop: &AtomicBool,
) -> anyhow::Result<Option<Report>> {
    let mut limits = planned.limits;
    if hung.load(Ordering::Relaxed) {
        limits.time = limits.time_after_hang;
    }
    let mut command = built.command();
    // Two threads, for with one the harness runs the test on the main thread: its stack is larger
    // than a thread's, and a panic would not name the test.
    command.args(["--exact", &planned.test, "--nocapture", "--test-threads=2", "--color=never"]);
    let seen = observe(&mut command, limits, WATCH, stop)
        .with_context(|| format!("cannot run {}", planned.test))?;
    let report = judge(&planned.test, limits, &seen);
    if report.as_ref().is_some_and(|r| matches!(r.outcome, Outcome::TimedOut { .. })) {
        hung.store(true, Ordering::Relaxed);
    }
    Ok(report)
}

pub(super) fn worker_count() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
