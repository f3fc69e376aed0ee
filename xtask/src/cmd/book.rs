//! `cargo x book`: the guide.

use crate::cargo::{cargo, wait};
use crate::cli::{Answer, Subcommand, flag};
use crate::repo::Repo;

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "book",
    about: "Build the guide, or serve it",
    help: "\
Serves the guide on this machine, and reloads the page when a chapter changes.

The first time builds the program that builds the book, which takes a minute or two. The guide
itself then needs no network.

Examples:
  cargo x book --open      serve it and open the browser
  cargo x book --build     write it to book/out, to be read without a server
  cargo x book --check     links, figures, listings and the parts of each chapter",
    arguments: || {
        vec![
            flag("open", "Open the browser"),
            flag("build", "Write it to book/out and leave").conflicts_with_all(["open", "check"]),
            flag("check", "Build it and check all that a program can see").conflicts_with("open"),
        ]
    },
    read: |given| {
        let args = Args {
            open: given.get_flag("open"),
            build: given.get_flag("build"),
            check: given.get_flag("check"),
        };
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug)]
struct Args {
    open: bool,
    build: bool,
    check: bool,
}

/// Runs the command.
fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    let verb: &[&str] = match (args.build, args.check, args.open) {
        (true, _, _) => &["build"],
        (_, true, _) => &["check"],
        (_, _, true) => &["serve", "--open"],
        (false, false, false) => &["serve"],
    };
    let mut command = cargo(&repo.root);
    command.args(["run", "--quiet", "--manifest-path", "book/Cargo.toml", "--"]);
    let status = wait(command.args(verb))?;
    Ok(if status.success() { Answer::Yes } else { Answer::No })
}
