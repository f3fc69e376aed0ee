//! `cargo x diff`: your code beside the reference's.

use similar::{Algorithm, ChangeTag, capture_diff_slices, group_diff_ops};

use crate::ask;
use crate::cli::{Answer, Subcommand, flag, option, week, word};
use crate::reference::{self, Reference};
use crate::repo::{self, Repo};
use crate::style::{BAD, BOLD, DIM, GOOD, paint};
use crate::week::{Unit, Week, Weeks};

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "diff",
    about: "Your code beside the reference",
    help: "\
Shows what you wrote (`-`) beside what the reference has (`+`).

Asks first while the day is not green: a solution that was read cannot be found any more.

Examples:
  cargo x diff week01 record.rs      one file
  cargo x diff week01 --day 3        the files of day 3
  cargo x diff week01 --yes          the whole week, without being asked",
    arguments: || {
        vec![
            week(),
            word("file", "FILE", "A file of the week: record.rs or src/record.rs"),
            option("day", "DAY", "The files of this day only").conflicts_with("file"),
            flag("yes", "Don't ask").short('y'),
        ]
    },
    read: |given| {
        let args = Args {
            week: given.remove_one("week").expect("required"),
            file: given.remove_one("file"),
            day: given.remove_one("day"),
            yes: given.get_flag("yes"),
        };
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug)]
struct Args {
    week: String,
    file: Option<String>,
    day: Option<String>,
    yes: bool,
}

/// Runs the command.
fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    let weeks = Weeks::load(repo)?;
    let week = weeks.find_open(&args.week)?;
    let files = Reference::of_week(repo, week)?;
    let mut chosen: Vec<&Reference> = files.iter().collect();
    if let Some(typed) = &args.file {
        chosen = vec![reference::find(&files, week, typed)?];
    }
    if let Some(day) = &args.day {
        let unit = week.unit(day)?;
        chosen.retain(|file| file.has_hole_of(&unit.id));
    }

    let mut differing = Vec::new();
    for file in chosen {
        let own = repo.week_dir(&week.dir_name).join("src").join(&file.path);
        let mine = if own.exists() { repo::read(&own)? } else { String::new() };
        let theirs = file.solved(week);
        if !mine.lines().eq(theirs.lines()) {
            differing.push((file, mine, theirs));
        }
    }
    if differing.is_empty() {
        println!("No difference: what you have is the reference.");
        return Ok(Answer::Yes);
    }
    let shown = differing.iter().map(|(file, ..)| *file);
    if !ask::may_show(repo, week, &units_of(week, shown), args.yes)? {
        return Ok(Answer::No);
    }
    for (file, mine, theirs) in &differing {
        let name = format!("{}/{}", week.dir_name, file.shown());
        anstream::print!("{}", unified(&name, mine, theirs));
    }
    Ok(Answer::Yes)
}

/// The units that have a hole in one of `files`, in the order of learning.
fn units_of<'a, 'b>(
    week: &'a Week,
    files: impl Iterator<Item = &'b Reference> + Clone,
) -> Vec<&'a Unit> {
    let in_one = |unit: &&Unit| files.clone().any(|file| file.has_hole_of(&unit.id));
    week.units().filter(in_one).collect()
}

/// How many equal lines are shown around those that differ.
const SURROUNDINGS: usize = 3;

/// The lines that differ, and a few around them.
fn unified(name: &str, mine: &str, theirs: &str) -> String {
    let title = format!("{name}   - yours  + the reference's");
    let mut out = format!("{}\n", paint(BOLD, title));
    let mine: Vec<&str> = mine.lines().collect();
    let theirs: Vec<&str> = theirs.lines().collect();
    let operations = capture_diff_slices(Algorithm::Patience, &mine, &theirs);
    for hunk in group_diff_ops(operations, SURROUNDINGS) {
        let line = hunk.first().map_or(0, |first| first.old_range().start) + 1;
        out += &format!("{}\n", paint(DIM, format!("@@ line {line} of yours")));
        for change in hunk.iter().flat_map(|operation| operation.iter_changes(&mine, &theirs)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', BAD),
                ChangeTag::Insert => ('+', GOOD),
                ChangeTag::Equal => (' ', DIM),
            };
            out += &format!("{}\n", paint(style, format!("{sign}{}", change.value())));
        }
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown_with_its_surroundings() {
        let mine: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        let theirs = mine.replace("line 10\n", "line ten\n");
        let text = anstream::adapter::strip_str(&unified("src/a.rs", &mine, &theirs)).to_string();
        assert!(text.contains("\n-line 10\n+line ten\n line 11\n"), "{text}");
        assert!(!text.contains("line 2\n") && !text.contains("line 18\n"), "{text}");
    }
}
