//! The links of `README.md` to files of the repository.

use std::fs;
use std::path::Path;

use anyhow::Result;
use pulldown_cmark::{Event, Parser, Tag};

/// Links and pictures of `README.md` in `repo` that lead nowhere.
pub(super) fn problems(repo: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(repo.join("README.md"))?;
    let targets = Parser::new(&text).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url),
        _ => None,
    });
    Ok(targets
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .filter(|target| !repo.join(target.split('#').next().unwrap_or("")).exists())
        .map(|target| format!("README.md: `{target}` leads nowhere"))
        .collect())
}
