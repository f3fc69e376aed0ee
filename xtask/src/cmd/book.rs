//! `cargo x book`.

use crate::cli::Answer;
use crate::repo::Repo;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cargo x book --open")]
pub(crate) struct Args {
    /// Open it in the browser
    #[arg(long)]
    open: bool,
}

/// Runs the command.
pub(crate) fn run(_repo: &Repo, _args: Args) -> anyhow::Result<Answer> {
    anyhow::bail!("`cargo x book` is not here yet")
}
