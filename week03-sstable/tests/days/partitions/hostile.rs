//! Files that somebody or something has changed.

use memtable::Cursor;
use sstable::Block;
use sstable::format::{FOOTER_SIZE, Handle, Partition};
use wal::fs::SimFs;
use wal::testing::{Workload, seeds};

use super::given::*;

#[test]
fn every_flipped_byte_is_named_and_no_answer_is_wrong() {
    let all = entries(STONES);
    let file = file_of(&cut(64, 1, 10), &all);
    let places = places(&file);
    let top_at = footer_of(&file).0.index.offset;
    for at in 0..file.len() {
        let part = *places.iter().rfind(|&&place| place <= at as u64).expect("the first is 0");
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = file.clone();
            damaged[at] ^= flip;
            let what = format!("byte {at} of the file, xor {flip:#04x}");
            if part < top_at {
                expect_right_or_named(&disk_with(&damaged), &all, part, &what);
            } else {
                expect_refused(&damaged, part, &what);
            }
        }
    }
}

/// Whatever a lookup or a walk says of the damaged file is an error that names the part at `at`, or
/// right.
#[track_caller]
fn expect_right_or_named(sim: &SimFs, all: &[Entry], at: u64, what: &str) {
    let table = open(sim, None);
    let table =
        table.unwrap_or_else(|error| panic!("{what}, in no part of the top: {error} {TOP}"));
    let mut failed = 0;
    for entry in all {
        let want = in_list(all, &entry.user_key, entry.seq);
        let came = table.get(&entry.user_key, entry.seq);
        failed += usize::from(came.is_err());
        let is_right = came.as_ref().is_ok_and(|came| *came == want);
        assert!(
            names_part(&came, at) || is_right,
            "{what}: {entry}: want {want:?}, or an error that names byte {at}; got {came:?} {TOP}"
        );
    }
    assert!(failed > 0, "{what}: all is found, and nobody hears of the damage {TOP}");
    for forward in [true, false] {
        let mut cursor = table.cursor();
        let mut result = if forward { cursor.first() } else { cursor.last() };
        for place in 0..all.len() {
            let Some(came) = entry_of(&cursor) else { break };
            let want = &all[if forward { place } else { all.len() - 1 - place }];
            assert!(came == *want, "{what}: a walk gives {came} in the place of {want} {WALKS}");
            result = if forward { cursor.next() } else { cursor.prev() };
        }
        // A walk does not look at filter parts.
        let is_named = names_part(&result, at) || result.is_ok();
        assert!(is_named && cursor.key().is_none(), "{what}: a walk ends with {result:?} {WALKS}");
    }
}

#[test]
fn every_other_length_of_a_file_is_refused() {
    let file = file_of(&cut(64, 1, 10), &entries(STONES));
    for size in 0..file.len() {
        let opened = open(&disk_with(&file[..size]), None).map(|_| "a table");
        assert!(opened.is_err(), "the first {size} bytes of {}: {opened:?} {TOP}", file.len());
    }
    for more in 1..2 * FOOTER_SIZE {
        let opened = open(&disk_with(&[&file[..], &vec![0; more]].concat()), None);
        assert!(opened.is_err(), "{more} zeros behind the footer: {opened:?} {TOP}");
    }
}

/// What a top says: keys, encoded, and where the parts are.
type Top = Vec<(Vec<u8>, Partition)>;

/// A good file, and its top.
fn good() -> (Vec<u8>, Top) {
    let file = file_of(&cut(64, 1, 10), &entries(STONES));
    let parts = parts_of(&file).into_iter().map(|part| (part.top_key, part.handles)).collect();
    (file, parts)
}

/// The file with a top of these, in any order.
fn with_partitions(file: &[u8], parts: &[(Vec<u8>, Partition)]) -> Vec<u8> {
    let pairs: Vec<_> =
        parts.iter().map(|(key, part)| (key.clone(), part.encode().to_vec())).collect();
    with_top(file, &block_of(&pairs, 16))
}

#[test]
fn a_top_whose_partitions_do_not_fill_the_file_is_refused() {
    let (file, good) = good();
    let (top_at, last) = (footer_of(&file).0.index.offset, good.len() - 1);
    assert!(open(&disk_with(&with_partitions(&file, &good)), None).is_ok(), "the good top {TOP}");
    let refuse = |what: &str, change: &dyn Fn(&mut Top)| {
        let mut parts = good.clone();
        change(&mut parts);
        expect_refused(&with_partitions(&file, &parts), top_at, what);
    };
    let moved = |handle: Handle, by: i64| Handle {
        offset: handle.offset.wrapping_add_signed(by),
        ..handle
    };
    // What is missing in front of others looks like data of theirs. The properties know better.
    for at in 0..last {
        let mut parts = good.clone();
        parts.remove(at);
        let properties_at = footer_of(&with_partitions(&file, &parts)).0.properties.offset;
        let what = format!("partition {at} is missing");
        expect_refused(&with_partitions(&file, &parts), properties_at, &what);
    }
    refuse("the last one is missing", &|parts| drop(parts.pop()));
    refuse("an index part at the top itself", &|parts| parts[last].1.index.offset = top_at);
    refuse("both parts at the same place", &|parts| parts[1].1.filter = Some(parts[1].1.index));
    refuse("parts of the partition before", &|parts| parts[1].1 = parts[0].1);
    refuse("parts of the one behind", &|parts| parts[0].1 = parts[1].1);
    refuse("an index part behind the end", &|parts| parts[last].1.index.offset = u64::MAX - 3);
    refuse("an index part as large as can be", &|parts| parts[last].1.index.size = u32::MAX);
    refuse("a filter part as large as can be", &|parts| {
        parts[0].1.filter = Some(Handle { offset: 1, size: u32::MAX });
    });
    refuse("a filter part at the very end", &|parts| {
        parts[0].1.filter = Some(Handle { offset: u64::MAX, size: 0 });
    });
    refuse("a filter part at 0: no room for data", &|parts| {
        let index = parts[0].1.index;
        let size = (index.offset - 5) as u32;
        parts[0].1.filter = Some(Handle { offset: 0, size });
    });
    let grown =
        |handle: Handle, by: i32| Handle { size: handle.size.wrapping_add_signed(by), ..handle };
    for (by, at) in [-1, 1].into_iter().flat_map(|by| (0..=last).map(move |at| (by, at))) {
        refuse(&format!("index part {at} moved by {by}"), &|parts| {
            parts[at].1.index = moved(parts[at].1.index, by);
        });
        refuse(&format!("filter part {at} moved by {by}"), &|parts| {
            parts[at].1.filter = parts[at].1.filter.map(|handle| moved(handle, by));
        });
        refuse(&format!("the size of filter part {at} changed by {by}"), &|parts| {
            parts[at].1.filter = parts[at].1.filter.map(|handle| grown(handle, by as i32));
        });
    }
}

#[test]
fn borders_between_partitions_that_moved_give_errors_and_no_wrong_answer() {
    let all = entries(STONES);
    let (file, good) = good();
    for (by, at) in [-20, -1, 1, 20].into_iter().flat_map(|by| [(by, 0), (by, 1)]) {
        // Both parts: what is missing here is data of the next one, and the sum is the same.
        let mut parts = good.clone();
        let Partition { filter, index } = &mut parts[at].1;
        for handle in filter.iter_mut().chain([index]) {
            handle.offset = handle.offset.wrapping_add_signed(by);
        }
        let Ok(table) = open(&disk_with(&with_partitions(&file, &parts)), None) else { continue };
        let what = format!("both parts of partition {at} moved by {by}");
        let mut failed = 0;
        for entry in &all {
            let want = in_list(&all, &entry.user_key, entry.seq);
            let came = table.get(&entry.user_key, entry.seq);
            failed += usize::from(came.is_err());
            let is_fine = came.as_ref().map_or(true, |came| *came == want);
            assert!(is_fine, "{what}: {entry}: want {want:?} or an error, got {came:?} {TOP}");
        }
        assert!(failed > 0, "{what}: every lookup is answered, and nobody hears of it {TOP}");
    }
}

#[test]
fn a_top_whose_keys_or_values_are_none_is_refused() {
    let (file, good) = good();
    let top_at = footer_of(&file).0.index.offset;
    let pairs: Vec<_> =
        good.iter().map(|(key, part)| (key.clone(), part.encode().to_vec())).collect();
    for size in [0, 12, 23, 25, 36] {
        let mut pairs = pairs.clone();
        pairs[1].1.resize(size, 0);
        let what = format!("a value of {size} bytes in the place of two handles");
        expect_refused(&with_top(&file, &block_of(&pairs, 16)), top_at, &what);
    }
    for (what, from) in [("the same key twice", 0), ("keys that descend", 2)] {
        let mut pairs = pairs.clone();
        pairs[1].0 = pairs[from].0.clone();
        if from == 2 {
            pairs[2].0 = good[1].0.clone();
        }
        // Restart points all over, so that it is a good block but for the order.
        expect_refused(&with_top(&file, &block_of(&pairs, 1)), top_at, what);
    }
    for size in 0..20 {
        let opened = open(&disk_with(&with_top(&file, &vec![0; size])), None);
        assert!(opened.is_err(), "a top of {size} zeros: {opened:?} {TOP}");
    }
}

#[test]
fn properties_that_do_not_agree_with_the_top_are_refused() {
    let (file, _) = good();
    let (footer, _) = footer_of(&file);
    let properties = block_at(&file, footer.properties);
    for by in [1, 2, 255] {
        let (mut file, mut properties) = (file.clone(), properties.clone());
        properties[48] = properties[48].wrapping_add(by); // Byte 48 begins the size of the data.
        reseal(&mut file, footer.properties, &properties);
        expect_refused(&file, footer.properties.offset, "another size of the data blocks");
    }
}

#[test]
fn a_part_that_is_not_what_the_top_says_is_an_error() {
    let all = entries(STONES);
    let (file, good) = good();
    let index = good[1].1.index;
    let filter = good[1].1.filter.expect("there are filters");
    let (index_bytes, filter_bytes) = (block_at(&file, index), block_at(&file, filter));
    let first = parts_of(&file)[1].entries[0].clone();
    let expect_error = |file: &[u8], at: u64, what: &str| {
        let table = open(&disk_with(file), None).expect("no part is read to open a table");
        for _ in 0..2 {
            let came = table.get(&first.user_key, 99);
            assert!(names_part(&came, at), "{what}: {came:?}, want an error at {at} {TOP}");
        }
        for entry in &all {
            let (want, came) = (in_list(&all, &entry.user_key, 99), table.get(&entry.user_key, 99));
            let is_fine = names_part(&came, at) || came.as_ref().is_ok_and(|came| *came == want);
            assert!(is_fine, "{what}: {entry}: want {want:?} or an error, got {came:?} {TOP}");
        }
    };
    // The index part's only handle stands at its end, in front of a restart point and a count.
    let handle_at = index_bytes.len() - 8 - 12;
    for (at, byte) in [(0, 0), (0, 1), (8, 0), (8, 255), (7, 255), (11, 255)] {
        let (mut file, mut bytes) = (file.clone(), index_bytes.clone());
        if bytes[handle_at + at] == byte {
            continue;
        }
        bytes[handle_at + at] = byte;
        reseal(&mut file, index, &bytes);
        expect_error(&file, index.offset, &format!("byte {at} of a handle in an index part"));
    }
    let (mut changed, mut bytes) = (file.clone(), index_bytes);
    bytes[3] = bytes[3].wrapping_add(1); // The first byte of its key.
    reseal(&mut changed, index, &bytes);
    expect_error(&changed, index.offset, "an index part whose last key is not the top's");
    let (mut changed, mut bytes) = (file.clone(), filter_bytes);
    let probes_at = bytes.len() - 9;
    bytes[probes_at] = 0;
    reseal(&mut changed, filter, &bytes);
    expect_error(&changed, filter.offset, "a filter part without probes");
}

#[test]
fn a_gap_between_two_blocks_of_a_partition_is_an_error() {
    let all = numbered(40, 20);
    let file = file_of(&cut(64, 120, 0), &all);
    let index = parts_of(&file)[0].handles.index;
    let bytes = block_at(&file, index);
    let mut cursor = Block::parse(bytes.clone().into()).expect("a good part").cursor();
    cursor.first().expect("a good part");
    cursor.next().expect("a good part");
    let second = cursor.value();
    let at = bytes.windows(second.len()).position(|window| window == second);
    let size_at = at.expect("a value stands in its block") + 8;
    for by in [1, 255] {
        let (mut file, mut bytes) = (file.clone(), bytes.clone());
        bytes[size_at] = bytes[size_at].wrapping_add(by);
        reseal(&mut file, index, &bytes);
        let table = open(&disk_with(&file), None).expect("no part is read to open a table");
        let came = table.get(&all[0].user_key, 99);
        assert!(
            names_part(&came, index.offset),
            "the second block of a partition ends {by} bytes (of 256) off where the third begins: \
             {came:?}, want an error at {} {TOP}",
            index.offset
        );
    }
}

#[test]
fn good_checksums_over_any_bytes_make_no_panic_and_no_endless_walk() {
    for seed in seeds(150) {
        let mut dice = Workload::new(seed);
        let all = random(&mut dice, 12);
        let file = file_of(&cut(40, [1, 60][dice.below(2)], 10), &all);
        let footer = file.last_chunk::<FOOTER_SIZE>().expect("a footer");
        if !sstable::format::Footer::is_partitioned(footer) {
            continue; // Too few entries.
        }
        let parts = parts_of(&file);
        for _ in 0..4 {
            let mut file = file.clone();
            let part = &parts[dice.below(parts.len())];
            let handle = match dice.below(4) {
                0 => part.handles.filter.expect("there are filters"),
                1 => footer_of(&file).0.index,
                _ => part.handles.index,
            };
            let mut bytes = block_at(&file, handle);
            for _ in 0..1 + dice.below(3) {
                let at = dice.below(bytes.len());
                let byte = [0, 1, 0xff, bytes[at].wrapping_add(1), dice.below(256) as u8];
                bytes[at] = byte[dice.below(5)];
            }
            reseal(&mut file, handle, &bytes);
            use_all(&disk_with(&file), &targets(&all), 10 * all.len() + 10);
        }
    }
}

/// Every move and every lookup, and what they say does not matter.
fn use_all(sim: &SimFs, targets: &[Entry], limit: usize) {
    let Ok(table) = open(sim, None) else { return };
    let mut cursor = table.cursor();
    for target in targets {
        let _ = table.get(&target.user_key, target.seq);
        let _ = cursor.seek(target.key()).and_then(|()| cursor.next());
        let _ = cursor.seek_back(target.key()).and_then(|()| cursor.prev());
    }
    for forward in [true, false] {
        let mut cursor = table.cursor();
        let mut moved = if forward { cursor.first() } else { cursor.last() };
        for count in 0.. {
            assert!(count <= limit, "a walk of more than {limit} entries never ends {WALKS}");
            if moved.is_err() || cursor.key().is_none() {
                break;
            }
            moved = if forward { cursor.next() } else { cursor.prev() };
        }
        assert!(cursor.key().is_none(), "behind its end, or an error: at none {WALKS}");
    }
}
