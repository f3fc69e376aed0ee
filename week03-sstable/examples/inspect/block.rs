//! One part of the file, entry by entry.

use std::io::{self, Write};
use std::str::FromStr;

use bytes::Bytes;
use memtable::{InternalKey, Kind as Operation};
use sstable::format::{FOOTER_SIZE, Footer, Handle, Partition};
use sstable::{Block, Properties};

use crate::check::{Survey, place};
use crate::entries::{Entry, Walk};
use crate::filter::{LINE_BITS, Lines};
use crate::footer::Layout;
use crate::part::{Kind, Stored, codec_name};
use crate::source::Source;
use crate::style::{BAD, BOLD, DIM, paint};
use crate::{Failure, Screen, hex, partitions, text};

/// Which part is asked for: `3`, `index`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Which(Kind);

const PARTS: &str = "a number, or filter, index, properties, footer; or top, filter0, index0";

impl FromStr for Which {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Which, &'static str> {
        Ok(Which(match text {
            "filter" => Kind::Filter,
            "index" => Kind::Index,
            "properties" => Kind::Properties,
            "footer" => Kind::Footer,
            "top" => Kind::Top,
            _ => {
                let digits = text.trim_start_matches(|letter: char| letter.is_ascii_lowercase());
                let name = &text[..text.len() - digits.len()];
                let number = digits.parse().map_err(|_| PARTS)?;
                match name {
                    "" => Kind::Data(number),
                    "filter" => Kind::FilterPart(number),
                    "index" => Kind::IndexPart(number),
                    _ => return Err(PARTS),
                }
            }
        }))
    }
}

/// Prints the part that is asked for.
pub(crate) fn print(
    source: &Source,
    survey: &mut Survey,
    Which(kind): Which,
    as_hex: bool,
    screen: Screen,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let handle = match kind {
        Kind::Data(index) => survey.blocks.get(index).copied(),
        _ => {
            let mut all = survey.layout.others().chain(survey.parts());
            all.find(|(other, _)| *other == kind).map(|(_, handle)| handle)
        }
    };
    let Some(handle) = handle else { return Err(Failure::Said(absent(kind, survey))) };
    if kind == Kind::Footer {
        let bytes = source.read(handle.offset, FOOTER_SIZE)?;
        writeln!(out, "{}", paint(BOLD, place(kind, handle)))?;
        let printed = match as_hex {
            true => hex::print(&bytes, handle.offset, &hex::footer(), screen, out),
            false => footer(&bytes, handle.offset, out),
        };
        return printed.map_err(Failure::Output);
    }
    let (stored, block) = survey.part(source, kind, handle)?;
    head(kind, &stored, block.as_ref(), out)?;
    let Some(block) = block else {
        writeln!(out, "{}", paint(BAD, "it cannot be read"))?;
        return Ok(());
    };
    if as_hex {
        return dump(kind, &stored, &block, screen, out).map_err(Failure::Output);
    }
    match kind {
        Kind::Filter => filter(&Lines::new(block), out)?,
        Kind::FilterPart(_) => match partitions::filter_in(&block) {
            Ok(lines) => filter(&Lines::new(lines), out)?,
            Err(bad) => writeln!(out, "{} {bad}", paint(BAD, "✗"))?,
        },
        Kind::Properties => properties(&block, out)?,
        _ => entries(kind, &block, out)?,
    }
    Ok(())
}

fn absent(kind: Kind, survey: &Survey) -> String {
    match kind {
        Kind::Data(index) => {
            let count = text::many(survey.blocks.len() as u64, "data block", "data blocks");
            format!("no data block {index}: {count}, counted from 0")
        }
        Kind::Filter | Kind::Index if survey.layout.top.is_some() => {
            format!("the {kind} is cut into partitions: ask for {kind}0, and so on, or for top")
        }
        Kind::Top | Kind::FilterPart(_) | Kind::IndexPart(_) if survey.layout.top.is_none() => {
            "the table has no partitions".into()
        }
        Kind::Filter if survey.problems.count == 0 => "the table has no filter".into(),
        kind => format!("the {kind} is not there, or nobody knows where"),
    }
}

/// Where it is, and how it is stored.
fn head(kind: Kind, stored: &Stored, block: Option<&Bytes>, out: &mut dyn Write) -> io::Result<()> {
    let raw = match block {
        Some(block) if stored.codec() != 0 => format!(", {} without", block.len()),
        _ => String::new(),
    };
    writeln!(
        out,
        "{}  {}, codec {}{raw}, checksum {:08x}",
        paint(BOLD, place(kind, stored.handle)),
        text::many(stored.handle.size.into(), "byte", "bytes"),
        codec_name(stored.codec()),
        stored.stored_crc(),
    )
}

/// The bytes of a part: in the file, or, if it is compressed, of the block.
fn dump(
    kind: Kind,
    stored: &Stored,
    block: &Bytes,
    screen: Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut fields = match kind {
        Kind::Filter => hex::filter(block.len()),
        Kind::Properties => hex::properties(block),
        _ => match Block::parse(block.clone()) {
            Ok(_) => hex::entries(Walk::new(block)),
            Err(_) => Vec::new(),
        },
    };
    if stored.codec() != 0 {
        writeln!(out, "{}", paint(DIM, "without compression, places from the block's first byte"))?;
        return hex::print(block, 0, &fields, screen, out);
    }
    fields.extend(hex::trailer(block.len()));
    hex::print(stored.bytes(), stored.handle.offset, &fields, screen, out)
}

/// All entries of a data block or of the index.
fn entries(kind: Kind, block: &Bytes, out: &mut dyn Write) -> io::Result<()> {
    if let Err(bad) = Block::parse(block.clone()) {
        return writeln!(out, "{} {bad}", paint(BAD, "✗"));
    }
    let mut walk = Walk::new(block);
    let restarts: Vec<String> = walk.restarts.iter().map(usize::to_string).collect();
    writeln!(out, "restart points: {}\n", restarts.join(" "))?;
    let head =
        " entry       at  shared  unshared   value  key: shared|rest @ number, and what it says";
    writeln!(out, "{}", paint(BOLD, head))?;
    let mut number = 0;
    while let Some(next) = walk.next() {
        match next {
            Ok(entry) => {
                let (key, value) = (walk.key(&entry), walk.value(&entry));
                let what = match (kind, key.kind) {
                    (Kind::Index | Kind::IndexPart(_), _) => pointer(value),
                    (Kind::Top, _) => pointers(value),
                    (_, Operation::Put) => format!("put  {}", text::short(value, 40)),
                    (_, Operation::Delete) => "delete".into(),
                };
                self::entry(number, &entry, key, &what, out)?;
            }
            Err(bad) => writeln!(out, "{number:>6} {} {bad}", paint(BAD, "✗"))?,
        }
        number += 1;
    }
    writeln!(out, "\n▸ a restart point: the key stands there whole")
}

/// What an entry of the index points to.
fn pointer(value: &[u8]) -> String {
    match value.try_into().map(Handle::decode) {
        Ok(Handle { offset, size }) => format!("{size} bytes at {offset}"),
        Err(_) => format!("{} (no handle)", text::short(value, 40)),
    }
}

/// What an entry of the top points to.
fn pointers(value: &[u8]) -> String {
    match value.try_into().map(Partition::decode) {
        Ok(handles) => partitions::pointer(&handles),
        Err(_) => format!("{} (not two handles)", text::short(value, 40)),
    }
}

fn entry(
    number: usize,
    entry: &Entry,
    key: InternalKey<'_>,
    what: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Entry { at, shared, rest, .. } = entry;
    let (front, rest_of_key) = key.user_key.split_at(*shared);
    let front = if front.is_empty() { String::new() } else { text::show(front) };
    let mark = if entry.is_restart { "▸" } else { " " };
    write!(
        out,
        "{number:>6} {mark} {at:>6} {shared:>7} {:>9} {:>7}  {}|{} @ ",
        rest.len() + memtable::TRAILER_SIZE,
        entry.value.len(),
        paint(DIM, front),
        if rest_of_key.is_empty() { String::new() } else { text::show(rest_of_key) },
    )?;
    match key.seq {
        memtable::SEQ_MAX => writeln!(out, "MAX  {what}"),
        seq => writeln!(out, "{seq}  {what}"),
    }
}

fn filter(lines: &Lines, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} probes a key\n", lines.probe_count())?;
    writeln!(out, "{}", paint(BOLD, "  line  bits set"))?;
    for (index, line) in lines.lines().enumerate() {
        let set = Lines::set(line);
        let bar = "█".repeat(set as usize * 32 / LINE_BITS);
        writeln!(out, "{index:>6}  {set:>3} of {LINE_BITS}  {bar}")?;
    }
    Ok(())
}

fn properties(block: &Bytes, out: &mut dyn Write) -> io::Result<()> {
    let properties = match Properties::decode(block) {
        Ok(properties) => properties,
        Err(bad) => return writeln!(out, "{} {bad}", paint(BAD, "✗")),
    };
    let numbers = [
        ("entry_count", properties.entry_count),
        ("tombstone_count", properties.tombstone_count),
        ("raw_key_size", properties.raw_key_size),
        ("raw_value_size", properties.raw_value_size),
        ("smallest_seq", properties.smallest_seq),
        ("largest_seq", properties.largest_seq),
        ("data_size", properties.data_size),
        ("raw_data_size", properties.raw_data_size),
    ];
    for (name, number) in numbers {
        writeln!(out, "  {name:16} {number}")?;
    }
    for (codec, count) in properties.block_counts.iter().enumerate() {
        writeln!(out, "  {:16} {count}", format!("blocks, {}", codec_name(codec as u8)))?;
    }
    writeln!(out, "  {:16} {}", "smallest_key", text::show(&properties.smallest_key))?;
    writeln!(out, "  {:16} {}", "largest_key", text::show(&properties.largest_key))
}

fn footer(bytes: &[u8], offset: u64, out: &mut dyn Write) -> io::Result<()> {
    let bytes: &[u8; FOOTER_SIZE] = bytes.try_into().expect("so many were asked for");
    let index = if Footer::is_partitioned(bytes) { "top" } else { "index" };
    for (name, at) in [(index, 0), ("filter", 12), ("properties", 24)] {
        let handle = Handle::decode(bytes[at..][..12].try_into().expect("twelve bytes"));
        match handle == Handle::default() {
            true => writeln!(out, "  {name:12} none")?,
            false => writeln!(out, "  {name:12} {} bytes at {}", handle.size, handle.offset)?,
        }
    }
    let number = |at: usize| u32::from_le_bytes(bytes[at..][..4].try_into().expect("four bytes"));
    writeln!(out, "  {:12} {}", "version", number(36))?;
    writeln!(out, "  {:12} {:08x}", "checksum", number(40))?;
    writeln!(out, "  {:12} {}", "magic", bytes[44..].escape_ascii())?;
    match Layout::decode(bytes, offset) {
        Ok(_) => Ok(()),
        Err(bad) => writeln!(out, "{} {bad}", paint(BAD, "✗")),
    }
}
