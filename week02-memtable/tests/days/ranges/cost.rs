//! Lab ranges: what may not be copied.

use std::ptr;
use std::sync::Arc;

use super::*;

/// A table with two layers of a hundred entries each, under and over one tombstone.
fn two_layers() -> RangeTable {
    let table = table_of(100);
    table.delete_range(1_000, &KeyRange::all());
    for n in 0..100 {
        let key = key(n);
        let put = Operation::Put { key: key.as_bytes(), value: b"value" };
        table.insert(1_001 + n as Seq, put);
    }
    table
}

#[test]
fn a_read_allocates_nothing() {
    let table = two_layers();
    let view = table.view();
    let allocated = allocated_by(5, || view.get(b"none", 2_000));
    assert_eq!(allocated, 0, "bytes allocated by `get` of a view");
    let allocated = allocated_by(5, || view.tombstones().hidden(b"key", 0, 2_000).is_some());
    assert_eq!(allocated, 0, "bytes allocated by `hidden`");
}

#[test]
fn a_write_makes_a_new_view_only_for_a_new_layer_and_copies_no_entry() {
    let table = two_layers();
    let before = table.view();
    let put = |seq| table.insert(seq, Operation::Put { key: b"more", value: b"value" });
    put(2_000);
    let same = Arc::ptr_eq(&before, &table.view());
    assert!(same, "the layer was there, and a write made another view {LAYERS}");
    table.delete_range(2_001, &KeyRange::all());
    put(2_002);
    let after = table.view();
    let layers = |view: &Arc<RangeView>| {
        view.layers().map(|(_, layer)| ptr::from_ref(layer)).collect::<Vec<_>>()
    };
    assert!(
        layers(&after).starts_with(&layers(&before)) && layers(&after).len() == 3,
        "a third layer was begun: the two that were there are shared with the view before"
    );
}
