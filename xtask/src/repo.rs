//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The course's repository.
#[derive(Debug, Clone)]
pub(crate) struct Repo {
    /// The top directory, absolute.
    pub(crate) root: PathBuf,
}

impl Repo {
    /// The repository that the current directory is in.
    pub(crate) fn find() -> anyhow::Result<Repo> {
        let here = std::env::current_dir().context("cannot tell the current directory")?;
        let root = here
            .ancestors()
            .find(|dir| dir.join("xtask/Cargo.toml").is_file() && dir.join("week01-wal").is_dir())
            .with_context(|| format!("{} is not inside of the course", here.display()))?;
        Ok(Repo { root: root.to_path_buf() })
    }

    /// The learner's crate of a week, by its directory's name: `week01-wal`.
    pub(crate) fn week_dir(&self, dir_name: &str) -> PathBuf {
        self.root.join(dir_name)
    }

    /// The second workspace, in which everything is solved.
    pub(crate) fn solutions(&self) -> PathBuf {
        self.root.join("solutions")
    }

    /// The reference's crate of a week.
    pub(crate) fn solution_dir(&self, dir_name: &str) -> PathBuf {
        self.solutions().join(dir_name)
    }

    /// All that the tool remembers; ignored by git.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.root.join(".x")
    }

    /// The learner's build directory.
    pub(crate) fn target_dir(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => self.root.join(dir),
            None => self.root.join("target"),
        }
    }

    /// `path` as a reader at the top directory would write it, with `/` on every system.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        path.to_string_lossy().replace('\\', "/")
    }
}

/// All files below `dir` with this extension, sorted, relative to `dir`. None if `dir` is not
/// there.
pub(crate) fn files_below(dir: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(next) = dirs.pop() {
        if !next.is_dir() {
            continue;
        }
        let entries =
            std::fs::read_dir(&next).with_context(|| format!("cannot list {}", next.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("cannot list {}", next.display()))?.path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                files.push(path.strip_prefix(dir).expect("listed below `dir`").to_path_buf());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The text of `path`.
pub(crate) fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Makes `path` hold `text`, with the directories above it.
pub(crate) fn write(path: &Path, text: impl AsRef<[u8]>) -> anyhow::Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
