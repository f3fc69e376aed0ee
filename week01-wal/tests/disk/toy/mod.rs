//! The simplest engine that keeps the contract: every flush writes the whole map to a new file.
//!
//! It exists to be broken: each [`Mistake`] is one that a real engine could make.

mod mistake;
mod view;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::{mem, thread};

use bytes::Bytes;
use wal::fs::{Fs, Lock, read_all};
use wal::{Durability, Engine, Error, Operation, Reader, Result, Seq, Stats, WriteBatch};

pub(super) use mistake::Mistake;

use Mistake::*;
use view::{View, stored_key};

type Map = BTreeMap<Bytes, Bytes>;

pub(super) struct Toy {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    mistake: Mistake,
    state: Arc<Mutex<State>>,
    lock: Mutex<Option<Lock>>,
}

#[derive(Clone, Default)]
struct State {
    map: Map,
    last_seq: Seq,
    poisoned: bool,
    closed: bool,
}

impl Toy {
    pub(super) fn open(fs: Arc<dyn Fs>, dir: &Path, mistake: Mistake) -> Result<Toy> {
        fs.create_dir(dir)?;
        if mistake != ForgetsItsOwnDirectory {
            fs.sync_dir(dir.parent().unwrap_or(dir))?;
        }
        let lock = match mistake {
            HoldsNoLock => None,
            _ => Some(fs.lock(&dir.join("LOCK"))?),
        };
        let path = dir.join("MAP");
        let mut state = match fs.open(&path).and_then(|file| read_all(&*file)) {
            Ok(bytes) => State::decode(&bytes)
                .ok_or_else(|| Error::corruption(&path, 0, "the file is not a whole map"))?,
            Err(error) if error.is_not_found() => State::default(),
            Err(_) if mistake == AnswersWithoutReading => State::default(),
            Err(error) => return Err(error),
        };
        if mistake == StartsNumbersAgain {
            state.last_seq = 0;
        }
        let state = Arc::new(Mutex::new(state));
        Ok(Toy { fs, dir: dir.to_path_buf(), mistake, state, lock: Mutex::new(lock) })
    }

    fn state(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state.lock().expect("no thread panicked");
        if state.closed && self.mistake != ServesAfterClose {
            return Err(Error::Closed);
        }
        Ok(state)
    }

    /// Writes the map to a new file and puts that in the old one's place.
    fn save(&self, state: &mut State) -> Result<()> {
        if state.poisoned && self.mistake != GoesOnAfterAFailure {
            return Err(Error::Poisoned { cause: "an earlier failure".into() });
        }
        match self.replace_file(&state.encode()) {
            Err(error) if self.is_ignored(&error) => Ok(()),
            saved => {
                state.poisoned |= saved.is_err();
                saved
            }
        }
    }

    fn is_ignored(&self, error: &Error) -> bool {
        self.mistake == IgnoresAFullDisk && error.io_kind() == Some(ErrorKind::StorageFull)
    }

    fn replace_file(&self, bytes: &[u8]) -> Result<()> {
        let (tmp, path) = (self.dir.join("MAP.tmp"), self.dir.join("MAP"));
        let file = self.fs.create(&tmp)?;
        file.write_at(0, bytes)?;
        if self.mistake == RenamesBeforeItSyncs {
            self.fs.rename(&tmp, &path)?;
        }
        match self.mistake {
            NeverSyncs => {}
            RetriesASync => file.sync_data().or_else(|_| file.sync_data())?,
            _ => file.sync_data()?,
        }
        if self.mistake != RenamesBeforeItSyncs {
            self.fs.rename(&tmp, &path)?;
        }
        match self.mistake {
            ForgetsTheDirectory => Ok(()),
            _ => self.fs.sync_dir(&self.dir),
        }
    }

    fn view(&self) -> Result<View> {
        let state = self.state()?;
        let state = match self.mistake {
            SharesSnapshots => Arc::clone(&self.state),
            _ => Arc::new(Mutex::new(state.clone())),
        };
        Ok(View { state, mistake: self.mistake })
    }
}

impl State {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.last_seq.to_le_bytes().to_vec();
        for field in self.map.iter().flat_map(|(key, value)| [key, value]) {
            bytes.extend((field.len() as u64).to_le_bytes());
            bytes.extend_from_slice(field);
        }
        // The end is marked: a file that stops earlier was torn.
        bytes.extend(u64::MAX.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<State> {
        let mut rest = bytes;
        let last_seq = take_number(&mut rest)?;
        let mut fields = Vec::new();
        loop {
            match take_number(&mut rest)? {
                u64::MAX => break,
                len => {
                    let len = usize::try_from(len).ok()?;
                    let (field, behind) = rest.split_at_checked(len)?;
                    fields.push(Bytes::copy_from_slice(field));
                    rest = behind;
                }
            }
        }
        let pairs = fields.chunks_exact(2);
        let map = pairs.map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        Some(State { map, last_seq, ..State::default() })
    }

    fn apply(&mut self, operation: Operation<'_>, mistake: Mistake) {
        match operation {
            Operation::Put { key, value } => self.put(stored_key(key, mistake), value, mistake),
            Operation::Delete { .. } if mistake == IgnoresDeletes => {}
            Operation::Delete { key } => {
                self.map.remove(&stored_key(key, mistake));
            }
        }
    }

    fn put(&mut self, key: Bytes, value: &[u8], mistake: Mistake) {
        const U16_MAX: usize = u16::MAX as usize;
        let value = match mistake {
            CutsLongValues if value.len() > U16_MAX => &value[..U16_MAX],
            KeepsTheFirstValue if self.map.contains_key(&key) => return,
            _ => value,
        };
        if mistake == KeepsOneKey {
            self.map.clear();
        }
        self.map.insert(key.clone(), Bytes::copy_from_slice(value));
        if mistake == TakesEmptyForDeleted && value.is_empty() {
            self.map.remove(&key);
        }
    }
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}

impl Engine for Toy {
    fn write(&self, batch: WriteBatch, durability: Durability) -> Result<Seq> {
        let mut state = self.state()?;
        if state.poisoned && self.mistake != GoesOnAfterAFailure {
            return Err(Error::Poisoned { cause: "an earlier failure".into() });
        }
        let mut operations: Vec<_> = batch.iter().collect();
        if self.mistake == AppliesInReverse {
            operations.reverse();
        }
        state.last_seq += match self.mistake {
            NumbersBatches => u64::from(!batch.is_empty()),
            NumbersEmptyBatches => batch.len().max(1) as u64,
            _ => batch.len() as u64,
        };
        let save = match durability {
            Durability::Buffered => false,
            _ if self.mistake == SavesNothing => false,
            Durability::Flushed => self.mistake != FlushesNothing,
            Durability::Synced => true,
        };
        for operation in operations {
            state.apply(operation, self.mistake);
            if self.mistake == ShowsHalfBatches {
                drop(state);
                (0..10).for_each(|_| thread::yield_now());
                state = self.state()?;
            }
            if save && self.mistake == SavesOperationsOneByOne {
                self.save(&mut state)?;
            }
        }
        if save {
            self.save(&mut state)?;
        }
        Ok(state.last_seq)
    }

    fn snapshot(&self) -> Result<Box<dyn Reader>> {
        Ok(Box::new(self.view()?))
    }

    fn sync(&self) -> Result<()> {
        match self.mistake {
            SavesNothing => Ok(()),
            _ => self.save(&mut *self.state()?),
        }
    }

    fn stats(&self) -> Stats {
        Stats { engine: "Toy", counters: Vec::new() }
    }

    fn close(&self) -> Result<()> {
        let mut state = match self.state() {
            Ok(state) if !state.closed => state,
            _ => return Ok(()),
        };
        state.closed = true;
        if ![KeepsTheLockAfterClose, KeepsTheLockForEver].contains(&self.mistake) {
            self.lock.lock().expect("no thread panicked").take();
        }
        match self.mistake {
            ForgetsToSyncOnClose | SavesNothing => Ok(()),
            _ => self.save(&mut state),
        }
    }
}

impl Drop for Toy {
    fn drop(&mut self) {
        if self.mistake == KeepsTheLockForEver {
            mem::forget(self.lock.lock().expect("no thread panicked").take());
        }
    }
}
