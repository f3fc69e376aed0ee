//! A bucket: objects by name, each of which is there whole or not at all.
//!
//! ```text
//!   put_new(name, bytes)   the object, if there is none of that name
//!   send(name, file)       a file: at once if it is small, else in parts, and then it is there
//!   get, fetch             all of it, or piece by piece
//!   list(folder)           names and sizes
//!   remove(name)
//! ```
//!
//! The crate `object_store` speaks to S3, to a directory, to memory, and does so in async code: a call
//! there is a promise, which somebody has to wait for. Here each call waits.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path as Name;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tokio::runtime::{Builder, Runtime};
use wal::fs::File;
use wal::{Error, Result};

/// Objects that are larger than this are sent in parts of this size, in bytes.
pub const PART_SIZE: usize = 8 << 20;

/// An object, as a listing has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// `files/000007-4096-9f3a12c40b55e1d2.sst`.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// When it was put, by the bucket's clock.
    pub made: SystemTime,
}

/// Where objects are. All errors name the object.
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    part_size: usize,
    /// What waits. One thread, which is whoever calls.
    runtime: Runtime,
}

impl Bucket {
    /// The bucket that is `store`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the runtime cannot be made.
    pub fn new(store: Arc<dyn ObjectStore>, part_size: usize) -> Result<Bucket> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime
            .map_err(|error| Error::io("begin a runtime for", Path::new("a bucket"), error))?;
        Ok(Bucket { store, part_size: part_size.max(1), runtime })
    }

    /// Puts an object, and says whether there was none of that name; if there was one, it stays.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; the object is there or not.
    pub fn put_new(&self, name: &str, bytes: Vec<u8>) -> Result<bool> {
        let options = PutOptions::from(PutMode::Create);
        let path = Name::from(name);
        let put = self.store.put_opts(&path, bytes.into(), options);
        match self.runtime.block_on(put) {
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            put => put.map(|_| true).map_err(|error| failed("put", name, error)),
        }
    }

    /// Sends a file, in place of the object of that name.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; the object is there, or is what it was.
    ///
    /// # Cost
    ///
    /// Memory for one part.
    pub fn send(&self, name: &str, file: &dyn File) -> Result<()> {
        let path = Name::from(name);
        let first = self.part_of(file, 0)?;
        if first.len() < self.part_size {
            let put = self.runtime.block_on(self.store.put(&path, PutPayload::from(first)));
            return put.map(|_| ()).map_err(|error| failed("put", name, error));
        }
        let begun = self.runtime.block_on(self.store.put_multipart(&path));
        let mut upload = begun.map_err(|error| failed("put", name, error))?;
        let mut send_all = || {
            let (mut part, mut offset) = (first.clone(), 0);
            while !part.is_empty() {
                offset += part.len() as u64;
                let sent = self.runtime.block_on(upload.put_part(part.into()));
                sent.map_err(|error| failed("put a part of", name, error))?;
                part = self.part_of(file, offset)?;
            }
            let complete = self.runtime.block_on(upload.complete());
            complete.map(|_| ()).map_err(|error| failed("complete", name, error))
        };
        let sent = send_all();
        if sent.is_err() {
            // Parts that stay cost money, and are nobody's: buckets have rules that remove them.
            let _ = self.runtime.block_on(upload.abort());
        }
        sent
    }

    /// So much of a file as is sent at once.
    fn part_of(&self, file: &dyn File, offset: u64) -> Result<Bytes> {
        let size = file.len()?.saturating_sub(offset).min(self.part_size as u64);
        let mut part = vec![0; size as usize];
        let filled = file.read_at(offset, &mut part)?;
        part.truncate(filled);
        Ok(part.into())
    }

    /// All of a small object.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], of kind `NotFound` if there is none.
    pub fn get(&self, name: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.fetch(name, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Hands all of an object to `take`, piece by piece, from its start.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], of kind `NotFound` if there is none; those of `take`, after which no more comes.
    pub fn fetch(&self, name: &str, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let get_failed = |error| failed("get", name, error);
        let path = Name::from(name);
        let found = self.runtime.block_on(self.store.get(&path)).map_err(get_failed)?;
        let mut pieces = found.into_stream();
        while let Some(piece) = self.runtime.block_on(pieces.try_next()).map_err(get_failed)? {
            take(&piece)?;
        }
        Ok(())
    }

    /// The objects in `folder`, by name.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn list(&self, folder: &str) -> Result<Vec<Object>> {
        let path = Name::from(folder);
        let found = self.runtime.block_on(self.store.list(Some(&path)).try_collect::<Vec<_>>());
        let found = found.map_err(|error| failed("list", folder, error))?;
        let object = |meta: object_store::ObjectMeta| Object {
            name: meta.location.to_string(),
            size: meta.size,
            made: meta.last_modified.into(),
        };
        let mut objects: Vec<Object> = found.into_iter().map(object).collect();
        objects.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(objects)
    }

    /// Removes an object; one that is not there is fine.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn remove(&self, name: &str) -> Result<()> {
        match self.runtime.block_on(self.store.delete(&Name::from(name))) {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            removed => removed.map_err(|error| failed("remove", name, error)),
        }
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.store)
    }
}

fn failed(operation: &'static str, name: &str, error: object_store::Error) -> Error {
    let kind = match error {
        object_store::Error::NotFound { .. } => io::ErrorKind::NotFound,
        object_store::Error::PermissionDenied { .. } => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    Error::io(operation, Path::new(name), io::Error::new(kind, error))
}
