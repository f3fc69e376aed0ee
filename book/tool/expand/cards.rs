//! What the book says of weeks, days and labs by number.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Result, bail};

use super::escape;
use crate::facts::{Facts, Kind, Unit, Week};

/// The heading of a day's chapter, its idea, and a card with what the day costs and touches.
pub(super) fn day(week: &Week, unit: &Unit) -> String {
    let files: Vec<String> =
        unit.files.iter().map(|file| format!("<code>{}/{file}</code>", week.package)).collect();
    let mut rows = vec![
        ("Time", format!("about {}", time(unit.minutes))),
        ("You edit", files.join("<br>")),
        ("You run", format!("<code>cargo x test {} --day {}</code>", week.id(), unit.argument())),
        ("Tests", unit.tests.len().to_string()),
    ];
    if unit.points > 0 {
        rows.push(("Points", format!("{} of {}", unit.points, points(week))));
    }
    if let Some(experiment) = &unit.experiment {
        let command = format!("<code>cargo x lab {} {experiment}</code>", week.id());
        rows.push(("Experiment", command));
    }
    let mut card = String::new();
    for (name, value) in rows {
        let _ = writeln!(card, "<li><b>{name}</b> <span>{value}</span></li>");
    }
    format!(
        "# {}\n\n<p class=\"one-idea\">{}</p>\n\n<ul class=\"facts\">\n{card}</ul>\n",
        unit.heading(),
        sentence(&unit.idea)
    )
}

/// What there is at the end of the week.
pub(super) fn promise(week: &Week) -> String {
    format!("<p class=\"one-idea\">{}</p>\n", escape(&week.promise))
}

/// The table of a week's days and labs, with links to the chapters that are there.
pub(super) fn days(week: &Week, src: &Path, from: &Path) -> String {
    let mut out = String::new();
    table(&mut out, week, "", &week.days().collect::<Vec<_>>(), src, from);
    let labs: Vec<&Unit> = week.labs().collect();
    if !labs.is_empty() {
        table(&mut out, week, "Labs, if you want more", &labs, src, from);
    }
    out
}

fn table(out: &mut String, week: &Week, title: &str, units: &[&Unit], src: &Path, from: &Path) {
    if !title.is_empty() {
        let _ = writeln!(out, "<p class=\"table-title\">{title}</p>\n");
    }
    // A week that is only announced has no times yet.
    let timed = units.iter().any(|unit| unit.minutes > 0);
    let _ = writeln!(out, "<table class=\"units\"><tbody>");
    for unit in units {
        let title = if week.open && src.join(&unit.chapter).is_file() {
            let up = from.strip_prefix(src).map_or(0, |below| below.components().count());
            let page = unit.chapter.with_extension("html");
            let link = format!("{}{}", "../".repeat(up), page.display()).replace('\\', "/");
            format!("<a href=\"{link}\">{}</a>", escape(&unit.title))
        } else {
            escape(&unit.title)
        };
        let label = match unit.kind {
            Kind::Day(number) => number.to_string(),
            Kind::Lab => "+".to_string(),
        };
        let _ = write!(
            out,
            "<tr><td class=\"number\">{label}</td><td><b>{title}</b><br>{}</td>",
            sentence(&unit.idea)
        );
        if timed {
            let _ = write!(out, "<td class=\"time\">{}</td>", time(unit.minutes));
        }
        let _ = writeln!(out, "</tr>");
    }
    let _ = writeln!(out, "</tbody></table>\n");
}

/// A number about the whole course.
pub(super) fn course_fact(facts: &Facts, what: &str) -> Result<String> {
    Ok(match what {
        "weeks" => facts.weeks.len().to_string(),
        "days" => facts.weeks.iter().map(|week| week.days().count()).sum::<usize>().to_string(),
        "labs" => facts.weeks.iter().map(|week| week.labs().count()).sum::<usize>().to_string(),
        "rust" => facts.rust_version.clone(),
        _ => bail!("no fact `{what}` of the course"),
    })
}

/// A number about a week.
pub(super) fn week_fact(week: &Week, what: &str) -> Result<String> {
    Ok(match what {
        "tests" => week.units.iter().map(|unit| unit.tests.len()).sum::<usize>().to_string(),
        "bugs" => week.bug_count.to_string(),
        "days" => week.days().count().to_string(),
        "labs" => week.labs().count().to_string(),
        "hours" => week.days().map(|day| day.minutes).sum::<u32>().div_ceil(60).to_string(),
        "points" => points(week).to_string(),
        "title" => week.title.clone(),
        "library" => week.name.clone(),
        _ => bail!("no fact `{what}` of a week"),
    })
}

/// A number about a day or lab.
pub(super) fn unit_fact(unit: &Unit, what: &str) -> Result<String> {
    Ok(match what {
        "tests" => unit.tests.len().to_string(),
        "minutes" => unit.minutes.to_string(),
        "points" => unit.points.to_string(),
        "title" => unit.title.clone(),
        _ => bail!("no fact `{what}` of a day"),
    })
}

fn points(week: &Week) -> u32 {
    week.days().map(|day| day.points).sum()
}

/// `90` as `1½ h`, `120` as `2 h`.
fn time(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, 30) => format!("{hours}½ h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// `text` with a capital and a full stop, as ideas are written without.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    let stop = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    escape(&format!("{first}{}{stop}", chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!(
            [time(45), time(90), time(120), time(140)],
            ["45 min", "1½ h", "2 h", "2 h 20 min"]
        );
    }
}
