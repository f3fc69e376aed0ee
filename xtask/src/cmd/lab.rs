//! `cargo x lab`.

use crate::cli::Answer;
use crate::repo::Repo;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo x lab week01 records")]
pub(crate) struct Args {
    /// The week: week01, 1 or wal
    week: String,
    /// The experiment
    experiment: Option<String>,
}

/// Runs the command.
pub(crate) fn run(_repo: &Repo, _args: Args) -> anyhow::Result<Answer> {
    anyhow::bail!("`cargo x lab` is not here yet")
}
