//! Files that nobody names, and a whole life on a real disk.

use std::path::Path;
use std::sync::Arc;

use lsm::files::table_path;
use lsm::{Edit, Manifest};
use wal::fs::{Fs, OsFs};

use super::given::*;

#[test]
fn orphans_are_our_own_files_that_nobody_names() {
    let sim = disk_with(&file_of(7, &[&bytes_of(&first_edit())]));
    for live in [1, 2] {
        sim.overwrite(table_path(Path::new(DIR), live), b"");
    }
    let orphans = [
        "000003.sst",
        "000044.sst.tmp",
        "1000000.sst",
        "CURRENT.tmp",
        "MANIFEST-000005",
        "MANIFEST-000007",
    ];
    let others = [
        "LOCK",
        "notes.txt",
        "7.sst",
        "000001.sst.bak",
        "MANIFEST-old",
        "MANIFEST-7",
        "editor.tmp",
        "sst",
        "CURRENT.bak",
        "MANIFEST-000005.tmp",
    ];
    for name in orphans.iter().chain(&others).filter(|name| **name != "MANIFEST-000007") {
        sim.overwrite(path(name), b"");
    }
    let before = sim.counts().operations;
    let manifest = open(&sim);
    let made = sim.counts().operations - before;
    // `CURRENT.tmp` was used by the new manifest: another one takes its place.
    sim.overwrite(path("CURRENT.tmp"), b"");
    assert_eq!(
        orphan_names(&sim, &manifest),
        orphans,
        "what may be removed, of {:?} {RECOVERS}",
        names(&sim)
    );
    let changes = sim.counts().operations - before - made;
    assert_eq!(changes, 0, "looking for orphans changes nothing {RECOVERS}");
}

#[test]
fn a_table_is_an_orphan_from_the_edit_on_that_removes_it() {
    let sim = disk(1);
    let mut manifest = open(&sim);
    let kept = append_flush(&mut manifest);
    let number = manifest.new_number().expect("there are enough");
    for file in [kept, number] {
        sim.overwrite(table_path(Path::new(DIR), file), b"");
    }
    let name = [format!("{number:06}.sst")];
    assert_eq!(
        orphan_names(&sim, &manifest),
        name,
        "before an edit adds table {number} {RECOVERS}"
    );
    append(&mut manifest, add(&[flushed(number)]));
    assert!(orphan_names(&sim, &manifest).is_empty(), "table {number} is live {RECOVERS}");
    // Of several that a flush makes live, level does not matter.
    let edit =
        Edit { removed: vec![(0, number)], ..add(&[(6, table(number, (2, 2), ("a", "b")))]) };
    append(&mut manifest, edit);
    assert!(
        orphan_names(&sim, &manifest).is_empty(),
        "table {number} moved, and is live {RECOVERS}"
    );
    append(&mut manifest, remove(&[(6, number)]));
    assert_eq!(
        orphan_names(&sim, &manifest),
        name,
        "after an edit that removes table {number} {RECOVERS}"
    );
}

#[test]
fn on_a_real_disk_it_is_the_same() {
    let dir = tempfile::tempdir().expect("a directory on the real disk");
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    for life in 0..3 {
        let state = Manifest::recover(&*fs, dir.path()).expect("a good disk");
        assert_eq!(state.levels.level(0).len(), life, "tables of life {life} {RECOVERS}");
        let mut manifest =
            Manifest::create(Arc::clone(&fs), dir.path(), state).expect("a good disk");
        append_flush(&mut manifest);
        let found = lsm::manifest::orphans(&*fs, dir.path(), &manifest).expect("a good disk");
        assert_eq!(found.len(), life, "one old manifest of each life: got {found:?} {RECOVERS}");
    }
}
