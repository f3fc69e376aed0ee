//! The reuse lab's experiment: how long a commit takes in a file that grows, in one that was filled
//! with zeros, and in one that had an earlier life; on the real disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs, process};

use wal::fs::{Fs, OsFs};
use wal::{Durability, LogOptions, Result, Wal, spare};

const PAYLOAD: [u8; 100] = [0x5a; 100];
const SEGMENT_SIZE: u64 = 4 << 20;
const ROUNDS: usize = 60;
/// The three logs take turns, so that a slow second of the disk is one for all.
const COMMITS_PER_ROUND: usize = 40;

fn main() -> Result<()> {
    let dir = env::temp_dir().join(format!("cairn-lab-spare-{}", process::id()));
    let measured = measure(&dir).and_then(|times| Ok((times, time_to_begin(&dir)?)));
    fs::remove_dir_all(&dir).expect("the directory was made by this program");
    let (mut times, [of_zeros, of_a_spare]) = measured?;

    println!("# title: Commits of {} bytes, one thread", PAYLOAD.len());
    println!("# x: percent of the commits");
    println!("# y: microseconds, at most");
    println!("# y-scale: log");
    println!("series,x,y");
    let mut medians = [0.0; 3];
    let series = ["a file that grows", "a file of zeros", "a file used before"];
    for ((name, times), median) in series.iter().zip(&mut times).zip(&mut medians) {
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        for percent in (0..=99).step_by(3) {
            println!("{name},{percent},{:.1}", at(percent));
        }
        *median = at(50);
    }
    println!(
        "# says: The median commit takes {:.0} µs in a file that grows, {:.0} in one that was \
         filled with zeros, and {:.0} in one that was used before: {:.1} times as fast.{} To begin \
         a segment of 4 MiB takes {of_zeros:.1} ms with zeros, and {of_a_spare:.1} ms with a spare.",
        medians[0],
        medians[1],
        medians[2],
        medians[0] / medians[2],
        match medians[0] / medians[2] {
            ..1.1 => " On this disk one cannot see what a new length costs.",
            _ => "",
        },
    );
    Ok(())
}

/// Microseconds of each commit, in each of the three logs.
fn measure(dir: &Path) -> Result<[Vec<f64>; 3]> {
    let logs = [
        open(&dir.join("grows"), 0)?,
        open(&dir.join("zeros"), 2)?,
        used_before(&dir.join("used"))?,
    ];
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (log, times) in logs.iter().zip(&mut times) {
            for _ in 0..COMMITS_PER_ROUND {
                let start = Instant::now();
                log.commit(&PAYLOAD, Durability::Synced)?;
                times.push(start.elapsed().as_secs_f64() * 1e6);
            }
        }
    }
    Ok(times)
}

fn open(dir: &Path, spare_segments: usize) -> Result<Wal> {
    OsFs.create_dir(dir)?;
    let options =
        LogOptions { segment_size: SEGMENT_SIZE, spare_segments, ..LogOptions::default() };
    Wal::open(Arc::new(OsFs), dir, 0, options)
}

/// A log that goes on in a file of its own past: two segments are filled, the first is purged, and
/// so it is the third.
fn used_before(dir: &Path) -> Result<Wal> {
    let log = open(dir, 1)?;
    let fill_until = |segments: u64| {
        while log.segment().0 < segments * (SEGMENT_SIZE - 1000) {
            log.append(&[0x77; 1000 - 16])?;
        }
        Ok(())
    };
    fill_until(1)?;
    log.purge(log.end())?;
    fill_until(2)?;
    log.sync()?;
    Ok(log)
}

/// Milliseconds until a new segment is there under its name, without a spare and with one.
fn time_to_begin(dir: &Path) -> Result<[f64; 2]> {
    let mut fastest = [f64::INFINITY; 2];
    for _ in 0..9 {
        for fastest in &mut fastest {
            let path = dir.join("segment");
            let start = Instant::now();
            spare::create(&OsFs, dir, &path, SEGMENT_SIZE)?;
            OsFs.sync_dir(dir)?;
            *fastest = fastest.min(start.elapsed().as_secs_f64() * 1e3);
            // What the first of the two made is the second one's spare, sealed as a segment is.
            spare::cut(&*OsFs.open(&path)?, SEGMENT_SIZE - 1000)?;
            OsFs.rename(&path, &spare::path(dir, 0))?;
        }
        OsFs.remove(&spare::path(dir, 0))?;
    }
    Ok(fastest)
}
