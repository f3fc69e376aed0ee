//! A chart: what an experiment prints, as a table and as a picture.
//!
//! An experiment (`examples/lab_….rs`) prints a head, a table and a sentence:
//!
//! ```text
//! # title: The price of a sync
//! # x: threads
//! # y: commits per second
//! # x-scale: log
//! # kind: line
//! series,x,y
//! group commit,1,412
//! group commit,32,9120
//! # says: 32 threads commit 22 times as often as one.
//! ```
//!
//! `x-scale` and `y-scale` are `linear` unless they say `log`; `kind` is `line`, `bar` or `step`.
//! The `x` of a bar is any text; every other number must be finite, and positive on a `log` scale:
//! a chart that leaves points out in silence is worse than none.

mod scale;
mod svg;

use anyhow::{Context, Result, bail, ensure};

/// How the points of a series are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Points joined by straight lines.
    Line,
    /// One bar a point, grouped by the text of `x`.
    Bar,
    /// A value that holds until the next point.
    Step,
}

/// How a value becomes a place on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Equal steps are equally far apart.
    Linear,
    /// Equal factors are equally far apart.
    Log,
}

/// One axis: its label and its scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// What is measured, with its unit.
    pub(crate) label: String,
    /// How values are spread.
    pub(crate) scale: Scale,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    /// The text of `x` as printed: the name of a bar.
    pub(crate) name: String,
    /// `x` as a number; the row's number within its series in a bar chart.
    pub(crate) x: f64,
    /// The measured value.
    pub(crate) y: f64,
}

/// The points of one thing measured, in the order they were printed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// Its name in the legend.
    pub(crate) name: String,
    /// Never empty.
    pub(crate) points: Vec<Point>,
}

/// An experiment's result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chart {
    /// The line above the picture.
    pub(crate) title: String,
    /// How points are drawn.
    pub(crate) kind: Kind,
    /// The horizontal axis; in a bar chart, what the bars are.
    pub(crate) x: Axis,
    /// The vertical axis; in a bar chart, what their length is.
    pub(crate) y: Axis,
    /// Never empty.
    pub(crate) series: Vec<Series>,
    /// The one sentence with the figure that matters.
    pub(crate) says: String,
}

impl Chart {
    /// Reads what an experiment printed; errors name the line.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut head = Head::default();
        let mut rows = Vec::new();
        let mut table_begun = false;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let at = || format!("line {} of the experiment's output, {line:?}", index + 1);
            if line.is_empty() {
                continue;
            }
            if let Some(field) = line.strip_prefix('#') {
                head.set(field).with_context(at)?;
            } else if !table_begun {
                ensure!(line == "series,x,y", "{}: want the table's head, series,x,y", at());
                table_begun = true;
            } else {
                rows.push(split_row(line).with_context(at)?);
            }
        }
        head.with_rows(&rows)
    }

    /// The table alone, to be read by other programs.
    pub(crate) fn csv(&self) -> String {
        let mut out = String::from("series,x,y\n");
        for series in &self.series {
            for point in &series.points {
                out += &format!("{},{},{}\n", series.name, point.name, point.y);
            }
        }
        out
    }

    /// The picture, readable on light and dark, as a file or inside of a page.
    pub(crate) fn svg(&self) -> String {
        svg::draw(self)
    }
}

/// `series,x,y` from the right: a name may hold commas, a number does not.
fn split_row(line: &str) -> Result<[&str; 3]> {
    let mut fields = line.rsplitn(3, ',');
    match (fields.next(), fields.next(), fields.next()) {
        (Some(y), Some(x), Some(series)) => Ok([series.trim(), x.trim(), y.trim()]),
        _ => bail!("want three fields: series,x,y"),
    }
}

/// The `# name: value` lines met so far.
#[derive(Default)]
struct Head {
    title: Option<String>,
    x: Option<String>,
    y: Option<String>,
    x_scale: Option<Scale>,
    y_scale: Option<Scale>,
    kind: Option<Kind>,
    says: Option<String>,
}

impl Head {
    fn set(&mut self, field: &str) -> Result<()> {
        let (name, value) = field.split_once(':').context("want `# name: value`")?;
        let value = value.trim();
        match name.trim() {
            "title" => self.title = Some(value.into()),
            "x" => self.x = Some(value.into()),
            "y" => self.y = Some(value.into()),
            "x-scale" => self.x_scale = Some(parse_scale(value)?),
            "y-scale" => self.y_scale = Some(parse_scale(value)?),
            "kind" => self.kind = Some(parse_kind(value)?),
            "says" => self.says = Some(value.into()),
            other => bail!("`{other}` is no field: title, x, y, x-scale, y-scale, kind, says"),
        }
        Ok(())
    }

    fn with_rows(self, rows: &[[&str; 3]]) -> Result<Chart> {
        let missing = |name| move || format!("the experiment printed no `# {name}: …` line");
        let axis = |label: Option<String>, scale: Option<Scale>, name| -> Result<Axis> {
            let label = label.with_context(missing(name))?;
            Ok(Axis { label, scale: scale.unwrap_or(Scale::Linear) })
        };
        let kind = self.kind.unwrap_or(Kind::Line);
        let x = axis(self.x, self.x_scale, "x")?;
        let y = axis(self.y, self.y_scale, "y")?;
        ensure!(!rows.is_empty(), "the experiment printed no rows under `series,x,y`");
        let mut series: Vec<Series> = Vec::new();
        for [name, x_text, y_text] in rows {
            let found = series.iter().position(|s| s.name == *name).unwrap_or_else(|| {
                series.push(Series { name: (*name).into(), points: Vec::new() });
                series.len() - 1
            });
            let points = &mut series[found].points;
            let x_value = match kind {
                Kind::Bar => points.len() as f64,
                Kind::Line | Kind::Step => parse_number(x_text, x.scale)?,
            };
            let y_value = parse_number(y_text, y.scale)?;
            points.push(Point { name: (*x_text).into(), x: x_value, y: y_value });
        }
        Ok(Chart {
            title: self.title.with_context(missing("title"))?,
            kind,
            x,
            y,
            series,
            says: self.says.with_context(missing("says"))?,
        })
    }
}

fn parse_scale(value: &str) -> Result<Scale> {
    match value {
        "linear" => Ok(Scale::Linear),
        "log" => Ok(Scale::Log),
        other => bail!("`{other}` is no scale: linear or log"),
    }
}

fn parse_kind(value: &str) -> Result<Kind> {
    match value {
        "line" => Ok(Kind::Line),
        "bar" => Ok(Kind::Bar),
        "step" => Ok(Kind::Step),
        other => bail!("`{other}` is no kind: line, bar or step"),
    }
}

fn parse_number(text: &str, scale: Scale) -> Result<f64> {
    let number: f64 = text.parse().with_context(|| format!("{text:?} is no number"))?;
    ensure!(number.is_finite(), "{text:?} has no place on an axis");
    ensure!(scale == Scale::Linear || number > 0.0, "{text:?} has no place on a log axis");
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYNC: &str = "\
# title: The price of a sync
# x: threads
# y: commits per second
# x-scale: log
# kind: line
series,x,y
one sync, one commit,1,400
one sync, one commit,32,410
group commit,1,400
group commit,32,9000
# says: 32 threads commit 22 times as often as one.
";

    #[test]
    fn a_table_is_read_by_series_and_printed_as_it_was() {
        let chart = Chart::parse(SYNC).expect("the example of the module is valid");
        assert_eq!(chart.series.len(), 2, "two names, two series");
        assert_eq!(chart.series[0].name, "one sync, one commit", "a name may hold commas");
        assert_eq!(chart.series[1].points[1].y, 9000.0);
        assert_eq!((chart.x.scale, chart.y.scale), (Scale::Log, Scale::Linear));
        assert!(SYNC.contains(&chart.csv()), "the table should come out as it went in");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (from, to, want) in [
            ("# says: 32", "# said: 32", "`said` is no field"),
            ("# title: The price of a sync\n", "", "no `# title: …` line"),
            ("32,9000", "0,9000", "no place on a log axis"),
            ("32,9000", "32,NaN", "no place on an axis"),
            ("32,9000", "9000", "line 10"),
            ("series,x,y", "name,x,y", "series,x,y"),
            ("kind: line", "kind: pie", "`pie` is no kind"),
        ] {
            let broken = SYNC.replace(from, to).replace("group commit,9000", "9000");
            let error = Chart::parse(&broken).expect_err(to);
            let text = format!("{error:#}");
            assert!(text.contains(want), "for {to:?} the error should say {want:?}: {text}");
        }
    }

    #[test]
    fn a_picture_has_a_text_alternative_and_no_fixed_ink() {
        let svg = Chart::parse(SYNC).expect("valid").svg();
        for want in ["<title>The price of a sync</title>", "<desc>32 threads", "currentColor"] {
            assert!(svg.contains(want), "the picture should hold {want}:\n{svg}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "a coordinate is no number:\n{svg}");
    }

    #[test]
    fn every_kind_and_scale_draws_even_a_single_point() {
        for kind in ["line", "bar", "step"] {
            for scale in ["linear", "log"] {
                let text = format!(
                    "# title: a < b & c\n# x: x\n# y: y\n# x-scale: {scale}\n# y-scale: {scale}\n\
                     # kind: {kind}\nseries,x,y\nonly,5,7\n# says: seven\n"
                );
                let svg = Chart::parse(&text).expect("valid").svg();
                assert!(svg.contains("a &lt; b &amp; c"), "text in a picture must be escaped");
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{kind} {scale}:\n{svg}");
            }
        }
    }
}
