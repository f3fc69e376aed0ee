//! Week 4: our stores beside RocksDB, fjall, redb, LMDB and SQLite.
//!
//! ```text
//!                   on all sides
//!   keys            16 bytes; those that are written lie between those that nobody has
//!   values          100 bytes that do not compress; nothing is compressed
//!   memory          64 MiB for what is written, 64 MiB for what is read
//!   filters         10 bits a key, where there are any
//!   a write         handed to the system when it returns: it survives a kill, not a power cut
//!   a synced one    on the disk when it returns
//!   a read          one byte of the value is looked at
//! ```
//!
//! Our memtables are those of week 2's lab, with the feature `skiplist`; of your own code they are day
//! 2's.
//!
//! Two are not quite as the others. redb has no writes that survive a kill and nothing more: its
//! writes without a sync are lost with the process. And memstore and logstore, of weeks 1 and 2, have
//! all their entries in memory, whatever that takes.

mod chart;
mod engines;
mod keys;
mod report;
mod settings;
mod work;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;

use self::engines::{ENGINES, Engine, Store};
use self::report::{Measured, Report};
use self::settings::Settings;
use self::work::{ALL, Work, asked_to_fill, fill_and_abort, open_after_kill};

fn main() -> Result<()> {
    let settings = Settings::parse();
    if let Some((name, dir)) = asked_to_fill() {
        let engine = ENGINES.into_iter().find(|engine| engine.name == name);
        return fill_and_abort(engine.context("an engine that is known")?, &dir, &settings);
    }
    let engines = settings.chosen()?;
    let is_wanted = |work: &Work| {
        settings.filter.as_ref().is_none_or(|filter| work.name().contains(filter.as_str()))
    };
    let wanted: Vec<Work> = ALL.into_iter().filter(is_wanted).collect();
    if wanted.is_empty() {
        let names: Vec<String> = ALL.into_iter().map(Work::name).collect();
        anyhow::bail!("no workload has that in its name; there are:\n  {}", names.join("\n  "));
    }
    let exe = std::env::current_exe()?;
    let beside = exe.parent().context("a program is in a directory")?;
    let disk = tempfile::tempdir_in(settings.disk.as_deref().unwrap_or(beside))?;

    let mut report = Report::new(&engines, &wanted);
    let bar = progress_bar(settings.rounds * wanted.len() * engines.len());
    for round in 0..settings.rounds {
        measure(&settings, &engines, &wanted, round, disk.path(), &bar, &mut report)?;
    }
    bar.finish_and_clear();
    report.print(&settings);
    if let Some(out) = &settings.out {
        fs::create_dir_all(out)?;
        fs::write(out.join("peers.json"), report.json(&settings))?;
        fs::write(out.join("peers.svg"), chart::svg(&report, &settings))?;
        println!("\n  {}\n  {}", out.join("peers.json").display(), out.join("peers.svg").display());
    }
    Ok(())
}

/// All work once, by all engines. Each kind of work is done by one engine after the other, so that a
/// machine that gets slower gets slower for all of them; who begins changes from round to round.
fn measure(
    settings: &Settings,
    engines: &[Engine],
    wanted: &[Work],
    round: usize,
    disk: &Path,
    bar: &ProgressBar,
    report: &mut Report,
) -> Result<()> {
    let mut order: Vec<usize> = (0..engines.len()).collect();
    order.rotate_left(round % engines.len());
    // A store goes before its directory does.
    let mut filled: Vec<Option<(Box<dyn Store>, TempDir)>> = engines.iter().map(|_| None).collect();
    for work in ALL {
        let is_wanted = wanted.contains(&work);
        let is_needed = work == Work::FillRandom && wanted.iter().any(|work| work.needs_filled());
        if !is_wanted && !is_needed {
            continue;
        }
        for &engine in &order {
            bar.set_message(format!(
                "round {}: {}, {}",
                round + 1,
                engines[engine].name,
                work.name()
            ));
            let time = match (work, &filled[engine]) {
                (_, Some((store, _))) if work.needs_filled() => {
                    work.run(&**store, settings, round as u64)?
                }
                (Work::Open, _) => {
                    let dir = tempfile::tempdir_in(disk)?;
                    open_after_kill(engines[engine], dir.path(), settings)?
                }
                _ => {
                    let dir = tempfile::tempdir_in(disk)?;
                    let store = (engines[engine].open)(dir.path(), settings)?;
                    let time = work.run(&*store, settings, round as u64)?;
                    if work == Work::FillRandom {
                        store.settle()?;
                        report.add_size(engine, size_of(dir.path())?, store.written());
                        filled[engine] = Some((store, dir));
                    }
                    time
                }
            };
            if is_wanted {
                report.add(work, engine, Measured { time, count: work.count(settings) });
                bar.inc(1);
            }
            if matches!(work, Work::Overwrite | Work::Mix { .. })
                && let Some((store, _)) = &filled[engine]
            {
                store.settle()?;
            }
        }
    }
    Ok(())
}

/// Bytes of all files in `dir` that are on the disk: not those that a file has room for.
fn size_of(dir: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut size = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        size += if metadata.is_dir() { size_of(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(size)
}

fn progress_bar(len: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}  {eta} left");
    let bar = ProgressBar::new(len as u64).with_style(style.expect("a template that is known"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
