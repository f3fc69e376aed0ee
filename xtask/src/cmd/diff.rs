//! `cargo x diff`.

use crate::cli::Answer;
use crate::repo::Repo;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo x diff week01 src/record.rs")]
pub(crate) struct Args {
    /// The week: week01, 1 or wal
    week: String,
    /// A file below the week, e.g. src/record.rs
    file: Option<String>,
}

/// Runs the command.
pub(crate) fn run(_repo: &Repo, _args: Args) -> anyhow::Result<Answer> {
    anyhow::bail!("`cargo x diff` is not here yet")
}
