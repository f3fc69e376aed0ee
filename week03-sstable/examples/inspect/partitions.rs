//! The top of a table whose index is cut into partitions: for each of them a key, and where its
//! filter part and its index part are.

use std::cmp::Ordering;

use bytes::Bytes;
use memtable::InternalKey;
use sstable::format::{Handle, Partition};
use sstable::{BadBlock, Block};

use crate::check::{Survey, place};
use crate::entries::Walk;
use crate::filter::Filtered;
use crate::index::{self, show};
use crate::part::Kind;
use crate::problem::Problems;
use crate::source::Source;
use crate::{Failure, salvage, text};

/// A partition, as the top names it.
pub(crate) struct Part {
    key: Vec<u8>,
    /// Where its data blocks begin.
    pub(crate) start: u64,
    pub(crate) handles: Partition,
    /// The number of its first data block.
    pub(crate) first_block: usize,
    /// What its filter part has in it, if it has one that can be read.
    pub(crate) filter: Option<Filtered>,
}

impl Part {
    pub(crate) fn key(&self) -> InternalKey<'_> {
        InternalKey::decode(&self.key).expect("it was encoded here")
    }

    /// Size of its data blocks, in bytes.
    pub(crate) fn data_size(&self) -> u64 {
        self.handles.data_end() - self.start
    }
}

impl Survey {
    /// Reads the top, and all parts that it names.
    pub(crate) fn read_partitions(&mut self, source: &Source, top: Handle) -> Result<(), Failure> {
        let place = place(Kind::Top, top);
        if let (_, Some(block)) = self.part(source, Kind::Top, top)? {
            self.partitions = read(&block, top.offset, &place, &mut self.problems);
        }
        if self.partitions.is_empty() {
            self.blocks = salvage::data_blocks(source, top.offset)?;
            let found = text::many(self.blocks.len() as u64, "data block", "data blocks");
            self.problems.add(place, "it cannot be read").push(format!("{found} found without it"));
            self.unread_count += 1;
        }
        for index in 0..self.partitions.len() {
            self.read_index_part(source, index)?;
            self.read_filter_part(source, index)?;
        }
        Ok(())
    }

    /// Reads an index part, and adds what it names.
    fn read_index_part(&mut self, source: &Source, index: usize) -> Result<(), Failure> {
        let Part { start, handles, .. } = self.partitions[index];
        self.partitions[index].first_block = self.blocks.len();
        let place = place(Kind::IndexPart(index), handles.index);
        let known = self.problems.count;
        let mut separators = Vec::new();
        if let (_, Some(block)) = self.part(source, Kind::IndexPart(index), handles.index)? {
            let (data_end, problems) = (Some(handles.data_end()), &mut self.problems);
            separators = index::read(&block, start, data_end, &place, problems);
            let restarts =
                Block::parse(block.clone()).map_or(0, |_| Walk::new(&block).restarts.len());
            if restarts != separators.len() && self.problems.count == known {
                self.problems.add(&place, "an entry is no restart point: a search passes it by");
            }
        }
        let (key, last) = (self.partitions[index].key(), separators.last());
        if let Some(last) = last.filter(|last| last.key().cmp(&key) != Ordering::Equal) {
            let said = format!("{} and {}", show(last.key()), show(key));
            self.problems.add(&place, "its last separator is not the top's key").push(said);
        }
        if separators.is_empty() {
            let notes = self.problems.add(place, "it cannot be read");
            notes.push(format!(
                "nobody looked at its data, {} bytes at {start}",
                handles.data_end() - start
            ));
            self.unread_count += 1;
        }
        self.blocks.extend(separators.iter().map(|separator| separator.handle));
        self.separators.extend(separators);
        Ok(())
    }

    fn read_filter_part(&mut self, source: &Source, index: usize) -> Result<(), Failure> {
        let Some(handle) = self.partitions[index].handles.filter else { return Ok(()) };
        let kind = Kind::FilterPart(index);
        let (_, Some(block)) = self.part(source, kind, handle)? else { return Ok(()) };
        match filter_in(&block).and_then(Filtered::read) {
            Ok(filter) => self.partitions[index].filter = Some(filter),
            Err(bad) => {
                self.problems.add(place(kind, handle), bad.to_string());
            }
        }
        Ok(())
    }
}

/// Reads the top, which begins at `top_at`, up to the first entry that makes no sense.
pub(crate) fn read(block: &Bytes, top_at: u64, place: &str, problems: &mut Problems) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    if let Err(bad) = Block::parse(block.clone()) {
        problems.add(place, bad.to_string());
        return parts;
    }
    let mut walk = Walk::new(block);
    let mut start = 0;
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(bad) => {
                problems.add(place, bad.to_string());
                return parts;
            }
        };
        let (number, key) = (parts.len(), walk.key(&entry));
        let Ok(handles) = walk.value(&entry).try_into().map(Partition::decode) else {
            let what = format!("entry {number} has {} bytes, not two handles", entry.value.len());
            problems.add(place, what);
            return parts;
        };
        let Some(end) = end_of(&handles, start).filter(|&end| end <= top_at) else {
            let notes = problems.add(place, format!("entry {number} points to a wrong place"));
            notes.push(format!(
                "it says {}; the partition begins at {start}, and the last ends at {top_at}",
                pointer(&handles)
            ));
            return parts;
        };
        if let Some(last) = parts.last()
            && last.key().cmp(&key) != Ordering::Less
        {
            let what = format!("key {number}, {}, is not behind the one before", show(key));
            problems.add(place, what).push(format!("that is {}", show(last.key())));
        }
        let mut encoded = Vec::new();
        key.encode(&mut encoded);
        parts.push(Part { key: encoded, start, handles, first_block: 0, filter: None });
        start = end;
    }
    if start != top_at {
        problems.add(place, format!("its partitions end at byte {start}, and it begins elsewhere"));
    }
    parts
}

/// Where a partition ends that begins at `start`, if its parts lie one behind the other.
fn end_of(handles: &Partition, start: u64) -> Option<u64> {
    let filter_is_good =
        handles.filter.is_none_or(|filter| filter.end() == Some(handles.index.offset));
    handles.index.end().filter(|_| filter_is_good && handles.data_end() > start)
}

/// Where the parts are, in words.
pub(crate) fn pointer(handles: &Partition) -> String {
    let words = |name, handle: Handle| format!("{name} {} bytes at {}", handle.size, handle.offset);
    let filter = handles.filter.map_or("no filter".into(), |handle| words("filter", handle));
    format!("{filter}, {}", words("index", handles.index))
}

/// The filter that a filter part is about: the value of its only entry.
///
/// # Errors
///
/// [`BadBlock`] if it is no block with one entry.
pub(crate) fn filter_in(block: &Bytes) -> Result<Bytes, BadBlock> {
    Block::parse(block.clone())?;
    let mut walk = Walk::new(block);
    let none = BadBlock { at: 0, reason: "a filter part without an entry" };
    let entry = walk.next().unwrap_or(Err(none))?;
    match walk.next() {
        None => Ok(block.slice(entry.value)),
        Some(_) => Err(BadBlock { at: entry.value.end, reason: "more than one entry" }),
    }
}
