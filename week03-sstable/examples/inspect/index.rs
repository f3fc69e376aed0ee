//! The index: a separator and a handle for each data block.

use std::cmp::Ordering;

use bytes::Bytes;
use memtable::InternalKey;
use sstable::Block;
use sstable::format::Handle;

use crate::entries::Walk;
use crate::problem::Problems;
use crate::text;

/// An entry of the index.
pub(crate) struct Separator {
    key: Vec<u8>,
    pub(crate) handle: Handle,
}

impl Separator {
    pub(crate) fn key(&self) -> InternalKey<'_> {
        InternalKey::decode(&self.key).expect("it was encoded here")
    }
}

/// `stone@7`: a key as it is told.
pub(crate) fn show(key: InternalKey<'_>) -> String {
    let seq = match key.seq {
        memtable::SEQ_MAX => "MAX".into(),
        seq => seq.to_string(),
    };
    format!("{}@{seq}", text::short(key.user_key, 40))
}

/// Reads an index, up to the first entry that makes no sense. Its data begins at `data_start` and
/// ends at `data_end`, if that is known.
pub(crate) fn read(
    block: &Bytes,
    data_start: u64,
    data_end: Option<u64>,
    place: &str,
    problems: &mut Problems,
) -> Vec<Separator> {
    let mut separators: Vec<Separator> = Vec::new();
    if let Err(bad) = Block::parse(block.clone()) {
        problems.add(place, bad.to_string());
        return separators;
    }
    let mut walk = Walk::new(block);
    let mut next_offset = data_start;
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(bad) => {
                problems.add(place, bad.to_string());
                return separators;
            }
        };
        let (number, key) = (separators.len(), walk.key(&entry));
        let Ok(handle) = walk.value(&entry).try_into().map(Handle::decode) else {
            let what = format!("entry {number} has {} bytes, no handle", entry.value.len());
            problems.add(place, what);
            return separators;
        };
        let end = handle.end().filter(|&end| data_end.is_none_or(|data_end| end <= data_end));
        let Some(end) = end.filter(|_| handle.offset == next_offset) else {
            let notes = problems.add(place, format!("entry {number} points to a wrong place"));
            let Handle { offset, size } = handle;
            notes.push(format!(
                "it says {size} bytes at {offset}; the block begins at {next_offset}, and data \
                 ends at {}",
                data_end.map_or("a place unknown".into(), |data_end| data_end.to_string())
            ));
            return separators;
        };
        if let Some(last) = separators.last()
            && last.key().cmp(&key) != Ordering::Less
        {
            let what = format!("separator {number}, {}, is not behind the one before", show(key));
            problems.add(place, what).push(format!("that is {}", show(last.key())));
        }
        next_offset = end;
        let mut encoded = Vec::new();
        key.encode(&mut encoded);
        separators.push(Separator { key: encoded, handle });
    }
    if data_end.is_some_and(|data_end| data_end != next_offset) {
        let what =
            format!("its blocks end at byte {next_offset}, and the next part does not begin there");
        problems.add(place, what);
    }
    separators
}
