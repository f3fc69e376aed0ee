//! Colours. They are always written; the stream that everything is printed to leaves them out where
//! there is no terminal, or where `NO_COLOR` is set.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

use crate::part::Kind;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();

/// The colour of a part.
pub(crate) fn of(kind: Kind) -> Style {
    match kind {
        Kind::Data(_) | Kind::Partition(_) => AnsiColor::Cyan.on_default(),
        Kind::Filter | Kind::FilterPart(_) => AnsiColor::Green.on_default(),
        Kind::Index | Kind::IndexPart(_) | Kind::Top => AnsiColor::Yellow.on_default(),
        Kind::Properties => AnsiColor::Magenta.on_default(),
        Kind::Footer => AnsiColor::Blue.on_default(),
    }
}

/// `text` in this style.
pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
