//! The vocabulary of every week's tests: a store given, what it is told, what it must still know.
//!
//! ```text
//!   let store = given(open, &[("a", "1"), ("b", "2")]);     a store on a simulated disk
//!   store.apply([put("a", "3"), delete("b")]);              one batch
//!   store.expect(&[("a", "3")]);                            all that it holds
//!
//!   crash_at_every_operation(workload, check)               the power cut at operation 1, 2, 3, …
//!   survives_power_cuts(open, workload)                     the same for a whole store, against a
//!                                                           Model of what it promised
//!   conformance::all(open)                                  everything that an engine must do
//! ```
//!
//! Two variables help: `CAIRN_SEEDS=10000` tries that many seeds where a test would try a few, and
//! `CAIRN_SEED=17` tries that one alone, which is how a failure is seen again.

pub mod conformance;
mod crash;
mod given;
mod model;
mod workload;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::fs::Fs;
use crate::{Direction, Engine, Entry, KeyRange, Reader, Result, WriteBatch};

pub use crash::{
    crash_at_every_operation, for_each_seed, kill_at_every_operation, seeds, survives_kills,
    survives_power_cuts,
};
pub use given::{TestStore, given};
pub use model::{Crash, Model};
pub use workload::Workload;

/// How a test opens the store under test: on some file system, in some directory.
pub type OpenEngine = dyn Fn(Arc<dyn Fs>, &Path) -> Result<Box<dyn Engine>> + Sync;

/// One step of a batch, as a test writes it down: the value the key gets, or `None` to delete it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key, any bytes.
    pub key: Bytes,
    /// Its value from now on.
    pub value: Option<Bytes>,
}

/// "Give `key` this value."
pub fn put(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Change {
    let value = Some(Bytes::copy_from_slice(value.as_ref()));
    Change { key: Bytes::copy_from_slice(key.as_ref()), value }
}

/// "Take `key` away."
pub fn delete(key: impl AsRef<[u8]>) -> Change {
    Change { key: Bytes::copy_from_slice(key.as_ref()), value: None }
}

/// The batch that makes these changes, in this order.
pub fn batch(changes: &[Change]) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for change in changes {
        match &change.value {
            Some(value) => batch.put(&change.key, value),
            None => batch.delete(&change.key),
        }
    }
    batch
}

/// All that a scan of `range` gives.
#[track_caller]
pub fn scan(reader: &dyn Reader, range: KeyRange, direction: Direction) -> Vec<Entry> {
    let entries = reader.scan(range.clone(), direction).and_then(Iterator::collect);
    entries.unwrap_or_else(|error| panic!("a scan of {range:?} must work, and failed: {error}"))
}

/// Bytes as a test's message shows them: `"key\x00"`, and long ones by their beginning.
pub fn show(bytes: &[u8]) -> impl fmt::Display {
    const SHOWN_MAX: usize = 40;
    fmt::from_fn(move |f| match bytes.get(..SHOWN_MAX) {
        Some(start) if bytes.len() > SHOWN_MAX => {
            write!(f, "\"{}…\" ({} bytes)", start.escape_ascii(), bytes.len())
        }
        _ => write!(f, "\"{}\"", bytes.escape_ascii()),
    })
}

/// An optional value in a test's message.
pub fn show_value(value: Option<&[u8]>) -> impl fmt::Display {
    fmt::from_fn(move |f| match value {
        Some(value) => write!(f, "{}", show(value)),
        None => f.write_str("nothing"),
    })
}
