//! The same as a picture: the file to scale, and its first data blocks with their entries.
//!
//! ```text
//!   ├── file ───────────────────────────────────────────┤   parts, by their bytes
//!
//!   block 0   ▾────▾────▾──╌╌   agate … chalk               entries, restart points, their array
//! ```

use std::fmt::Display;
use std::io::{self, Write};

use crate::bar::{self, Span};
use crate::check::{Content, Row, Survey};
use crate::part::{Kind, codec_name};
use crate::source::Source;
use crate::text;

/// So many data blocks are drawn.
pub(crate) const ROWS_MAX: usize = 16;

/// All lengths are in pixels.
const WIDTH: f64 = 960.0;
const MARGIN: f64 = 24.0;
const BAR_TOP: f64 = 62.0;
const BAR_HEIGHT: f64 = 42.0;
const ROWS_TOP: f64 = 178.0;
const ROW_STEP: f64 = 34.0;
const ROW_HEIGHT: f64 = 18.0;
/// Where a row's entries begin, and the width of the largest block.
const ROW_LEFT: f64 = 186.0;
const ROW_WIDTH: f64 = 470.0;
/// The width of a character, about.
const CHARACTER: f64 = 7.0;
const PROBLEMS_MAX: usize = 5;

const STYLE: &str = "\
.table{font:13px system-ui,sans-serif;fill:var(--ink);max-width:100%;height:auto;\
--ink:#22262b;--paper:#fff;--quiet:#6a7178;--data:#2f7fc1;--filter:#3d8b4f;--index:#c07a12;\
--properties:#9450a8;--footer:#56606b;--bad:#c0392b}
@media(prefers-color-scheme:dark){.table{--ink:#d5dae0;--paper:#16191d;--quiet:#9aa2ab;\
--data:#63a9e4;--filter:#76bf86;--index:#e3a94d;--properties:#c58bd6;--footer:#9aa5b1;\
--bad:#e8897d}}
.paper{fill:var(--paper)} .quiet{fill:var(--quiet)} .title{font-size:16px;font-weight:600}
.bad{fill:var(--bad)} .mono{font-family:ui-monospace,monospace;font-size:12px}
.small{font-size:11.5px} .middle{text-anchor:middle}
.data{fill:var(--data)} .filter{fill:var(--filter)} .index{fill:var(--index)}
.properties{fill:var(--properties)} .footer{fill:var(--footer)}
.part{fill-opacity:.3;stroke:var(--paper);stroke-width:2}
.even{fill-opacity:.28} .odd{fill-opacity:.5} .tail{fill:var(--quiet);fill-opacity:.3}
";

/// Prints the picture.
pub(crate) fn print(source: &Source, survey: &Survey, out: &mut dyn Write) -> io::Result<()> {
    let problems = survey.problems.list.len().min(PROBLEMS_MAX);
    let hidden = survey.blocks.len() > survey.rows.len();
    let rows_end = ROWS_TOP + ROW_STEP * (survey.rows.len() + usize::from(hidden)) as f64;
    let height = rows_end + 14.0 + 20.0 * problems as f64;
    let name = source.path.file_name().unwrap_or(source.path.as_os_str()).to_string_lossy();
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"table\" role=\"img\" width=\"{WIDTH}\" \
         height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\">\n<title>{}</title>\n<desc>{}</desc>\n\
         <style>\n{STYLE}</style>\n<rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\"/>",
        escape(&name),
        escape(&described(source, survey))
    )?;
    write_text(out, "title", MARGIN, 34.0, &name)?;
    let title_end = MARGIN + 9.5 * name.chars().count() as f64 + 12.0;
    write_text(out, "quiet", title_end, 34.0, described(source, survey))?;
    parts(&bar::spans(survey, 64), out)?;
    rows(survey, out)?;
    if hidden {
        let more = survey.blocks.len() - survey.rows.len();
        write_text(out, "quiet", MARGIN, rows_end - 20.0, format!("… and {more} more"))?;
    }
    for (number, problem) in survey.problems.list.iter().take(problems).enumerate() {
        let line = format!("✗ {}: {}", problem.place, problem.what);
        write_text(out, "bad", MARGIN, rows_end + 10.0 + 20.0 * number as f64, line)?;
    }
    writeln!(out, "</svg>")
}

fn described(source: &Source, survey: &Survey) -> String {
    format!(
        "{}, {}, {}",
        text::size(source.size),
        text::many(survey.blocks.len() as u64, "data block", "data blocks"),
        text::many(survey.counted.entry_count, "entry", "entries")
    )
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Data(_) | Kind::Partition(_) => "data",
        Kind::Filter | Kind::FilterPart(_) => "filter",
        Kind::Index | Kind::IndexPart(_) | Kind::Top => "index",
        Kind::Properties => "properties",
        Kind::Footer => "footer",
    }
}

/// The file to scale. Offsets, and names that do not fit into their boxes, stand where there is
/// room for them.
fn parts(spans: &[Span], out: &mut dyn Write) -> io::Result<()> {
    let end = spans.last().map_or(1, |span| span.offset + span.size);
    let scale = (WIDTH - 2.0 * MARGIN) / end as f64;
    let mut offsets_end = 0.0;
    let mut names_end = 0.0;
    for span in spans {
        let (x, width) = (MARGIN + scale * span.offset as f64, scale * span.size as f64);
        let class = class(span.kind);
        writeln!(
            out,
            "<rect class=\"part {class}\" x=\"{x:.1}\" y=\"{BAR_TOP}\" width=\"{:.1}\" \
             height=\"{BAR_HEIGHT}\"/>",
            width.max(2.0)
        )?;
        let names = bar::names(span);
        let fits = |name: &&String| CHARACTER * name.len() as f64 + 6.0 < width;
        if let Some(name) = names.iter().find(fits) {
            let middle = x + width / 2.0;
            write_text(out, "middle", middle, BAR_TOP + BAR_HEIGHT / 2.0 + 4.5, name)?;
        } else if class != "data" && x > names_end {
            write_text(out, class, x, BAR_TOP - 6.0, &names[0])?;
            names_end = x + CHARACTER * (names[0].len() + 1) as f64;
        }
        if x >= offsets_end {
            let offset = span.offset.to_string();
            write_text(out, "quiet small", x, BAR_TOP + BAR_HEIGHT + 16.0, &offset)?;
            offsets_end = x + CHARACTER * (offset.len() + 1) as f64;
        }
    }
    Ok(())
}

fn rows(survey: &Survey, out: &mut dyn Write) -> io::Result<()> {
    let sizes = survey.rows.iter().filter_map(|row| Some(row.content.as_ref()?.raw_size));
    let Some(largest) = sizes.max() else { return Ok(()) };
    let scale = ROW_WIDTH / largest as f64;
    let legend = "the data blocks without compression: entries, ▾ restart points, and behind them \
                  the array of these";
    write_text(out, "quiet", MARGIN, ROWS_TOP - 26.0, legend)?;
    for (number, row) in survey.rows.iter().enumerate() {
        let top = ROWS_TOP + ROW_STEP * number as f64;
        let middle = top + ROW_HEIGHT / 2.0 + 4.5;
        write_text(out, "", MARGIN, middle, format!("block {}", row.index))?;
        let stored = format!("{} B, {}", row.handle.size, codec_name(row.codec));
        write_text(out, "quiet small", MARGIN + 68.0, middle, stored)?;
        match &row.content {
            Some(content) => entries(row, content, top, scale, out)?,
            None => write_text(out, "bad", ROW_LEFT, middle, "it cannot be read")?,
        }
    }
    Ok(())
}

fn entries(
    row: &Row,
    content: &Content,
    top: f64,
    scale: f64,
    out: &mut dyn Write,
) -> io::Result<()> {
    let x = |at: usize| ROW_LEFT + scale * at as f64;
    let starts = content.entries.iter().map(|(at, _)| *at);
    let ends = starts.clone().skip(1).chain([content.entries_end]);
    let mut rect = |class: &str, from: usize, to: usize| {
        writeln!(
            out,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{top}\" width=\"{:.1}\" \
             height=\"{ROW_HEIGHT}\"/>",
            x(from),
            x(to) - x(from)
        )
    };
    for (number, (from, to)) in starts.zip(ends).enumerate() {
        rect(["data even", "data odd"][number % 2], from, to)?;
    }
    rect("tail", content.entries_end, content.raw_size)?;
    for (at, _) in content.entries.iter().filter(|(_, is_restart)| *is_restart) {
        let (x, y) = (x(*at), top - 1.0);
        writeln!(out, "<path class=\"data\" d=\"M{x:.1} {y}l-4 -6h8z\"/>")?;
    }
    let keys = [&content.first, &content.last].map(|key| text::squeeze(key, 16)).join(" to ");
    let middle = top + ROW_HEIGHT / 2.0 + 4.5;
    let count = row.content.as_ref().map_or(0, |content| content.entries.len());
    let line = format!("{count}: {keys}");
    write_text(out, "mono", ROW_LEFT + ROW_WIDTH + 10.0, middle, line)
}

fn write_text(
    out: &mut dyn Write,
    class: &str,
    x: f64,
    y: f64,
    text: impl Display,
) -> io::Result<()> {
    let text = escape(&text.to_string());
    writeln!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
