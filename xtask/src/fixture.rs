//! A course of two days and one file, in a directory of its own, for the tests of commands that
//! write into a learner's files.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::repo::{self, Repo};

pub(crate) const SOLUTION: &str = "\
//! The log.

/// Appends.
pub fn append(log: &mut Vec<u8>, byte: u8) {
    // ANCHOR: day1_append
    // At the end.
    log.push(byte);
    // ANCHOR_END: day1_append
}

// ANCHOR: hidden_day2_flush
fn flush(_log: &[u8]) {}
// ANCHOR_END: hidden_day2_flush

/// Syncs.
pub fn sync(log: &[u8]) -> usize {
    // ANCHOR: day2_sync
    flush(log);
    log.len()
    // ANCHOR_END: day2_sync
}
";

pub(crate) const SKELETON: &str = "\
//! The log.

/// Appends.
pub fn append(log: &mut Vec<u8>, byte: u8) {
    // At the end.
    todo!(\"day 1: append\")
}

/// Syncs.
pub fn sync(log: &[u8]) -> usize {
    todo!(\"day 2: sync\")
}
";

const WEEK: &str = "\
number = 1
name = \"wal\"
title = \"The log\"
promise = \"It holds.\"
open = true
[[day]]
id = \"day1\"
title = \"One\"
idea = \"One.\"
points = 50
[[day]]
id = \"day2\"
title = \"Two\"
idea = \"Two.\"
points = 50
";

const LATER_WEEK: &str = "\
number = 2
name = \"memtable\"
title = \"Memory\"
promise = \"It is fast.\"
open = false
day = []
";

pub(crate) const MANIFEST: &str = "\
[workspace]
members = [\"week01-wal\", \"week02-memtable\", \"xtask\"]

[workspace.dependencies]
wal = { path = \"week01-wal\", package = \"week01-wal\" } # the log
";

/// A repository that goes away with this value.
pub(crate) struct Fixture {
    pub(crate) repo: Repo,
    _dir: TempDir,
}

impl Fixture {
    /// The untouched course.
    pub(crate) fn new() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let fixture = Fixture { repo: Repo { root: dir.path().to_path_buf() }, _dir: dir };
        fixture.write("Cargo.toml", MANIFEST);
        fixture.write("week01-wal/week.toml", WEEK);
        fixture.write("week02-memtable/week.toml", LATER_WEEK);
        fixture.write("solutions/week01-wal/src/log.rs", SOLUTION);
        fixture.write("solutions/week01-wal/src/given.rs", "//! Given.\n");
        fixture.write("week01-wal/src/log.rs", SKELETON);
        fixture.write("week01-wal/src/given.rs", "//! Given.\n");
        fixture
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        repo::write(&self.repo.root.join(path), text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        repo::read(&self.repo.root.join(path)).unwrap()
    }

    /// What is below `.x/backup`, whatever the time: paths within one backup, and their text.
    pub(crate) fn kept(&self) -> Vec<(PathBuf, String)> {
        let base = self.repo.state_dir().join("backup");
        let mut kept = Vec::new();
        let mut dirs = vec![base.clone()];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    dirs.push(path);
                } else {
                    let within = path.strip_prefix(&base).unwrap().components().skip(1);
                    kept.push((within.collect(), repo::read(&path).unwrap()));
                }
            }
        }
        kept.sort();
        kept
    }

    /// Asserts that exactly this is kept.
    #[track_caller]
    pub(crate) fn assert_kept(&self, want: &[(&str, &str)]) {
        let kept = self.kept();
        let kept: Vec<(&Path, &str)> =
            kept.iter().map(|(p, t)| (p.as_path(), t.as_str())).collect();
        let mut want: Vec<_> = want.iter().map(|(p, t)| (Path::new(p), *t)).collect();
        want.sort();
        assert_eq!(kept, want, "what was replaced, and only that, should be in .x/backup");
    }
}
