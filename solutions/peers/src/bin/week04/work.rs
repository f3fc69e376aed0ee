//! The work, and how long it takes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::engines::{Engine, Store};
use crate::keys::{absent_key, key, shuffled, uniform, value, value_pool, zipf};
use crate::settings::Settings;

/// Something that every engine does, and is timed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Entries one by one into an empty store, in the order of their keys, or in none.
    FillSequential,
    FillRandom,
    /// In batches of a hundred.
    FillBatch,
    /// Each with a sync, by so many threads.
    FillSync {
        threads: usize,
    },
    /// In the store that [`Work::FillRandom`] has filled:
    ReadRandom,
    ReadMissing,
    /// A few of the keys most of the time.
    ReadHot,
    /// All entries in order.
    ReadSequential,
    /// A hundred entries from any key on.
    Scan100,
    Overwrite,
    /// So many reads of a hundred, and writes otherwise, by so many threads.
    Mix {
        reads: u32,
        threads: usize,
    },
    /// A store that was killed while it was filled.
    Open,
}

/// All of it, in the order in which it is done.
pub(crate) const ALL: [Work; 18] = [
    Work::FillSequential,
    Work::FillBatch,
    Work::FillSync { threads: 1 },
    Work::FillSync { threads: 4 },
    Work::FillRandom,
    Work::ReadRandom,
    Work::ReadMissing,
    Work::ReadHot,
    Work::ReadSequential,
    Work::Scan100,
    Work::Overwrite,
    Work::Mix { reads: 95, threads: 1 },
    Work::Mix { reads: 95, threads: 2 },
    Work::Mix { reads: 95, threads: 4 },
    Work::Mix { reads: 50, threads: 1 },
    Work::Mix { reads: 50, threads: 2 },
    Work::Mix { reads: 50, threads: 4 },
    Work::Open,
];

impl Work {
    /// Its name in tables, charts and arguments.
    pub(crate) fn name(self) -> String {
        let threads = |count| if count == 1 { "thread" } else { "threads" };
        match self {
            Work::FillSequential => "fill sequential".into(),
            Work::FillRandom => "fill random".into(),
            Work::FillBatch => "fill in batches of 100".into(),
            Work::FillSync { threads: count } => format!("fill sync, {count} {}", threads(count)),
            Work::ReadRandom => "read random".into(),
            Work::ReadMissing => "read missing".into(),
            Work::ReadHot => "read hot".into(),
            Work::ReadSequential => "read sequential".into(),
            Work::Scan100 => "scan 100".into(),
            Work::Overwrite => "overwrite".into(),
            Work::Mix { reads, threads: count } => {
                format!("mix {reads}/{}, {count} {}", 100 - reads, threads(count))
            }
            Work::Open => "open after a kill".into(),
        }
    }

    /// Whether it is done in the store that [`Work::FillRandom`] has filled.
    pub(crate) fn needs_filled(self) -> bool {
        use Work::*;
        matches!(
            self,
            ReadRandom | ReadMissing | ReadHot | ReadSequential | Scan100 | Overwrite | Mix { .. }
        )
    }

    /// How many things are done in it.
    pub(crate) fn count(self, settings: &Settings) -> usize {
        match self {
            Work::FillSync { .. } => settings.synced_writes(),
            Work::ReadRandom | Work::ReadMissing | Work::ReadHot | Work::Mix { .. } => {
                settings.reads()
            }
            Work::Scan100 => settings.reads() / 20,
            Work::Open => 1,
            _ => settings.count as usize,
        }
    }

    /// Does it in `store`, in round `round`. [`Work::Open`] is done by [`open_after_kill`].
    pub(crate) fn run(
        self,
        store: &dyn Store,
        settings: &Settings,
        round: u64,
    ) -> Result<Duration> {
        let count = settings.count;
        let entries = Entries::new(settings, round as u32);
        let len = self.count(settings);
        match self {
            Work::FillSequential => {
                let numbers: Vec<u32> = (0..count).collect();
                timed(|| each(&numbers, |number| entries.write(store, &[number], false)))
            }
            Work::FillRandom => {
                let numbers = shuffled(count, round);
                timed(|| each(&numbers, |number| entries.write(store, &[number], false)))
            }
            Work::Overwrite => {
                let numbers = uniform(count, len, round);
                timed(|| each(&numbers, |number| entries.write(store, &[number], false)))
            }
            Work::FillBatch => {
                let numbers = shuffled(count, round);
                timed(|| {
                    numbers.chunks(100).try_for_each(|batch| entries.write(store, batch, false))
                })
            }
            Work::FillSync { threads } => {
                let numbers = shuffled(count, round);
                by_threads(threads, &numbers[..len], |number, _| {
                    entries.write(store, &[number], true)
                })
            }
            Work::ReadRandom => read(store, &uniform(count, len, round)),
            Work::ReadHot => read(store, &zipf(count, len, round)),
            Work::ReadMissing => {
                let numbers = uniform(count, len, round);
                timed(|| {
                    each(&numbers, |number| {
                        ensure!(
                            store.get(&absent_key(number))?.is_none(),
                            "a key of nobody is found"
                        );
                        Ok(())
                    })
                })
            }
            Work::ReadSequential => timed(|| {
                let met = store.scan(&key(0), usize::MAX)?;
                ensure!(met == count as usize, "a scan meets {met} of {count} entries");
                Ok(())
            }),
            Work::Scan100 => {
                let numbers = uniform(count.saturating_sub(100).max(1), len, round);
                timed(|| {
                    each(&numbers, |number| {
                        let met = store.scan(&key(number), 100)?;
                        ensure!(
                            met == 100.min(count as usize),
                            "a scan meets {met} of 100 entries"
                        );
                        Ok(())
                    })
                })
            }
            Work::Mix { reads, threads } => {
                let numbers = zipf(count, len, round);
                by_threads(threads, &numbers, |number, index| {
                    // The same operations for all engines.
                    if (index as u32).wrapping_mul(0x9e37_79b9) % 100 < reads {
                        ensure!(store.get(&key(number))?.is_some(), "a key that is there is found");
                        Ok(())
                    } else {
                        entries.write(store, &[number], false)
                    }
                })
            }
            Work::Open => unreachable!("it begins without a store"),
        }
    }
}

/// What entries have for values.
struct Entries<'a> {
    settings: &'a Settings,
    pool: Vec<u8>,
    version: u32,
}

impl Entries<'_> {
    fn new(settings: &Settings, version: u32) -> Entries<'_> {
        Entries { settings, pool: value_pool(settings.value_size), version }
    }

    fn write(&self, store: &dyn Store, numbers: &[u32], sync: bool) -> Result<()> {
        let size = self.settings.value_size;
        let entry = |number: u32| (key(number), value(&self.pool, size, number, self.version));
        match numbers {
            [number] => store.write(&[entry(*number)], sync),
            _ => {
                let entries: Vec<_> = numbers.iter().map(|&number| entry(number)).collect();
                store.write(&entries, sync)
            }
        }
    }
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn each(numbers: &[u32], mut work: impl FnMut(u32) -> Result<()>) -> Result<()> {
    numbers.iter().try_for_each(|&number| work(number))
}

fn read(store: &dyn Store, numbers: &[u32]) -> Result<Duration> {
    timed(|| {
        each(numbers, |number| {
            ensure!(store.get(&key(number))?.is_some(), "a key that is there is found");
            Ok(())
        })
    })
}

/// Cuts the numbers into as many parts as there are threads. `work` is told a number and its place.
fn by_threads(
    threads: usize,
    numbers: &[u32],
    work: impl Fn(u32, usize) -> Result<()> + Sync,
) -> Result<Duration> {
    let part_size = numbers.len().div_ceil(threads).max(1);
    let run = &|(part, numbers): (usize, &[u32])| -> Result<()> {
        let mut places = part * part_size..;
        each(numbers, |number| work(number, places.next().expect("there is no end")))
    };
    timed(|| {
        thread::scope(|scope| {
            let spawn = |part| scope.spawn(move || run(part));
            let parts: Vec<_> = numbers.chunks(part_size).enumerate().map(spawn).collect();
            parts.into_iter().try_for_each(|part| part.join().expect("no thread panics"))
        })
    })
}

/// The environment variables that tell a child of this program which store it fills, and where.
const FILL: &str = "CAIRN_PEERS_FILL";

/// Fills a store in `dir` in another process, which ends itself without a word to the engine; and
/// opens it. The last entry that was acknowledged is asked for, if the engine has promised it.
pub(crate) fn open_after_kill(engine: Engine, dir: &Path, settings: &Settings) -> Result<Duration> {
    let exe = std::env::current_exe()?;
    let status = Command::new(exe)
        .args(std::env::args_os().skip(1))
        .env(FILL, format!("{}={}", engine.name, dir.display()))
        .status()
        .context("a child that fills a store")?;
    ensure!(!status.success(), "the child has come to an end, and should have been killed");
    let start = Instant::now();
    let store = (engine.open)(dir, settings)?;
    store.get(&key(0))?;
    Ok(start.elapsed())
}

/// In such a child: which store is to be filled, and where.
pub(crate) fn asked_to_fill() -> Option<(String, PathBuf)> {
    let asked = std::env::var(FILL).ok()?;
    let (engine, dir) = asked.split_once('=')?;
    Some((engine.into(), dir.into()))
}

/// Fills the store, and aborts.
pub(crate) fn fill_and_abort(engine: Engine, dir: &Path, settings: &Settings) -> Result<()> {
    let store = (engine.open)(dir, settings)?;
    Work::FillRandom.run(&*store, settings, 0)?;
    std::process::abort();
}
