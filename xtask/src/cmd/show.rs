//! `cargo x show`.

use crate::cli::Answer;
use crate::repo::Repo;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo x show week01 encode")]
pub(crate) struct Args {
    /// The week: week01, 1 or wal
    week: String,
    /// A function, type or file
    item: String,
}

/// Runs the command.
pub(crate) fn run(_repo: &Repo, _args: Args) -> anyhow::Result<Answer> {
    anyhow::bail!("`cargo x show` is not here yet")
}
