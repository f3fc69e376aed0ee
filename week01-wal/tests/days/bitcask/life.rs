//! A store's life: opened, closed, opened again, and asked while it works.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use wal::Durability::Buffered;
use wal::fs::{Fs, SimFs};
use wal::{Engine, Reader};

use super::given::{close, dir, hint_at, hinted, open, tell};

#[test]
fn a_store_that_was_never_written_is_written_after_it_was_reopened() {
    let fs = SimFs::new(1);
    close(&open(&fs));
    let store = open(&fs);
    tell(&store, "a1");
    let found = store.get(b"a");
    assert!(
        matches!(&found, Ok(Some(value)) if value == "1"),
        "`a` was put, and get says {found:?}\n\
         recovery may put a new file under the name of an empty segment; the place of a value is in \
         the file that the log is written to, which Wal::segment tells (rule 1)"
    );
}

#[test]
fn stats_are_told_while_others_write() {
    let fs = SimFs::new(1);
    let store = &open(&fs);
    let written = &AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(move || {
            for number in 1..=300 {
                store.put(b"key", b"value", Buffered).expect("the disk works");
                written.store(number, SeqCst);
            }
        });
        while written.load(SeqCst) < 300 {
            let known = written.load(SeqCst);
            let told = store.stats().get("last_seq");
            assert!(told >= Some(known), "{known} writes were acknowledged, stats say {told:?}");
        }
    });
}

#[test]
fn a_hint_that_was_not_used_is_gone_when_the_store_is_open() {
    let fs = hinted();
    let stray = hint_at(987_654);
    fs.overwrite(&stray, b"of a segment that is not there");
    drop(open(&fs));
    let names = fs.list(dir()).expect("the disk works");
    let stray = stray.file_name().and_then(|name| name.to_str()).expect("it has a name");
    assert!(
        !names.iter().any(|name| name == stray),
        "a hint that no segment has is in the way of a better one, and must go: {names:?}\n\
         the bounds that `hint::sweep` takes are those of the hints that were believed (rule 5)"
    );
}
