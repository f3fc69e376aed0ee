//! `cargo x hint`.

use crate::cli::Answer;
use crate::repo::Repo;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo x hint week01")]
pub(crate) struct Args {
    /// The week: week01, 1 or wal
    week: String,
}

/// Runs the command.
pub(crate) fn run(_repo: &Repo, _args: Args) -> anyhow::Result<Answer> {
    anyhow::bail!("`cargo x hint` is not here yet")
}
