//! What lab backup's tests are given: small stores, disks that are watched, and buckets that fail.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use lsm::backup::Backups;
use lsm::{Lsm, LsmOptions};
use object_store::memory::InMemory;
use object_store::path::Path as Name;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, UploadPart,
};
use sstable::{Codec, TableOptions};
use wal::fs::{File, Fs, Lock, SimFs};
use wal::testing::{Change, batch, delete, put, scan};
use wal::{Direction, Durability, Engine, Entry, Error, KeyRange, Reader, Result};

pub(super) const MOMENT: &str = "(rule 1 of lab backup: a copy holds what was acknowledged by some \
                                 moment between call and return: all before the call, whatever its \
                                 durability, and whole batches)";
pub(super) const LINKED: &str = "(rule 2 of lab backup: tables are linked, or copied where that \
                                 cannot be and nothing of that name is there; they are kept until \
                                 they are, and nobody writes into a file that may have two names)";
pub(super) const FIRST: &str = "(rule 3 of lab backup: CURRENT is written first, and says that nothing \
                                is finished, and last, when all else is on disk; a directory with \
                                anything else in it is refused)";
pub(super) const LISTED: &str = "(rule 4 of lab backup: an object is named after what is in it, and \
                                 what is there is not sent again; a backup counts when its list is \
                                 put, and that comes last)";
pub(super) const BACK: &str = "(rule 5 of lab backup: what comes back has the size and the checksum of \
                               what was sent, or is an error that names the object)";
pub(super) const NEEDED: &str = "(rule 5 of lab backup: of what is removed, the list goes first, and \
                                 then each file that no list names; its number is not given out \
                                 again)";

pub(super) const DIR: &str = "/db";
pub(super) const COPY: &str = "/copy";

// Stores.

/// Memtables and tables of a few entries, which are compacted as soon as there are some.
/// Writes that are slowed down sleep: here they only stop.
pub(super) fn small() -> LsmOptions {
    LsmOptions {
        memtable_size: 400,
        cache_size: 10_000,
        table: TableOptions {
            block_size: 64,
            restart_interval: 3,
            codec: Codec::None,
            ..TableOptions::default()
        },
        table_size: 400,
        level0_tables: 2,
        level0_slow: 12,
        level0_stop: 12,
        base_level_size: 1_000,
        level_ratio: 3,
        ..LsmOptions::default()
    }
}

/// The same, but what is flushed stays as it is.
pub(super) fn still() -> LsmOptions {
    let never = 1 << 20;
    LsmOptions { level0_tables: never, level0_slow: never, level0_stop: never, ..small() }
}

/// As [`small`], and values of 30 bytes live apart: those of [`overwrite`], which are collected as soon
/// as there is garbage.
pub(super) fn apart() -> LsmOptions {
    LsmOptions { value_min: Some(30), value_garbage_percent: 20, ..small() }
}

/// As [`still`], and nothing is flushed either: all that is written stays in memory.
pub(super) fn in_memory() -> LsmOptions {
    LsmOptions { memtable_size: 1 << 30, ..still() }
}

pub(super) fn disk(sim: &SimFs) -> Arc<dyn Fs> {
    Arc::new(sim.clone())
}

#[track_caller]
pub(super) fn open(fs: Arc<dyn Fs>, dir: &str, options: LsmOptions) -> Lsm {
    Lsm::open(fs, Path::new(dir), options)
        .unwrap_or_else(|error| panic!("the store in {dir} must open, and fails: {error}"))
}

/// Opens the copy in `dir`, of which anything may be looked at then.
#[track_caller]
pub(super) fn open_copy(fs: Arc<dyn Fs>, dir: &str, options: LsmOptions) -> Lsm {
    Lsm::open(fs, Path::new(dir), options).unwrap_or_else(|error| {
        panic!("the copy in {dir} must be a store, and opening it fails: {error} {FIRST}")
    })
}

#[track_caller]
pub(super) fn write(store: &Lsm, changes: &[Change]) {
    let written = store.write(batch(changes), Durability::Buffered);
    written.unwrap_or_else(|error| panic!("a write fails on a good disk: {error}"));
}

/// Gives each of ten keys what says that round, so many rounds long.
#[track_caller]
pub(super) fn overwrite(store: &Lsm, rounds: std::ops::Range<usize>) {
    for round in rounds {
        for key in 0..10 {
            write(store, &[put(format!("key{key}"), format!("{round:-<40}"))]);
        }
    }
}

/// A store with some tables, and with puts and deletes that are in memory alone.
#[track_caller]
pub(super) fn filled(fs: Arc<dyn Fs>) -> Lsm {
    let store = open(Arc::clone(&fs), DIR, still());
    overwrite(&store, 0..3);
    store.close().expect("a good disk");
    drop(store);
    let store = open(fs, DIR, in_memory());
    assert!(store.version().tables().count() > 2, "thirty puts are more than two memtables");
    write(&store, &[put("key3", "in memory"), delete("key5")]);
    write(&store, &[put("late", "in memory, too")]);
    store
}

/// All that a reader sees.
#[track_caller]
pub(super) fn all(reader: &dyn Reader) -> Vec<Entry> {
    scan(reader, KeyRange::all(), Direction::Forward)
}

#[track_caller]
pub(super) fn checkpoint(store: &Lsm, to: &str) {
    let made = store.checkpoint(Path::new(to));
    made.unwrap_or_else(|error| panic!("a checkpoint in {to} must work, and fails: {error}"));
}

/// Opens the copy in `dir`, and checks that it holds what is wanted, by a scan and one by one.
#[track_caller]
pub(super) fn expect_copy(fs: Arc<dyn Fs>, dir: &str, want: &[Entry], when: &str) -> Lsm {
    expect_copy_with(still(), fs, dir, want, when)
}

/// The same, of a store with these options.
#[track_caller]
pub(super) fn expect_copy_with(
    options: LsmOptions,
    fs: Arc<dyn Fs>,
    dir: &str,
    want: &[Entry],
    when: &str,
) -> Lsm {
    let copy = Lsm::open(fs, Path::new(dir), options);
    let copy = copy.unwrap_or_else(|error| {
        panic!("{when} the copy in {dir} must open, and fails: {error} {FIRST}")
    });
    expect(&copy, want, when);
    copy
}

#[track_caller]
pub(super) fn expect(store: &Lsm, want: &[Entry], when: &str) {
    let found = all(store);
    assert!(found == want, "{when} a scan gives\n{found:?}, and should\n{want:?}\n{MOMENT}");
    for (key, value) in want {
        let came = store.get(key);
        let is_right = came.as_ref().is_ok_and(|came| came.as_ref() == Some(value));
        assert!(is_right, "{when} get({key:?}) gives {came:?}, and should {value:?} {MOMENT}");
    }
}

/// One of the store's counters.
#[track_caller]
pub(super) fn stat(store: &Lsm, name: &str) -> u64 {
    let stats = store.stats();
    let counter = stats.counters.iter().find(|counter| counter.name == name);
    counter.unwrap_or_else(|| panic!("stats() has no counter {name}: {stats:?}")).value
}

/// The names of the files in `dir`; none if it is not there.
pub(super) fn names(sim: &SimFs, dir: &str) -> Vec<String> {
    sim.list(Path::new(dir)).unwrap_or_default()
}

/// Whether `error` says that a directory has something in it.
pub(super) fn is_refusal(error: &Error) -> bool {
    error.io_kind() == Some(std::io::ErrorKind::DirectoryNotEmpty)
}

// Disks.

/// What becomes of a link.
#[derive(Clone, Copy)]
pub(super) enum Links {
    Work,
    /// There are none.
    None,
    /// It is made, and the answer is that something went wrong: over a network, the answer is what gets
    /// lost.
    WorkAndFail,
}

/// A disk with such links, which calls a hook before the first one.
pub(super) struct Linking {
    sim: SimFs,
    links: Links,
    hook: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Linking {
    pub(super) fn new(sim: &SimFs, links: Links) -> Arc<Linking> {
        Arc::new(Linking { sim: sim.clone(), links, hook: Mutex::new(None) })
    }

    /// Does `work` before the next link, once.
    pub(super) fn at_link(&self, work: impl FnOnce() + Send + 'static) {
        *locked(&self.hook) = Some(Box::new(work));
    }

    /// That the hook was called.
    #[track_caller]
    pub(super) fn expect_linked(&self) {
        assert!(locked(&self.hook).is_none(), "no table was linked {LINKED}");
    }
}

impl fmt::Debug for Linking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Linking")
    }
}

impl Fs for Linking {
    fn create(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.sim.create(path)
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn File>> {
        self.sim.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.sim.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        let hook = locked(&self.hook).take();
        if let Some(hook) = hook {
            hook();
        }
        let failed = |kind: std::io::ErrorKind| Err(Error::io("link", from, kind.into()));
        match self.links {
            Links::Work => self.sim.hard_link(from, to),
            Links::None => failed(std::io::ErrorKind::CrossesDevices),
            Links::WorkAndFail => {
                self.sim.hard_link(from, to).and(failed(std::io::ErrorKind::TimedOut))
            }
        }
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

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// Buckets.

/// A bucket in memory that notes what is sent to it, and fails when it is told to.
#[derive(Debug, Clone, Default)]
pub(super) struct TestBucket {
    objects: Arc<InMemory>,
    calls: Arc<Mutex<Calls>>,
}

#[derive(Debug, Default)]
struct Calls {
    count: u64,
    /// Which call fails, and all behind it do, too, as when a network goes.
    fails_from: Option<u64>,
    /// Whether the call that fails first has its effect: then only the answer is lost.
    answer_is_lost: bool,
    /// What somebody else puts, just before the next list is put.
    rival: Vec<(String, Vec<u8>)>,
    /// What somebody else removes, just before it is read.
    vanishing: Option<String>,
    /// What was put, in order: names and sizes, of parts as well.
    sent: Vec<(String, u64)>,
    /// What was read, in order.
    read: Vec<String>,
}

/// What becomes of a call.
#[derive(PartialEq)]
enum Fate {
    Well,
    Fails,
    AnswerIsLost,
}

impl TestBucket {
    pub(super) fn new() -> TestBucket {
        TestBucket::default()
    }

    #[track_caller]
    pub(super) fn backups(&self) -> Backups {
        Backups::new(Arc::new(self.clone())).expect("a runtime can be made")
    }

    /// Lets the `nth` call from now fail, 1 being the next, and all behind it.
    pub(super) fn fail_from(&self, nth: u64, answer_is_lost: bool) {
        let mut calls = locked(&self.calls);
        calls.fails_from = Some(calls.count + nth);
        calls.answer_is_lost = answer_is_lost;
    }

    /// Lets no call fail any more, and says whether one has.
    pub(super) fn recover(&self) -> bool {
        let mut calls = locked(&self.calls);
        let count = calls.count;
        calls.fails_from.take().is_some_and(|from| from <= count)
    }

    /// Lets somebody be faster: the next list that is put finds this object there.
    pub(super) fn overtake(&self, name: &str, bytes: &[u8]) {
        locked(&self.calls).rival.push((name.to_owned(), bytes.to_vec()));
    }

    /// Lets somebody remove this object just before it is read.
    pub(super) fn vanish(&self, name: &str) {
        locked(&self.calls).vanishing = Some(name.to_owned());
    }

    /// Forgets what was sent and read, and says what was sent.
    pub(super) fn take_sent(&self) -> Vec<(String, u64)> {
        let mut calls = locked(&self.calls);
        calls.read.clear();
        std::mem::take(&mut calls.sent)
    }

    /// What was read.
    pub(super) fn read(&self) -> Vec<String> {
        locked(&self.calls).read.clone()
    }

    /// The names of all objects, in order.
    pub(super) fn names(&self) -> Vec<String> {
        let found: Vec<ObjectMeta> = wait(self.objects.list(None).try_collect());
        let mut names: Vec<String> = found.iter().map(|meta| meta.location.to_string()).collect();
        names.sort();
        names
    }

    /// The names of the objects that are files of stores.
    pub(super) fn files(&self) -> Vec<String> {
        self.names().into_iter().filter(|name| name.starts_with("files/")).collect()
    }

    pub(super) fn get(&self, name: &str) -> Vec<u8> {
        let name = Name::from(name);
        wait(async { self.objects.get(&name).await?.bytes().await }).to_vec()
    }

    /// Past all that is counted.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) {
        let payload = PutPayload::from(bytes.to_vec());
        wait(self.objects.put(&Name::from(name), payload));
    }

    pub(super) fn remove(&self, name: &str) {
        wait(self.objects.delete(&Name::from(name)));
    }

    fn fate(&self, note: impl FnOnce(&mut Calls)) -> Fate {
        let mut calls = locked(&self.calls);
        calls.count += 1;
        let fate = match calls.fails_from {
            Some(from) if calls.count == from && calls.answer_is_lost => Fate::AnswerIsLost,
            Some(from) if calls.count >= from => Fate::Fails,
            _ => Fate::Well,
        };
        if fate != Fate::Fails {
            note(&mut calls);
        }
        fate
    }

    /// Does a call as its fate wants it.
    async fn call<T>(
        &self,
        note: impl FnOnce(&mut Calls),
        call: impl Future<Output = object_store::Result<T>>,
    ) -> object_store::Result<T> {
        match self.fate(note) {
            Fate::Well => call.await,
            Fate::Fails => Err(gone()),
            Fate::AnswerIsLost => call.await.and(Err(gone())),
        }
    }
}

fn gone() -> object_store::Error {
    object_store::Error::Generic { store: "TestBucket", source: "the network is gone".into() }
}

/// Memory answers at once.
#[track_caller]
fn wait<T>(call: impl Future<Output = object_store::Result<T>>) -> T {
    let answer = call.now_or_never().expect("memory answers at once");
    answer.expect("memory does not fail")
}

impl fmt::Display for TestBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestBucket")
    }
}

impl ObjectStore for TestBucket {
    fn put_opts<'s, 'n, 'f>(
        &'s self,
        name: &'n Name,
        payload: PutPayload,
        options: PutOptions,
    ) -> BoxFuture<'f, object_store::Result<PutResult>>
    where
        's: 'f,
        'n: 'f,
    {
        let sent = (name.to_string(), payload.content_length() as u64);
        if sent.0.starts_with("backups/") {
            let rival = std::mem::take(&mut locked(&self.calls).rival);
            rival.iter().for_each(|(name, bytes)| self.put(name, bytes));
        }
        let put = self.objects.put_opts(name, payload, options);
        Box::pin(self.call(|calls| calls.sent.push(sent), put))
    }

    fn put_multipart_opts<'s, 'n, 'f>(
        &'s self,
        name: &'n Name,
        options: PutMultipartOptions,
    ) -> BoxFuture<'f, object_store::Result<Box<dyn MultipartUpload>>>
    where
        's: 'f,
        'n: 'f,
    {
        Box::pin(async move {
            let upload = self.call(|_| {}, self.objects.put_multipart_opts(name, options)).await?;
            let upload = TestUpload { upload, name: name.to_string(), bucket: self.clone() };
            Ok(Box::new(upload) as Box<dyn MultipartUpload>)
        })
    }

    fn get_opts<'s, 'n, 'f>(
        &'s self,
        name: &'n Name,
        options: GetOptions,
    ) -> BoxFuture<'f, object_store::Result<GetResult>>
    where
        's: 'f,
        'n: 'f,
    {
        let read = name.to_string();
        let vanishing = locked(&self.calls).vanishing.take_if(|name| *name == read);
        vanishing.iter().for_each(|name| self.remove(name));
        Box::pin(self.call(|calls| calls.read.push(read), self.objects.get_opts(name, options)))
    }

    fn delete_stream(
        &self,
        names: BoxStream<'static, object_store::Result<Name>>,
    ) -> BoxStream<'static, object_store::Result<Name>> {
        let bucket = self.clone();
        let removed = names.then(move |name| {
            let bucket = bucket.clone();
            async move {
                let name = name?;
                bucket.call(|_| {}, bucket.objects.delete(&name)).await.map(|()| name)
            }
        });
        removed.boxed()
    }

    fn list(&self, prefix: Option<&Name>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        match self.fate(|_| {}) {
            Fate::Well => self.objects.list(prefix),
            _ => futures_util::stream::iter([Err(gone())]).boxed(),
        }
    }

    fn list_with_delimiter<'s, 'n, 'f>(
        &'s self,
        prefix: Option<&'n Name>,
    ) -> BoxFuture<'f, object_store::Result<ListResult>>
    where
        's: 'f,
        'n: 'f,
    {
        Box::pin(self.call(|_| {}, self.objects.list_with_delimiter(prefix)))
    }

    fn copy_opts<'s, 'n, 'm, 'f>(
        &'s self,
        from: &'n Name,
        to: &'m Name,
        options: CopyOptions,
    ) -> BoxFuture<'f, object_store::Result<()>>
    where
        's: 'f,
        'n: 'f,
        'm: 'f,
    {
        Box::pin(self.call(|_| {}, self.objects.copy_opts(from, to, options)))
    }
}

#[derive(Debug)]
struct TestUpload {
    upload: Box<dyn MultipartUpload>,
    name: String,
    bucket: TestBucket,
}

impl MultipartUpload for TestUpload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        let sent = (self.name.clone(), part.content_length() as u64);
        let (bucket, put) = (self.bucket.clone(), self.upload.put_part(part));
        Box::pin(async move { bucket.call(|calls| calls.sent.push(sent), put).await })
    }

    fn complete<'s, 'f>(&'s mut self) -> BoxFuture<'f, object_store::Result<PutResult>>
    where
        's: 'f,
    {
        let TestUpload { upload, bucket, .. } = self;
        Box::pin(bucket.call(|_| {}, upload.complete()))
    }

    fn abort<'s, 'f>(&'s mut self) -> BoxFuture<'f, object_store::Result<()>>
    where
        's: 'f,
    {
        self.upload.abort()
    }
}
