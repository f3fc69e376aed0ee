//! The tests of a week as they are written: which there are, without building them.

use std::collections::BTreeMap;

use anyhow::Context as _;
use syn::Item;

use crate::repo::{self, Repo};
use crate::week::Week;

/// The names of the tests of each unit, in the order of the file: `day1` → `[zeros_are_…, …]`.
pub(crate) type Gate = BTreeMap<String, Vec<String>>;

/// Reads `tests/days/<unit>.rs` of all units of `week`. A unit without that file has no tests.
pub(crate) fn read(repo: &Repo, week: &Week) -> anyhow::Result<Gate> {
    let dir = repo.week_dir(&week.dir_name).join("tests/days");
    let mut gate = Gate::new();
    for unit in week.units() {
        let path = dir.join(format!("{}.rs", unit.id));
        let names = match path.exists() {
            true => test_names(&repo::read(&path)?)
                .with_context(|| format!("{} does not parse", repo.shown(&path)))?,
            false => Vec::new(),
        };
        gate.insert(unit.id.clone(), names);
    }
    Ok(gate)
}

fn test_names(text: &str) -> anyhow::Result<Vec<String>> {
    let file = syn::parse_file(text)?;
    let mut names = Vec::new();
    collect(&file.items, "", &mut names);
    Ok(names)
}

fn collect(items: &[Item], prefix: &str, names: &mut Vec<String>) {
    for item in items {
        match item {
            Item::Fn(f) if f.attrs.iter().any(|a| a.path().is_ident("test")) => {
                names.push(format!("{prefix}{}", f.sig.ident));
            }
            Item::Mod(m) => {
                if let Some((_, items)) = &m.content {
                    collect(items, &format!("{prefix}{}::", m.ident), names);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_what_is_marked_as_one() {
        let text = "
            #[test]
            fn a_torn_record_is_torn() {}
            fn helper() {}
            #[test]
            #[should_panic]
            fn a_second() {}
            mod sub { #[test] fn third() {} }
            // #[test] fn in_a_comment() {}
        ";
        let names = test_names(text).unwrap();
        assert_eq!(names, ["a_torn_record_is_torn", "a_second", "sub::third"]);
    }
}
