//! `cargo x ci`: all that must hold for a change to be good.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::cargo::{cargo, wait};
use crate::cli::{Answer, Subcommand, flag, option};
use crate::cmd::verify::default_slot_count;
use crate::gate::Gate;
use crate::repo::Repo;
use crate::runner::Report;
use crate::style::{self, BAD, BOLD, DIM, FAILED, GOOD, PASSED, paint};
use crate::verify::{self, Proof, Request, targets};
use crate::week::Weeks;

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "ci",
    about: "For maintainers: all that the continuous integration checks",
    help: "\
Runs all that the continuous integration checks: formatting, lints, documentation, the tests of
the solutions, of this tool and of the book's, and every proof of `cargo x verify`.

All steps run, whatever fails; the last line counts: `N passed, N failed`.

Examples:
  cargo x ci
  cargo x ci --only clippy        the steps with `clippy` in their name
  cargo x ci --learner            only your own days, as far as they are written",
    arguments: || {
        vec![
            flag(
                "learner",
                "Only the tests of your own weeks: what is not started yet is no failure",
            )
            .conflicts_with("only"),
            option("only", "PART", "Only the steps with this in their name"),
        ]
    },
    read: |given| {
        let args = Args { learner: given.get_flag("learner"), only: given.remove_one("only") };
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug)]
struct Args {
    learner: bool,
    only: Option<String>,
}

/// The workspaces: the learner's with this tool, the reference's, the guide's.
const WORKSPACES: [(&str, &str); 3] =
    [("the course", "."), ("the solutions", "solutions"), ("the book", "book")];

/// One run of cargo.
struct Step {
    name: String,
    dir: &'static str,
    arguments: Vec<String>,
    environment: &'static [(&'static str, &'static str)],
}

/// What came of a step, or of one check of `verify`.
struct Done {
    name: String,
    passed: bool,
    is_proof: bool,
    took: Duration,
}

/// Runs the command.
fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    if args.learner {
        return learner(repo);
    }
    let begun = Instant::now();
    let chosen = |name: &str| args.only.as_ref().is_none_or(|part| name.contains(part.as_str()));
    let mut done = Vec::new();
    for step in steps(repo)? {
        if chosen(&step.name) {
            done.push(perform(repo, step));
        }
    }
    if chosen("verify") {
        done.extend(prove(repo));
    }
    let failed = done.iter().filter(|done| !done.passed).count();
    heading("summary");
    // The proofs that hold have a table of their own, above.
    let is_told = |done: &&Done| !done.passed || !done.is_proof;
    for Done { name, passed, took, .. } in done.iter().filter(is_told) {
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
        let Some(mut gate) = Gate::open(repo, week, week.units())? else {
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

fn steps(repo: &Repo) -> anyhow::Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut all = |what: &str, arguments: &[&str], environment| {
        for (whose, dir) in WORKSPACES {
            let name = format!("{what} · {whose}");
            let arguments = arguments.iter().map(|text| (*text).to_owned()).collect();
            steps.push(Step { name, dir, arguments, environment });
        }
    };
    all("locked dependencies", &["fetch", "--locked", "--quiet"], &[]);
    all("formatting", &["fmt", "--all", "--check"], &[]);
    let clippy = "clippy --workspace --all-targets --all-features --quiet -- -D warnings";
    all("clippy", &clippy.split(' ').collect::<Vec<_>>(), &[]);
    let doc = ["doc", "--workspace", "--no-deps", "--quiet"];
    all("documentation", &doc, &[("RUSTDOCFLAGS", "-D warnings")]);
    let mut tests = |what: &str, dir, arguments: Vec<String>| {
        let name = format!("tests · {what}");
        let first = ["test", "--quiet"].map(str::to_owned);
        let arguments = first.into_iter().chain(arguments).collect();
        steps.push(Step { name, dir, arguments, environment: &[] });
    };
    tests("of the solutions, but the gates", "solutions", beside_the_gates(repo)?);
    let packages = Weeks::load(repo)?.0.into_iter().map(|week| week.solution_package());
    let packages = packages.flat_map(|package| ["--package".to_owned(), package]);
    let arguments = ["--doc".to_owned()].into_iter().chain(packages).collect();
    tests("the solutions' documentation", "solutions", arguments);
    tests("this tool", ".", vec!["--package".into(), "xtask".into()]);
    tests("the book's program", "book", Vec::new());
    Ok(steps)
}

/// The tests of the solutions that are no gate. The gates run in `verify`, each test in a process
/// of its own, as it does for a learner.
fn beside_the_gates(repo: &Repo) -> anyhow::Result<Vec<String>> {
    let kinds = ["--workspace", "--all-features", "--lib", "--bins", "--examples"];
    let mut arguments = kinds.map(str::to_owned).to_vec();
    for week in Weeks::load(repo)?.open() {
        let dir = repo.week_dir(&week.dir_name).join("tests");
        for name in targets(&dir)? {
            if name != "days" {
                arguments.extend(["--test".to_owned(), name]);
            }
        }
    }
    Ok(arguments)
}

fn perform(repo: &Repo, step: Step) -> Done {
    heading(&step.name);
    let begun = Instant::now();
    let mut command = cargo(&repo.root.join(step.dir));
    command.args(&step.arguments).envs(step.environment.iter().copied());
    let passed = match wait(&mut command) {
        Ok(status) => status.success(),
        Err(error) => {
            style::error(&error);
            false
        }
    };
    if !passed {
        let command = format!("cargo {}", step.arguments.join(" "));
        anstream::println!("{} {command}   (in {})", paint(BAD, FAILED), step.dir);
    }
    Done { name: step.name, passed, is_proof: false, took: begun.elapsed() }
}

fn prove(repo: &Repo) -> Vec<Done> {
    heading("verify");
    let begun = Instant::now();
    let request = Request {
        proofs: Proof::ALL.to_vec(),
        week: None,
        bug: None,
        fresh: false,
        slot_count: default_slot_count(),
    };
    match Weeks::load(repo).and_then(|weeks| verify::run(repo, &weeks, &request)) {
        Ok(checks) => {
            verify::print_summary(&checks);
            let done = checks.into_iter().map(|check| Done {
                name: format!("verify {} · {}", check.proof.name(), check.subject),
                passed: check.holds(),
                is_proof: true,
                took: check.took.unwrap_or_default(),
            });
            done.collect()
        }
        Err(error) => {
            style::error(&error);
            let (name, took) = ("verify".to_owned(), begun.elapsed());
            vec![Done { name, passed: false, is_proof: true, took }]
        }
    }
}

fn heading(name: &str) {
    anstream::println!("\n{}", paint(BOLD, format!("── {name} ")));
}
