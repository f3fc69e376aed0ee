//! The toy's reading side.

use std::ops::Bound;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use wal::{Direction, Entry, Error, KeyRange, Reader, Result, Scan};

use super::Mistake::{self, *};
use super::{State, Toy};

impl Reader for Toy {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        let state = self.state()?;
        let key = stored_key(key, self.mistake);
        if self.mistake == FindsTheNextKey {
            return Ok(state.map.range(key..).next().map(|(_, value)| value.clone()));
        }
        Ok(state.map.get(&key).cloned())
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
pub(super) struct View {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) mistake: Mistake,
}

impl View {
    /// Finds each entry when it is asked for.
    pub(super) fn into_scan(self, mut range: KeyRange, direction: Direction) -> Scan<'static> {
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

/// The key as the toy keeps it.
pub(super) fn stored_key(key: &[u8], mistake: Mistake) -> Bytes {
    let end = match mistake {
        CutsKeysAtZero => key.iter().position(|byte| *byte == 0),
        _ => None,
    };
    Bytes::copy_from_slice(&key[..end.unwrap_or(key.len())])
}
