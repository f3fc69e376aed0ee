//! `cargo x base`: whose earlier weeks you stand on.

use anyhow::bail;

use crate::backup::Backup;
use crate::cli::{Answer, Subcommand, word};
use crate::rebase::{Stone, rebase, standing};
use crate::repo::{self, Repo};
use crate::style::{BOLD, CODE, DIM, paint};
use crate::week::{Week, Weeks};

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "base",
    about: "Choose whose earlier weeks you stand on: the reference's or your own",
    help: "\
Chooses whose earlier weeks the later ones stand on: the reference's, or your own.

`cargo x base week03` puts the reference in the place of your weeks 1 and 2, so that week 3 is
open to you whatever became of them. Your code stays where it is: only lines of the root
`Cargo.toml` change, and `cargo x base mine` changes them back. Without an argument it says how
things are.

Examples:
  cargo x base              what you stand on now
  cargo x base week03       weeks 1 and 2 are the reference's
  cargo x base mine         all weeks are your own",
    arguments: || {
        vec![word("week", "WEEK", "The first week that is your own, or `mine` if all are")]
    },
    read: |given| {
        let args = Args { week: given.remove_one("week") };
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug)]
struct Args {
    week: Option<String>,
}

/// Runs the command.
fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    let weeks = Weeks::load(repo)?;
    let stones = stones(&weeks);
    let manifest_path = repo.root.join("Cargo.toml");
    let manifest = repo::read(&manifest_path)?;
    if let Some(typed) = &args.week {
        let count = match typed.as_str() {
            "mine" => 0,
            typed => weeks.find(typed)?.number as usize - 1,
        };
        let text = rebase(&manifest, &stones, count)?;
        if text != manifest {
            let mut backup = Backup::new(repo);
            backup.replace(&manifest_path, &text)?;
            backup.report();
        }
    }
    print_state(&weeks, &stones, &repo::read(&manifest_path)?)
}

/// The weeks that later weeks stand on: all but the last.
pub(crate) fn stones(weeks: &Weeks) -> Vec<Stone> {
    let last = weeks.0.last().map_or(0, |week| week.number);
    let stone = |week: &Week| Stone { name: week.name.clone(), dir: week.dir_name.clone() };
    let earlier = weeks.0.iter().filter(|week| week.number != last);
    earlier.map(stone).collect()
}

fn print_state(weeks: &Weeks, stones: &[Stone], manifest: &str) -> anyhow::Result<Answer> {
    let standing = standing(manifest, stones)?;
    let reference_count = standing.iter().take_while(|is| **is).count();
    if standing[reference_count..].contains(&true) {
        bail!(
            "Cargo.toml mixes the reference's weeks and yours; types of both do not go together\n  \
             put it right with `cargo x base mine` or `cargo x base week{:02}`",
            standing.iter().rposition(|is| *is).unwrap_or(0) + 2
        );
    }
    for (week, of_reference) in weeks.0.iter().zip(&standing) {
        let (whose, dir) = match of_reference {
            true => ("the reference's", format!("solutions/{}", week.dir_name)),
            false => ("your own", week.dir_name.clone()),
        };
        anstream::println!("  {}  {whose:<16} {}", paint(BOLD, week.label()), paint(DIM, dir));
    }
    if reference_count > 0 {
        anstream::println!("Back to your own: {}", paint(CODE, "cargo x base mine"));
    }
    Ok(Answer::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, MANIFEST};

    fn base(fixture: &Fixture, week: Option<&str>) -> anyhow::Result<Answer> {
        run(&fixture.repo, Args { week: week.map(str::to_owned) })
    }

    #[test]
    fn the_reference_comes_in_and_goes_out_again() {
        let fixture = Fixture::new();
        base(&fixture, Some("week02")).unwrap();
        let based = fixture.read("Cargo.toml");
        let line = "wal = { path = \"solutions/week01-wal\", package = \"week01-wal-solution\" } # the log";
        assert!(based.contains(line), "{based}");
        base(&fixture, Some("mine")).unwrap();
        assert_eq!(fixture.read("Cargo.toml"), MANIFEST, "there and back changes nothing");
        fixture.assert_kept(&[("Cargo.toml", MANIFEST), ("Cargo.toml", &based)]);
    }

    #[test]
    fn asking_changes_nothing() {
        let fixture = Fixture::new();
        base(&fixture, None).unwrap();
        base(&fixture, Some("week01")).unwrap();
        assert_eq!(fixture.read("Cargo.toml"), MANIFEST);
        fixture.assert_kept(&[]);
    }

    #[test]
    fn a_manifest_that_is_not_understood_is_left_alone() {
        let fixture = Fixture::new();
        let strange = MANIFEST.replace("wal = {", "log = {");
        fixture.write("Cargo.toml", &strange);
        let error = base(&fixture, Some("week02")).unwrap_err().to_string();
        assert!(error.contains("no line `wal = { … }`"), "{error}");
        assert_eq!(fixture.read("Cargo.toml"), strange);
    }
}
