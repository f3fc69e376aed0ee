//! Data of every kind, stored blocks, and tables whose blocks are stored anew: for day 6 and for the
//! lab on LZ4.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use memtable::{Cursor, InternalKey, Kind, Lookup};
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use sstable::format::{BLOCK_TRAILER_SIZE, FOOTER_SIZE, Footer, Handle, checksum};
use sstable::{
    BadBlock, Block, BlockBuilder, Codec, Properties, Table, TableBuilder, TableOptions,
};
use wal::fs::{Fs, SimFs};
use wal::testing::show;
use wal::{Error, Result};

pub(crate) const STORED: &str = "(rule 1 of day 6: a compressed block is the block's size in four \
                                 bytes, little-endian, and behind it what the codec made; what is \
                                 in `out` already stays)";
pub(crate) const PAYS: &str = "(rule 2 of day 6: compressed if what is stored, the four bytes \
                               included, is smaller than the block by an eighth or more; else the \
                               block as it is, with codec 0)";
pub(crate) const CLAIM: &str = "(rule 3 of day 6: a size is not believed: not if it is cut off, \
                                above any block's, or above the codec's most for so many bytes; \
                                error at byte 0, and no memory yet)";
pub(crate) const ANY: &str = "(rule 4 of day 6: any bytes may come in, and what comes out is a \
                              block of exactly the size in front, or an error at byte 4)";
pub(crate) const TABLE: &str = "(rule 5 of day 6: each data block names its codec; all other parts \
                                are stored as they are; the properties count)";

/// All that compress.
pub(crate) const CODECS: &[Codec] = &[
    Codec::Lz4,
    Codec::Snappy,
    #[cfg(feature = "zstd")]
    Codec::Zstd,
];

pub(crate) const PATH: &str = "/db/000007.sst";

// Data.

pub(crate) fn zeros(size: usize) -> Vec<u8> {
    vec![0; size]
}

/// Bytes that no codec makes smaller.
pub(crate) fn noise(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    SmallRng::seed_from_u64(size as u64).fill_bytes(&mut bytes);
    bytes
}

/// Words of a few, in no order.
pub(crate) fn text(size: usize) -> Vec<u8> {
    let words = ["stone ", "quartz ", "marble ", "of ", "the ", "granite, ", "and ", "slate. "];
    let mut dice = SmallRng::seed_from_u64(7);
    let mut text = Vec::new();
    while text.len() < size {
        text.extend_from_slice(words[dice.random_range(0..words.len())].as_bytes());
    }
    text.truncate(size);
    text
}

/// Numbers, one behind the other.
pub(crate) fn counters(size: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_le_bytes).take(size).collect()
}

/// Every kind of data, in sizes from nothing to a megabyte.
pub(crate) fn all_kinds() -> Vec<(String, Vec<u8>)> {
    let kinds = [
        ("zeros", zeros as fn(usize) -> Vec<u8>),
        ("text", text),
        ("counters", counters),
        ("noise", noise),
    ];
    let sizes = [0, 1, 2, 100, 4 << 10, 64 << 10, 1 << 20];
    let of_size = |size| kinds.map(|(name, kind)| (format!("{size} bytes of {name}"), kind(size)));
    sizes.into_iter().flat_map(of_size).collect()
}

// Stored blocks.

/// What the codec's crate makes of `block`.
pub(crate) fn packed(codec: Codec, block: &[u8]) -> Vec<u8> {
    match codec {
        Codec::None => block.to_vec(),
        Codec::Lz4 => lz4_flex::block::compress(block),
        Codec::Snappy => snap::raw::Encoder::new().compress_vec(block).expect("it is not large"),
        #[cfg(feature = "zstd")]
        Codec::Zstd => zstd::bulk::compress(block, 3).expect("the codec works"),
    }
}

/// A size, and what stands behind it.
pub(crate) fn claim(raw_size: u32, packed: &[u8]) -> Vec<u8> {
    [&raw_size.to_le_bytes(), packed].concat()
}

/// What is stored of a block that pays.
#[track_caller]
pub(crate) fn compressed(codec: Codec, block: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let came = codec.compress(block, &mut out);
    let size = block.len();
    assert_eq!(came, codec, "how a block of {size} bytes that gets much smaller is stored {PAYS}");
    out
}

/// What `decompress` says of these bytes, without a panic.
#[track_caller]
pub(crate) fn unpacked(codec: Codec, stored: &[u8]) -> Result<Bytes, BadBlock> {
    let stored = Bytes::copy_from_slice(stored);
    match catch_unwind(AssertUnwindSafe(|| codec.decompress(stored.clone()))) {
        Ok(came) => came,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map_or("", String::as_str);
            if text.starts_with("not yet implemented") {
                resume_unwind(panic);
            }
            panic!("{codec:?} must not panic, and did, over {}: \"{text}\" {ANY}", show(&stored));
        }
    }
}

/// The block that comes back is this one.
#[track_caller]
pub(crate) fn expect_back(codec: Codec, stored: &[u8], block: &[u8], what: &str) {
    match unpacked(codec, stored) {
        Ok(back) => assert!(
            back == block,
            "{codec:?}, {what}: want the block of {} bytes that went in, got {} bytes {}",
            block.len(),
            back.len(),
            STORED
        ),
        Err(bad) => panic!("{codec:?}, {what}: it was stored by its codec, got {bad} {STORED}"),
    }
}

/// These bytes are refused, at `at`.
#[track_caller]
pub(crate) fn expect_refused(codec: Codec, stored: &[u8], at: usize, what: &str, rule: &str) {
    match unpacked(codec, stored) {
        Ok(block) => panic!(
            "{codec:?}, {what}: want an error at byte {at}, got a block of {} bytes {rule}",
            block.len()
        ),
        Err(bad) => assert_eq!(bad.at, at, "{codec:?}, {what}: the byte of \"{bad}\" {rule}"),
    }
}

/// These bytes are an error, or a block of the size that stands in front.
#[track_caller]
pub(crate) fn expect_judged(codec: Codec, stored: &[u8]) {
    if let Ok(block) = unpacked(codec, stored) {
        let front = stored.first_chunk().expect("without a size there is no block (rule 3)");
        let (size, want) = (block.len(), u32::from_le_bytes(*front));
        let shown = show(stored);
        assert_eq!(
            size, want as usize,
            "{codec:?}: size of the block, and size in front {ANY}: {shown}"
        );
    }
}

// Tables.

pub(crate) fn key_at(index: usize) -> Vec<u8> {
    format!("stone/{index:05}").into_bytes()
}

/// Text, zeros, noise, in turn: blocks that pay, and blocks that do not.
pub(crate) fn mixed_value(index: usize) -> Vec<u8> {
    match index / 40 % 3 {
        0 => text(100 + index % 7),
        1 => zeros(100),
        _ => noise(200 + index),
    }
}

/// Blocks of 1 KiB, without a filter.
pub(crate) fn with_codec(codec: Codec) -> TableOptions {
    TableOptions { block_size: 1 << 10, codec, ..TableOptions::plain() }
}

/// A table of so many entries, on a new disk, and its properties as the builder gave them.
#[track_caller]
pub(crate) fn build(
    options: &TableOptions,
    count: usize,
    value: impl Fn(usize) -> Vec<u8>,
) -> (SimFs, Properties) {
    let sim = SimFs::new(0);
    sim.create_dir(Path::new("/db")).expect("the disk works");
    let fs = Arc::new(sim.clone());
    let mut builder =
        TableBuilder::create(fs, Path::new(PATH), options.clone()).expect("the disk works");
    for index in 0..count {
        let key = InternalKey { user_key: &key_at(index), seq: 7, kind: Kind::Put };
        builder.add(key, &value(index)).expect("entries are in order, and the disk works");
    }
    let properties = builder.finish().expect("the disk works");
    (sim, properties)
}

#[track_caller]
pub(crate) fn open(sim: &SimFs) -> Table {
    Table::open(sim, Path::new(PATH), 1, None)
        .unwrap_or_else(|error| panic!("a good table must open, got: {error} {TABLE}"))
}

/// All entries are there, for a lookup and for a cursor.
#[track_caller]
pub(crate) fn expect_entries(table: &Table, count: usize, value: impl Fn(usize) -> Vec<u8>) {
    let mut cursor = table.cursor();
    cursor.first().unwrap_or_else(|error| panic!("a cursor failed: {error} {TABLE}"));
    for index in 0..count {
        let (key, want) = (key_at(index), value(index));
        let found = table.get(&key, 7);
        let found = found.unwrap_or_else(|error| panic!("{}: {error} {TABLE}", show(&key)));
        let want = Lookup::Value(want.into());
        assert!(found == want, "{}: want {want:?}, got {found:?} {TABLE}", show(&key));
        let at = cursor.key().map(|key| key.user_key.to_vec());
        assert_eq!(at, Some(key), "where a cursor is after {index} steps {TABLE}");
        assert!(Lookup::Value(cursor.entry().1) == want, "the cursor's value {index} {TABLE}");
        cursor.next().unwrap_or_else(|error| panic!("a cursor failed: {error} {TABLE}"));
    }
    assert!(cursor.key().is_none(), "a cursor behind all {count} entries is at none {TABLE}");
}

/// What `get` says is wrong.
#[track_caller]
pub(crate) fn error_of(table: &Table, index: usize) -> Error {
    match table.get(&key_at(index), 7) {
        Ok(found) => panic!("entry {index} is in a bad block, and get found {found:?} {TABLE}"),
        Err(error) => error,
    }
}

/// A part of a file: its place, and its codec.
pub(crate) struct Part {
    pub(crate) handle: Handle,
    pub(crate) codec: u8,
    pub(crate) stored: Vec<u8>,
}

impl Part {
    fn read(file: &[u8], handle: Handle) -> Part {
        let (stored, trailer) =
            file[handle.offset as usize..].split_at_checked(handle.size as usize).expect("inside");
        Part { handle, codec: trailer[0], stored: stored.to_vec() }
    }

    /// The part as it was before it was stored.
    #[track_caller]
    pub(crate) fn block(&self) -> Bytes {
        let codec = Codec::from_number(self.codec).expect("a codec of this build");
        unpacked(codec, &self.stored).unwrap_or_else(|bad| panic!("a new block: {bad} {STORED}"))
    }
}

/// A table's file, taken apart.
pub(crate) struct TableFile {
    footer: Footer,
    pub(crate) data: Vec<Part>,
    separators: Vec<Vec<u8>>,
    pub(crate) index: Part,
    pub(crate) filter: Option<Part>,
    pub(crate) properties: Part,
}

impl TableFile {
    #[track_caller]
    pub(crate) fn read(sim: &SimFs) -> TableFile {
        let file = sim.contents(PATH);
        let (parts, footer) = file.split_last_chunk::<FOOTER_SIZE>().expect("a whole table");
        let footer = Footer::decode(footer, parts.len() as u64).expect("a good footer");
        let part = |handle| Part::read(&file, handle);
        let index = part(footer.index);
        assert_eq!(index.codec, 0, "the codec of the index {TABLE}");
        let (mut data, mut separators) = (Vec::new(), Vec::new());
        let block = Block::parse(Bytes::copy_from_slice(&index.stored));
        let mut cursor = block.expect("the index is a block").cursor();
        cursor.first().expect("the index is a block");
        while let Some(key) = cursor.key() {
            let mut separator = Vec::new();
            key.encode(&mut separator);
            separators.push(separator);
            data.push(part(Handle::decode(cursor.value().try_into().expect("a handle"))));
            cursor.next().expect("the index is a block");
        }
        let (filter, properties) = (footer.filter.map(part), part(footer.properties));
        TableFile { footer, data, separators, index, filter, properties }
    }

    /// Writes the table anew: data block `index` as `store` says, with good checksums all over.
    pub(crate) fn store_anew(self, sim: &SimFs, store: impl Fn(usize, &[u8]) -> (u8, Vec<u8>)) {
        assert!(self.footer.filter.is_none(), "for tables without a filter");
        let (mut out, mut index) = (Vec::new(), BlockBuilder::new(16));
        for (number, (part, separator)) in self.data.iter().zip(&self.separators).enumerate() {
            let (codec, stored) = store(number, &part.block());
            let handle = append(&mut out, &stored, codec);
            index.add(InternalKey::decode(separator).expect("it was one"), &handle.encode());
        }
        let mut properties = self.properties.stored;
        properties[48..56].copy_from_slice(&(out.len() as u64).to_le_bytes());
        let index = append(&mut out, index.finish(), 0);
        let properties = append(&mut out, &properties, 0);
        let footer = Footer { index, filter: None, properties }.encode(out.len() as u64);
        out.extend_from_slice(&footer);
        sim.overwrite(PATH, &out);
    }
}

/// Appends a part with its trailer.
fn append(out: &mut Vec<u8>, stored: &[u8], codec: u8) -> Handle {
    let handle = Handle { offset: out.len() as u64, size: stored.len() as u32 };
    let crc = checksum(handle.offset, stored, &[codec]);
    out.extend_from_slice(stored);
    out.push(codec);
    out.extend_from_slice(&crc.to_le_bytes());
    assert_eq!(handle.end(), Some(out.len() as u64), "{BLOCK_TRAILER_SIZE} bytes of trailer");
    handle
}
