//! `cargo x bench`.

use crate::cli::Answer;
use crate::repo::Repo;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo x bench week01")]
pub(crate) struct Args {
    /// The week: week01, 1 or wal
    week: String,
    /// Beside real engines, too
    #[arg(long)]
    peers: bool,
}

/// Runs the command.
pub(crate) fn run(_repo: &Repo, _args: Args) -> anyhow::Result<Answer> {
    anyhow::bail!("`cargo x bench` is not here yet")
}
