//! The simplest engine that keeps the contract: every flush writes the whole map to a new file.
//!
//! It exists to be broken: each [`Mistake`] is one that a real engine could make.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use wal::fs::{Fs, Lock, read_all};
use wal::{
    Direction, Durability, Engine, Entry, Error, KeyRange, Operation, Reader, Result, Scan, Seq,
    Stats, WriteBatch,
};

/// What is wrong with the toy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mistake {
    Nothing,
    ForgetsTheDirectory,
    ForgetsItsOwnDirectory,
    NeverSyncs,
    RenamesBeforeItSyncs,
    RetriesASync,
    GoesOnAfterAFailure,
    AnswersWithoutReading,
    HoldsNoLock,
    KeepsTheLock,
    SavesOperationsOneByOne,
    FlushesNothing,
    ForgetsToSyncOnClose,
    AppliesInReverse,
    NumbersBatches,
    StartsNumbersAgain,
    ServesAfterClose,
    IncludesTheEnd,
    PanicsAtInvertedRanges,
    SharesSnapshots,
    ScansTheLiveMap,
}

use Mistake::*;

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
        let saved = self.replace_file(&state.encode());
        state.poisoned |= saved.is_err();
        saved
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

    fn apply(&mut self, operation: Operation<'_>) {
        match operation {
            Operation::Put { key, value } => {
                self.map.insert(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            }
            Operation::Delete { key } => {
                self.map.remove(key);
            }
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
            _ => batch.len() as u64,
        };
        let save = match durability {
            Durability::Buffered => false,
            Durability::Flushed => self.mistake != FlushesNothing,
            Durability::Synced => true,
        };
        for operation in operations {
            state.apply(operation);
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
        self.save(&mut *self.state()?)
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
        if self.mistake != KeepsTheLock {
            self.lock.lock().expect("no thread panicked").take();
        }
        match self.mistake {
            ForgetsToSyncOnClose => Ok(()),
            _ => self.save(&mut state),
        }
    }
}

impl Reader for Toy {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.state()?.map.get(key).cloned())
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Scan<'_>> {
        if self.mistake == ScansTheLiveMap {
            drop(self.state()?);
            let view = View { state: Arc::clone(&self.state), mistake: self.mistake };
            return Ok(view.into_scan(range, direction));
        }
        Ok(self.view()?.into_scan(range, direction))
    }
}

/// A state to read: a copy of the store's or, by mistake, the store's own.
struct View {
    state: Arc<Mutex<State>>,
    mistake: Mistake,
}

impl View {
    /// Finds each entry when it is asked for.
    fn into_scan(self, mut range: KeyRange, direction: Direction) -> Scan<'static> {
        use std::ops::Bound;
        if let (IncludesTheEnd, Bound::Excluded(end)) = (self.mistake, &range.end) {
            range.end = Bound::Included(end.clone());
        }
        Box::new(std::iter::from_fn(move || {
            if range.is_empty() && self.mistake != PanicsAtInvertedRanges {
                return None;
            }
            let state = self.state.lock().expect("no thread panicked");
            let mut entries = state.map.range((range.start.clone(), range.end.clone()));
            let (key, value) = match direction {
                Direction::Forward => entries.next(),
                Direction::Backward => entries.next_back(),
            }?;
            match direction {
                Direction::Forward => range.start = Bound::Excluded(key.clone()),
                Direction::Backward => range.end = Bound::Excluded(key.clone()),
            }
            Some(Ok::<Entry, Error>((key.clone(), value.clone())))
        }))
    }
}

impl Reader for View {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.state.lock().expect("no thread panicked").map.get(key).cloned())
    }

    fn scan(&self, range: KeyRange, direction: Direction) -> Result<Scan<'_>> {
        let view = View { state: Arc::clone(&self.state), mistake: self.mistake };
        Ok(view.into_scan(range, direction))
    }
}
