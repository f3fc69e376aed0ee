//! A store given to a test, and the sentences a test speaks about it.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use super::crash::{STORE_DIR, open_after};
use super::model::difference;
use super::{Change, Crash, OpenEngine, batch, put, scan, show, show_value};
use crate::fs::SimFs;
use crate::{Direction, Durability, Engine, KeyRange, Reader, Result, Seq};

/// An open store on a simulated disk.
pub struct TestStore<'a> {
    open: &'a OpenEngine,
    /// The disk under it.
    pub fs: SimFs,
    /// `None` while it is closed, for the length of a reopening.
    store: Option<Box<dyn Engine>>,
}

/// A new store that holds these entries.
#[track_caller]
pub fn given<'a>(open: &'a OpenEngine, entries: &[(&str, &str)]) -> TestStore<'a> {
    given_on(open, SimFs::new(1), entries)
}

/// The same on a disk of one's own.
#[track_caller]
pub(super) fn given_on<'a>(
    open: &'a OpenEngine,
    fs: SimFs,
    entries: &[(&str, &str)],
) -> TestStore<'a> {
    let store = match open(Arc::new(fs.clone()), Path::new(STORE_DIR)) {
        Ok(store) => Some(store),
        Err(error) => panic!("a store must open in a directory that does not exist yet: {error}"),
    };
    let given = TestStore { open, fs, store };
    for (key, value) in entries {
        given.apply([put(key, value)]);
    }
    given
}

impl Deref for TestStore<'_> {
    type Target = dyn Engine;

    fn deref(&self) -> &Self::Target {
        &**self.store.as_ref().expect("open but for an instant inside a method")
    }
}

impl TestStore<'_> {
    /// Writes one batch, buffered, and returns its number.
    #[track_caller]
    pub fn apply(&self, changes: impl AsRef<[Change]>) -> Seq {
        self.apply_as(Durability::Buffered, changes)
    }

    /// Writes one batch and returns its number.
    #[track_caller]
    pub fn apply_as(&self, durability: Durability, changes: impl AsRef<[Change]>) -> Seq {
        let changes = changes.as_ref();
        let written = self.write(batch(changes), durability);
        written.unwrap_or_else(|error| panic!("a write must work, and failed: {error}"))
    }

    /// Closes the store and opens it again.
    #[track_caller]
    pub fn reopen(&mut self) {
        if let Err(error) = self.close() {
            panic!("an open store must close, and failed: {error}");
        }
        self.store = None;
        match self.open_again() {
            Ok(store) => self.store = Some(store),
            Err(error) => panic!("a store that was closed must open again, and fails: {error}"),
        }
    }

    /// Ends the store without closing it, in one of two ways, and opens it again.
    #[track_caller]
    pub fn crash(&mut self, crash: Crash) {
        match crash {
            Crash::PowerCut => self.fs.power_cycle(),
            Crash::Kill => self.fs.kill(),
        }
        self.store = None;
        self.store = Some(open_after(crash, self.open, &self.fs));
    }

    /// Drops the store without closing it.
    pub fn drop_store(&mut self) {
        self.store = None;
    }

    /// Tries to open the store once more, whatever has become of the first.
    pub fn open_again(&self) -> Result<Box<dyn Engine>> {
        (self.open)(Arc::new(self.fs.clone()), Path::new(STORE_DIR))
    }

    /// Checks that the store holds these entries and no others.
    #[track_caller]
    pub fn expect(&self, entries: &[(&str, &str)]) {
        expect_entries(&**self, entries);
    }
}

/// Checks that these entries are found, by a scan and one by one, and no others.
#[track_caller]
pub(super) fn expect_entries(reader: &dyn Reader, entries: &[(&str, &str)]) {
    let owned = |(key, value): &(&str, &str)| {
        (key.as_bytes().to_vec().into(), value.as_bytes().to_vec().into())
    };
    let found = scan(reader, KeyRange::all(), Direction::Forward);
    if let Some(difference) =
        difference(&found.into_iter().collect(), &entries.iter().map(owned).collect())
    {
        panic!("a scan of everything finds the wrong entries: {difference}");
    }
    for (key, value) in entries {
        expect_get(reader, key, Some(value.as_bytes()));
    }
}

/// Checks what `get` says.
#[track_caller]
pub(super) fn expect_get(reader: &dyn Reader, key: impl AsRef<[u8]>, expected: Option<&[u8]>) {
    let key = key.as_ref();
    match reader.get(key) {
        Ok(found) if found.as_deref() == expected => {}
        Ok(found) => panic!(
            "get({}) gives {}, and should give {}",
            show(key),
            show_value(found.as_deref()),
            show_value(expected)
        ),
        Err(error) => panic!("get({}) must work, and failed: {error}", show(key)),
    }
}
