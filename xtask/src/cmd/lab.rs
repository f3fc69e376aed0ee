//! `cargo x lab`: a day's experiment.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use clap::value_parser;

use crate::cargo::{cargo, wait};
use crate::chart::Chart;
use crate::cli::{Answer, Subcommand, flag, option, week, word};
use crate::nearest::unknown;
use crate::repo::{self, Repo};
use crate::style::{BOLD, CODE, DIM, paint};
use crate::week::{Unit, Week, Weeks};

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "lab",
    about: "A day's experiment on your own code: a figure, its data, a sentence",
    help: "\
Runs an experiment on your own code, and keeps a figure (SVG), its data (CSV) and a sentence.

Without the name of an experiment: which ones the week has.

Examples:
  cargo x lab week01                        which experiments there are
  cargo x lab week01 records                on your own code
  cargo x lab week01 records --reference    on the reference's",
    arguments: || {
        vec![
            week(),
            word("experiment", "EXPERIMENT", "The experiment, or its day"),
            flag("reference", "On the reference's code"),
            option("out", "DIR", "Where the files go").value_parser(value_parser!(PathBuf)),
        ]
    },
    read: |given| {
        let args = Args {
            week: given.remove_one("week").expect("required"),
            experiment: given.remove_one("experiment"),
            reference: given.get_flag("reference"),
            out: given.remove_one("out"),
        };
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug)]
struct Args {
    week: String,
    experiment: Option<String>,
    reference: bool,
    out: Option<PathBuf>,
}

/// Runs the command.
fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    let weeks = Weeks::load(repo)?;
    let week = weeks.find_open(&args.week)?;
    let Some(typed) = &args.experiment else {
        list(week);
        return Ok(Answer::Yes);
    };
    let (name, unit) = find(week, typed)?;
    let Some(printed) = measure(repo, week, unit, name, args.reference)? else {
        return Ok(Answer::No);
    };
    let chart = Chart::parse(&printed)?;
    let out = args.out.unwrap_or_else(|| repo.state_dir().join("lab"));
    let file = |extension: &str| out.join(format!("{}-{name}.{extension}", week.label()));
    repo::write(&file("csv"), chart.csv())?;
    repo::write(&file("svg"), chart.svg())?;
    anstream::println!("{}\n{}", paint(BOLD, &chart.title), chart.says);
    for extension in ["svg", "csv"] {
        anstream::println!("  {}", paint(DIM, repo.shown(&file(extension))));
    }
    Ok(Answer::Yes)
}

fn experiments(week: &Week) -> impl Iterator<Item = (&str, &Unit)> {
    week.units().filter_map(|unit| Some((unit.experiment.as_deref()?, unit)))
}

fn list(week: &Week) {
    for (name, unit) in experiments(week) {
        let command = format!("cargo x lab {} {name}", week.label());
        anstream::println!("  {:<40} {}", paint(CODE, command), paint(DIM, &unit.title));
    }
}

fn find<'a>(week: &'a Week, typed: &str) -> anyhow::Result<(&'a str, &'a Unit)> {
    let is_it = |(name, unit): &(&str, &Unit)| {
        *name == typed || unit.id == typed || unit.argument() == typed
    };
    experiments(week).find(is_it).ok_or_else(|| {
        let what = format!("experiment in {}", week.label());
        unknown(&what, typed, experiments(week).map(|(name, _)| name))
    })
}

/// What the experiment printed; none if it did not come to its end, which is then said.
fn measure(
    repo: &Repo,
    week: &Week,
    unit: &Unit,
    name: &str,
    of_reference: bool,
) -> anyhow::Result<Option<String>> {
    let (workspace, package) = match of_reference {
        true => (repo.solutions(), week.solution_package()),
        false => (repo.root.clone(), week.dir_name.clone()),
    };
    let example = format!("lab_{name}");
    let features = unit.features.join(",");
    let what = ["--release", "--package", &package, "--example", &example, "--features", &features];
    // Built first and apart, so that compiling shows its progress and what runs is quiet.
    if !wait(cargo(&workspace).arg("build").args(what))?.success() {
        return Ok(None);
    }
    let mut command = cargo(&workspace);
    command.args(["run", "--quiet"]).args(what);
    let run = command.stdin(Stdio::null()).output();
    let output = run.context("cannot start cargo")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        eprint!("{said}");
        let printed = String::from_utf8(output.stdout);
        return Ok(Some(printed.context("the experiment's output is not text")?));
    }
    if let Some(hole) = hole(&said) {
        bail!(
            "the experiment of {} needs code that is not there yet: {hole}\n  \
             the reference's figure: cargo x lab {} {name} --reference",
            unit.label(),
            week.label()
        );
    }
    eprint!("{said}");
    eprintln!("the experiment ended early: {}", output.status);
    Ok(None)
}

/// The words of the `todo!` that ended a program: `day 3: group commit`.
fn hole(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("not yet implemented: ")?;
    rest.lines().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_told_from_a_failure() {
        let panic = "thread 'main' panicked at src/a.rs:3:5:\nnot yet implemented: day 1: encode\n";
        assert_eq!(hole(panic), Some("day 1: encode"));
        assert_eq!(hole("thread 'main' panicked at src/a.rs:3:5:\noverflow\n"), None);
    }
}
