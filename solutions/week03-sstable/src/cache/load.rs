//! One load for all who miss together.

use std::sync::Arc;

use wal::{Error, Result};

use super::BlockKey;
use super::shard::Shard;
use crate::block::Block;
use crate::sync::{Condvar, Mutex};

/// A block that is being loaded, and those who wait for it.
#[derive(Debug, Default)]
pub(super) struct Load {
    state: Mutex<State>,
    done: Condvar,
}

// ANCHOR: listing_state
/// How far it is.
#[derive(Debug, Default)]
enum State {
    /// Somebody is loading it.
    #[default]
    Running,
    /// This came of it.
    Done(Result<Block>),
    /// Whoever loaded it panicked.
    GivenUp,
}
// ANCHOR_END: listing_state

impl Load {
    /// Waits until it is over. `None` if it was given up: then nothing is known.
    ///
    /// **Day 5**, chapter `week03/day5-cache.md`.
    ///
    /// # Errors
    ///
    /// That of the load, as [`share`] makes it.
    pub(super) fn wait(&self) -> Option<Result<Block>> {
        // ANCHOR: day5_load_wait
        // Look again whenever you wake: the standard library's condition variables may wake you for
        // nothing, though these do not.
        let mut state = self.state.lock();
        loop {
            match &*state {
                State::Running => self.done.wait(&mut state),
                State::Done(Ok(block)) => return Some(Ok(block.clone())),
                State::Done(Err(error)) => return Some(Err(share(error))),
                State::GivenUp => return None,
            }
        }
        // ANCHOR_END: day5_load_wait
    }

    /// Says what came of it, and wakes all who wait.
    fn end(&self, state: State) {
        *self.state.lock() = state;
        self.done.notify_all();
    }
}

/// The duty to end a load, whatever happens.
pub(super) struct Loading<'a> {
    shard: &'a Mutex<Shard>,
    key: BlockKey,
    /// `None` when it is ended.
    load: Option<Arc<Load>>,
}

impl<'a> Loading<'a> {
    /// The duty to end `load`, which stands in `shard` for the block `key`.
    pub(super) fn new(shard: &'a Mutex<Shard>, key: BlockKey, load: Arc<Load>) -> Loading<'a> {
        Loading { shard, key, load: Some(load) }
    }

    /// Runs `load`, puts the block into the shard, or nothing after an error, and tells all who
    /// wait.
    ///
    /// **Day 5**. Who comes later finds the block, or loads again: never an old error.
    pub(super) fn finish(mut self, load: impl FnOnce() -> Result<Block>) -> Result<Block> {
        // ANCHOR: day5_loading_finish
        // First the shard, then those who wait: once they know, nobody can still find the load. If
        // `load` panics, `self` is dropped with `self.load` in it.
        let outcome = load();
        let running = self.load.take().expect("it ends once");
        match &outcome {
            Ok(block) => {
                self.shard.lock().insert(self.key, block.clone());
                running.end(State::Done(Ok(block.clone())));
            }
            Err(error) => {
                self.shard.lock().forget(self.key);
                running.end(State::Done(Err(share(error))));
            }
        }
        outcome
        // ANCHOR_END: day5_loading_finish
    }
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        if let Some(load) = self.load.take() {
            self.shard.lock().forget(self.key);
            load.end(State::GivenUp);
        }
    }
}

/// The same error once more, for one more who waited. An operating system's error cannot be copied:
/// of that, kind and text are the same.
fn share(error: &Error) -> Error {
    match error {
        Error::Io { operation, path, source } => {
            let source = match source.raw_os_error() {
                Some(code) => std::io::Error::from_raw_os_error(code),
                None => std::io::Error::new(source.kind(), source.to_string()),
            };
            Error::Io { operation, path: path.clone(), source }
        }
        Error::Corruption { file, offset, reason } => {
            Error::Corruption { file: file.clone(), offset: *offset, reason: reason.clone() }
        }
        Error::Locked { path } => Error::Locked { path: path.clone() },
        Error::Poisoned { cause } => Error::Poisoned { cause: Arc::clone(cause) },
        Error::RecordTooLarge { size, limit } => {
            Error::RecordTooLarge { size: *size, limit: *limit }
        }
        Error::Closed => Error::Closed,
    }
}
