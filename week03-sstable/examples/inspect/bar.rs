//! The file to scale, as a row of boxes.
//!
//! ```text
//!   ┌───────────────┬─────────┬────────┐   a box gets columns by its bytes, and one at least;
//!   │ data block 0  │ index   │ foot…  │   its name is the longest of several that fits
//!   └───────────────┴─────────┴────────┘
//!   0               49        93           where it begins, if there is room
//! ```

use std::io::{self, Write};

use crate::check::Survey;
use crate::part::Kind;
use crate::style::{self, DIM, paint};
use crate::text;

/// A box.
pub(crate) struct Span {
    pub(crate) kind: Kind,
    pub(crate) offset: u64,
    /// With the trailer.
    pub(crate) size: u64,
    /// How many blocks it stands for.
    pub(crate) count: usize,
}

/// The parts of a file in their order. If there are more than `blocks_max` of data blocks and parts
/// of partitions, each partition is a span, and if there are more of these, too, they are one.
pub(crate) fn spans(survey: &Survey, blocks_max: usize) -> Vec<Span> {
    let span = |kind, offset, end| Span { kind, offset, size: end - offset, count: 1 };
    let mut spans = Vec::new();
    let parts = &survey.partitions;
    let ends = [survey.blocks.last().copied(), parts.last().map(|last| last.handles.index)];
    let data_end = ends.into_iter().flatten().filter_map(|last| last.end()).max().unwrap_or(0);
    let one = |kind, count| Span { count, ..span(kind, 0, data_end) };
    if survey.blocks.len() + survey.parts().count() <= blocks_max {
        let blocks = survey.blocks.iter().enumerate();
        let blocks = blocks.map(|(index, &handle)| (Kind::Data(index), handle));
        let all = blocks.chain(survey.parts());
        spans.extend(all.filter_map(|(kind, part)| Some(span(kind, part.offset, part.end()?))));
        spans.sort_by_key(|span| span.offset);
    } else if parts.is_empty() {
        spans.push(one(Kind::Data(0), survey.blocks.len()));
    } else if parts.len() > blocks_max {
        spans.push(one(Kind::Partition(0), parts.len()));
    } else {
        spans.extend(parts.iter().enumerate().filter_map(|(index, part)| {
            Some(span(Kind::Partition(index), part.start, part.handles.index.end()?))
        }));
    }
    spans.extend(survey.layout.others().filter_map(|(kind, handle)| {
        let end = match kind {
            Kind::Footer => handle.offset + u64::from(handle.size),
            _ => handle.end()?,
        };
        Some(span(kind, handle.offset, end))
    }));
    spans
}

/// How many columns each gets inside of its box, `width` in all.
fn columns(spans: &[Span], width: usize) -> Vec<usize> {
    let total: u64 = spans.iter().map(|span| span.size).sum();
    let free = width.saturating_sub(spans.len()) as u128;
    let mut end = 0;
    let mut until = |size: u64| {
        end += size;
        (free * u128::from(end) / u128::from(total.max(1))) as usize
    };
    let mut before = 0;
    let mut column = |span: &Span| {
        let after = until(span.size);
        1 + after - std::mem::replace(&mut before, after)
    };
    spans.iter().map(&mut column).collect()
}

/// What can be written into the box, the longest first.
pub(crate) fn names(span: &Span) -> Vec<String> {
    match span.kind {
        Kind::Data(_) if span.count > 1 => {
            vec![format!("{} data blocks", text::count(span.count as u64)), "data".into()]
        }
        Kind::Data(index) => {
            vec![format!("data block {index}"), format!("block {index}"), index.to_string()]
        }
        Kind::Filter => vec!["filter".into(), "flt".into(), "F".into()],
        Kind::Index => vec!["index".into(), "idx".into(), "I".into()],
        Kind::Properties => vec!["properties".into(), "props".into(), "P".into()],
        Kind::Footer => vec!["footer".into(), "foot".into(), "f".into()],
        Kind::FilterPart(index) => vec![format!("filter {index}"), format!("F{index}"), "F".into()],
        Kind::IndexPart(index) => vec![format!("index {index}"), format!("I{index}"), "I".into()],
        Kind::Partition(_) if span.count > 1 => {
            vec![format!("{} partitions", text::count(span.count as u64)), "data".into()]
        }
        Kind::Partition(index) => {
            vec![format!("partition {index}"), format!("part {index}"), index.to_string()]
        }
        Kind::Top => vec!["top".into(), "T".into()],
    }
}

/// Prints the bar, at most `width` columns wide.
pub(crate) fn print(survey: &Survey, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let spans = spans(survey, width / 8);
    if spans.is_empty() {
        return Ok(());
    }
    let columns = columns(&spans, width.saturating_sub(spans.len() + 1));
    let border = |left, between, right| {
        let boxes: Vec<String> = columns.iter().map(|&columns| "─".repeat(columns)).collect();
        paint(DIM, format!("{left}{}{right}", boxes.join(between)))
    };
    writeln!(out, "{}", border("┌", "┬", "┐"))?;
    let edge = paint(DIM, "│");
    for (span, &columns) in spans.iter().zip(&columns) {
        let fits = |name: &String| name.len() <= columns;
        let name = names(span).into_iter().find(fits).unwrap_or_default();
        // With a space in front, if there is room for one.
        let indent = usize::from(name.len() + 2 <= columns);
        let name = format!("{:indent$}{name:<1$}", "", columns - indent);
        write!(out, "{edge}{}", paint(style::of(span.kind), name))?;
    }
    writeln!(out, "{edge}\n{}", border("└", "┴", "┘"))?;
    let (mut line, mut column) = (String::new(), 0);
    for (span, &columns) in spans.iter().zip(&columns) {
        if line.is_empty() || line.len() < column {
            line = format!("{line:column$}{}", span.offset);
        }
        column += columns + 1;
    }
    writeln!(out, "{}", paint(DIM, line))
}
