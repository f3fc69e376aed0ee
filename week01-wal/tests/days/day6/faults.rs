//! Day 6 on a disk that fails.

use std::sync::Arc;

use wal::fs::{Fault, Operation as Call};
use wal::testing::{batch, put};
use wal::{Durability, Engine, Error, WriteBatch};

use super::given::*;

#[test]
fn a_batch_too_large_for_the_log_changes_nothing() {
    let (fs, store) = store_of(2);
    let mut large = WriteBatch::new();
    large.put(b"small", b"1");
    large.put(b"large", &[b'x'; 7_000]);
    let refused = store.write(large, Durability::Synced);
    let refused = matches!(refused, Err(Error::RecordTooLarge { .. }));
    assert!(refused, "a batch larger than a segment is Error::RecordTooLarge");
    expect_numbers(&store, 2, "after a batch that was refused");
    let seq = store.write(batch(&[put("0002", format!("{:0100}", 2))]), Durability::Synced);
    assert_eq!(seq.ok(), Some(3), "a batch that was refused takes no number, and does no harm");
    close(&store);
    expect_numbers(&store_on(&fs), 3, "opened again");
}

#[test]
fn a_checkpoint_that_fails_leaves_the_store_as_it_was() {
    let failures = [
        (Call::Create, 1),
        (Call::Write, 1),
        (Call::Write, 2),
        (Call::Sync, 1),
        (Call::Rename, 1),
        (Call::SyncDir, 1),
        (Call::Remove, 1),
    ];
    for (call, nth) in failures {
        let (fs, store) = store_of(150);
        fs.fail(call, nth, Fault::Io);
        let failed = store.checkpoint().is_err();
        assert!(failed, "{call:?} number {nth} failed, and the checkpoint said that all is well");
        put_number(&store, 150);
        store.sync().unwrap_or_else(|error| panic!("the log is unharmed, and sync says: {error}"));
        fs.power_cycle();
        drop(store);
        let store = store_on(&fs);
        let when = format!("{call:?} number {nth} of a checkpoint failed; after a power cut");
        expect_numbers(&store, 151, &when);
        checkpoint(&store);
    }
}

#[test]
fn a_disk_too_full_for_a_checkpoint_leaves_a_readable_store() {
    let (fs, store) = store_of(100);
    fs.set_free_space(Some(2_000));
    let refused = store.checkpoint().err().and_then(|error| error.io_kind());
    assert_eq!(refused, Some(std::io::ErrorKind::StorageFull), "there is no room for it");
    expect_numbers(&store, 100, "on a full disk");
    fs.set_free_space(None);
    checkpoint(&store);
    close(&store);
    expect_numbers(&store_on(&fs), 100, "with space again");
}

#[test]
fn what_cannot_be_read_is_not_taken_for_what_is_not_there() {
    for call in [Call::List, Call::Open, Call::Read, Call::Len] {
        let (fs, store) = store_of(150);
        checkpoint(&store);
        (150..200).for_each(|number| put_number(&store, number));
        close(&store);
        for nth in 1.. {
            fs.fail(call, nth, Fault::Io);
            let opened = try_store(Arc::new(fs.clone()), dir());
            fs.clear_faults();
            match opened {
                Err(Error::Io { .. }) => {}
                Err(other) => {
                    panic!("{call:?} number {nth} failed; that is Error::Io, not: {other}")
                }
                Ok(store) => {
                    let when = format!("opened although {call:?} number {nth} may have failed");
                    expect_numbers(&store, 200, &when);
                    break;
                }
            }
        }
    }
}
