//! What was done to the disk: counters for assertions, and a protocol for people.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

use super::fault::Operation;

/// Calls since the disk was made, those that failed included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Numbered operations: all that may change the disk, see [`Operation::is_change`].
    pub operations: u64,
    /// Calls of `read_at`.
    pub reads: u64,
    /// Calls of `write_at`.
    pub writes: u64,
    /// Calls of `sync_data`.
    pub syncs: u64,
    /// Calls of `sync_dir`.
    pub dir_syncs: u64,
    /// Sum of the sizes given to `write_at`.
    pub bytes_written: u64,
    /// Sum of the sizes that `read_at` has given.
    pub bytes_read: u64,
}

#[derive(Default)]
pub(super) struct Trace {
    pub(super) counts: Counts,
    events: Vec<Event>,
}

/// One line of the protocol.
enum Event {
    Done { operation: Operation, path: PathBuf, detail: Detail },
    Failed { fault: &'static str },
    Note(&'static str),
}

/// What a line says beside operation and name.
pub(super) enum Detail {
    None,
    To(PathBuf),
    Range { offset: u64, size: u64 },
    Len(u64),
}

impl Trace {
    pub(super) fn count(&mut self, operation: Operation) {
        let counts = &mut self.counts;
        counts.operations += u64::from(operation.is_change());
        match operation {
            Operation::Read => counts.reads += 1,
            Operation::Write => counts.writes += 1,
            Operation::Sync => counts.syncs += 1,
            Operation::SyncDir => counts.dir_syncs += 1,
            _ => {}
        }
    }

    pub(super) fn add(&mut self, operation: Operation, path: &Path, detail: Detail) {
        if let Detail::Range { size, .. } = detail {
            self.counts.bytes_written += size;
        }
        self.events.push(Event::Done { operation, path: path.to_path_buf(), detail });
    }

    /// The operation added last failed.
    pub(super) fn failed(&mut self, fault: &'static str) {
        self.events.push(Event::Failed { fault });
    }

    pub(super) fn note(&mut self, note: &'static str) {
        self.events.push(Event::Note(note));
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::with_capacity(self.events.len());
        for event in &self.events {
            match (event, lines.last_mut()) {
                (Event::Failed { fault }, Some(last)) => last.push_str(&format!(": {fault}")),
                _ => lines.push(event.to_string()),
            }
        }
        lines
    }
}

impl Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Done { operation, path, detail } => {
                write!(f, "{} {}", operation.name(), short(path))?;
                match detail {
                    Detail::None => Ok(()),
                    Detail::To(path) => write!(f, " to {}", short(path)),
                    Detail::Range { offset, size } => {
                        write!(f, " {offset}..{}", offset.saturating_add(*size))
                    }
                    Detail::Len(len) => write!(f, " to {len}"),
                }
            }
            Event::Failed { fault } => f.write_str(fault),
            Event::Note(note) => f.write_str(note),
        }
    }
}

/// A file's name without its directories, which are the same in every line.
fn short(path: &Path) -> std::path::Display<'_> {
    path.file_name().map_or(path, Path::new).display()
}
