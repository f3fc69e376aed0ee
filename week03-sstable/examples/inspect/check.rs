//! Reads everything, and says what is wrong with it.
//!
//! ```text
//!   footer ──► properties, index, filter ──► every data block: checksum, codec, entries, order,
//!                                             separators, filter ──► properties against the count
//! ```
//!
//! What cannot be read is told, and the rest is read all the same.

use std::cmp::Ordering;

use bytes::Bytes;
use memtable::{InternalKey, Kind as Operation, compare_encoded};
use sstable::codec::CODEC_COUNT;
use sstable::format::{BLOCK_TRAILER_SIZE, Handle};
use sstable::{Block, Properties};

use crate::entries::Walk;
use crate::filter::Filtered;
use crate::footer::{self, Layout};
use crate::index::{self, Separator, show};
use crate::part::{Kind, Stored};
use crate::partitions::Part;
use crate::problem::Problems;
use crate::source::{Progress, Source};
use crate::{Failure, salvage, text};

/// A data block, as the table of blocks shows it.
pub(crate) struct Row {
    pub(crate) index: usize,
    pub(crate) handle: Handle,
    pub(crate) codec: u8,
    /// What stands in it; `None` if it cannot be read.
    pub(crate) content: Option<Content>,
}

pub(crate) struct Content {
    pub(crate) raw_size: usize,
    /// Where entries begin, and whether that is a restart point; then where they end.
    pub(crate) entries: Vec<(usize, bool)>,
    pub(crate) entries_end: usize,
    pub(crate) first: Vec<u8>,
    pub(crate) last: Vec<u8>,
}

/// All that was found.
pub(crate) struct Survey {
    pub(crate) layout: Layout,
    pub(crate) blocks: Vec<Handle>,
    /// What the index says of them, or all index parts; nothing if it cannot be read.
    pub(crate) separators: Vec<Separator>,
    /// What the top says, if the table has partitions.
    pub(crate) partitions: Vec<Part>,
    /// The data blocks that are to be shown.
    pub(crate) rows: Vec<Row>,
    /// What was counted in the data blocks.
    pub(crate) counted: Properties,
    /// User keys, each once.
    pub(crate) user_key_count: u64,
    /// Data blocks that could not be read to their end, and parts of the index that name some.
    pub(crate) unread_count: u64,
    pub(crate) properties: Option<Properties>,
    /// The filter of a whole table.
    pub(crate) filter: Option<Filtered>,
    /// Of all entries, in their order.
    pub(crate) digest: crc32fast::Hasher,
    pub(crate) problems: Problems,
}

/// Reads all but the data blocks.
pub(crate) fn open(source: &Source) -> Result<Survey, Failure> {
    let mut problems = Problems::default();
    let layout = match footer::read(source, &mut problems)? {
        Some(layout) => layout,
        None => salvage::layout(source, &mut problems)?,
    };
    let mut survey = Survey {
        layout,
        blocks: Vec::new(),
        separators: Vec::new(),
        partitions: Vec::new(),
        rows: Vec::new(),
        counted: nothing(),
        user_key_count: 0,
        unread_count: 0,
        properties: None,
        filter: None,
        digest: crc32fast::Hasher::new(),
        problems,
    };
    survey.read_properties(source)?;
    match survey.layout.top {
        Some(top) => survey.read_partitions(source, top)?,
        None => {
            survey.read_index(source)?;
            survey.read_filter(source)?;
        }
    }
    Ok(survey)
}

/// Reads all of the file, and keeps the rows of the data blocks for which `is_shown` says so; its
/// arguments are the block's index and how many there are.
pub(crate) fn survey(
    source: &Source,
    is_shown: impl Fn(usize, usize) -> bool,
) -> Result<Survey, Failure> {
    let mut survey = open(source)?;
    let mut pass = Pass { survey: &mut survey, last: None };
    let mut progress = Progress::new();
    for index in 0..pass.survey.blocks.len() {
        let handle = pass.survey.blocks[index];
        progress.report(handle.offset, source.size);
        let row = pass.block(source, index)?;
        if is_shown(index, pass.survey.blocks.len()) {
            pass.survey.rows.push(row);
        }
    }
    pass.end();
    survey.compare_properties();
    Ok(survey)
}

/// Properties of no entry.
fn nothing() -> Properties {
    Properties {
        format_version: sstable::format::VERSION,
        entry_count: 0,
        tombstone_count: 0,
        raw_key_size: 0,
        raw_value_size: 0,
        smallest_seq: u64::MAX,
        largest_seq: 0,
        data_size: 0,
        raw_data_size: 0,
        block_counts: [0; CODEC_COUNT],
        smallest_key: Vec::new(),
        largest_key: Vec::new(),
    }
}

pub(crate) fn place(kind: Kind, handle: Handle) -> String {
    format!("{kind} at byte {}", handle.offset)
}

impl Survey {
    /// Reads a part and gives its block, if there is one to be had; says what is wrong with it.
    pub(crate) fn part(
        &mut self,
        source: &Source,
        kind: Kind,
        handle: Handle,
    ) -> Result<(Stored, Option<Bytes>), Failure> {
        let mut stored = Stored::read(source, handle)?;
        let place = place(kind, handle);
        if !stored.is_whole() {
            let notes = stored.explain(&self.blocks);
            self.problems.add(&place, "the checksum does not match").extend(notes);
            if !stored.is_whole() {
                return Ok((stored, None));
            }
        }
        let block = match stored.block() {
            Ok(block) => Some(block),
            Err(bad) => {
                let codec = format!("it is stored with codec {}", stored.codec());
                self.problems.add(place, bad.to_string()).push(codec);
                None
            }
        };
        Ok((stored, block))
    }

    fn read_properties(&mut self, source: &Source) -> Result<(), Failure> {
        let Some(handle) = self.layout.properties else { return Ok(()) };
        let (_, Some(block)) = self.part(source, Kind::Properties, handle)? else { return Ok(()) };
        match Properties::decode(&block) {
            Ok(properties) => self.properties = Some(properties),
            Err(bad) => {
                self.problems.add(place(Kind::Properties, handle), bad.to_string());
            }
        }
        Ok(())
    }

    /// Reads the index and finds all data blocks: those that it names, or, if it cannot be read,
    /// those whose checksums are right.
    fn read_index(&mut self, source: &Source) -> Result<(), Failure> {
        let data_end = self.layout.data_end;
        let Some(handle) = self.layout.index else {
            self.blocks = salvage::data_blocks(source, data_end)?;
            return Ok(());
        };
        let place = place(Kind::Index, handle);
        if let (_, Some(block)) = self.part(source, Kind::Index, handle)? {
            self.separators = index::read(&block, 0, Some(data_end), &place, &mut self.problems);
        }
        self.blocks = self.separators.iter().map(|separator| separator.handle).collect();
        if self.blocks.is_empty() {
            self.blocks = salvage::data_blocks(source, data_end)?;
            let found = text::many(self.blocks.len() as u64, "data block", "data blocks");
            self.problems.add(place, "it cannot be read").push(format!("{found} found without it"));
        }
        Ok(())
    }

    fn read_filter(&mut self, source: &Source) -> Result<(), Failure> {
        let Some(handle) = self.layout.filter else { return Ok(()) };
        let (_, Some(block)) = self.part(source, Kind::Filter, handle)? else { return Ok(()) };
        match Filtered::read(block) {
            Ok(filter) => self.filter = Some(filter),
            Err(bad) => {
                self.problems.add(place(Kind::Filter, handle), bad.to_string());
            }
        }
        Ok(())
    }

    /// The number of the partition that data block `block` is in, if there are any.
    fn partition_of(&self, block: usize) -> Option<usize> {
        self.partitions.partition_point(|part| part.first_block <= block).checked_sub(1)
    }

    /// The filter that is asked for keys of data block `block`, and where it is.
    fn filter_of(&self, block: usize) -> Option<(Kind, Handle, &Filtered)> {
        match self.partition_of(block) {
            Some(index) => {
                let part = &self.partitions[index];
                Some((Kind::FilterPart(index), part.handles.filter?, part.filter.as_ref()?))
            }
            None => Some((Kind::Filter, self.layout.filter?, self.filter.as_ref()?)),
        }
    }

    /// The parts of all partitions, in the order of the file.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Kind, Handle)> {
        self.partitions.iter().enumerate().flat_map(|(index, part)| {
            let filter = part.handles.filter.map(|handle| (Kind::FilterPart(index), handle));
            filter.into_iter().chain([(Kind::IndexPart(index), part.handles.index)])
        })
    }

    /// The filter, or all filter parts.
    pub(crate) fn filters(&self) -> impl Iterator<Item = &Filtered> {
        self.filter.iter().chain(self.partitions.iter().filter_map(|part| part.filter.as_ref()))
    }

    /// Size of all data blocks, in bytes.
    pub(crate) fn data_size(&self) -> u64 {
        match self.layout.top {
            Some(_) => self.partitions.iter().map(Part::data_size).sum(),
            None => self.layout.data_end,
        }
    }

    /// Says where the properties do not agree with what was counted.
    fn compare_properties(&mut self) {
        let (Some(said), Some(handle)) = (&self.properties, self.layout.properties) else { return };
        self.counted.data_size = self.data_size();
        if self.unread_count > 0 {
            return;
        }
        let found = &self.counted;
        let mut wrong = Vec::new();
        let numbers = [
            ("entry_count", said.entry_count, found.entry_count),
            ("tombstone_count", said.tombstone_count, found.tombstone_count),
            ("raw_key_size", said.raw_key_size, found.raw_key_size),
            ("raw_value_size", said.raw_value_size, found.raw_value_size),
            ("smallest_seq", said.smallest_seq, found.smallest_seq),
            ("largest_seq", said.largest_seq, found.largest_seq),
            ("data_size", said.data_size, found.data_size),
            ("raw_data_size", said.raw_data_size, found.raw_data_size),
        ];
        for (name, said, found) in numbers {
            if said != found {
                wrong.push(format!("{name}: they say {said}, and it is {found}"));
            }
        }
        if said.block_counts != found.block_counts {
            let (said, found) = (said.block_counts, found.block_counts);
            wrong.push(format!("block_counts: they say {said:?}, and it is {found:?}"));
        }
        let keys = [
            ("smallest_key", &said.smallest_key, &found.smallest_key),
            ("largest_key", &said.largest_key, &found.largest_key),
        ];
        for (name, said, found) in keys {
            if said != found {
                let (said, found) = (text::short(said, 40), text::short(found, 40));
                wrong.push(format!("{name}: they say {said}, and it is {found}"));
            }
        }
        if !wrong.is_empty() {
            let place = place(Kind::Properties, handle);
            self.problems.add(place, "they do not agree with the entries").extend(wrong);
        }
    }
}

/// The pass over all data blocks.
struct Pass<'a> {
    survey: &'a mut Survey,
    /// The last key, encoded, if the entry before the present one could be read.
    last: Option<Vec<u8>>,
}

impl Pass<'_> {
    /// Reads a data block.
    fn block(&mut self, source: &Source, index: usize) -> Result<Row, Failure> {
        let (kind, handle) = (Kind::Data(index), self.survey.blocks[index]);
        let (stored, block) = self.survey.part(source, kind, handle)?;
        let mut row = Row { index, handle, codec: stored.codec(), content: None };
        let place = place(kind, handle);
        let Some(block) = block else {
            self.give_up();
            return Ok(row);
        };
        if let Err(bad) = Block::parse(block.clone()) {
            self.survey.problems.add(place, bad.to_string());
            self.give_up();
            return Ok(row);
        }
        let counted = &mut self.survey.counted;
        counted.raw_data_size += (block.len() + BLOCK_TRAILER_SIZE) as u64;
        counted.block_counts[usize::from(row.codec)] += 1;
        row.content = Some(self.entries(&block, index, &place));
        Ok(row)
    }

    /// Goes over the entries of a block.
    fn entries(&mut self, block: &Bytes, index: usize, place: &str) -> Content {
        let mut walk = Walk::new(block);
        let mut content = Content {
            raw_size: block.len(),
            entries: Vec::new(),
            entries_end: walk.entries_end,
            first: Vec::new(),
            last: Vec::new(),
        };
        let mut is_good = true;
        while let Some(entry) = walk.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(bad) => {
                    let notes = self.survey.problems.add(place, bad.to_string());
                    notes.push(format!("that is entry {} of it", content.entries.len()));
                    self.last = None;
                    is_good = false;
                    continue;
                }
            };
            let key = walk.key(&entry);
            if content.entries.is_empty() {
                content.first = key.user_key.to_vec();
                self.begins_behind_separator(index, key, place);
            }
            let is_first = content.entries.is_empty();
            content.entries.push((entry.at, entry.is_restart));
            let place = format!("{place}, byte {} of it", entry.at);
            let is_new = self.entry(key, walk.value(&entry), &place);
            if is_new || is_first {
                self.ask_filter(index, key.user_key, &place);
            }
        }
        if let Some(last) = self.last.as_deref().and_then(|last| InternalKey::decode(last).ok()) {
            content.last = last.user_key.to_vec();
            if let Some(separator) = self.survey.separators.get(index)
                && separator.key().cmp(&last) == Ordering::Less
            {
                let notes = self.survey.problems.add(place, "its separator is before its last key");
                notes.push(format!("{} and {}", show(separator.key()), show(last)));
            }
        }
        self.survey.unread_count += u64::from(!is_good);
        content
    }

    fn begins_behind_separator(&mut self, index: usize, first: InternalKey<'_>, place: &str) {
        let before = index.checked_sub(1).and_then(|before| self.survey.separators.get(before));
        if let Some(separator) = before
            && separator.key().cmp(&first) != Ordering::Less
        {
            let what = "the separator in front of it is not before its first key";
            let notes = self.survey.problems.add(place, what);
            notes.push(format!("{} and {}", show(separator.key()), show(first)));
        }
    }

    /// Checks that the filter of that block lets the key through.
    fn ask_filter(&mut self, block: usize, user_key: &[u8], place: &str) {
        if let Some((kind, handle, filter)) = self.survey.filter_of(block)
            && !filter.own.may_contain(user_key)
        {
            let what = format!("it denies {}, which is there", text::short(user_key, 40));
            let place = format!("in {place}");
            self.survey.problems.add(self::place(kind, handle), what).push(place);
        }
    }

    /// Counts an entry, checks its order, and says whether its user key is another than the last.
    fn entry(&mut self, key: InternalKey<'_>, value: &[u8], place: &str) -> bool {
        let mut encoded = Vec::with_capacity(key.user_key.len() + memtable::TRAILER_SIZE);
        key.encode(&mut encoded);
        let mut is_new = true;
        if let Some(last) = &self.last {
            let last_key = InternalKey::decode(last).expect("it was encoded here");
            is_new = last_key.user_key != key.user_key;
            if compare_encoded(last, &encoded) != Ordering::Less {
                let notes = self.survey.problems.add(place, "a key is not behind the one before");
                notes.push(format!("{} stands behind {}", show(key), show(last_key)));
            }
        }
        let survey = &mut *self.survey;
        survey.user_key_count += u64::from(is_new);
        for part in [encoded.as_slice(), value] {
            survey.digest.update(&(part.len() as u64).to_le_bytes());
            survey.digest.update(part);
        }
        let counted = &mut survey.counted;
        if counted.entry_count == 0 {
            counted.smallest_key.clone_from(&encoded);
        }
        counted.entry_count += 1;
        counted.tombstone_count += u64::from(key.kind == Operation::Delete);
        counted.raw_key_size += encoded.len() as u64;
        counted.raw_value_size += value.len() as u64;
        counted.smallest_seq = counted.smallest_seq.min(key.seq);
        counted.largest_seq = counted.largest_seq.max(key.seq);
        self.last = Some(encoded);
        is_new
    }

    /// The block cannot be read.
    fn give_up(&mut self) {
        self.survey.unread_count += 1;
        self.last = None;
    }

    /// Behind the last block.
    fn end(self) {
        self.survey.counted.largest_key = self.last.unwrap_or_default();
    }
}
