//! `cargo x skeleton`.

use crate::cli::Answer;
use crate::repo::Repo;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo x skeleton")]
pub(crate) struct Args {}

/// Runs the command.
pub(crate) fn run(_repo: &Repo, _args: Args) -> anyhow::Result<Answer> {
    anyhow::bail!("`cargo x skeleton` is not here yet")
}
