//! Bytes, sixteen a line, and which field each belongs to.
//!
//! ```text
//!   0000  00 0e 01 6d 61 72 62 6c 65 01 07 00 00 00 00 00  ...marble.......
//!         sh un sz key·············· seq·················      where there is no colour
//! ```

use std::io::{self, Write};
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use sstable::filter::LINE_SIZE;

use crate::Screen;
use crate::entries::Walk;
use crate::style::{DIM, paint};

/// What a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Shared,
    Unshared,
    Size,
    Key,
    KeyTrailer,
    Value,
    Restart,
    RestartCount,
    Codec,
    Crc,
    Number,
    Handle,
    Line,
    ProbeCount,
    Version,
    Magic,
}

/// Where it is, in bytes from the first that is shown.
pub(crate) struct Field(Name, Range<usize>);

impl Name {
    /// In two letters or more, and in words.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Name::Shared => ("sh", "shared with the key before"),
            Name::Unshared => ("un", "unshared, with the trailer"),
            Name::Size => ("sz", "size of the value"),
            Name::Key => ("key", "rest of the user key"),
            Name::KeyTrailer => ("seq", "kind and sequence number"),
            Name::Value => ("value", "value"),
            Name::Restart => ("restart", "restart point"),
            Name::RestartCount => ("count", "how many restart points"),
            Name::Codec => ("cd", "codec"),
            Name::Crc => ("crc", "checksum"),
            Name::Number => ("number", "a number"),
            Name::Handle => ("handle", "offset and size"),
            Name::Line => ("line", "line of the filter"),
            Name::ProbeCount => ("pr", "probes a key"),
            Name::Version => ("version", "version of the format"),
            Name::Magic => ("magic", "magic number"),
        }
    }

    fn style(self) -> Style {
        match self {
            Name::Shared | Name::Number | Name::Line => AnsiColor::Cyan.on_default(),
            Name::Unshared | Name::Handle | Name::Version => AnsiColor::Blue.on_default(),
            Name::Size | Name::ProbeCount => AnsiColor::Magenta.on_default(),
            Name::Key | Name::Magic => AnsiColor::Green.on_default().bold(),
            Name::KeyTrailer => AnsiColor::Yellow.on_default(),
            Name::Value => Style::new(),
            Name::Restart | Name::RestartCount => AnsiColor::Red.on_default(),
            Name::Codec | Name::Crc => AnsiColor::BrightBlack.on_default(),
        }
    }
}

/// The fields of a data block or of the index, without the trailer.
pub(crate) fn entries(mut walk: Walk<'_>) -> Vec<Field> {
    let mut fields = Vec::new();
    while let Some(next) = walk.next() {
        let Ok(entry) = next else { continue };
        let [unshared_at, size_at, key_at] = entry.lengths;
        fields.extend([
            Field(Name::Shared, entry.at..unshared_at),
            Field(Name::Unshared, unshared_at..size_at),
            Field(Name::Size, size_at..key_at),
            Field(Name::Key, entry.rest.clone()),
            Field(Name::KeyTrailer, entry.rest.end..entry.value.start),
            Field(Name::Value, entry.value),
        ]);
    }
    let restart = |index| walk.entries_end + 4 * index;
    let restarts = 0..walk.restarts.len();
    fields.extend(restarts.map(|index| Field(Name::Restart, restart(index)..restart(index + 1))));
    let end = walk.bytes.len();
    fields.push(Field(Name::RestartCount, end - 4..end));
    fields
}

pub(crate) fn filter(size: usize) -> Vec<Field> {
    let lines = 0..size / LINE_SIZE;
    let line = |index| Field(Name::Line, index * LINE_SIZE..(index + 1) * LINE_SIZE);
    lines.map(line).chain([Field(Name::ProbeCount, size - 1..size)]).collect()
}

pub(crate) fn properties(block: &[u8]) -> Vec<Field> {
    let numbers = (0..8).map(|index| Field(Name::Number, 8 * index..8 * index + 8));
    let small = (16..22).map(|index| Field(Name::Number, 4 * index..4 * index + 4));
    let mut fields: Vec<Field> = numbers.chain(small).collect();
    if let Some(size) = block.get(80..84) {
        let size = u32::from_le_bytes(size.try_into().expect("four bytes")) as usize;
        let middle = size.saturating_add(88).min(block.len());
        for range in [88.min(middle)..middle, middle..block.len()] {
            let trailer_at = range.end.saturating_sub(8).max(range.start);
            fields.push(Field(Name::Key, range.start..trailer_at));
            fields.push(Field(Name::KeyTrailer, trailer_at..range.end));
        }
    }
    fields
}

pub(crate) fn footer() -> Vec<Field> {
    let handles = (0..3).map(|index| Field(Name::Handle, 12 * index..12 * index + 12));
    let rest = [(Name::Version, 36..40), (Name::Crc, 40..44), (Name::Magic, 44..52)];
    handles.chain(rest.map(|(name, range)| Field(name, range))).collect()
}

/// The trailer of a block of so many bytes.
pub(crate) fn trailer(size: usize) -> [Field; 2] {
    [Field(Name::Codec, size..size + 1), Field(Name::Crc, size + 1..size + 5)]
}

/// Prints `bytes`, which stand at `offset`. Fields are in order; bytes between them are of none.
pub(crate) fn print(
    bytes: &[u8],
    offset: u64,
    fields: &[Field],
    screen: Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    legend(fields, out)?;
    let mut next = 0;
    for (number, line) in bytes.chunks(16).enumerate() {
        let (start, end) = (16 * number, 16 * number + line.len());
        let mut names = [None; 16];
        let mut labels = String::new();
        while let Some(Field(name, range)) = fields.get(next).filter(|field| field.1.start < end) {
            if !range.is_empty() {
                let (from, to) = (range.start.max(start) - start, range.end.min(end) - start);
                names[from..to].fill(Some(*name));
                let label = if range.start < start { "" } else { name.names().0 };
                let (column, width) = (3 * from, 3 * (to - from) - 1);
                labels = format!("{labels:column$}{label:·<width$.width$}");
            }
            if range.end > end {
                break;
            }
            next += 1;
        }
        hex_line(offset + start as u64, line, &names, out)?;
        if !screen.colour && !labels.is_empty() {
            writeln!(out, "{:10}{labels}", "")?;
        }
    }
    Ok(())
}

fn hex_line(
    offset: u64,
    bytes: &[u8],
    names: &[Option<Name>; 16],
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "{}", paint(DIM, format!("{offset:08x}")))?;
    let style = |name: &Option<Name>| name.map(Name::style).unwrap_or_default();
    let (mut hex, mut characters) = (String::new(), String::new());
    for (byte, name) in bytes.iter().zip(names) {
        let character = if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' };
        hex += &format!(" {}", paint(style(name), format!("{byte:02x}")));
        characters += &paint(style(name), character);
    }
    writeln!(out, " {hex}{:1$}  {characters}", "", 3 * (16 - bytes.len()))
}

/// What the labels and colours mean, of those that are used.
fn legend(fields: &[Field], out: &mut dyn Write) -> io::Result<()> {
    let mut told: Vec<Name> = Vec::new();
    for Field(name, range) in fields {
        if !range.is_empty() && !told.contains(name) {
            told.push(*name);
        }
    }
    let word = |name: &Name| {
        let (label, words) = name.names();
        paint(name.style(), if label == words { label.into() } else { format!("{label} {words}") })
    };
    let words: Vec<String> = told.iter().map(word).collect();
    for line in words.chunks(4) {
        writeln!(out, "{}", line.join("  ·  "))?;
    }
    writeln!(out)
}
