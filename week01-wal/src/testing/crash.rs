//! Crash a workload at operation 1, then at 2, then at 3, until it gets through.
//!
//! ```text
//!   seed 1   run ✗1  reboot  check      seed 2   run ✗1  reboot  check      …
//!            run ─ ✗2  reboot  check             run ─ ✗2  reboot  check
//!            run ─ ─ ✗3  reboot  check           …
//!            …
//!            run ─ ─ ─ ─ done  reboot  check
//! ```
//!
//! No crash point is left to luck; luck only decides what the disk makes of each.

use std::env;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use super::{Change, Crash, Model, OpenEngine, Workload};
use crate::fs::SimFs;
use crate::{Durability, Engine, Result};

/// Seeds to try for each crash point, unless `CAIRN_SEEDS` says more.
const SEEDS_PER_CRASH: u64 = 8;

/// Runs `workload` on an empty disk and cuts the power at its first operation, at its second, and
/// so on until it gets through; each time, `check` sees the disk after the reboot.
///
/// The workload notes in its `T` what it was promised before the power went.
///
/// # Panics
///
/// If `check` does, or if the workload fails while the power is on; the message names the seed
/// and the operation.
#[track_caller]
pub fn crash_at_every_operation<T: Default>(
    workload: impl Fn(&SimFs, &mut T) -> Result<()>,
    check: impl Fn(&SimFs, &mut T),
) {
    stop_at_every_operation(SimFs::power_cycle, workload, check);
}

/// The same with the process killed, while the machine goes on: all that was written is there.
#[track_caller]
pub fn kill_at_every_operation<T: Default>(
    workload: impl Fn(&SimFs, &mut T) -> Result<()>,
    check: impl Fn(&SimFs, &mut T),
) {
    stop_at_every_operation(SimFs::kill, workload, check);
}

#[track_caller]
fn stop_at_every_operation<T: Default>(
    restart: fn(&SimFs),
    workload: impl Fn(&SimFs, &mut T) -> Result<()>,
    check: impl Fn(&SimFs, &mut T),
) {
    for seed in seeds(SEEDS_PER_CRASH) {
        let mut through = false;
        for stop_at in 1.. {
            let fs = SimFs::new(seed);
            fs.crash_at(stop_at);
            replayable(&fs, || {
                let mut promised = T::default();
                let done = workload(&fs, &mut promised);
                through = fs.is_powered();
                match done {
                    Err(error) if through => panic!("the workload failed: {error}"),
                    _ => restart(&fs),
                }
                check(&fs, &mut promised);
            });
            if through {
                break;
            }
        }
    }
}

/// Checks that a store keeps its promises when the power is cut at every operation of `workload`.
///
/// The workload opens the store in the given directory and writes through the [`Model`]. After
/// each cut the store must open again, sometimes after a second cut in the middle of that; hold
/// the state after some number of whole batches, none of those synced missing; and take new
/// writes, which are cut off and looked for in the same way, twice.
#[track_caller]
pub fn survives_power_cuts(
    open: &OpenEngine,
    workload: impl Fn(&SimFs, &Path, &mut Model) -> Result<()>,
) {
    let dir = Path::new(STORE_DIR);
    crash_at_every_operation(
        |fs, model| workload(fs, dir, model),
        |fs, model| expect_survival(open, Crash::PowerCut, fs, model),
    );
}

/// Checks that a store keeps its promises when its process is killed at every operation of
/// `workload`: as [`survives_power_cuts`], but what was flushed must be there too.
#[track_caller]
pub fn survives_kills(
    open: &OpenEngine,
    workload: impl Fn(&SimFs, &Path, &mut Model) -> Result<()>,
) {
    let dir = Path::new(STORE_DIR);
    kill_at_every_operation(
        |fs, model| workload(fs, dir, model),
        |fs, model| expect_survival(open, Crash::Kill, fs, model),
    );
}

/// Where a test's store lives.
pub(super) const STORE_DIR: &str = "/db";

/// Three more lives of a store: one whose opening may be cut short, one that syncs nothing and so
/// writes over what the first left behind, and one that syncs.
#[track_caller]
fn expect_survival(open: &OpenEngine, crash: Crash, fs: &SimFs, model: &mut Model) {
    let restart = match crash {
        Crash::PowerCut => SimFs::power_cycle,
        Crash::Kill => SimFs::kill,
    };
    let operations = fs.counts().operations;
    if operations.is_multiple_of(2) {
        fs.crash_at(1 + operations / 2 % 8);
        let _ = open(Arc::new(fs.clone()), Path::new(STORE_DIR));
        restart(fs);
    }
    let store = expect_reopened(open, crash, fs, model);
    for (number, durability) in [Durability::Flushed, Durability::Buffered].into_iter().enumerate()
    {
        write_after(
            crash,
            model,
            &*store,
            Workload::equal_batch("second life", number),
            durability,
        );
    }
    restart(fs);
    drop(store);
    let store = expect_reopened(open, crash, fs, model);
    let batch = Workload::equal_batch("third life", 0);
    write_after(crash, model, &*store, batch, Durability::Synced);
    fs.power_cycle();
    drop(store);
    expect_reopened(open, Crash::PowerCut, fs, model);
}

#[track_caller]
fn expect_reopened(
    open: &OpenEngine,
    crash: Crash,
    fs: &SimFs,
    model: &mut Model,
) -> Box<dyn Engine> {
    let store = open_after(crash, open, fs);
    model.expect_after(crash, &*store);
    store
}

#[track_caller]
fn write_after(
    crash: Crash,
    model: &mut Model,
    store: &dyn Engine,
    batch: Vec<Change>,
    durability: Durability,
) {
    if let Err(error) = model.write(store, batch, durability) {
        panic!("opened after {crash}, the store must take writes again, and fails: {error}");
    }
}

#[track_caller]
pub(super) fn open_after(crash: Crash, open: &OpenEngine, fs: &SimFs) -> Box<dyn Engine> {
    let opened = open(Arc::new(fs.clone()), Path::new(STORE_DIR));
    opened.unwrap_or_else(|error| panic!("the store must open after {crash}, and fails: {error}"))
}

/// The seeds to try: `count` of them or as many as `CAIRN_SEEDS` asks for, or the one in
/// `CAIRN_SEED`.
pub fn seeds(count: u64) -> Range<u64> {
    match (variable("CAIRN_SEED"), variable("CAIRN_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, more) => 0..count.max(more.unwrap_or(0)),
    }
}

fn variable(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} must be a whole number, and is {text:?}")))
}

/// Runs a test on a new disk for each of `count` seeds; see [`seeds`].
#[track_caller]
pub fn for_each_seed(count: u64, test: impl Fn(&SimFs)) {
    for seed in seeds(count) {
        let fs = SimFs::new(seed);
        replayable(&fs, || test(&fs));
    }
}

/// Runs `test`; if it panics, says under the panic's own message how to see that again.
fn replayable(fs: &SimFs, test: impl FnOnce()) {
    let Err(panic) = panic::catch_unwind(AssertUnwindSafe(test)) else {
        return;
    };
    let message = (panic.downcast_ref::<String>().map(String::as_str))
        .or(panic.downcast_ref::<&str>().copied())
        .unwrap_or_default();
    // A function that is not written yet fails on every seed alike.
    if !message.starts_with("not yet implemented") {
        let seed = fs.seed();
        eprintln!("the disk, seed {seed}, was told:\n{}", last_lines(&fs.trace()));
        eprintln!("to see this failure again:\n  {}", this_test_with(seed));
    }
    panic::resume_unwind(panic);
}

/// The command that runs this test with this seed: the harness names a test's thread
/// `day3::its_name`, and the package is called `week01-wal`.
fn this_test_with(seed: u64) -> String {
    let package = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let package = Path::new(&package).file_name().unwrap_or_default().to_string_lossy();
    let week = package.split('-').next().unwrap_or_default();
    let thread = thread::current();
    let Some((modules, name)) = thread.name().and_then(|id| id.rsplit_once("::")) else {
        return format!("CAIRN_SEED={seed} and this test");
    };
    let day = modules.split("::").next().unwrap_or_default();
    let day = day.strip_prefix("day").unwrap_or(day);
    let test = format!("cargo x test {week} --day {day} {name}");
    match cfg!(windows) {
        true => format!("cmd /C \"set CAIRN_SEED={seed}&& {test}\""),
        false => format!("CAIRN_SEED={seed} {test}"),
    }
}

/// The end of a trace, which is where the trouble is.
fn last_lines(trace: &[String]) -> String {
    const SHOWN: usize = 12;
    let skipped = trace.len().saturating_sub(SHOWN);
    let mut text = match skipped {
        0 => String::new(),
        _ => format!("  … {skipped} operations before\n"),
    };
    for (index, line) in trace.iter().enumerate().skip(skipped) {
        text.push_str(&format!("  {:>3} {line}\n", index + 1));
    }
    text.truncate(text.trim_end().len());
    text
}
