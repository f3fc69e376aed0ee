//! Asking before something that cannot be unseen.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};

use crate::repo::Repo;
use crate::results::{Results, sources, tests_in_source};
use crate::style::{CODE, paint};
use crate::week::{Unit, Week};

/// Whether the reference of `units` may be shown: they are green, or were once; `yes` was said on
/// the command line; or the learner says so now.
///
/// # Errors
///
/// If there is no terminal to ask at.
pub(crate) fn may_show(
    repo: &Repo,
    week: &Week,
    units: &[&Unit],
    yes: bool,
) -> anyhow::Result<bool> {
    let results = Results::load(repo, week);
    let sources = sources(repo, week)?;
    let is_red = |unit: &&Unit| {
        let tests = tests_in_source(repo, week, unit);
        !results.standing(&tests, &sources).done()
    };
    let red: Vec<&Unit> = units.iter().copied().filter(is_red).collect();
    let Some(first) = red.first().filter(|_| !yes) else { return Ok(true) };
    let labels: Vec<String> = red.iter().map(|unit| unit.label()).collect();
    let what = format!("Not green yet, and the reference gives it away: {}", labels.join(", "));
    let hint = format!("cargo x hint {} {}", week.label(), first.argument());
    if !std::io::stdin().is_terminal() {
        bail!("{what}\n  add --yes to see it, or try `{hint}`");
    }
    anstream::eprint!("{what}. Show it? [y/N] ");
    std::io::stderr().flush().context("cannot ask")?;
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.context("cannot read the answer")?;
    let shown = matches!(answer.trim(), "y" | "Y" | "yes" | "Yes");
    if !shown {
        anstream::eprintln!("Then a push in the right direction: {}", paint(CODE, hint));
    }
    Ok(shown)
}
