//! Day 3: compaction is a merge with drop rules.

mod given;

use given::*;
use lsm::compaction::{Compaction, Survivors, write_tables};
use lsm::{Edit, Levels, Source, TableMeta};
use memtable::{Kind, Lookup};
use wal::testing::{Workload, seeds};

// What survives.

#[test]
fn the_entries_of_the_chapter_survive_as_it_says() {
    let text = "a@9=x a@4=x a@2=x b@7- b@3=x b@1=x c@6- c@1=x d@8=x d@5=x e@2=x";
    let older = "a b c d e";
    let kept = "a@9=x a@4=x b@7- b@3=x c@6- c@1=x d@8=x d@5=x e@2=x";
    expect_survivors(text, &[5, 9], older, kept, SEEN);
    expect_survivors(text, &[9], "", "a@9=x d@8=x e@2=x", HIDES);
    expect_survivors(text, &[9], older, "a@9=x b@7- c@6- d@8=x e@2=x", HIDES);
}

#[test]
fn of_versions_between_two_snapshots_the_newest_stays() {
    let text = "a@9=x a@8=x a@6=x a@5=x a@3=x a@1=x";
    for (snapshots, want) in [
        (&[9][..], "a@9=x"),
        (&[5, 9], "a@9=x a@5=x"),
        (&[4, 9], "a@9=x a@3=x"),
        (&[1, 9], "a@9=x a@1=x"),
        (&[2, 4, 7, 9], "a@9=x a@6=x a@3=x a@1=x"),
        (&[1, 3, 5, 6, 8, 9], text),
        (&[7, 7, 9], "a@9=x a@6=x"),
    ] {
        expect_survivors(text, snapshots, "", want, SEEN);
    }
}

#[test]
fn what_is_newer_than_all_snapshots_stays() {
    // Somebody may read at any number from the last one on.
    expect_survivors("a@9=x a@8=x a@7- a@6=x a@5=x", &[6], "", "a@9=x a@8=x a@7- a@6=x", SEEN);
    expect_survivors("a@9- a@8- b@7-", &[3], "", "a@9- a@8- b@7-", SEEN);
}

#[test]
fn a_tombstone_stays_while_something_older_could_have_its_key() {
    let text = "a@9- a@5=x b@8- c@7=x";
    expect_survivors(text, &[9], "a b", "a@9- b@8- c@7=x", HIDES);
    expect_survivors(text, &[9], "b", "b@8- c@7=x", HIDES);
    expect_survivors(text, &[9], "", "c@7=x", HIDES);
}

#[test]
fn a_tombstone_that_goes_takes_along_what_it_hid() {
    expect_survivors("a@9- a@5=x a@3- a@1=x", &[9], "", "", HIDES);
    expect_survivors("a@9=y a@5- a@3=x", &[9], "", "a@9=y", HIDES);
}

#[test]
fn a_tombstone_stays_while_a_snapshot_does_not_see_it() {
    expect_survivors("a@9- a@5=x", &[6, 9], "", "a@9- a@5=x", HIDES);
    // The snapshot at 6 sees the older tombstone, which hides nothing any more; those above do.
    expect_survivors("a@9- a@7=x a@5- a@3=x", &[6, 8, 9], "", "a@9- a@7=x", HIDES);
}

#[test]
fn whether_something_is_older_is_asked_of_tombstones_only() {
    // Each question is a search in all levels below.
    let entries = entries("a@9=x a@5- b@8- b@2=x c@7=x d@3- d@2- e@1=x");
    let asked = std::cell::RefCell::new(Vec::new());
    let is_oldest = |key: &[u8]| {
        asked.borrow_mut().push(String::from_utf8_lossy(key).into_owned());
        false
    };
    survivors_of(&[memtable_of(&entries)], &[9], &is_oldest);
    let asked = asked.into_inner();
    assert_eq!(
        asked,
        ["b", "d"],
        "keys that were asked of, and those whose tombstone goes if nothing is older: a hidden one \
         goes anyway {HIDES}"
    );
}

#[test]
fn survivors_are_the_same_whatever_sources_they_come_from() {
    // The same operations, flushed one by one, by halves and all at once.
    for seed in seeds(60) {
        let mut dice = Workload::new(seed);
        let all = operations(&mut dice, 30, 1);
        let snapshots = [1 + dice.below(29) as u64, 30];
        let older = dice.below(13) as u8;
        let is_oldest = |key: &[u8]| key[2] - b'0' >= older;
        let survivors = |pieces: u64| {
            let piece = |number: u64| {
                let is_of = |entry: &&Entry| entry.seq * pieces / 31 == number;
                memtable_of(&all.iter().filter(is_of).cloned().collect::<Vec<_>>())
            };
            let tables: Vec<_> = (0..pieces).rev().map(piece).collect();
            survivors_of(&tables, &snapshots, &is_oldest)
        };
        let whole = survivors(1);
        for pieces in [2, 7, 31] {
            let came = survivors(pieces);
            assert!(
                came == whole,
                "of {all:?} in {pieces} memtables, with snapshots {snapshots:?}, {came:?} survive, \
                 and in one memtable {whole:?} {SEEN} {HIDES}"
            );
        }
    }
}

#[test]
fn every_snapshot_sees_what_it_saw_and_nothing_stays_that_nobody_needs() {
    for seed in seeds(300) {
        let mut dice = Workload::new(seed);
        let all = operations(&mut dice, 40, 1);
        let mut snapshots: Vec<u64> =
            (0..dice.below(4)).map(|_| 1 + dice.below(40) as u64).collect();
        snapshots.push(40);
        snapshots.sort_unstable();
        let older = dice.below(13) as u8;
        let is_oldest = |key: &[u8]| key[2] - b'0' >= older;
        // Some in each of three memtables, as they were flushed one after the other.
        let part = |low: u64, high: u64| {
            let part: Vec<Entry> =
                all.iter().filter(|e| e.seq > low && e.seq <= high).cloned().collect();
            memtable_of(&part)
        };
        let tables = [part(25, 40), part(10, 25), part(0, 10)];
        let kept: Vec<Entry> = survivors_of(&tables, &snapshots, &is_oldest)
            .into_iter()
            .map(|(entry, _)| entry)
            .collect();
        let sees = |list: &[Entry], key: &[u8], seq| match in_list(list, key, seq) {
            // Nothing older has the key: to be deleted and never to have been is the same.
            Lookup::Deleted if is_oldest(key) => Lookup::Absent,
            other => other,
        };
        let differ = |list: &[Entry]| {
            let keys = all.iter().map(|entry| &entry.user_key);
            let mut all_seen = keys.flat_map(|key| snapshots.iter().map(move |&seq| (key, seq)));
            all_seen.find(|(key, seq)| sees(list, key, *seq) != sees(&all, key, *seq))
        };
        // Of the same key: that is enough to see what is wrong.
        let of = |list: &[Entry], key: &[u8]| -> Vec<Entry> {
            list.iter().filter(|entry| entry.user_key == key).cloned().collect()
        };
        if let Some((key, seq)) = differ(&kept) {
            let (want, came) = (sees(&all, key, seq), sees(&kept, key, seq));
            panic!(
                "of {:?}, with snapshots {snapshots:?}, {:?} survive: a reader at {seq} sees {came:?}, \
                 and should see {want:?} {SEEN} {HIDES}",
                of(&all, key),
                of(&kept, key),
            );
        }
        // A tombstone may say what an older one says, too. No value does.
        let is_value = |entry: &Entry| entry.kind == Kind::Put;
        for (index, entry) in kept.iter().enumerate().filter(|(_, entry)| is_value(entry)) {
            let mut without = kept.clone();
            without.remove(index);
            assert!(
                differ(&without).is_some(),
                "of {:?}, with snapshots {snapshots:?}, {entry} survives, and nobody would miss it \
                 {SEEN}",
                of(&all, &entry.user_key)
            );
        }
        for pair in kept.windows(2).filter(|pair| pair[0].user_key == pair[1].user_key) {
            assert!(
                pair[0].seq > 40
                    || snapshots.iter().any(|s| (pair[1].seq..pair[0].seq).contains(s)),
                "of {:?}, with snapshots {snapshots:?}, {} and {} survive, with no snapshot between \
                 them {SEEN}",
                of(&all, &pair[0].user_key),
                pair[0],
                pair[1]
            );
        }
    }
}

#[test]
fn the_first_of_each_key_that_stays_is_marked() {
    let tables = [memtable_of(&entries("a@9=x a@5- b@8- b@7=x b@2=x c@6=x"))];
    let found = survivors_of(&tables, &[5, 7, 9], &|_| true);
    let marked: Vec<String> = found
        .iter()
        .map(|(entry, is_first)| format!("{entry}{}", if *is_first { "!" } else { "" }))
        .collect();
    let want = ["\"a\"@9=\"x\"!", "\"b\"@8-!", "\"b\"@7=\"x\"", "\"b\"@2=\"x\"", "\"c\"@6=\"x\"!"];
    assert_eq!(marked, want, "survivors, with ! behind the first of each key {CUT}");
}

#[test]
fn an_empty_key_is_a_key() {
    expect_survivors("@9=x @5=y a@3=z", &[9], "", "@9=x a@3=z", SEEN);
    expect_survivors("@9- @5=y a@3=z", &[9], "", "a@3=z", HIDES);
    let found = survivors_of(&[memtable_of(&entries("@9=x @5=y"))], &[5, 9], &|_| true);
    let firsts: Vec<bool> = found.iter().map(|(_, is_first)| *is_first).collect();
    assert_eq!(firsts, [true, false], "which of two versions of the empty key is the first {CUT}");
}

// What is older.

/// A table of these numbers, which spans these keys.
fn meta(number: u64, span: (&str, &str), seqs: (u64, u64)) -> std::sync::Arc<TableMeta> {
    std::sync::Arc::new(TableMeta {
        number,
        size: 100,
        entry_count: 2,
        tombstone_count: 0,
        smallest_seq: seqs.0,
        largest_seq: seqs.1,
        smallest: span.0.into(),
        largest: span.1.into(),
    })
}

#[test]
fn older_is_what_lies_below_and_behind() {
    let tables = [
        (0, meta(9, ("a", "z"), (90, 99))),
        (0, meta(8, ("a", "m"), (80, 89))),
        (0, meta(7, ("c", "d"), (70, 79))),
        (1, meta(5, ("b", "f"), (50, 59))),
        (1, meta(6, ("h", "p"), (60, 69))),
        (3, meta(2, ("e", "k"), (20, 29))),
    ];
    let edit = Edit { added: tables.to_vec(), ..Edit::default() };
    let levels = Levels::default().apply(&edit).expect("they do not overlap");
    let compaction = |inputs: &[usize], output_level| Compaction {
        inputs: inputs.iter().map(|&index| tables[index].clone()).collect(),
        output_level,
    };
    for (inputs, output, key, want, why) in [
        (&[0, 1, 2, 3, 4][..], 1, "b", true, "below level 1 there is only e … k"),
        (&[0, 1, 2, 3, 4], 1, "e", false, "level 3 has e … k"),
        (&[0, 1, 2, 3, 4], 1, "k", false, "level 3 has e … k"),
        (&[0, 1, 2, 3, 4], 1, "l", true, "below level 1 there is only e … k"),
        (&[3, 5], 3, "e", true, "the table of level 3 goes in, too"),
        (&[3], 2, "e", false, "level 3 has e … k"),
        (&[3], 2, "b", true, "level 3 has e … k"),
        (&[0, 1], 0, "c", false, "behind them level 0 has c … d"),
        (&[0, 1], 0, "q", true, "behind them nothing has q"),
        (&[0, 1], 0, "i", false, "level 1 has h … p"),
        (&[1, 2], 0, "a", true, "the newest table of level 0 is not older"),
        (&[0], 0, "l", false, "behind it level 0 has a … m"),
    ] {
        let came = compaction(inputs, output).is_oldest(&levels, key.as_bytes());
        let numbers: Vec<u64> = inputs.iter().map(|&index| tables[index].1.number).collect();
        assert_eq!(
            came, want,
            "tables {numbers:?} go to level {output}: is a version of {key} the oldest? {why} {HIDES}"
        );
    }
}

// Where tables end.

/// What `write_tables` makes of these entries: of each table its user keys, and the file's size.
fn cut(entries: &[Entry], table_size: u64) -> Vec<(Vec<String>, u64)> {
    let (sim, table) = (disk(1), memtable_of(entries));
    let snapshots: Vec<u64> = (1..=99).collect();
    let sources = vec![Source::Mem(table.cursor())];
    let mut survivors = Survivors::new(sources, &snapshots, &|_| false).expect("memory answers");
    let begun = std::cell::RefCell::new(Vec::new());
    let paths = std::cell::RefCell::new(Vec::new());
    let begin = || {
        let count = begun.borrow().len();
        assert_eq!(
            paths.borrow().len(),
            count,
            "one table at a time: finished, of those begun {CUT}"
        );
        let path = lsm::files::table_path(std::path::Path::new(DIR), count as u64 + 1);
        begun.borrow_mut().push(path.clone());
        let fs = std::sync::Arc::new(sim.clone());
        sstable::TableBuilder::create(fs, &path, options().table)
    };
    let finish = |builder: sstable::TableBuilder| {
        paths.borrow_mut().push(begun.borrow().last().expect("it was begun").clone());
        builder.finish().map(|_| ())
    };
    write_tables(&mut survivors, table_size, begin, finish).expect("a good disk");
    let paths = paths.into_inner();
    assert_eq!(begun.borrow().len(), paths.len(), "tables begun and finished {CUT}");
    let keys_of = |path: &std::path::PathBuf| {
        let table = sstable::Table::open(&sim, path, 1, None).expect("a good table");
        let entries = all_at(table.cursor()).into_iter();
        let keys = entries.map(|entry| String::from_utf8(entry.user_key).expect("a name"));
        (keys.collect(), table.size())
    };
    paths.iter().map(keys_of).collect()
}

#[test]
fn a_table_ends_when_it_has_its_size() {
    let entries: Vec<Entry> =
        (0..100).map(|n| Entry::put(format!("key{n:03}"), 7, vec![b'x'; 80])).collect();
    for table_size in [100, 500, 1000, 5000] {
        let tables = cut(&entries, table_size);
        let (last, full) = tables.split_last().expect("there are entries");
        for (keys, size) in full {
            // Behind what is asked for: the last entry, filter, properties, footer.
            assert!(
                (table_size..table_size + 700).contains(size),
                "tables of {table_size} bytes: one of {} entries and {size} bytes {CUT}",
                keys.len()
            );
        }
        assert!(!last.0.is_empty(), "a table without entries {CUT}");
        let all: Vec<String> = tables.into_iter().flat_map(|(keys, _)| keys).collect();
        assert!(all.is_sorted() && all.len() == 100, "all entries, in order {CUT}");
    }
}

#[test]
fn a_table_never_ends_between_two_versions_of_a_key() {
    let mut all = entries("a@1=x");
    all.extend((1..=60).rev().map(|seq| Entry::put("b", seq, vec![b'x'; 40])));
    all.extend(entries("c@3=x c@2=x d@1=x"));
    let tables = cut(&all, 200);
    for pair in tables.windows(2) {
        let (last, first) = (pair[0].0.last(), pair[1].0.first());
        assert_ne!(last, first, "the last key of one table and the first of the next {CUT}");
    }
    assert!(tables.len() > 1, "200 bytes are less than all of it {CUT}");
}

#[test]
fn without_survivors_no_table_is_begun() {
    assert!(cut(&[], 100).is_empty(), "tables of nothing {CUT}");
}

#[test]
fn entries_are_written_as_they_come() {
    // A tombstone every ten keys says how far the merge has gone.
    let all: Vec<Entry> = (0..400)
        .map(|n| match n % 10 {
            0 => entries(&format!("key{n:03}@7-")).remove(0),
            _ => Entry::put(format!("key{n:03}"), 7, vec![b'x'; 80]),
        })
        .collect();
    let asked = std::cell::Cell::new(0);
    let is_oldest = |_: &[u8]| {
        asked.set(asked.get() + 1);
        false
    };
    let (sim, table) = (disk(1), memtable_of(&all));
    let sources = vec![Source::Mem(table.cursor())];
    let mut survivors = Survivors::new(sources, &[9], &is_oldest).expect("memory answers");
    let mut finished = 0;
    let begin = || {
        let path = lsm::files::table_path(std::path::Path::new(DIR), 1);
        sstable::TableBuilder::create(std::sync::Arc::new(sim.clone()), &path, options().table)
    };
    let finish = |builder: sstable::TableBuilder| {
        finished += builder.entry_count();
        let come = 10 * asked.get();
        assert!(
            come <= finished + 20,
            "a table ends behind {finished} of 400 entries, and the merge is at entry {come}: whoever \
             takes all of them first needs memory for all {CUT}"
        );
        Ok(())
    };
    write_tables(&mut survivors, 1000, begin, finish).expect("a good disk");
    assert_eq!(finished, 400, "entries in all tables {CUT}");
}

mod tree;

mod failures;

mod meanwhile;
