//! What the disk is told, and what it is left with.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sstable::TableOptions;
use sstable::format::ENTRY_SIZE_MAX;
use wal::Error;
use wal::fs::{Fault, Operation as Call, SimFs};
use wal::testing::{Workload, seeds};

use super::given::*;

const ONCE: &str = "(rule 5 of day 2: from its first byte to its last, each part in one write; \
                    then one sync, the rename, one sync of the directory)";
const NOTHING_LEFT: &str = "(rule 5 of day 2: a table that is not finished leaves no file behind)";
const WHOLE: &str = "(rule 5 of day 2: under the table's name there is nothing, or all of it)";

fn path() -> PathBuf {
    Path::new(DIR).join(NAME)
}

/// Sixty entries in some twenty blocks, and the file that they make.
fn sample() -> (TableOptions, Vec<Entry>, Vec<u8>) {
    let (options, entries) = (blocks_of(120), random(&mut Workload::new(5), 60));
    let file = file_of(&options, &entries);
    (options, entries, file)
}

/// What the disk was told since the table was begun.
fn trace(fs: &SimFs) -> Vec<String> {
    let trace = fs.trace();
    let begun = trace.iter().position(|line| line.starts_with("create 0000"));
    trace[begun.expect("a file was made")..].to_vec()
}

#[test]
fn a_table_is_written_from_its_first_byte_to_its_last() {
    let (options, entries, file) = sample();
    let fs = built(&options, &entries).0;
    let (mut at, mut writes) = (0, 0);
    let told = trace(&fs);
    for line in told[1..].iter().take_while(|line| !line.starts_with("sync")) {
        let Some(range) = line.strip_prefix("write 000007.sst.tmp ") else {
            panic!("before the sync the disk is told \"{line}\", and nothing but writes {ONCE}")
        };
        let (start, end) = range.split_once("..").expect("a write has a range");
        assert_eq!(start, at.to_string(), "where write {writes} begins, and should begin {ONCE}");
        at = end.parse().expect("a number");
        writes += 1;
    }
    assert_eq!(at, file.len(), "where the last write ends: at the end of the file {ONCE}");
    let parts = TableFile::read(&file).parts().count() + 1;
    assert_eq!(writes, parts, "writes: one for each block with its trailer, one for the footer");
}

#[test]
fn a_block_is_written_as_soon_as_it_ends() {
    let (options, _, file) = sample();
    let blocks = TableFile::read(&file).all_entries();
    let fs = disk(1);
    let mut builder = builder(&fs, &options).expect("a good disk");
    let before = fs.counts().writes;
    for (number, block) in blocks.iter().enumerate() {
        for entry in block {
            builder.add(entry.key(), &entry.value).expect("a good disk");
            let writes = fs.counts().writes - before;
            assert_eq!(
                writes, number as u64,
                "writes after {entry:?} went in, which is in block {number}: those before it have \
                 ended, and each is written at once (rule 3 of day 2)"
            );
        }
    }
}

#[test]
fn a_table_is_synced_then_renamed_then_its_directory_is_synced() {
    for words in [STONES, "a@1-"] {
        let fs = disk(1);
        let before = fs.counts();
        build(&fs, &blocks_of(64), &entries(words)).expect("a good disk takes it");
        let trace = trace(&fs);
        let end =
            ["sync 000007.sst.tmp", "rename 000007.sst.tmp to 000007.sst", "sync directory db"];
        let told = trace.join("\n  ");
        assert!(trace.ends_with(&end.map(String::from)), "the disk was told\n  {told}\n{ONCE}");
        let counts = fs.counts();
        let syncs = (counts.syncs - before.syncs, counts.dir_syncs - before.dir_syncs);
        assert_eq!(syncs, (1, 1), "syncs of the file and of its directory:\n  {told}\n{ONCE}");
        assert_eq!(names(&fs), [NAME], "files that there are at the end {WHOLE}");
    }
}

#[test]
fn a_failure_of_the_disk_is_an_error_and_leaves_neither_name() {
    let (options, entries, _) = sample();
    for call in [Call::Write, Call::Sync, Call::Rename, Call::SyncDir] {
        // `InvalidInput` would be the caller's mistake.
        for (fault, wanted) in
            [(Fault::Io, ErrorKind::Other), (Fault::NoSpace, ErrorKind::StorageFull)]
        {
            for nth in 1.. {
                let fs = disk(nth);
                fs.fail(call, nth, fault);
                let result = build(&fs, &options, &entries);
                if result.is_ok() && nth > 1 {
                    break; // There are not so many calls.
                }
                let failed = format!("{call:?} number {nth} failed");
                let kind = result.as_ref().err().and_then(Error::io_kind);
                assert_eq!(
                    kind,
                    Some(wanted),
                    "{failed}, and whoever builds the table hears of it, in the disk's own words: \
                     {result:?} (rule 5 of day 2)"
                );
                assert_eq!(names(&fs), [""; 0], "{failed}, files that are left {NOTHING_LEFT}");
            }
        }
    }
}

#[test]
fn a_full_disk_leaves_neither_name() {
    let (options, entries, file) = sample();
    for room in 0..file.len() as u64 {
        let fs = disk(room);
        fs.set_free_space(Some(room));
        let result = build(&fs, &options, &entries);
        let why = format!("{} bytes on a disk with room for {room}", file.len());
        assert!(matches!(result, Err(Error::Io { .. })), "{why}: {result:?} (rule 5 of day 2)");
        assert_eq!(names(&fs), [""; 0], "{why}, files that are left {NOTHING_LEFT}");
    }
}

#[test]
fn after_a_failed_write_nothing_is_accepted() {
    let (options, entries, _) = sample();
    let too_large = Entry::put("zzz", 1, vec![0; ENTRY_SIZE_MAX]);
    for nth in 1..10 {
        let fs = disk(nth);
        fs.fail(Call::Write, nth, Fault::Io);
        let mut builder = builder(&fs, &options).expect("a good disk");
        let add = |entry: &Entry| builder.add(entry.key(), &entry.value).err();
        let failed = entries.iter().find_map(add);
        assert!(matches!(failed, Some(Error::Io { .. })), "write {nth} fails in `add`: {failed:?}");
        let why = format!("write {nth} failed: nobody knows what is in the file (rule 5 of day 2)");
        // Whatever else could be said of an entry: it is in there, or it is too large.
        for entry in entries.iter().chain([&too_large]) {
            let result = builder.add(entry.key(), &entry.value);
            assert!(matches!(result, Err(Error::Poisoned { .. })), "{why}; `add`: {result:?}");
        }
        let result = builder.finish();
        assert!(matches!(result, Err(Error::Poisoned { .. })), "{why}; `finish`: {result:?}");
        assert_eq!(names(&fs), [""; 0], "{why}, files that are left {NOTHING_LEFT}");
    }
}

#[test]
fn a_builder_that_is_dropped_leaves_nothing() {
    let (options, entries, _) = sample();
    for count in 0..=entries.len() {
        let fs = disk(1);
        let mut builder = builder(&fs, &options).expect("a good disk");
        for entry in &entries[..count] {
            builder.add(entry.key(), &entry.value).expect("a good disk");
        }
        drop(builder);
        let left = names(&fs);
        assert_eq!(left, [""; 0], "files that are left, dropped after {count} {NOTHING_LEFT}");
    }
}

#[test]
fn a_power_cut_anywhere_leaves_no_table_or_a_whole_one() {
    cut_short_everywhere(SimFs::power_cycle, None);
}

#[test]
fn a_kill_anywhere_leaves_no_table_or_a_whole_one() {
    cut_short_everywhere(SimFs::kill, None);
}

#[test]
fn an_older_table_of_that_name_is_replaced_in_one_step() {
    cut_short_everywhere(SimFs::power_cycle, Some(b"the table before"));
    // And it stays if the new one fails.
    let (options, entries, _) = sample();
    for call in [Call::Write, Call::Sync, Call::Rename] {
        let fs = disk(1);
        fs.overwrite(path(), b"the table before");
        fs.fail(call, 1, Fault::Io);
        build(&fs, &options, &entries).expect_err("the disk failed");
        assert_eq!(names(&fs), [NAME], "files that are left after {call:?} failed {WHOLE}");
        let same = fs.contents(path()) == b"the table before";
        assert!(same, "{call:?} failed, and the older table is another now {WHOLE}");
    }
}

/// Ends it in the middle of every operation, on several disks; whether there is a table before or
/// not.
#[track_caller]
fn cut_short_everywhere(end: fn(&SimFs), before: Option<&[u8]>) {
    let (options, entries, file) = sample();
    for seed in seeds(5) {
        for nth in 1.. {
            let fs = disk(seed);
            if let Some(before) = before {
                fs.overwrite(path(), before);
            }
            fs.crash_at(nth);
            let finished = build(&fs, &options, &entries).is_ok();
            let struck = !fs.is_powered();
            end(&fs);
            let cut = format!("seed {seed}, it ended in operation {nth}:\n  {}", last(&fs));
            let left = names(&fs);
            let known = left.iter().all(|name| name == NAME || name == TEMPORARY);
            assert!(known, "{cut}\nfiles that nobody knows: {left:?} {NOTHING_LEFT}");
            let found = left.iter().any(|name| name == NAME).then(|| fs.contents(path()));
            let whole = found.as_ref() == Some(&file);
            assert!(whole || !finished, "{cut}\n`finish` returned, and the table is gone {WHOLE}");
            let old = found.as_deref() == before;
            let size = found.map(|found| found.len());
            assert!(
                whole || old,
                "{cut}\nunder the table's name there is {size:?} bytes of {}, or others {WHOLE}",
                file.len()
            );
            if !struck {
                break;
            }
        }
    }
}

fn last(fs: &SimFs) -> String {
    let trace = fs.trace();
    trace[trace.len().saturating_sub(6)..].join("\n  ")
}
