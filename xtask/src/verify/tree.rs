//! A copy of the course in which a week is solved up to some day.
//!
//! ```text
//! .x/verify/slot1/week03/Cargo.toml          the root's, with this week as its only member
//!                        .cargo/config.toml  how to build it
//!                        week03-sstable/     the learner's crate, `src` from the solution
//!                        solutions/          the weeks before, solved
//! .x/verify/slot1/target/                    what cargo built, kept from tree to tree
//! ```
//!
//! Files that already hold what they should are not touched, so that cargo builds again only what
//! changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cmd::base::stones;
use crate::rebase::rebase;
use crate::repo::{self, Repo};
use crate::week::{Unit, Week, Weeks};

/// What a tree consists of: the text of each file by its path.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    files: BTreeMap<PathBuf, Vec<u8>>,
    lock: Vec<u8>,
}

/// Directories of a crate that have no say in how it builds and tests.
const LEFT_OUT: [&str; 2] = ["src", "target"];

impl Tree {
    /// All of a tree but `src` of the week itself.
    pub(super) fn of_week(repo: &Repo, weeks: &Weeks, week: &Week) -> anyhow::Result<Tree> {
        let mut files = BTreeMap::new();
        let manifest = repo::read(&repo.root.join("Cargo.toml"))?;
        let earlier = week.number as usize - 1;
        let manifest = rebase(&manifest, &stones(weeks), earlier)?;
        let manifest = with_members(&manifest, std::slice::from_ref(&week.dir_name))?;
        files.insert("Cargo.toml".into(), manifest.into_bytes());
        files.insert(".cargo/config.toml".into(), CONFIG.into());
        let dir = PathBuf::from(&week.dir_name);
        collect(&repo.week_dir(&week.dir_name), &dir, &LEFT_OUT, &mut files)?;

        if earlier > 0 {
            let manifest = repo::read(&repo.solutions().join("Cargo.toml"))?;
            let names: Vec<String> =
                weeks.0[..earlier].iter().map(|week| week.dir_name.clone()).collect();
            let manifest = with_members(&manifest, &names)?;
            files.insert("solutions/Cargo.toml".into(), manifest.into_bytes());
            for name in names {
                let dir = Path::new("solutions").join(&name);
                collect(&repo.solution_dir(&name), &dir, &["target"], &mut files)?;
                // A solution's manifest names tests in the learner's crate.
                collect(&repo.week_dir(&name), Path::new(&name), &LEFT_OUT, &mut files)?;
            }
        }
        let lock = std::fs::read(repo.root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
        Ok(Tree { files, lock })
    }

    /// Puts `src/<path>` of `week` in, or in the place of what was there.
    pub(super) fn set_source(&mut self, week: &Week, path: &Path, text: String) {
        let path = Path::new(&week.dir_name).join("src").join(path);
        self.files.insert(path, text.into_bytes());
    }

    /// Leaves the tests of all units but this one out of the gate: who asks for one day need not
    /// wait until the others are compiled.
    pub(super) fn keep_tests_of(&mut self, week: &Week, unit: &Unit) -> anyhow::Result<()> {
        let path = Path::new(&week.dir_name).join("tests/days/main.rs");
        let main = self.files.get_mut(&path).context("the gate has no tests/days/main.rs")?;
        let text = std::str::from_utf8(main).context("tests/days/main.rs is no text")?;
        let others = week.units().filter(|other| other.id != unit.id);
        let others: Vec<String> = others.map(|other| format!("mod {};", other.id)).collect();
        let kept =
            text.split_inclusive('\n').filter(|line| !others.iter().any(|o| o == line.trim()));
        *main = kept.collect::<String>().into_bytes();
        Ok(())
    }

    /// Lets the code of this tree's members ask the C library, which takes `unsafe`.
    pub(super) fn allow_unsafe(&mut self) -> anyhow::Result<()> {
        let manifest = self.files.get_mut(Path::new("Cargo.toml")).context("no manifest")?;
        let text = std::str::from_utf8(manifest).context("the manifest is no text")?;
        *manifest =
            text.replace("unsafe_code = \"forbid\"", "unsafe_code = \"allow\"").into_bytes();
        Ok(())
    }

    /// All files, for a fingerprint.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        let files = self.files.iter().map(|(path, bytes)| (path.as_path(), bytes.as_slice()));
        files.chain([(Path::new("Cargo.lock"), self.lock.as_slice())])
    }

    /// Makes `dir` hold this tree and no other file of source.
    pub(super) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let mut there = BTreeMap::new();
        collect(dir, Path::new(""), &["target"], &mut there)?;
        for path in there.keys() {
            let tools = path == Path::new("Cargo.lock") || path == Path::new(LOCK_COPY);
            if !self.files.contains_key(path) && !tools {
                std::fs::remove_file(dir.join(path))?;
            }
        }
        for (path, bytes) in &self.files {
            if there.get(path) != Some(bytes) {
                repo::write(&dir.join(path), bytes)?;
            }
        }
        // Cargo drops from the lock file what one week does not need. Compared is what it was given.
        if there.get(Path::new(LOCK_COPY)) != Some(&self.lock) {
            repo::write(&dir.join("Cargo.lock"), &self.lock)?;
            repo::write(&dir.join(LOCK_COPY), &self.lock)?;
        }
        Ok(())
    }
}

const LOCK_COPY: &str = "Cargo.lock.given";

/// Nobody will debug a tree, and debug information is a good part of the time to link.
const CONFIG: &str = "[profile.dev]\ndebug = false\n";

/// `manifest` with these members of its workspace.
fn with_members(manifest: &str, members: &[String]) -> anyhow::Result<String> {
    let list = "members = [";
    let begin = manifest.find(list).context("the manifest names no members")? + list.len();
    let length = manifest[begin..].find(']').context("the list of members has no end")?;
    let mut out = manifest.to_owned();
    let quoted: Vec<String> = members.iter().map(|name| format!("{name:?}")).collect();
    out.replace_range(begin..begin + length, &quoted.join(", "));
    Ok(out)
}

/// Adds all files below `from`, under `to`, but for the directories `left_out` right below it.
fn collect(
    from: &Path,
    to: &Path,
    left_out: &[&str],
    files: &mut BTreeMap<PathBuf, Vec<u8>>,
) -> anyhow::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    for entry in
        std::fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?
    {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if !left_out.iter().any(|left_out| name == *left_out) {
                collect(&path, &to.join(&name), &[], files)?;
            }
        } else {
            let bytes = std::fs::read(&path);
            let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(to.join(&name), bytes);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let files = files.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().into()));
        Tree { files: files.collect(), lock: b"lock".into() }
    }

    #[test]
    fn what_is_right_is_not_touched_and_what_is_gone_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        tree(&[("src/a.rs", "a"), ("src/b.rs", "b")]).write(dir.path()).unwrap();
        let modified = |name: &str| dir.path().join(name).metadata().unwrap().modified().unwrap();
        let before = modified("src/a.rs");
        repo::write(&dir.path().join("target/kept"), "kept").unwrap();
        repo::write(&dir.path().join("Cargo.lock"), "pruned by cargo").unwrap();
        tree(&[("src/a.rs", "a"), ("src/c.rs", "c")]).write(dir.path()).unwrap();
        assert_eq!(modified("src/a.rs"), before, "a file that is right should not be written");
        assert!(!dir.path().join("src/b.rs").exists(), "b belongs to the tree before");
        assert!(dir.path().join("target/kept").exists(), "what cargo built stays");
        let lock = repo::read(&dir.path().join("Cargo.lock")).unwrap();
        assert_eq!(lock, "pruned by cargo", "what cargo made of the lock file stays");
    }

    #[test]
    fn the_tests_of_other_units_are_left_out() {
        let day = |n| format!("[[day]]\nid='day{n}'\ntitle=''\nidea=''\npoints=50\n");
        let head = "number=1\nname='wal'\ntitle=''\npromise=''\nopen=true\n";
        let week = Week::parse("week01-wal", &format!("{head}{}{}", day(1), day(2))).unwrap();
        let mut tree =
            tree(&[("week01-wal/tests/days/main.rs", "mod day1;\nmod day2;\nmod log;\n")]);
        tree.keep_tests_of(&week, week.units().nth(1).unwrap()).unwrap();
        let (_, main) = tree.files().next().unwrap();
        assert_eq!(String::from_utf8_lossy(main), "mod day2;\nmod log;\n");
    }

    #[test]
    fn only_the_members_change() {
        let manifest = "[workspace]\nmembers = [\n  \"a\",\n  \"b\",\n]\nexclude = [\"c\"]\n";
        let want = "[workspace]\nmembers = [\"b\"]\nexclude = [\"c\"]\n";
        assert_eq!(with_members(manifest, &["b".to_owned()]).unwrap(), want);
    }
}
