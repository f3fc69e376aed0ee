//! Lab ranges: what it costs, and what may not be copied.

use std::ptr;
use std::sync::Arc;

use super::*;

/// A table with `count` keys of six digits.
fn table_of(count: usize) -> RangeTable {
    let table = RangeTable::new();
    for (n, seq) in (0..count).zip(1..) {
        table.insert(seq, Operation::Put { key: key(n).as_bytes(), value: b"" });
    }
    table
}

fn key(n: usize) -> String {
    format!("{n:06}")
}

#[test]
fn a_range_delete_looks_at_no_entry_and_takes_no_memory_a_key() {
    let table = table_of(20_000);
    let mut seq = 20_000;
    let allocated = allocated_by(3, || {
        seq += 1;
        table.delete_range(seq, &half_open(&key(10), &key(19_990)));
    });
    assert!(
        allocated < 2_000,
        "to delete 19 980 keys by one entry, {allocated} bytes were allocated {SEEKS}"
    );
    let entries: usize = table.view().layers().map(|(_, layer)| layer.len()).sum();
    assert_eq!(
        entries, 20_000,
        "a range tombstone is no entry of a layer, let alone one a key {SEEKS}"
    );
}

#[test]
fn a_hidden_stretch_costs_one_seek_however_many_entries_and_fragments() {
    const COUNT: usize = 5_000;
    let layer = table_of(COUNT).view();
    // A hundred side by side, each over half of the one before.
    let part = |n: usize| half_open(&key(10 + n * 49), &key(10 + (n + 2) * 49));
    let inner =
        (0..100).fold(RangeTombstones::new(), |set, n| set.with(&part(n), 9_000 + n as Seq));
    let outer = RangeTombstones::new().with(&from(&key(10)), 9_000);
    let (_, cursor) = layer.layers().next().expect("a layer has the entries");
    for (set, left, limit) in [(&inner, 10 + COUNT - 10 - 101 * 49, 1), (&outer, 10, 2)] {
        for direction in [Forward, Backward] {
            let watch = Rc::new(Watch::default());
            let cover = Cover { tombstones: set, under: 0 };
            let source = Watched::new(cursor.cursor(), &watch);
            let skip = Skip::new(source, vec![cover], 10_000);
            let seen = Visible::new(skip, KeyRange::all(), direction, 10_000).count();
            assert_eq!(seen, left, "{direction:?}: entries outside of the deleted range {LAYERS}");
            let moves = watch.moves.get();
            assert!(
                moves <= left + 1 + limit,
                "{direction:?} over {COUNT} entries of which {left} are left took {moves} moves of \
                 the cursor: one to begin, one an entry, and {limit} for what is deleted {SEEKS}"
            );
        }
    }
}

#[test]
fn a_seek_into_a_hidden_stretch_comes_out_by_one_more() {
    let (table, watch) = (table_of(3_000).view(), Rc::new(Watch::default()));
    let set = RangeTombstones::new().with(&half_open(&key(10), &key(2_990)), 5_000);
    let (_, layer) = table.layers().next().expect("a layer has the entries");
    let source = Watched::new(layer.cursor(), &watch);
    let mut skip = Skip::new(source, vec![Cover { tombstones: &set, under: 0 }], 5_000);
    for n in [9, 10, 11, 1_500, 2_989, 2_990] {
        let (key_of_n, hidden) = (key(n), (10..2_990).contains(&n));
        let target = InternalKey::lookup(key_of_n.as_bytes(), SEQ_MAX);
        let expect = |skip: &Skip<'_, _>, what: &str, want: usize| {
            let came = skip.key().map(|key| key.user_key.escape_ascii().to_string());
            assert_eq!(
                came,
                Some(key(want)),
                "{what} of key {n}, 10 up to 2990 being hidden {SEEKS}"
            );
            let (moves, limit) = (watch.moves.take(), 1 + usize::from(hidden));
            assert!(moves <= limit, "{what} of key {n} took {moves} moves, not {limit} {SEEKS}");
        };
        skip.seek(target).expect("memory does not fail");
        expect(&skip, "`seek`", if hidden { 2_990 } else { n });
        skip.seek_back(InternalKey::oldest(key_of_n.as_bytes())).expect("memory does not fail");
        expect(&skip, "`seek_back`", if hidden { 9 } else { n });
    }
}

#[test]
fn what_is_written_into_a_deleted_range_does_not_make_it_slow() {
    let table = table_of(5_000);
    table.delete_range(6_000, &half_open(&key(10), &key(4_990)));
    (0..5).for_each(|n| {
        let key = key(1_000 * n + 500);
        table.insert(6_001 + n as Seq, Operation::Put { key: key.as_bytes(), value: b"" });
    });
    let (view, watch) = (table.view(), Rc::new(Watch::default()));
    for direction in [Forward, Backward] {
        watch.moves.set(0);
        let skips = view.layers().map(|(number, layer)| {
            let cover = Cover { tombstones: view.tombstones(), under: number };
            Skip::new(Watched::new(layer.cursor(), &watch), vec![cover], 7_000)
        });
        let merge = Merge::new(skips.collect());
        let seen = Visible::new(merge, KeyRange::all(), direction, 7_000).count();
        assert_eq!(
            seen, 25,
            "{direction:?}: twenty keys outside, and five that came later {LAYERS}"
        );
        let moves = watch.moves.get();
        assert!(
            moves <= 30,
            "{direction:?}: of 5 000 keys 4 980 are deleted and five of these written again; a scan \
             of the 25 took {moves} moves. Old and new must not share a layer {LAYERS}"
        );
    }
}

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
