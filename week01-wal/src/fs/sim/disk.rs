//! The disk behind all handles: files, names, the power, and what is planned to go wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dice::Dice;
use super::fault::{Fault, Faults, Operation};
use super::gate::Gate;
use super::graveyard::Graveyard;
use super::inode::Inode;
use super::names::{InodeId, Names};
use super::trace::{Detail, Trace};

/// The longest file, in bytes: the images are in memory.
const FILE_SIZE_MAX: u64 = 256 << 20;

/// How one operation goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    Well,
    /// The power goes off in the middle: the effect may have reached the disk, nobody is told.
    Cut,
    Fails(Fault),
}

pub(super) struct Disk {
    seed: u64,
    pub(super) names: Names,
    inodes: BTreeMap<InodeId, Inode>,
    next_inode: InodeId,
    graveyard: Graveyard,
    /// Lock files that are held.
    pub(super) locked: Vec<InodeId>,
    /// Counts processes: each `kill` and each power cycle ends one, with its handles and locks.
    pub(super) process: u64,
    powered: bool,
    /// Operations until the power goes off.
    cut_in: Option<u64>,
    pub(super) faults: Faults,
    /// The most that all files may hold together, in bytes.
    capacity: Option<u64>,
    pub(super) trace: Trace,
    pub(super) gate: Gate,
}

impl Disk {
    pub(super) fn new(seed: u64) -> Disk {
        Disk {
            seed,
            names: Names::default(),
            inodes: BTreeMap::new(),
            next_inode: 1,
            graveyard: Graveyard::default(),
            locked: Vec::new(),
            process: 1,
            powered: true,
            cut_in: None,
            faults: Faults::default(),
            capacity: None,
            trace: Trace::default(),
            gate: Gate::default(),
        }
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// The number of the latest operation.
    pub(super) fn number(&self) -> u64 {
        self.trace.counts.operations
    }

    fn dice(&self) -> Dice {
        Dice::new(self.seed, (self.number() << 16) | (self.process & 0xffff))
    }

    /// Refuses a process that has ended, and everyone while the power is off.
    pub(super) fn check_alive(&self, process: u64) -> io::Result<()> {
        if !self.powered {
            return Err(io::Error::other("the power is off"));
        }
        if self.process != process {
            return Err(io::Error::other("the process that had this handle was killed"));
        }
        Ok(())
    }

    /// Begins an operation of `process`: counts it and decides how it goes.
    pub(super) fn begin(
        &mut self,
        process: u64,
        operation: Operation,
        path: &Path,
        detail: Detail,
    ) -> io::Result<Course> {
        self.check_alive(process)?;
        self.trace.count(operation);
        if !operation.is_change() {
            return Ok(self.faults.next(operation).map_or(Course::Well, Course::Fails));
        }
        self.trace.add(operation, path, detail);
        if let Some(left) = &mut self.cut_in {
            *left -= 1;
            if *left == 0 {
                self.cut_in = None;
                self.powered = false;
                self.trace.failed("the power goes off");
                return Ok(Course::Cut);
            }
        }
        match self.faults.next(operation) {
            Some(fault) => {
                self.trace.failed(match fault {
                    Fault::Io => "fails with EIO",
                    Fault::NoSpace => "fails with ENOSPC",
                    Fault::Panic => "panics",
                });
                Ok(Course::Fails(fault))
            }
            None => Ok(Course::Well),
        }
    }

    pub(super) fn inode(&mut self, id: InodeId) -> &mut Inode {
        self.inodes.get_mut(&id).expect("a file with a handle or a name is there")
    }

    /// Makes a file at `path`, or finds the one that is there.
    pub(super) fn touch(&mut self, path: &Path) -> io::Result<InodeId> {
        match self.names.file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.names.expect_dir(path.parent().unwrap_or(path))?;
                let id = self.add_inode(path);
                self.names.link(path, id);
                Ok(id)
            }
            found => found,
        }
    }

    fn add_inode(&mut self, path: &Path) -> InodeId {
        let id = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(id, Inode::new(path));
        id
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<InodeId> {
        let id = self.touch(path)?;
        let number = self.number();
        let inode = self.inode(id);
        if !inode.live.is_empty() {
            inode.set_len(number, 0);
        }
        Ok(id)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.names.expect_dir(from.parent().unwrap_or(from))?;
        self.names.expect_dir(to.parent().unwrap_or(to))?;
        let id = self.names.file(from)?;
        if let Ok(()) = self.names.expect_dir(to) {
            return Err(ErrorKind::IsADirectory.into());
        }
        if self.names.file(to).is_ok_and(|other| other == id) {
            // Two names of one file, or one name twice: as POSIX wants it, both stay.
            return Ok(());
        }
        self.names.rename(from, to, id);
        self.inode(id).path = to.to_path_buf();
        Ok(())
    }

    pub(super) fn hard_link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let id = self.names.file(from)?;
        self.names.expect_dir(to.parent().unwrap_or(to))?;
        if self.names.get(to).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.names.link(to, id);
        Ok(())
    }

    /// How much of a write reaches the system's memory when it is interrupted in the middle.
    pub(super) fn interrupted_size(&self, size: usize) -> usize {
        let mut dice = self.dice();
        if dice.coin() { size } else { dice.below(size) }
    }

    /// Writes what fits on the disk.
    pub(super) fn write(&mut self, id: InodeId, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let number = self.number();
        let end = offset.saturating_add(bytes.len() as u64);
        if end > FILE_SIZE_MAX {
            return Err(ErrorKind::FileTooLarge.into());
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let fitting = end.min(self.len_max(id));
        let size = fitting.saturating_sub(offset) as usize;
        if size > 0 {
            self.inode(id).write(number, offset as usize, &bytes[..size]);
        }
        if size < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    pub(super) fn set_len(&mut self, id: InodeId, len: u64) -> io::Result<()> {
        let number = self.number();
        if len > FILE_SIZE_MAX {
            return Err(ErrorKind::FileTooLarge.into());
        }
        if len > self.len_max(id) {
            return Err(ErrorKind::StorageFull.into());
        }
        self.inode(id).set_len(number, len as usize);
        Ok(())
    }

    pub(super) fn set_free_space(&mut self, free: Option<u64>) {
        self.capacity = free.map(|free| self.used(None) + free);
    }

    /// How long a file can become on the space that is left.
    fn len_max(&self, id: InodeId) -> u64 {
        match self.capacity {
            Some(capacity) => {
                let len = self.inodes[&id].live.len() as u64;
                capacity.saturating_sub(self.used(Some(id))).max(len)
            }
            None => FILE_SIZE_MAX,
        }
    }

    /// Bytes in all files, but for one.
    fn used(&self, but: Option<InodeId>) -> u64 {
        // A file with two names has its bytes once.
        let counted: BTreeSet<InodeId> = self.names.live_files().collect();
        let counted = counted.into_iter().filter(|id| Some(*id) != but);
        counted.map(|id| self.inodes[&id].live.len() as u64).sum()
    }

    /// Forgets files that nobody can come back to: without a name, and not open.
    pub(super) fn sweep(&mut self) {
        let named = self.names.all_files();
        let gone = self.inodes.extract_if(.., |id, inode| {
            Arc::strong_count(&inode.handles) == 1 && !named.contains(id)
        });
        gone.for_each(|(_, inode)| self.graveyard.bury(inode));
    }

    pub(super) fn cut_power_in(&mut self, operations: u64) {
        assert!(operations > 0, "the next operation is number 1");
        self.cut_in = Some(operations);
    }

    pub(super) fn powered(&self) -> bool {
        self.powered
    }

    /// Takes the power away, if it is not off yet, and turns it on again.
    pub(super) fn power_cycle(&mut self) {
        self.end_process();
        let mut dice = self.dice();
        self.names.cut_power(&mut dice);
        self.sweep();
        for inode in self.inodes.values_mut() {
            inode.cut_power(&mut dice, &self.graveyard);
        }
        self.powered = true;
        self.cut_in = None;
        self.trace.note("-- power cycle --");
    }

    /// Ends the process. If the power is off, it was never the power: the machine goes on.
    pub(super) fn kill(&mut self) {
        self.end_process();
        self.powered = true;
        self.cut_in = None;
        self.trace.note("-- process killed --");
    }

    fn end_process(&mut self) {
        self.process += 1;
        self.locked.clear();
        for inode in self.inodes.values_mut() {
            inode.handles = Default::default();
        }
    }

    /// The file at `path` for a test that looks at it or damages it.
    pub(super) fn at(&mut self, path: &Path) -> Option<&mut Inode> {
        let id = self.names.file(path).ok()?;
        self.inodes.get_mut(&id)
    }

    pub(super) fn place(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.at(path).is_none() {
            let id = self.add_inode(path);
            self.names.link_durably(path, id)?;
        }
        self.at(path).expect("it was just made").overwrite(bytes);
        Ok(())
    }

    /// Every name that is there, for messages.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let ids = self.names.live_files();
        ids.map(|id| self.inodes[&id].path.clone()).collect()
    }
}
