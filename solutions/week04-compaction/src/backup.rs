//! Backups: copies of stores in a bucket of an object store, each of which can be brought back.
//!
//! ```text
//!   backups/0000000001 ──► files/000007-4096-9f3a12c40b55e1d2.sst ◄── backups/0000000002
//!                     └──► files/000009-2113-00c41d7e6a90f3b8.sst       │
//!                          files/000012-2590-77ab0e91c3d4f560.sst ◄─────┘
//! ```
//!
//! A file that never changes, a table or a value file of lab `valuelog`, is an object, named after what
//! is in it, and is sent once, whoever has it. A backup is a list of files, which is put when all of them
//! are there: before, there is no backup, and after, a whole one.
//!
//! Calls wait until the bucket has answered. They bring their own small runtime, so do not make them
//! from async code.

mod bucket;
mod list;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use object_store::ObjectStore;
use parking_lot::Mutex;
use wal::fs::Fs;
use wal::{Error, Result};
use xxhash_rust::xxh3::Xxh3Default;

use crate::draft::Draft;
use crate::store::Lsm;

pub use self::bucket::{Bucket, Object, PART_SIZE};
pub use self::list::{FILES, Kind, List, Sealed};
// Its types are a part of this module's interface.
pub use object_store;

/// The folder of the lists.
pub const LISTS: &str = "backups";
/// The folder of the numbers that backups had which were removed: of each an empty object, until there
/// is one of a larger number.
pub const USED: &str = "used";

/// A backup that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Its number: larger than those of all backups that were made before, there or removed.
    pub id: u64,
    /// When its list was put, by the bucket's clock.
    pub made: SystemTime,
    /// How many files it has.
    pub file_count: usize,
    /// Size of them all, in bytes, whether another backup has them, too, or not.
    pub size: u64,
}

/// The backups in a bucket, of one store or of many.
///
/// Many may make backups in one bucket at a time, and many may bring them back; but while one
/// [removes](Backups::remove), nobody else may make one: what the one finds there and does not send, the
/// other may be about to remove. One value of this type sees to that by itself.
pub struct Backups {
    bucket: Bucket,
    /// Held while a backup is made or removed.
    busy: Mutex<()>,
}

impl Backups {
    /// The backups in `store`. To have them in a folder, wrap it in a
    /// [`PrefixStore`](object_store::prefix::PrefixStore).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the runtime cannot be made.
    pub fn new(store: Arc<dyn ObjectStore>) -> Result<Backups> {
        Backups::with_part_size(store, PART_SIZE)
    }

    /// The same, where files larger than this are sent in parts of this size, in bytes. S3 takes no
    /// less than 5 MiB.
    ///
    /// # Errors
    ///
    /// Those of [`Backups::new`].
    pub fn with_part_size(store: Arc<dyn ObjectStore>, part_size: usize) -> Result<Backups> {
        Ok(Backups { bucket: Bucket::new(store, part_size)?, busy: Mutex::new(()) })
    }

    /// Makes a backup of the store in `dir`, which nobody has opened since it was a [`Draft`]: its log
    /// is empty. Returns the number of the backup.
    ///
    /// # Errors
    ///
    /// Those of [`List::of`]; [`Error::Io`], which names the object. There is no backup then, and what
    /// was sent need not be sent again.
    ///
    /// # Cost
    ///
    /// Reads all files, and sends those that are not there. Memory for one part.
    pub fn create(&self, fs: &dyn Fs, dir: &Path) -> Result<u64> {
        let _busy = self.busy.lock();
        self.send(fs, dir)
    }

    /// **Lab backup**, chapter `week04/lab-backup.md`. Files first, the list last.
    fn send(&self, fs: &dyn Fs, dir: &Path) -> Result<u64> {
        // ANCHOR: backup_send
        // What there is to send, `List::of` says. What is there, by name and size: `files`, given, asks
        // once. A file goes if it is not there under the name of its `object`, or is there with another
        // size. `next_id` gives a number; `put_new` says whether somebody else was faster, and who was
        // may have more than one by now: ask again.
        let list = List::of(fs, dir)?;
        let there = self.files()?.into_iter();
        let there: HashMap<String, u64> = there.map(|object| (object.name, object.size)).collect();
        for file in &list.files {
            let name = file.object();
            if there.get(&name) != Some(&file.size) {
                self.bucket.send(&name, &*fs.open(&file.path(dir))?)?;
            }
        }
        let mut id = self.next_id()?;
        while !self.bucket.put_new(&list_object(id), list.encode())? {
            id = self.next_id()?;
        }
        Ok(id)
        // ANCHOR_END: backup_send
    }

    /// All backups, the oldest first.
    ///
    /// **Lab backup**. One that somebody removes meanwhile is left out.
    ///
    /// # Errors
    ///
    /// [`Error::Corruption`] names a list that is damaged; [`Error::Io`].
    ///
    /// # Cost
    ///
    /// Reads all lists.
    pub fn list(&self) -> Result<Vec<Backup>> {
        // ANCHOR: backup_list
        // `lists` gives numbers and objects, `read_list` what is in one, if it is still there.
        let mut backups = Vec::new();
        for (id, Object { made, .. }) in self.lists()? {
            let list = match self.read_list(id) {
                Err(error) if error.is_not_found() => continue,
                read => read?,
            };
            let size = list.files.iter().map(|file| file.size).sum();
            backups.push(Backup { id, made, file_count: list.files.len(), size });
        }
        Ok(backups)
        // ANCHOR_END: backup_list
    }

    /// Brings backup `id` back, as a store in `dir`.
    ///
    /// **Lab backup**. Each file has the size and the checksum that the list says, or there is no
    /// store.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] of kind `NotFound` if there is no such backup, and only then; nothing was touched.
    /// [`Error::Corruption`] names the object that is damaged, or missing although the list names it.
    /// [`Error::Io`]. Those of [`Draft::begin`]: `dir` is locked, or has something in it. After any error
    /// but that `dir` is a draft, which nobody can open, and which a second call clears.
    ///
    /// # Cost
    ///
    /// Memory for a piece of a file, as the object store hands it out.
    pub fn restore(&self, id: u64, fs: Arc<dyn Fs>, dir: &Path) -> Result<()> {
        // ANCHOR: backup_restore
        // The list, a draft, its files, and the end: `finish`. `fetch` hands you an object piece by
        // piece: write each where it belongs, and count and sum it up on the way. One that is not there
        // is `damaged`, given, as one that is not what was sent. Whose bytes are they when `finish` is
        // called?
        let List { state, files } = self.read_list(id)?;
        let draft = Draft::begin(Arc::clone(&fs), dir)?;
        for sealed in files {
            let name = sealed.object();
            let file = fs.create(&sealed.path(dir))?;
            let (mut size, mut sum) = (0, Xxh3Default::new());
            let fetched = self.bucket.fetch(&name, |piece| {
                file.write_at(size, piece)?;
                size += piece.len() as u64;
                sum.update(piece);
                Ok(())
            });
            match fetched {
                Err(error) if error.is_not_found() => {
                    return Err(damaged(&name, "a backup needs it, and it is not there"));
                }
                fetched => fetched?,
            }
            if size != sealed.size || sum.digest() != sealed.checksum {
                return Err(damaged(&name, "it is not what was sent"));
            }
            file.sync_data()?;
        }
        draft.finish(state)
        // ANCHOR_END: backup_restore
    }

    /// Removes backup `id`, and all files that no other backup has. Its number is not given out again.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] of kind `NotFound` if there is no such backup. [`Error::Corruption`] if the list of
    /// another one cannot be read: nobody knows then which files that needs, and nothing was removed.
    /// [`Error::Io`]; every other backup is whole, and what is left of this one goes when the next one
    /// is removed.
    ///
    /// # Cost
    ///
    /// Reads all other lists.
    pub fn remove(&self, id: u64) -> Result<()> {
        let _busy = self.busy.lock();
        self.take_away(id)
    }

    /// **Lab backup**. The list goes before the files: what has no list is no backup. And before the list
    /// goes, its number is marked.
    fn take_away(&self, id: u64) -> Result<()> {
        // ANCHOR: backup_take_away
        // Is it there? If not, `no_backup`, at the end of this file, is the error. Which files do the
        // others name? `List::objects`. That list itself need not be whole. `mark_used`, given, keeps its
        // number. When it is gone, each of `files`, given, that is not named goes, whoever left it there.
        let ids = self.ids()?;
        if !ids.contains(&id) {
            return Err(no_backup(id));
        }
        let mut needed = HashSet::new();
        for other in ids.into_iter().filter(|other| *other != id) {
            needed.extend(self.read_list(other)?.objects());
        }
        self.mark_used(id)?;
        self.bucket.remove(&list_object(id))?;
        for object in self.files()? {
            if !needed.contains(&object.name) {
                self.bucket.remove(&object.name)?;
            }
        }
        Ok(())
        // ANCHOR_END: backup_take_away
    }

    /// The number for a new backup: above those that are there, and those that were removed.
    fn next_id(&self) -> Result<u64> {
        let used = self.numbered(USED)?.into_iter().map(|(id, _)| id);
        Ok(self.ids()?.into_iter().chain(used).max().map_or(1, |last| last + 1))
    }

    /// Sees to it that no number up to `id` is given out again, whether its list is there or not.
    ///
    /// The mark of the largest number is enough. The others go when it is there: an interruption leaves
    /// one mark too many.
    fn mark_used(&self, id: u64) -> Result<()> {
        self.bucket.put_new(&numbered_object(USED, id), Vec::new())?;
        let mut marks = self.numbered(USED)?;
        marks.pop();
        marks.iter().try_for_each(|(_, mark)| self.bucket.remove(&mark.name))
    }

    /// The objects that are files of stores, by name. Objects of other names are not ours.
    fn files(&self) -> Result<Vec<Object>> {
        let mut objects = self.bucket.list(FILES)?;
        objects.retain(|object| Sealed::is_object(&object.name));
        Ok(objects)
    }

    /// The lists, with their numbers, ascending.
    fn lists(&self) -> Result<Vec<(u64, Object)>> {
        self.numbered(LISTS)
    }

    /// What `folder` has under numbers, ascending. Objects of other names are not ours.
    fn numbered(&self, folder: &str) -> Result<Vec<(u64, Object)>> {
        let objects = self.bucket.list(folder)?.into_iter();
        let ours = objects.filter_map(|object| {
            let id = object.name.rsplit('/').next()?.parse().ok()?;
            (numbered_object(folder, id) == object.name).then_some((id, object))
        });
        Ok(ours.collect())
    }

    /// The numbers of all backups, ascending.
    fn ids(&self) -> Result<Vec<u64>> {
        Ok(self.lists()?.into_iter().map(|(id, _)| id).collect())
    }

    /// What backup `id` consists of.
    fn read_list(&self, id: u64) -> Result<List> {
        let name = list_object(id);
        let bytes = self.bucket.get(&name)?;
        List::decode(&bytes).map_err(|bad| damaged(&name, &bad.reason))
    }
}

impl fmt::Debug for Backups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backups").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

/// The name of a backup's list.
fn list_object(id: u64) -> String {
    numbered_object(LISTS, id)
}

/// The name of object `id` in `folder`. So many digits are enough for all there ever will be, and names
/// are in the order of their numbers.
fn numbered_object(folder: &str, id: u64) -> String {
    format!("{folder}/{id:010}")
}

fn damaged(object: &str, reason: &str) -> Error {
    Error::corruption(Path::new(object), 0, reason)
}

/// That there is no backup of this number.
fn no_backup(id: u64) -> Error {
    Error::io("find", Path::new(&list_object(id)), io::ErrorKind::NotFound.into())
}

impl Lsm {
    /// Makes a backup of the store as it is now, while writes go on, and returns its number.
    ///
    /// By way of a [checkpoint](Lsm::checkpoint), in the folder `backup` of the store's own, which is
    /// cleared before and after.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another backup of this store is being made, [`Error::Closed`]; those of
    /// [`Lsm::checkpoint`] and of [`Backups::create`].
    pub fn backup(&self, backups: &Backups) -> Result<u64> {
        let (fs, dir) = self.place();
        let draft = Draft::scratch(Arc::clone(fs), &dir.join("backup"))?;
        self.copy_to(&draft)?;
        let made = backups.create(&**fs, draft.dir());
        // What stays takes room, and goes with the next one.
        let _ = draft.discard();
        made
    }
}
