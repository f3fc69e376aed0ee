//! Where the items of a source file stand: functions, types, traits, methods.
//!
//! Found among the tokens of the compiler's own lexer, because a brace in a string or a comment is
//! no brace. To tell one item from the next, more of the grammar is not needed: behind its
//! attributes and modifiers stands a keyword, and it ends with its body or a semicolon. Positions
//! are whole lines, so that an item moves together with its documentation and its indentation.

use std::ops::Range;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, LexError, TokenStream, TokenTree};

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
/// The line and column, if a bracket has no partner or `text` is not made of Rust's tokens.
pub(crate) fn items(text: &str) -> Result<Vec<Item>> {
    let mut found = Vec::new();
    collect(lexed(text)?, &Owner::default(), &mut found);
    Ok(found)
}

fn lexed(text: &str) -> Result<TokenStream> {
    text.parse().map_err(|error: LexError| {
        let at = error.span().start();
        let (line, column) = (at.line, at.column + 1);
        anyhow!("line {line}, column {column}: a bracket without its partner, or no Rust")
    })
}

/// Where the bodies of functions and methods stand in `text`, in bytes and with their braces; only
/// those that may run anything and return what they like: none of a `const fn`, of one that returns
/// an `impl Trait`, or of a module within the file.
///
/// # Errors
///
/// As [`items`].
pub(crate) fn bodies(text: &str) -> Result<Vec<Range<usize>>> {
    let mut found = Vec::new();
    collect_bodies(lexed(text)?, &mut found);
    Ok(found)
}

fn collect_bodies(tokens: TokenStream, found: &mut Vec<Range<usize>>) {
    let tokens = Vec::from_iter(tokens);
    let mut rest = &tokens[..];
    while !rest.is_empty() {
        rest = &rest[inner_attributes_len(rest)..];
        rest = &rest[attributes_len(rest)..];
        let (modifiers, behind) = rest.split_at(modifiers_len(rest));
        let (item, behind) = behind.split_at(item_len(behind));
        rest = behind;
        let keyword = item.first().and_then(ident).unwrap_or_default();
        let is_word =
            |tokens: &[TokenTree], word| tokens.iter().any(|t| ident(t).as_deref() == Some(word));
        match (keyword.as_str(), body(item)) {
            ("fn", Some(_)) if !is_word(modifiers, "const") && !is_word(item, "impl") => {
                found.extend(item.last().map(|body| body.span().byte_range()));
            }
            ("impl" | "trait", Some(body)) => collect_bodies(body, found),
            _ => {}
        }
    }
}

/// What items stand in: a file, a module, a trait, an implementation.
#[derive(Default)]
struct Owner {
    path: Vec<String>,
    of_trait: Option<String>,
}

impl Owner {
    /// The item that consists of `tokens`, from its keyword on, if it has a name.
    fn item(&self, kind: Kind, attributes: &[TokenTree], tokens: &[TokenTree]) -> Option<Item> {
        let name = tokens[1..].iter().filter_map(ident).find(|name| name != "mut")?;
        let first = attributes.first().unwrap_or(&tokens[0]).span().start();
        let end = tokens.last()?.span().end();
        Some(Item {
            path: self.path.iter().cloned().chain([name]).collect(),
            of_trait: self.of_trait.clone(),
            kind,
            lines: first.line - 1..end.line,
            columns: (first.column, end.column),
        })
    }
}

/// Adds the items among `tokens` to `found`.
fn collect(tokens: TokenStream, owner: &Owner, found: &mut Vec<Item>) {
    let tokens = Vec::from_iter(tokens);
    let mut rest = &tokens[..];
    while !rest.is_empty() {
        rest = &rest[inner_attributes_len(rest)..];
        let (attributes, behind) = rest.split_at(attributes_len(rest));
        let (_modifiers, behind) = behind.split_at(modifiers_len(behind));
        let (item, behind) = behind.split_at(item_len(behind));
        rest = behind;
        let keyword = item.first().and_then(ident).unwrap_or_default();
        match keyword.as_str() {
            "fn" => found.extend(owner.item(Kind::Function, attributes, item)),
            "struct" | "enum" | "type" | "const" | "static" => {
                found.extend(owner.item(Kind::Other, attributes, item));
            }
            "trait" | "mod" => {
                let Some(body) = body(item) else { continue };
                let Some(it) = owner.item(Kind::Other, attributes, item) else { continue };
                collect(body, &Owner { path: it.path.clone(), of_trait: None }, found);
                found.push(it);
            }
            "impl" => {
                let Some(body) = body(item) else { continue };
                let Some((of_trait, type_name)) = names_of_impl(item) else { continue };
                let path = owner.path.iter().cloned().chain([type_name]).collect();
                collect(body, &Owner { path, of_trait }, found);
            }
            _ => {}
        }
    }
}

/// How many of the first tokens are `#![…]`; a file's `//!` is one to the lexer.
fn inner_attributes_len(tokens: &[TokenTree]) -> usize {
    let is_inner = |three: &&[TokenTree]| is_punct(&three[0], '#') && is_punct(&three[1], '!');
    tokens.chunks_exact(3).take_while(is_inner).count() * 3
}

/// How many of the first tokens are `#[…]`; a line of documentation is one to the lexer.
fn attributes_len(tokens: &[TokenTree]) -> usize {
    let is_attribute = |two: &&[TokenTree]| is_punct(&two[0], '#');
    tokens.chunks_exact(2).take_while(is_attribute).count() * 2
}

/// How many of the first tokens stand in front of an item's keyword: `pub(crate) const unsafe`.
fn modifiers_len(tokens: &[TokenTree]) -> usize {
    let is_const_item = |at: usize| match tokens.get(at + 1).and_then(ident).as_deref() {
        Some("fn" | "unsafe" | "async" | "extern") => false,
        _ => ident(&tokens[at]).as_deref() == Some("const"),
    };
    let is_modifier = |at: usize| match &tokens[at] {
        TokenTree::Ident(word) => {
            const WORDS: [&str; 7] =
                ["pub", "const", "unsafe", "async", "extern", "default", "auto"];
            WORDS.iter().any(|modifier| word == modifier) && !is_const_item(at)
        }
        // `(crate)` and the like, and the name of an ABI.
        TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis,
        TokenTree::Literal(_) => true,
        TokenTree::Punct(_) => false,
    };
    (0..tokens.len()).take_while(|at| is_modifier(*at)).count()
}

/// How many of the first tokens are an item that begins with its keyword.
fn item_len(tokens: &[TokenTree]) -> usize {
    let keyword = tokens.first().and_then(ident).unwrap_or_default();
    let has_value = ["const", "static", "type", "use"].contains(&keyword.as_str());
    let ends = |token: &TokenTree| is_punct(token, ';') || (!has_value && is_block(token));
    let end = match has_value {
        // `<` may compare here, and a block be a part of the value.
        true => tokens.iter().position(ends),
        false => outside_of_angles(tokens).find(|(_, token)| ends(token)).map(|(at, _)| at),
    };
    end.map_or(tokens.len(), |at| at + 1)
}

/// What stands in the braces that `item` ends with, if it does.
fn body(item: &[TokenTree]) -> Option<TokenStream> {
    match item.last()? {
        TokenTree::Group(group) if is_block(item.last()?) => Some(group.stream()),
        _ => None,
    }
}

/// The last words of the trait's name, if there is a trait, and of the type's: `Display` and `Log`
/// in `impl<'a> fmt::Display for Log<'a>`. None for a type without a name, such as a slice.
fn names_of_impl(item: &[TokenTree]) -> Option<(Option<String>, String)> {
    let is_lifetime = |at: usize| at > 0 && is_punct(&item[at - 1], '\'');
    let words = outside_of_angles(item).filter(|(at, _)| !is_lifetime(*at));
    let words = words.filter_map(|(_, token)| ident(token)).skip(1);
    let words: Vec<String> = words.take_while(|word| word != "where").collect();
    match words.iter().position(|word| word == "for") {
        Some(at) => Some((words[..at].last().cloned(), words[at + 1..].last()?.clone())),
        None => Some((None, words.last()?.clone())),
    }
}

/// The tokens that stand in no `<…>`, with their places.
fn outside_of_angles(tokens: &[TokenTree]) -> impl Iterator<Item = (usize, &TokenTree)> {
    let mut depth = 0_usize;
    tokens.iter().enumerate().filter(move |&(at, token)| {
        let is_arrow = at > 0 && is_punct(&tokens[at - 1], '-');
        if is_punct(token, '<') {
            depth += 1;
        } else if is_punct(token, '>') && !is_arrow {
            depth = depth.saturating_sub(1);
            return false;
        }
        depth == 0
    })
}

fn ident(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        _ => None,
    }
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_block(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
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
    fn an_item_ends_where_it_ends_whatever_stands_in_it() {
        let text = r##"
pub(crate) const LESS: bool = { 1 < 2 };
pub const fn limit<const N: usize>(of: [u8; { 1 + 1 }]) -> Sized<{ N }> where u8: Copy, { todo!() }
pub(in crate::a) unsafe extern "C" fn outside() {}
static mut COUNT: fn() -> u8 = || { 7 };
use std::{fmt, io};
macro_rules! make { ($name:ident) => { fn $name() {} } }
make! { hidden }
struct Pair<T: Fn() -> u8>(T, [u8; 4]);
impl<'a, T: Into<Vec<u8>>> From<T> for &'a mut wal::Log<T> where for<'b> T: Eq + 'b { fn from() {} }
impl [u8] { fn nameless() {} }
extern crate alloc;
enum Last {}
"##;
        let found = items(text).expect("valid");
        let names: Vec<String> = found.iter().map(Item::name).collect();
        assert_eq!(names, ["LESS", "limit", "outside", "COUNT", "Pair", "Log::from", "Last"]);
        assert_eq!(found[5].of_trait.as_deref(), Some("From"));
        let line = |item: &Item| (item.lines.start, item.lines.end);
        assert_eq!(found.iter().map(line).filter(|(a, b)| a + 1 != *b).count(), 0, "one line each");
        let end = text.lines().nth(2).expect("there").len();
        assert_eq!(found[1].columns.1, end, "a block in a type is not the body");
    }

    #[test]
    fn bodies_are_of_functions_that_may_run_anything() {
        let text = "\
/// Größe {
fn of_a_file() -> [u8; { 1 }] { [1] }
impl Log { pub fn method(&self) { if true {} } const fn known() {} }
trait Disk { fn given(&self) { panic!() } fn promised(&self); }
fn opaque() -> impl Fn() { || {} }
mod inner { fn out_of_sight() {} }
macro_rules! make { () => { fn made() {} } }
";
        let found = bodies(text).expect("valid");
        let found: Vec<&str> = found.into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, ["{ [1] }", "{ if true {} }", "{ panic!() }"]);
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
