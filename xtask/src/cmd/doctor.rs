//! `cargo x doctor`: is everything there that the course needs?

mod checks;

use anstyle::Style;

use crate::cli::{Answer, Subcommand};
use crate::repo::Repo;
use crate::style::{self, BAD, DIM, GOOD, WARN, paint};

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "doctor",
    about: "Check that everything the course needs is there",
    help: "\
Examples:
  cargo x doctor",
    arguments: Vec::new,
    read: |_| Box::new(run),
};

/// What a check found, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    state: State,
    /// What was found, as a sentence without an end.
    what: String,
    /// How to get what is missing; empty if nothing is.
    advice: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// The course can be worked on, but something will be amiss.
    Amiss,
    /// The course cannot be worked on.
    Bad,
}

impl Finding {
    fn good(what: impl Into<String>) -> Finding {
        Finding { state: State::Good, what: what.into(), advice: String::new() }
    }

    fn amiss(what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { state: State::Amiss, what: what.into(), advice: advice.into() }
    }

    fn bad(what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { state: State::Bad, what: what.into(), advice: advice.into() }
    }

    fn print(&self) {
        let (style, glyph): (Style, &str) = match self.state {
            State::Good => (GOOD, style::PASSED),
            State::Amiss => (WARN, "!"),
            State::Bad => (BAD, style::FAILED),
        };
        anstream::println!("{} {}", paint(style, glyph), self.what);
        for line in self.advice.lines() {
            anstream::println!("    {}", paint(DIM, line));
        }
    }
}

/// Runs every check and prints what it found.
fn run(repo: &Repo) -> anyhow::Result<Answer> {
    let mut answer = Answer::Yes;
    for check in checks::ALL {
        let finding = check(repo);
        finding.print();
        if finding.state == State::Bad {
            answer = Answer::No;
        }
    }
    Ok(answer)
}

/// Prints what we can add to cargo's words when a build has failed for a reason outside of the
/// code. Silent if it failed for the code.
pub(crate) fn explain(repo: &Repo, said: &str) {
    for (words, check) in checks::BY_SYMPTOM {
        if words.iter().any(|word| said.contains(word)) {
            let finding = check(repo);
            if finding.state != State::Good {
                finding.print();
            }
        }
    }
}
