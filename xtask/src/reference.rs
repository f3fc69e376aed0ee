//! A week's solution, file by file, and its counterparts on the learner's side.

use std::path::{Path, PathBuf};

use crate::nearest::unknown;
use crate::repo::{self, Repo};
use crate::source::Source;
use crate::week::Week;

/// One file of a week's solution.
#[derive(Debug)]
pub(crate) struct Reference {
    /// Relative to `src`, as in the learner's crate.
    pub(crate) path: PathBuf,
    /// As it stands in `solutions/`, marks and all.
    pub(crate) text: String,
    /// The same, split at its marks.
    pub(crate) source: Source,
}

impl Reference {
    /// All files of `week`, sorted by path.
    pub(crate) fn of_week(repo: &Repo, week: &Week) -> anyhow::Result<Vec<Reference>> {
        let src = repo.solution_dir(&week.dir_name).join("src");
        let units = week.unit_ids();
        let load = |path: PathBuf| {
            let text = repo::read(&src.join(&path))?;
            let shown = repo.shown(&src.join(&path));
            let source = Source::parse(Path::new(&shown), &text, &units)?;
            Ok(Reference { path, text, source })
        };
        let paths = repo::files_below(&src, "rs")?;
        paths.into_iter().map(load).collect()
    }

    /// The file without its marks: what a learner's would be if it were the same.
    pub(crate) fn solved(&self, week: &Week) -> String {
        self.source.up_to(&week.unit_ids())
    }

    /// Whether the learner has something to write here on `unit`.
    pub(crate) fn has_hole_of(&self, unit: &str) -> bool {
        self.source.regions().any(|region| region.unit() == Some(unit))
    }

    /// The path as one would write it: `src/record.rs`.
    pub(crate) fn shown(&self) -> String {
        format!("src/{}", slashed(&self.path))
    }
}

/// The file of `files` that `typed` names: `record.rs`, `src/record.rs`, `week01-wal/src/record.rs`
/// or `record`.
pub(crate) fn find<'a>(
    files: &'a [Reference],
    week: &Week,
    typed: &str,
) -> anyhow::Result<&'a Reference> {
    let wanted = typed.replace('\\', "/");
    let wanted = wanted.strip_prefix("./").unwrap_or(&wanted);
    let dir = format!("{}/", week.dir_name);
    let wanted = wanted.strip_prefix(&dir).unwrap_or(wanted);
    let wanted = wanted.strip_prefix("src/").unwrap_or(wanted);
    let is_it = |file: &&Reference| {
        let path = slashed(&file.path);
        path == wanted || path.strip_suffix(".rs") == Some(wanted)
    };
    files.iter().find(is_it).ok_or_else(|| {
        let paths: Vec<String> = files.iter().map(|file| slashed(&file.path)).collect();
        unknown(&format!("file in {}/src", week.dir_name), wanted, paths.iter().map(String::as_str))
    })
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
