//! A store's life: opened, closed, opened again, and asked while it works.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use wal::Durability::Buffered;
use wal::fs::SimFs;
use wal::{Engine, Reader};

use super::given::{close, open, tell};

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
