//! What a backup sends, and under which names.

use std::path::Path;
use std::sync::Arc;

use lsm::backup::{Backups, List};
use object_store::local::LocalFileSystem;
use sstable::TableOptions;
use wal::fs::{Fs, OsFs, SimFs};
use wal::testing::put;
use wal::{Durability, Engine};

use super::given::*;

#[track_caller]
pub(super) fn backup(store: &lsm::Lsm, backups: &Backups) -> u64 {
    let made = store.backup(backups);
    made.unwrap_or_else(|error| panic!("a backup must work, and fails: {error}"))
}

/// Brings backup `id` back on a disk of its own, and checks that it holds what is wanted.
#[track_caller]
pub(super) fn expect_back(backups: &Backups, id: u64, want: &[wal::Entry], when: &str) {
    let sim = SimFs::new(id);
    let restored = backups.restore(id, disk(&sim), Path::new(COPY));
    restored.unwrap_or_else(|error| {
        panic!("{when} backup {id} must come back, and fails: {error} {BACK}")
    });
    sim.power_cycle();
    expect_copy(disk(&sim), COPY, want, &format!("{when} backup {id}, after a power cut,"));
}

#[test]
fn a_backup_comes_back_as_the_store_was() {
    let (sim, bucket) = (SimFs::new(1), TestBucket::new());
    let backups = bucket.backups();
    let store = filled(disk(&sim));
    let (first, files) = (all(&store), names(&sim, DIR));
    assert_eq!(backup(&store, &backups), 1, "the number of the first backup {LISTED}");
    write(&store, &[put("after", "the first"), put("key1", "changed")]);
    let second = all(&store);
    assert_eq!(backup(&store, &backups), 2, "the number of the second {LISTED}");
    drop(store);
    let left = names(&sim, "/db/backup");
    assert!(
        !left.iter().any(|name| name.ends_with(".sst")),
        "left in the store: {left:?} {LINKED}"
    );
    assert_eq!(names(&sim, DIR), files, "files of the store after two backups {LINKED}");
    expect_back(&backups, 1, &first, "with another one made since,");
    expect_back(&backups, 2, &second, "with an older one there,");
}

#[test]
fn the_list_and_its_table_are_those_of_the_chapter() {
    let (sim, bucket) = (SimFs::new(1), TestBucket::new());
    let store = open(disk(&sim), DIR, lsm::LsmOptions::default());
    write(&store, &[put("agate", "grey"), put("basalt", "black")]);
    backup(&store, &bucket.backups());
    let names = bucket.names();
    assert_eq!(
        names,
        ["backups/0000000001", "files/000002-339-7e7c64baa9080828.sst"],
        "objects of the chapter's backup {LISTED}"
    );
    let list = bucket.get("backups/0000000001");
    let want = "\
        6a 8b 81 ba 21 19 84 1a \
        01 00 00 00 01 00 00 00 \
        00 02 00 00 00 00 00 00 00 53 01 00 00 00 00 00 00 \
        28 08 08 a9 ba 64 7c 7e \
        01 00 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 \
        02 04 00 00 00 00 00 00 00 \
        04 00 \
        02 00 00 00 00 00 00 00 53 01 00 00 00 00 00 00 \
        02 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
        01 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 \
        05 00 00 00 61 67 61 74 65 \
        06 00 00 00 62 61 73 61 6c 74";
    let found: Vec<String> = list.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(found.join(" "), want, "bytes of the chapter's list {LISTED}");
}

#[test]
fn a_table_that_is_there_is_not_sent_again() {
    let (sim, bucket) = (SimFs::new(1), TestBucket::new());
    let backups = bucket.backups();
    let store = filled(disk(&sim));
    backup(&store, &backups);
    let first = bucket.take_sent();
    let tables = store.version().tables().count();
    assert_eq!(
        first.len(),
        tables + 2,
        "all tables, that of memory, and a list: {first:?} {LISTED}"
    );
    let is_list = |(name, _): &(String, u64)| name.starts_with("backups/");
    let at = first.iter().position(is_list);
    assert_eq!(at, Some(tables + 1), "the list comes last, and sent was {first:?} {LISTED}");
    // Memory has something new, and all of memory is one table.
    write(&store, &[put("new", "since")]);
    backup(&store, &backups);
    let second = bucket.take_sent();
    assert_eq!(second.len(), 2, "the table of memory and a list, and sent was {second:?} {LISTED}");
    backup(&store, &backups);
    let third = bucket.take_sent();
    assert_eq!(third.len(), 1, "nothing is new but the list, and sent was {third:?} {LISTED}");
    assert!(bucket.read().is_empty(), "to make a backup no object is read: {:?}", bucket.read());
}

#[test]
fn two_stores_in_one_bucket_do_not_mix() {
    let (one, other, bucket) = (SimFs::new(1), SimFs::new(2), TestBucket::new());
    let backups = bucket.backups();
    // Tables of the same numbers, sizes and keys.
    let stores = [(&one, "1"), (&other, "2")].map(|(sim, value)| {
        let store = open(disk(sim), DIR, in_memory());
        write(&store, &[put("stone", value)]);
        (backup(&store, &backups), all(&store))
    });
    let tables = bucket.files();
    assert_eq!(
        tables.len(),
        2,
        "two stores have one table each, which differ in one byte, and there are {tables:?} {LISTED}"
    );
    for (id, want) in stores {
        expect_back(&backups, id, &want, "with another store's in the same bucket,");
    }
}

#[test]
fn a_store_that_came_back_shares_what_is_the_same_and_nothing_else() {
    let (sim, other, bucket) = (SimFs::new(1), SimFs::new(2), TestBucket::new());
    let backups = bucket.backups();
    let store = filled(disk(&sim));
    backup(&store, &backups);
    backups.restore(1, disk(&other), Path::new(DIR)).expect("a good bucket");
    let twin = open(disk(&other), DIR, in_memory());
    bucket.take_sent();
    // Both go on from the same numbers.
    let backed_up = [(&store, "mine"), (&twin, "yours")].map(|(store, value)| {
        write(store, &[put("whose", value)]);
        (backup(store, &backups), all(store))
    });
    let sent = bucket.take_sent();
    let tables = sent.iter().filter(|(name, _)| name.starts_with("files/")).count();
    assert_eq!(tables, 2, "one new table each; all others are there already: {sent:?} {LISTED}");
    for (id, want) in backed_up {
        expect_back(&backups, id, &want, "of two stores with one past,");
    }
}

#[test]
fn a_table_that_is_there_in_part_is_sent_again() {
    let (sim, bucket) = (SimFs::new(1), TestBucket::new());
    let backups = bucket.backups();
    let store = filled(disk(&sim));
    backup(&store, &backups);
    let name = bucket.files().remove(0);
    let bytes = bucket.get(&name);
    bucket.put(&name, &bytes[..bytes.len() / 2]);
    bucket.take_sent();
    let id = backup(&store, &backups);
    let sent = bucket.take_sent();
    assert!(
        sent.iter().any(|(sent, _)| *sent == name),
        "{name} has half its size, and sent was {sent:?}: a listing has sizes, too {LISTED}"
    );
    expect_back(&backups, id, &all(&store), "after a table was sent again,");
}

#[test]
fn backups_are_listed_in_order_with_their_tables_and_sizes() {
    let (sim, bucket) = (SimFs::new(1), TestBucket::new());
    let backups = bucket.backups();
    assert_eq!(backups.list().expect("a good bucket"), [], "backups of an empty bucket");
    let store = filled(disk(&sim));
    let mut want = Vec::new();
    for number in 1..=11 {
        write(&store, &[put(format!("new{number}"), "")]);
        let id = backup(&store, &backups);
        let list = List::decode(&bucket.get(&format!("backups/{id:010}"))).expect("it was put");
        let size: u64 = list.state.levels.tables().map(|(_, table)| table.size).sum();
        want.push((number, store.version().tables().count() + 1, size));
    }
    // Of other names than ours.
    bucket.put("backups/readme", b"do not touch");
    bucket.put("backups/12", b"a number as we never write it");
    bucket.put("files/notes", b"");
    let found = backups.list().expect("a good bucket").into_iter();
    let found: Vec<_> = found.map(|backup| (backup.id, backup.file_count, backup.size)).collect();
    assert_eq!(found, want, "number, tables and size of each {LISTED}");
    assert_eq!(backup(&store, &backups), 12, "the next number {LISTED}");
}

#[test]
fn a_backup_that_is_removed_while_it_is_listed_is_left_out() {
    let (sim, bucket) = (SimFs::new(1), TestBucket::new());
    let backups = bucket.backups();
    let store = filled(disk(&sim));
    (1..=3).for_each(|id| assert_eq!(backup(&store, &backups), id, "a number {LISTED}"));
    bucket.vanish("backups/0000000002");
    let found = backups.list().unwrap_or_else(|error| {
        panic!("2 was removed between the listing and a look into it, and list() fails: {error} {LISTED}")
    });
    let ids: Vec<u64> = found.iter().map(|backup| backup.id).collect();
    assert_eq!(ids, [1, 3], "backups, when 2 was removed meanwhile {LISTED}");
}

#[test]
fn a_number_that_another_one_took_is_not_taken_twice() {
    let (sim, bucket) = (SimFs::new(1), TestBucket::new());
    let backups = bucket.backups();
    let store = open(disk(&sim), DIR, in_memory());
    write(&store, &[put("a", "1")]);
    backup(&store, &backups);
    let first = bucket.get("backups/0000000001");
    // The answer to `put` is lost, as when somebody else has put a list of that number.
    let calls_of_a_backup = 3 + 1;
    bucket.fail_from(calls_of_a_backup, true);
    assert!(store.backup(&backups).is_err(), "the answer to the list's put was lost");
    bucket.recover();
    assert_eq!(
        bucket.get("backups/0000000001"),
        first,
        "a list that was there was replaced {LISTED}"
    );
    let (id, names) = (backup(&store, &backups), bucket.names());
    assert_eq!(id, 3, "the second was put, though nobody was told; there is {names:?} {LISTED}");
    bucket.overtake("backups/0000000004", &first);
    assert_eq!(backup(&store, &backups), 5, "somebody was faster, and has number 4 {LISTED}");
    assert_eq!(bucket.get("backups/0000000004"), first, "the list of who was faster {LISTED}");
    bucket.overtake("backups/0000000006", &first);
    bucket.overtake("used/0000000008", b"");
    let id = backup(&store, &backups);
    assert_eq!(
        id, 9,
        "somebody was faster, has number 6, and has removed number 8 already; a number is larger than \
         those of all backups that were there {LISTED}"
    );
    for id in (1..=6).chain([9]) {
        expect_back(&backups, id, &all(&store), "after an answer was lost, and a race,");
    }
}

#[test]
fn a_large_table_goes_in_parts_and_comes_back_whole() {
    const PART_SIZE: usize = 4 << 10;
    let (sim, bucket) = (SimFs::new(1), TestBucket::new());
    let backups = Backups::with_part_size(Arc::new(bucket.clone()), PART_SIZE);
    let backups = backups.expect("a runtime can be made");
    let table = TableOptions { codec: sstable::Codec::None, ..TableOptions::default() };
    let store = open(disk(&sim), DIR, lsm::LsmOptions { table, ..in_memory() });
    for key in 0..500 {
        write(&store, &[put(format!("key{key:03}"), vec![key as u8; 100])]);
    }
    let id = backup(&store, &backups);
    let largest = bucket.take_sent().iter().map(|(_, size)| *size).max();
    assert_eq!(largest, Some(PART_SIZE as u64), "the largest part of 50 KB that was sent");
    expect_back(&backups, id, &all(&store), "sent in parts,");
}

#[test]
fn a_backup_after_a_crash_in_a_backup_is_whole() {
    for stop_at in 1..60 {
        let (sim, bucket) = (SimFs::new(stop_at), TestBucket::new());
        let backups = bucket.backups();
        let store = filled(disk(&sim));
        store.sync().expect("a good disk");
        let want = all(&store);
        sim.crash_at(stop_at);
        let made = store.backup(&backups);
        sim.power_cycle();
        drop(store);
        let there = backups.list().expect("a good bucket");
        assert!(there.len() == 1 || made.is_err(), "it gave {made:?}, and there is {there:?}");
        let store = open(disk(&sim), DIR, in_memory());
        write(&store, &[put("after", "the crash")]);
        let id = backup(&store, &backups);
        for there in there {
            expect_back(&backups, there.id, &want, "cut off behind its list,");
        }
        expect_back(&backups, id, &all(&store), "made after a crash,");
    }
}

#[test]
fn a_directory_takes_backups_of_a_real_store() {
    let dir = tempfile::tempdir().expect("a real disk");
    let path = |name: &str| dir.path().join(name);
    std::fs::create_dir(path("bucket")).expect("a real disk");
    let bucket = LocalFileSystem::new_with_prefix(path("bucket")).expect("it is there");
    let backups = Backups::new(Arc::new(bucket)).expect("a runtime can be made");
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let open = |name: &str| {
        lsm::Lsm::open(
            Arc::clone(&fs),
            &path(name),
            lsm::LsmOptions { memtable_size: 64 << 10, ..lsm::LsmOptions::default() },
        )
        .unwrap_or_else(|error| panic!("{name} must open, and fails: {error}"))
    };
    let store = open("db");
    let mut ids = Vec::new();
    for round in 0..3u32 {
        for key in 0..1_000u32 {
            let changes = [put(key.to_be_bytes(), [round as u8; 100])];
            store.write(wal::testing::batch(&changes), Durability::Buffered).expect("a real disk");
        }
        ids.push((backup(&store, &backups), all(&store)));
    }
    let made = store.checkpoint(&path("checkpoint"));
    made.unwrap_or_else(|error| panic!("a checkpoint on a real disk fails: {error} {LINKED}"));
    assert_eq!(all(&open("checkpoint")), all(&store), "the checkpoint {MOMENT}");
    assert_eq!(backups.list().expect("a real disk").len(), 3, "backups in the directory {LISTED}");
    for (id, want) in &ids {
        let name = format!("back{id}");
        let restored = backups.restore(*id, Arc::clone(&fs), &path(&name));
        restored.unwrap_or_else(|error| panic!("backup {id} does not come back: {error} {BACK}"));
        assert!(all(&open(&name)) == *want, "backup {id} is not what the store was {BACK}");
    }
    for (id, _) in ids {
        let removed = backups.remove(id);
        removed.unwrap_or_else(|error| panic!("removing backup {id} fails: {error} {NEEDED}"));
    }
    let left = std::fs::read_dir(path("bucket/files")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "tables that are left when all backups were removed {NEEDED}");
}
