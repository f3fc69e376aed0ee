//! "Did you mean …": the valid name that is nearest to what was typed.

/// The candidate most like `typed`, if any is close enough to be worth a suggestion.
pub(crate) fn nearest<'a>(
    typed: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (likeness(&typed, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// 1 for equal names, 0 for names that share nothing. A part of a name counts as near to it, and so
/// does one of the words in a long one.
fn likeness(typed: &str, candidate: &str) -> f64 {
    if typed.len() >= 3 && candidate.contains(typed) {
        return 0.9;
    }
    let words = candidate.split('_').chain([candidate]);
    words.map(|word| strsim::jaro_winkler(typed, word)).fold(0.0, f64::max)
}

/// An error text for an unknown `what`: the nearest of the candidates, and all of them if few.
pub(crate) fn unknown<'a>(
    what: &str,
    typed: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> anyhow::Error {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let mut text = format!("there is no {what} `{typed}`");
    if let Some(near) = nearest(typed, candidates.iter().copied()) {
        text += &format!("; did you mean `{near}`?");
    }
    if (1..=12).contains(&candidates.len()) {
        text += &format!("\n  there is: {}", candidates.join(", "));
    }
    anyhow::Error::msg(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_name() {
        assert_eq!(nearest("sstabel", ["wal", "memtable", "sstable"]), Some("sstable"));
        assert_eq!(
            nearest("torn", ["a_torn_tail_is_dropped", "zeros"]),
            Some("a_torn_tail_is_dropped")
        );
    }

    #[test]
    fn nothing_like_it_finds_nothing() {
        assert_eq!(nearest("golden", ["a_log_that_is_long", "zeros_are_none"]), None);
        assert_eq!(nearest("xyz", ["wal", "memtable"]), None);
    }

    #[test]
    fn the_error_names_what_there_is() {
        let text = unknown("week", "wall", ["wal", "lsm"]).to_string();
        assert_eq!(text, "there is no week `wall`; did you mean `wal`?\n  there is: wal, lsm");
    }
}
