//! What a store was told and what it promised: all that may be asked of it after a crash.
//!
//! ```text
//!   batches written     1    2    3    4    5    6
//!   acknowledged as    buf  SYN  buf  FLU  buf   ✗ (an error)
//!                            │         │         │
//!   after a power cut        ├── the state after one of 2, 3, 4, 5, 6
//!   after a kill             │         ├── the state after one of 4, 5, 6
//! ```
//!
//! A store may keep more than it promised, but never half a batch, and never a batch without
//! those before it: there are exactly five right answers above, and the model tries each.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Change, batch, scan, show, show_value};
use crate::{Direction, Durability, Engine, Error, KeyRange, Result, Seq};

/// How a store ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The machine lost power: what was synced survives.
    PowerCut,
    /// The process was killed: what was flushed survives.
    Kill,
}

/// The history of one store, in the order of its writes.
#[derive(Debug, Default)]
pub struct Model {
    /// Every batch that was tried.
    batches: Vec<Vec<Change>>,
    /// How many of them have to survive a kill.
    flushed: usize,
    /// How many of them have to survive a power cut.
    synced: usize,
    /// What the store's last number can be: several, if the last batches were not acknowledged.
    last_seqs: Vec<Seq>,
    /// The first write that failed, until the store is opened again.
    failed: Option<String>,
}

/// What a store holds.
type State = BTreeMap<Bytes, Bytes>;

impl Model {
    /// The history of a new store.
    pub fn new() -> Model {
        Model::default()
    }

    /// Writes a batch to the store, and notes what it promised.
    ///
    /// # Errors
    ///
    /// Those of the store.
    ///
    /// # Panics
    ///
    /// If the store acknowledges a write after one has failed, or gives it a wrong number.
    #[track_caller]
    pub fn write(
        &mut self,
        store: &dyn Engine,
        changes: impl Into<Vec<Change>>,
        durability: Durability,
    ) -> Result<Seq> {
        let changes = changes.into();
        let written = store.write(batch(&changes), durability);
        if let Err(Error::RecordTooLarge { .. }) = written {
            return written;
        }
        let count = changes.len() as Seq;
        self.batches.push(changes);
        match &written {
            Ok(seq) => {
                self.acknowledged(durability);
                self.numbered(*seq, count);
            }
            Err(error) => {
                self.failed.get_or_insert_with(|| error.to_string());
                let later: Vec<_> = self.last_seqs().iter().map(|seq| seq + count).collect();
                self.last_seqs.extend(later);
            }
        }
        written
    }

    /// Syncs the store, and notes what it promised.
    #[track_caller]
    pub fn sync(&mut self, store: &dyn Engine) -> Result<()> {
        let synced = store.sync();
        self.note(&synced);
        synced
    }

    /// Closes the store, which is a promise as well.
    #[track_caller]
    pub fn close(&mut self, store: &dyn Engine) -> Result<()> {
        let closed = store.close();
        self.note(&closed);
        closed
    }

    #[track_caller]
    fn note(&mut self, synced: &Result<()>) {
        match synced {
            Ok(()) => self.acknowledged(Durability::Synced),
            Err(error) => self.failed = Some(error.to_string()),
        }
    }

    #[track_caller]
    fn acknowledged(&mut self, durability: Durability) {
        if let Some(failure) = &self.failed {
            panic!(
                "the store acknowledged a write as {durability:?} after an earlier one had failed \
                 ({failure}); nobody knows what of that is on disk, so nothing may follow it until \
                 the store is opened again"
            );
        }
        if durability >= Durability::Flushed {
            self.flushed = self.batches.len();
        }
        if durability == Durability::Synced {
            self.synced = self.batches.len();
        }
    }

    #[track_caller]
    fn numbered(&mut self, seq: Seq, count: Seq) {
        let allowed: Vec<_> = self.last_seqs().iter().map(|seq| seq + count).collect();
        assert!(
            allowed.contains(&seq),
            "a batch of {count} operations was given the number {seq}, and should have {allowed:?}: \
             each operation has the number after the one before it, across reopening too"
        );
        self.last_seqs = vec![seq];
    }

    fn last_seqs(&mut self) -> &[Seq] {
        if self.last_seqs.is_empty() {
            self.last_seqs.push(0);
        }
        &self.last_seqs
    }

    /// How many batches were tried so far.
    pub fn attempted(&self) -> usize {
        self.batches.len()
    }

    /// Checks a store that was opened again after a crash, and goes on from what it holds.
    #[track_caller]
    pub fn expect_after(&mut self, crash: Crash, store: &dyn Engine) {
        let (least, acknowledged_as) = match crash {
            Crash::PowerCut => (self.synced, "Synced"),
            Crash::Kill => (self.flushed, "Flushed"),
        };
        let found: State = scan(store, KeyRange::all(), Direction::Forward).into_iter().collect();
        let survived = self.states_that_equal(&found);
        match survived.last() {
            Some(&survived) if survived < least => panic!(
                "batch {least} was acknowledged as {acknowledged_as}, and the store is as it was \
                 after batch {survived}: {crash} took what must survive it"
            ),
            Some(_) => self.go_on_after(crash, &survived),
            None => panic!(
                "after {crash} the store holds what it never held before: a batch in part, or one \
                 without those before it. {}",
                self.nearest(&found, least)
            ),
        }
    }

    /// Checks a store that nothing has happened to: it holds all that was written.
    #[track_caller]
    pub fn expect_all(&self, store: &dyn Engine) {
        let found = scan(store, KeyRange::all(), Direction::Forward);
        let found = State::from_iter(found);
        if let Some(difference) = difference(&found, &self.state_after(self.batches.len())) {
            panic!("the store does not hold what was written to it: {difference}");
        }
    }

    /// After how many batches the store held what it holds now; more than one answer if a batch
    /// changed nothing.
    fn states_that_equal(&self, found: &State) -> Vec<usize> {
        let mut state = State::new();
        let mut equal = Vec::new();
        for count in 0..=self.batches.len() {
            if state == *found {
                equal.push(count);
            }
            if let Some(changes) = self.batches.get(count) {
                apply(&mut state, changes);
            }
        }
        equal
    }

    fn go_on_after(&mut self, crash: Crash, survived: &[usize]) {
        let count_of =
            |batches: &[Vec<Change>]| batches.iter().map(|batch| batch.len() as Seq).sum();
        self.last_seqs = survived.iter().map(|&count| count_of(&self.batches[..count])).collect();
        self.batches.truncate(survived[survived.len() - 1]);
        self.failed = None;
        // What was found has been found where it is safe: the next crash cannot take it away.
        self.flushed = self.batches.len();
        self.synced = match crash {
            Crash::PowerCut => self.batches.len(),
            Crash::Kill => self.synced.min(self.batches.len()),
        };
    }

    /// The contents after the first `count` batches.
    fn state_after(&self, count: usize) -> State {
        let mut state = State::new();
        for changes in &self.batches[..count] {
            apply(&mut state, changes);
        }
        state
    }

    /// In words, how `found` differs from the state that it is most like.
    fn nearest(&self, found: &State, least: usize) -> String {
        let differences = |count: &usize| {
            let state = self.state_after(*count);
            let both = found.iter().filter(|(key, value)| state.get(*key) == Some(value)).count();
            found.len() + state.len() - 2 * both
        };
        let nearest = (least..=self.batches.len()).min_by_key(differences).unwrap_or(least);
        let difference = difference(found, &self.state_after(nearest)).unwrap_or_default();
        let attempted = self.batches.len();
        format!("Nearest is the state after batch {nearest} of {attempted}: {difference}")
    }
}

impl std::fmt::Display for Crash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Crash::PowerCut => "the power cut",
            Crash::Kill => "the kill",
        })
    }
}

/// Makes the changes in a map.
pub(super) fn apply(state: &mut State, changes: &[Change]) {
    for Change { key, value } in changes {
        match value {
            Some(value) => state.insert(key.clone(), value.clone()),
            None => state.remove(key),
        };
    }
}

/// The first key on which the two differ, in words.
pub(super) fn difference(found: &State, expected: &State) -> Option<String> {
    let keys = found.keys().chain(expected.keys());
    let key = keys.filter(|key| found.get(*key) != expected.get(*key)).min()?;
    let value = |state: &State| show_value(state.get(key).map(|value| &value[..])).to_string();
    let (found, expected) = (value(found), value(expected));
    Some(format!("under {} it has {found}, and should have {expected}", show(key)))
}
