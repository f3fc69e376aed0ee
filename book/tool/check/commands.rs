//! The commands that the book and the README speak of: each `cargo x NAME` must be one of the
//! tool's.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use anyhow::Result;
use regex::Regex;

use super::chapters::markdown_files;
use crate::book::Guide;

static COMMAND: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"cargo x ([a-z]+)").expect("a constant pattern"));

/// Commands that the tool does not have, one line each.
pub(super) fn problems(guide: &Guide) -> Result<Vec<String>> {
    let known = guide.repo.join("xtask").join("src").join("cmd");
    let mut paths = markdown_files(&guide.src)?;
    paths.extend([guide.repo.join("README.md"), guide.root.join("README.md")]);
    let mut problems = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path)?;
        for name in unknown(&text, &known) {
            let shown = path.strip_prefix(&guide.repo)?.display();
            problems.push(format!("{shown}: there is no command `cargo x {name}`"));
        }
    }
    Ok(problems)
}

/// A command is a file of its own, or a folder, in `known`; but `help` comes with every command.
fn unknown<'a>(text: &'a str, known: &Path) -> BTreeSet<&'a str> {
    let names = COMMAND.captures_iter(text).filter_map(|found| Some(found.get(1)?.as_str()));
    names
        .filter(|name| *name != "help")
        .filter(|name| !known.join(format!("{name}.rs")).exists() && !known.join(name).exists())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_without_a_file_is_unknown() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("test.rs"), "").unwrap();
        let text = "`cargo x test week01`, `cargo x`, `cargo x help test`, `cargo x tset week01`";
        assert_eq!(unknown(text, dir.path()), BTreeSet::from(["tset"]));
    }
}
