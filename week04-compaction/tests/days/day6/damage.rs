//! Files that are damaged, missing, or another store's: an error that names them, and nothing lost.

use std::path::{Path, PathBuf};

use lsm::LsmOptions;
use wal::fs::{Fs, SimFs};
use wal::{Direction, Durability, Engine, Entry, Error, KeyRange, Reader};

use super::given::*;

/// How many writes the store has seen.
const WRITES: usize = 303;

/// What is on a disk.
type Files = Vec<(PathBuf, Vec<u8>)>;

/// The files of a store that was closed: tables in several levels, a manifest with edits, and a log
/// with more than they have. What is written last is not compacted, however fast that would be.
fn files() -> Files {
    let sim = SimFs::new(1);
    let store = open(&sim, small());
    overwrite(&store, 0..26);
    store.settle().unwrap_or_else(|error| panic!("compaction fails: {error} {ENDS}"));
    drop(store);
    let store = open(&sim, LsmOptions { level0_tables: 100, ..small() });
    overwrite(&store, 26..30);
    for key in 0..3 {
        write(&store, &format!("key{key}"), &value(30), Durability::Synced);
    }
    store.close().expect("a good disk");
    drop(store);
    let mut files = Vec::new();
    for dir in [DIR, "/db/log"] {
        for name in sim.list(Path::new(dir)).expect("it is there") {
            let path = Path::new(dir).join(name);
            if path != Path::new("/db/log") {
                files.push((path.clone(), sim.contents(&path)));
            }
        }
    }
    assert!(files.iter().filter(|(path, _)| is_table(path)).count() > 2, "{:?}", names_of(&files));
    files
}

fn names_of(files: &Files) -> Vec<&PathBuf> {
    files.iter().map(|(path, _)| path).collect()
}

fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sst")
}

fn is_log(path: &Path) -> bool {
    path.starts_with("/db/log")
}

fn disk_of(files: &Files) -> SimFs {
    let sim = SimFs::new(1);
    files.iter().for_each(|(path, bytes)| sim.overwrite(path, bytes));
    sim
}

/// What the store held after so many writes.
fn state_after(writes: usize) -> Vec<Entry> {
    (0..10)
        .map(|key| {
            let round = (writes + 9 - key) / 10 - 1;
            (format!("key{key}").into(), value(round).into())
        })
        .collect()
}

/// The file that an error is about.
fn named_in(error: &Error) -> Option<&Path> {
    match error {
        Error::Corruption { file, .. } => Some(file),
        _ => None,
    }
}

/// Opens a store of these files, of which `damaged` is damaged, as `what` says: either that fails, and
/// nothing is removed; or all that it serves is right, or an error. `may_lose` of the last writes may
/// be gone.
#[track_caller]
fn expect_nothing_wrong(files: &Files, damaged: &Path, what: &str, may_lose: usize) {
    let sim = disk_of(files);
    let expect_named = |error: &Error| {
        let named = named_in(error);
        // An edit that is lost shows in the tables or in the log that it was about.
        let is_named = named.is_some_and(|named| named == damaged || is_manifest(damaged));
        assert!(is_named, "{what}: the error does not name it: {error} {NAMED}");
    };
    let store = match try_open(&sim, small()) {
        Ok(store) => store,
        Err(error) => {
            expect_named(&error);
            for (path, _) in files {
                let is_there = sim.open(path).is_ok();
                assert!(is_there, "{what}: opening fails ({error}), and {path:?} is gone {NAMED}");
            }
            return;
        }
    };
    let states: Vec<_> = (WRITES - may_lose..=WRITES).map(state_after).collect();
    for key in 0..10 {
        let name = format!("key{key}");
        match store.get(name.as_bytes()) {
            Ok(found) => {
                let is_right = states.iter().any(|state| Some(&state[key].1) == found.as_ref());
                assert!(is_right, "{what}: get({name:?}) gives {found:?} {NAMED}");
            }
            Err(error) => expect_named(&error),
        }
    }
    let scanned: Result<Vec<Entry>, Error> =
        store.scan(KeyRange::all(), Direction::Forward).and_then(Iterator::collect);
    match scanned {
        Ok(found) => assert!(states.contains(&found), "{what}: a scan gives {found:?} {NAMED}"),
        Err(error) => expect_named(&error),
    }
}

fn is_manifest(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("MANIFEST"))
}

#[test]
fn a_bit_that_is_flipped_anywhere_is_named_or_does_no_harm() {
    let files = files();
    for (index, (path, bytes)) in files.iter().enumerate() {
        // A hundred places of each file, and all of its end. Log segments have room, which is zero.
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let step = used / 100 + 1;
        for at in (0..used).step_by(step).chain(used.saturating_sub(60)..used) {
            let mut damaged = files.clone();
            damaged[index].1[at] ^= 1 << (at % 8);
            // Nobody can know of a last record that is torn whether it was ever whole.
            let may_lose = usize::from(is_log(path));
            let what = format!("byte {at} of {} flipped", path.display());
            expect_nothing_wrong(&damaged, path, &what, may_lose);
        }
    }
}

#[test]
fn a_file_that_is_cut_short_is_named_or_does_no_harm() {
    let files = files();
    for (index, (path, bytes)) in files.iter().enumerate().filter(|(_, (path, _))| !is_log(path)) {
        for size in [0, 1, bytes.len() / 3, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            let mut damaged = files.clone();
            damaged[index].1.truncate(size);
            let what = format!("{} cut to {size} bytes", path.display());
            expect_nothing_wrong(&damaged, path, &what, 0);
        }
    }
}

#[test]
fn a_file_that_is_missing_is_named() {
    let files = files();
    for (index, (path, _)) in files.iter().enumerate() {
        if path.ends_with("LOCK") || is_log(path) {
            continue;
        }
        let mut damaged = files.clone();
        damaged.remove(index);
        let sim = disk_of(&damaged);
        let what = format!("{} missing", path.display());
        let error =
            try_open(&sim, small()).expect_err(&format!("{what}: it must not open {NAMED}"));
        let name = path.file_name().expect("it has one").to_string_lossy();
        assert!(error.to_string().contains(&*name), "{what}, and the error is: {error} {NAMED}");
        for (other, _) in &damaged {
            assert!(sim.open(other).is_ok(), "{what}, and {other:?} was removed {NAMED}");
        }
    }
}

#[test]
fn a_log_that_is_missing_is_an_error() {
    let mut files = files();
    files.retain(|(path, _)| !is_log(path));
    let sim = disk_of(&files);
    let opened = try_open(&sim, small());
    let error = opened.expect_err(&format!("without its log a store has lost writes {NAMED}"));
    assert!(error.to_string().contains("log"), "the error does not say so: {error} {NAMED}");
}

#[test]
fn a_table_under_another_ones_name_is_named() {
    let files = files();
    let tables: Vec<usize> = (0..files.len()).filter(|&index| is_table(&files[index].0)).collect();
    for pair in tables.windows(2) {
        let mut damaged = files.clone();
        damaged[pair[0]].1 = files[pair[1]].1.clone();
        let path = &files[pair[0]].0;
        let what = format!("{} replaced by {}", path.display(), files[pair[1]].0.display());
        let error = try_open(&disk_of(&damaged), small())
            .expect_err(&format!("{what}: it must not open {NAMED}"));
        assert!(named_in(&error) == Some(path), "{what}, and the error is: {error} {NAMED}");
    }
}

#[test]
fn files_of_others_stay() {
    let mut files = files();
    let theirs: Vec<PathBuf> =
        ["notes.txt", "backup.sst", "7.sst", "MANIFEST-old", "editor.tmp", "-00001.sst"]
            .map(|name| Path::new(DIR).join(name))
            .into();
    files.extend(theirs.iter().map(|path| (path.clone(), b"theirs".to_vec())));
    let sim = disk_of(&files);
    let store = open(&sim, small());
    overwrite(&store, 31..60);
    drop(store);
    for path in theirs {
        assert!(sim.open(&path).is_ok(), "{path:?} is not the store's, and is gone {NAMED}");
        assert_eq!(sim.contents(&path), b"theirs", "{path:?} is not the store's {NAMED}");
    }
}
