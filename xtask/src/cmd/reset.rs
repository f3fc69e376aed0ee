//! `cargo x reset`: the untouched skeleton back.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::backup::Backup;
use crate::cli::{Answer, Subcommand, option, week, word};
use crate::holes::{functions_around, put_back};
use crate::reference::{self, Reference};
use crate::repo::{self, Repo};
use crate::style::{CODE, DIM, paint};
use crate::week::{Unit, Week, Weeks};

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "reset",
    about: "The untouched skeleton back; what you had is kept",
    help: "\
Gives you the untouched skeleton back. What you had is kept, and the command says where.

With `--day`, only the functions that hold that day's holes; your other functions, helpers and
imports in the same file stay. Files that you added stay as well.

Examples:
  cargo x reset week01                the whole week
  cargo x reset week01 record.rs      one file
  cargo x reset week01 --day 2        the functions of day 2",
    arguments: || {
        vec![
            week(),
            word("file", "FILE", "A file of the week: record.rs or src/record.rs"),
            option("day", "DAY", "Only the functions of this day"),
        ]
    },
    read: |given| {
        let args = Args {
            week: given.remove_one("week").expect("required"),
            file: given.remove_one("file"),
            day: given.remove_one("day"),
        };
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug)]
struct Args {
    week: String,
    file: Option<String>,
    day: Option<String>,
}

/// One file to be written.
struct Change {
    path: PathBuf,
    text: String,
    /// What is put back, for the reader.
    what: String,
}

/// Runs the command.
fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    let weeks = Weeks::load(repo)?;
    let week = weeks.find_open(&args.week)?;
    let unit = args.day.as_deref().map(|day| week.unit(day)).transpose()?;
    let mut files = Reference::of_week(repo, week)?;
    if let Some(typed) = &args.file {
        let path = reference::find(&files, week, typed)?.path.clone();
        files.retain(|file| file.path == path);
    }
    // Everything is worked out before anything is written: an error changes nothing.
    let changes = changes(repo, week, &files, unit)?;
    if changes.is_empty() {
        println!("Nothing to do: this is the skeleton.");
        return Ok(Answer::Yes);
    }
    let mut backup = Backup::new(repo);
    for change in &changes {
        backup.replace(&change.path, &change.text)?;
        let shown = repo.shown(&change.path);
        anstream::println!("  {shown}  {}", paint(DIM, &change.what));
    }
    backup.report();
    let again = format!("cargo x test {}", week.label());
    anstream::println!("Next: {}", paint(CODE, again));
    Ok(Answer::Yes)
}

fn changes(
    repo: &Repo,
    week: &Week,
    files: &[Reference],
    unit: Option<&Unit>,
) -> anyhow::Result<Vec<Change>> {
    let src = repo.week_dir(&week.dir_name).join("src");
    let mut changes = Vec::new();
    for file in files {
        let path = src.join(&file.path);
        let skeleton = file.source.skeleton();
        let mine = match path.exists() {
            true => Some(repo::read(&path)?),
            false => None,
        };
        let (text, what) = match (unit, &mine) {
            (Some(unit), _) if !file.has_hole_of(&unit.id) => continue,
            (Some(unit), Some(mine)) => {
                let (text, names) = for_unit(file, unit, mine, &skeleton)
                    .with_context(|| refusal(repo, week, file, &path))?;
                (text, names.join(", "))
            }
            (_, None) => (skeleton, "the file was gone".to_owned()),
            (None, Some(_)) => (skeleton, "the whole file".to_owned()),
        };
        if mine.as_deref() != Some(&text) {
            changes.push(Change { path, text, what });
        }
    }
    if let (Some(unit), [file]) = (unit, files)
        && !file.has_hole_of(&unit.id)
    {
        bail!("{} has nothing of {}", file.shown(), unit.label());
    }
    Ok(changes)
}

/// The learner's file with the functions of `unit` as in the skeleton, and their names.
fn for_unit(
    file: &Reference,
    unit: &Unit,
    mine: &str,
    skeleton: &str,
) -> anyhow::Result<(String, Vec<String>)> {
    let regions: Vec<_> = file
        .source
        .regions()
        .filter(|region| region.unit() == Some(&unit.id))
        .map(|region| region.first_line - 1..region.last_line)
        .collect();
    let functions = functions_around(&file.text, &regions)?;
    // A function inside of a hidden region is the reference's own: no skeleton has it.
    let in_skeleton = crate::items::items(skeleton)?;
    let functions: Vec<_> = functions
        .into_iter()
        .filter(|f| in_skeleton.iter().any(|item| item.is_the_same_as(f)))
        .collect();
    let names = functions.iter().map(crate::items::Item::name).collect();
    Ok((put_back(mine, skeleton, &functions)?, names))
}

fn refusal(repo: &Repo, week: &Week, file: &Reference, path: &std::path::Path) -> String {
    format!(
        "cannot find its way around in {}; nothing was changed\n  mend it by hand, or take the \
         whole file back (yours is kept): cargo x reset {} {}\n  the reason",
        repo.shown(path),
        week.label(),
        file.shown(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, SKELETON};

    const LOG: &str = "week01-wal/src/log.rs";
    const MINE: &str = "\
//! The log, as I see it.

use std::mem;

/// Appends.
pub fn append(log: &mut Vec<u8>, byte: u8) {
    log.push(mem::take(&mut { byte }));
}

/// Syncs.
pub fn sync(log: &[u8]) -> usize {
    my_flush(log)
}

fn my_flush(log: &[u8]) -> usize {
    log.len()
}
";

    fn reset(fixture: &Fixture, file: Option<&str>, day: Option<&str>) -> anyhow::Result<Answer> {
        let args =
            Args { week: "1".into(), file: file.map(str::to_owned), day: day.map(str::to_owned) };
        run(&fixture.repo, args)
    }

    #[test]
    fn a_week_comes_back_whole_and_what_was_there_is_kept() {
        let fixture = Fixture::new();
        fixture.write(LOG, MINE);
        fixture.write("week01-wal/src/notes.rs", "// mine alone");
        std::fs::remove_file(fixture.repo.root.join("week01-wal/src/given.rs")).unwrap();
        reset(&fixture, None, None).unwrap();
        assert_eq!(fixture.read(LOG), SKELETON);
        assert_eq!(fixture.read("week01-wal/src/given.rs"), "//! Given.\n");
        assert_eq!(fixture.read("week01-wal/src/notes.rs"), "// mine alone");
        fixture.assert_kept(&[(LOG, MINE)]);
    }

    #[test]
    fn a_day_comes_back_and_the_rest_of_the_file_stays() {
        let fixture = Fixture::new();
        fixture.write(LOG, MINE);
        reset(&fixture, None, Some("2")).unwrap();
        let want = MINE.replace("    my_flush(log)\n", "    todo!(\"day 2: sync\")\n");
        assert_eq!(fixture.read(LOG), want);
        fixture.assert_kept(&[(LOG, MINE)]);
    }

    #[test]
    fn the_skeleton_is_left_alone_and_nothing_is_kept() {
        let fixture = Fixture::new();
        for (file, day) in [(None, None), (Some("log"), None), (None, Some("1"))] {
            assert_eq!(reset(&fixture, file, day).unwrap(), Answer::Yes);
        }
        fixture.assert_kept(&[]);
    }

    #[test]
    fn a_file_that_does_not_parse_is_not_guessed_at() {
        let fixture = Fixture::new();
        let broken = MINE.replace("my_flush(log)\n}", "my_flush(log\n}");
        fixture.write(LOG, &broken);
        let error = format!("{:#}", reset(&fixture, None, Some("2")).unwrap_err());
        for want in ["nothing was changed", "cargo x reset week01 src/log.rs", "line 1"] {
            assert!(error.contains(want), "the error should say {want:?}: {error}");
        }
        assert_eq!(fixture.read(LOG), broken);
        reset(&fixture, Some("src/log.rs"), None).unwrap();
        assert_eq!(fixture.read(LOG), SKELETON);
        fixture.assert_kept(&[(LOG, &broken)]);
    }

    #[test]
    fn an_error_in_one_file_changes_none() {
        let fixture = Fixture::new();
        fixture.write(
            "solutions/week01-wal/src/a.rs",
            &crate::fixture::SOLUTION.replace("//! T", "//! A t"),
        );
        fixture.write("week01-wal/src/a.rs", MINE);
        fixture.write(LOG, "fn append( {");
        reset(&fixture, None, Some("1")).unwrap_err();
        assert_eq!(fixture.read("week01-wal/src/a.rs"), MINE);
        fixture.assert_kept(&[]);
    }

    #[test]
    fn a_file_without_that_day_is_refused() {
        let fixture = Fixture::new();
        let error = reset(&fixture, Some("given.rs"), Some("1")).unwrap_err().to_string();
        assert!(error.contains("src/given.rs has nothing of day 1"), "{error}");
    }
}
