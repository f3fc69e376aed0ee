//! `cargo x book`: the guide.

use crate::cargo::{cargo, wait};
use crate::cli::Answer;
use crate::repo::Repo;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Serves the guide on this machine, and reloads the page when a chapter changes.

The first time builds the program that builds the book, which takes a minute or two. The guide
itself then needs no network.

Examples:
  cargo x book --open      serve it and open the browser
  cargo x book --build     write it to book/out, to be read without a server
  cargo x book --check     links, figures, listings and the parts of each chapter")]
pub(crate) struct Args {
    /// Open the browser
    #[arg(long)]
    open: bool,
    /// Write it to book/out and leave
    #[arg(long, conflicts_with_all = ["open", "check"])]
    build: bool,
    /// Build it and check all that a program can see
    #[arg(long, conflicts_with = "open")]
    check: bool,
}

/// Runs the command.
pub(crate) fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    let verb: &[&str] = match (args.build, args.check, args.open) {
        (true, _, _) => &["build"],
        (_, true, _) => &["check"],
        (_, _, true) => &["serve", "--open"],
        (false, false, false) => &["serve"],
    };
    let mut command = cargo(&repo.root);
    command.args(["run", "--quiet", "--manifest-path", "book/Cargo.toml", "--"]);
    let status = wait(command.args(verb))?;
    Ok(if status.success() { Answer::Yes } else { Answer::No })
}
