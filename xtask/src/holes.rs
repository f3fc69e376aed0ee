//! The functions that hold a day's holes, and putting their skeleton back into a learner's file.
//!
//! A learner's file carries no markers, so a hole is found by the function around it: its path in
//! the reference (`LogWriter::append`) is its path in the learner's file. Everything outside of
//! those functions, the learner's own helpers among it, stays as it is, byte for byte.

use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};

use crate::items::{Item, Kind, items};

/// The innermost functions of `reference` around `regions`, in the order of the file, each once.
///
/// Regions are lines of `reference`, counted from 0, end exclusive. A region around whole items
/// has no function around it: it is a listing or a helper that no skeleton has.
pub(crate) fn functions_around(reference: &str, regions: &[Range<usize>]) -> Result<Vec<Item>> {
    let functions: Vec<Item> =
        items(reference)?.into_iter().filter(|item| item.kind == Kind::Function).collect();
    let around = |region: &Range<usize>| {
        let holds = |item: &&Item| item.lines.start <= region.start && region.end <= item.lines.end;
        functions.iter().filter(holds).min_by_key(|item| item.lines.len())
    };
    let mut found: Vec<Item> = regions.iter().filter_map(around).cloned().collect();
    found.sort_by_key(|item| item.lines.start);
    found.dedup();
    Ok(found)
}

/// `mine` with each of `functions` as it stands in `skeleton`; all else stays.
///
/// # Errors
///
/// If either text does not parse, or `mine` lacks one of the functions: then nobody knows where it
/// should go.
pub(crate) fn put_back(mine: &str, skeleton: &str, functions: &[Item]) -> Result<String> {
    let my_items = items(mine)?;
    let skeleton_items = items(skeleton).context("the skeleton itself does not parse")?;
    let skeleton_lines: Vec<&str> = skeleton.split_inclusive('\n').collect();
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for function in functions {
        let theirs = only(&skeleton_items, function).context("in the skeleton")?;
        let own = only(&my_items, function)?;
        ensure!(
            stands_alone(own, mine),
            "`{}` shares a line with other code; format the file first (`cargo fmt`)",
            function.name()
        );
        let text = skeleton_lines[theirs.lines.clone()].concat();
        edits.push((own.lines.clone(), text));
    }
    edits.sort_by_key(|(lines, _)| lines.start);
    let mut out = String::new();
    let mut next = 0;
    let my_lines: Vec<&str> = mine.split_inclusive('\n').collect();
    for (lines, text) in edits {
        assert!(lines.start >= next, "functions overlap at line {}", lines.start + 1);
        out += &my_lines[next..lines.start].concat();
        out += &text;
        next = lines.end;
    }
    out += &my_lines[next..].concat();
    Ok(out)
}

fn only<'a>(items: &'a [Item], wanted: &Item) -> Result<&'a Item> {
    let mut same = items.iter().filter(|item| item.is_the_same_as(wanted));
    match (same.next(), same.next()) {
        (Some(item), None) => Ok(item),
        (None, _) => bail!("there is no function `{}`", wanted.name()),
        (Some(_), Some(_)) => bail!("there is more than one function `{}`", wanted.name()),
    }
}

/// Whether nothing else stands on the item's first and last line: lines are what is replaced.
fn stands_alone(item: &Item, text: &str) -> bool {
    let line = |number: usize| text.lines().nth(number).unwrap_or_default();
    let before: String = line(item.lines.start).chars().take(item.columns.0).collect();
    let after: String = line(item.lines.end - 1).chars().skip(item.columns.1).collect();
    // `pub(crate) const` may stand before the keyword; the end of something else may not.
    let after = after.trim_start();
    !before.contains(['{', '}', ';']) && (after.is_empty() || after.starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: &str = "\
impl Log {
    /// Appends.
    fn append(&mut self) -> u64 {
        // ANCHOR: day1_append
        self.end += 1;
        self.end
        // ANCHOR_END: day1_append
    }

    /// Syncs.
    fn sync(&self) {
        // ANCHOR: day2_sync
        self.file.sync();
        // ANCHOR_END: day2_sync
    }
}
";
    const SKELETON: &str = "\
impl Log {
    /// Appends.
    fn append(&mut self) -> u64 {
        todo!(\"day 1: append\")
    }

    /// Syncs.
    fn sync(&self) {
        todo!(\"day 2: sync\")
    }
}
";
    const MINE: &str = "\
// My own notes: {
impl Log {
    /// Appends, I think.
    #[inline]
    fn append(&mut self) -> u64 {
        helper(\"}\")
    }

    /// Syncs.
    fn sync(&self) {
        my_sync(self)
    }
}

fn helper(_: &str) -> u64 { 7 }
";

    /// The lines of the region of day 1.
    fn day1() -> Vec<Range<usize>> {
        let append = 3..7;
        vec![append]
    }

    #[test]
    fn only_the_days_functions_are_put_back() {
        let functions = functions_around(REFERENCE, &day1()).expect("valid");
        let names: Vec<String> = functions.iter().map(Item::name).collect();
        assert_eq!(names, ["Log::append"]);
        let merged = put_back(MINE, SKELETON, &functions).expect("all there");
        let own = "    /// Appends, I think.\n    #[inline]\n    fn append(&mut self) -> u64 {\n        \
                   helper(\"}\")\n    }\n";
        let theirs = "    /// Appends.\n    fn append(&mut self) -> u64 {\n        \
                      todo!(\"day 1: append\")\n    }\n";
        assert_eq!(merged, MINE.replace(own, theirs), "all else should be what it was");
    }

    #[test]
    fn a_function_that_is_gone_or_doubled_is_an_error_not_a_guess() {
        let functions = functions_around(REFERENCE, &day1()).expect("valid");
        let gone = MINE.replace("fn append", "fn push");
        let error = put_back(&gone, SKELETON, &functions).expect_err("append is gone");
        assert!(error.to_string().contains("no function `Log::append`"), "{error}");
        let doubled = format!("{MINE}impl Log {{ fn append() {{}} }}\n");
        let error = put_back(&doubled, SKELETON, &functions).expect_err("append is there twice");
        assert!(error.to_string().contains("more than one"), "{error}");
    }

    #[test]
    fn a_function_that_shares_its_line_is_refused() {
        let functions = functions_around(REFERENCE, &day1()).expect("valid");
        for crowded in ["impl Log { fn append(&mut self) {}\n}\n", "impl Log {\nfn append() {} }\n"]
        {
            let error = put_back(crowded, SKELETON, &functions).expect_err(crowded);
            assert!(error.to_string().contains("shares a line"), "{error}");
        }
        let plain = "impl Log {\n    pub(crate) fn append() {} // mine\n}\n";
        put_back(plain, SKELETON, &functions).expect("a visibility and a comment do no harm");
    }

    #[test]
    fn a_file_without_a_last_newline_or_with_windows_line_ends_survives() {
        let functions = functions_around(REFERENCE, &day1()).expect("valid");
        let windows = MINE.replace('\n', "\r\n");
        let merged = put_back(windows.trim_end(), SKELETON, &functions).expect("all there");
        assert!(
            merged.contains("my_sync(self)\r\n"),
            "untouched lines keep their ends: {merged:?}"
        );
        assert!(merged.ends_with("{ 7 }"), "the last line should stay as it was: {merged:?}");
    }
}
