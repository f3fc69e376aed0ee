//! The guide as a whole: from `book/src` and the facts of the code to a folder of pages.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mdbook_driver::MDBook;
use mdbook_driver::book::{Book, BookItem};
use mdbook_driver::config::Config;

use crate::expand::Expander;
use crate::facts::Facts;
use crate::{summary, warnings};

/// Where the guide and the code it is about lie.
pub(crate) struct Guide {
    /// `book/`.
    pub(crate) root: PathBuf,
    /// `book/src`.
    pub(crate) src: PathBuf,
    /// The repository.
    pub(crate) repo: PathBuf,
}

impl Guide {
    /// The guide that this program was built beside.
    pub(crate) fn here() -> Guide {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let repo = root.parent().expect("book/ lies in the repository").to_path_buf();
        Guide { src: root.join("src"), root, repo }
    }

    /// Reads the facts of the code.
    pub(crate) fn facts(&self) -> Result<Facts> {
        Facts::load(&self.repo)
    }

    /// Builds the pages into `out`, by default `book/out`, and says where they are.
    ///
    /// What was in `out` before is removed, so it must be empty or hold an earlier guide.
    pub(crate) fn build(&self, out: Option<&Path>) -> Result<PathBuf> {
        warnings::listen();
        let out = match out {
            Some(out) => std::path::absolute(out)?,
            None => self.root.join("out"),
        };
        if !may_be_replaced(&out) {
            bail!("{} holds something else; name a new or an empty folder", out.display());
        }
        let mut config = Config::from_disk(self.root.join("book.toml"))?;
        config.build.build_dir = out.clone();
        let facts = self.facts()?;
        let summary = summary::load(&self.src, &facts)?;
        let mut book = MDBook::load_with_config_and_summary(&self.root, config, summary)?;
        self.expand(&mut book.book, &facts)?;
        book.build().context("mdBook")?;
        Ok(out)
    }

    /// Fills in the directives of every chapter.
    fn expand(&self, book: &mut Book, facts: &Facts) -> Result<()> {
        let expander = Expander { facts, src: &self.src };
        let mut problems = Vec::new();
        book.for_each_mut(|item| {
            let BookItem::Chapter(chapter) = item else {
                return;
            };
            let Some(path) = &chapter.path else { return };
            match expander.expand(path, &chapter.content) {
                Ok(text) => chapter.content = text,
                Err(more) => problems.extend(more),
            }
        });
        if !problems.is_empty() {
            bail!("{}", problems.join("\nerror: "));
        }
        Ok(())
    }
}

/// Whether `out` is missing, empty, or a guide: building removes whatever is there.
fn may_be_replaced(out: &Path) -> bool {
    match out.read_dir() {
        Ok(mut entries) => {
            entries.next().is_none()
                || (out.join(".nojekyll").exists() && out.join("toc.html").exists())
        }
        Err(_) => !out.exists(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_else_in_it_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        assert!(may_be_replaced(dir.path()));
        assert!(may_be_replaced(&dir.path().join("new")));
        std::fs::write(dir.path().join("thesis.txt"), "mine").unwrap();
        assert!(!may_be_replaced(dir.path()));
        assert!(!may_be_replaced(&dir.path().join("thesis.txt")));
    }
}
