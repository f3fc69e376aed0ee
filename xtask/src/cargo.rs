//! Starting cargo, as the one that started us.

use std::path::Path;
use std::process::{Command, ExitStatus};

use anyhow::Context as _;

use crate::runner;

/// `cargo`, to be run in `dir`.
pub(crate) fn cargo(dir: &Path) -> Command {
    let mut command = runner::cargo();
    command.current_dir(dir);
    command
}

/// Runs `command` with our own input and output, and waits for it.
pub(crate) fn wait(command: &mut Command) -> anyhow::Result<ExitStatus> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.status().with_context(|| format!("cannot start {program}"))
}
