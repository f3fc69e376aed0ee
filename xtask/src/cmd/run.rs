//! `cargo x run`: the shell of the newest open week that has a store.

use anyhow::{Context as _, bail};

use crate::cargo::{cargo, wait};
use crate::cli::{Answer, Subcommand, flag, word};
use crate::repo::Repo;
use crate::week::{Week, Weeks};

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "run",
    about: "The newest store, as a shell",
    help: "\
Starts the database that the course has built so far: a shell, nothing to install.

It runs on the reference's code, so that you can try the finished thing before you have written
a line of it. `--mine` runs the same shell on your code.

Examples:
  cargo x run                       the newest week's shell
  cargo x run week01 --mine         on your own code
  echo 'put a 1' | cargo x run      commands from a pipe
  cargo x run -- --help             what the shell itself understands",
    arguments: || {
        vec![
            word("week", "WEEK", "The week; the newest that has a store unless given"),
            flag("mine", "On your own code"),
            flag("release", "Built to run fast: worth the wait for a million commands"),
            word("args", "ARGS", "Arguments for the shell").last(true).num_args(1..),
        ]
    },
    read: |given| {
        let args = Args {
            week: given.remove_one("week"),
            mine: given.get_flag("mine"),
            release: given.get_flag("release"),
            args: given.remove_many("args").map(Iterator::collect).unwrap_or_default(),
        };
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug)]
struct Args {
    week: Option<String>,
    mine: bool,
    release: bool,
    args: Vec<String>,
}

/// Runs the command.
fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    let weeks = Weeks::load(repo)?;
    let has_shell =
        |week: &&Week| repo.week_dir(&week.dir_name).join("examples/shell.rs").is_file();
    let newest = weeks.open().filter(has_shell).last().context("no open week has a shell yet")?;
    let week = match &args.week {
        Some(name) => weeks.find_open(name)?,
        None => newest,
    };
    if !has_shell(&week) {
        bail!(
            "{} has no store yet, and so no shell: `cargo x run {}` has the newest",
            week.label(),
            newest.dir_name.split('-').next().unwrap_or(&newest.dir_name)
        );
    }
    let (workspace, package) = match args.mine {
        true => (repo.root.clone(), week.dir_name.clone()),
        false => (repo.solutions(), week.solution_package()),
    };
    // In the caller's directory, so that the paths typed there mean what they say.
    let mut command = cargo(&std::env::current_dir()?);
    // Its line editor is behind a feature, so that no test waits for it.
    command.args(["run", "--example", "shell", "--features", "shell", "--package", &package]);
    command.arg("--manifest-path").arg(workspace.join("Cargo.toml"));
    // The first time takes a while, and cargo then says what it does. Later it has nothing to say.
    let profile = if args.release { "release" } else { "debug" };
    if workspace.join("target").join(profile).join("examples").is_dir() {
        command.arg("--quiet");
    }
    if args.release {
        command.arg("--release");
    }
    let status = wait(command.arg("--").args(&args.args))?;
    Ok(if status.success() { Answer::Yes } else { Answer::No })
}
