//! Where a compaction is cut, and into how many parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use lsm::compaction::Compaction;
use lsm::parts::{cuts, part_count, ranges};
use lsm::{LsmOptions, TableMeta};
use wal::testing::{Workload, seeds, show};

use super::given::*;

/// Pieces as a text: `c:50 d:30`.
fn pieces(text: &str) -> Vec<(&[u8], u64)> {
    let words = text.split_whitespace().map(|word| word.split_once(':').expect("a key and a size"));
    words.map(|(key, size)| (key.as_bytes(), size.parse().expect("a size"))).collect()
}

#[track_caller]
fn expect_cuts(text: &str, part_count: usize, want: &str) {
    let came = cuts(pieces(text), part_count);
    let came: Vec<_> = came.into_iter().map(String::from_utf8_lossy).collect();
    assert_eq!(came.join(" "), want, "cuts of {text} for {part_count} parts {CUTS}");
}

#[test]
fn the_pieces_of_the_chapter_are_cut_as_it_says() {
    let text = "f:40 s:40 d:30 p:30 c:50 h:50 m:50 t:50";
    expect_cuts(text, 3, "f p");
    expect_cuts(text, 2, "h");
    expect_cuts(text, 1, "");
}

#[test]
fn equal_pieces_are_cut_into_equal_parts() {
    let keys: Vec<String> = (0..60).map(key).collect();
    for part_count in [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60] {
        let pieces = keys.iter().map(|key| (key.as_bytes(), 7)).collect();
        let came = cuts(pieces, part_count);
        let size = 60 / part_count;
        let want: Vec<&[u8]> =
            (1..part_count).map(|part| keys[part * size - 1].as_bytes()).collect();
        assert_eq!(
            came.iter().map(|cut| show(cut).to_string()).collect::<Vec<_>>(),
            want.iter().map(|cut| show(cut).to_string()).collect::<Vec<_>>(),
            "cuts of 60 equal pieces for {part_count} parts {CUTS}"
        );
    }
}

#[test]
fn a_large_key_leaves_the_rest_to_be_shared() {
    expect_cuts("a:600 b:100 c:100 d:100 e:100", 4, "a c d");
    expect_cuts("a:10 b:600 c:10 d:10 e:10 f:10", 4, "b d e");
    expect_cuts("a:100 b:100 c:100 d:600", 4, "c");
}

#[test]
fn pieces_of_one_key_are_on_one_side_of_a_cut() {
    expect_cuts("b:10 a:10 b:10 a:10 b:10 c:10", 2, "b");
    expect_cuts("a:10 k:30 k:30 k:30 z:10", 4, "k");
    expect_cuts("k:30 k:30 k:30", 3, "");
}

#[test]
fn there_are_no_more_parts_than_keys() {
    expect_cuts("a:1 b:1 c:1", 10, "a b");
    expect_cuts("a:5", 10, "");
    expect_cuts("", 10, "");
}

#[test]
fn no_part_has_more_than_its_share_and_its_last_key() {
    for seed in seeds(500) {
        let mut dice = Workload::new(seed);
        let (key_count, part_count) = (1 + dice.below(40), 1 + dice.below(12));
        let largest = 1 << dice.below(20);
        let keys: Vec<String> = (0..key_count).map(key).collect();
        let pieces: Vec<(&[u8], u64)> = (0..1 + dice.below(200))
            .map(|_| (keys[dice.below(key_count)].as_bytes(), 1 + dice.below(largest) as u64))
            .collect();
        let came = cuts(pieces.clone(), part_count);
        let mut by_key = BTreeMap::new();
        for (key, size) in &pieces {
            *by_key.entry(*key).or_insert(0) += size;
        }
        let last = by_key.last_key_value().expect("there is one").0;
        let shown =
            |(key, size): (&&[u8], &u64)| format!("{}:{size}", String::from_utf8_lossy(key));
        let sums: Vec<String> = by_key.iter().map(shown).collect();
        let keys: Vec<_> = came.iter().map(|cut| String::from_utf8_lossy(cut)).collect();
        let given = format!(
            "{CUTS}\nseed {seed}, {part_count} parts\n  cuts {}\n  sizes by key {}",
            keys.join(" "),
            sums.join(" ")
        );
        assert!(came.is_sorted_by(|left, right| left < right), "cuts do not ascend {given}");
        assert!(came.iter().all(|cut| cut < last), "nothing is left behind the last cut {given}");
        assert!(came.len() < part_count, "{} cuts make too many parts {given}", came.len());
        let share = pieces.iter().map(|(_, size)| size).sum::<u64>() as f64 / part_count as f64;
        let mut start: &[u8] = b"";
        for cut in &came {
            let part: u64 = by_key.range(start..=*cut).map(|(_, size)| size).sum();
            let without_last = part - by_key[cut];
            assert!(
                (without_last as f64) < share,
                "a part up to {} has {part} bytes, {without_last} of them before its last key, and \
                 a share is {share:.1} at most {given}",
                show(cut)
            );
            start = cut;
            by_key.remove(cut);
        }
        let left: u64 = by_key.range(start..).map(|(_, size)| size).sum();
        assert!(
            left as f64 <= share || came.len() + 1 < part_count,
            "the last part has {left} bytes, and a share is {share:.1} at most {given}"
        );
    }
}

#[test]
fn every_key_is_in_exactly_one_part() {
    let cuts: [&[u8]; 4] = [b"b", b"d", b"d\0", b"m"];
    let parts = ranges(&cuts);
    assert_eq!(parts.len(), 5, "parts of four cuts: {parts:?} {CUTS}");
    for (key, want) in [
        ("", 0),
        ("a", 0),
        ("b", 0),
        ("b\0", 1),
        ("c", 1),
        ("d", 1),
        ("d\0", 2),
        ("d\0\0", 3),
        ("lz", 3),
        ("m", 3),
        ("m\0", 4),
        ("zz", 4),
    ] {
        let inside: Vec<usize> =
            (0..parts.len()).filter(|&part| parts[part].contains(key.as_bytes())).collect();
        assert_eq!(
            inside,
            [want],
            "the parts that have {}, of those cut behind b, d, d\\0 and m {CUTS}",
            show(key.as_bytes())
        );
    }
    assert_eq!(ranges(&[]).len(), 1, "parts without a cut {CUTS}");
    assert!(ranges(&[])[0].contains(b""), "without a cut one part has every key {CUTS}");
}

/// A compaction of tables of these sizes.
fn of_sizes(sizes: &[u64], output_level: usize) -> Compaction {
    let table = |(number, &size): (usize, &u64)| TableMeta {
        number: number as u64,
        size,
        entry_count: 1,
        tombstone_count: 0,
        smallest_seq: 1,
        largest_seq: 1,
        smallest: b"a".to_vec(),
        largest: b"z".to_vec(),
    };
    let inputs = sizes.iter().enumerate().map(|sized| (0, Arc::new(table(sized))));
    Compaction { inputs: inputs.collect(), output_level }
}

#[track_caller]
fn expect_count(sizes: &[u64], output_level: usize, options: &LsmOptions, want: usize) {
    let came = part_count(&of_sizes(sizes, output_level), options);
    let (threads, size) = (options.compaction_threads, options.table_size);
    assert_eq!(
        came, want,
        "parts of a compaction of tables of {sizes:?} bytes into level {output_level}, with {threads} \
         threads, where a table has {size} bytes {COUNT}"
    );
}

#[test]
fn there_are_as_many_parts_as_threads_and_as_tables_go_into_what_is_read() {
    let options = |threads| LsmOptions { table_size: 100, ..options(threads) };
    expect_count(&[400, 600], 1, &options(4), 4);
    expect_count(&[400, 600], 6, &options(16), 10);
    expect_count(&[150, 149], 1, &options(4), 2);
    expect_count(&[50, 50], 1, &options(4), 1);
    expect_count(&[30], 1, &options(4), 1);
    expect_count(&[1000], 1, &options(1), 1);
    expect_count(&[1000], 1, &options(0), 1);
    expect_count(&[1000], 1, &LsmOptions { table_size: 0, ..options(3) }, 3);
    expect_count(&[u64::MAX / 2], 1, &options(usize::MAX), (u64::MAX / 200) as usize);
}

#[test]
fn a_run_of_level_0_is_one_part() {
    let options = LsmOptions { table_size: 100, ..options(4) };
    expect_count(&[1000, 1000], 0, &options, 1);
    // Two tables of level 0 may not have numbers in common.
    let tree = open(disk(1), self::options(4));
    flush(&tree, &puts(0..50, 1));
    flush(&tree, &puts(25..75, 51));
    compact(&tree, &[0], 0);
    assert_eq!(shape(&tree.version()), [1], "tables of each level {COUNT}");
}
