//! `cargo x reset`.

use crate::cli::Answer;
use crate::repo::Repo;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo x reset week01 --day 2")]
pub(crate) struct Args {
    /// The week: week01, 1 or wal
    week: String,
    /// Only this day's files
    #[arg(long)]
    day: Option<String>,
}

/// Runs the command.
pub(crate) fn run(_repo: &Repo, _args: Args) -> anyhow::Result<Answer> {
    anyhow::bail!("`cargo x reset` is not here yet")
}
