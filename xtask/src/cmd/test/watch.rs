//! Runs again whenever a file of the week is saved.
//!
//! Files are looked at, ten times a second: a week has some dozens, and looking works on every
//! file system, also on those that send no word of changes (containers, network drives).

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use crate::cli::Answer;
use crate::repo::{self, Repo};
use crate::style::{self, DIM, paint};
use crate::week::Week;

/// Between two looks. A change must also be this old before it counts: editors save in steps.
const LOOK: Duration = Duration::from_millis(100);

/// Size and time of every file that matters.
type Look = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Calls `run` once, and again after every change, until Ctrl-C. A change during a run ends that
/// run by the flag it was given.
pub(super) fn repeat(
    repo: &Repo,
    week: &Week,
    run: impl Fn(&AtomicBool) -> anyhow::Result<Answer>,
) -> anyhow::Result<Answer> {
    loop {
        let before = settled(repo, week)?;
        let (stop, done) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::thread::sleep(LOOK);
                    // A file that cannot be read now is looked at again after the run.
                    if look(repo, week).is_ok_and(|now| now != before) {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
            if let Err(error) = run(&stop) {
                style::error(&error);
            }
            done.store(true, Ordering::Relaxed);
        });
        wait_for_change(repo, week, &before)?;
        begin_anew();
    }
}

fn wait_for_change(repo: &Repo, week: &Week, before: &Look) -> anyhow::Result<()> {
    let changed = || anyhow::Ok(look(repo, week)? != *before);
    if !changed()? {
        anstream::eprintln!("{}", paint(DIM, "waiting for you to save · Ctrl-C ends"));
    }
    while !changed()? {
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// The files when nothing has changed between two looks.
fn settled(repo: &Repo, week: &Week) -> anyhow::Result<Look> {
    let mut last = look(repo, week)?;
    loop {
        std::thread::sleep(LOOK);
        let now = look(repo, week)?;
        if now == last {
            return Ok(now);
        }
        last = now;
    }
}

fn look(repo: &Repo, week: &Week) -> anyhow::Result<Look> {
    let mut seen = Vec::new();
    for dir in ["src", "tests"] {
        let dir = repo.week_dir(&week.dir_name).join(dir);
        for file in repo::files_below(&dir, "rs")? {
            let path = dir.join(file);
            // It may go away between two steps, as when an editor saves by rename.
            if let Ok(meta) = std::fs::metadata(&path) {
                seen.push((path, meta.len(), meta.modified().ok()));
            }
        }
    }
    Ok(seen)
}

/// A clean terminal, or an empty line where the output goes into a file or a pipe.
fn begin_anew() {
    if std::io::stdout().is_terminal() {
        print!("\x1b[2J\x1b[3J\x1b[H");
    } else {
        println!();
    }
}
