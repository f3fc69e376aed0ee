//! `cargo x verify`.

use crate::cli::Answer;
use crate::repo::Repo;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo x verify")]
pub(crate) struct Args {
    /// One proof, else all
    proof: Option<String>,
}

/// Runs the command.
pub(crate) fn run(_repo: &Repo, _args: Args) -> anyhow::Result<Answer> {
    anyhow::bail!("`cargo x verify` is not here yet")
}
