//! A table's file, taken apart by the drawing in `format.rs`, and a disk that keeps nothing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use memtable::{InternalKey, Kind};
use sstable::format::{BLOCK_TRAILER_SIZE, FOOTER_SIZE, Handle, checksum};
use sstable::{Block, Codec, Properties, TableBuilder, TableOptions};
use wal::fs::{File, Fs, Lock, SimFs};
use wal::testing::Workload;
use wal::{Error, Result, Seq};

pub(super) use crate::entries::{Entry, as_written as entries};

pub(super) const LAYOUT: &str = "(rule 1 of day 2: data blocks, index, properties, footer, one \
                                 behind the other without gaps; behind each block its codec and a \
                                 checksum over offset, block and codec)";

pub(super) const DIR: &str = "/db";
pub(super) const NAME: &str = "000007.sst";
pub(super) const TEMPORARY: &str = "000007.sst.tmp";

/// Four entries in two blocks, if these have 64 bytes: the table of the chapter.
pub(super) const STONES: &str = "marble@7=x quartz@9=y stone@7=x stove@9=y";

/// Entries in order: short keys of few bytes, so that many are versions of one key.
pub(super) fn random(dice: &mut Workload, count: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = (1..=count as Seq)
        .map(|seq| {
            let size = dice.below(6);
            let user_key = (0..size).map(|_| b"\0ab\xfe\xff"[dice.below(5)]).collect();
            match dice.below(5) {
                0 => Entry { user_key, seq, kind: Kind::Delete, value: Vec::new() },
                _ => {
                    Entry { user_key, seq, kind: Kind::Put, value: vec![seq as u8; dice.below(40)] }
                }
            }
        })
        .collect();
    entries.sort_by(|left, right| left.key().cmp(&right.key()));
    entries
}

pub(super) fn encode(key: InternalKey<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    key.encode(&mut out);
    out
}

pub(super) fn blocks_of(block_size: usize) -> TableOptions {
    TableOptions { block_size, ..TableOptions::plain() }
}

/// A disk with a directory for tables.
pub(super) fn disk(seed: u64) -> SimFs {
    let fs = SimFs::new(seed);
    fs.create_dir(Path::new(DIR)).expect("a good disk makes a directory");
    fs.sync_dir(Path::new("/")).expect("a good disk syncs");
    fs
}

pub(super) fn builder(fs: &SimFs, options: &TableOptions) -> Result<TableBuilder> {
    // Handles are of this moment's process: after a power cut, others are needed.
    TableBuilder::create(Arc::new(fs.clone()), &Path::new(DIR).join(NAME), options.clone())
}

/// Adds all of them, and finishes the table.
pub(super) fn build(fs: &SimFs, options: &TableOptions, entries: &[Entry]) -> Result<Properties> {
    let mut builder = builder(fs, options)?;
    for entry in entries {
        builder.add(entry.key(), &entry.value)?;
    }
    builder.finish()
}

#[track_caller]
pub(super) fn built(options: &TableOptions, entries: &[Entry]) -> (SimFs, Properties) {
    let fs = disk(1);
    let properties = build(&fs, options, entries);
    let properties = properties.unwrap_or_else(|error| {
        panic!("{entries:?} are in order, and a good disk takes them; yet it says: {error}")
    });
    (fs, properties)
}

/// The bytes of the finished table.
#[track_caller]
pub(super) fn file_of(options: &TableOptions, entries: &[Entry]) -> Vec<u8> {
    built(options, entries).0.contents(Path::new(DIR).join(NAME))
}

pub(super) fn names(fs: &SimFs) -> Vec<String> {
    fs.list(Path::new(DIR)).expect("the directory is there")
}

/// Sixteen bytes a line, as `hexdump -C` shows them, without the offset of the last.
pub(super) fn hexdump(bytes: &[u8]) -> Vec<String> {
    let text = |byte: &u8| if matches!(byte, b' '..=b'~') { *byte as char } else { '.' };
    let line = |(number, bytes): (usize, &[u8])| {
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let text: String = bytes.iter().map(text).collect();
        format!("{:04x}  {:47}  {text}", 16 * number, hex.join(" "))
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

/// A block of a file, with its trailer.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) handle: Handle,
    pub(super) bytes: Vec<u8>,
    pub(super) codec: u8,
    pub(super) crc: u32,
}

/// A file that was taken apart from its end.
pub(super) struct TableFile {
    pub(super) blocks: Vec<Part>,
    pub(super) index: Part,
    pub(super) properties: Part,
    /// The index's keys, encoded.
    pub(super) separators: Vec<Vec<u8>>,
}

impl TableFile {
    /// Takes `file` apart; the table has no filter. Fails the test if its parts do not lie where
    /// they are said to lie.
    #[track_caller]
    pub(super) fn read(file: &[u8]) -> TableFile {
        let Some(footer_at) = file.len().checked_sub(FOOTER_SIZE) else {
            panic!("a file of {} bytes has no room for a footer {LAYOUT}", file.len());
        };
        let footer = &file[footer_at..];
        assert_eq!(&footer[44..], b"CAIRNSST", "the file's last bytes, the magic number {LAYOUT}");
        let handle = |at: usize| Handle::decode(footer[at..][..12].try_into().expect("twelve"));
        assert_eq!(
            handle(12),
            Handle::default(),
            "where the filter is, and there is none {LAYOUT}"
        );
        let index = part(file, "the index", handle(0));
        let properties = part(file, "the properties", handle(24));
        let (mut blocks, mut separators) = (Vec::new(), Vec::new());
        for (key, value) in pairs(&index) {
            let handle = value.as_slice().try_into().map(Handle::decode);
            let handle = handle.expect("each value of the index is a handle of 12 bytes (rule 1)");
            blocks.push(part(file, &format!("data block {}", blocks.len()), handle));
            separators.push(key);
        }
        let mut at = 0;
        for part in blocks.iter().chain([&index, &properties]) {
            let (name, offset) = (&part.name, part.handle.offset);
            assert_eq!(offset, at, "where {name} is, and where it should begin {LAYOUT}");
            at += u64::from(part.handle.size) + BLOCK_TRAILER_SIZE as u64;
        }
        assert_eq!(footer_at as u64, at, "where the footer is, and where it should begin {LAYOUT}");
        TableFile { blocks, index, properties, separators }
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.blocks.iter().chain([&self.index, &self.properties])
    }

    /// The entries of data block `index`.
    #[track_caller]
    pub(super) fn entries(&self, index: usize) -> Vec<Entry> {
        let entry = |(key, value): (Vec<u8>, Vec<u8>)| {
            let key = InternalKey::decode(&key).expect("a block has internal keys");
            Entry { user_key: key.user_key.to_vec(), seq: key.seq, kind: key.kind, value }
        };
        pairs(&self.blocks[index]).into_iter().map(entry).collect()
    }

    /// Each data block's entries.
    #[track_caller]
    pub(super) fn all_entries(&self) -> Vec<Vec<Entry>> {
        (0..self.blocks.len()).map(|index| self.entries(index)).collect()
    }
}

#[track_caller]
fn part(file: &[u8], name: &str, handle: Handle) -> Part {
    let (offset, size) = (handle.offset as usize, handle.size as usize);
    let whole = file.get(offset..).and_then(|rest| rest.get(..size + BLOCK_TRAILER_SIZE));
    let Some(whole) = whole else {
        panic!("{name} should be at {handle:?} of {} bytes {LAYOUT}", file.len());
    };
    let (bytes, trailer) = whole.split_at(size);
    let crc = u32::from_le_bytes(trailer[1..].try_into().expect("four bytes"));
    Part { name: name.to_owned(), handle, bytes: bytes.to_vec(), codec: trailer[0], crc }
}

impl Part {
    /// What its checksum has to be.
    pub(super) fn expected_crc(&self) -> u32 {
        checksum(self.handle.offset, &self.bytes, &[self.codec])
    }
}

/// Keys and values of a block that is stored as it is, read with the cursor of day 1.
#[track_caller]
fn pairs(part: &Part) -> Vec<(Vec<u8>, Vec<u8>)> {
    assert_eq!(part.codec, Codec::None as u8, "the codec of {} {LAYOUT}", part.name);
    let block = Block::parse(Bytes::copy_from_slice(&part.bytes));
    let mut cursor = block.unwrap_or_else(|bad| panic!("{}: {bad} {LAYOUT}", part.name)).cursor();
    let mut pairs = Vec::new();
    cursor.first().unwrap_or_else(|bad| panic!("{}: {bad} {LAYOUT}", part.name));
    while let Some(key) = cursor.key() {
        pairs.push((encode(key), cursor.value().to_vec()));
        cursor.next().unwrap_or_else(|bad| panic!("{}: {bad} {LAYOUT}", part.name));
    }
    pairs
}

/// A disk of one file that takes everything and keeps nothing but the number of its bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Void {
    pub(super) size: Arc<AtomicU64>,
}

/// What nobody asks of a disk that keeps nothing.
fn nothing<T>() -> Result<T> {
    Err(Error::io("read", Path::new(DIR), std::io::ErrorKind::Unsupported.into()))
}

impl Fs for Void {
    fn create(&self, _: &Path) -> Result<Arc<dyn File>> {
        Ok(Arc::new(self.clone()))
    }

    fn open(&self, _: &Path) -> Result<Arc<dyn File>> {
        nothing()
    }

    fn rename(&self, _: &Path, _: &Path) -> Result<()> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn list(&self, _: &Path) -> Result<Vec<String>> {
        nothing()
    }

    fn create_dir(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn lock(&self, _: &Path) -> Result<Lock> {
        nothing()
    }
}

impl File for Void {
    fn read_at(&self, _: u64, _: &mut [u8]) -> Result<usize> {
        nothing()
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.size.fetch_max(offset + bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        Ok(())
    }

    fn set_len(&self, _: u64) -> Result<()> {
        Ok(())
    }

    fn len(&self) -> Result<u64> {
        Ok(self.size.load(Ordering::Relaxed))
    }

    fn path(&self) -> &Path {
        Path::new(TEMPORARY)
    }
}
