//! A disk on which something happens while the code under test reads.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use wal::Result;
use wal::fs::{File, Fs, Lock, SimFs};

type Event = Arc<Mutex<Option<Box<dyn FnMut() + Send>>>>;

/// A disk that lets something happen at every read or write of a file.
#[derive(Clone)]
pub(super) struct Meddled {
    disk: SimFs,
    after_read: Event,
    before_write: Event,
}

impl Meddled {
    pub(super) fn new(disk: &SimFs) -> Meddled {
        let (after_read, before_write) = (Event::default(), Event::default());
        Meddled { disk: disk.clone(), after_read, before_write }
    }

    /// Does `event`, from now on, after every read, before the reader gets its bytes. Reads that it
    /// makes itself are only reads.
    pub(super) fn after_reads(&self, event: impl FnMut() + Send + 'static) {
        *self.after_read.lock().expect("no panic while it is held") = Some(Box::new(event));
    }

    /// Does `event` once, before the next write.
    fn before_next_write(&self, event: impl FnOnce() + Send + 'static) {
        let mut event = Some(event);
        let once = move || event.take().into_iter().for_each(|event| event());
        *self.before_write.lock().expect("no panic while it is held") = Some(Box::new(once));
    }

    /// Does `write` in a thread, and `other` while that is about to write to a file: until `other`
    /// has read something, and a little longer, so that it can do what it should wait with.
    pub(super) fn while_writing(&self, write: impl FnOnce() + Send, other: impl FnOnce()) {
        let (begun, read) = (Arc::new(Barrier::new(2)), Arc::new(AtomicBool::new(false)));
        let (begun_there, read_there) = (Arc::clone(&begun), Arc::clone(&read));
        self.before_next_write(move || {
            begun_there.wait();
            give_way(2000, || !read_there.load(SeqCst));
            give_way(100, || true);
        });
        thread::scope(|scope| {
            scope.spawn(write);
            begun.wait();
            self.after_reads(move || read.store(true, SeqCst));
            other();
        });
    }

    fn file(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(MeddledFile { fs: self.clone(), file })
    }
}

/// Lets other threads run while `waiting`, so many times at most.
fn give_way(times: usize, waiting: impl Fn() -> bool) {
    (0..times).take_while(|_| waiting()).for_each(|_| thread::yield_now());
}

/// Lets it happen, if it is not just happening.
fn happen(event: &Event) {
    let taken = event.lock().expect("no panic while it is held").take();
    if let Some(mut happens) = taken {
        happens();
        event.lock().expect("no panic while it is held").get_or_insert(happens);
    }
}

impl fmt::Debug for Meddled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddled")
    }
}

impl Fs for Meddled {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        Ok(self.file(self.disk.create(path)?))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        Ok(self.file(self.disk.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.disk.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        self.disk.hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.disk.remove(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.disk.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.disk.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> Result<Lock> {
        self.disk.lock(path)
    }
}

#[derive(Debug)]
struct MeddledFile {
    fs: Meddled,
    file: Arc<dyn File>,
}

impl File for MeddledFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let read = self.file.read_at(offset, buf);
        happen(&self.fs.after_read);
        read
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        happen(&self.fs.before_write);
        self.file.write_at(offset, bytes)
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data()
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file.set_len(len)
    }

    fn len(&self) -> Result<u64> {
        self.file.len()
    }

    fn path(&self) -> &Path {
        self.file.path()
    }
}
