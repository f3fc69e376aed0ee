//! The file as a whole: its parts to scale, its blocks, what is in it and what it costs.

use std::io::{self, Write};

use memtable::InternalKey;
use sstable::filter::expected_false_positive_rate;
use sstable::format::{BLOCK_TRAILER_SIZE, FOOTER_SIZE, Handle};

use crate::check::{Row, Survey};
use crate::filter::{Filtered, Lines};
use crate::part::{Kind, codec_name};
use crate::source::Source;
use crate::style::{BOLD, DIM, GOOD, paint};
use crate::{Screen, bar, index, text};

/// Of more blocks than these, the first and the last are shown.
pub(crate) const FIRST: usize = 12;
pub(crate) const LAST: usize = 4;

pub(crate) fn print(
    source: &Source,
    survey: &Survey,
    screen: Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let name = paint(BOLD, source.path.display());
    let version = match survey.layout.footer {
        Some(_) => format!("  format version {}", survey.layout.version()),
        None => String::new(),
    };
    writeln!(out, "{name}  {}{version}\n", text::size(source.size))?;
    bar::print(survey, screen.width, out)?;
    blocks(survey, screen, out)?;
    parts(survey, out)?;
    other_parts(survey, out)?;
    filter(survey, out)?;
    content(survey, out)?;
    totals(source, survey, out)?;
    writeln!(out)?;
    verdict(survey, out)
}

/// The last word: what is wrong, or that nothing is.
pub(crate) fn verdict(survey: &Survey, out: &mut dyn Write) -> io::Result<()> {
    if survey.problems.count > 0 {
        return survey.problems.print(out);
    }
    let blocks = text::many(survey.blocks.len() as u64, "data block", "data blocks");
    let entries = text::many(survey.counted.entry_count, "entry", "entries");
    writeln!(out, "{} whole: {blocks} and {entries} checked", paint(GOOD, "✓"))
}

fn heading(text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}", paint(BOLD, text))
}

fn blocks(survey: &Survey, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    if survey.rows.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{}",
        paint(BOLD, "     block      offset    size     raw  codec   entries  restarts  keys")
    )?;
    let mut next = 0;
    for row in &survey.rows {
        if row.index > next {
            let hidden = row.index - next;
            writeln!(
                out,
                "{}",
                paint(DIM, format!("         … {hidden} more: --blocks shows all"))
            )?;
        }
        next = row.index + 1;
        block(row, screen, out)?;
    }
    Ok(())
}

fn block(row: &Row, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let (Handle { offset, size }, codec) = (row.handle, codec_name(row.codec));
    write!(out, "{:>10} {offset:>11} {size:>7} ", row.index)?;
    let Some(content) = &row.content else {
        return writeln!(out, "      ?  {codec:6}        ?         ?  cannot be read");
    };
    let restarts = content.entries.iter().filter(|(_, is_restart)| *is_restart).count();
    // What is left of the line is for two keys and what stands between them.
    let width = (screen.width.saturating_sub(66 + 5) / 2).clamp(10, 40);
    let (first, last) = (text::squeeze(&content.first, width), text::squeeze(&content.last, width));
    writeln!(
        out,
        "{:>7}  {codec:6} {:>8}  {restarts:>8}  {first} to {last}",
        content.raw_size,
        content.entries.len()
    )
}

/// The parts of partitions: of very many, the first and the last.
fn parts(survey: &Survey, out: &mut dyn Write) -> io::Result<()> {
    let count = survey.parts().count();
    for (number, (kind, Handle { offset, size })) in survey.parts().enumerate() {
        if number == FIRST && count > FIRST + LAST {
            let hidden = count - FIRST - LAST;
            writeln!(out, "{}", paint(DIM, format!("         … {hidden} more parts")))?;
        }
        if number < FIRST || number + LAST >= count {
            let what = part(survey, kind);
            writeln!(out, "{}", format!("{kind:>10} {offset:>11} {size:>7}  {what}").trim_end())?;
        }
    }
    Ok(())
}

/// What there is in a part of a partition.
fn part(survey: &Survey, kind: Kind) -> String {
    match kind {
        Kind::FilterPart(index) => match &survey.partitions[index].filter {
            Some(filter) => text::many(filter.lines.lines().len() as u64, "line", "lines"),
            None => "cannot be read".into(),
        },
        Kind::IndexPart(index) => {
            let next = survey.partitions.get(index + 1);
            let end = next.map_or(survey.separators.len(), |next| next.first_block);
            let count = end - survey.partitions[index].first_block;
            text::many(count as u64, "separator", "separators")
        }
        _ => String::new(),
    }
}

fn other_parts(survey: &Survey, out: &mut dyn Write) -> io::Result<()> {
    for (kind, handle) in survey.layout.others() {
        let Handle { offset, size } = handle;
        let what = match kind {
            Kind::Index => text::many(survey.blocks.len() as u64, "separator", "separators"),
            Kind::Filter => match &survey.filter {
                Some(filter) => text::many(filter.lines.lines().len() as u64, "line", "lines"),
                None => "cannot be read".into(),
            },
            Kind::Top => text::many(survey.partitions.len() as u64, "partition", "partitions"),
            Kind::Properties if survey.properties.is_none() => "cannot be read".into(),
            _ => String::new(),
        };
        writeln!(out, "{}", format!("{kind:>10} {offset:>11} {size:>7}  {what}").trim_end())?;
    }
    Ok(())
}

fn filter(survey: &Survey, out: &mut dyn Write) -> io::Result<()> {
    let Some(Filtered { lines: first, .. }) = survey.filters().next() else { return Ok(()) };
    let lines = || survey.filters().map(|filter| &filter.lines);
    let sum = |of: fn(&Lines) -> u64| lines().map(of).sum::<u64>();
    let (bit_count, line_count) = (sum(Lines::bit_count), sum(|lines| lines.lines().len() as u64));
    let in_parts = match survey.filter {
        Some(_) => String::new(),
        None => format!(" in {}", text::many(lines().count() as u64, "part", "parts")),
    };
    heading("filter", out)?;
    writeln!(
        out,
        "  {} in {} of {}{in_parts}: {} are set",
        text::many(bit_count, "bit", "bits"),
        text::many(line_count, "line", "lines"),
        crate::filter::LINE_BITS,
        text::percent(sum(Lines::set_count), bit_count)
    )?;
    if survey.unread_count > 0 {
        return Ok(());
    }
    let bits_per_key = bit_count as f64 / survey.user_key_count.max(1) as f64;
    writeln!(
        out,
        "  {bits_per_key:.1} bits for each of {}, {} a key",
        text::many(survey.user_key_count, "user key", "user keys"),
        text::many(first.probe_count() as u64, "probe", "probes")
    )?;
    // Of a larger part more keys ask.
    let rates = lines().map(|lines| lines.rate() * lines.lines().len() as f64);
    writeln!(
        out,
        "  lets through {:.2} % of absent keys as it is filled; {:.2} % are expected of {} bits",
        100.0 * rates.sum::<f64>() / line_count as f64,
        100.0 * expected_false_positive_rate(bits_per_key as usize),
        bits_per_key as usize
    )
}

fn content(survey: &Survey, out: &mut dyn Write) -> io::Result<()> {
    let Some(properties) = &survey.properties else { return Ok(()) };
    let puts = properties.entry_count - properties.tombstone_count;
    heading("properties", out)?;
    let old = properties.entry_count.saturating_sub(survey.user_key_count);
    let versions = match survey.unread_count {
        0 => format!(
            "; {}, {}",
            text::many(survey.user_key_count, "user key", "user keys"),
            text::many(old, "older version", "older versions")
        ),
        // Nobody knows what is in the blocks that cannot be read.
        _ => String::new(),
    };
    writeln!(
        out,
        "  {}: {}, {}{versions}",
        text::many(properties.entry_count, "entry", "entries"),
        text::many(puts, "put", "puts"),
        text::many(properties.tombstone_count, "tombstone", "tombstones"),
    )?;
    let key = |key: &[u8]| InternalKey::decode(key).map_or("?".into(), index::show);
    writeln!(
        out,
        "  keys {} to {}, numbers {} to {}",
        key(&properties.smallest_key),
        key(&properties.largest_key),
        properties.smallest_seq,
        properties.largest_seq
    )?;
    let counts = properties.block_counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let counts: Vec<String> =
        counts.map(|(codec, count)| format!("{count} {}", codec_name(codec as u8))).collect();
    writeln!(
        out,
        "  data blocks by codec: {}; {:.2} bytes stand for one stored byte",
        counts.join(", "),
        properties.compression_ratio()
    )
}

fn totals(source: &Source, survey: &Survey, out: &mut dyn Write) -> io::Result<()> {
    let (keys, values) = (survey.counted.raw_key_size, survey.counted.raw_value_size);
    if survey.unread_count > 0 || keys == 0 {
        return Ok(());
    }
    heading("what it costs", out)?;
    writeln!(
        out,
        "  keys {keys} + values {values} = {} bytes, in a file of {}: {:.2} of it",
        keys + values,
        text::size(source.size),
        source.size as f64 / (keys + values) as f64
    )?;
    let all = || survey.layout.others().chain(survey.parts());
    let size_of = |is_one: fn(&Kind) -> bool| -> u64 {
        let size = |handle: Handle| u64::from(handle.size) + BLOCK_TRAILER_SIZE as u64;
        all().filter(|(kind, _)| is_one(kind)).map(|(_, handle)| size(handle)).sum()
    };
    let filter = size_of(|kind| matches!(kind, Kind::Filter | Kind::FilterPart(_)));
    let index = size_of(|kind| matches!(kind, Kind::Index | Kind::IndexPart(_) | Kind::Top));
    let properties = size_of(|kind| matches!(kind, Kind::Properties));
    let share = |size| text::percent(size, source.size);
    writeln!(
        out,
        "  data {}, filter {}, index {}, properties {}, footer {}",
        share(survey.data_size()),
        share(filter),
        share(index),
        share(properties),
        share(FOOTER_SIZE as u64)
    )
}
