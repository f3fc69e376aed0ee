//! The file, read piece by piece: never more of it in memory than one part.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::Failure;

/// A file that is only read, so that one that nobody may write can be looked at.
pub(crate) struct Source {
    file: File,
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Source, Failure> {
        let open = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            match metadata.is_file() {
                true => Ok((file, metadata.len())),
                false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file")),
            }
        };
        let (file, size) = open().map_err(|error| failed("open", path, &error))?;
        Ok(Source { file, path: path.to_path_buf(), size })
    }

    /// The bytes at `offset`, `size` of them; the caller knows that they are inside of the file.
    pub(crate) fn read(&self, offset: u64, size: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![0; size];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| failed("read", &self.path, &error))?;
        Ok(bytes)
    }
}

pub(crate) fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Said(format!("cannot {what} {}: {error}", path.display()))
}

/// What is done by then needs no word.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far it is, on a line of its own, where someone is there to see it.
pub(crate) struct Progress {
    since: Instant,
    percent: Option<u64>,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        Progress { since: Instant::now(), percent: None }
    }

    pub(crate) fn report(&mut self, done: u64, size: u64) {
        let percent = Some(100 * done / size.max(1));
        if self.percent != percent && self.since.elapsed() > PATIENCE && io::stderr().is_terminal()
        {
            self.percent = percent;
            eprint!("\r{} % read ", 100 * done / size.max(1));
            // If it cannot be seen, nothing is lost.
            let _ = io::stderr().flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.percent.is_some() {
            eprint!("\r{:12}\r", "");
        }
    }
}
