//! Tables with partitions, beside a list of their entries; files taken apart, and changed under
//! good checksums.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use memtable::{InternalKey, Kind, Lookup};
use sstable::format::{
    BLOCK_TRAILER_SIZE, FOOTER_SIZE, Footer, Handle, PARTITION_SIZE, Partition, checksum,
};
use sstable::{
    Block, BlockBuilder, BlockCache, Codec, Properties, Table, TableBuilder, TableOptions,
};
use wal::fs::{Fs, SimFs};
use wal::testing::{Workload, show};
use wal::{Error, Result, Seq};

pub(super) use crate::entries::{Entry, entries, in_order};
pub(super) use crate::walk::entry_of;

pub(super) const CUT: &str = "(rule 1 of lab partitions: where the index has reached the size a \
                              partition ends: behind its data blocks their filter part, with their \
                              user keys and no other, and their index part; a table that never \
                              reaches it is whole)";
pub(super) const TOP: &str = "(rule 2 of lab partitions: the top has each partition's last key and \
                              two handles, and partitions fill the file from 0 to the top; what \
                              does not is an error that names file and part)";
pub(super) const ASKS: &str = "(rule 3 of lab partitions: a lookup asks one filter part, then one \
                               index part, then one data block, and ends where it knows)";
pub(super) const CACHED: &str = "(rule 4 of lab partitions: only the top stays in memory, and \
                                 nothing else is read to open a table; parts go through the cache \
                                 like blocks)";
pub(super) const WALKS: &str = "(rule 5 of lab partitions: a cursor is where a list of all entries \
                                would be; it holds one index part and one data block, and asks no \
                                filter)";

pub(super) const PATH: &str = "/db/000007.sst";

/// Six entries in three blocks, if these have 64 bytes: the table of the chapter.
pub(super) const STONES: &str = "agate@3=x basalt@4=y marble@7=x quartz@9=y stone@7=x stove@9=y";

// Entries.

/// So many keys in order, every second number, with values of so many bytes.
pub(super) fn numbered(count: usize, value_size: usize) -> Vec<Entry> {
    let entry = |n: usize| Entry::put(user_key(2 * n), 7, vec![n as u8; value_size]);
    (0..count).map(entry).collect()
}

pub(super) fn user_key(n: usize) -> String {
    format!("key{n:06}")
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
    let ends = [&b""[..], b"a", b"zzz", b"user/", b"user0", b"\xff\xff\xff"];
    let mut targets: Vec<Entry> =
        ends.iter().flat_map(|&end| [0, 7, 99].map(|seq| Entry::put(end, seq, ""))).collect();
    for entry in entries {
        let longer = [&entry.user_key[..], b"\0"].concat();
        let shorter = entry.user_key[..entry.user_key.len().saturating_sub(1)].to_vec();
        targets.extend([
            entry.clone(),
            Entry { seq: entry.seq + 1, ..entry.clone() },
            Entry { seq: entry.seq - 1, ..entry.clone() },
            Entry { user_key: longer, ..entry.clone() },
            Entry { user_key: shorter, ..entry.clone() },
        ]);
    }
    targets
}

/// What a snapshot at `seq` sees of `key`, looked for one by one.
pub(super) fn in_list(entries: &[Entry], key: &[u8], seq: Seq) -> Lookup {
    match entries.iter().find(|entry| entry.user_key == key && entry.seq <= seq) {
        Some(Entry { kind: Kind::Put, value, .. }) => Lookup::Value(value.clone().into()),
        Some(_) => Lookup::Deleted,
        None => Lookup::Absent,
    }
}

// Tables.

/// Blocks of so many bytes, as they are, and partitions from so many bytes of index on.
pub(super) fn cut(block_size: usize, partition_size: usize, bits: usize) -> TableOptions {
    TableOptions {
        block_size,
        restart_interval: 3,
        filter_bits_per_key: bits,
        codec: Codec::None,
        index_partition_size: Some(partition_size),
    }
}

/// Builds a table on `fs`, at [`PATH`].
#[track_caller]
pub(super) fn build(fs: Arc<dyn Fs>, options: &TableOptions, entries: &[Entry]) -> Properties {
    let builder = TableBuilder::create(fs, Path::new(PATH), options.clone());
    let mut builder = builder.expect("a good disk takes it");
    for entry in entries {
        builder.add(entry.key(), &entry.value).expect("entries are in order");
    }
    builder.finish().expect("a good disk takes it")
}

/// The file of a table of these entries.
#[track_caller]
pub(super) fn file_of(options: &TableOptions, entries: &[Entry]) -> Vec<u8> {
    let sim = SimFs::new(1);
    sim.create_dir(Path::new("/db")).expect("a good disk");
    build(Arc::new(sim.clone()), options, entries);
    sim.contents(PATH)
}

/// A disk with this file.
pub(super) fn disk_with(file: &[u8]) -> SimFs {
    let sim = SimFs::new(1);
    sim.overwrite(PATH, file);
    sim
}

pub(super) fn open(sim: &SimFs, cache: Option<&Arc<BlockCache>>) -> Result<Table> {
    Table::open(sim, Path::new(PATH), 1, cache.map(Arc::clone))
}

/// A table that is open, its disk, and what is in it.
pub(super) struct Given {
    pub(super) sim: SimFs,
    pub(super) table: Table,
    pub(super) entries: Vec<Entry>,
}

#[track_caller]
pub(super) fn given(
    options: &TableOptions,
    entries: &[Entry],
    cache: Option<&Arc<BlockCache>>,
) -> Given {
    let sim = disk_with(&file_of(options, entries));
    let table = open(&sim, cache);
    let table = table.unwrap_or_else(|error| panic!("a good table must open: {error} {TOP}"));
    Given { sim, table, entries: entries.to_vec() }
}

impl Given {
    /// A lookup gives what a list gives.
    #[track_caller]
    pub(super) fn expect_get(&self, key: &[u8], seq: Seq) {
        let (want, came) = (in_list(&self.entries, key, seq), self.table.get(key, seq));
        let is_right = came.as_ref().is_ok_and(|came| *came == want);
        assert!(is_right, "{} at {seq}: want {want:?}, got {came:?} {ASKS}", show(key));
    }

    /// What `work` reads of the file: how often.
    pub(super) fn reads_of(&self, work: impl FnOnce(&Given)) -> u64 {
        let before = self.sim.counts().reads;
        work(self);
        self.sim.counts().reads - before
    }
}

/// Whether that is damage of the part at `offset` of the file.
pub(super) fn names_part<T>(result: &Result<T>, offset: u64) -> bool {
    let Err(Error::Corruption { file, offset: named, .. }) = result else { return false };
    file == Path::new(PATH) && *named == offset
}

/// Opens `file`, and fails the test unless that names the part that begins at `offset`.
#[track_caller]
pub(super) fn expect_refused(file: &[u8], offset: u64, what: &str) {
    let opened = open(&disk_with(file), None).map(|_| "a table");
    assert!(
        names_part(&opened, offset),
        "{what}: want an error that names {PATH} and byte {offset}, got {opened:?} {TOP}"
    );
}

// Files, taken apart.

/// A partition of a file.
pub(super) struct Part {
    /// The key that the top has for it, encoded.
    pub(super) top_key: Vec<u8>,
    /// Where its data begins.
    pub(super) start: u64,
    pub(super) handles: Partition,
    /// Its filter block, if it has one.
    pub(super) filter: Option<Vec<u8>>,
    /// Keys, encoded, and handles.
    pub(super) index: Vec<(Vec<u8>, Handle)>,
    /// The index part as it stands.
    pub(super) index_bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
}

pub(super) fn footer_of(file: &[u8]) -> (Footer, u64) {
    let (parts, footer) = file.split_last_chunk::<FOOTER_SIZE>().expect("it has a footer");
    let at = parts.len() as u64;
    let footer = Footer::decode_partitioned(footer, at);
    (footer.unwrap_or_else(|bad| panic!("the footer of a table with partitions: {bad} {TOP}")), at)
}

/// The block at `handle`, after a look at its checksum.
#[track_caller]
pub(super) fn block_at(file: &[u8], handle: Handle) -> Vec<u8> {
    let bytes =
        file.get(handle.offset as usize..).and_then(|rest| rest.get(..handle.size as usize));
    let bytes = bytes.unwrap_or_else(|| panic!("{handle:?} is outside of the file {TOP}"));
    let crc = &file[handle.offset as usize + bytes.len() + 1..][..4];
    let want = checksum(handle.offset, bytes, &[0]).to_le_bytes();
    assert_eq!(crc, want, "the checksum of a block that is stored as it is, at {handle:?} {TOP}");
    bytes.to_vec()
}

/// Keys, encoded, and values of a block.
#[track_caller]
pub(super) fn pairs(bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let block = Block::parse(Bytes::copy_from_slice(bytes));
    let mut cursor = block.unwrap_or_else(|bad| panic!("a part is no block: {bad} {TOP}")).cursor();
    let mut pairs = Vec::new();
    cursor.first().expect("a good block");
    while let Some(key) = cursor.key() {
        let mut encoded = Vec::new();
        key.encode(&mut encoded);
        pairs.push((encoded, cursor.value().to_vec()));
        cursor.next().expect("a good block");
    }
    pairs
}

/// The partitions of a good file. Fails the test if they do not fill it.
#[track_caller]
pub(super) fn parts_of(file: &[u8]) -> Vec<Part> {
    let (footer, _) = footer_of(file);
    let mut at = 0;
    let mut parts = Vec::new();
    for (top_key, value) in pairs(&block_at(file, footer.index)) {
        let value: [u8; PARTITION_SIZE] = value[..].try_into().unwrap_or_else(|_| {
            panic!("a value of the top is two handles, 24 bytes, and not {value:?} {TOP}")
        });
        let (start, handles) = (at, Partition::decode(&value));
        let index_bytes = block_at(file, handles.index);
        let handle = |value: Vec<u8>| Handle::decode(value[..].try_into().expect("a handle"));
        let index: Vec<(Vec<u8>, Handle)> =
            pairs(&index_bytes).into_iter().map(|(key, value)| (key, handle(value))).collect();
        let mut entries = Vec::new();
        for &(_, handle) in &index {
            assert_eq!(handle.offset, at, "where a data block begins, and where it should {TOP}");
            at = handle.end().expect("it is in the file");
            entries.extend(pairs(&block_at(file, handle)).into_iter().map(|(key, value)| {
                let key = InternalKey::decode(&key).expect("a key");
                Entry { user_key: key.user_key.to_vec(), seq: key.seq, kind: key.kind, value }
            }));
        }
        let filter = handles.filter.map(|handle| {
            assert_eq!(handle.offset, at, "where a filter part begins, and where it should {CUT}");
            at = handle.end().expect("it is in the file");
            let mut pairs = pairs(&block_at(file, handle));
            assert_eq!(pairs.len(), 1, "entries of a filter part's block {CUT}");
            pairs.remove(0).1
        });
        assert_eq!(handles.index.offset, at, "where an index part begins, and should {CUT}");
        at = handles.index.end().expect("it is in the file");
        parts.push(Part { top_key, start, handles, filter, index, index_bytes, entries });
    }
    assert_eq!(at, footer.index.offset, "where partitions end, and where the top begins {TOP}");
    parts
}

/// Where the file's blocks begin, and its footer.
pub(super) fn places(file: &[u8]) -> Vec<u64> {
    let (footer, footer_at) = footer_of(file);
    let mut places = Vec::new();
    for part in parts_of(file) {
        places.extend(part.index.iter().map(|(_, handle)| handle.offset));
        places.extend(part.handles.filter.map(|handle| handle.offset));
        places.push(part.handles.index.offset);
    }
    places.extend([footer.index.offset, footer.properties.offset, footer_at]);
    places
}

// Files, changed.

/// Appends a block with its trailer.
fn seal(file: &mut Vec<u8>, block: &[u8]) -> Handle {
    let handle = Handle { offset: file.len() as u64, size: block.len() as u32 };
    file.extend_from_slice(block);
    file.push(0);
    file.extend_from_slice(&checksum(handle.offset, block, &[0]).to_le_bytes());
    handle
}

/// Puts other bytes in the place of a block, as many, with a good checksum.
pub(super) fn reseal(file: &mut [u8], handle: Handle, block: &[u8]) {
    assert_eq!(handle.size as usize, block.len(), "a block of the same size");
    let mut sealed = Vec::new();
    seal(&mut sealed, block);
    let (at, size) = (handle.offset as usize, block.len());
    sealed[size + 1..].copy_from_slice(&checksum(handle.offset, block, &[0]).to_le_bytes());
    file[at..][..size + BLOCK_TRAILER_SIZE].copy_from_slice(&sealed);
}

/// A block of these keys, encoded, and values.
pub(super) fn block_of(pairs: &[(Vec<u8>, Vec<u8>)], interval: usize) -> Vec<u8> {
    let mut block = BlockBuilder::new(interval);
    for (key, value) in pairs {
        block.add(InternalKey::decode(key).expect("a key"), value);
    }
    block.finish().to_vec()
}

/// The file with another top.
pub(super) fn with_top(file: &[u8], top: &[u8]) -> Vec<u8> {
    let (footer, _) = footer_of(file);
    let mut out = file[..footer.index.offset as usize].to_vec();
    let properties = block_at(file, footer.properties);
    let index = seal(&mut out, top);
    let properties = seal(&mut out, &properties);
    let footer = Footer { index, filter: None, properties }.encode_partitioned(out.len() as u64);
    out.extend_from_slice(&footer);
    out
}
