//! What a test can make go wrong, and when.

use std::{io, panic};

/// A kind of call to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`Fs::create`](crate::fs::Fs::create).
    Create,
    /// [`Fs::open`](crate::fs::Fs::open).
    Open,
    /// [`Fs::rename`](crate::fs::Fs::rename).
    Rename,
    /// [`Fs::hard_link`](crate::fs::Fs::hard_link).
    HardLink,
    /// [`Fs::remove`](crate::fs::Fs::remove).
    Remove,
    /// [`Fs::list`](crate::fs::Fs::list).
    List,
    /// [`Fs::create_dir`](crate::fs::Fs::create_dir).
    CreateDir,
    /// [`Fs::sync_dir`](crate::fs::Fs::sync_dir).
    SyncDir,
    /// [`Fs::lock`](crate::fs::Fs::lock).
    Lock,
    /// [`File::read_at`](crate::fs::File::read_at).
    Read,
    /// [`File::write_at`](crate::fs::File::write_at).
    Write,
    /// [`File::sync_data`](crate::fs::File::sync_data).
    Sync,
    /// [`File::set_len`](crate::fs::File::set_len).
    SetLen,
    /// [`File::len`](crate::fs::File::len).
    Len,
}

impl Operation {
    /// Whether it may change what is on the disk, and so has a number: a power cut at a read
    /// leaves the same disk as one at the next change.
    pub fn is_change(self) -> bool {
        !matches!(self, Operation::Open | Operation::List | Operation::Read | Operation::Len)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Operation::Create => "create",
            Operation::Open => "open",
            Operation::Rename => "rename",
            Operation::HardLink => "link",
            Operation::Remove => "remove",
            Operation::List => "list",
            Operation::CreateDir => "create directory",
            Operation::SyncDir => "sync directory",
            Operation::Lock => "lock",
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::Sync => "sync",
            Operation::SetLen => "set the length of",
            Operation::Len => "look at",
        }
    }
}

/// What the operating system says when an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `EIO`: the drive could not do it.
    Io,
    /// `ENOSPC`: the disk is full.
    NoSpace,
    /// A panic, in silence: as if whoever called the disk had a bug there.
    Panic,
}

impl Fault {
    pub(super) fn error(self) -> io::Error {
        match self {
            Fault::Io => io::Error::other("input/output error (injected by the test)"),
            Fault::NoSpace => io::ErrorKind::StorageFull.into(),
            Fault::Panic => panic::resume_unwind(Box::new("a panic (injected by the test)")),
        }
    }
}

/// The faults still to come.
#[derive(Default)]
pub(super) struct Faults(Vec<Planned>);

struct Planned {
    operation: Operation,
    /// Calls of that kind that still go well.
    calls_before: u64,
    fault: Fault,
    once: bool,
}

impl Faults {
    pub(super) fn plan(&mut self, operation: Operation, nth: u64, fault: Fault, once: bool) {
        assert!(nth > 0, "the next call is number 1");
        self.0.push(Planned { operation, calls_before: nth - 1, fault, once });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts one call, and says whether it fails.
    pub(super) fn next(&mut self, operation: Operation) -> Option<Fault> {
        let mut found = None;
        self.0.retain_mut(|planned| {
            if planned.operation != operation {
                return true;
            }
            if planned.calls_before > 0 {
                planned.calls_before -= 1;
                return true;
            }
            found = found.or(Some(planned.fault));
            !planned.once
        });
        found
    }
}
