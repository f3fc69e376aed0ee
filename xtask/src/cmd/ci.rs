//! `cargo x ci`: all that must hold for a change to be good.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::cargo::{cargo, wait};
use crate::cli::Answer;
use crate::cmd::verify::default_slot_count;
use crate::gate::Gate;
use crate::repo::Repo;
use crate::runner::Report;
use crate::style::{BAD, BOLD, DIM, FAILED, GOOD, PASSED, paint};
use crate::verify::{self, Proof, Request};
use crate::week::Weeks;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Runs all that the continuous integration checks: formatting, lints, documentation, the tests of
the solutions, of this tool and of the book's, and every proof of `cargo x verify`.

All steps run, whatever fails; the last line counts: `N passed, N failed`.

Examples:
  cargo x ci
  cargo x ci --only clippy        the steps with `clippy` in their name
  cargo x ci --learner            only your own days, as far as they are written")]
pub(crate) struct Args {
    /// Only the tests of your own weeks: what is not started yet is no failure
    #[arg(long, conflicts_with = "only")]
    learner: bool,
    /// Only the steps with this in their name
    #[arg(long, value_name = "PART")]
    only: Option<String>,
}

/// The workspaces: the learner's with this tool, the reference's, the guide's.
const WORKSPACES: [(&str, &str); 3] =
    [("the course", "."), ("the solutions", "solutions"), ("the book", "book")];

/// One run of cargo.
struct Step {
    name: String,
    dir: &'static str,
    arguments: Vec<&'static str>,
    environment: &'static [(&'static str, &'static str)],
}

/// What came of a step, or of one check of `verify`.
struct Done {
    name: String,
    passed: bool,
    took: Duration,
}

/// Runs the command.
pub(crate) fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    if args.learner {
        return learner(repo);
    }
    let begun = Instant::now();
    let chosen = |name: &str| args.only.as_ref().is_none_or(|part| name.contains(part.as_str()));
    let mut done = Vec::new();
    for step in steps() {
        if chosen(&step.name) {
            done.push(perform(repo, step)?);
        }
    }
    if chosen("verify") {
        done.extend(prove(repo)?);
    }
    let failed = done.iter().filter(|done| !done.passed).count();
    heading("summary");
    for Done { name, passed, took } in &done {
        let mark = if *passed { paint(GOOD, PASSED) } else { paint(BAD, FAILED) };
        let took = format!("{:>7.1} s", took.as_secs_f64());
        anstream::println!("{mark} {} {name}", paint(DIM, took));
    }
    println!("all of it took {:.0} s", begun.elapsed().as_secs_f64());
    println!("{} passed, {failed} failed", done.len() - failed);
    Ok(if failed == 0 { Answer::Yes } else { Answer::No })
}

/// What a fork runs, whose `src/` is meant to change: a test may wait for its day, but not fail.
fn learner(repo: &Repo) -> anyhow::Result<Answer> {
    let (mut passed_count, mut failed_count) = (0, 0);
    for week in Weeks::load(repo)?.open() {
        let Some(mut gate) = Gate::open(repo, week)? else {
            failed_count += 1;
            continue;
        };
        gate.hasty = false;
        for (unit, tests) in gate.units().to_vec() {
            let reports = gate.run(unit, &tests, &AtomicBool::new(false))?;
            let passed = reports.iter().filter(|report| report.outcome.passed()).count();
            anstream::println!(
                "{} {:<12} {passed} of {}  {}",
                paint(BOLD, week.label()),
                unit.label(),
                tests.len(),
                paint(DIM, &unit.title)
            );
            passed_count += passed;
            for Report { test, outcome, .. } in &reports {
                if !outcome.passed() && !outcome.not_started() {
                    failed_count += 1;
                    anstream::println!("  {} {test}\n{}", paint(BAD, FAILED), outcome.message());
                }
            }
        }
    }
    println!("{passed_count} passed, {failed_count} failed");
    Ok(if failed_count == 0 { Answer::Yes } else { Answer::No })
}

fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    let mut all = |what: &str, arguments: &[&'static str], environment| {
        for (whose, dir) in WORKSPACES {
            let name = format!("{what} · {whose}");
            steps.push(Step { name, dir, arguments: arguments.to_vec(), environment });
        }
    };
    all("locked dependencies", &["fetch", "--locked", "--quiet"], &[]);
    all("formatting", &["fmt", "--all", "--check"], &[]);
    let clippy = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    all("clippy", &clippy, &[]);
    let doc = ["doc", "--workspace", "--no-deps", "--quiet"];
    all("documentation", &doc, &[("RUSTDOCFLAGS", "-D warnings")]);
    let mut tests = |what: &str, dir, arguments: &[&'static str]| {
        let name = format!("tests · {what}");
        let mut all = vec!["test", "--quiet"];
        all.extend(arguments);
        steps.push(Step { name, dir, arguments: all, environment: &[] });
    };
    // The gates themselves run in `verify`, each test in its own process, as they do for a learner.
    tests("inside of the solutions", "solutions", &["--workspace", "--lib", "--bins"]);
    tests("examples in the solutions' documentation", "solutions", &["--workspace", "--doc"]);
    tests("this tool", ".", &["--package", "xtask"]);
    tests("the book's program", "book", &[]);
    steps
}

fn perform(repo: &Repo, step: Step) -> anyhow::Result<Done> {
    heading(&step.name);
    let begun = Instant::now();
    let mut command = cargo(&repo.root.join(step.dir));
    command.args(&step.arguments).envs(step.environment.iter().copied());
    let passed = wait(&mut command)?.success();
    let took = begun.elapsed();
    if !passed {
        let command = format!("cargo {}", step.arguments.join(" "));
        anstream::println!("{} {command}   (in {})", paint(BAD, FAILED), step.dir);
    }
    Ok(Done { name: step.name, passed, took })
}

fn prove(repo: &Repo) -> anyhow::Result<Vec<Done>> {
    heading("verify");
    let weeks = Weeks::load(repo)?;
    let request = Request {
        proofs: Proof::ALL.to_vec(),
        week: None,
        bug: None,
        fresh: false,
        slot_count: default_slot_count(),
    };
    let checks = verify::run(repo, &weeks, &request)?;
    verify::print_summary(&checks);
    let done = checks.into_iter().map(|check| Done {
        name: format!("verify {} · {}", check.proof.name(), check.subject),
        passed: check.holds(),
        took: check.took.unwrap_or_default(),
    });
    Ok(done.collect())
}

fn heading(name: &str) {
    anstream::println!("\n{}", paint(BOLD, format!("── {name} ")));
}
