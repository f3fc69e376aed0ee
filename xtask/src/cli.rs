//! The command line: one [`Subcommand`] a file in [`cmd`].

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::cmd;
use crate::repo::Repo;
use crate::style;

const ABOUT: &str = "Builds a database with you, one stone on top of the other";

const BOARD: &str = "\
Without a command: the board. It shows every week and day, what is done, and the next step.";

const EXIT_STATUS: &str = "\
Weeks go by any of their names: week03, 3, sstable, week03-sstable.

Exit status: 0 good · 1 the answer is no (tests red, files out of sync) · 2 wrong usage, or it could
not be carried out · 130 interrupted";

/// All subcommands, in the order of the help.
const SUBCOMMANDS: [Subcommand; 14] = [
    cmd::test::COMMAND,
    cmd::hint::COMMAND,
    cmd::diff::COMMAND,
    cmd::show::COMMAND,
    cmd::reset::COMMAND,
    cmd::base::COMMAND,
    cmd::lab::COMMAND,
    cmd::bench::COMMAND,
    cmd::book::COMMAND,
    cmd::run::COMMAND,
    cmd::doctor::COMMAND,
    cmd::verify::COMMAND,
    cmd::skeleton::COMMAND,
    cmd::ci::COMMAND,
];

/// A subcommand: what the help says of it, what it understands, and what it does.
pub(crate) struct Subcommand {
    /// What one types.
    pub(crate) name: &'static str,
    /// One line for the list of all.
    pub(crate) about: &'static str,
    /// What stands below its own help: more words, and examples.
    pub(crate) help: &'static str,
    /// What may stand behind its name.
    pub(crate) arguments: fn() -> Vec<Arg>,
    /// Takes what does stand there; what is then to do is left to the caller.
    pub(crate) read: fn(&mut ArgMatches) -> Job,
}

/// Carries a command out.
pub(crate) type Job = Box<dyn FnOnce(&Repo) -> anyhow::Result<Answer>>;

/// What a command found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All is good: exit status 0.
    Yes,
    /// A test is red, a file out of sync: exit status 1.
    No,
}

/// A word that may stand behind the command, such as a week.
pub(crate) fn word(name: &'static str, shown: &'static str, help: &'static str) -> Arg {
    Arg::new(name).value_name(shown).help(help)
}

/// A week that must be named.
pub(crate) fn week() -> Arg {
    word("week", "WEEK", "The week: week01, 1 or wal").required(true)
}

/// `--name` with a value.
pub(crate) fn option(name: &'static str, shown: &'static str, help: &'static str) -> Arg {
    word(name, shown, help).long(name)
}

/// `--name`, given or not.
pub(crate) fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// Runs the command that the command line names.
pub(crate) fn main() -> ExitCode {
    let job = job(command().get_matches());
    match Repo::find().and_then(|repo| job(&repo)) {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(error) => {
            style::error(&error);
            ExitCode::from(2)
        }
    }
}

fn command() -> Command {
    let command = Command::new("cargo x").bin_name("cargo x").version(env!("CARGO_PKG_VERSION"));
    let command = command.styles(style::HELP).after_help(EXIT_STATUS);
    let command = command.about(ABOUT).long_about(format!("{ABOUT}.\n\n{BOARD}"));
    command.subcommands(SUBCOMMANDS.iter().map(|subcommand| {
        let command = Command::new(subcommand.name).about(subcommand.about);
        command.after_help(subcommand.help).args((subcommand.arguments)())
    }))
}

/// What the words on the command line ask for.
fn job(given: ArgMatches) -> Job {
    let mut given = given;
    let Some((name, mut given)) = given.remove_subcommand() else {
        return Box::new(cmd::board::run);
    };
    let named = SUBCOMMANDS.iter().find(|subcommand| subcommand.name == name);
    (named.expect("no other is declared").read)(&mut given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn every_example_in_the_help_is_understood() {
        for subcommand in SUBCOMMANDS {
            let (_, examples) = subcommand.help.split_once("Examples:\n").expect(subcommand.name);
            for line in examples.lines() {
                let (_, typed) = line.split_once("cargo x ").expect(line);
                let typed = typed.split("  ").next().expect("always one").split_whitespace();
                let given = command().try_get_matches_from(["cargo x"].into_iter().chain(typed));
                let given = given.unwrap_or_else(|error| panic!("{line}: {error}"));
                assert_eq!(given.subcommand_name(), Some(subcommand.name), "{line}");
                // Asks for every argument by its name: one that is not declared is a panic.
                let _job = job(given);
            }
        }
    }
}
