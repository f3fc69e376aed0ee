//! What day 3's tests are given: tables beside a list of their entries, and files with good
//! checksums over whatever is wanted.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use memtable::{InternalKey, Kind, Lookup, TRAILER_SIZE};
use sstable::format::{FOOTER_SIZE, Footer, Handle, checksum};
use sstable::{Block, BlockBuilder, Table, TableBuilder, TableOptions};
use wal::fs::{Fs, SimFs};
use wal::testing::{Workload, show};
use wal::{Error, Result, Seq};

pub(super) use crate::entries::{Entry, entries, in_order};
pub(super) use crate::walk::entry_of;

pub(super) const OPENS: &str = "(rule 1 of day 3: footer, properties, index, and filter if there \
                                is one, are read once and believed when they are checked: \
                                checksum, blocks one behind the other to the end of the data, separators \
                                ascending, properties that agree)";
pub(super) const GETS: &str = "(rule 2 of day 3: the newest version that is not above the snapshot \
                               decides; one block is read at most, and none behind the last \
                               separator)";
pub(super) const FINDS: &str = "(rule 3 of day 3: `find` gives what a cursor's seek would stop at, \
                                if it is of the same user key, in place, or an error at an entry \
                                that cannot be)";
pub(super) const WALKS: &str = "(rule 4 of day 3: a table's cursor is where a list of its entries \
                                would be; it holds one block, and reads only what it has to enter)";
pub(super) const FAILS: &str = "(rule 5 of day 3: an error names the file and the part; the cursor \
                                is then at none, and everything else is as before)";

pub(super) const PATH: &str = "/db/000007.sst";

/// Four entries in two blocks, if these have 64 bytes: the table of the chapters.
pub(super) const STONES: &str = "marble@7=x quartz@9=y stone@7=x stove@9=y";

/// So many keys in order, with values of so many bytes.
pub(super) fn numbered(count: usize, value_size: usize) -> Vec<Entry> {
    let entry = |n: usize| Entry::put(format!("key{:05}", 2 * n), 7, vec![n as u8; value_size]);
    (0..count).map(entry).collect()
}

/// Up to `count` entries: few keys with many versions, or many that begin alike.
pub(super) fn random(dice: &mut Workload, count: usize) -> Vec<Entry> {
    let first_bytes: &[u8] = [&b""[..], b"user/", b"\0\0\0\0\0\0\0\0\0"][dice.below(3)];
    let alphabet: &[u8] = [&b"ab"[..], b"\0\xff", b"\0abc\xfe\xff"][dice.below(3)];
    let size_end = [3, 6, 14][dice.below(3)];
    let entry = |_| {
        let mut user_key = first_bytes.to_vec();
        let size = dice.below(size_end);
        user_key.extend((0..size).map(|_| alphabet[dice.below(alphabet.len())]));
        let seq = 1 + dice.below(40) as Seq;
        match dice.below(5) {
            0 => Entry { user_key, seq, kind: Kind::Delete, value: Vec::new() },
            _ => Entry::put(user_key, seq, vec![b'0' + seq as u8; dice.below(30)]),
        }
    };
    in_order((0..count.max(1)).map(entry).collect())
}

/// Places at, before and behind each of these entries, and far from all.
pub(super) fn targets(entries: &[Entry]) -> Vec<Entry> {
    let ends = [&b""[..], b"a", b"zzz", b"user", b"user/", b"user0", b"\xff\xff\xff"];
    let mut targets: Vec<Entry> =
        ends.iter().flat_map(|&end| [0, 7, 99].map(|seq| Entry::put(end, seq, ""))).collect();
    for entry in entries {
        let mut longer = entry.user_key.clone();
        longer.push(0);
        let mut shorter = entry.user_key.clone();
        let last = shorter.pop();
        let mut other_end = shorter.clone();
        other_end.extend(last.map(|byte| byte.wrapping_add(1)));
        let other = if entry.kind == Kind::Put { Kind::Delete } else { Kind::Put };
        targets.extend([
            entry.clone(),
            Entry { seq: entry.seq + 1, ..entry.clone() },
            Entry { seq: entry.seq - 1, ..entry.clone() },
            Entry { kind: other, ..entry.clone() },
            Entry { user_key: longer, ..entry.clone() },
            Entry { user_key: shorter, ..entry.clone() },
            Entry { user_key: other_end, ..entry.clone() },
        ]);
    }
    targets
}

// Tables.

/// A table that is open, its disk, and what is in it.
pub(super) struct Given {
    pub(super) sim: SimFs,
    pub(super) table: Table,
    pub(super) entries: Vec<Entry>,
}

/// The file of a table of these entries, with blocks of this size.
pub(super) fn file_of(block_size: usize, entries: &[Entry]) -> Vec<u8> {
    let sim = SimFs::new(1);
    sim.create_dir(Path::new("/db")).expect("a good disk");
    let options = TableOptions { block_size, restart_interval: 3, ..TableOptions::plain() };
    let mut builder = TableBuilder::create(Arc::new(sim.clone()), Path::new(PATH), options)
        .expect("a good disk takes it");
    for entry in entries {
        builder.add(entry.key(), &entry.value).expect("entries are in order");
    }
    builder.finish().expect("a good disk takes it");
    sim.contents(PATH)
}

/// A disk with this file.
pub(super) fn disk_with(file: &[u8]) -> SimFs {
    let sim = SimFs::new(1);
    sim.overwrite(PATH, file);
    sim
}

pub(super) fn open(sim: &SimFs) -> Result<Table> {
    Table::open(sim, Path::new(PATH), 1, None)
}

#[track_caller]
pub(super) fn given(block_size: usize, entries: &[Entry]) -> Given {
    let sim = disk_with(&file_of(block_size, entries));
    let table = open(&sim);
    let table = table.unwrap_or_else(|error| panic!("a good table must open: {error} {OPENS}"));
    Given { sim, table, entries: entries.to_vec() }
}

/// Opens `file`, and fails the test unless that names the part that begins at `offset`.
#[track_caller]
pub(super) fn expect_refused(file: &[u8], offset: u64, what: &str) {
    let opened = open(&disk_with(file)).map(|_| "a table");
    assert!(
        names_part(&opened, offset),
        "{what}: want an error that names {PATH} and byte {offset}, got {opened:?} {OPENS}"
    );
}

/// Whether that is damage of the part at `offset` of the file.
pub(super) fn names_part<T>(result: &Result<T>, offset: u64) -> bool {
    let Err(Error::Corruption { file, offset: named, .. }) = result else { return false };
    file == Path::new(PATH) && *named == offset
}

/// What a snapshot at `seq` sees of `key`, looked for one by one.
pub(super) fn in_list(entries: &[Entry], key: &[u8], seq: Seq) -> Lookup {
    match entries.iter().find(|entry| entry.user_key == key && entry.seq <= seq) {
        Some(Entry { kind: Kind::Put, value, .. }) => Lookup::Value(value.clone().into()),
        Some(_) => Lookup::Deleted,
        None => Lookup::Absent,
    }
}

impl Given {
    /// A lookup gives what a list gives.
    #[track_caller]
    pub(super) fn expect_get(&self, key: &[u8], seq: Seq) {
        let (want, came) = (in_list(&self.entries, key, seq), self.table.get(key, seq));
        let is_right = came.as_ref().is_ok_and(|came| *came == want);
        assert!(is_right, "{} at {seq}: want {want:?}, got {came:?} {GETS}", show(key));
    }

    pub(super) fn reads(&self) -> u64 {
        self.sim.counts().reads
    }
}

// Files, taken apart and put together.

/// The parts of a file, without checksums.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) blocks: Vec<Vec<u8>>,
    pub(super) filter: Option<Vec<u8>>,
    /// Separators, encoded, and what stands in the place of a handle.
    pub(super) index: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) properties: Vec<u8>,
}

/// Where a file's parts begin: data blocks, index, properties, footer.
pub(super) fn places(file: &[u8]) -> Vec<u64> {
    let (footer, footer_at) = footer_of(file);
    let mut places: Vec<u64> =
        Parts::of(file).index.iter().map(|(_, value)| handle_of(value).offset).collect();
    places.extend([footer.index.offset, footer.properties.offset, footer_at]);
    places
}

fn footer_of(file: &[u8]) -> (Footer, u64) {
    let (parts, footer) = file.split_last_chunk::<FOOTER_SIZE>().expect("it has a footer");
    let at = parts.len() as u64;
    (Footer::decode(footer, at).expect("a good file has a good footer"), at)
}

pub(super) fn handle_of(value: &[u8]) -> Handle {
    Handle::decode(value.try_into().expect("a handle has 12 bytes"))
}

impl Parts {
    /// Those of a good file without filter.
    pub(super) fn of(file: &[u8]) -> Parts {
        let (footer, _) = footer_of(file);
        let part = |at: Handle| file[at.offset as usize..][..at.size as usize].to_vec();
        let mut cursor = Block::parse(part(footer.index).into()).expect("a good index").cursor();
        let mut index = Vec::new();
        cursor.first().expect("a good index");
        while let Some(key) = cursor.key() {
            let mut separator = Vec::new();
            key.encode(&mut separator);
            index.push((separator, cursor.value().to_vec()));
            cursor.next().expect("a good index");
        }
        let blocks = index.iter().map(|(_, value)| part(handle_of(value))).collect();
        Parts { blocks, filter: None, index, properties: part(footer.properties) }
    }

    /// The index block.
    pub(super) fn index_block(&self) -> Vec<u8> {
        let mut block = BlockBuilder::new(16);
        for (separator, value) in &self.index {
            let separator = InternalKey::decode(separator).expect("it is one");
            block.add(separator, value);
        }
        block.finish().to_vec()
    }

    /// A file of these, each with its codec and a good checksum.
    pub(super) fn file(&self) -> Vec<u8> {
        self.file_with_index(&self.index_block())
    }

    /// A file of these, but for its index block.
    pub(super) fn file_with_index(&self, index: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        for block in &self.blocks {
            seal(&mut file, block, 0);
        }
        let filter = self.filter.as_ref().map(|filter| seal(&mut file, filter, 0));
        let index = seal(&mut file, index, 0);
        let properties = seal(&mut file, &self.properties, 0);
        let footer = Footer { index, filter, properties }.encode(file.len() as u64);
        file.extend_from_slice(&footer);
        file
    }
}

/// Appends a block with its trailer.
pub(super) fn seal(file: &mut Vec<u8>, block: &[u8], codec: u8) -> Handle {
    let handle = Handle { offset: file.len() as u64, size: block.len() as u32 };
    file.extend_from_slice(block);
    file.push(codec);
    file.extend_from_slice(&checksum(handle.offset, block, &[codec]).to_le_bytes());
    handle
}

/// A block of these entries.
pub(super) fn block_of(entries: &[Entry], interval: usize) -> Block {
    Block::parse(block_bytes(entries, interval).into()).expect("a good block")
}

pub(super) fn block_bytes(entries: &[Entry], interval: usize) -> Vec<u8> {
    let mut builder = BlockBuilder::new(interval);
    entries.iter().for_each(|entry| builder.add(entry.key(), &entry.value));
    builder.finish().to_vec()
}

/// An entry with these lengths, true or not, of user key `rest` at number 7, and value x.
pub(super) fn raw(shared: u8, rest: &str, value_size: u8) -> Vec<u8> {
    let lengths = [shared, (rest.len() + TRAILER_SIZE) as u8, value_size];
    [&lengths[..], rest.as_bytes(), b"\x01\x07\0\0\0\0\0\0x"].concat()
}

/// A block of these entries' bytes, with restart points there.
pub(super) fn block_of_raw(entries: &[&[u8]], restarts: &[u32]) -> Block {
    let mut bytes = entries.concat();
    for number in restarts.iter().chain([&(restarts.len() as u32)]) {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    Block::parse(Bytes::from(bytes)).expect("restart points ascend, so it is taken for a block")
}
