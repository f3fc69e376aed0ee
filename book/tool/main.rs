//! Builds, serves and checks the guide. `cargo x book` calls this.

mod book;
mod check;
mod expand;
mod facts;
mod serve;
mod summary;
mod warnings;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::book::Guide;

/// Builds, serves and checks the guide.
#[derive(Parser)]
#[command(
    name = "cairn-book",
    after_help = "Exit status: 0 good, 1 the guide has problems, 2 wrong usage."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Writes the guide as a folder of pages that need no server and no network
    Build {
        /// Where to: a new or empty folder, or an earlier guide [default: book/out]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Serves the guide on this machine and reloads the page when a file changes
    Serve {
        /// Opens the browser
        #[arg(long)]
        open: bool,
        /// The port to listen on; the next free one if it is taken
        #[arg(long, default_value_t = 3000)]
        port: u16,
    },
    /// Builds the guide and checks its links, figures, listings and chapters
    #[command(alias = "test")]
    Check,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.verb) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<ExitCode> {
    let guide = Guide::here();
    match verb {
        Verb::Build { out } => {
            let out = guide.build(out.as_deref())?;
            println!("the guide is in {}", out.display());
            Ok(warnings::status())
        }
        Verb::Serve { open, port } => serve::run(&guide, port, open),
        Verb::Check => check::run(&guide),
    }
}
