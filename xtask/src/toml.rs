//! TOML as our types, and errors that show the line.
//!
//! ```text
//! line 9: there is no field `experimnt`; did you mean `experiment`?
//!   there is: id, title, idea, chapter, experiment
//!   9 | experimnt = "records"
//!     | ^^^^^^^^^
//! ```
//!
//! A type implements [`Deserialize`] by [`table`].

use std::collections::BTreeMap;

use toml_span::de_helpers::TableHelper;
use toml_span::{DeserError, Deserialize, DeserializeOwned, Error, ErrorKind, Span, Value};

use crate::nearest::unknown;

/// The document `text`.
pub(crate) fn parse(text: &str) -> anyhow::Result<Value<'_>> {
    toml_span::parse(text).map_err(|error| anyhow::Error::msg(told(text, &[error])))
}

/// The document `text` as a `T`.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    let read = T::deserialize(&mut parse(text)?);
    read.map_err(|wrong| anyhow::Error::msg(told(text, &wrong.errors)))
}

/// Takes the table `value` apart. What `fields` does not ask for is an error, and so is what it
/// [requires](TableHelper::required) and does not get: it may go on with any default, which nobody
/// will see.
pub(crate) fn table<'de, T>(
    value: &mut Value<'de>,
    fields: impl FnOnce(&mut TableHelper<'de>) -> T,
) -> Result<T, DeserError> {
    let mut table = TableHelper::new(value)?;
    let it = fields(&mut table);
    table.finalize(None)?;
    Ok(it)
}

/// A table whose keys are names of the reader's own.
#[derive(Debug)]
pub(crate) struct Map<T>(pub(crate) BTreeMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Map<T> {
    fn deserialize(value: &mut Value<'de>) -> Result<Map<T>, DeserError> {
        let mut map = BTreeMap::new();
        let mut errors = Vec::new();
        for (key, mut value) in TableHelper::new(value)?.table {
            match T::deserialize(&mut value) {
                Ok(it) => {
                    map.insert(key.name.into_owned(), it);
                }
                Err(of_it) => errors.extend(of_it.errors),
            }
        }
        if errors.is_empty() { Ok(Map(map)) } else { Err(DeserError { errors }) }
    }
}

/// Every error with its line, in the order of the file.
fn told(text: &str, errors: &[Error]) -> String {
    let mut errors: Vec<(Span, String)> = errors.iter().flat_map(words).collect();
    errors.sort_by_key(|(at, _)| at.start);
    let errors = errors.iter().map(|(at, words)| {
        let (number, line, column) = place(text, at.start);
        let marked_len = (at.end - at.start).clamp(1, (line.len() - column).max(1));
        let margin = " ".repeat(number.to_string().len());
        let marks = " ".repeat(column) + &"^".repeat(marked_len);
        format!("line {number}: {words}\n  {number} | {line}\n  {margin} | {marks}")
    });
    errors.collect::<Vec<_>>().join("\n")
}

/// What an error says, without its place: one text for each field that there is not.
pub(crate) fn words(error: &Error) -> Vec<(Span, String)> {
    match &error.kind {
        ErrorKind::UnexpectedKeys { keys, expected } => {
            let fields = || expected.iter().map(String::as_str);
            let unknown =
                |(key, at): &(String, Span)| (*at, unknown("field", key, fields()).to_string());
            keys.iter().map(unknown).collect()
        }
        ErrorKind::MissingField(name) => vec![(error.span, format!("missing field `{name}`"))],
        _ => vec![(error.span, error.to_string())],
    }
}

/// The line that the byte `offset` of `text` is in: its number, its text, and the byte in it.
fn place(text: &str, offset: usize) -> (usize, &str, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    (before.matches('\n').count() + 1, line, (before.len() - line_start).min(line.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Day {
        id: String,
        minutes: u32,
    }

    impl<'de> Deserialize<'de> for Day {
        fn deserialize(value: &mut Value<'de>) -> Result<Day, DeserError> {
            table(value, |table| Day {
                id: table.required("id").unwrap_or_default(),
                minutes: table.optional("minutes").unwrap_or_default(),
            })
        }
    }

    fn refused(text: &str) -> String {
        read::<Map<Day>>(text).expect_err(text).to_string()
    }

    #[test]
    fn a_table_becomes_a_value() {
        let Map(days) = read::<Map<Day>>("[one]\nid = 'a'\n[two]\nid = 'b'\nminutes = 60").unwrap();
        let days: Vec<_> = days.values().map(|day| (day.id.as_str(), day.minutes)).collect();
        assert_eq!(days, [("a", 0), ("b", 60)]);
    }

    #[test]
    fn an_unknown_field_is_shown_with_the_one_that_was_meant() {
        let want = "line 4: there is no field `minuets`; did you mean `minutes`?\n  \
                    there is: id, minutes\n  4 | minuets = 60 # long\n    | ^^^^^^^";
        assert_eq!(refused("# A week.\n[one]\nid = 'a'\nminuets = 60 # long\n"), want);
    }

    #[test]
    fn all_that_is_wrong_is_told_in_the_order_of_the_file() {
        let want = "line 1: missing field `id`\n  1 | [one]\n    | ^^^^^\n\
                    line 2: expected u32, found string\n  2 | minutes = 'many'\n    |            ^^^^";
        assert_eq!(refused("[one]\nminutes = 'many'\n"), want);
    }

    #[test]
    fn what_is_no_toml_is_shown_with_its_place() {
        assert!(refused("[one]\nid = a").starts_with("line 2: "), "{}", refused("[one]\nid = a"));
        for text in ["[one", "ä = 'ö", "[one]\nid = \"\n", "=", "[[one]]\n[one]\n", "é"] {
            assert!(refused(text).starts_with("line 1: ") || refused(text).starts_with("line 2: "));
        }
    }
}
