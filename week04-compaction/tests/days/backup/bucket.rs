//! A bucket that notes what is sent to it, and fails when it is told to.

use std::fmt;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use lsm::backup::Backups;
use object_store::memory::InMemory;
use object_store::path::Path as Name;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, UploadPart,
};

use super::linking::locked;

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
