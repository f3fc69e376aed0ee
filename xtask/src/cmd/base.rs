//! `cargo x base`.

use crate::cli::Answer;
use crate::repo::Repo;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo x base week03")]
pub(crate) struct Args {
    /// The week to stand ready for, or `mine`
    week: String,
}

/// Runs the command.
pub(crate) fn run(_repo: &Repo, _args: Args) -> anyhow::Result<Answer> {
    anyhow::bail!("`cargo x base` is not here yet")
}
