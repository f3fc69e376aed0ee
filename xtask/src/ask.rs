//! Asking before something that cannot be unseen.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};

use crate::style::{CODE, paint};
use crate::week::{Unit, Week};

/// Whether the reference of `units` may be shown: `yes` was said on the command line, or the
/// learner says so now.
///
/// # Errors
///
/// If there is no terminal to ask at.
pub(crate) fn may_show(week: &Week, units: &[&Unit], yes: bool) -> anyhow::Result<bool> {
    let Some(first) = units.first() else { return Ok(true) };
    if yes {
        return Ok(true);
    }
    let labels: Vec<String> = units.iter().map(|unit| unit.label()).collect();
    let what = format!("This shows how the reference does {}", labels.join(", "));
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
