//! `check`: everything about the guide that a program can see.
//!
//! * it builds without a warning, every directive filled in;
//! * every link, anchor and image of every page leads somewhere, and nothing is fetched from
//!   another host;
//! * every listing names its language;
//! * every day and lab of an open week has its chapter, and the chapter all of its parts;
//! * every page of `book/src` is in the table of contents;
//! * every rule that a test or a hint cites is in its chapter;
//! * every command is one of the tool's;
//! * the links of `README.md` lead somewhere.

mod chapters;
mod citations;
mod commands;
mod pages;
mod readme;

use std::process::ExitCode;

use anyhow::Result;

use crate::book::Guide;
use crate::warnings;

/// Checks, prints what is wrong, and says in a line how it went.
pub(crate) fn run(guide: &Guide) -> Result<ExitCode> {
    let out = guide.build(None)?;
    let facts = guide.facts()?;
    let pages = pages::Pages::read(&out)?;
    let mut problems = pages.problems();
    problems.extend(chapters::problems(guide, &facts)?);
    problems.extend(citations::problems(guide, &facts)?);
    problems.extend(commands::problems(guide)?);
    problems.extend(readme::problems(&guide.repo)?);
    for problem in &problems {
        eprintln!("error: {problem}");
    }
    let bad = problems.len() + warnings::count();
    if bad > 0 {
        eprintln!("the guide has {bad} problem{}", if bad == 1 { "" } else { "s" });
        return Ok(ExitCode::FAILURE);
    }
    println!("the guide is good: {} pages, {} links", pages.count(), pages.link_count());
    Ok(ExitCode::SUCCESS)
}
