//! The classic ways to lose a file, each shown to be found by crashing at every operation.
//!
//! A file `CURRENT` holds a number and is replaced by the next one: write a new file, sync it,
//! rename it over the old one, sync the directory. In this order; with nothing left out.

use wal::Result;
use wal::fs::{Fault, Fs, Operation, SimFs};
use wal::testing::crash_at_every_operation;

use super::{DIR, disk, panic_of, path, read, sync_dir, write};

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Write,
    Sync,
    Rename,
    SyncDir,
}

use Step::{Rename, Sync, SyncDir, Write};

/// Publishes the numbers 1 to 3 by `recipe`, and notes in `promised` what is published.
fn publish(recipe: &[Step], fs: &SimFs, promised: &mut u8) -> Result<()> {
    let (tmp, current) = (path("CURRENT.tmp"), path("CURRENT"));
    fs.overwrite(path("CURRENT"), b"#\0");
    for number in 1..=3 {
        let file = fs.create(&tmp)?;
        for step in recipe {
            match step {
                Write => file.write_at(0, &[b'#', number])?,
                Sync => file.sync_data()?,
                Rename => fs.rename(&tmp, &current)?,
                SyncDir => fs.sync_dir(DIR.as_ref())?,
            }
        }
        *promised = number;
    }
    Ok(())
}

/// What crashing at every operation says about a recipe.
fn verdict(recipe: &[Step]) -> Option<String> {
    panic_of(|| {
        crash_at_every_operation(
            |fs, promised| publish(recipe, fs, promised),
            |fs, promised| match read(fs, "CURRENT").as_deref() {
                Some([b'#', number]) if [*promised, *promised + 1].contains(number) => {}
                Some([b'#', number]) => panic!("{promised} was published, {number} is there"),
                other => panic!("CURRENT is lost or torn: {other:?}"),
            },
        );
    })
}

#[test]
fn the_right_recipe_passes() {
    assert_eq!(verdict(&[Write, Sync, Rename, SyncDir]), None);
}

#[test]
fn a_forgotten_directory_sync_is_found() {
    assert_found(&[Write, Sync, Rename], "the rename may be forgotten");
}

#[test]
fn a_directory_synced_too_early_is_found() {
    assert_found(&[Write, Sync, SyncDir, Rename], "the rename may be forgotten");
}

#[test]
fn a_rename_before_the_data_is_synced_is_found() {
    assert_found(&[Write, Rename, Sync, SyncDir], "the name may be there before the bytes");
}

#[test]
fn a_forgotten_sync_is_found() {
    assert_found(&[Write, Rename, SyncDir], "the bytes may be lost");
}

#[track_caller]
fn assert_found(recipe: &[Step], why: &str) {
    assert!(verdict(recipe).is_some(), "a wrong recipe passes: {why}");
}

#[test]
fn a_retry_after_a_failed_sync_is_found() {
    for seed in 0..20 {
        let fs = disk(seed);
        let file = write(&fs, "a", b"1");
        sync_dir(&fs);
        fs.fail(Operation::Sync, 1, Fault::Io);
        let acknowledged = file.sync_data().or_else(|_| file.sync_data());
        assert!(acknowledged.is_ok(), "the second sync says that all is well");
        fs.power_cycle();
        let found = read(&fs, "a").expect("its name was synced");
        assert_ne!(found, b"1", "with seed {seed} the disk forgave a retry");
    }
}
