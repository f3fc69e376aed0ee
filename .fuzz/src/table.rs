//! Tables, days 2 to 6.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use memtable::SEQ_MAX;
use sstable::format::{BLOCK_TRAILER_SIZE, FOOTER_SIZE, Footer, Handle, checksum};
use sstable::{
    Block, BlockBuilder, BlockCache, Codec, Properties, Table, TableBuilder, TableOptions,
};
use wal::Error;
use wal::fs::{Fs as _, SimFs};

use crate::entries::{Entry, around, entries, in_list};
use crate::moves::{Move, Walk, expect_list, expect_moves, try_to_go, walk};

const PATH: &str = "/db/000007.sst";

/// The most that any codec makes of a byte: `Codec::ratio_max` of Zstandard.
const RATIO_MAX: usize = 32 << 10;

/// Any bytes as a file; or entries and options, as a table that is read as it was written, or with
/// bytes changed below its checksums, or above them.
pub fn table(data: &[u8]) {
    let Some((&case, bytes)) = data.split_first() else { return };
    let input = &mut Unstructured::new(bytes);
    // Bytes that end too early are no table.
    _ = match case % 4 {
        0 => {
            use_all(bytes, &around(&[]));
            Ok(())
        }
        1 => good(input),
        2 => damaged(input),
        _ => forged(input),
    };
}

/// A table as it was written, and what it was made of.
struct Given {
    file: Vec<u8>,
    list: Vec<Entry>,
    properties: Properties,
    /// A cache for it, or none.
    cache: Option<Arc<BlockCache>>,
}

impl Given {
    fn new(input: &mut Unstructured<'_>, index_partition_size: Option<usize>) -> Result<Given> {
        let [size, interval, bits, codec, cache]: [u8; 5] = input.arbitrary()?;
        let options = TableOptions {
            block_size: 1 << (size % 13),
            restart_interval: usize::from(interval % 20),
            filter_bits_per_key: usize::from(bits % 24),
            codec: Codec::from_number(codec % 4).unwrap_or_default(),
            index_partition_size,
        };
        let cache = (cache % 4 != 0).then(|| Arc::new(BlockCache::new(usize::from(cache) << 6)));
        let list = entries(input)?;
        let sim = SimFs::new(1);
        sim.create_dir(Path::new("/db")).expect("a good disk");
        let builder = TableBuilder::create(Arc::new(sim.clone()), Path::new(PATH), options);
        let mut builder = builder.expect("a good disk");
        for entry in &list {
            builder.add(entry.key(), &entry.value).expect("entries are in order");
        }
        let properties = builder.finish().expect("a good disk");
        Ok(Given { file: sim.contents(PATH), list, properties, cache })
    }

    /// Opens `file` with this cache.
    fn open(&self, file: &[u8]) -> wal::Result<Table> {
        open(file, self.cache.clone())
    }
}

fn open(file: &[u8], cache: Option<Arc<BlockCache>>) -> wal::Result<Table> {
    let sim = SimFs::new(1);
    sim.overwrite(PATH, file);
    Table::open(&sim, Path::new(PATH), 1, cache)
}

/// Every lookup and every move gives what a list gives, with the index whole or in parts.
fn good(input: &mut Unstructured<'_>) -> Result<()> {
    let size: u8 = input.arbitrary()?;
    let given = Given::new(input, (size >= 128).then(|| 16 << (size % 8)))?;
    let table = given.open(&given.file).expect("a builder makes tables");
    assert_eq!(*table.properties(), given.properties, "properties, written and read");
    assert_eq!(table.size(), given.file.len() as u64, "size of the file");
    for _ in 0..2 {
        for target in around(&given.list) {
            let want = in_list(&given.list, &target.user_key, target.seq);
            let came = table.get(&target.user_key, target.seq).expect("a good file");
            assert_eq!(came, want, "get {target:?}");
        }
    }
    expect_list(&mut table.cursor(), &given.list);
    expect_moves(&mut table.cursor(), &given.list, input)
}

/// A few edits of the file: an error that names file and part, or the right answer.
fn damaged(input: &mut Unstructured<'_>) -> Result<()> {
    let given = Given::new(input, None)?;
    let mut file = given.file.clone();
    edit(&mut file, input)?;
    if file.len() != given.file.len() {
        let opened = given.open(&file);
        let footer = file.split_last_chunk();
        // A fuzzer that sees what is compared can forge a checksum, also below.
        if footer.is_none_or(|(rest, bytes)| Footer::decode(bytes, rest.len() as u64).is_err()) {
            expect_named(&opened.expect_err("another length"), file.len(), |_| true);
        }
        return Ok(());
    }
    let parts = Parts::of(&given.file);
    let is_edited = |part: &&Handle| sealed(&file, part) != sealed(&given.file, part);
    let places = |parts: &[Handle]| -> Vec<u64> {
        parts.iter().filter(is_edited).map(|part| part.offset).collect()
    };
    let (blocks, mut others) = (places(&parts.blocks), places(&parts.others));
    let (_, footer) = file.split_last_chunk().expect("its length is a table's");
    if footer != given.file.last_chunk::<FOOTER_SIZE>().expect("it is a table") {
        others.push(parts.footer_at);
    }
    let all = parts.blocks.iter().chain(&parts.others);
    if all.filter(is_edited).any(|part| is_whole(&file, part))
        || (others.contains(&parts.footer_at) && Footer::decode(footer, parts.footer_at).is_ok())
    {
        return Ok(());
    }
    let table = match given.open(&file) {
        Ok(table) => table,
        Err(error) => {
            expect_named(&error, file.len(), |offset| others.contains(&offset));
            return Ok(());
        }
    };
    assert!(others.is_empty(), "opened, with damage in the parts at {others:?}");
    for target in around(&given.list) {
        match table.get(&target.user_key, target.seq) {
            Ok(came) => {
                let want = in_list(&given.list, &target.user_key, target.seq);
                assert_eq!(came, want, "get {target:?}, with damage at {blocks:?}");
            }
            Err(error) => expect_named(&error, file.len(), |offset| blocks.contains(&offset)),
        }
    }
    let forward = walk(&mut table.cursor(), true, given.list.len());
    assert!(given.list.starts_with(&forward.entries), "forward, by {:?}", forward.entries);
    expect_end(forward.end, file.len(), blocks.first());
    let mut back = walk(&mut table.cursor(), false, given.list.len());
    back.entries.reverse();
    assert!(given.list.ends_with(&back.entries), "back, by {:?}", back.entries);
    expect_end(back.end, file.len(), blocks.last());
    Ok(())
}

/// A walk meets the damaged block at `damage`, or the end if there is none.
fn expect_end(end: wal::Result<()>, file_size: usize, damage: Option<&u64>) {
    match (end, damage) {
        (Ok(()), None) => {}
        (Err(error), Some(&damage)) => expect_named(&error, file_size, |offset| offset == damage),
        (end, damage) => panic!("a walk ended with {end:?}; damaged is {damage:?}"),
    }
}

/// Parts with edits, put together again with good checksums: whatever comes, nothing panics and a
/// walk ends.
fn forged(input: &mut Unstructured<'_>) -> Result<()> {
    let given = Given::new(input, None)?;
    let parts = Parts::of(&given.file);
    let [one, other]: [u8; 2] = input.arbitrary()?;
    let part_count = parts.blocks.len() + parts.others.len();
    let chosen = [one, other].map(|number| usize::from(number) % part_count);
    let mut stored = |number: usize, mut bytes: Vec<u8>| {
        if chosen.contains(&number) {
            edit(&mut bytes, input)?;
        }
        Ok(bytes)
    };
    let mut file = Vec::new();
    let mut index = BlockBuilder::new(4);
    for (number, (part, separator)) in parts.blocks.iter().zip(&parts.separators).enumerate() {
        // The codec's number is edited with the block.
        let mut bytes = sealed(&given.file, part)[..=part.size as usize].to_vec();
        bytes = stored(parts.others.len() + number, bytes)?;
        let codec = bytes.pop().unwrap_or_default();
        let handle = seal(&mut file, &bytes, codec);
        index.add(separator.key(), &handle.encode());
    }
    let data_size = file.len() as u64;
    let mut properties = parts.of_other(&given.file, PROPERTIES);
    properties[48..56].copy_from_slice(&data_size.to_le_bytes());
    let mut filter = None;
    if parts.others.len() > FILTER {
        let bytes = stored(FILTER, parts.of_other(&given.file, FILTER))?;
        filter = Some(seal(&mut file, &bytes, 0));
    }
    let index = seal(&mut file, &stored(INDEX, index.finish().to_vec())?, 0);
    let properties = seal(&mut file, &stored(PROPERTIES, properties)?, 0);
    let footer = Footer { index, filter, properties }.encode(file.len() as u64);
    file.extend_from_slice(&footer);
    use_all(&file, &around(&given.list));
    Ok(())
}

/// Opens `file`, looks for all targets and walks through it: what it says does not matter.
fn use_all(file: &[u8], targets: &[Entry]) {
    let said = |error: &Error| expect_named(error, file.len(), |_| true);
    let table = match open(file, None) {
        Ok(table) => table,
        Err(error) => return said(&error),
    };
    let mut cursor = table.cursor();
    for target in targets {
        _ = table.get(&target.user_key, target.seq).inspect_err(said);
        for step in [Move::Seek(target), Move::Next, Move::SeekBack(target), Move::Prev] {
            _ = try_to_go(&mut cursor, step).inspect_err(said);
        }
    }
    // Eleven bytes are an entry, and no codec makes more of a byte.
    let limit = file.len() * RATIO_MAX / 11;
    for forward in [true, false] {
        let Walk { entries, end } = walk(&mut cursor, forward, limit);
        for Entry { user_key, .. } in entries.iter().take(100) {
            _ = table.get(user_key, SEQ_MAX).inspect_err(said);
        }
        _ = end.inspect_err(said);
    }
}

/// The error names the file, and a place in it that may be named; or it is a codec that this build
/// has not got.
#[track_caller]
fn expect_named(error: &Error, file_size: usize, may_be: impl Fn(u64) -> bool) {
    let is_named = match error {
        Error::Corruption { file, offset, .. } => {
            file == Path::new(PATH) && *offset <= file_size as u64 && may_be(*offset)
        }
        _ => error.io_kind() == Some(ErrorKind::Unsupported),
    };
    assert!(is_named, "an error that names {PATH} and a part: {error:?}");
}

/// Up to four edits: bytes that change, come in, go away, or are there a second time.
fn edit(bytes: &mut Vec<u8>, input: &mut Unstructured<'_>) -> Result<()> {
    for _ in 0..1 + input.arbitrary::<u8>()? % 4 {
        let (how, at, byte): (u8, u16, u8) = input.arbitrary()?;
        if bytes.is_empty() {
            bytes.push(byte);
        }
        let at = usize::from(at) % bytes.len();
        match how % 8 {
            0..4 => bytes[at] ^= byte,
            4 => bytes[at] = byte,
            5 => bytes.insert(at, byte),
            6 => bytes.truncate(at),
            _ => {
                let from = usize::from(byte) * bytes.len() / 256;
                let size = 64.min(bytes.len() - from.max(at));
                bytes.copy_within(from..from + size, at);
            }
        }
    }
    Ok(())
}

/// The parts of a good file.
struct Parts {
    blocks: Vec<Handle>,
    /// What ends each of the blocks.
    separators: Vec<Entry>,
    /// Index, properties, and filter if there is one.
    others: Vec<Handle>,
    footer_at: u64,
}

/// Where in `Parts::others`.
const INDEX: usize = 0;
const PROPERTIES: usize = 1;
const FILTER: usize = 2;

impl Parts {
    fn of(file: &[u8]) -> Parts {
        let (rest, footer) = file.split_last_chunk().expect("it has a footer");
        let footer_at = rest.len() as u64;
        let footer = Footer::decode(footer, footer_at).expect("a good footer");
        let others = [footer.index, footer.properties].into_iter().chain(footer.filter).collect();
        let mut parts = Parts { blocks: Vec::new(), separators: Vec::new(), others, footer_at };
        let index = Block::parse(parts.of_other(file, INDEX).into()).expect("a good index");
        let walk = walk(&mut index.cursor(), true, file.len());
        for separator in walk.entries {
            let handle = separator.value[..].try_into().expect("a handle");
            parts.blocks.push(Handle::decode(handle));
            parts.separators.push(separator);
        }
        parts
    }

    /// One of the others, as it is stored.
    fn of_other(&self, file: &[u8], number: usize) -> Vec<u8> {
        let part = &self.others[number];
        sealed(file, part)[..part.size as usize].to_vec()
    }
}

/// A part with its trailer.
fn sealed<'a>(file: &'a [u8], part: &Handle) -> &'a [u8] {
    &file[part.offset as usize..][..part.size as usize + BLOCK_TRAILER_SIZE]
}

/// Whether the checksum of a part is good.
fn is_whole(file: &[u8], part: &Handle) -> bool {
    let (covered, crc) = sealed(file, part).split_last_chunk().expect("a trailer");
    u32::from_le_bytes(*crc) == checksum(part.offset, covered, &[])
}

/// Appends a part with a good checksum.
fn seal(file: &mut Vec<u8>, bytes: &[u8], codec: u8) -> Handle {
    let handle = Handle { offset: file.len() as u64, size: bytes.len() as u32 };
    file.extend_from_slice(bytes);
    file.push(codec);
    file.extend_from_slice(&checksum(handle.offset, bytes, &[codec]).to_le_bytes());
    handle
}
