//! `cargo x show`: one item of the reference.

use std::ops::Range;

use crate::ask;
use crate::cli::{Answer, Subcommand, flag, week, word};
use crate::items::{Item, items};
use crate::nearest::unknown;
use crate::reference::Reference;
use crate::repo::Repo;
use crate::style::{DIM, paint};
use crate::week::{Unit, Week, Weeks};

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "show",
    about: "One item of the reference",
    help: "\
Shows how the reference wrote one function, method or type.

Asks first while the day it belongs to is not green.

Examples:
  cargo x show week01 encode               every function of this name
  cargo x show week01 LogWriter::append    a method
  cargo x show week01 Drop::drop           the implementations of a trait",
    arguments: || {
        vec![
            week(),
            word(
                "item",
                "ITEM",
                "A function, a method, a type, a constant: encode, LogWriter::append",
            )
            .required(true),
            flag("yes", "Don't ask").short('y'),
        ]
    },
    read: |given| {
        let args = Args {
            week: given.remove_one("week").expect("required"),
            item: given.remove_one("item").expect("required"),
            yes: given.get_flag("yes"),
        };
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug)]
struct Args {
    week: String,
    item: String,
    yes: bool,
}

/// An item, where it stands and what it says.
struct Found<'a> {
    item: Item,
    units: Vec<&'a Unit>,
    place: String,
    text: String,
}

/// Runs the command.
fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    let weeks = Weeks::load(repo)?;
    let week = weeks.find_open(&args.week)?;
    let query = args.item.trim_end_matches("()");
    let mut found = Vec::new();
    let mut names = Vec::new();
    for file in Reference::of_week(repo, week)? {
        for candidate in all(repo, week, &file)? {
            names.push(candidate.item.name());
            names.extend(candidate.item.path.last().cloned());
            if candidate.item.answers_to(query) {
                found.push(candidate);
            }
        }
    }
    if found.is_empty() {
        names.sort();
        names.dedup();
        let what = format!("item in the reference of {}", week.label());
        return Err(unknown(&what, query, names.iter().map(String::as_str)));
    }
    let mut units: Vec<&Unit> = Vec::new();
    for unit in found.iter().flat_map(|f| &f.units) {
        if !units.iter().any(|u| u.id == unit.id) {
            units.push(unit);
        }
    }
    if !ask::may_show(repo, week, &units, args.yes)? {
        return Ok(Answer::No);
    }
    for Found { place, text, .. } in &found {
        anstream::println!("{}", paint(DIM, place));
        println!("{text}");
    }
    Ok(Answer::Yes)
}

/// All items of `file`, their text without the marks.
fn all<'a>(repo: &Repo, week: &'a Week, file: &Reference) -> anyhow::Result<Vec<Found<'a>>> {
    let src = repo.solution_dir(&week.dir_name).join("src");
    let shown = repo.shown(&src.join(&file.path));
    // Marks are comments, so both texts have the same items in the same order.
    let solved = file.solved(week);
    let lines: Vec<&str> = solved.split_inclusive('\n').collect();
    let marked = items(&file.text)?;
    let plain = items(&solved)?;
    assert_eq!(marked.len(), plain.len(), "{shown}: dropping the marks changed the items");
    let pairs = marked.into_iter().zip(plain);
    Ok(pairs
        .map(|(item, plain)| Found {
            units: units_within(week, file, &item.lines),
            place: format!("{shown}:{}", item.lines.start + 1),
            text: lines[plain.lines].concat(),
            item,
        })
        .collect())
}

/// The units that have a region on `lines` (counted from 0) of the marked file.
fn units_within<'a>(week: &'a Week, file: &Reference, lines: &Range<usize>) -> Vec<&'a Unit> {
    let touches = |unit: &&Unit| {
        file.source.regions().any(|region| {
            region.unit() == Some(&unit.id)
                && region.first_line <= lines.end
                && region.last_line > lines.start
        })
    };
    week.units().filter(touches).collect()
}
