//! What a checkpoint holds, what it costs, and where it may be.

use std::path::Path;

use lsm::Lsm;
use lsm::files::UNFINISHED;
use sstable::Codec;
use wal::fs::{Fault, Operation, SimFs};
use wal::testing::{batch, delete, for_each_seed, put};
use wal::{Durability, Engine, Error, Reader};

use super::given::*;

#[test]
fn a_checkpoint_of_tables_and_memory_opens_as_a_store() {
    let sim = SimFs::new(1);
    let store = filled(disk(&sim));
    let want = all(&store);
    checkpoint(&store, COPY);
    expect_copy(disk(&sim), COPY, &want, "opened beside its store,");
}

#[test]
fn what_was_only_buffered_is_in_a_checkpoint() {
    let sim = SimFs::new(1);
    let store = open(disk(&sim), DIR, in_memory());
    checkpoint(&store, "/empty");
    drop(expect_copy(disk(&sim), "/empty", &[], "of a store without anything,"));
    write(&store, &[put("a", "1"), put("b", "2")]);
    write(&store, &[delete("a"), put("c", "3")]);
    checkpoint(&store, COPY);
    let copy = expect_copy(disk(&sim), COPY, &all(&store), "of a store without tables,");
    assert_eq!(copy.get(b"a").expect("a good disk"), None, "it was deleted {MOMENT}");
}

#[test]
fn the_numbers_of_a_checkpoint_go_on_where_its_store_was() {
    let sim = SimFs::new(1);
    let store = filled(disk(&sim));
    let last = store.write(batch(&[put("last", "")]), Durability::Buffered).expect("a good disk");
    checkpoint(&store, COPY);
    let copy = open_copy(disk(&sim), COPY, in_memory());
    let next = copy.write(batch(&[put("next", "")]), Durability::Synced).expect("a good disk");
    assert_eq!(
        next,
        last + 1,
        "the store's last operation was {last}, and the copy's next is {next}: what does the state \
         say of the end of memory? {MOMENT}"
    );
    copy.close().expect("a good disk");
    drop(copy);
    let found = open_copy(disk(&sim), COPY, small()).get(b"next").expect("a good disk");
    assert!(found.is_some(), "what was written to a copy is not in its log {MOMENT}");
}

#[test]
fn the_table_of_memory_is_built_as_the_store_builds_its_tables() {
    let sim = SimFs::new(1);
    let (plain, packed) = (Codec::None, Some(Codec::Lz4));
    let options = || lsm::LsmOptions { last_codec: packed, ..in_memory() };
    let store = open(disk(&sim), DIR, options());
    assert_eq!(options().table.codec, plain, "tables above the last level are not compressed");
    write(&store, &[put("key", [7; 20_000])]);
    checkpoint(&store, COPY);
    let copy = open_copy(disk(&sim), COPY, options());
    let size: u64 = copy.version().tables().map(|table| table.meta.size).sum();
    assert!(
        size > 20_000,
        "the store compresses nothing but its last level, and the table of memory, which has a value of \
         20,000 bytes, has {size}: it is built with other options than the store's for level 0, \
         `tree.table_options(0)` {MOMENT}"
    );
}

#[test]
fn what_was_published_after_the_look_at_memory_is_left_out() {
    // Two batches of two: one before the call, one while tables are linked.
    let sim = SimFs::new(1);
    let fs = Linking::new(&sim, Links::Work);
    drop(filled(disk(&sim)));
    let store = std::sync::Arc::new(open(fs.clone(), DIR, in_memory()));
    write(&store, &[put("x", "1"), put("y", "1")]);
    let want = all(&*store);
    let writer = std::sync::Arc::clone(&store);
    fs.at_link(move || write(&writer, &[put("x", "2"), put("y", "2")]));
    checkpoint(&store, COPY);
    fs.expect_linked();
    let copy = open_copy(disk(&sim), COPY, in_memory());
    assert_eq!(
        all(&copy),
        want,
        "a batch that came when memory had been looked at is in the copy, or a part of it {MOMENT}"
    );
    let next = copy.write(batch(&[put("z", "")]), Durability::Buffered).expect("a good disk");
    let mut want = want;
    want.push((b"z".as_slice().into(), b"".as_slice().into()));
    assert_eq!(
        all(&copy),
        want,
        "after z was put, operation {next}: a table of the copy has an operation of that number, too \
         {MOMENT}"
    );
}

#[test]
fn a_store_and_its_checkpoint_go_their_own_ways() {
    for_each_seed(4, |sim| {
        let store = open(disk(sim), DIR, small());
        overwrite(&store, 0..20);
        checkpoint(&store, COPY);
        let copy = open_copy(disk(sim), COPY, small());
        let then = all(&copy);
        // So often that no table is what it was.
        overwrite(&store, 20..60);
        store.settle().expect("a good disk");
        expect(&copy, &then, "after compactions of its store,");
        overwrite(&copy, 60..100);
        copy.settle().expect("a good disk");
        let ways = [(&store, DIR), (&copy, COPY)].map(|(store, dir)| {
            store.close().expect("a good disk");
            (all_of_closed(sim, dir), dir)
        });
        assert!(ways[0].0 != ways[1].0, "both have the same, and were given different things");
        drop((store, copy));
        sim.power_cycle();
        for (want, dir) in ways {
            expect_copy(disk(sim), dir, &want, "after both were closed and the power cut,");
        }
    });
}

/// What a store that was closed holds: a checkpoint of what it was is nobody's business here.
fn all_of_closed(sim: &SimFs, dir: &str) -> Vec<wal::Entry> {
    // Its lock is let go with `close`.
    all(&open(disk(sim), dir, in_memory()))
}

#[test]
fn tables_are_linked_and_the_store_is_as_it_was() {
    let sim = SimFs::new(1);
    let options = || lsm::LsmOptions { memtable_size: 32 << 10, ..still() };
    let store = open(disk(&sim), DIR, options());
    for key in 0..2_000 {
        write(&store, &[put(format!("key{key:04}"), [7; 100])]);
    }
    store.close().expect("a good disk");
    drop(store);
    let store = open(disk(&sim), DIR, in_memory());
    let size: u64 = store.version().tables().map(|table| table.meta.size).sum();
    let (files, log) = (names(&sim, DIR), names(&sim, "/db/log"));
    let (before, told) = (sim.counts().bytes_written, sim.trace().len());
    checkpoint(&store, COPY);
    let written = sim.counts().bytes_written - before;
    assert!(
        written < size - 50_000,
        "the tables have {size} bytes, memory less than 100 KB, and {written} bytes were written \
         {LINKED}"
    );
    let did = sim.trace().split_off(told);
    for table in files.iter().filter(|name| name.ends_with(".sst")) {
        assert!(
            !did.contains(&format!("sync {table}")),
            "{table} was synced before any manifest named it, and is once more {LINKED}"
        );
    }
    assert_eq!(names(&sim, DIR), files, "files of the store after a checkpoint {MOMENT}");
    assert_eq!(names(&sim, "/db/log"), log, "segments of the store's log {MOMENT}");
    assert_eq!(stat(&store, "flushes"), 0, "flushes; memory becomes a table of the copy {MOMENT}");
    expect_copy(disk(&sim), COPY, &all(&store), "linked,");
}

#[test]
fn without_links_the_tables_are_copied_and_synced() {
    let sim = SimFs::new(1);
    drop(filled(disk(&sim)));
    let store = open(Linking::new(&sim, Links::None), DIR, in_memory());
    let want = all(&store);
    checkpoint(&store, COPY);
    sim.power_cycle();
    drop(store);
    for table in names(&sim, DIR).iter().filter(|name| name.ends_with(".sst")) {
        let (store, copy) = (Path::new(DIR).join(table), Path::new(COPY).join(table));
        assert_eq!(
            sim.contents(copy),
            sim.contents(store),
            "{table}: after a power cut the copy is not the table {LINKED}"
        );
    }
    expect_copy(disk(&sim), COPY, &want, "copied without links,");
}

#[test]
fn without_links_a_file_that_is_in_the_way_is_not_written_into() {
    let sim = SimFs::new(1);
    drop(filled(disk(&sim)));
    let fs = Linking::new(&sim, Links::None);
    let store = open(fs.clone(), DIR, in_memory());
    let names = names(&sim, DIR);
    let table = names.iter().find(|name| name.ends_with(".sst")).expect("there are some");
    let in_the_way = Path::new(COPY).join(table);
    let (below, path) = (sim.clone(), in_the_way.clone());
    fs.at_link(move || below.overwrite(path, b"somebody's"));
    let made = store.checkpoint(Path::new(COPY));
    fs.expect_linked();
    assert_eq!(
        sim.contents(&in_the_way),
        b"somebody's",
        "{table} was there, and the disk has no links: `create` has emptied it {LINKED}"
    );
    let refused = made.expect_err("a file is in the way");
    assert!(
        refused.to_string().contains(&in_the_way.display().to_string()),
        "the error names what is in the way, {in_the_way:?}, and is: {refused} {LINKED}"
    );
}

#[test]
fn a_directory_with_something_in_it_is_refused() {
    let sim = SimFs::new(1);
    let store = filled(disk(&sim));
    sim.overwrite("/full/of/letters", b"dear reader");
    sim.overwrite("/tables/000001.sst", b"somebody's");
    sim.overwrite("/log/log/00000000000000000000.wal", b"what was left of a store");
    sim.overwrite("/broken/CURRENT", b"UNFINI");
    checkpoint(&store, "/whole");
    drop(open(disk(&sim), "/other", small()));
    for dir in ["/full/of", "/tables", "/log", "/broken", "/whole", "/other"] {
        let before = (names(&sim, dir), names(&sim, &format!("{dir}/log")));
        let refused = store.checkpoint(Path::new(dir));
        assert!(
            refused.as_ref().is_err_and(is_refusal),
            "{dir} has {before:?} in it, and a checkpoint there gives {refused:?} {FIRST}"
        );
        let (mut after, log) = (names(&sim, dir), names(&sim, &format!("{dir}/log")));
        after.retain(|name| name != "LOCK" || before.0.contains(name));
        assert_eq!((after, log), before, "in {dir}, after a checkpoint was refused {FIRST}");
    }
    for dir in [DIR, COPY] {
        let _copy = (dir == COPY).then(|| {
            checkpoint(&store, COPY);
            open_copy(disk(&sim), COPY, small())
        });
        let refused = store.checkpoint(Path::new(dir));
        assert!(
            matches!(refused, Err(Error::Locked { .. })),
            "a store is open in {dir}, and a checkpoint there gives {refused:?} {FIRST}"
        );
    }
}

#[test]
fn half_a_checkpoint_says_so_when_it_is_opened() {
    let sim = SimFs::new(1);
    let store = filled(disk(&sim));
    // Of the tables that are made, the one of memory; all others are linked.
    sim.fail(Operation::Rename, 2, Fault::NoSpace);
    let failed = store.checkpoint(Path::new(COPY));
    assert!(
        failed.is_err(),
        "the table of memory cannot be made, and the checkpoint is {failed:?}"
    );
    let half = names(&sim, COPY);
    let tables = half.iter().filter(|name| name.ends_with(".sst")).count();
    assert!(
        tables > 2,
        "the store's tables should be linked by now, and there are {half:?} {LINKED}"
    );
    assert_eq!(
        sim.contents(Path::new(COPY).join("CURRENT")),
        format!("{UNFINISHED}\n").as_bytes(),
        "CURRENT of half a checkpoint {FIRST}"
    );
    let error = Lsm::open(disk(&sim), Path::new(COPY), small()).expect_err("it is half a store");
    assert!(
        error.to_string().contains("CURRENT") && error.to_string().contains("never finished"),
        "half a checkpoint is opened, and the error is: {error} {FIRST}"
    );
    assert_eq!(names(&sim, COPY), half, "an opener that was refused has changed something {FIRST}");
    checkpoint(&store, COPY);
    expect_copy(disk(&sim), COPY, &all(&store), "begun again,");
}

#[test]
fn a_store_that_can_write_no_more_still_has_a_checkpoint() {
    let sim = SimFs::new(1);
    let store = open(disk(&sim), DIR, still());
    overwrite(&store, 0..3);
    sim.fail_from(Operation::Rename, 1, Fault::Io);
    let refused = (0..10_000).find_map(|_| {
        std::thread::yield_now();
        store.write(batch(&[put("key", "value")]), Durability::Buffered).err()
    });
    assert!(refused.is_some(), "no table can be made any more, and writes are taken");
    sim.clear_faults();
    checkpoint(&store, COPY);
    let copy = expect_copy(disk(&sim), COPY, &all(&store), "of a store that has failed,");
    write(&copy, &[put("key", "and it takes writes")]);
}
