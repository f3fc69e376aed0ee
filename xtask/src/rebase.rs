//! Which code the later weeks stand on: the lines of the root manifest's `[workspace.dependencies]`.
//!
//! ```text
//! wal = { path = "solutions/week01-wal", package = "week01-wal-solution" }   the reference
//! memtable = { path = "week02-memtable", package = "week02-memtable" }       your own
//! ```
//!
//! Two quoted values a week are changed and nothing else, so that comments, order and formatting
//! stay. Always a prefix of the weeks: own code that stands on the reference's week 2, which stands
//! on the reference's week 1, compiles; two crates that bring two `wal`s do not.

use std::ops::Range;

use anyhow::{Context, Result, bail};

/// A week as it may be named in the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stone {
    /// The library's name: `wal`.
    pub(crate) name: String,
    /// Directory and package of the learner's crate: `week01-wal`.
    pub(crate) dir: String,
}

impl Stone {
    fn values(&self, of_reference: bool) -> [String; 2] {
        if of_reference {
            [format!("solutions/{}", self.dir), format!("{}-solution", self.dir)]
        } else {
            [self.dir.clone(), self.dir.clone()]
        }
    }
}

/// For each of `stones`, whether its line names the reference.
///
/// # Errors
///
/// If a line is missing, or names something that is neither.
pub(crate) fn standing(manifest: &str, stones: &[Stone]) -> Result<Vec<bool>> {
    stones
        .iter()
        .map(|stone| {
            let found = find(manifest, stone)?.map(|range| &manifest[range]);
            match [false, true].into_iter().find(|r| stone.values(*r) == found) {
                Some(of_reference) => Ok(of_reference),
                None => bail!(
                    "`{}` in Cargo.toml is {:?} of package {:?}; want {:?} or {:?}",
                    stone.name,
                    found[0],
                    found[1],
                    stone.values(false)[0],
                    stone.values(true)[0],
                ),
            }
        })
        .collect()
}

/// `manifest` with the first `reference_count` of `stones` on the reference, the others on your own.
pub(crate) fn rebase(manifest: &str, stones: &[Stone], reference_count: usize) -> Result<String> {
    let mut out = manifest.to_owned();
    for (index, stone) in stones.iter().enumerate() {
        let [path, package] = find(&out, stone)?;
        let [new_path, new_package] = stone.values(index < reference_count);
        // From the right, so that the first range still holds when the second has changed.
        let mut edits = [(path, new_path), (package, new_package)];
        edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        for (range, value) in edits {
            out.replace_range(range, &value);
        }
    }
    Ok(out)
}

/// Where the values of `path` and `package` stand in the line of `stone`, without their quotes.
fn find(manifest: &str, stone: &Stone) -> Result<[Range<usize>; 2]> {
    let mut in_table = false;
    let mut start = 0;
    for line in manifest.split_inclusive('\n') {
        let content = line.trim_start();
        if content.starts_with('[') {
            in_table = content.trim_end() == "[workspace.dependencies]";
        }
        let key = content.split('=').next().unwrap_or_default().trim();
        if in_table && key == stone.name {
            let value = |name| {
                value_of(line, name)
                    .map(|range| start + range.start..start + range.end)
                    .with_context(|| {
                        format!("`{}` in Cargo.toml has no `{name} = \"…\"`", stone.name)
                    })
            };
            return Ok([value("path")?, value("package")?]);
        }
        start += line.len();
    }
    bail!("[workspace.dependencies] in Cargo.toml has no line `{} = {{ … }}`", stone.name)
}

fn value_of(line: &str, name: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(found) = line[from..].find(name) {
        let begin = from + found;
        from = begin + name.len();
        let starts_word = line[..begin].ends_with(['{', ' ', ',']);
        let rest = line[from..].trim_start();
        if let Some(quoted) = rest.strip_prefix('=').map(str::trim_start)
            && starts_word
            && let Some(value) = quoted.strip_prefix('"')
        {
            let start = line.len() - value.len();
            return value.find('"').map(|length| start..start + length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "\
[workspace]
members = [\"week01-wal\"]

[workspace.dependencies]
# The weeks.
wal = { path = \"week01-wal\", package = \"week01-wal\" } # the log
memtable={package=\"week02-memtable\",path=\"week02-memtable\"}
sstable = { path = \"week03-sstable\", package = \"week03-sstable\", features = [\"path\"] }
path = \"1\"

[profile.dev]
wal = 1
";

    fn stones() -> Vec<Stone> {
        [("wal", "week01-wal"), ("memtable", "week02-memtable"), ("sstable", "week03-sstable")]
            .map(|(name, dir)| Stone { name: name.into(), dir: dir.into() })
            .into()
    }

    #[test]
    fn only_the_values_change_and_they_change_back() {
        let based = rebase(MANIFEST, &stones(), 2).expect("all lines are there");
        assert_eq!(standing(&based, &stones()).expect("valid"), [true, true, false]);
        let want = MANIFEST
            .replace(
                "wal = { path = \"week01-wal\", package = \"week01-wal\" }",
                "wal = { path = \"solutions/week01-wal\", package = \"week01-wal-solution\" }",
            )
            .replace(
                "{package=\"week02-memtable\",path=\"week02-memtable\"}",
                "{package=\"week02-memtable-solution\",path=\"solutions/week02-memtable\"}",
            );
        assert_eq!(based, want, "comments, order and spaces should stay");
        for count in [3, 1, 0] {
            let other = rebase(&based, &stones(), count).expect("valid");
            assert_eq!(rebase(&other, &stones(), 0).expect("valid"), MANIFEST, "back from {count}");
        }
    }

    #[test]
    fn a_line_that_is_gone_or_strange_is_named() {
        let gone = MANIFEST.replace("memtable", "mem");
        let error = rebase(&gone, &stones(), 1).expect_err("memtable is gone");
        assert!(error.to_string().contains("no line `memtable"), "{error}");
        let strange = MANIFEST.replace("path = \"week03-sstable\"", "path = \"../elsewhere\"");
        let error = standing(&strange, &stones()).expect_err("elsewhere is neither");
        assert!(error.to_string().contains("../elsewhere"), "{error}");
        let bare = MANIFEST.replace("path = \"week01-wal\", ", "");
        let error = rebase(&bare, &stones(), 1).expect_err("no path");
        assert!(error.to_string().contains("no `path"), "{error}");
    }
}
