//! What a power cut leaves: everything that was synced, and any part of the rest.

use std::collections::BTreeSet;

use wal::fs::{Fs, SimFs};
use wal::testing::{Workload, seeds};

use super::{DIR, disk, path, read, sync_dir, write};

/// Every outcome that `after` sees over many seeds.
fn outcomes<T: Ord>(prepare: impl Fn(&SimFs), after: impl Fn(&SimFs) -> T) -> BTreeSet<T> {
    let outcome = |seed| {
        let fs = disk(seed);
        prepare(&fs);
        fs.power_cycle();
        after(&fs)
    };
    (0..400).map(outcome).collect()
}

#[test]
fn synced_bytes_and_names_survive_on_all_seeds() {
    for seed in seeds(300) {
        let fs = disk(seed);
        let mut random = Workload::new(seed);
        let file = write(&fs, "log", b"");
        sync_dir(&fs);
        let mut synced = Vec::new();
        for _ in 0..20 {
            let bytes = vec![random.below(256) as u8; random.below(2000)];
            file.write_at(synced.len() as u64, &bytes).expect("written");
            if random.below(2) == 0 {
                file.sync_data().expect("synced");
                synced.extend_from_slice(&bytes);
            }
        }
        fs.power_cycle();
        let found = read(&fs, "log").unwrap_or_default();
        assert!(
            found.starts_with(&synced),
            "with seed {seed}, {} bytes were synced, and not all are there",
            synced.len()
        );
    }
}

#[test]
fn an_unsynced_write_is_kept_or_lost_or_torn() {
    let sizes = outcomes(
        |fs| {
            write(fs, "log", &[]).sync_data().expect("synced");
            sync_dir(fs);
            write(fs, "log", &[7; 2000]);
        },
        |fs| {
            let found = read(fs, "log").expect("its name was synced");
            found.iter().filter(|byte| **byte == 7).count()
        },
    );
    assert!(sizes.contains(&0), "never lost");
    assert!(sizes.contains(&2000), "never kept whole");
    assert!(sizes.iter().any(|size| size % 512 != 0 && *size < 1900), "never torn inside a sector");
    assert!(sizes.len() > 20, "torn in {} ways only", sizes.len());
}

#[test]
fn a_lost_write_may_leave_its_length_behind_with_zeros_or_garbage() {
    let found = outcomes(
        |fs| {
            write(fs, "old", &[9; 100]).sync_data().expect("synced");
            write(fs, "new", &[]).sync_data().expect("synced");
            sync_dir(fs);
            fs.remove(&path("old")).expect("removed");
            sync_dir(fs);
            write(fs, "new", &[7; 100]);
        },
        |fs| read(fs, "new").expect("its name was synced"),
    );
    assert!(found.contains(&vec![]), "the length is never lost");
    assert!(found.contains(&vec![0; 100]), "never zeros under a longer length");
    assert!(found.contains(&vec![9; 100]), "never the bytes of a file that is gone");
    let noise = found.iter().any(|bytes| bytes.iter().any(|byte| ![0, 7, 9].contains(byte)));
    assert!(noise, "never noise under a longer length");
}

#[test]
fn writes_are_kept_and_lost_each_on_its_own() {
    let found = outcomes(
        |fs| {
            let file = write(fs, "log", b"..");
            file.sync_data().expect("synced");
            sync_dir(fs);
            file.write_at(0, b"A").expect("written");
            file.write_at(1, b"B").expect("written");
        },
        |fs| String::from_utf8(read(fs, "log").expect("synced")).expect("ASCII"),
    );
    let all = ["..", "A.", ".B", "AB"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(all), "two writes, four outcomes");
}

#[test]
fn an_overwritten_sector_has_old_or_new_bytes_and_no_others() {
    let found = outcomes(
        |fs| {
            let file = write(fs, "page", &[1; 2048]);
            file.sync_data().expect("synced");
            sync_dir(fs);
            file.write_at(0, &[2; 2048]).expect("written");
        },
        |fs| read(fs, "page").expect("synced"),
    );
    assert!(found.iter().flatten().all(|byte| [1, 2].contains(byte)), "garbage in place of a page");
    let hole = |page: &Vec<u8>| page.chunks(512).map(|sector| sector[0]).is_sorted();
    assert!(!found.iter().all(hole), "sectors always reach the disk in order");
}

#[test]
fn a_length_that_was_cut_may_come_back() {
    let found = outcomes(
        |fs| {
            let file = write(fs, "log", b"whole");
            file.sync_data().expect("synced");
            sync_dir(fs);
            file.set_len(2).expect("cut");
        },
        |fs| String::from_utf8(read(fs, "log").expect("synced")).expect("ASCII"),
    );
    assert_eq!(found, BTreeSet::from(["whole".to_owned(), "wh".to_owned()]));
}

/// The names in the directory, each with its file's bytes.
fn tree(fs: &SimFs) -> String {
    let names = fs.list(DIR.as_ref()).expect("the directory was synced");
    let entry = |name: &String| {
        let bytes = read(fs, name).unwrap_or_default();
        format!("{name}={}", bytes.escape_ascii())
    };
    names.iter().map(entry).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_name_is_lost_although_its_bytes_were_synced() {
    let found = outcomes(|fs| write(fs, "a", b"1").sync_data().expect("synced"), tree);
    assert_eq!(found, BTreeSet::from(["".to_owned(), "a=1".to_owned()]));
}

#[test]
fn a_rename_is_kept_while_the_bytes_are_lost() {
    let found = outcomes(
        |fs| {
            write(fs, "current", b"old").sync_data().expect("synced");
            sync_dir(fs);
            write(fs, "tmp", b"new");
            fs.rename(&path("tmp"), &path("current")).expect("renamed");
        },
        tree,
    );
    assert!(found.contains("current="), "the renamed file is never empty: {found:?}");
    assert!(found.contains("current=new"), "the rename never goes well: {found:?}");
    assert!(found.contains("current=old"), "the rename is never forgotten: {found:?}");
}

#[test]
fn a_removal_is_kept_while_an_earlier_rename_is_forgotten() {
    let found = outcomes(
        |fs| {
            for (name, bytes) in [("tmp", b"2"), ("log.1", b"1")] {
                write(fs, name, bytes).sync_data().expect("synced");
            }
            sync_dir(fs);
            fs.rename(&path("tmp"), &path("log.2")).expect("renamed");
            fs.remove(&path("log.1")).expect("removed");
        },
        tree,
    );
    let all = ["log.1=1 tmp=2", "log.1=1 log.2=2", "tmp=2", "log.2=2"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(all), "two changes of names, four outcomes");
}

#[test]
fn a_file_is_never_there_twice() {
    let found = outcomes(
        |fs| {
            write(fs, "a", b"1").sync_data().expect("synced");
            sync_dir(fs);
            fs.rename(&path("a"), &path("b")).expect("renamed");
            fs.rename(&path("b"), &path("c")).expect("renamed");
        },
        tree,
    );
    assert_eq!(found, BTreeSet::from(["a=1", "b=1", "c=1"].map(str::to_owned)));
}

#[test]
fn a_file_with_two_names_loses_neither_of_those_that_were_synced() {
    let found = outcomes(
        |fs| {
            write(fs, "a", b"1").sync_data().expect("synced");
            sync_dir(fs);
            fs.hard_link(&path("a"), &path("b")).expect("linked");
        },
        tree,
    );
    assert_eq!(found, BTreeSet::from(["a=1", "a=1 b=1"].map(str::to_owned)), "a link, not synced");
    let found = outcomes(
        |fs| {
            write(fs, "a", b"1").sync_data().expect("synced");
            fs.hard_link(&path("a"), &path("b")).expect("linked");
            sync_dir(fs);
            fs.rename(&path("a"), &path("c")).expect("renamed");
        },
        tree,
    );
    let both = ["a=1 b=1", "b=1 c=1"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(both), "a rename of one name, the other synced");
    let found = outcomes(
        |fs| {
            write(fs, "a", b"1").sync_data().expect("synced");
            fs.hard_link(&path("a"), &path("b")).expect("linked");
            sync_dir(fs);
            fs.remove(&path("a")).expect("removed");
            sync_dir(fs);
        },
        tree,
    );
    assert_eq!(found, BTreeSet::from(["b=1".to_owned()]), "the bytes live as long as a name");
}

#[test]
fn what_lies_in_a_forgotten_directory_is_gone() {
    let found = outcomes(
        |fs| {
            fs.create_dir(&path("sub")).expect("made");
            let file = fs.create(&path("sub/a")).expect("made");
            file.write_at(0, b"1").expect("written");
            file.sync_data().expect("synced");
            fs.sync_dir(&path("sub")).expect("synced");
        },
        |fs| fs.open(&path("sub/a")).is_ok(),
    );
    assert_eq!(found, BTreeSet::from([false, true]), "the directory's own name was not synced");
}

#[test]
fn a_kill_leaves_everything_that_was_written() {
    let fs = disk(1);
    let file = write(&fs, "a", b"1");
    let dead = fs.clone();
    fs.kill();
    assert_eq!(read(&fs, "a").as_deref(), Some(&b"1"[..]), "the machine did not lose power");
    assert!(file.write_at(0, b"2").is_err(), "a file of a killed process can be written");
    assert!(dead.open(&path("a")).is_err(), "a killed process can open files");
    fs.power_cycle();
    assert!(file.len().is_err(), "a file opened before the reboot can be used");
}

#[test]
fn with_the_power_off_every_call_fails_until_it_is_back() {
    let fs = disk(1);
    let file = write(&fs, "a", b"1");
    fs.crash_at(2);
    assert!(file.sync_data().is_ok(), "the power is cut at the second operation, not at the first");
    assert!(fs.is_powered());
    let error = file.write_at(1, b"2").expect_err("the power goes off");
    assert!(error.to_string().contains("the power is off"), "{error}");
    assert!(!fs.is_powered());
    assert!(file.read_at(0, &mut [0]).is_err(), "reads work without power");
    assert!(fs.list(DIR.as_ref()).is_err(), "directories can be listed without power");
    assert!(fs.create(&path("b")).is_err(), "files can be made without power");
    fs.power_cycle();
    assert!(fs.list(DIR.as_ref()).is_ok(), "the power is back");
}

#[test]
fn a_write_cut_short_may_be_there_whole_in_part_or_not_at_all() {
    let sizes = outcomes(
        |fs| {
            let file = write(fs, "a", b"");
            sync_dir(fs);
            fs.crash_at(1);
            assert!(file.write_at(0, &[7; 1000]).is_err(), "the power went off");
        },
        |fs| read(fs, "a").unwrap_or_default().iter().filter(|byte| **byte == 7).count(),
    );
    assert!(sizes.contains(&0) && sizes.contains(&1000) && sizes.len() > 10, "{sizes:?}");
}

#[test]
fn one_seed_rolls_anew_at_every_operation() {
    let survived: BTreeSet<bool> = (0..40)
        .map(|operations| {
            let fs = disk(1);
            (0..operations).for_each(|_| sync_dir(&fs));
            write(&fs, "a", b"");
            fs.power_cycle();
            read(&fs, "a").is_some()
        })
        .collect();
    assert_eq!(survived.len(), 2, "a seed that keeps a name at one operation keeps it at all");
}

/// Everything that can be seen of a disk after a random life with two crashes in it.
fn life(seed: u64) -> (Vec<String>, String) {
    let fs = disk(seed);
    let mut random = Workload::new(99);
    for step in 0..60 {
        let name = ["a", "b", "c"][random.below(3)];
        let file = write(&fs, name, &vec![step; random.below(1500)]);
        match random.below(5) {
            0 => file.sync_data().expect("synced"),
            1 => sync_dir(&fs),
            2 => fs.rename(&path(name), &path("d")).expect("renamed"),
            3 if step % 30 == 29 => fs.power_cycle(),
            _ => {}
        }
    }
    fs.power_cycle();
    (fs.trace(), tree(&fs))
}

#[test]
fn a_seed_gives_the_same_trace_and_the_same_disk_each_time() {
    for seed in 0..20 {
        assert!(life(seed) == life(seed), "two lives with seed {seed} differ");
    }
    assert!(life(1).1 != life(2).1, "the seed makes no difference");
}
