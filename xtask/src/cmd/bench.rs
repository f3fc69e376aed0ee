//! `cargo x bench`: your code's speed beside the reference's.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use jzon::JsonValue;

use crate::cargo::{cargo, wait};
use crate::cli::{Answer, Subcommand, flag, week, word};
use crate::repo::{self, Repo};
use crate::style::{BOLD, DIM, paint};
use crate::verify::targets;
use crate::week::{Week, Weeks};

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "bench",
    about: "Your code's speed beside the reference's",
    help: "\
Runs a week's benches on your code and on the reference's, and shows them side by side.

What is measured is what the week's `benches/` say; criterion keeps its own figures below
`.x/bench`. In most groups one bench is the baseline, the least that anybody has to do; behind the
others' figures stands how they compare with it. A bench that comes to a hole ends there; what was
measured before it is shown.

Examples:
  cargo x bench week01                    all benches, yours and the reference's
  cargo x bench week01 append             only those with `append` in their name
  cargo x bench week01 --reference        the reference alone
  cargo x bench --peers                   the newest week's beside RocksDB and others
  cargo x bench week03 --peers            another week's, instead of its benches
  cargo x bench week01 -- --quick         arguments for criterion
  cargo x bench --peers -- --help         arguments for the comparison",
    arguments: || {
        vec![
            week().required(false).required_unless_present("peers"),
            word("filter", "FILTER", "A part of the names of benches"),
            flag("mine", "Only your own code").conflicts_with("reference"),
            flag("reference", "Only the reference's code"),
            flag(
                "peers",
                "Beside what other people use, instead of the week's benches (from week 3 on)",
            ),
            word("args", "ARGS", "Arguments for criterion, or for the comparison")
                .last(true)
                .num_args(1..),
        ]
    },
    read: |given| {
        let args = Args {
            week: given.remove_one("week"),
            filter: given.remove_one("filter"),
            mine: given.get_flag("mine"),
            reference: given.get_flag("reference"),
            peers: given.get_flag("peers"),
            args: given.remove_many("args").map(Iterator::collect).unwrap_or_default(),
        };
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug)]
struct Args {
    /// The newest that has a comparison, if none is named.
    week: Option<String>,
    filter: Option<String>,
    mine: bool,
    reference: bool,
    peers: bool,
    args: Vec<String>,
}

/// Whose code is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Mine,
    Reference,
}

impl Args {
    /// Whose code is to be measured, in order.
    fn whose(&self) -> impl Iterator<Item = Whose> + use<> {
        let wanted = [(Whose::Mine, !self.reference), (Whose::Reference, !self.mine)];
        wanted.into_iter().filter(|(_, is_wanted)| *is_wanted).map(|(whose, _)| whose)
    }
}

/// Runs the command.
fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    let weeks = Weeks::load(repo)?;
    let has_peers =
        |week: &&Week| repo.solutions().join("peers/src/bin").join(week.label()).is_dir();
    let week = match &args.week {
        Some(name) => weeks.find_open(name)?,
        None => weeks.open().filter(has_peers).last().context("no open week has a comparison")?,
    };
    if args.peers {
        if !has_peers(&week) {
            bail!(
                "{} has nobody to be compared with; it is measured beside the reference",
                week.label()
            );
        }
        return beside_peers(repo, week, &args);
    }
    let mut measured = BTreeMap::new();
    for whose in args.whose() {
        measure(repo, week, &args, whose)?;
        for (name, figure) in read(&home(repo, week, whose))? {
            let pair: &mut [Option<Figure>; 2] = measured.entry(name).or_default();
            pair[whose as usize] = Some(figure);
        }
    }
    if measured.is_empty() {
        println!("Nothing was measured.");
        return Ok(Answer::No);
    }
    anstream::print!("{}", table(&measured));
    Ok(Answer::Yes)
}

/// Runs the week's program of `solutions/peers`, which prints what it measures.
fn beside_peers(repo: &Repo, week: &Week, args: &Args) -> anyhow::Result<Answer> {
    let peers = repo.solutions().join("peers");
    let label = week.label();
    anstream::eprintln!(
        "{}",
        paint(
            DIM,
            "The first time, RocksDB is compiled from source: some ten minutes on few cores. It \
             takes a C++ compiler and libclang."
        )
    );
    let mut answer = Answer::Yes;
    for whose in args.whose() {
        let (feature, title) = match whose {
            Whose::Mine => ("mine", "yours"),
            Whose::Reference => ("reference", "the reference's"),
        };
        anstream::eprintln!("{}", paint(BOLD, format!("{label} · {title}")));
        let mut command = cargo(&peers);
        command.args(["run", "--release", "--quiet", "--bin", &label]);
        command.args(["--features", &format!("{label},{feature}"), "--"]).args(&args.filter);
        command.args(&args.args);
        if !wait(&mut command)?.success() {
            answer = Answer::No;
        }
    }
    Ok(answer)
}

fn home(repo: &Repo, week: &Week, whose: Whose) -> std::path::PathBuf {
    let name = match whose {
        Whose::Mine => "mine",
        Whose::Reference => "reference",
    };
    repo.state_dir().join("bench").join(week.label()).join(name)
}

/// Runs the benches; what they measured is in [`home`] then.
fn measure(repo: &Repo, week: &Week, args: &Args, whose: Whose) -> anyhow::Result<()> {
    let (workspace, package, title) = match whose {
        Whose::Mine => (repo.root.clone(), week.dir_name.clone(), "yours"),
        Whose::Reference => (repo.solutions(), week.solution_package(), "the reference's"),
    };
    let home = home(repo, week, whose);
    // Figures of benches that are gone, or of another day's code, are no figures of this run.
    if home.exists() {
        std::fs::remove_dir_all(&home)
            .with_context(|| format!("cannot clear {}", home.display()))?;
    }
    anstream::eprintln!("{}", paint(BOLD, format!("{} · {title}", week.label())));
    let mut command = cargo(&workspace);
    command.env("CRITERION_HOME", &home);
    // Criterion is behind a feature, so that no test waits for it.
    command.args(["bench", "--features", "bench", "--no-fail-fast", "--package", &package]);
    // By name: among `--benches` is the library, whose harness knows no argument of criterion's.
    for bench in targets(&repo.week_dir(&week.dir_name).join("benches"))? {
        command.args(["--bench", &bench]);
    }
    command.arg("--");
    command.args(&args.filter).args(&args.args);
    let status = wait(&mut command)?;
    if !status.success() {
        let why = match whose {
            Whose::Mine => "a day that is not written yet ends a bench early",
            Whose::Reference => "that should not be",
        };
        anstream::eprintln!("not every bench of {title} came to its end ({why})");
    }
    Ok(())
}

/// How long one round of a bench took, and how much it moved.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Figure {
    round_ns: f64,
    work: Option<Work>,
}

/// What one round of a bench did.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Work {
    Bytes(u64),
    BytesDecimal(u64),
    Elements(u64),
    Bits(u64),
    ElementsAndBytes { elements: u64, bytes: u64 },
}

impl Work {
    /// What criterion calls a throughput: `{"Bytes": 64}`, or null.
    fn read(throughput: &JsonValue) -> Option<Work> {
        let (unit, amount) = throughput.entries().next()?;
        match unit {
            "Bytes" => amount.as_u64().map(Work::Bytes),
            "BytesDecimal" => amount.as_u64().map(Work::BytesDecimal),
            "Elements" => amount.as_u64().map(Work::Elements),
            "Bits" => amount.as_u64().map(Work::Bits),
            "ElementsAndBytes" => Some(Work::ElementsAndBytes {
                elements: amount["elements"].as_u64()?,
                bytes: amount["bytes"].as_u64()?,
            }),
            _ => None,
        }
    }
}

/// All that criterion left below `home`, by the bench's name.
fn read(home: &Path) -> anyhow::Result<Vec<(String, Figure)>> {
    let mut figures = Vec::new();
    for path in repo::files_below(home, "json")? {
        if !path.ends_with("new/benchmark.json") {
            continue;
        }
        let path = home.join(path);
        let strange = || format!("{} is not what criterion writes", path.display());
        let benchmark = jzon::parse(&repo::read(&path)?).with_context(strange)?;
        let estimates = repo::read(&path.with_file_name("estimates.json"))?;
        let estimates = jzon::parse(&estimates).with_context(strange)?;
        let name = benchmark["full_id"].as_str().with_context(strange)?;
        let round_ns = estimates["median"]["point_estimate"].as_f64().with_context(strange)?;
        let work = Work::read(&benchmark["throughput"]);
        figures.push((name.to_owned(), Figure { round_ns, work }));
    }
    Ok(figures)
}

/// A bench whose name in its group begins so is what the others of the group are compared with.
const BASELINE: &str = "baseline";

fn table(measured: &BTreeMap<String, [Option<Figure>; 2]>) -> String {
    let width = measured.keys().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0).max("bench".len());
    let head = format!("{:<width$}  {:>19}  {:>19}  speed", "bench", "yours", "reference");
    let mut out = format!("{}\n", paint(BOLD, head));
    for (name, figures @ [mine, reference]) in measured {
        let baseline = baseline_of(name, measured);
        let [mine_cell, reference_cell] = [0, 1].map(|whose| {
            let Some(figure) = figures[whose] else { return "–".to_owned() };
            let baseline = baseline.and_then(|baseline| baseline[whose]);
            let ratio = baseline.map(|baseline| format!("{:.2}×", figure.over(&baseline)));
            format!("{figure} {:>6}", ratio.unwrap_or_default())
        });
        let speed = match (mine, reference) {
            (Some(mine), Some(reference)) => format!("{:.2}×", mine.over(reference)),
            _ => String::new(),
        };
        out += &format!("{name:<width$}  {mine_cell:>19}  {reference_cell:>19}  {speed}\n");
    }
    let legend = "N× behind a figure: its speed over the baseline's of its group, in the same run\n\
                  speed: yours over the reference's; above 1 is faster";
    out + &format!("{}\n", paint(DIM, legend))
}

/// The figures that the bench `name` is compared with, if its group has a baseline and it is not
/// that itself.
fn baseline_of<'a>(
    name: &str,
    measured: &'a BTreeMap<String, [Option<Figure>; 2]>,
) -> Option<&'a [Option<Figure>; 2]> {
    let (group, bench) = name.rsplit_once('/')?;
    let is_baseline = |other: &String| {
        other.rsplit_once('/').is_some_and(|(g, b)| g == group && b.starts_with(BASELINE))
    };
    let (_, figures) = measured.iter().find(|(other, _)| is_baseline(other))?;
    (!bench.starts_with(BASELINE)).then_some(figures)
}

impl Figure {
    /// How many times as fast as `other`: by the work done, where both say how much it was.
    fn over(&self, other: &Figure) -> f64 {
        let amount = |figure: &Figure| match figure.work {
            Some(Work::Bytes(n) | Work::BytesDecimal(n) | Work::Elements(n) | Work::Bits(n)) => n,
            Some(Work::ElementsAndBytes { elements, .. }) => elements,
            None => 1,
        };
        let rate = |figure: &Figure| amount(figure) as f64 / figure.round_ns;
        rate(self) / rate(other)
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let per_second = |count: u64| count as f64 / (self.round_ns / 1e9);
        let text = match self.work {
            Some(Work::ElementsAndBytes { elements, bytes }) => format!(
                "{}, {}",
                scaled(per_second(elements), "/s"),
                scaled(per_second(bytes), "B/s")
            ),
            Some(Work::Bytes(n) | Work::BytesDecimal(n)) => scaled(per_second(n), "B/s"),
            Some(Work::Bits(n)) => scaled(per_second(n), "bit/s"),
            Some(Work::Elements(n)) => scaled(per_second(n), "/s"),
            None => time(self.round_ns),
        };
        f.pad(&text)
    }
}

fn scaled(value: f64, unit: &str) -> String {
    match value {
        v if v >= 1e9 => format!("{:.2} G{unit}", v / 1e9),
        v if v >= 1e6 => format!("{:.1} M{unit}", v / 1e6),
        v if v >= 1e4 => format!("{:.1} k{unit}", v / 1e3),
        v => format!("{v:.0} {unit}"),
    }
}

fn time(ns: f64) -> String {
    match ns {
        ns if ns >= 1e9 => format!("{:.2} s", ns / 1e9),
        ns if ns >= 1e6 => format!("{:.2} ms", ns / 1e6),
        ns if ns >= 1e3 => format!("{:.2} µs", ns / 1e3),
        ns => format!("{ns:.1} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_criterion_wrote_becomes_a_row() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("append/64/new");
        let benchmark = r#"{"group_id":"append","full_id":"append/64","throughput":{"Bytes":64}}"#;
        let estimates = r#"{"median":{"point_estimate":100.0,"standard_error":1.0}}"#;
        repo::write(&dir.join("benchmark.json"), benchmark).unwrap();
        repo::write(&dir.join("estimates.json"), estimates).unwrap();
        let figures = read(home.path()).unwrap();
        let want = Figure { round_ns: 100.0, work: Some(Work::Bytes(64)) };
        assert_eq!(figures, [("append/64".to_owned(), want)]);

        let rows = BTreeMap::from([("append/64".to_owned(), [Some(want), None])]);
        let text = plain(&rows);
        assert!(text.contains("640.0 MB/s                           –"), "{text}");
    }

    #[test]
    fn a_bench_is_compared_with_the_baseline_of_its_own_group() {
        let figure = |round_ns, bytes| Some(Figure { round_ns, work: Some(Work::Bytes(bytes)) });
        let rows = BTreeMap::from([
            ("append 64 B/baseline: crc".to_owned(), [figure(50.0, 64), figure(80.0, 64)]),
            ("append 64 B/log".to_owned(), [figure(100.0, 64), figure(200.0, 128)]),
            ("append 9 B/log".to_owned(), [figure(100.0, 9), None]),
        ]);
        let text = plain(&rows);
        let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        assert!(row("append 64 B/log").contains(" 0.50× "), "{text}");
        assert!(row("append 64 B/log").ends_with(" 0.80×  1.00×"), "{text}");
        assert!(row("append 64 B/baseline").ends_with("  1.60×"), "{text}");
        assert!(!row("append 9 B/log").contains('×'), "{text}");
    }

    fn plain(rows: &BTreeMap<String, [Option<Figure>; 2]>) -> String {
        anstream::adapter::strip_str(&table(rows)).to_string()
    }
}
