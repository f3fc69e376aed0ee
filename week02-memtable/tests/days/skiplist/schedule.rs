//! The lab, in many orders of steps.

use std::sync::Arc;

use scheduled::{Cursor, Lookup, SEQ_MAX};
use shuttle::thread;
use wal::Operation;

use super::ScheduledTable;
use crate::orders::in_many_orders;

/// Each writer's place is known before the others' keys are there, and these have more in common
/// with it than what stood there did.
#[test]
fn neighbours_that_come_at_once_know_what_they_have_in_common() {
    in_many_orders(400, || {
        let table = Arc::new(ScheduledTable::new());
        let insert = |table: &ScheduledTable, key: &str| {
            table.insert(1, Operation::Put { key: key.as_bytes(), value: key.as_bytes() });
        };
        ["stone 1", "stone 9"].iter().for_each(|key| insert(&table, key));
        let brought = [["stone 55", "stone 5539"], ["stone 553", "stone 56"], ["stone 5536", "t"]];
        let writers = brought.map(|keys| {
            let table = Arc::clone(&table);
            thread::spawn(move || keys.iter().for_each(|key| insert(&table, key)))
        });
        let _ = writers.map(|writer| writer.join().expect("a writer ends"));

        let wanted = [
            "stone 1",
            "stone 55",
            "stone 553",
            "stone 5536",
            "stone 5539",
            "stone 56",
            "stone 9",
            "t",
        ];
        let mut cursor = table.cursor();
        cursor.first().expect("memory does not fail");
        for key in wanted {
            let met = cursor.key().map(|key| String::from_utf8_lossy(key.user_key).into_owned());
            assert_eq!(
                met.as_deref(),
                Some(key),
                "what a walk meets after three threads have inserted: a node was linked before its own \
                 link was set, or above before below (rule 3); or after a failed swap, whose place \
                 may be behind another node, which has more in common (rule 4)"
            );
            cursor.next().expect("memory does not fail");
            assert!(
                table.search(key.as_bytes(), SEQ_MAX) != Lookup::Absent,
                "a walk meets {key:?}, and a search does not: some link says of its key what is \
                 true from another node, not from its own (rules 2 and 4)"
            );
        }
        for key in ["stone 552", "stone 554", "stone 5530", "stone 5537", "stone 557", "stone 7"] {
            let next = wanted.iter().find(|wanted| **wanted > key);
            let target = scheduled::InternalKey::lookup(key.as_bytes(), SEQ_MAX);
            cursor.seek(target).expect("memory does not fail");
            let met = cursor.key().map(|key| String::from_utf8_lossy(key.user_key).into_owned());
            assert_eq!(
                met.as_deref(),
                next.copied(),
                "where a search for {key:?} ends, which is not there (rules 2 and 4)"
            );
        }
    });
}

/// Whoever looks for one key asks the index, where a key has one place for all of its versions.
#[test]
fn of_versions_that_come_at_once_the_newest_is_found() {
    in_many_orders(400, || {
        let table = Arc::new(ScheduledTable::new());
        let writers = [[1_u64, 5], [4, 2], [3, 6]].map(|seqs| {
            let table = Arc::clone(&table);
            thread::spawn(move || {
                for (seq, key) in seqs.into_iter().flat_map(|seq| [(seq, "moss"), (seq, "fern")]) {
                    let value = &seq.to_le_bytes()[..];
                    table.insert(seq, Operation::Put { key: key.as_bytes(), value });
                    let found = table.get(key.as_bytes(), seq);
                    assert!(
                        found == Lookup::Value(value.to_vec().into()),
                        "`insert` has returned for {key}@{seq}, and `get` at {seq} gives {found:?} \
                         (rule 1)"
                    );
                }
            })
        });
        let _ = writers.map(|writer| writer.join().expect("a writer ends"));
        for key in ["moss", "fern"] {
            let found = table.get(key.as_bytes(), SEQ_MAX);
            let newest = Lookup::Value(6_u64.to_le_bytes().to_vec().into());
            assert!(
                found == newest,
                "three threads brought six versions of {key:?}, and `get` gives {found:?}, which is \
                 not the newest (rule 1)"
            );
        }
    });
}
