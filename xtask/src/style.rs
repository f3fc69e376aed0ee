//! How the tool's words look: colours, glyphs, errors.

use anstyle::{AnsiColor, Style};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const BOLD: Style = Style::new().bold();
/// What the reader can type.
pub(crate) const CODE: Style = AnsiColor::Cyan.on_default();

pub(crate) const PASSED: &str = "✓";
pub(crate) const FAILED: &str = "✗";
pub(crate) const NOT_STARTED: &str = "·";

/// The colours of `--help`.
pub(crate) const HELP: clap::builder::Styles = clap::builder::Styles::styled()
    .header(BOLD)
    .usage(BOLD)
    .literal(CODE)
    .placeholder(DIM);

/// `text` in this style. Print it with `anstream::println!`, which leaves the colours away where
/// there is no terminal, or where `NO_COLOR` is set.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Says on the standard error what went wrong, with the causes behind it.
pub(crate) fn error(error: &anyhow::Error) {
    anstream::eprintln!("{}: {error:#}", paint(BAD.bold(), "error"));
}
