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
                "what a walk meets after three threads have inserted: after a failed swap, the \
                 place may be behind another node, which has more in common (rule 4)"
            );
            cursor.next().expect("memory does not fail");
            assert!(
                table.get(key.as_bytes(), SEQ_MAX) != Lookup::Absent,
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
