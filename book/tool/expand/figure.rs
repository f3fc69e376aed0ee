//! Figures: SVG files, inlined so that their colours follow the page's theme.

use std::collections::HashSet;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};
use regex::Regex;

use super::escape;

// A file may carry a style for those who look at it alone. In the book the theme's rules hold.
static NOT_FOR_THE_PAGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)<\?xml.*?\?>|<!--.*?-->|<!DOCTYPE.*?>|<style.*?</style>").expect("a constant")
});
static ROOT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?s)<svg\b[^>]*>").expect("a constant"));
static VIEW_BOX: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"viewBox="[-\d.]+[ ,]+[-\d.]+[ ,]+([\d.]+)[ ,]+[\d.]+""#).expect("a constant")
});
static CLASS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#" class="[^"]*""#).expect("a constant"));
static TITLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"<title[^>]*>").expect("a constant"));
static DESC: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"<desc[^>]*>").expect("a constant"));
static IDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r##"(id="|url\(#|href="#|aria-labelledby=")([\w-]+)"##).expect("a constant")
});

/// The classes that the theme gives a meaning: all that it has rules for. Of any other, a shape would
/// be black.
static KNOWN_CLASSES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let rule = Regex::new(r"\.([a-z][\w-]*)").expect("a constant");
    let rules = rule.captures_iter(include_str!("../../theme/figures.css"));
    rules.map(|rule| rule.extract::<1>().1[0]).collect()
});

/// The picture in `svg` as a `figure` with `caption`; `stem` makes its ids unique in the book.
///
/// The file must have a `viewBox`, a `<title>` (what it shows) and a `<desc>` (what one sees, for
/// those who cannot), and no class that the theme does not know.
pub(super) fn inline(svg: &str, stem: &str, caption: &str) -> Result<String> {
    let svg = NOT_FOR_THE_PAGE.replace_all(svg, "");
    let root = ROOT.find(&svg).context("there is no <svg> element")?;
    let width =
        VIEW_BOX.captures(root.as_str()).context("the <svg> needs a viewBox")?[1].to_string();
    let body = svg[root.end()..].trim();
    if !TITLE.is_match(body) || !DESC.is_match(body) {
        bail!("the <svg> needs a <title> and a <desc> of its own, for those who cannot see it");
    }
    let classes = CLASS.find_iter(body).flat_map(|class| class.as_str()[8..].split([' ', '"']));
    if let Some(unknown) =
        classes.filter(|name| !name.is_empty()).find(|name| !KNOWN_CLASSES.contains(name))
    {
        bail!(
            "the class `{unknown}` has no rule in theme/figures.css; README.md lists those that have"
        );
    }
    let body = IDS.replace_all(body, format!("${{1}}{stem}-${{2}}"));
    let body = TITLE.replace(&body, format!("<title id=\"{stem}-title\">"));
    let body = DESC.replace(&body, format!("<desc id=\"{stem}-desc\">"));
    // A blank line would end the block of HTML and bring Markdown back.
    let body: Vec<&str> = body.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let view_box = VIEW_BOX.find(root.as_str()).map_or("", |found| found.as_str());
    let class = CLASS.find(root.as_str()).map_or("", |found| found.as_str());
    let caption = match caption {
        "" => String::new(),
        text => format!("<figcaption>{}</figcaption>\n", escape(text)),
    };
    Ok(format!(
        "<figure class=\"figure\">\n<div class=\"drawing\">\n<svg{class} {view_box} \
         style=\"--width: {width}px\" role=\"img\" \
         aria-labelledby=\"{stem}-title {stem}-desc\">\n{}\n</div>\n{caption}</figure>\n",
        body.join("\n")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SVG: &str = "<?xml version=\"1.0\"?>\n<svg class=\"chart\" \
                       viewBox=\"0 0 640 200\" width=\"640\">\n\
                       <title>A log</title><desc>Boxes.</desc>\n<style>.a{}</style>\n\n\
                       <marker id=\"tip\"/><path marker-end=\"url(#tip)\"/>\n</svg>\n";

    #[test]
    fn ids_are_unique_and_styles_are_left_to_the_page() {
        let html = inline(SVG, "log", "A log.").unwrap();
        assert!(html.contains("id=\"log-tip\"") && html.contains("url(#log-tip)"));
        assert!(!html.contains("<style") && !html.contains("\n\n") && !html.contains("width=\""));
        assert!(html.contains("--width: 640px"));
        assert!(html.contains("<svg class=\"chart\" viewBox"));
    }

    #[test]
    fn a_class_that_the_theme_does_not_know_is_refused() {
        let with = |class: &str| SVG.replace("<path ", &format!("<path class=\"{class}\" "));
        assert!(inline(&with("line-soft dashed"), "log", "").is_ok());
        let error = inline(&with("line moss"), "log", "").unwrap_err().to_string();
        assert!(error.contains("`moss`"), "{error}");
    }

    #[test]
    fn a_figure_without_words_is_refused() {
        assert!(inline("<svg viewBox=\"0 0 1 1\"></svg>", "x", "").is_err());
    }
}
