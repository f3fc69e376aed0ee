//! `serve`: the guide on this machine, built again and reloaded when a file changes.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use notify::{RecursiveMode, Watcher};
use tiny_http::{Header, Request, Response, Server};

use crate::book::Guide;

/// Waits this long after a change for the others of the same save.
const QUIET: Duration = Duration::from_millis(150);
const THREADS: usize = 4;

/// Asks for the number of the build twice a second, and reloads the page when it is another.
const RELOAD: &str = "<script>(() => { let seen; setInterval(async () => { try { \
    const now = await (await fetch('/--build')).text(); \
    if (seen && seen !== now) location.reload(); seen = now; } catch {} }, 500); })();</script>";

/// What the threads share: the pages, and how often they were built.
struct Site {
    /// Held for writing during a build, so that nobody sees half of one.
    pages: RwLock<PathBuf>,
    builds: AtomicU64,
}

/// Serves the guide until the process is ended.
pub(crate) fn run(guide: &Guide, port: u16, open: bool) -> Result<ExitCode> {
    let pages = guide.build(None)?;
    let site = Arc::new(Site { pages: RwLock::new(pages), builds: AtomicU64::new(1) });
    let listener = listen(port)?;
    let url = format!("http://{}/", listener.local_addr()?);
    let server = Server::from_listener(listener, None).map_err(|error| anyhow!("{error}"))?;
    let server = Arc::new(server);
    for _ in 0..THREADS {
        let (server, site) = (Arc::clone(&server), Arc::clone(&site));
        std::thread::spawn(move || {
            while let Ok(request) = server.recv() {
                // The browser may have gone away; that is its business.
                let _ = answer(&site, request);
            }
        });
    }
    println!("the guide is at {url} (Ctrl-C ends)");
    if open && let Err(error) = opener::open_browser(&url) {
        eprintln!("warning: cannot open a browser: {error}");
    }
    rebuild_on_change(guide, &site)
}

/// The port asked for, or the next free one of a few.
fn listen(port: u16) -> Result<TcpListener> {
    (port..port.saturating_add(10))
        .find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .with_context(|| format!("no port from {port} on is free; name one with --port"))
}

fn rebuild_on_change(guide: &Guide, site: &Site) -> Result<ExitCode> {
    let (sender, changes) = channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            // No receiver means that the program is ending.
            let _ = sender.send(());
        }
    })?;
    for path in watched(guide)? {
        watcher.watch(&path, RecursiveMode::Recursive)?;
    }
    loop {
        settle(&changes)?;
        let pages = site.pages.write().expect("no thread panics while it holds the pages");
        match guide.build(None) {
            Ok(_) => println!("built again"),
            Err(error) => eprintln!("error: {error:#}"),
        }
        drop(pages);
        site.builds.fetch_add(1, Ordering::Relaxed);
    }
}

/// The files that the guide is made of: its own, and those of the weeks.
fn watched(guide: &Guide) -> Result<Vec<PathBuf>> {
    let mut paths = vec![
        guide.src.clone(),
        guide.root.join("theme"),
        guide.root.join("book.toml"),
        guide.repo.join("solutions").join("bugs"),
    ];
    for week in guide.facts()?.weeks {
        let dir = guide.repo.join(&week.package);
        paths.extend([dir.join("week.toml"), dir.join("tests")]);
        paths.push(guide.repo.join("solutions").join(&week.package).join("src"));
    }
    paths.retain(|path| path.exists());
    Ok(paths)
}

/// Returns when something changed and nothing more did for a moment.
fn settle(changes: &Receiver<()>) -> Result<()> {
    changes.recv().context("the watcher ended")?;
    while changes.recv_timeout(QUIET).is_ok() {}
    Ok(())
}

fn answer(site: &Site, request: Request) -> std::io::Result<()> {
    let url = request.url().split(['?', '#']).next().unwrap_or("/").to_string();
    if url == "/--build" {
        let build = site.builds.load(Ordering::Relaxed).to_string();
        return request.respond(Response::from_string(build));
    }
    let pages = site.pages.read().expect("no thread panics while it holds the pages");
    let Some(path) = file_of(&pages, &url) else {
        return request.respond(Response::from_string("no such page").with_status_code(404));
    };
    let mut bytes = fs::read(&path)?;
    let kind = content_type(&path);
    if kind.starts_with("text/html") {
        bytes.extend_from_slice(RELOAD.as_bytes());
    }
    let header = Header::from_bytes("Content-Type", kind).expect("a constant header");
    request.respond(Response::from_data(bytes).with_header(header))
}

/// The file behind `url`, never one outside of `pages`.
fn file_of(pages: &Path, url: &str) -> Option<PathBuf> {
    let mut path = pages.to_path_buf();
    for part in url.split('/').filter(|part| !part.is_empty()) {
        if part.starts_with('.') || part.contains(['\\', ':', '%']) {
            return None;
        }
        path.push(part);
    }
    if path.is_dir() {
        path.push("index.html");
    }
    path.is_file().then_some(path)
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_guide_are_served() {
        let dir = tempfile::tempdir().unwrap();
        let pages = dir.path().join("pages");
        fs::create_dir(&pages).unwrap();
        fs::write(pages.join("index.html"), "").unwrap();
        fs::write(dir.path().join("secret"), "").unwrap();
        assert!(file_of(&pages, "/").is_some());
        for url in ["/../secret", "/%2e%2e/secret", "//../secret", "/..\\secret"] {
            assert!(file_of(&pages, url).is_none(), "{url} must not leave the guide's folder");
        }
    }
}
