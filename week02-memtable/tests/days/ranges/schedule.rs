//! Lab ranges, in many orders of steps.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use scheduled::Lookup;
use scheduled::ranges::RangeTable;
use shuttle::thread;
use wal::{Operation, Seq};

use super::LAYERS;
use crate::orders::in_many_orders;

fn put(table: &RangeTable, seq: Seq, key: &[u8]) {
    table.insert(seq, Operation::Put { key, value: b"value" });
}

#[test]
fn of_two_writes_at_once_none_is_lost_in_many_orders_of_steps() {
    in_many_orders(400, || {
        let table = Arc::new(RangeTable::new());
        let writers = [(1, b"a"), (2, b"b")].map(|(seq, key)| {
            let table = Arc::clone(&table);
            // Who comes too late for its number is refused, and loses nothing by it.
            let write = move || catch_unwind(AssertUnwindSafe(|| put(&table, seq, key))).is_ok();
            (key, thread::spawn(write))
        });
        for (key, writer) in writers {
            let accepted = writer.join().expect("a writer ends");
            let found = table.get(key, 2) != Lookup::Absent;
            assert!(found || !accepted, "a write returned, and its key is absent {LAYERS}");
        }
    });
}

#[test]
fn no_view_has_a_layer_without_a_version_in_many_orders_of_steps() {
    in_many_orders(400, || {
        let table = Arc::new(RangeTable::new());
        let reader = thread::spawn({
            let table = Arc::clone(&table);
            move || {
                let view = table.view();
                let empty = view.layers().find(|(_, layer)| layer.is_empty());
                assert!(
                    empty.is_none(),
                    "a layer is seen before its first version is in it {LAYERS}"
                );
            }
        });
        put(&table, 1, b"a");
        reader.join().expect("the reader ends");
    });
}
