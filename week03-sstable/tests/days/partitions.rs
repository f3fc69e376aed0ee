//! Lab partitions: an index too large for memory is a table with an index.

mod given;

use std::path::Path;
use std::sync::Arc;

use given::*;
use memtable::{InternalKey, Lookup};
use sstable::format::{FOOTER_SIZE, Footer, VERSION, VERSION_PARTITIONED};
use sstable::{BlockCache, Filter, FilterBuilder, Table, TableOptions};
use wal::fs::{Fs, SimFs};
use wal::testing::{Workload, seeds, show};

// A filter where it stands.

const IN_PLACE: &str = "(rule 3 of lab partitions: a filter part is asked where it stands, and says \
                        what the decoded filter says)";

fn filter_of(bits: usize, keys: &[&[u8]]) -> Vec<u8> {
    let mut builder = FilterBuilder::new(bits);
    keys.iter().for_each(|key| builder.add(key));
    builder.finish()
}

#[test]
fn a_filter_where_it_stands_says_what_a_decoded_one_says() {
    for (bits, count) in [(1, 1), (1, 400), (10, 400), (64, 50)] {
        let keys: Vec<String> = (0..2 * count).map(user_key).collect();
        let added: Vec<&[u8]> = keys.iter().step_by(2).map(|key| key.as_bytes()).collect();
        let bytes = filter_of(bits, &added);
        let decoded = Filter::decode(&bytes).expect("a good filter");
        for key in &keys {
            let (want, came) = (
                Ok(decoded.may_contain(key.as_bytes())),
                Filter::may_contain_in(&bytes, key.as_bytes()),
            );
            let added = "the decoded filter's word on the right";
            assert_eq!(came, want, "{key}, {count} keys of {bits} bits, {added} {IN_PLACE}");
        }
    }
}

#[test]
fn bytes_that_are_no_filter_are_refused_where_they_stand() {
    for (size, last) in (0..200).flat_map(|size| [0, 1, 6, 30, 31, 255].map(|last| (size, last))) {
        let mut bytes = vec![0xff; size];
        bytes.extend((size > 0).then_some(last));
        let (want, came) = (Filter::decode(&bytes).is_ok(), Filter::may_contain_in(&bytes, b"k"));
        let what = format!("{} bytes, the last of which is {last}", bytes.len());
        assert_eq!(came.is_ok(), want, "{what}: {came:?}, and `decode` says {want} {IN_PLACE}");
    }
}

// Where tables are cut.

#[test]
fn the_file_of_the_chapter_is_cut_as_the_chapter_says() {
    let file = file_of(&cut(64, 1, 10), &entries(STONES));
    let want = [0, 48, 137, 174, 223, 312, 349, 393, 482, 523, 648, 767];
    let each = "data, filter part, index part, and so on; top, properties, footer";
    assert_eq!(places(&file), want, "where the parts begin, {each} {CUT}");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let top = block_at(&file, footer_of(&file).0.index);
    // Lengths, key and trailer; then the handles of filter part and index part.
    let want = "000918 72 01ffffffffffffff df00000000000000 54000000 3801000000000000 20000000";
    let (came, want) = (hex(&top[36..72]), want.replace(' ', ""));
    assert_eq!(came, want, "the second entry of the top {TOP}");
    let want = "00090c 72 01ffffffffffffff ae00000000000000 2c000000 00000000 01000000";
    let came = hex(&parts_of(&file)[1].index_bytes);
    assert_eq!(came, want.replace(' ', ""), "the second index part, whole {CUT}");
}

#[test]
fn the_lookups_of_the_chapter_read_what_the_chapter_says() {
    let given = given(&cut(64, 1, 10), &entries(STONES), None);
    for (key, want) in [("stone", 3), ("slate", 1), ("zinc", 0)] {
        let reads = given.reads_of(|given| given.expect_get(key.as_bytes(), 9));
        assert_eq!(reads, want, "reads to look up {key} in the table of the chapter {ASKS}");
    }
}

#[test]
fn a_partition_ends_where_the_index_has_reached_the_size() {
    for size in [1, 200, 1000, 4096] {
        let file = file_of(&cut(64, size, 10), &numbered(600, 20));
        let parts = parts_of(&file);
        assert!(parts.len() > 1, "600 blocks are more than one partition of {size} bytes {CUT}");
        for (number, part) in parts.iter().enumerate() {
            let came = part.index_bytes.len();
            let pairs: Vec<_> =
                part.index.iter().map(|(key, at)| (key.clone(), at.encode().to_vec())).collect();
            let before = match pairs.len() {
                1 => 0,
                count => block_of(&pairs[..count - 1], 1).len(),
            };
            let what = format!("index part {number} of {}, {came} bytes", parts.len());
            assert!(before < size, "{what}: had {before}, enough, one entry before {CUT}");
            let is_last = number + 1 == parts.len();
            assert!(is_last || came >= size, "{what}: want {size} at least {CUT}");
        }
    }
}

#[test]
fn the_top_has_the_last_key_of_each_index_part() {
    let file = file_of(&cut(64, 300, 10), &numbered(300, 20));
    for (number, part) in parts_of(&file).iter().enumerate() {
        let last = &part.index.last().expect("a block at least").0;
        let (want, came) = (show(last).to_string(), show(&part.top_key).to_string());
        assert_eq!(came, want, "the top's key for partition {number}, and the right one {TOP}");
        let whole = block_of(
            &part.index.iter().map(|(k, at)| (k.clone(), at.encode().to_vec())).collect::<Vec<_>>(),
            1,
        );
        let what = "an index part, and one in which each entry is a restart point";
        assert_eq!(part.index_bytes, whole, "{what} {CUT}");
    }
}

#[test]
fn each_filter_part_has_the_user_keys_of_its_partition_and_no_other() {
    for seed in seeds(40) {
        let entries = random(&mut Workload::new(seed), 60);
        let file = file_of(&cut(80, 60, 10), &entries);
        if !Footer::is_partitioned(file.last_chunk::<FOOTER_SIZE>().expect("a footer")) {
            continue; // Too few entries for two partitions.
        }
        let mut all = Vec::new();
        for (number, part) in parts_of(&file).into_iter().enumerate() {
            let keys: Vec<&[u8]> = part.entries.iter().map(|entry| &entry.user_key[..]).collect();
            let want = Some(filter_of(10, &keys));
            let same = part.filter == want;
            let keys: Vec<String> = keys.into_iter().map(|key| show(key).to_string()).collect();
            assert!(same, "filter part {number} is not that of {keys:?}, seed {seed} {CUT}");
            all.extend(part.entries);
        }
        assert!(all == entries, "the partitions' entries are not those added, seed {seed} {CUT}");
    }
}

#[test]
fn without_bits_there_are_no_filter_parts() {
    let entries = numbered(100, 20);
    let given = given(&cut(64, 200, 0), &entries, None);
    let parts = parts_of(&given.sim.contents(PATH));
    assert!(parts.iter().all(|part| part.filter.is_none()), "filter parts without a bit {CUT}");
    let absent = user_key(101).into_bytes();
    let reads = given.reads_of(|given| given.expect_get(&absent, 9));
    assert_eq!(reads, 2, "reads for an absent key without filters: index part and block {ASKS}");
    let avoided = given.table.stats();
    assert_eq!((avoided.filter_avoided, avoided.filter_misled), (0, 0), "no filter, no merit");
}

#[test]
fn a_table_whose_index_never_reaches_the_size_is_whole() {
    let options = cut(64, 4096, 10);
    let file = file_of(&options, &numbered(50, 20));
    let footer = file.last_chunk::<FOOTER_SIZE>().expect("a footer");
    let decoded = Footer::decode(footer, (file.len() - FOOTER_SIZE) as u64);
    let is_whole = decoded.is_ok_and(|footer| footer.filter.is_some());
    assert!(is_whole, "an index of 50 blocks, smaller than 4096 bytes: {decoded:?} {CUT}");
    let file = file_of(&options, &numbered(200, 20));
    assert!(parts_of(&file).len() > 1, "200 blocks are more than one partition {CUT}");
}

#[test]
fn two_builds_are_the_same_bytes_and_properties_count_data_alone() {
    let (entries, options) = (numbered(500, 30), cut(128, 300, 10));
    let file = file_of(&options, &entries);
    assert!(file == file_of(&options, &entries), "two builds of the same entries {CUT}");
    let sim = SimFs::new(7);
    sim.create_dir(Path::new("/db")).expect("a good disk");
    let built = build(Arc::new(sim.clone()), &options, &entries);
    let data = |part: &Part| part.handles.data_end() - part.start;
    let want: u64 = parts_of(&file).iter().map(data).sum();
    assert_eq!(built.data_size, want, "bytes of data blocks, without parts {CUT}");
    let opened = open(&sim, None).expect("a good table");
    assert_eq!(*opened.properties(), built, "properties when opened, and when built {TOP}");
    assert_eq!(built.format_version, VERSION_PARTITIONED, "the version {TOP}");
}

#[test]
fn a_reader_of_whole_tables_refuses_partitions_by_their_version() {
    let file = file_of(&cut(64, 1, 10), &entries(STONES));
    let (footer, at) = (file.last_chunk::<FOOTER_SIZE>().expect("it"), file.len() - FOOTER_SIZE);
    let bad = Footer::decode(footer, at as u64).expect_err("it knows only the other version");
    let want = (36, "a table of another version");
    assert_eq!((bad.at, bad.reason), want, "what a reader of version {VERSION} says {TOP}");
    let table = open(&disk_with(&file), None);
    assert!(table.is_ok(), "and one that knows it: {table:?} {TOP}");
}

// What lookups find.

#[test]
fn a_get_agrees_with_a_list_of_all_entries() {
    for seed in seeds(60) {
        let mut dice = Workload::new(seed);
        let count = 1 + dice.below(60);
        let entries = random(&mut dice, count);
        let size = [1, 40, 100, 400][dice.below(4)];
        let options = cut([32, 80, 300][dice.below(3)], size, [0, 2, 10][dice.below(3)]);
        let cache = Arc::new(BlockCache::with_shards([0, 700, 1 << 20][dice.below(3)], 1));
        let given = given(&options, &entries, (dice.below(4) > 0).then_some(&cache));
        for target in targets(&entries) {
            given.expect_get(&target.user_key, target.seq);
        }
    }
}

#[test]
fn lookups_at_every_border_find_what_is_there() {
    for size in [1, 100, 300] {
        let entries = numbered(200, 20);
        let given = given(&cut(64, size, 10), &entries, None);
        given.expect_get(b"", 9);
        given.expect_get(b"zzz", 9);
        for part in parts_of(&given.sim.contents(PATH)) {
            let (first, last) = (&part.entries[0], part.entries.last().expect("an entry"));
            let top = InternalKey::decode(&part.top_key).expect("a key");
            for key in [&first.user_key[..], &last.user_key, top.user_key] {
                for key in [key.to_vec(), [key, b"\0"].concat(), key[..key.len() - 1].to_vec()] {
                    [0, 6, 7, 8, u64::MAX].iter().for_each(|&seq| given.expect_get(&key, seq));
                }
            }
        }
    }
}

#[test]
fn versions_of_one_key_in_many_partitions_are_all_found() {
    let text: Vec<String> = (1..=60).rev().map(|seq| format!("stone@{seq}=v{seq}")).collect();
    let all = entries(&format!("marble@3=x {} stove@9=y", text.join(" ")));
    let given = given(&cut(40, 1, 10), &all, None);
    let parts = parts_of(&given.sim.contents(PATH));
    let with = parts.iter().filter(|part| part.entries.iter().any(|e| e.user_key == b"stone"));
    assert!(with.count() > 10, "the versions are in many partitions {CUT}");
    (0..=61).for_each(|seq| given.expect_get(b"stone", seq));
    for key in [&b"marble"[..], b"stove", b"stonf", b"ston"] {
        given.expect_get(key, 9);
    }
}

#[test]
fn tombstones_are_found_through_filter_parts() {
    let mut all = numbered(100, 0);
    for entry in &mut all {
        entry.kind = memtable::Kind::Delete;
    }
    let given = given(&cut(64, 100, 10), &all, None);
    for entry in &all {
        let came = given.table.get(&entry.user_key, 9);
        let is_deleted = matches!(came, Ok(Lookup::Deleted));
        assert!(is_deleted, "{entry}: an older table would be asked, and has it: {came:?} {ASKS}");
    }
}

#[test]
fn whole_and_partitioned_tables_of_one_cache_do_not_meet() {
    let sim = SimFs::new(1);
    sim.create_dir(Path::new("/db")).expect("a good disk");
    let cache = Arc::new(BlockCache::new(1 << 20));
    let whole = TableOptions { index_partition_size: None, ..cut(128, 0, 10) };
    let mut tables = Vec::new();
    for (id, options) in
        [whole.clone(), cut(128, 200, 10), cut(128, 1, 10), whole].iter().enumerate()
    {
        let path = format!("/db/{id}.sst");
        let fs = Arc::new(sim.clone());
        let builder = sstable::TableBuilder::create(fs, Path::new(&path), options.clone());
        let mut builder = builder.expect("a good disk");
        for entry in numbered(200, 10) {
            builder.add(entry.key(), format!("table {id}").as_bytes()).expect("a good disk");
        }
        builder.finish().expect("a good disk");
        let table = Table::open(&sim, Path::new(&path), id as u64, Some(Arc::clone(&cache)));
        tables.push(table.unwrap_or_else(|error| panic!("table {id}: {error} {TOP}")));
    }
    for (entry, _) in numbered(200, 0).iter().flat_map(|entry| [(entry, 1), (entry, 2)]) {
        for (id, table) in tables.iter().enumerate() {
            let want = Lookup::Value(format!("table {id}").into());
            let came = table.get(&entry.user_key, 9).expect("a good disk");
            assert_eq!(came, want, "{entry} in table {id} of four {CACHED}");
        }
    }
}

mod cost;
mod cursor;
mod hostile;
mod kept;
