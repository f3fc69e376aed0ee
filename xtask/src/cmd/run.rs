//! `cargo x run`.

use crate::cli::Answer;
use crate::repo::Repo;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo x run")]
pub(crate) struct Args {
    /// Arguments for the shell
    #[arg(last = true)]
    args: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(_repo: &Repo, _args: Args) -> anyhow::Result<Answer> {
    anyhow::bail!("`cargo x run` is not here yet")
}
