//! What goes on in the background: who is told when it fails, and when it ends.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use lsm::{Lsm, LsmOptions};
use wal::fs::{Fault, File, Fs, Lock, Operation, SimFs};
use wal::testing::{batch, put};
use wal::{Durability, Engine, Error, Reader, Result};

use super::given::*;

/// A disk with a store of four tables in level 0 or more, and none that was compacted.
fn with_level_0() -> SimFs {
    let sim = SimFs::new(1);
    let stop = 1_000;
    let options =
        LsmOptions { level0_tables: stop, level0_slow: stop, level0_stop: stop, ..small() };
    let store = open(&sim, options);
    write(&store, "first", "in the oldest table", Durability::Buffered);
    overwrite(&store, 0..30);
    store.close().expect("a good disk");
    let count = store.version().level(0).len();
    assert!(count >= 4, "thirty rounds in memtables of 400 bytes are {count} tables {ENDS}");
    sim
}

/// Options with which such a store has something to compact, and nothing to flush. No write waits.
fn due() -> LsmOptions {
    let stop = 1_000;
    LsmOptions {
        memtable_size: 1 << 30,
        level0_tables: 2,
        level0_slow: stop,
        level0_stop: stop,
        ..small()
    }
}

/// A disk with a store in which the first read of another thread than this one comes to the first
/// barrier, and goes on behind the second.
fn with_a_read_held_up() -> (Hooked, Arc<Barrier>, Arc<Barrier>) {
    let (begun, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let gates = (Arc::clone(&begun), Arc::clone(&go_on));
    let (this_thread, is_held) = (thread::current().id(), AtomicBool::new(false));
    let fs = Hooked::new(with_level_0(), move |operation, _| {
        let is_other = operation == Operation::Read && thread::current().id() != this_thread;
        if is_other && !is_held.swap(true, Ordering::AcqRel) {
            gates.0.wait();
            gates.1.wait();
        }
    });
    (fs, begun, go_on)
}

/// Waits until the store knows that compaction has ended, and gives the text of the error with which
/// it refuses a write.
#[track_caller]
fn refusal(store: &Arc<Lsm>, why: &str) -> String {
    let (send, settled) = mpsc::channel();
    let settling = Arc::clone(store);
    thread::spawn(move || send.send(settling.settle()));
    let settled = settled.recv_timeout(Duration::from_secs(3)).unwrap_or_else(|_| {
        panic!(
            "{why}; nothing is compacted any more, and who waits for compaction waits for ever: was \
             `fail` told? {ENDS}"
        )
    });
    assert!(settled.is_err(), "{why}, and who waits for compaction hears that all is well {ENDS}");
    let written = store.write(batch(&[put("key0", "")]), Durability::Buffered);
    let refused = written.err().unwrap_or_else(|| panic!("{why}, and a write is taken {ENDS}"));
    assert!(
        matches!(refused, Error::Poisoned { .. }),
        "{why}, and a write gives {refused:?} {ENDS}"
    );
    refused.to_string()
}

#[test]
fn a_compaction_that_fails_refuses_writes_and_names_the_file() {
    let sim = with_level_0();
    let table = names(&sim, ".sst").remove(0);
    // In its first block, which opening does not read.
    sim.flip_bit(Path::new(DIR).join(&table), 5, 0);
    let store = Arc::new(open(&sim, due()));
    let says = refusal(&store, &format!("{table} is damaged"));
    assert!(
        says.contains(&table) && says.contains("a compaction failed: "),
        "a write is refused with {says:?}; it was a compaction that failed, on {table} {ENDS}"
    );
    let empty = store.write(batch(&[]), Durability::Buffered);
    assert!(empty.is_ok(), "an empty batch writes nothing and waits for nothing: {empty:?} {ENDS}");
    assert!(
        store.scan(wal::KeyRange::all(), wal::Direction::Forward).is_ok(),
        "reads go on {ENDS}"
    );
}

#[test]
fn a_compaction_that_panics_refuses_writes() {
    let reader = thread::current().id();
    let fs = Hooked::new(with_level_0(), move |operation, _| {
        let is_good = operation != Operation::Read || thread::current().id() == reader;
        assert!(is_good, "this disk is only good for one thread");
    });
    let store = Lsm::open(Arc::new(fs), Path::new(DIR), due());
    let store = Arc::new(store.expect("opening reads in one thread"));
    let says = refusal(&store, "compaction has panicked");
    assert!(says.contains("panicked"), "a write is refused with {says:?} {ENDS}");
}

#[test]
fn close_ends_the_compactor() {
    let store = open(&SimFs::new(1), small());
    overwrite(&store, 0..5);
    store.close().expect("a good disk");
    let settled = store.settle();
    assert!(
        matches!(settled, Err(Error::Closed)),
        "close has returned, and the compactor has not been told to stop: {settled:?} {ENDS}"
    );
}

#[test]
fn close_waits_for_the_compaction_that_runs() {
    // The compactor's first read is held up, and another thread closes the store.
    let (fs, begun, go_on) = with_a_read_held_up();
    let sim = fs.sim.clone();
    let store = Lsm::open(Arc::new(fs), Path::new(DIR), due()).expect("a good disk");
    begun.wait();
    thread::scope(|scope| {
        let (send, closed) = mpsc::channel();
        let closing = &store;
        scope.spawn(move || send.send(closing.close()));
        // Long enough for a close that waits for nobody.
        let early = closed.recv_timeout(Duration::from_millis(300));
        let refused = try_open(&sim, small());
        go_on.wait();
        assert!(early.is_err(), "a compaction is reading, and close has returned {ENDS}");
        let why = "a compaction is reading, and another may open the store";
        assert!(matches!(refused, Err(Error::Locked { .. })), "{why}: {refused:?} {ENDS}");
        let closed = closed.recv().expect("close ends");
        assert!(closed.is_ok(), "closed while a compaction ran: {closed:?} {ENDS}");
    });
    let settled = store.settle();
    let why = "a compaction that was told to stop has stopped, which is no failure";
    assert!(matches!(settled, Err(Error::Closed)), "{why}: {settled:?} {ENDS}");
}

#[test]
fn the_compactor_begins_when_all_else_is_open() {
    // Opening waits a while at each read of a manifest or the log, and hears of what others do.
    let (opener, is_early) = (thread::current().id(), Arc::new(AtomicBool::new(false)));
    let (send, heard) = mpsc::channel();
    let (heard, found_early) = (Mutex::new(heard), Arc::clone(&is_early));
    let sim = with_level_0();
    {
        // Something in the log, so that it is read.
        let store = open(&sim, LsmOptions { level0_tables: 1_000, ..due() });
        write(&store, "last", "in the log", Durability::Buffered);
    }
    let fs = Hooked::new(sim, move |operation, path| {
        if thread::current().id() != opener {
            send.send(()).expect("the disk has both ends");
        } else if operation == Operation::Read && path.extension().is_none_or(|end| end != "sst") {
            let heard = heard.lock().expect("no panic while it is held");
            if heard.recv_timeout(Duration::from_millis(20)).is_ok() {
                found_early.store(true, Ordering::Release);
            }
        }
    });
    let _store = Lsm::open(Arc::new(fs), Path::new(DIR), due()).expect("a good disk");
    assert!(
        !is_early.load(Ordering::Acquire),
        "while the log is read, another thread reads tables: what it writes is an orphan to those that \
         `open` removes {FUNCTION}"
    );
}

#[test]
fn close_lets_the_directory_go_when_all_is_written() {
    // At each sync somebody else asks for the lock.
    let sim = SimFs::new(1);
    let (other, is_free) = (sim.clone(), Arc::new(AtomicBool::new(false)));
    let found_free = Arc::clone(&is_free);
    let fs = Hooked::new(sim.clone(), move |operation, _| {
        if operation == Operation::Sync && other.lock(&Path::new(DIR).join("LOCK")).is_ok() {
            found_free.store(true, Ordering::Release);
        }
    });
    let store = Lsm::open(Arc::new(fs), Path::new(DIR), small()).expect("a good disk");
    write(&store, "a", "buffered", Durability::Buffered);
    let before = sim.counts().syncs;
    store.close().expect("a good disk");
    assert!(sim.counts().syncs > before, "close makes durable what was buffered {ENDS}");
    assert!(
        !is_free.load(Ordering::Acquire),
        "another may open the store while this one still writes: the lock was free at a sync {ENDS}"
    );
}

#[test]
fn close_lets_the_directory_go_when_it_fails() {
    let sim = SimFs::new(1);
    let store = open(&sim, small());
    write(&store, "a", "buffered", Durability::Buffered);
    sim.fail_from(Operation::Sync, 1, Fault::Io);
    let closed = store.close();
    assert!(closed.is_err(), "the disk syncs nothing, and close says that all is durable {ENDS}");
    sim.clear_faults();
    let again = try_open(&sim, small());
    let why = "close has failed, the program goes on, and nobody can open the store in it";
    assert!(!matches!(again, Err(Error::Locked { .. })), "{why}: {again:?} {ENDS}");
}

#[test]
fn a_refused_opener_touches_nothing() {
    let sim = SimFs::new(1);
    let _store = open(&sim, due());
    let before = sim.trace().len();
    let refused = try_open(&sim, small());
    assert!(
        matches!(refused, Err(Error::Locked { .. })),
        "the store is open: {refused:?} {FUNCTION}"
    );
    let mut did = sim.trace().split_off(before);
    did.retain(|line| !line.starts_with("create directory") && !line.starts_with("lock"));
    assert!(did.is_empty(), "an opener that is refused has done this: {did:#?} {FUNCTION}");
}

#[test]
fn a_store_that_is_still_read_is_not_opened_again() {
    // A snapshot's read that is under way keeps the store, its flusher and so its lock.
    let (fs, begun, go_on) = with_a_read_held_up();
    let sim = fs.sim.clone();
    let options = LsmOptions { level0_tables: 1_000, cache_size: 0, ..due() };
    let store = Lsm::open(Arc::new(fs), Path::new(DIR), options).expect("a good disk");
    let snapshot = store.snapshot().expect("it is open");
    thread::scope(|scope| {
        scope.spawn(|| snapshot.get(b"first"));
        begun.wait();
        drop(store);
        let refused = try_open(&sim, small());
        go_on.wait();
        assert!(matches!(refused, Err(Error::Locked { .. })), "it is read: {refused:?} {ENDS}");
    });
    open(&sim, small());
}

/// A disk that calls a hook before each read and each sync of a file.
#[derive(Debug)]
struct Hooked {
    sim: SimFs,
    hook: Hook,
}

/// Is told what comes, and of which file.
type Call = dyn Fn(Operation, &Path) + Send + Sync;

#[derive(Clone)]
struct Hook(Arc<Call>);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

#[derive(Debug)]
struct HookedFile {
    file: Arc<dyn File>,
    hook: Hook,
}

impl Hooked {
    fn new(sim: SimFs, hook: impl Fn(Operation, &Path) + Send + Sync + 'static) -> Hooked {
        Hooked { sim, hook: Hook(Arc::new(hook)) }
    }

    fn hooked(&self, file: Arc<dyn File>) -> Arc<dyn File> {
        Arc::new(HookedFile { file, hook: self.hook.clone() })
    }
}

impl Fs for Hooked {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        Ok(self.hooked(self.sim.create(path)?))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        Ok(self.hooked(self.sim.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.sim.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        self.sim.hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.sim.remove(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>> {
        self.sim.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.sim.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.sim.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> Result<Lock> {
        self.sim.lock(path)
    }
}

impl File for HookedFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize> {
        (self.hook.0)(Operation::Read, self.file.path());
        self.file.read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn sync_data(&self) -> Result<()> {
        (self.hook.0)(Operation::Sync, self.file.path());
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
