//! Draws a chart as SVG.
//!
//! Ink is `currentColor`, so that a chart inside of a page follows the page's theme. As a file of
//! its own, where the `svg` element is the root, it brings ink and paper and follows the reader's
//! choice of light or dark. Series differ in colour, and in the shape of their marks as well.

use super::scale::{Foot, Ruler, short};
use super::{Chart, Kind, Series};

const WIDTH: f64 = 720.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 24.0;
/// Height of the plot itself, where it does not follow from the number of bars.
const PLOT_HEIGHT: f64 = 280.0;
const TITLE_HEIGHT: f64 = 34.0;
const LEGEND_LINE_HEIGHT: f64 = 20.0;
const BAR_HEIGHT: f64 = 18.0;
const GROUP_GAP: f64 = 12.0;
/// Room below the plot for tick texts and the axis label.
const FOOT_HEIGHT: f64 = 48.0;
/// Width of a character at font size 13, on the safe side.
const CHAR_WIDTH: f64 = 7.2;

/// Each of them has a contrast of at least 3 against white and against the dark paper.
const COLOURS: [&str; 6] = ["#2f7fc1", "#d2721e", "#2f9461", "#b0559a", "#c24b4b", "#7d7fcb"];

const STYLE: &str = "\
.cairn-chart{font:13px system-ui,sans-serif;fill:currentColor;max-width:100%;height:auto}
.cairn-chart .title{font-size:15px;font-weight:600}
.cairn-chart .grid{stroke:currentColor;stroke-opacity:.16}
.cairn-chart .axis{stroke:currentColor;stroke-opacity:.6}
.cairn-chart .quiet{fill-opacity:.75}
.cairn-chart .line{fill:none;stroke-width:2;stroke-linejoin:round}
svg.cairn-chart:root{color:#22262b;background:#fff}
@media(prefers-color-scheme:dark){svg.cairn-chart:root{color:#d5dae0;background:#16191d}}
";

pub(super) fn draw(chart: &Chart) -> String {
    let (legend, legend_height) = draw_legend(&chart.series);
    let top = TITLE_HEIGHT + legend_height + 8.0;
    let (plot, plot_height) = match chart.kind {
        Kind::Bar => draw_bars(chart, top),
        Kind::Line | Kind::Step => (draw_lines(chart, top), PLOT_HEIGHT),
    };
    let height = top + plot_height + FOOT_HEIGHT;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"cairn-chart\" role=\"img\" \
         width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\">\n\
         <title>{}</title>\n<desc>{}</desc>\n<style>\n{STYLE}</style>\n{}{legend}{plot}</svg>\n",
        escape(&chart.title),
        escape(&chart.says),
        text(LEFT, 22.0, "title", "start", &chart.title),
    )
}

/// A line a row of names, as many to a row as fit; nothing for a single series.
fn draw_legend(series: &[Series]) -> (String, f64) {
    if series.len() < 2 {
        return (String::new(), 0.0);
    }
    let (mut out, mut x, mut y) = (String::new(), LEFT, TITLE_HEIGHT + 12.0);
    for (index, series) in series.iter().enumerate() {
        let width = 34.0 + series.name.chars().count() as f64 * CHAR_WIDTH;
        if x > LEFT && x + width > WIDTH - RIGHT {
            (x, y) = (LEFT, y + LEGEND_LINE_HEIGHT);
        }
        out += &mark(index, x + 6.0, y - 4.0);
        out += &text(x + 18.0, y, "", "start", &series.name);
        x += width;
    }
    (out, y + LEGEND_LINE_HEIGHT - 12.0 - TITLE_HEIGHT)
}

fn draw_lines(chart: &Chart, top: f64) -> String {
    let points = || chart.series.iter().flat_map(|s| &s.points);
    let xs: Vec<f64> = points().map(|p| p.x).collect();
    let ys: Vec<f64> = points().map(|p| p.y).collect();
    let bottom = top + PLOT_HEIGHT;
    let x_ruler = Ruler::new(chart.x.scale, &xs, LEFT, WIDTH - RIGHT, Foot::Tight);
    let y_ruler = Ruler::new(chart.y.scale, &ys, bottom, top, Foot::Round);

    let mut out = String::new();
    for tick in &y_ruler.ticks {
        let y = y_ruler.px(*tick);
        out += &line("grid", LEFT, y, WIDTH - RIGHT, y);
        out += &text(LEFT - 8.0, y + 4.0, "quiet", "end", &short(*tick));
    }
    out += &line("axis", LEFT, bottom, WIDTH - RIGHT, bottom);
    for tick in &x_ruler.ticks {
        let x = x_ruler.px(*tick);
        out += &line("axis", x, bottom, x, bottom + 5.0);
        out += &text(x, bottom + 19.0, "quiet", "middle", &short(*tick));
    }
    out += &text((LEFT + WIDTH - RIGHT) / 2.0, bottom + 40.0, "quiet", "middle", &chart.x.label);
    out += &upright(18.0, (top + bottom) / 2.0, &chart.y.label);
    for (index, series) in chart.series.iter().enumerate() {
        out += &draw_series(chart.kind, index, series, &x_ruler, &y_ruler);
    }
    out
}

/// Marks stand on every point unless there are so many that they would hide the line.
const MARKED_POINTS_MAX: usize = 40;

fn draw_series(kind: Kind, index: usize, series: &Series, x: &Ruler, y: &Ruler) -> String {
    let mut path = String::new();
    let mut marks = String::new();
    for (number, point) in series.points.iter().enumerate() {
        let (px, py) = (x.px(point.x), y.px(point.y));
        path += &match (number, kind) {
            (0, _) => format!("M{px:.1} {py:.1}"),
            (_, Kind::Step) => format!("H{px:.1}V{py:.1}"),
            (_, Kind::Line | Kind::Bar) => format!("L{px:.1} {py:.1}"),
        };
        if series.points.len() <= MARKED_POINTS_MAX {
            marks += &mark(index, px, py);
        }
    }
    format!("<path class=\"line\" stroke=\"{}\" d=\"{path}\"/>\n{marks}", colour(index))
}

/// Bars lie down, so that their names have room; returns the drawing and the plot's height.
fn draw_bars(chart: &Chart, top: f64) -> (String, f64) {
    let mut names: Vec<&str> = Vec::new();
    for point in chart.series.iter().flat_map(|s| &s.points) {
        if !names.contains(&point.name.as_str()) {
            names.push(&point.name);
        }
    }
    let longest = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
    let left = (longest as f64 * CHAR_WIDTH + 16.0).clamp(LEFT, WIDTH / 2.0);
    let group_height = chart.series.len() as f64 * BAR_HEIGHT + GROUP_GAP;
    let plot_height = names.len() as f64 * group_height;
    let bottom = top + plot_height;
    let ys: Vec<f64> = chart.series.iter().flat_map(|s| &s.points).map(|p| p.y).collect();
    // The value stands behind its bar, and needs room there.
    let ruler = Ruler::new(chart.y.scale, &ys, left, WIDTH - RIGHT - 44.0, Foot::Zero);

    let mut out = String::new();
    for tick in &ruler.ticks {
        let x = ruler.px(*tick);
        out += &line("grid", x, top, x, bottom);
        out += &text(x, bottom + 17.0, "quiet", "middle", &short(*tick));
    }
    for (group, name) in names.iter().enumerate() {
        let group_top = top + group as f64 * group_height + GROUP_GAP / 2.0;
        let middle = group_top + chart.series.len() as f64 * BAR_HEIGHT / 2.0;
        out += &text(left - 8.0, middle + 4.0, "", "end", name);
        for (index, series) in chart.series.iter().enumerate() {
            for point in series.points.iter().filter(|p| p.name == *name) {
                let y = group_top + index as f64 * BAR_HEIGHT;
                out += &bar(index, left, ruler.px(point.y), y);
                out += &text(ruler.px(point.y) + 6.0, y + 13.0, "quiet", "start", &short(point.y));
            }
        }
    }
    out += &line("axis", left, top, left, bottom);
    let label = format!("{} by {}", chart.y.label, chart.x.label);
    out += &text((left + WIDTH - RIGHT) / 2.0, bottom + 40.0, "quiet", "middle", &label);
    (out, plot_height)
}

fn bar(index: usize, left: f64, right: f64, y: f64) -> String {
    let (width, height) = (right - left, BAR_HEIGHT - 3.0);
    let fill = colour(index);
    format!(
        "<rect x=\"{left:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\" \
         rx=\"1.5\" fill=\"{fill}\"/>\n"
    )
}

/// A circle, a square, a triangle or a diamond, in the colour of series `index`.
fn mark(index: usize, x: f64, y: f64) -> String {
    let shape = match index % 4 {
        0 => "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
        1 => "M-3.6-3.6h7.2v7.2h-7.2z",
        2 => "M0-4.6L4.4 3.4H-4.4z",
        _ => "M0-4.8L4.8 0L0 4.8L-4.8 0z",
    };
    let fill = colour(index);
    format!("<path transform=\"translate({x:.1} {y:.1})\" fill=\"{fill}\" d=\"{shape}\"/>\n")
}

fn colour(index: usize) -> &'static str {
    COLOURS[index % COLOURS.len()]
}

fn line(class: &str, x1: f64, y1: f64, x2: f64, y2: f64) -> String {
    format!(
        "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>\n"
    )
}

fn text(x: f64, y: f64, class: &str, anchor: &str, content: &str) -> String {
    let content = escape(content);
    format!(
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">\
         {content}</text>\n"
    )
}

fn upright(x: f64, y: f64, content: &str) -> String {
    let content = escape(content);
    format!(
        "<text class=\"quiet\" transform=\"translate({x:.1} {y:.1}) rotate(-90)\" \
         text-anchor=\"middle\">{content}</text>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
