//! How the tool's words look: colours, glyphs, errors.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

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
pub(crate) const PARTLY: &str = "◐";

/// The colours of `--help`.
pub(crate) const HELP: clap::builder::Styles =
    clap::builder::Styles::styled().header(BOLD).usage(BOLD).literal(CODE).placeholder(DIM);

/// `text` in this style. Print it with `anstream::println!`, which leaves the colours away where
/// there is no terminal, or where `NO_COLOR` is set.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Says on the standard error what went wrong, with the causes behind it.
pub(crate) fn error(error: &anyhow::Error) {
    anstream::eprintln!("{}: {error:#}", paint(BAD.bold(), "error"));
}

/// Says on the standard error what is not as it should be and does not stop us.
pub(crate) fn warn(text: impl std::fmt::Display) {
    anstream::eprintln!("{}: {text}", paint(WARN.bold(), "warning"));
}

/// `text` in lines of at most `width` characters, broken between words. A line that begins with a
/// space is code, or lined up with care, and stays as it is.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with(' ') || line.chars().count() <= width {
            lines.push(line.to_owned());
            continue;
        }
        let mut present = String::new();
        for word in line.split(' ') {
            let wanted = present.chars().count() + 1 + word.chars().count();
            if !present.is_empty() && wanted > width {
                lines.push(std::mem::take(&mut present));
            }
            if !present.is_empty() {
                present.push(' ');
            }
            present.push_str(word);
        }
        lines.push(present);
    }
    lines
}

/// One line at the bottom of a terminal that says what is going on, for what takes a while.
///
/// Where the standard error is no terminal, nothing is printed.
#[derive(Debug)]
pub(crate) struct Progress {
    since: Instant,
    shown: bool,
}

/// What is done by then needs no word.
const PATIENCE: Duration = Duration::from_secs(2);

impl Progress {
    pub(crate) fn new() -> Progress {
        Progress { since: Instant::now(), shown: false }
    }

    /// Shows `text`, if two seconds have passed.
    pub(crate) fn show(&mut self, text: impl std::fmt::Display) {
        if self.since.elapsed() > PATIENCE && std::io::stderr().is_terminal() {
            // Without line wrap: what is too long is cut by the terminal, which knows its width.
            anstream::eprint!("\r\x1b[2K\x1b[?7l{}\x1b[?7h", paint(DIM, text));
            self.shown = true;
        }
    }

    /// Takes the line away, before something else is printed.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            clear_progress();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Takes away the line that a [`Progress`] may have shown.
pub(crate) fn clear_progress() {
    if std::io::stderr().is_terminal() {
        anstream::eprint!("\r\x1b[2K\x1b[?7h");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words_and_code_is_not() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("    one two three\n\nend", 7), ["    one two three", "", "end"]);
        assert_eq!(wrap("incomprehensible word", 7), ["incomprehensible", "word"]);
    }
}
