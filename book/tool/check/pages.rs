//! The built pages: every link leads to a file and, if it names one, to an anchor in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// Every page of a built guide.
pub(super) struct Pages {
    out: PathBuf,
    /// By path below `out`.
    pages: BTreeMap<PathBuf, Page>,
    remote_styles: Vec<PathBuf>,
}

/// What one page offers to links, and where its own links lead.
#[derive(Default)]
struct Page {
    ids: HashSet<String>,
    repeated_ids: Vec<String>,
    links: Vec<Link>,
}

struct Link {
    target: String,
    /// Whether the page needs it to be shown: an image, a script, a style.
    loaded: bool,
}

impl Pages {
    /// Reads all pages below `out`.
    pub(super) fn read(out: &Path) -> Result<Pages> {
        let mut found =
            Pages { out: out.to_path_buf(), pages: BTreeMap::new(), remote_styles: Vec::new() };
        found.read_dir(out)?;
        Ok(found)
    }

    fn read_dir(&mut self, dir: &Path) -> Result<()> {
        for entry in fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
            let path = entry?.path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if path.is_dir() {
                self.read_dir(&path)?;
            } else if extension == Some("html") {
                let page = Page::parse(&fs::read_to_string(&path)?);
                self.pages.insert(path.strip_prefix(&self.out)?.to_path_buf(), page);
            } else if extension == Some("css") && fetches(&fs::read_to_string(&path)?) {
                self.remote_styles.push(path.strip_prefix(&self.out)?.to_path_buf());
            }
        }
        Ok(())
    }

    pub(super) fn count(&self) -> usize {
        self.pages.len()
    }

    pub(super) fn link_count(&self) -> usize {
        self.pages.values().map(|page| page.links.len()).sum()
    }

    /// What is wrong, one line each.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for path in &self.remote_styles {
            problems.push(format!("{}: fetches from another host", path.display()));
        }
        for (path, page) in &self.pages {
            for id in &page.repeated_ids {
                problems.push(format!("{}: the id `{id}` occurs twice", path.display()));
            }
            for link in &page.links {
                if let Some(trouble) = self.trouble(path, page, link) {
                    problems.push(format!("{}: {trouble}", path.display()));
                }
            }
        }
        problems
    }

    fn trouble(&self, from: &Path, page: &Page, link: &Link) -> Option<String> {
        let target = &link.target;
        if target.starts_with("data:") || target.starts_with("mailto:") {
            return None;
        }
        if target.contains("://") || target.starts_with("//") {
            return if link.loaded {
                Some(format!("`{target}` is fetched from another host"))
            } else if !target.starts_with("https://") {
                Some(format!("`{target}` should be https"))
            } else {
                None
            };
        }
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        if file.is_empty() {
            return (!anchor.is_empty() && !page.ids.contains(anchor))
                .then(|| format!("there is no `#{anchor}` on the page"));
        }
        let path = normal(&from.parent().unwrap_or(Path::new("")).join(file));
        if !self.out.join(&path).is_file() {
            return Some(format!("`{target}` leads nowhere"));
        }
        let known =
            anchor.is_empty() || self.pages.get(&path).is_none_or(|page| page.ids.contains(anchor));
        (!known).then(|| format!("`{target}` names an anchor that is not there"))
    }
}

/// Whether a style sheet loads anything from elsewhere.
fn fetches(css: &str) -> bool {
    ["url(http", "url(\"http", "url('http", "url(//", "@import"].iter().any(|way| css.contains(way))
}

/// `path` without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

impl Page {
    fn parse(html: &str) -> Page {
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(html));
        let reader = Tokenizer::new(Reader::default(), TokenizerOpts::default());
        let _ = reader.feed(&input);
        reader.end();
        reader.sink.page.into_inner()
    }

    fn see(&mut self, tag: &Tag) {
        for attribute in &tag.attrs {
            let value = attribute.value.to_string();
            match &*attribute.name.local {
                "id" if !self.ids.insert(value.clone()) => self.repeated_ids.push(value),
                "href" | "src" => self
                    .links
                    .push(Link { target: value, loaded: !matches!(&*tag.name, "a" | "area") }),
                _ => {}
            }
        }
    }
}

#[derive(Default)]
struct Reader {
    page: RefCell<Page>,
}

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let Token::TagToken(tag) = token else {
            return TokenSinkResult::Continue;
        };
        if tag.kind == TagKind::EndTag {
            return TokenSinkResult::Continue;
        }
        self.page.borrow_mut().see(&tag);
        match &*tag.name {
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" => TokenSinkResult::RawData(RawKind::Rawtext),
            _ => TokenSinkResult::Continue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(pages: &[(&str, &str)]) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        for (path, html) in pages {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, html).unwrap();
        }
        Pages::read(dir.path()).unwrap().problems()
    }

    #[test]
    fn a_good_page_has_no_problems() {
        let b = "<h1 id=\"top\"></h1><a href=\"../a.html#x\">";
        let a = "<p id=\"x\"><a href=\"w/b.html#top\"><a href=\"#x\"><a href=\"https://e.org\">";
        assert!(problems(&[("a.html", a), ("w/b.html", b)]).is_empty());
    }

    #[test]
    fn each_kind_of_bad_link_is_found() {
        for html in [
            "<a href=\"missing.html\">",
            "<a href=\"#missing\">",
            "<a href=\"a.html#missing\">",
            "<img src=\"missing.svg\">",
            "<script src=\"https://cdn.example/x.js\"></script>",
            "<a href=\"http://example.org\">",
            "<p id=\"x\"></p><p id=\"x\"></p>",
        ] {
            assert_eq!(problems(&[("a.html", html)]).len(), 1, "one problem in {html}");
        }
    }

    #[test]
    fn what_stands_in_a_script_is_no_link() {
        assert!(problems(&[("a.html", "<script>'<a href=\"x.html\">'</script>")]).is_empty());
    }
}
