//! A chart of all ratios: a row for each kind of work, a mark for each engine.
//!
//! In the book's own classes, so that it follows the reader's theme.

use std::fmt::Write as _;

use crate::engines::ROCKSDB;
use crate::report::{Report, describe};
use crate::settings::Settings;

const WIDTH: f64 = 720.0;
const LEFT: f64 = 170.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 92.0;
const ROW: f64 = 24.0;
/// The ratios at both ends; what is beyond is drawn at the end.
const ENDS: [f64; 2] = [0.05, 20.0];
const TICKS: [(f64, &str); 7] = [
    (0.05, "1/20"),
    (0.1, "1/10"),
    (0.25, "1/4"),
    (1.0, "1"),
    (4.0, "4×"),
    (10.0, "10×"),
    (20.0, "20×"),
];

/// For those who look at the file by itself.
const STYLE: &str = "<style>
svg { font-family: \"Open Sans\", \"Segoe UI\", Helvetica, Arial, sans-serif; font-size: 15px;
    --paper: #fcfbf9; --edge: #c6c1b7; --quiet: #77736b; --ink: #2a2926; --lichen: #a85b12;
    --moss: #4a7230; --rust: #a23b2a; --slate: #2b6178; --dark: #5c5850; }
@media (prefers-color-scheme: dark) { svg { --paper: #1b1c1d; --edge: #4b4f50; --quiet: #96948e;
    --ink: #d3d0c9; --lichen: #dfa05a; --moss: #98bf78; --rust: #e58c7a; --slate: #86bacf;
    --dark: #b5b2aa; } }
.sheet { fill: var(--paper); }
.line-soft { stroke: var(--edge); } .line { stroke: var(--quiet); stroke-width: 1.5; }
.accent { fill: var(--lichen); } .good { fill: var(--moss); } .bad { fill: var(--rust); }
.stone-dark { fill: var(--dark); } .none { fill: none; }
.line-accent { stroke: var(--lichen); stroke-width: 2; } .line-good { stroke: var(--moss); stroke-width: 2; }
.line-bad { stroke: var(--rust); stroke-width: 2; } .line-cool { stroke: var(--slate); stroke-width: 2; }
text { fill: var(--ink); } .strong { font-weight: 600; } .quiet { fill: var(--quiet); }
.small { font-size: 12.5px; } .middle { text-anchor: middle; } .end { text-anchor: end; }
</style>";

/// The chart as an SVG file.
pub(crate) fn svg(report: &Report, settings: &Settings) -> String {
    let rows = report.works().len() as f64;
    let (bottom, height) = (TOP + rows * ROW, TOP + rows * ROW + 64.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\">\n<title>Speed as \
         a ratio to RocksDB</title>\n<desc>{}</desc>\n{STYLE}\n<rect class=\"sheet\" width=\"{WIDTH}\" \
         height=\"{height}\" rx=\"8\"/>\n<text class=\"strong\" x=\"12\" y=\"24\">as fast as RocksDB, \
         times …</text>\n",
        description(report),
    );
    let others: Vec<usize> =
        (0..report.engines().len()).filter(|&engine| report.engines()[engine] != ROCKSDB).collect();
    for (place, &engine) in others.iter().enumerate() {
        let x = 20.0 + 96.0 * place as f64;
        out += &mark(place, x, 46.0);
        let _ = writeln!(
            out,
            "<text class=\"small\" x=\"{}\" y=\"50.5\">{}</text>",
            x + 11.0,
            report.engines()[engine]
        );
    }
    for (ratio, label) in TICKS {
        let x = place_of(ratio);
        let class = if ratio == 1.0 { "line" } else { "line-soft" };
        let _ = writeln!(
            out,
            "<path class=\"{class} none\" d=\"M{x:.1} {} V{bottom:.1}\"/>\n<text class=\"small quiet \
             middle\" x=\"{x:.1}\" y=\"{}\">{label}</text>",
            TOP - 6.0,
            TOP - 12.0
        );
    }
    for (row, work) in report.works().iter().enumerate() {
        let y = TOP + (row as f64 + 0.5) * ROW;
        let _ = writeln!(
            out,
            "<text class=\"small\" x=\"12\" y=\"{:.1}\">{}</text>",
            y + 4.5,
            work.name()
        );
        // The first engine is drawn last, and lies above all others.
        for (place, &engine) in others.iter().enumerate().rev() {
            if let Some(ratio) = report.ratio(row, engine) {
                out += &mark(place, place_of(ratio), y);
            }
        }
    }
    for (line, text) in describe(settings).lines().enumerate() {
        let y = bottom + 28.0 + 18.0 * line as f64;
        let _ = writeln!(out, "<text class=\"small quiet\" x=\"12\" y=\"{y:.1}\">{text}</text>");
    }
    out + "</svg>\n"
}

fn place_of(ratio: f64) -> f64 {
    let [least, most] = ENDS;
    let part = (ratio.clamp(least, most) / least).ln() / (most / least).ln();
    LEFT + part * (WIDTH - LEFT - RIGHT)
}

/// The mark of one engine: each has a shape of its own, for those to whom colours look alike.
fn mark(engine: usize, x: f64, y: f64) -> String {
    match engine % 7 {
        0 => format!("<circle class=\"accent\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\"/>\n"),
        1 => {
            format!("<circle class=\"line-accent none\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>\n")
        }
        2 => path("line-accent", x, y, "m-5 -5 l10 10 m0 -10 l-10 10"),
        3 => path("line-cool", x, y, "m-5 4 h10 l-5 -9 z"),
        4 => path("line-good", x, y, "m-4.5 -4.5 h9 v9 h-9 z"),
        5 => path("line-bad", x, y, "m0 -6 l6 6 l-6 6 l-6 -6 z"),
        _ => path("line", x, y, "m-5 0 h10 m-5 -5 v10"),
    }
}

fn path(class: &str, x: f64, y: f64, shape: &str) -> String {
    format!("<path class=\"{class} none\" d=\"M{x:.1} {y:.1} {shape}\"/>\n")
}

/// The same in words.
fn description(report: &Report) -> String {
    let mut out = String::new();
    for (row, work) in report.works().iter().enumerate() {
        let ratio = |engine| {
            Some(format!("{} {:.2}", report.engines()[engine], report.ratio(row, engine)?))
        };
        let ratios: Vec<String> = (0..report.engines().len()).filter_map(ratio).collect();
        let _ = write!(out, "{}: {}. ", work.name(), ratios.join(", "));
    }
    out
}
