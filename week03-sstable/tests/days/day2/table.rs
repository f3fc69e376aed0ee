//! The file, its entries, and what is refused.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use memtable::{InternalKey, Kind};
use sstable::format::ENTRY_SIZE_MAX;
use sstable::{BlockBuilder, Codec, Properties, TableBuilder, TableOptions, shortest_separator};
use wal::Error;
use wal::testing::{Workload, seeds};

use super::given::*;
use crate::{MEMORY, allocated_by};

const TAKEN: &str = "(rule 3 of day 2: an entry goes in behind the last one, or is refused and \
                     leaves nothing; the builder goes on)";
const BLOCKS: &str = "(rule 3 of day 2: a block ends before an entry with which it could get larger \
                      than `block_size`)";
const INDEX: &str = "(rule 4 of day 2: for each data block its separator from the next; for the \
                     last block, its last key)";

/// What stands around key and value of an entry at most.
const OVERHEAD: usize = 27;

#[test]
fn a_table_of_one_entry_is_one_block_and_its_key_is_the_separator() {
    for words in ["a@1=x", "stone@7-", "@3=", "@1-"] {
        let only = entries(words);
        let table = TableFile::read(&file_of(&TableOptions::plain(), &only));
        assert_eq!(table.all_entries().concat(), only, "the entries of the only block {LAYOUT}");
        assert_eq!(table.separators, [encode(only[0].key())], "its separator {INDEX}");
    }
}

#[test]
fn parts_lie_one_behind_the_other_without_gaps() {
    for_random_tables(|options, entries| {
        // Reading it compares the places.
        let table = TableFile::read(&file_of(options, entries));
        assert!(!table.blocks.is_empty(), "{entries:?} are in no data block at all {LAYOUT}");
    });
}

#[test]
fn behind_each_block_stand_its_codec_and_its_checksum() {
    for_random_tables(|options, entries| {
        for part in TableFile::read(&file_of(options, entries)).parts() {
            let (name, handle) = (&part.name, part.handle);
            assert_eq!(part.codec, Codec::None as u8, "the codec of {name} at {handle:?} {LAYOUT}");
            let expected = part.expected_crc();
            assert_eq!(
                part.crc, expected,
                "the checksum of {name} at {handle:?}, and what it should be: over the offset's 8 \
                 bytes, the block as it is stored, and the codec's number {LAYOUT}"
            );
        }
    });
}

#[test]
fn index_and_properties_are_stored_as_they_are() {
    // Keys that compress well; data blocks may be compressed, from day 6 on.
    let options =
        TableOptions { block_size: 200, filter_bits_per_key: 0, ..TableOptions::default() };
    let entries: Vec<Entry> =
        (0..200).map(|n| Entry::put(format!("{:0>60}", 2 * n), n + 1, vec![b'x'; 90])).collect();
    let file = file_of(&options, &entries);
    let footer_at = file.len() - sstable::format::FOOTER_SIZE;
    for (name, at) in [("the index", footer_at), ("the properties", footer_at + 24)] {
        let handle = file[at..][..12].try_into().map(sstable::format::Handle::decode);
        let handle = handle.expect("twelve bytes");
        let codec = file[(handle.offset + u64::from(handle.size)) as usize];
        assert_eq!(codec, 0, "the codec of {name}: only data blocks are compressed (rule 1)");
    }
}

#[test]
fn all_entries_are_in_the_table_in_order() {
    for_random_tables(|options, entries| {
        let found = TableFile::read(&file_of(options, entries)).all_entries().concat();
        assert!(found == entries, "what is in it:\n  {found:?}\nadded:\n  {entries:?}\n{TAKEN}");
    });
}

#[test]
fn a_block_ends_before_an_entry_with_which_it_could_get_too_large() {
    for_random_tables(|options, entries| {
        let (mut expected, mut block) = (vec![Vec::new()], BlockBuilder::new(16));
        for entry in entries {
            let size = entry.user_key.len() + entry.value.len() + OVERHEAD;
            if !block.is_empty() && block.size() + size > options.block_size {
                expected.push(Vec::new());
                block.clear();
            }
            block.add(entry.key(), &entry.value);
            expected.last_mut().expect("the first is there").push(entry.clone());
        }
        let found = TableFile::read(&file_of(options, entries)).all_entries();
        assert!(
            found == expected,
            "blocks of {}: the table has\n  {found:?}\nand should have\n  {expected:?}\n{BLOCKS}",
            options.block_size
        );
    });
}

#[test]
fn a_block_that_is_just_filled_is_not_cut() {
    let two = entries("a@2=x b@1=y");
    // One entry takes 13 bytes; with a restart point and their count, the block has 21.
    for (block_size, count) in [(21 + 2 + OVERHEAD, 1), (21 + 2 + OVERHEAD - 1, 2)] {
        let table = TableFile::read(&file_of(&blocks_of(block_size), &two));
        assert_eq!(table.blocks.len(), count, "blocks of {block_size} bytes for a and b {BLOCKS}");
    }
}

#[test]
fn a_large_entry_is_alone_in_its_block() {
    let large = Entry::put("b", 2, vec![7; 100_000]);
    let three = [Entry::put("a", 1, "x"), large, Entry::put("c", 3, "y")];
    let table = TableFile::read(&file_of(&TableOptions::plain(), &three));
    assert_eq!(table.all_entries(), three.map(|entry| vec![entry]), "entries by block {BLOCKS}");
}

#[test]
fn the_index_has_the_shortest_separator_of_each_block_from_the_next() {
    for_random_tables(|options, entries| {
        let table = TableFile::read(&file_of(options, entries));
        let blocks = table.all_entries();
        for (number, pair) in blocks.windows(2).enumerate() {
            let last = pair[0].last().expect("no block is empty");
            let mut expected = Vec::new();
            shortest_separator(last.key(), &pair[1][0].user_key, &mut expected);
            let found = &table.separators[number];
            assert_eq!(
                found.escape_ascii().to_string(),
                expected.escape_ascii().to_string(),
                "the separator of block {number}, which ends with {last:?}, from the next, which \
                 begins with {:?} {INDEX}",
                pair[1][0]
            );
        }
        let last = encode(entries.last().expect("there is one").key());
        assert_eq!(table.separators.last(), Some(&last), "the last block's separator {INDEX}");
    });
}

#[test]
fn versions_of_one_key_may_lie_on_both_sides_of_a_border() {
    let versions: Vec<Entry> =
        (1..=40).rev().map(|seq| Entry::put("stone", seq, vec![0; 20])).collect();
    let table = TableFile::read(&file_of(&blocks_of(150), &versions));
    let ends: Vec<_> = table.all_entries().iter().map(|block| block.last().cloned()).collect();
    assert!(ends.len() > 5, "40 versions are in {} blocks of 150 bytes {BLOCKS}", ends.len());
    for (separator, end) in table.separators.iter().zip(ends) {
        let end = end.expect("no block is empty");
        let found = InternalKey::decode(separator).expect("a separator is an internal key");
        assert_eq!(
            found,
            end.key(),
            "the separator of a block that ends with {end:?}: no shorter key lies between two \
             versions of one key, so it is that version, number and kind {INDEX}"
        );
    }
}

#[test]
fn properties_count_what_is_in_the_table() {
    for_random_tables(|options, entries| {
        let (fs, found) = built(options, entries);
        let table = TableFile::read(&fs.contents(Path::new(DIR).join(NAME)));
        let sum = |size: fn(&Entry) -> usize| entries.iter().map(size).sum::<usize>() as u64;
        let data_size = table.index.handle.offset;
        let expected = Properties {
            format_version: 1,
            entry_count: entries.len() as u64,
            tombstone_count: sum(|entry| usize::from(entry.kind == Kind::Delete)),
            raw_key_size: sum(|entry| entry.user_key.len() + 8),
            raw_value_size: sum(|entry| entry.value.len()),
            smallest_seq: entries.iter().map(|entry| entry.seq).min().expect("there is one"),
            largest_seq: entries.iter().map(|entry| entry.seq).max().expect("there is one"),
            data_size,
            raw_data_size: data_size,
            block_counts: [table.blocks.len() as u32, 0, 0, 0],
            smallest_key: encode(entries[0].key()),
            largest_key: encode(entries[entries.len() - 1].key()),
        };
        assert_eq!(found, expected, "what `finish` returns, and what is in the table (rule 3)");
    });
}

#[test]
fn the_properties_in_the_file_are_those_that_are_returned() {
    for_random_tables(|options, entries| {
        let (fs, returned) = built(options, entries);
        let table = TableFile::read(&fs.contents(Path::new(DIR).join(NAME)));
        let bytes = &table.properties.bytes;
        let numbers: Vec<u64> = (bytes[..64].as_chunks::<8>().0.iter())
            .map(|number| u64::from_le_bytes(*number))
            .collect();
        let expected = [
            returned.entry_count,
            returned.tombstone_count,
            returned.raw_key_size,
            returned.raw_value_size,
            returned.smallest_seq,
            returned.largest_seq,
            returned.data_size,
            returned.raw_data_size,
        ];
        let why = "the numbers in the file's properties, and those that `finish` returns (rule 3 \
                   of day 2; the properties are written when everything is counted)";
        assert_eq!(numbers, expected, "{why}");
        let counts = returned.block_counts.map(u32::to_le_bytes).concat();
        assert_eq!(bytes[64..80], counts, "data blocks by codec, likewise: {why}");
        let keys = [&returned.smallest_key[..], &returned.largest_key].concat();
        assert_eq!(bytes[88..], keys, "smallest and largest key, likewise: {why}");
    });
}

#[test]
fn two_builds_of_the_same_entries_are_the_same_bytes() {
    for_random_tables(|options, entries| {
        let files = [3, 4].map(|seed| {
            let fs = disk(seed);
            build(&fs, options, entries).expect("a good disk takes it");
            fs.contents(Path::new(DIR).join(NAME))
        });
        assert!(files[0] == files[1], "the same input, other bytes {LAYOUT}");
    });
}

// What is refused.

#[test]
fn a_key_that_is_not_behind_the_last_is_refused() {
    for last in ["b@5=x", "b@5-"] {
        let mut builder = builder(&disk(1), &blocks_of(64)).expect("a good disk");
        let last = entries(last).remove(0);
        builder.add(last.key(), &last.value).expect("the first entry fits");
        for word in ["b@5=x", "b@6=", "b@6-", "b@9=x", "a@1=x", "a@9-", "@5=", "aa@5="] {
            let entry = entries(word).remove(0);
            let result = builder.add(entry.key(), &entry.value);
            let kind = result.as_ref().err().and_then(Error::io_kind);
            assert_eq!(
                kind,
                Some(ErrorKind::InvalidInput),
                "{entry:?} behind {last:?} must be refused as invalid input, and gives {result:?} \
                 {TAKEN}"
            );
            assert_eq!(builder.entry_count(), 1, "entries after {entry:?} was refused {TAKEN}");
        }
    }
}

#[test]
fn an_older_version_and_a_tombstone_of_the_same_number_are_behind() {
    let all = entries("@9=x @9- @3= a@5=x a@5- a@4- a@3=y a\0@9=z b@1-");
    let found = TableFile::read(&file_of(&blocks_of(64), &all)).all_entries().concat();
    assert_eq!(found, all, "all of these are in order, by key, then newest first {TAKEN}");
}

#[test]
fn what_is_refused_leaves_nothing_in_the_table() {
    let stones = entries(STONES);
    let too_large = vec![0; ENTRY_SIZE_MAX];
    for block_size in [1, 64, 4096] {
        let fs = disk(1);
        let mut builder = builder(&fs, &blocks_of(block_size)).expect("a good disk");
        for entry in &stones {
            builder.add(entry.key(), &entry.value).expect("it is in order");
            let writes = fs.counts().writes;
            let (size, smaller) = (builder.estimated_size(), InternalKey::lookup(b"a", 99));
            builder.add(entry.key(), b"again").expect_err("the same key");
            builder.add(smaller, b"").expect_err("a smaller key");
            builder.add(InternalKey::lookup(b"zzz", 9), &too_large).expect_err("it is too large");
            assert_eq!(fs.counts().writes, writes, "writes while all was refused {TAKEN}");
            assert_eq!(builder.estimated_size(), size, "size after all was refused {TAKEN}");
        }
        let found = builder.finish().expect("what was refused does no harm");
        let table = fs.contents(Path::new(DIR).join(NAME));
        let expected = file_of(&blocks_of(block_size), &stones);
        assert!(table == expected, "with refused entries in between, other bytes {TAKEN}");
        assert_eq!(found.entry_count, 4, "the entries that were taken {TAKEN}");
    }
}

#[test]
fn an_entry_of_the_limit_is_taken_and_one_byte_more_is_refused() {
    let create = || {
        let void = Arc::new(Void::default());
        let path = Path::new(DIR).join(NAME);
        TableBuilder::create(void, &path, TableOptions::plain()).expect("it takes all")
    };
    let value = vec![0; ENTRY_SIZE_MAX - 8];
    for key_size in [0, 1, 1000] {
        let (mut builder, key) = (create(), vec![b'k'; key_size]);
        let key = InternalKey { user_key: &key, seq: 1, kind: Kind::Put };
        if key_size > 0 {
            let result = builder.add(key, &value[key_size - 1..]);
            let Err(Error::RecordTooLarge { size, limit }) = result else {
                panic!("an entry of {} bytes must be too large: {result:?}", ENTRY_SIZE_MAX + 1);
            };
            let expected = (ENTRY_SIZE_MAX + 1, ENTRY_SIZE_MAX);
            assert_eq!((size, limit), expected, "size and limit: key, its 8 bytes, value {TAKEN}");
        }
        let result = builder.add(key, &value[key_size..]);
        assert!(result.is_ok(), "{ENTRY_SIZE_MAX} bytes are not too large: {result:?} {TAKEN}");
    }
}

#[test]
fn a_table_without_entries_is_refused_and_leaves_nothing() {
    let fs = disk(1);
    let mut builder = builder(&fs, &TableOptions::plain()).expect("a good disk");
    let too_large = vec![0; ENTRY_SIZE_MAX];
    let refused = builder.add(InternalKey::lookup(b"k", 1), &too_large);
    assert!(matches!(refused, Err(Error::RecordTooLarge { .. })), "too large: {refused:?} {TAKEN}");
    let result = builder.finish();
    let kind = result.as_ref().err().and_then(Error::io_kind);
    let why = "nothing was taken, so there is no table (rule 3 of day 2)";
    assert_eq!(kind, Some(ErrorKind::InvalidInput), "{result:?}: {why}");
    assert_eq!(names(&fs), [""; 0], "files that are left: {why}");
}

// Memory.

#[test]
fn memory_stays_that_of_a_block_while_100_mb_go_through() {
    const ENTRIES: u64 = 100_000;
    let value = [7; 1000];
    let void = Void::default();
    let fs = Arc::new(void.clone());
    let options = blocks_of(16 << 10);
    let mut builder =
        TableBuilder::create(fs, &Path::new(DIR).join(NAME), options).expect("it takes all");
    let before = MEMORY.allocated();
    let mut least = usize::MAX;
    for number in 0..ENTRIES {
        let key = number.to_be_bytes();
        let key = InternalKey { user_key: &key, seq: number + 1, kind: Kind::Put };
        builder.add(key, &value).expect("a disk that takes everything");
        // Others may allocate at the same time: the least of all that was held counts.
        if number >= ENTRIES / 2 {
            least = least.min(MEMORY.allocated().saturating_sub(before));
        }
    }
    let written = void.size.load(Ordering::Relaxed);
    assert!(written > 99_000_000, "of 100 MB, {written} bytes are on the disk before the end");
    assert!(
        least < 512 << 10,
        "the builder holds {least} bytes when half of 100 MB have gone through: one block of 16 \
         KiB and an index of some 100 KB are all that it needs (rule 3 of day 2)"
    );
    let properties = builder.finish().expect("a disk that takes everything");
    assert_eq!(properties.entry_count, ENTRIES, "entries in the table {TAKEN}");
}

#[test]
fn the_memory_of_a_block_serves_the_next() {
    const BLOCKS: usize = 200;
    let value = [7; 1000];
    let allocated = allocated_by(20, || {
        let void = Arc::new(Void::default());
        let path = Path::new(DIR).join(NAME);
        let mut builder = TableBuilder::create(void, &path, blocks_of(16 << 10)).expect("a disk");
        for number in 0..16 * BLOCKS as u64 {
            let key = number.to_be_bytes();
            let key = InternalKey { user_key: &key, seq: number + 1, kind: Kind::Put };
            builder.add(key, &value).expect("a disk that takes everything");
        }
    });
    assert!(
        allocated < BLOCKS * (2 << 10),
        "{allocated} bytes were allocated for {BLOCKS} blocks of 16 KiB: the memory in which a \
         block was filled or put together is there for the next one (`clear` keeps it)"
    );
}

/// Runs `test` for entries of many kinds, in blocks of several sizes.
#[track_caller]
fn for_random_tables(test: impl Fn(&TableOptions, &[Entry])) {
    for seed in seeds(40) {
        let mut dice = Workload::new(seed);
        let count = 1 + dice.below(100);
        let entries = random(&mut dice, count);
        for block_size in [0, 64, 100 + dice.below(400), 4096] {
            test(&blocks_of(block_size), &entries);
        }
    }
}

#[test]
fn a_builder_says_how_much_it_has() {
    let options = TableOptions { block_size: 300, ..TableOptions::plain() };
    let entries: Vec<Entry> =
        (0..200).map(|n| Entry::put(format!("key{n:05}"), 7, vec![b'x'; n % 90])).collect();
    let fs = disk(1);
    let mut builder = builder(&fs, &options).expect("a good disk takes it");
    let mut last = 0;
    for (count, entry) in entries.iter().enumerate() {
        let came = builder.entry_count();
        assert_eq!(came, count as u64, "entries that were added {TAKEN}");
        builder.add(entry.key(), &entry.value).expect("entries are in order");
        let size = builder.estimated_size();
        assert!(size > last, "with one entry more: {size} bytes, and {last} before {TAKEN}");
        last = size;
    }
    builder.finish().expect("a good disk takes it");
    let size = fs.contents(Path::new(DIR).join(NAME)).len() as u64;
    // What is still to come: two trailers, the handle of the last block, properties, footer.
    assert!(
        last <= size && size <= last + 300,
        "before it was finished: {last} bytes about; the file has {size} {TAKEN}"
    );
}

#[test]
fn properties_name_the_first_and_the_last_user_key() {
    for text in ["@1=", "stone@7=x", "a@9=1 a@4- stove@2=y", "marble@7=x quartz@9=y"] {
        let entries = entries(text);
        let (_, properties) = built(&TableOptions::plain(), &entries);
        let came = (properties.smallest_user_key(), properties.largest_user_key());
        let want = (&entries[0].user_key[..], &entries[entries.len() - 1].user_key[..]);
        assert_eq!(came, want, "first and last user key of {text} {TAKEN}");
    }
}
