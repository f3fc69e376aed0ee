//! The table of contents: `SUMMARY.md`, with a line `{{#chapters week01}}` for each week's
//! chapters, so that their titles and their order are those of `week.toml`.

use std::path::Path;

use anyhow::{Context, Result};
use mdbook_summary::{Summary, parse_summary};

use crate::facts::Facts;

/// Reads `SUMMARY.md` below `src`.
pub(crate) fn load(src: &Path, facts: &Facts) -> Result<Summary> {
    let path = src.join("SUMMARY.md");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    parse_summary(&fill_in(&text, src, facts)?).context("SUMMARY.md")
}

/// Replaces each `{{#chapters week01}}` by the week's page and, below it, its days and labs.
///
/// A week that is not open is left out, and so is a chapter that is not written yet; of an open week,
/// `check` says so.
fn fill_in(text: &str, src: &Path, facts: &Facts) -> Result<String> {
    let mut out = String::new();
    for line in text.lines() {
        let directive = line.trim().strip_prefix("{{#chapters ").and_then(|l| l.strip_suffix("}}"));
        let Some(id) = directive else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let week = facts.week(id.trim())?;
        if !week.open {
            continue;
        }
        out.push_str(&format!("- [{}]({}/index.md)\n", week.heading(), week.id()));
        for unit in week.units.iter().filter(|unit| src.join(&unit.chapter).is_file()) {
            let path = unit.chapter.display().to_string().replace('\\', "/");
            out.push_str(&format!("  - [{}]({path})\n", unit.heading()));
        }
    }
    Ok(out)
}
