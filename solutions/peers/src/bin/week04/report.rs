//! What was measured: a table for people, JSON for programs.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use jzon::{JsonValue, object};

use crate::engines::{Engine, ROCKSDB};
use crate::settings::Settings;
use crate::work::Work;

/// How long something took, and how many things were done.
#[derive(Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) time: Duration,
    pub(crate) count: usize,
}

/// What was measured in all rounds.
pub(crate) struct Report {
    engines: Vec<&'static str>,
    works: Vec<Work>,
    /// Seconds for one thing, by work and engine.
    seconds: BTreeMap<(usize, usize), Vec<f64>>,
    /// Bytes on disk, and bytes written to tables if the engine counts them, by engine, when a store
    /// has been filled at random and has settled.
    sizes: BTreeMap<usize, Vec<(u64, Option<u64>)>>,
}

impl Report {
    pub(crate) fn new(engines: &[Engine], works: &[Work]) -> Report {
        Report {
            engines: engines.iter().map(|engine| engine.name).collect(),
            works: works.to_vec(),
            seconds: BTreeMap::new(),
            sizes: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, work: Work, engine: usize, measured: Measured) {
        let row = self.works.iter().position(|other| *other == work).expect("it is measured");
        let seconds = measured.time.as_secs_f64() / measured.count.max(1) as f64;
        self.seconds.entry((row, engine)).or_default().push(seconds);
    }

    pub(crate) fn add_size(&mut self, engine: usize, on_disk: u64, written: Option<u64>) {
        self.sizes.entry(engine).or_default().push((on_disk, written));
    }

    pub(crate) fn engines(&self) -> &[&'static str] {
        &self.engines
    }

    pub(crate) fn works(&self) -> &[Work] {
        &self.works
    }

    /// Things done in a second, the median of the rounds.
    fn speed(&self, row: usize, engine: usize) -> Option<f64> {
        Some(1.0 / median(self.seconds.get(&(row, engine))?))
    }

    /// Our speed by that of RocksDB: the median of the rounds' own ratios.
    pub(crate) fn ratio(&self, row: usize, engine: usize) -> Option<f64> {
        let (ours, theirs) =
            (self.seconds.get(&(row, engine))?, self.seconds.get(&(row, self.rocksdb()))?);
        let ratios: Vec<f64> =
            ours.iter().zip(theirs).map(|(ours, theirs)| theirs / ours).collect();
        Some(median(&ratios))
    }

    fn rocksdb(&self) -> usize {
        let place = self.engines.iter().position(|name| *name == ROCKSDB);
        place.expect("it is always measured")
    }

    /// Bytes on disk, and bytes written, for each byte of an entry.
    fn amplifications(&self, engine: usize, settings: &Settings) -> Option<(f64, Option<f64>)> {
        let (on_disk, written) = *self.sizes.get(&engine)?.last()?;
        let data_size = settings.data_size() as f64;
        Some((on_disk as f64 / data_size, written.map(|written| written as f64 / data_size)))
    }

    pub(crate) fn print(&self, settings: &Settings) {
        println!("{}\n", describe(settings));
        print!("{:<24}{:>14}", "", "rocksdb/s");
        for name in self.engines.iter().filter(|name| **name != ROCKSDB) {
            print!("{name:>10}");
        }
        println!();
        for (row, work) in self.works.iter().enumerate() {
            let speed = self.speed(row, self.rocksdb()).map(grouped).unwrap_or_default();
            print!("{:<24}{speed:>14}", work.name());
            for engine in (0..self.engines.len()).filter(|&engine| engine != self.rocksdb()) {
                let ratio = self.ratio(row, engine).map(|ratio| format!("{ratio:.2}×"));
                print!("{:>10}", ratio.unwrap_or_default());
            }
            println!();
        }
        if self.sizes.is_empty() {
            return;
        }
        println!("\nfilled at random and settled, for each byte of an entry:");
        for (engine, name) in self.engines.iter().enumerate() {
            if let Some((space, written)) = self.amplifications(engine, settings) {
                let written = written.map(|written| format!("{written:>8.2} written"));
                println!("  {name:<12}{space:>8.2} on disk{}", written.unwrap_or_default());
            }
        }
    }

    pub(crate) fn json(&self, settings: &Settings) -> String {
        let mut works = JsonValue::new_array();
        for (row, work) in self.works.iter().enumerate() {
            let (mut speeds, mut ratios) = (JsonValue::new_object(), JsonValue::new_object());
            for (engine, name) in self.engines.iter().enumerate() {
                if let (Some(speed), Some(ratio)) =
                    (self.speed(row, engine), self.ratio(row, engine))
                {
                    let _ = speeds.insert(name, speed.round());
                    let _ = ratios.insert(name, (ratio * 1e3).round() / 1e3);
                }
            }
            let entry = object! { name: work.name(), per_second: speeds, to_rocksdb: ratios };
            works.push(entry).expect("it is an array");
        }
        let mut amplification = JsonValue::new_object();
        for (engine, name) in self.engines.iter().enumerate() {
            if let Some((space, written)) = self.amplifications(engine, settings) {
                let entry = object! { space: space, write: written };
                let _ = amplification.insert(name, entry);
            }
        }
        let report = object! {
            date: today(),
            commit: commit(),
            machine: machine(),
            settings: {
                count: settings.count,
                key_size: 16,
                value_size: settings.value_size,
                memory_mib: settings.memory,
                rounds: settings.rounds,
            },
            workloads: works,
            amplification: amplification,
        };
        jzon::stringify_pretty(report, 2) + "\n"
    }
}

/// The settings, the machine and the day, in two lines.
pub(crate) fn describe(settings: &Settings) -> String {
    format!(
        "{} entries, keys of 16 bytes, values of {}, {} MiB to write and {} MiB to read, nothing \
         compressed,\nmedian of {}; {}, {}, commit {}",
        grouped(f64::from(settings.count)),
        settings.value_size,
        settings.memory,
        settings.memory,
        settings.rounds,
        machine(),
        today(),
        commit(),
    )
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model.trim());
    format!("{cores} cores of {model}")
}

fn today() -> String {
    said_by("date", &["+%Y-%m-%d"]).unwrap_or_else(|| "some day".into())
}

fn commit() -> String {
    said_by("git", &["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".into())
}

fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !said.trim().is_empty()).then(|| said.trim().to_string())
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// `1 234 567`.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}
