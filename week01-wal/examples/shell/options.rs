//! The arguments: which directory, and how careful to be.

use std::path::PathBuf;

use wal::{Durability, RecoveryMode};

/// What `--help` prints, of a shell on such a store.
pub(crate) fn help(whose: &str) -> String {
    format!("A shell on {whose} store.{HELP}")
}

const HELP: &str = "
It keeps what you put, through crashes and power cuts.

Usage: shell [OPTIONS] [DIR]

Arguments:
  [DIR]  Where the store is; made if there is none [default: ./cairn-data]

Options:
      --durability <D>  What a write waits for: buffered, flushed or synced [default: synced]
      --recovery <R>    What to do about bytes that are no record: tolerate-tail (cut what a crash
                        left half written), strict (refuse even that) or point-in-time (give up
                        everything behind the first bad byte) [default: tolerate-tail]
  -h, --help            Print help

Examples:
  cargo x run                                    in ./cairn-data
  cargo x run -- ~/stones                        in a directory of your own
  echo 'put stone flint' | cargo x run           commands from a pipe, up to the first that fails
  cargo x run -- --durability buffered < load    a million puts, one sync

Inside, `help` says what can be said. Ctrl-C forgets the line, Ctrl-D leaves.

Exit status: 0 good · 1 a command failed, or the store did not open · 2 wrong usage
";

/// What the arguments ask for.
pub(crate) enum Asked {
    /// To be told about them.
    Help,
    /// A shell.
    Open(Options),
}

/// How the store is opened and written.
pub(crate) struct Options {
    pub(crate) dir: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) recovery: RecoveryMode,
}

/// Reads the arguments, without the program's name.
///
/// # Errors
///
/// What is wrong with them.
pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Asked, String> {
    let mut options = Options {
        dir: PathBuf::from("cairn-data"),
        durability: Durability::Synced,
        recovery: RecoveryMode::default(),
    };
    let mut dir = None;
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (arg.as_str(), None),
        };
        let mut value = || {
            let value = inline.clone().or_else(|| args.next());
            value.ok_or_else(|| format!("`{name}` needs a value"))
        };
        match name {
            "-h" | "--help" => return Ok(Asked::Help),
            "--durability" => options.durability = durability(&value()?)?,
            "--recovery" => options.recovery = recovery(&value()?)?,
            option if option.starts_with('-') => return Err(format!("no option `{option}`")),
            _ if dir.is_some() => return Err(format!("one directory at a time: `{arg}`")),
            _ => dir = Some(PathBuf::from(&arg)),
        }
    }
    if let Some(dir) = dir {
        options.dir = dir;
    }
    Ok(Asked::Open(options))
}

/// The durability of that name.
pub(crate) fn durability(name: &str) -> Result<Durability, String> {
    match name {
        "buffered" => Ok(Durability::Buffered),
        "flushed" => Ok(Durability::Flushed),
        "synced" => Ok(Durability::Synced),
        _ => Err(format!("`{name}` is none of buffered, flushed, synced")),
    }
}

fn recovery(name: &str) -> Result<RecoveryMode, String> {
    match name {
        "strict" => Ok(RecoveryMode::Strict),
        "tolerate-tail" => Ok(RecoveryMode::TolerateTail),
        "point-in-time" => Ok(RecoveryMode::PointInTime),
        _ => Err(format!("`{name}` is none of strict, tolerate-tail, point-in-time")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Durability, RecoveryMode, parse};

    #[test]
    fn arguments_name_directory_and_options_in_any_order() {
        let args = ["--durability", "buffered", "dir", "--recovery=strict"].map(String::from);
        let Ok(Asked::Open(options)) = parse(args) else { panic!("these are fine") };
        assert_eq!(options.dir.as_os_str(), "dir");
        assert_eq!(options.durability, Durability::Buffered);
        assert_eq!(options.recovery, RecoveryMode::Strict);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for args in [&["a", "b"][..], &["--durable"], &["--durability"], &["--durability=much"]] {
            assert!(parse(args.iter().map(|arg| arg.to_string())).is_err(), "{args:?}");
        }
    }
}
