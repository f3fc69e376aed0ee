//! Filters, tables and keys, and the sentences that day 4's tests speak about them.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;

use memtable::{InternalKey, Kind, Lookup};
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use sstable::filter::{LINE_SIZE, PROBE_COUNT_MAX, expected_false_positive_rate, probe_count};
use sstable::format::{BLOCK_TRAILER_SIZE, FOOTER_SIZE, Footer, Handle, checksum};
use sstable::{BadBlock, Filter, FilterBuilder, Table, TableBuilder, TableOptions};
use wal::fs::{Fs, SimFs};
use wal::testing::show;
use wal::{Result, Seq};

pub(in crate::day4) const ANSWER: &str = "(rule 1 of day 4: a key that was added is always let through, and \
                                 of all others as many as theory says, within 1.3 times, whatever \
                                 they look like)";
pub(in crate::day4) const FORMAT: &str = "(rule 2 of day 4: hash, line and bits of a key are the file \
                                 format's, to the bit: a reader looks where the writer wrote)";
pub(in crate::day4) const USER_KEYS: &str = "(rule 3 of day 4: the filter holds user keys, each once, also \
                                    those whose newest version is a tombstone)";
pub(in crate::day4) const HOSTILE: &str = "(rule 4 of day 4: any bytes may come in; a filter is whole lines, \
                                  at least one, and a number of probes from 1 to 30)";
pub(in crate::day4) const ASKED_FIRST: &str = "(rule 5 of day 4: the filter is asked before anything is \
                                      read, whatever the key, and each answer of it is counted \
                                      once)";

/// Where the table is.
pub(in crate::day4) const PATH: &str = "/db/000007.sst";

/// How many keys the filters have whose answers are counted.
pub(in crate::day4) const PRESENT: u64 = 20_000;

/// Bits a key, for keys that cost little to make, and for others.
pub(in crate::day4) const ALL_BITS: &[usize] = &[4, 6, 8, 10, 12, 16, 20];
pub(in crate::day4) const USUAL_BITS: &[usize] = &[4, 8, 10, 12];

// Filters.

/// The block of a filter of these keys.
pub(in crate::day4) fn block_of<K: AsRef<[u8]>>(
    bits_per_key: usize,
    keys: impl IntoIterator<Item = K>,
) -> Vec<u8> {
    let mut builder = FilterBuilder::new(bits_per_key);
    for key in keys {
        builder.add(key.as_ref());
    }
    builder.finish()
}

/// The block of a filter that has both bits and keys, and so has lines.
#[track_caller]
pub(in crate::day4) fn lines_of<K: AsRef<[u8]>>(
    bits_per_key: usize,
    keys: impl IntoIterator<Item = K>,
) -> Vec<u8> {
    let block = block_of(bits_per_key, keys);
    let size = block.len();
    assert!(
        size > LINE_SIZE,
        "a filter with bits and keys is a line at least and a byte, and has {size} bytes {FORMAT}"
    );
    block
}

/// The filter of these keys, read back from its block.
#[track_caller]
pub(in crate::day4) fn filter_of<K: AsRef<[u8]>>(
    bits_per_key: usize,
    keys: impl IntoIterator<Item = K>,
) -> Filter {
    let block = lines_of(bits_per_key, keys);
    decoded(&block).unwrap_or_else(|bad| panic!("a new filter is no filter: {bad} {FORMAT}"))
}

/// What `decode` says of these bytes, without a panic.
#[track_caller]
pub(in crate::day4) fn decoded(bytes: &[u8]) -> Result<Filter, BadBlock> {
    match catch_unwind(AssertUnwindSafe(|| Filter::decode(bytes))) {
        Ok(came) => came,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map_or("", String::as_str);
            if text.starts_with("not yet implemented") {
                resume_unwind(panic);
            }
            panic!("decoding {} must not panic, and did: \"{text}\" {HOSTILE}", show(bytes));
        }
    }
}

/// `decode` refuses these bytes if they are no filter, and takes them if they are one.
#[track_caller]
pub(in crate::day4) fn expect_judged(bytes: &[u8]) {
    let probes = bytes.last().map_or(0, |&last| usize::from(last));
    let is_filter =
        bytes.len() > 1 && bytes.len() % LINE_SIZE == 1 && (1..=PROBE_COUNT_MAX).contains(&probes);
    let came = decoded(bytes);
    assert!(
        came.is_ok() == is_filter,
        "{} bytes, the last of them {probes}: want {}, got {} {HOSTILE}",
        bytes.len(),
        if is_filter { "a filter" } else { "an error" },
        came.map_or_else(|bad| format!("\"{bad}\""), |_| "a filter".to_owned())
    );
}

#[track_caller]
pub(in crate::day4) fn expect_let_through(filter: &Filter, key: &[u8], what: &str) {
    let may = filter.may_contain(key);
    assert!(may, "{}, {what}: must be let through, and is denied {ANSWER}", show(key));
}

#[track_caller]
pub(in crate::day4) fn expect_denied(filter: &Filter, key: &[u8], what: &str) {
    let may = filter.may_contain(key);
    assert!(!may, "{}, {what}: must be denied, and is let through {ANSWER}", show(key));
}

/// Of `absent(0)`, `absent(1)` …, filters of `present(0)`, `present(1)` … with so many bits a key
/// let through as many as theory says, within 1.3 times.
#[track_caller]
pub(in crate::day4) fn expect_rate(
    what: &str,
    bits: &[usize],
    present: impl Fn(u64) -> Vec<u8>,
    absent: impl Fn(u64) -> Vec<u8>,
) {
    for &bits_per_key in bits {
        let theory = expected_false_positive_rate(bits_per_key);
        // So many that theory has hundreds let through, and chance plays no part.
        let asked = (300.0 / theory).clamp(20_000.0, 1_000_000.0) as u64;
        let filter = filter_of(bits_per_key, (0..PRESENT).map(&present));
        let through = (0..asked).filter(|&index| filter.may_contain(&absent(index))).count();
        let rate = through as f64 / asked as f64;
        assert!(
            (theory / 1.3..theory * 1.3).contains(&rate),
            "{what}, {bits_per_key} bits a key: of {asked} that are absent, {through} are let \
             through, which is one in {:.0}; want one in {:.0}, within 1.3 times {ANSWER}",
            1.0 / rate,
            1.0 / theory
        );
    }
}

/// In how many lines two blocks differ.
pub(in crate::day4) fn changed_lines(one: &[u8], other: &[u8]) -> usize {
    let lines = |block| <[u8]>::chunks_exact(block, LINE_SIZE);
    lines(one).zip(lines(other)).filter(|(one, other)| one != other).count()
}

/// The number of bits that are set in a block's lines.
pub(in crate::day4) fn bits_set(block: &[u8]) -> usize {
    let (_, lines) = block.split_last().expect("a filter has bytes");
    lines.iter().map(|byte| byte.count_ones() as usize).sum()
}

/// What the last byte must be.
pub(in crate::day4) fn probes_byte(bits_per_key: usize) -> u8 {
    probe_count(bits_per_key) as u8
}

/// Bytes as a test's message shows them: two digits each.
pub(in crate::day4) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

// Keys.

/// A key of `size` bytes.
pub(in crate::day4) fn random_key(dice: &mut SmallRng, size: usize) -> Vec<u8> {
    let mut key = vec![0; size];
    dice.fill_bytes(&mut key);
    key
}

/// Keys of 0 to 100 bytes, the same for the same seed.
pub(in crate::day4) fn random_keys(seed: u64, count: usize) -> Vec<Vec<u8>> {
    let mut dice = SmallRng::seed_from_u64(seed);
    (0..count)
        .map(|_| {
            let size = dice.random_range(0..=100);
            random_key(&mut dice, size)
        })
        .collect()
}

/// Sixteen bytes that look random, always the same for `index`. (It is splitmix64, twice.)
pub(in crate::day4) fn random_key_at(index: u64) -> Vec<u8> {
    let mix = |number: u64| {
        let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ number >> 31).to_le_bytes()
    };
    [mix(2 * index + 1), mix(2 * index + 2)].concat()
}

/// `key` with one bit flipped.
pub(in crate::day4) fn flipped(mut key: Vec<u8>, bit: usize) -> Vec<u8> {
    key[bit / 8] ^= 1 << (bit % 8);
    key
}

/// Key number `index` of the table's, which has every other number.
pub(in crate::day4) fn key_at(index: u64) -> Vec<u8> {
    format!("stone/{index:06}").into_bytes()
}

// Tables.

/// `key@seq`, with a value that is a put's.
pub(in crate::day4) fn put(key: &[u8], seq: Seq) -> InternalKey<'_> {
    InternalKey { user_key: key, seq, kind: Kind::Put }
}

pub(in crate::day4) fn delete(key: &[u8], seq: Seq) -> InternalKey<'_> {
    InternalKey { user_key: key, seq, kind: Kind::Delete }
}

/// Blocks as they are, and filters of so many bits a key.
pub(in crate::day4) fn with_bits(filter_bits_per_key: usize) -> TableOptions {
    TableOptions { filter_bits_per_key, block_size: 512, ..TableOptions::plain() }
}

/// A table with these entries, whose values are their numbers, on a new disk. If it is to have a
/// filter, it must have one.
#[track_caller]
pub(in crate::day4) fn table_of(
    options: TableOptions,
    entries: &[InternalKey<'_>],
) -> (SimFs, Table) {
    let sim = SimFs::new(0);
    let fs: Arc<dyn Fs> = Arc::new(sim.clone());
    fs.create_dir(Path::new("/db")).expect("the disk works");
    let has_filter = options.filter_bits_per_key > 0;
    let mut builder =
        TableBuilder::create(fs, Path::new(PATH), options).expect("the disk works, and has room");
    for &key in entries {
        let value = if key.kind == Kind::Put { value_of(key.seq) } else { Vec::new() };
        builder.add(key, &value).expect("the entries are in order, and the disk works");
    }
    builder.finish().expect("the disk works");
    let table = open(&sim).unwrap_or_else(|error| panic!("a new table must open: {error}"));
    assert!(
        footer_of(&sim).filter.is_some() == has_filter,
        "a table has a filter block if, and only if, it was built with bits a key {USER_KEYS}"
    );
    (sim, table)
}

/// A table of `stone/000000`, `stone/000002` … : every other number up to twice `count`.
#[track_caller]
pub(in crate::day4) fn table_of_stones(bits_per_key: usize, count: u64) -> (SimFs, Table) {
    let keys: Vec<Vec<u8>> = (0..count).map(|index| key_at(2 * index)).collect();
    let entries: Vec<InternalKey<'_>> = keys.iter().map(|key| put(key, 7)).collect();
    table_of(with_bits(bits_per_key), &entries)
}

pub(in crate::day4) fn open(sim: &SimFs) -> Result<Table> {
    Table::open(sim, Path::new(PATH), 1, None)
}

pub(in crate::day4) fn value_of(seq: Seq) -> Vec<u8> {
    format!("the value of number {seq}").into_bytes()
}

#[track_caller]
pub(in crate::day4) fn expect_found(table: &Table, key: &[u8], seq: Seq, want: &Lookup) {
    let came = table.get(key, seq);
    let came = came.unwrap_or_else(|error| panic!("{} at {seq} failed: {error}", show(key)));
    assert!(
        came == *want,
        "{} at {seq}: want {want:?}, got {came:?} {USER_KEYS}\n{:?}",
        show(key),
        table.stats()
    );
}

/// The table's footer.
#[track_caller]
pub(in crate::day4) fn footer_of(sim: &SimFs) -> Footer {
    let file = sim.contents(PATH);
    let at = file.len() - FOOTER_SIZE;
    let bytes = file[at..].try_into().expect("a footer's size");
    Footer::decode(bytes, at as u64).expect("a table of yours has a good footer")
}

/// The table's filter block.
#[track_caller]
pub(in crate::day4) fn filter_block_of(sim: &SimFs) -> Vec<u8> {
    let handle = footer_of(sim).filter.expect("the table was built with a filter");
    stored(&sim.contents(PATH), handle).to_vec()
}

/// Puts `filter` in the place of the table's filter block, with good checksums all over.
#[track_caller]
pub(in crate::day4) fn replace_filter(sim: &SimFs, filter: &[u8]) {
    let (file, footer) = (sim.contents(PATH), footer_of(sim));
    let mut out = file[..footer.data_end() as usize].to_vec();
    let mut append = |part: &[u8]| {
        let handle = Handle { offset: out.len() as u64, size: part.len() as u32 };
        let with_codec = [part, &[0]].concat();
        let crc = checksum(handle.offset, &with_codec, &[]);
        out.extend_from_slice(&with_codec);
        out.extend_from_slice(&crc.to_le_bytes());
        assert_eq!(with_codec.len() + 4, part.len() + BLOCK_TRAILER_SIZE);
        handle
    };
    let filter = Some(append(filter));
    let index = append(stored(&file, footer.index));
    let properties = append(stored(&file, footer.properties));
    let footer = Footer { index, filter, properties }.encode(out.len() as u64);
    out.extend_from_slice(&footer);
    sim.overwrite(PATH, &out);
}

fn stored(file: &[u8], handle: Handle) -> &[u8] {
    &file[handle.offset as usize..][..handle.size as usize]
}
