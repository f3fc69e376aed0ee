//! The command line: one subcommand a file in [`cmd`].

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::cmd;
use crate::repo::Repo;
use crate::style;

/// Builds a database with you, one stone on top of the other.
///
/// Without a command: the board. It shows every week and day, what is done, and the next step.
#[derive(Debug, Parser)]
#[command(
    name = "cargo x",
    bin_name = "cargo x",
    version,
    styles = style::HELP,
    after_help = EXIT_STATUS
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_STATUS: &str = "\
Weeks go by any of their names: week03, 3, sstable, week03-sstable.

Exit status: 0 good · 1 the answer is no (tests red, files out of sync) · 2 wrong usage, or it could
not be carried out · 130 interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a week's tests, day by day
    Test(cmd::test::Args),
    /// A hint for the test that fails first
    Hint(cmd::hint::Args),
    /// Your code beside the reference
    Diff(cmd::diff::Args),
    /// One item of the reference
    Show(cmd::show::Args),
    /// The untouched skeleton back; what you had is kept
    Reset(cmd::reset::Args),
    /// Choose whose earlier weeks you stand on: the reference's or your own
    Base(cmd::base::Args),
    /// A day's experiment on your own code: a figure, its data, a sentence
    Lab(cmd::lab::Args),
    /// Your code's speed beside the reference's
    Bench(cmd::bench::Args),
    /// Build the guide, or serve it
    Book(cmd::book::Args),
    /// The newest open week's shell
    Run(cmd::run::Args),
    /// Check that everything the course needs is there
    Doctor(cmd::doctor::Args),
    /// For maintainers: prove that the course works
    Verify(cmd::verify::Args),
    /// For maintainers: write the learner's files from the solutions
    Skeleton(cmd::skeleton::Args),
    /// For maintainers: all that the continuous integration checks
    Ci(cmd::ci::Args),
}

/// What a command found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All is good: exit status 0.
    Yes,
    /// A test is red, a file out of sync: exit status 1.
    No,
}

/// Runs the command that the command line names.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(error) => {
            style::error(&error);
            ExitCode::from(2)
        }
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<Answer> {
    let repo = &Repo::find()?;
    let Some(command) = cli.command else {
        return cmd::board::run(repo);
    };
    match command {
        Command::Test(args) => cmd::test::run(repo, args),
        Command::Hint(args) => cmd::hint::run(repo, args),
        Command::Diff(args) => cmd::diff::run(repo, args),
        Command::Show(args) => cmd::show::run(repo, args),
        Command::Reset(args) => cmd::reset::run(repo, args),
        Command::Base(args) => cmd::base::run(repo, args),
        Command::Lab(args) => cmd::lab::run(repo, args),
        Command::Bench(args) => cmd::bench::run(repo, args),
        Command::Book(args) => cmd::book::run(repo, args),
        Command::Run(args) => cmd::run::run(repo, args),
        Command::Doctor(args) => cmd::doctor::run(repo, args),
        Command::Verify(args) => cmd::verify::run(repo, args),
        Command::Skeleton(args) => cmd::skeleton::run(repo, args),
        Command::Ci(args) => cmd::ci::run(repo, args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:"), "`{}` has no example", command.get_name());
        }
    }
}
