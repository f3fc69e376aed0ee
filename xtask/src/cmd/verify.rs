//! `cargo x verify`: proves that the course works.

use anyhow::ensure;
use clap::value_parser;

use crate::cli::{Answer, Subcommand, flag, option, word};
use crate::nearest::unknown;
use crate::repo::Repo;
use crate::verify::{self, Proof, Request};
use crate::week::{Week, Weeks};

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "verify",
    about: "For maintainers: prove that the course works",
    help: "\
Proves that the course works: all six proofs of all open weeks, or those you name.

  sync    the learner's files are what the solution gives; manifests name every target; every
          bug of the zoo has its place
  green   every test passes on the solution
  red     every test fails without its day's code
  days    every test passes with the days up to its own, and needs no later one
  zoo     every plausible wrong solution is caught on its day
  book    the guide is whole, and so are hints and sizes of days

Examples:
  cargo x verify                                everything
  cargo x verify days week01                    one proof of one week
  cargo x verify zoo week01 --bug torn_tail     one bug of the zoo",
    arguments: || {
        const SLOTS: &str = "How many trees to build and run at a time; as many as there are cores \
                             unless given";
        vec![
            word("what", "PROOF | WEEK", "Proofs and a week, in any order").num_args(1..),
            option("bug", "NAME", "Of the zoo, this bug only"),
            flag("fresh", "Prove again what was proved before with the same files"),
            option("slots", "N", SLOTS).value_parser(value_parser!(usize)),
        ]
    },
    read: |given| {
        let args = Args {
            what: given.remove_many("what").map(Iterator::collect).unwrap_or_default(),
            bug: given.remove_one("bug"),
            fresh: given.get_flag("fresh"),
            slots: given.remove_one("slots"),
        };
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug)]
struct Args {
    what: Vec<String>,
    bug: Option<String>,
    fresh: bool,
    slots: Option<usize>,
}

/// More trees at a time than this wait for the disk, not for a core.
const SLOTS_MAX: usize = 8;

/// Runs the command.
fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    let weeks = Weeks::load(repo)?;
    let request = request(&weeks, args)?;
    let checks = verify::run(repo, &weeks, &request)?;
    verify::print_summary(&checks);
    let all_hold = checks.iter().all(verify::Check::holds);
    Ok(if all_hold { Answer::Yes } else { Answer::No })
}

/// How many trees fit this machine.
pub(crate) fn default_slot_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(SLOTS_MAX)
}

fn request(weeks: &Weeks, args: Args) -> anyhow::Result<Request> {
    let mut proofs = Vec::new();
    let mut week = None;
    for word in &args.what {
        if let Some(proof) = Proof::ALL.into_iter().find(|proof| proof.name() == word) {
            proofs.push(proof);
        } else if weeks.find(word).is_ok() {
            let named = weeks.find_open(word)?;
            ensure!(
                week.is_none_or(|other| other == named.number),
                "two weeks are named, and one is proved at a time: leave one out, or both for all"
            );
            week = Some(named.number);
        } else {
            let labels: Vec<String> = weeks.open().map(Week::label).collect();
            let names = Proof::ALL.iter().map(|proof| proof.name());
            return Err(unknown(
                "proof or week",
                word,
                names.chain(labels.iter().map(String::as_str)),
            ));
        }
    }
    if args.bug.is_some() && proofs.is_empty() {
        proofs.push(Proof::Zoo);
    }
    ensure!(args.bug.is_none() || proofs == [Proof::Zoo], "--bug goes with the proof `zoo` alone");
    if proofs.is_empty() {
        proofs = Proof::ALL.to_vec();
    }
    let slot_count = args.slots.unwrap_or_else(default_slot_count).max(1);
    Ok(Request { proofs, week, bug: args.bug, fresh: args.fresh, slot_count })
}
