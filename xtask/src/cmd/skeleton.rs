//! `cargo x skeleton`: the learner's files, written from the solutions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jzon::JsonValue;

use crate::backup::Backup;
use crate::cli::{Answer, Subcommand, flag};
use crate::repo::{self, Repo};
use crate::results::hash;
use crate::source::Source;
use crate::style::{self, BAD, CODE, DIM, GOOD, paint};
use crate::week::{Week, Weeks};

/// The command.
pub(crate) const COMMAND: Subcommand = Subcommand {
    name: "skeleton",
    about: "For maintainers: write the learner's files from the solutions",
    help: "\
A file that you have changed is left alone, unless you say --force; then it is kept in .x/backup.

Examples:
  cargo x skeleton              write every week's src from solutions/
  cargo x skeleton --check      say what differs, and write nothing",
    arguments: || {
        vec![
            flag("check", "Write nothing; exit with 1 if a file is not what the solutions give")
                .conflicts_with("force"),
            flag(
                "force",
                "Write over files with changes of their own, and keep these in .x/backup",
            ),
        ]
    },
    read: |given| {
        let args = Args { check: given.get_flag("check"), force: given.get_flag("force") };
        Box::new(move |repo| run(repo, args))
    },
};

#[derive(Debug)]
struct Args {
    check: bool,
    force: bool,
}

/// How a learner's file compares with what its solution gives.
#[derive(Debug, PartialEq, Eq)]
enum State {
    /// The same bytes.
    InSync,
    /// Nothing there yet.
    Missing,
    /// Something else, which this command wrote, now or at the last commit.
    Outdated,
    /// Something else, which someone has worked on.
    Changed,
    /// A file whose source is gone.
    Orphan,
}

struct File {
    path: PathBuf,
    state: State,
    /// What the solution gives; nothing for an orphan.
    skeleton: String,
}

/// Runs the command.
fn run(repo: &Repo, args: Args) -> anyhow::Result<Answer> {
    let weeks = Weeks::load(repo)?;
    let mut written = Written::load(repo)?;
    let mut files = Vec::new();
    for week in &weeks.0 {
        files.extend(compare(repo, week, &written)?);
    }
    if args.check { check(repo, &files) } else { write(repo, &args, files, &mut written) }
}

/// What of a week is not what the solution gives, one line a file.
pub(crate) fn differences(repo: &Repo, week: &Week) -> anyhow::Result<Vec<String>> {
    let files = compare(repo, week, &Written::load(repo)?)?;
    Ok(files.iter().filter_map(|file| file.problem(repo)).collect())
}

impl File {
    /// What is wrong with it, if anything is.
    fn problem(&self, repo: &Repo) -> Option<String> {
        let what = match self.state {
            State::InSync => return None,
            State::Missing => "is missing",
            State::Orphan => "has no source in solutions/ any more: remove it",
            State::Outdated | State::Changed => "is not what solutions/ gives",
        };
        Some(format!("{} {what}", repo.shown(&self.path)))
    }
}

fn check(repo: &Repo, files: &[File]) -> anyhow::Result<Answer> {
    let wrong: Vec<String> = files.iter().filter_map(|file| file.problem(repo)).collect();
    for problem in &wrong {
        anstream::println!("{} {problem}", paint(BAD, style::FAILED));
    }
    if wrong.is_empty() {
        let count = files.len();
        anstream::println!(
            "{} {count} files are what solutions/ gives",
            paint(GOOD, style::PASSED)
        );
        return Ok(Answer::Yes);
    }
    anstream::println!("write them with {}", paint(CODE, "cargo x skeleton"));
    Ok(Answer::No)
}

fn write(
    repo: &Repo,
    args: &Args,
    files: Vec<File>,
    written: &mut Written,
) -> anyhow::Result<Answer> {
    let mut backup = Backup::new(repo);
    let (mut written_count, mut left_count) = (0, 0);
    for file in files {
        let shown = repo.shown(&file.path);
        match file.state {
            State::InSync => {}
            State::Orphan => {
                anstream::println!("{shown} has no source in solutions/ any more: remove it");
                left_count += 1;
                continue;
            }
            State::Changed if !args.force => {
                anstream::println!("{shown} has changes of its own: left alone");
                left_count += 1;
                continue;
            }
            State::Missing | State::Outdated | State::Changed => {
                if file.state == State::Changed {
                    backup.keep(&file.path)?;
                }
                repo::write(&file.path, &file.skeleton)?;
                anstream::println!("{} {}", paint(DIM, "wrote"), shown);
                written_count += 1;
            }
        }
        written.note(repo, &file.path, &file.skeleton);
    }
    written.save(repo)?;
    if let Some(dir) = backup.kept_in() {
        anstream::println!("what was there is kept in {}", repo.shown(dir));
    }
    if written_count == 0 && left_count == 0 {
        anstream::println!("nothing to do: all files are what solutions/ gives");
    }
    Ok(if left_count == 0 { Answer::Yes } else { Answer::No })
}

/// All files of a week, as they are and as they should be.
fn compare(repo: &Repo, week: &Week, written: &Written) -> anyhow::Result<Vec<File>> {
    let source_dir = repo.solution_dir(&week.dir_name).join("src");
    let target_dir = repo.week_dir(&week.dir_name).join("src");
    let sources: BTreeSet<PathBuf> = repo::files_below(&source_dir, "rs")?.into_iter().collect();
    let mut files = Vec::new();
    for relative in &sources {
        let source = source_dir.join(relative);
        let path = target_dir.join(relative);
        let skeleton = skeleton(repo, week, &source, &repo::read(&source)?)?;
        let state = match path.is_file() {
            false => State::Missing,
            true => {
                let text = repo::read(&path)?;
                if text == skeleton {
                    State::InSync
                } else if written.has(repo, &path, &text)
                    || as_committed(repo, week, &source, &text)
                {
                    State::Outdated
                } else {
                    State::Changed
                }
            }
        };
        files.push(File { path, state, skeleton });
    }
    for relative in repo::files_below(&target_dir, "rs")? {
        if !sources.contains(&relative) {
            let path = target_dir.join(relative);
            files.push(File { path, state: State::Orphan, skeleton: String::new() });
        }
    }
    Ok(files)
}

fn skeleton(repo: &Repo, week: &Week, path: &Path, text: &str) -> anyhow::Result<String> {
    let shown = PathBuf::from(repo.shown(path));
    Ok(Source::parse(&shown, text, &week.unit_ids())?.skeleton())
}

/// Whether `text` is what the solution as last committed gives: then it holds nothing of a
/// learner's, and only the solution has moved on.
fn as_committed(repo: &Repo, week: &Week, source: &Path, text: &str) -> bool {
    let mut git = std::process::Command::new("git");
    git.arg("-C").arg(&repo.root).arg("show").arg(format!("HEAD:{}", repo.shown(source)));
    let Ok(output) = git.output() else { return false };
    let Ok(committed) = String::from_utf8(output.stdout) else { return false };
    output.status.success()
        && skeleton(repo, week, source, &committed).is_ok_and(|skeleton| skeleton == text)
}

/// What this command wrote last, as a hash for each file: `.x/skeleton.json`.
struct Written(BTreeMap<String, String>);

impl Written {
    fn path(repo: &Repo) -> PathBuf {
        repo.state_dir().join("skeleton.json")
    }

    fn load(repo: &Repo) -> anyhow::Result<Written> {
        let path = Written::path(repo);
        if !path.is_file() {
            return Ok(Written(BTreeMap::new()));
        }
        let damaged = || format!("{} is damaged", path.display());
        let written = jzon::parse(&repo::read(&path)?).with_context(damaged)?;
        let hashes =
            written.entries().map(|(file, hash)| Some((file.into(), hash.as_str()?.into())));
        let hashes: Option<BTreeMap<String, String>> = hashes.collect();
        Ok(Written(hashes.with_context(damaged)?))
    }

    fn has(&self, repo: &Repo, path: &Path, text: &str) -> bool {
        self.0.get(&repo.shown(path)) == Some(&hash([text.as_bytes()]))
    }

    fn note(&mut self, repo: &Repo, path: &Path, text: &str) {
        self.0.insert(repo.shown(path), hash([text.as_bytes()]));
    }

    fn save(&self, repo: &Repo) -> anyhow::Result<()> {
        repo::write(&Written::path(repo), JsonValue::from(self.0.clone()).pretty(2))
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const SOLUTION: &str = "\
fn encode() -> u32 {
    // ANCHOR: day1_encode
    7
    // ANCHOR_END: day1_encode
}
";
    const SKELETON: &str = "fn encode() -> u32 {\n    todo!(\"day 1: encode\")\n}\n";
    const WEEK: &str = "number = 1\nname = 'wal'\ntitle = ''\npromise = ''\nopen = true\n\
                        [[day]]\nid = 'day1'\ntitle = ''\nidea = ''\npoints = 100\n";

    struct Course {
        _dir: TempDir,
        repo: Repo,
    }

    impl Course {
        fn new() -> Course {
            let dir = tempfile::tempdir().unwrap();
            let repo = Repo { root: dir.path().to_path_buf() };
            let course = Course { _dir: dir, repo };
            course.write("week01-wal/week.toml", WEEK);
            course.write("solutions/week01-wal/src/record.rs", SOLUTION);
            course
        }

        fn write(&self, path: &str, text: &str) {
            repo::write(&self.repo.root.join(path), text).unwrap();
        }

        fn learners(&self) -> String {
            repo::read(&self.repo.root.join("week01-wal/src/record.rs")).unwrap()
        }

        fn run(&self, check: bool, force: bool) -> Answer {
            run(&self.repo, Args { check, force }).unwrap()
        }
    }

    #[test]
    fn what_is_missing_is_written_and_then_in_sync() {
        let course = Course::new();
        assert_eq!(course.run(true, false), Answer::No);
        assert_eq!(course.run(false, false), Answer::Yes);
        assert_eq!(course.learners(), SKELETON);
        assert_eq!(course.run(true, false), Answer::Yes);
    }

    #[test]
    fn what_this_command_wrote_follows_the_solution() {
        let course = Course::new();
        course.run(false, false);
        course.write("solutions/week01-wal/src/record.rs", &SOLUTION.replace("u32", "u64"));
        assert_eq!(course.run(false, false), Answer::Yes);
        assert_eq!(course.learners(), SKELETON.replace("u32", "u64"));
    }

    #[test]
    fn a_learners_work_is_left_alone_and_kept_when_forced() {
        let course = Course::new();
        course.run(false, false);
        let work = SKELETON.replace("todo!(\"day 1: encode\")", "8");
        course.write("week01-wal/src/record.rs", &work);
        assert_eq!(course.run(false, false), Answer::No);
        assert_eq!(course.learners(), work);

        assert_eq!(course.run(false, true), Answer::Yes);
        assert_eq!(course.learners(), SKELETON);
        let backups = course.repo.state_dir().join("backup");
        let kept = repo::files_below(&backups, "rs").unwrap();
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert_eq!(repo::read(&backups.join(&kept[0])).unwrap(), work);
    }

    #[test]
    fn a_file_whose_source_is_gone_is_reported() {
        let course = Course::new();
        course.run(false, false);
        course.write("week01-wal/src/old.rs", "");
        assert_eq!(course.run(true, false), Answer::No);
    }
}
