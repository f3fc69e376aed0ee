//! From a package to its test binary, by way of cargo.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow};

use super::groups;

/// What to build.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BuildJob<'a> {
    /// The directory with the workspace's `Cargo.toml`.
    pub(crate) workspace: &'a Path,
    pub(crate) package: &'a str,
    /// Features of that package to build it with.
    pub(crate) features: &'a [String],
    /// A package of the workspace that has been built before. What both depend on is then built
    /// with the features of both, which is to say not once more.
    pub(crate) beside: Option<&'a str>,
    /// Cargo's own choice if not given.
    pub(crate) target_dir: Option<&'a Path>,
    /// Whether cargo may colour its messages.
    pub(crate) colour: bool,
}

/// How it went. `said` is what cargo had to say, ready to be printed.
#[derive(Debug)]
pub(crate) enum Build {
    /// With warnings, perhaps.
    Ready { built: Built, said: String },
    /// With the errors.
    Failed { said: String },
}

/// A test binary.
#[derive(Debug, Clone)]
pub(crate) struct Built {
    pub(crate) exe: PathBuf,
    /// The package's directory, which its tests run in.
    pub(crate) package_dir: PathBuf,
    /// A variable that its tests find set, and to what.
    pub(crate) variable: Option<(&'static str, String)>,
}

/// Builds the tests of a package. `on_crate` hears the name of each crate that is ready.
pub(crate) fn build(job: BuildJob<'_>, mut on_crate: impl FnMut(&str)) -> anyhow::Result<Build> {
    let mut command = cargo();
    command.args(["test", "--no-run", "--quiet", "--test", "days", "--package", job.package]);
    command.args(["--message-format", "json-render-diagnostics", "--manifest-path"]);
    command.arg(job.workspace.join("Cargo.toml"));
    command.args(["--color", if job.colour { "always" } else { "never" }]);
    for feature in job.features {
        // With its package, as there may be another one beside.
        command.args(["--features", &format!("{}/{feature}", job.package)]);
    }
    if let Some(beside) = job.beside {
        command.args(["--package", beside]);
    }
    if let Some(dir) = job.target_dir {
        command.arg("--target-dir").arg(dir);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = groups::spawn(&mut command, None).context("cannot start cargo")?;
    let mut stderr = child.stderr.take().expect("stderr is piped");
    let said = std::thread::spawn(move || {
        let mut text = Vec::new();
        // What was read until a failure is still worth printing.
        let _failed = stderr.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });

    let mut built = None;
    let stdout = child.stdout.take().expect("stdout is piped");
    for line in BufReader::new(stdout).lines() {
        let line = line.context("cannot read what cargo says")?;
        // What is no message of cargo's is printed by a build script.
        let Ok(message) = jzon::parse(&line) else {
            continue;
        };
        if message["reason"] != "compiler-artifact" {
            continue;
        }
        let name = message["target"]["name"].as_str().unwrap_or_default();
        if message["fresh"] == false {
            on_crate(name);
        }
        if let Some(exe) = message["executable"].as_str()
            && name == "days"
        {
            let manifest = Path::new(message["manifest_path"].as_str().unwrap_or_default());
            let package_dir = manifest.parent().unwrap_or(job.workspace).to_path_buf();
            built = Some(Built { exe: exe.into(), package_dir, variable: None });
        }
    }
    let status = groups::wait(child).context("cannot wait for cargo")?;
    let said = said.join().map_err(|_| anyhow!("reading cargo's messages failed"))?;
    match built {
        Some(built) if status.success() => Ok(Build::Ready { built, said }),
        _ => Ok(Build::Failed { said }),
    }
}

/// The cargo that runs us, without what it has set for us alone.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let ours = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_"];
        if ours.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

impl Built {
    /// The binary as cargo would run it, without a backtrace.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.exe);
        command.current_dir(&self.package_dir).env("CARGO_MANIFEST_DIR", &self.package_dir);
        command.env("RUST_BACKTRACE", "0");
        // Any of these would change what the harness prints, or how it runs the test.
        for name in ["RUST_TEST_THREADS", "RUST_TEST_NOCAPTURE", "RUST_TEST_SHUFFLE"] {
            command.env_remove(name);
        }
        command.envs(self.variable.clone());
        command
    }
}
