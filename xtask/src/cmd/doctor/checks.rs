//! The checks, each in a second or less.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::Finding;
use crate::repo::{self, Repo};
use crate::runner::{bytes, cargo};
use crate::toml;

type Check = fn(&Repo) -> Finding;

/// All checks, in the order in which one thing needs the other.
pub(super) const ALL: &[Check] =
    &[toolchain, linker, components, dependencies, space, sync, sync_directory, git];

/// Which check knows more when cargo says one of these words.
pub(super) const BY_SYMPTOM: &[(&[&str], Check)] = &[
    (&["linker `", "linking with `", "link.exe"], linker),
    (&["No space left on device", "os error 28", "os error 112"], space),
    (&["failed to download", "failed to get `", "--offline", "failed to query"], dependencies),
    (&["requires rustc", "is not supported by"], toolchain),
];

/// Room for both workspaces' builds, with benches.
const SPACE_WANTED: u64 = 4 << 30;
/// Below this the first build is at risk.
const SPACE_NEEDED: u64 = 1 << 30;
/// No disk that keeps what it is told answers a sync sooner.
const SYNC_MIN: Duration = Duration::from_micros(15);

fn toolchain(repo: &Repo) -> Finding {
    let advice = "get the newest with: rustup update stable\nno rustup? https://rustup.rs";
    let Some(found) = first_line(Command::new("rustc").arg("--version")) else {
        return Finding::bad("there is no `rustc` on the path", advice);
    };
    let wanted = rust_version(repo).unwrap_or_default();
    let words = found.split_whitespace().nth(1);
    match (words.and_then(version), version(&wanted)) {
        (Some(have), Some(want)) if have < want => {
            Finding::bad(format!("{found}; the course needs {wanted} or newer"), advice)
        }
        _ => Finding::good(found),
    }
}

/// Not the linker's name but its work: a program is built and run.
fn linker(_repo: &Repo) -> Finding {
    let dir = std::env::temp_dir().join(format!("cairn-doctor-{}", std::process::id()));
    let finding = link_in(&dir);
    // What is left in the system's own place for such things is no loss.
    let _left = std::fs::remove_dir_all(&dir);
    finding
}

fn link_in(dir: &Path) -> Finding {
    let source = dir.join("main.rs");
    let exe = dir.join(format!("main{}", std::env::consts::EXE_SUFFIX));
    if let Err(error) = repo::write(&source, "fn main() {}\n") {
        return Finding::bad(format!("{error:#}"), "is the temporary directory full?");
    }
    let built = run(Command::new("rustc").arg(&source).arg("-o").arg(&exe));
    match built {
        Some(output) if output.status.success() => {}
        Some(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let line =
                said.lines().find(|line| line.contains("error")).unwrap_or("no reason given");
            return Finding::bad(format!("a program cannot be linked: {line}"), linker_advice());
        }
        None => return Finding::bad("there is no `rustc` on the path", "https://rustup.rs"),
    }
    match run(&mut Command::new(&exe)) {
        Some(output) if output.status.success() => Finding::good("programs can be built and run"),
        _ => Finding::bad(
            format!("{} was built but does not run", exe.display()),
            "may programs be run from the temporary directory?",
        ),
    }
}

fn linker_advice() -> &'static str {
    match std::env::consts::OS {
        "macos" => "get one with: xcode-select --install",
        "windows" => "get the Visual Studio Build Tools, with \"Desktop development with C++\"",
        _ => {
            "get one with your package manager:\n\
             Debian, Ubuntu  sudo apt install build-essential\n\
             Fedora          sudo dnf install gcc\n\
             Arch            sudo pacman -S base-devel"
        }
    }
}

fn components(_repo: &Repo) -> Finding {
    let missing: Vec<&str> = ["fmt", "clippy"]
        .into_iter()
        .filter(|name| first_line(cargo().args([name, "--version"])).is_none())
        .collect();
    if missing.is_empty() {
        return Finding::good("rustfmt and clippy are there");
    }
    let names: Vec<&str> =
        missing.iter().map(|n| if *n == "fmt" { "rustfmt" } else { n }).collect();
    let advice = format!("get them with: rustup component add {}", names.join(" "));
    Finding::amiss(format!("not there: {}", names.join(", ")), advice)
}

fn dependencies(repo: &Repo) -> Finding {
    let host = first_line(Command::new("rustc").args(["--print", "host-tuple"]));
    let mut missing = Vec::new();
    for (dir, flag) in
        [(&repo.root, ""), (&repo.solutions(), " --manifest-path solutions/Cargo.toml")]
    {
        let mut fetch = cargo();
        fetch.args(["fetch", "--quiet", "--offline", "--locked", "--manifest-path"]);
        fetch.arg(dir.join("Cargo.toml"));
        if let Some(host) = &host {
            fetch.args(["--target", host]);
        }
        if !run(&mut fetch).is_some_and(|output| output.status.success()) {
            missing.push(format!("cargo fetch --locked{flag}"));
        }
    }
    if missing.is_empty() {
        return Finding::good("all dependencies are downloaded: the course works offline");
    }
    Finding::amiss(
        "not all dependencies are downloaded",
        format!("once, with a network: {}\nbehind a proxy, set HTTPS_PROXY", missing.join(" && ")),
    )
}

fn space(repo: &Repo) -> Finding {
    let Some(free) = free_space(&repo.root) else {
        return Finding::amiss("cannot tell how much space is free", "");
    };
    let what = format!("{} free where the course is", bytes(free));
    let advice = "room can be made with: cargo clean";
    if free < SPACE_NEEDED {
        Finding::bad(what, advice)
    } else if free < SPACE_WANTED {
        Finding::amiss(what, advice)
    } else {
        Finding::good(what)
    }
}

/// In bytes.
#[cfg(unix)]
fn free_space(dir: &Path) -> Option<u64> {
    let output = run(Command::new("df").arg("-Pk").arg(dir))?;
    // file system, blocks of 1 KiB, used, available, …
    let text = String::from_utf8_lossy(&output.stdout);
    let available = text.lines().nth(1)?.split_whitespace().nth(3)?;
    Some(available.parse::<u64>().ok()? << 10)
}

/// In bytes.
#[cfg(windows)]
fn free_space(dir: &Path) -> Option<u64> {
    let script = format!("(Get-Item -LiteralPath '{}').PSDrive.Free", dir.display());
    let mut shell = Command::new("powershell");
    first_line(shell.args(["-NoProfile", "-Command", &script]))?.trim().parse().ok()
}

/// Writes, syncs and reads back where the experiments do.
fn sync(repo: &Repo) -> Finding {
    let path = repo.target_dir().join("doctor.tmp");
    let fastest = try_sync(&path);
    let _left = std::fs::remove_file(&path);
    let shown = repo.shown(&repo.target_dir());
    match fastest {
        Ok(fastest) if fastest < SYNC_MIN => Finding::amiss(
            format!("a sync in {shown} takes {fastest:.1?}: no disk is that fast"),
            "memory, or a disk that promises what it does not keep: tests run, but the experiments\n\
             of day 3 will show little. Set CARGO_TARGET_DIR to a directory on a real disk.",
        ),
        Ok(fastest) => Finding::good(format!("{shown} syncs: {fastest:.0?} for 4 KiB")),
        Err(error) => Finding::bad(
            format!("a file in {shown} cannot be written, synced and read back: {error}"),
            "set CARGO_TARGET_DIR to a directory that can",
        ),
    }
}

/// The fastest of some syncs of 4 KiB each.
fn try_sync(path: &Path) -> std::io::Result<Duration> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let mut file = std::fs::File::create(path)?;
    let mut fastest = Duration::MAX;
    for round in 0..5u8 {
        file.write_all(&[round; 4096])?;
        let started = Instant::now();
        file.sync_data()?;
        fastest = fastest.min(started.elapsed());
    }
    let mut read = Vec::new();
    std::fs::File::open(path)?.read_to_end(&mut read)?;
    let want: Vec<u8> = (0..5u8).flat_map(|round| [round; 4096]).collect();
    if read == want {
        Ok(fastest)
    } else {
        Err(std::io::Error::other("it reads as something else"))
    }
}

#[cfg(unix)]
fn sync_directory(repo: &Repo) -> Finding {
    let dir = repo.target_dir();
    let shown = repo.shown(&dir);
    match std::fs::File::open(&dir).and_then(|dir| dir.sync_all()) {
        Ok(()) => Finding::good(format!("{shown} syncs as a directory")),
        Err(error) => Finding::amiss(
            format!("{shown} cannot be synced as a directory: {error}"),
            "names of new files may be lost in a power cut there; a local disk does not do that",
        ),
    }
}

#[cfg(not(unix))]
fn sync_directory(_repo: &Repo) -> Finding {
    Finding::good("directories need no sync on this system")
}

fn git(repo: &Repo) -> Finding {
    let Some(version) = first_line(Command::new("git").arg("--version")) else {
        let advice = "your work is safe without it, but has no history: https://git-scm.com";
        return Finding::amiss("there is no `git` on the path", advice);
    };
    let mut inside = Command::new("git");
    inside.arg("-C").arg(&repo.root).args(["rev-parse", "--is-inside-work-tree"]);
    match first_line(&mut inside) {
        Some(_) => Finding::good(version),
        None => Finding::amiss(
            format!("{version}, but the course is not in a repository"),
            "keep a history of your work with: git init && git add -A && git commit -m start",
        ),
    }
}

/// The workspace's `rust-version`.
fn rust_version(repo: &Repo) -> Option<String> {
    let manifest = repo::read(&repo.root.join("Cargo.toml")).ok()?;
    let manifest = toml::parse(&manifest).ok()?;
    Some(manifest.pointer("/workspace/package/rust-version")?.as_str()?.to_owned())
}

/// `1.95.0-nightly` as numbers.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(['.', '-']).map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// The first line that a command prints, if it ends well.
fn first_line(command: &mut Command) -> Option<String> {
    let output = run(command)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
}

/// None if the command cannot be started.
fn run(command: &mut Command) -> Option<Output> {
    command.stdin(Stdio::null()).output().ok()
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("1.100.0") > version("1.95"));
        assert_eq!(version("1.95.0-nightly"), Some((1, 95)));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn a_file_that_cannot_be_synced_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repo { root: dir.path().to_path_buf() };
        // A file where the directory should be.
        std::fs::write(dir.path().join("target"), "").unwrap();
        if std::env::var_os("CARGO_TARGET_DIR").is_none() {
            assert_eq!(sync(&repo).state, State::Bad);
        }
        assert!(try_sync(&dir.path().join("sub/file")).is_ok());
    }

    #[test]
    fn here_there_is_some_space() {
        assert!(free_space(&std::env::temp_dir()).is_some_and(|free| free > 0));
    }

    #[test]
    fn here_a_program_can_be_linked() {
        assert_eq!(linker(&Repo { root: "/".into() }).state, State::Good);
    }
}
