//! The directories: which name leads to which file, now and after a power cut.
//!
//! ```text
//!   pending changes, oldest first          kept after the cut?
//!   create  db/CURRENT.tmp  → file 7       yes ─┐
//!   rename  db/CURRENT.tmp  → db/CURRENT   no   ├─ each on its own: an ordered journal
//!   remove  db/000001.log                  yes ─┘  is more than a disk promises
//! ```
//!
//! A change waits until each directory it touched was synced. A sync that fails forgets it for
//! good, as with a file's bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::dice::Dice;

pub(super) type InodeId = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    File(InodeId),
    Dir,
}

impl Node {
    fn id(&self) -> Option<InodeId> {
        match self {
            Node::File(id) => Some(*id),
            Node::Dir => None,
        }
    }
}

#[derive(Default)]
pub(super) struct Names {
    live: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    pending: Vec<Change>,
}

/// What one call changed, kept or forgotten as a whole: names with what they lead to from now on.
struct Change {
    names: Vec<(PathBuf, Option<Node>)>,
    /// Whether the file that gets a name here lost another one by the same call.
    is_rename: bool,
}

impl Names {
    pub(super) fn get(&self, path: &Path) -> Option<Node> {
        if is_root(path) { Some(Node::Dir) } else { self.live.get(path).copied() }
    }

    pub(super) fn file(&self, path: &Path) -> io::Result<InodeId> {
        match self.get(path) {
            Some(Node::File(id)) => Ok(id),
            Some(Node::Dir) => Err(ErrorKind::IsADirectory.into()),
            None => Err(self.missing(path)),
        }
    }

    pub(super) fn expect_dir(&self, path: &Path) -> io::Result<()> {
        match self.get(path) {
            Some(Node::Dir) => Ok(()),
            Some(Node::File(_)) => Err(ErrorKind::NotADirectory.into()),
            None => Err(self.missing(path)),
        }
    }

    /// The error for a path that leads nowhere: a name that is not there, or a file on the way.
    fn missing(&self, path: &Path) -> io::Error {
        let mut above = path.ancestors().skip(1);
        match above.find_map(|dir| self.get(dir)) {
            Some(Node::File(_)) => ErrorKind::NotADirectory.into(),
            _ => ErrorKind::NotFound.into(),
        }
    }

    pub(super) fn files_in(&self, dir: &Path) -> impl Iterator<Item = &Path> {
        let files = self.live.iter().filter(|(_, node)| matches!(node, Node::File(_)));
        files.map(|(path, _)| path.as_path()).filter(move |path| path.parent() == Some(dir))
    }

    /// Every file that has a name, or may come to have one in a crash.
    pub(super) fn all_files(&self) -> BTreeSet<InodeId> {
        let pending = self.pending.iter().flat_map(|change| &change.names);
        let pending = pending.filter_map(|(_, node)| node.as_ref());
        self.live
            .values()
            .chain(self.durable.values())
            .chain(pending)
            .filter_map(Node::id)
            .collect()
    }

    pub(super) fn live_files(&self) -> impl Iterator<Item = InodeId> {
        self.live.values().filter_map(Node::id)
    }

    /// A name for a new file, or one more for a file that has some.
    pub(super) fn link(&mut self, path: &Path, id: InodeId) {
        self.change(vec![(path.to_path_buf(), Some(Node::File(id)))]);
    }

    pub(super) fn unlink(&mut self, path: &Path) {
        self.change(vec![(path.to_path_buf(), None)]);
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path, id: InodeId) {
        self.change(vec![(from.to_path_buf(), None), (to.to_path_buf(), Some(Node::File(id)))]);
        self.pending.last_mut().expect("it was just added").is_rename = true;
    }

    pub(super) fn create_dir(&mut self, dir: &Path) -> io::Result<()> {
        let from_above: Vec<_> = dir.ancestors().collect();
        for path in from_above.into_iter().rev() {
            match self.get(path) {
                Some(Node::Dir) => {}
                Some(Node::File(_)) if path == dir => return Err(ErrorKind::AlreadyExists.into()),
                Some(Node::File(_)) => return Err(ErrorKind::NotADirectory.into()),
                None => self.change(vec![(path.to_path_buf(), Some(Node::Dir))]),
            }
        }
        Ok(())
    }

    /// Puts a name where nothing can take it away, directories above included; for tests that
    /// build a disk.
    pub(super) fn link_durably(&mut self, path: &Path, id: InodeId) -> io::Result<()> {
        self.create_dir(path.parent().unwrap_or(path))?;
        self.link(path, id);
        for path in path.ancestors().filter(|path| !is_root(path)) {
            let node = self.live.get(path).copied();
            set(&mut self.durable, path, node);
            self.pending
                .iter_mut()
                .for_each(|change| change.names.retain(|(name, _)| name != path));
        }
        self.pending.retain(|change| !change.names.is_empty());
        Ok(())
    }

    fn change(&mut self, names: Vec<(PathBuf, Option<Node>)>) {
        for (path, node) in &names {
            set(&mut self.live, path, *node);
        }
        self.pending.push(Change { names, is_rename: false });
    }

    /// Makes durable what changed in `dir`.
    pub(super) fn sync(&mut self, dir: &Path) {
        for (path, node) in self.take_unsynced(dir) {
            set(&mut self.durable, &path, node);
        }
    }

    /// A sync of `dir` failed: what changed there will never be durable.
    pub(super) fn drop_unsynced(&mut self, dir: &Path) {
        self.take_unsynced(dir);
    }

    fn take_unsynced(&mut self, dir: &Path) -> Vec<(PathBuf, Option<Node>)> {
        let mut taken = Vec::new();
        for change in &mut self.pending {
            taken.extend(change.names.extract_if(.., |(path, _)| path.parent() == Some(dir)));
        }
        self.pending.retain(|change| !change.names.is_empty());
        taken
    }

    /// Keeps or forgets each unsynced change, and leaves the names found after the reboot.
    pub(super) fn cut_power(&mut self, dice: &mut Dice) {
        let odds = dice.odds();
        for change in std::mem::take(&mut self.pending) {
            if !dice.keeps(odds) {
                continue;
            }
            for (path, node) in &change.names {
                if let Some(Node::File(_)) = node
                    && change.is_rename
                {
                    // The name that it had is gone, even if an earlier rename to that was forgotten.
                    // What it is called besides, by a link, stays.
                    let live = &self.live;
                    self.durable.retain(|other, found| {
                        Some(*found) != *node || live.get(other) == Some(found)
                    });
                }
                set(&mut self.durable, path, *node);
            }
        }
        // What lies in a directory that was forgotten is gone with it. Parents sort first.
        self.live.clear();
        for (path, node) in &self.durable {
            let dir = path.parent().unwrap_or(path);
            if is_root(dir) || self.live.contains_key(dir) {
                self.live.insert(path.clone(), *node);
            }
        }
        self.durable.clone_from(&self.live);
    }
}

/// The directories that are there before anything is made: `/`, and the one a bare name lies in.
fn is_root(path: &Path) -> bool {
    path.parent().is_none()
}

fn set(names: &mut BTreeMap<PathBuf, Node>, path: &Path, node: Option<Node>) {
    match node {
        Some(node) => names.insert(path.to_path_buf(), node),
        None => names.remove(path),
    };
}
