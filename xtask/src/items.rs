//! Where the items of a source file stand: functions, types, traits, methods.
//!
//! Found with a real parser, because a brace in a string or a comment is no brace. Positions are
//! whole lines, so that an item moves together with its documentation and its indentation.

use std::ops::Range;

use anyhow::{Result, anyhow};
use proc_macro2::Span;
use syn::{Attribute, ImplItem, Item as SynItem, TraitItem};

/// One named item of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Its place in the file: `["LogWriter", "append"]`, `["tests", "round_trip"]`.
    pub(crate) path: Vec<String>,
    /// The trait whose implementation it belongs to: `Drop` tells `drop` from an inherent `drop`.
    pub(crate) of_trait: Option<String>,
    /// What it is.
    pub(crate) kind: Kind,
    /// Its lines from the first line of its documentation, counted from 0, end exclusive.
    pub(crate) lines: Range<usize>,
    /// Characters of the first line before its first attribute or keyword, and of the last line
    /// up to its end.
    pub(crate) columns: (usize, usize),
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A function or a method, with a body or without.
    Function,
    /// A struct, an enum, a trait or another item with a name of its own.
    Other,
}

impl Item {
    /// `LogWriter::append`, as a reader would write it.
    pub(crate) fn name(&self) -> String {
        self.path.join("::")
    }

    /// Whether a reader who writes `query` may mean this item: `append` and `LogWriter::append`
    /// both mean the method, and `Drop::drop` means every implementation of it.
    pub(crate) fn answers_to(&self, query: &str) -> bool {
        let wanted: Vec<&str> = query.split("::").collect();
        let ends_so = |path: &[String]| {
            wanted.len() <= path.len()
                && path[path.len() - wanted.len()..].iter().zip(&wanted).all(|(a, b)| a == b)
        };
        let by_trait = self.of_trait.as_ref().map(|name| {
            let last = self.path.last().cloned();
            Vec::from_iter([name.clone()].into_iter().chain(last))
        });
        ends_so(&self.path) || by_trait.is_some_and(|path| ends_so(&path))
    }

    /// Whether both are the same item of two versions of a file.
    pub(crate) fn is_the_same_as(&self, other: &Self) -> bool {
        (&self.path, &self.of_trait, self.kind) == (&other.path, &other.of_trait, other.kind)
    }
}

/// All named items of `text`, methods of a trait or module before the trait or module itself.
///
/// # Errors
///
/// What the parser says, with line and column, if `text` is not valid Rust.
pub(crate) fn items(text: &str) -> Result<Vec<Item>> {
    let file = syn::parse_file(text).map_err(|error| {
        let at = error.span().start();
        anyhow!("line {}, column {}: {error}", at.line, at.column + 1)
    })?;
    let mut found = Vec::new();
    collect(&file.items, &[], &mut found);
    Ok(found)
}

fn collect(items: &[SynItem], within: &[String], found: &mut Vec<Item>) {
    for item in items {
        match item {
            SynItem::Fn(f) => {
                let end = f.block.brace_token.span.close();
                let extent = (&f.attrs[..], f.sig.fn_token.span, end);
                found.push(named(within, &f.sig.ident, Kind::Function, extent));
            }
            SynItem::Trait(t) => {
                let extent = (&t.attrs[..], t.trait_token.span, t.brace_token.span.close());
                let owner = named(within, &t.ident, Kind::Other, extent);
                collect_trait(&t.items, &owner.path, found);
                found.push(owner);
            }
            SynItem::Impl(i) => collect_impl(i, within, found),
            SynItem::Mod(m) => {
                let Some((brace, items)) = &m.content else {
                    continue;
                };
                let extent = (&m.attrs[..], m.mod_token.span, brace.span.close());
                let owner = named(within, &m.ident, Kind::Other, extent);
                collect(items, &owner.path, found);
                found.push(owner);
            }
            other => found.extend(plain(other, within)),
        }
    }
}

/// A type, a constant: an item without items inside.
fn plain(item: &SynItem, within: &[String]) -> Option<Item> {
    let (ident, extent): (&syn::Ident, Extent<'_>) = match item {
        SynItem::Struct(s) => {
            let end = match (&s.semi_token, &s.fields) {
                (Some(semi), _) => semi.span,
                (None, syn::Fields::Named(fields)) => fields.brace_token.span.close(),
                (None, _) => s.ident.span(),
            };
            (&s.ident, (&s.attrs, s.struct_token.span, end))
        }
        SynItem::Enum(e) => {
            let end = e.brace_token.span.close();
            (&e.ident, (&e.attrs, e.enum_token.span, end))
        }
        SynItem::Const(c) => (&c.ident, (&c.attrs, c.const_token.span, c.semi_token.span)),
        SynItem::Static(s) => (&s.ident, (&s.attrs, s.static_token.span, s.semi_token.span)),
        SynItem::Type(t) => (&t.ident, (&t.attrs, t.type_token.span, t.semi_token.span)),
        _ => return None,
    };
    Some(named(within, ident, Kind::Other, extent))
}

fn collect_trait(items: &[TraitItem], within: &[String], found: &mut Vec<Item>) {
    for item in items {
        if let TraitItem::Fn(f) = item {
            let end = match (&f.default, &f.semi_token) {
                (Some(block), _) => block.brace_token.span.close(),
                (None, Some(semi)) => semi.span,
                (None, None) => f.sig.paren_token.span.close(),
            };
            let extent = (&f.attrs[..], f.sig.fn_token.span, end);
            found.push(named(within, &f.sig.ident, Kind::Function, extent));
        }
    }
}

fn collect_impl(block: &syn::ItemImpl, within: &[String], found: &mut Vec<Item>) {
    let Some(owner) = type_name(&block.self_ty) else {
        return;
    };
    let path = Vec::from_iter(within.iter().cloned().chain([owner]));
    let of_trait = block.trait_.as_ref().and_then(|(path, _)| last_segment(path));
    for item in &block.items {
        let (ident, kind, extent): (_, _, Extent<'_>) = match item {
            ImplItem::Fn(f) => {
                let end = f.block.brace_token.span.close();
                let extent = (&f.attrs[..], f.sig.fn_token.span, end);
                (&f.sig.ident, Kind::Function, extent)
            }
            ImplItem::Const(c) => {
                let extent = (&c.attrs[..], c.const_token.span, c.semi_token.span);
                (&c.ident, Kind::Other, extent)
            }
            _ => continue,
        };
        let of_trait = of_trait.clone();
        found.push(Item { of_trait, ..named(&path, ident, kind, extent) });
    }
}

/// The attributes of an item (documentation is one), its keyword, and its last token.
type Extent<'a> = (&'a [Attribute], Span, Span);

fn named(within: &[String], ident: &syn::Ident, kind: Kind, extent: Extent<'_>) -> Item {
    let (attributes, keyword, end) = extent;
    let first = attributes.first().map_or(keyword, |a| a.pound_token.span);
    Item {
        path: within.iter().cloned().chain([ident.to_string()]).collect(),
        of_trait: None,
        kind,
        lines: first.start().line - 1..end.end().line,
        columns: (first.start().column, end.end().column),
    }
}

fn type_name(of: &syn::Type) -> Option<String> {
    match of {
        syn::Type::Path(path) => last_segment(&path.path),
        syn::Type::Reference(reference) => type_name(&reference.elem),
        _ => None,
    }
}

fn last_segment(path: &syn::Path) -> Option<String> {
    path.segments.last().map(|segment| segment.ident.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"//! A file.

use std::fmt;

/// A log.
#[derive(Debug)]
pub struct Log {
    end: u64,
}

/// Nothing in it.
pub struct Unit;

impl Log {
    const FIRST: u64 = 0;

    /// Appends.
    /// A brace in a comment: {
    pub fn append(&mut self) -> u64 {
        let text = "}";
        text.len() as u64
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.end)
    }
}

trait Disk {
    /// Syncs.
    fn sync(&self);
}

#[cfg(test)]
mod tests {
    #[test]
    fn append() {}
}
"#;

    #[test]
    fn items_are_found_with_their_documentation() {
        let found = items(FILE).expect("valid");
        let lines = |name: &str| {
            let item = found.iter().find(|i| i.name() == name).expect(name);
            FILE.lines().collect::<Vec<_>>()[item.lines.clone()].join("\n")
        };
        assert!(lines("Log").starts_with("/// A log.") && lines("Log").ends_with('}'));
        assert_eq!(lines("Unit"), "/// Nothing in it.\npub struct Unit;");
        assert!(lines("Log::append").starts_with("    /// Appends."), "documentation comes along");
        assert!(lines("Log::append").ends_with("\n    }"), "a brace in a string is no brace");
        assert_eq!(lines("Disk::sync"), "    /// Syncs.\n    fn sync(&self);");
    }

    #[test]
    fn a_name_may_be_short_or_whole_or_the_traits() {
        let found = items(FILE).expect("valid");
        let names = |query: &str| -> Vec<String> {
            let meant = found.iter().filter(|i| i.answers_to(query));
            meant.map(Item::name).collect()
        };
        assert_eq!(names("append"), ["Log::append", "tests::append"]);
        assert_eq!(names("Log::append"), ["Log::append"]);
        assert_eq!(names("Display::fmt"), ["Log::fmt"]);
        assert_eq!(names("Lo"), Vec::<String>::new(), "a part of a name is not the name");
    }

    #[test]
    fn text_that_is_not_rust_is_refused_with_its_place() {
        let error = items("fn a() {}\nfn b( {}\n").expect_err("a parenthesis is missing");
        assert!(error.to_string().contains("line 2"), "the error should name line 2: {error}");
    }
}
