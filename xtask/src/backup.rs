//! Nothing of the learner's is ever lost: what a command replaces is kept first.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;

use crate::repo::Repo;

/// A directory `.x/backup/<time>` that takes what is about to be replaced.
///
/// It comes into being with the first file kept, so that a command which replaces nothing leaves
/// nothing behind.
#[derive(Debug)]
pub(crate) struct Backup<'a> {
    repo: &'a Repo,
    dir: PathBuf,
    kept: usize,
}

impl<'a> Backup<'a> {
    /// A backup named by the present time (UTC), and by a number if there is one already.
    pub(crate) fn new(repo: &'a Repo) -> Backup<'a> {
        let base = repo.state_dir().join("backup");
        let now = timestamp(SystemTime::now());
        let names = std::iter::once(now.clone()).chain((2..).map(|n| format!("{now}-{n}")));
        let dir = names.map(|name| base.join(name)).find(|dir| !dir.exists());
        Backup { repo, dir: dir.expect("names never run out"), kept: 0 }
    }

    /// Copies the file `path` of the repository into the backup, under its own relative path.
    pub(crate) fn keep(&mut self, path: &Path) -> anyhow::Result<()> {
        let relative = path.strip_prefix(&self.repo.root).unwrap_or(path);
        let target = self.dir.join(relative);
        let parent = target.parent().expect("a file has a directory");
        std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot make {}", parent.display()))?;
        std::fs::copy(path, &target)
            .with_context(|| format!("cannot keep {} as {}", path.display(), target.display()))?;
        self.kept += 1;
        Ok(())
    }

    /// Writes `text` to `path`, after what stood there was kept.
    ///
    /// # Errors
    ///
    /// After an error the file at `path` is what it was.
    pub(crate) fn replace(&mut self, path: &Path, text: &str) -> anyhow::Result<()> {
        if path.exists() {
            self.keep(path)?;
        }
        let draft = path.with_extension("draft");
        crate::repo::write(&draft, text)?;
        std::fs::rename(&draft, path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Says where the files went, if any were kept.
    pub(crate) fn report(&self) {
        if let Some(dir) = self.kept_in() {
            println!("What you had is in {}", self.repo.shown(dir));
        }
    }

    /// Where the files went, if any were kept.
    pub(crate) fn kept_in(&self) -> Option<&Path> {
        (self.kept > 0).then_some(self.dir.as_path())
    }
}

/// `2027-01-31T10-20-30Z`: sorts by time, and is a file name on every system.
pub(crate) fn timestamp(time: SystemTime) -> String {
    let since_1970_s = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, s) = (since_1970_s / 86_400, since_1970_s % 86_400);
    let (year, month, day) = civil(days);
    let (h, min, s) = (s / 3600, s / 60 % 60, s % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}-{min:02}-{s:02}Z")
}

/// Year, month and day of the `days`-th day since 1970-01-01, in the Gregorian calendar.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let leap = |y: u64| (y.is_multiple_of(4) && !y.is_multiple_of(100)) || y.is_multiple_of(400);
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_is_written_in_the_calendar_of_everyone() {
        let at = |s| timestamp(UNIX_EPOCH + Duration::from_secs(s));
        assert_eq!(at(0), "1970-01-01T00-00-00Z");
        assert_eq!(at(951_782_399), "2000-02-28T23-59-59Z");
        assert_eq!(at(951_868_799), "2000-02-29T23-59-59Z");
        assert_eq!(at(1_798_761_600), "2027-01-01T00-00-00Z");
    }

    #[test]
    fn what_is_replaced_is_kept_under_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repo { root: dir.path().to_path_buf() };
        let file = dir.path().join("week01-wal/src/a.rs");
        let mut backup = Backup::new(&repo);
        backup.replace(&file, "new file").unwrap();
        assert_eq!(backup.kept_in(), None, "there was nothing to keep");
        backup.replace(&file, "newer").unwrap();
        let kept = backup.kept_in().unwrap().join("week01-wal/src/a.rs");
        assert_eq!(std::fs::read_to_string(kept).unwrap(), "new file");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "newer");
        assert!(!file.with_extension("draft").exists());
    }

    #[test]
    fn two_backups_of_one_second_do_not_meet() {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repo { root: dir.path().to_path_buf() };
        let file = dir.path().join("a.rs");
        std::fs::write(&file, "one").unwrap();
        let mut first = Backup::new(&repo);
        assert_eq!(first.kept_in(), None);
        first.keep(&file).unwrap();
        std::fs::write(&file, "two").unwrap();
        let mut second = Backup::new(&repo);
        second.keep(&file).unwrap();
        let text = |backup: &Backup<'_>| {
            std::fs::read_to_string(backup.kept_in().unwrap().join("a.rs")).unwrap()
        };
        assert_eq!((text(&first), text(&second)), ("one".to_owned(), "two".to_owned()));
    }
}
