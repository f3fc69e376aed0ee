//! Several operations at once, their order and their numbers.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::testing::given::{expect_get, given_on};
use crate::testing::model::{apply, difference};
use crate::testing::{
    Crash, OpenEngine, TestStore, Workload, batch, delete, for_each_seed, given, put, scan,
};
use crate::{Direction, Durability, KeyRange, WriteBatch};

/// The last operation on a key decides.
pub fn operations_of_a_batch_take_effect_in_order(open: &OpenEngine) {
    let mut store = given(open, &[("c", "old")]);
    store.apply([
        put("a", "1"),
        delete("a"),
        delete("b"),
        put("b", "2"),
        put("c", "3"),
        put("c", "4"),
    ]);
    store.expect(&[("b", "2"), ("c", "4")]);
    store.reopen();
    store.expect(&[("b", "2"), ("c", "4")]);
}

/// It gives the number that the store had, and takes none.
pub fn an_empty_batch_changes_nothing(open: &OpenEngine) {
    let mut store = given(open, &[]);
    for durability in [Durability::Buffered, Durability::Flushed, Durability::Synced] {
        let seq = store.apply_as(durability, []);
        assert_eq!(seq, 0, "an empty batch in a new store gives 0: no operation was yet");
    }
    let before = store.apply([put("a", "1"), put("b", "2")]);
    let seq = store.apply_as(Durability::Synced, []);
    assert_eq!(seq, before, "an empty batch gives the number of the last operation before it");
    store.expect(&[("a", "1"), ("b", "2")]);
    store.reopen();
    let after = store.apply([put("c", "3")]);
    assert_eq!(after, before + 1, "an empty batch takes no number");
}

/// A batch of three moves the number by three; the first operation of all is number 1.
pub fn sequence_numbers_count_operations(open: &OpenEngine) {
    let store = given(open, &[]);
    let mut last = 0;
    for count in 1..=5 {
        let mut batch = WriteBatch::new();
        for operation in 0..count {
            match operation % 2 {
                0 => batch.put(b"key", b"value"),
                _ => batch.delete(b"key"),
            }
        }
        let seq = store.write(batch, Durability::Buffered);
        let seq = seq.unwrap_or_else(|error| panic!("a write must work, and failed: {error}"));
        last += count;
        assert_eq!(
            seq, last,
            "a batch of {count} moves the number by {count}: puts and deletes, of one key too"
        );
    }
}

/// Numbers never start again, whether the store was closed or crashed.
pub fn sequence_numbers_go_on_after_reopening(open: &OpenEngine) {
    let mut store = given(open, &[]);
    store.reopen();
    let mut last = 0;
    for round in 1..=4 {
        let seq = store.apply_as(Durability::Synced, [put("a", "1"), delete("b")]);
        assert_eq!(
            seq,
            last + 2,
            "the store was opened {round} times, and its numbers do not go on from {last}"
        );
        last = seq;
        match round % 2 {
            0 => store.reopen(),
            _ => store.crash(Crash::PowerCut),
        }
    }
}

/// Writes, reads, scans and reopenings in random order, every answer compared.
pub fn random_operations_agree_with_a_model(open: &OpenEngine) {
    for_each_seed(4, |fs| {
        let mut random = Workload::new(fs.seed());
        let mut store = given_on(open, fs.clone(), &[]);
        let mut model = BTreeMap::new();
        for _ in 0..200 {
            random_operation(&mut random, &mut store, &mut model);
        }
    });
}

fn random_operation(
    random: &mut Workload,
    store: &mut TestStore<'_>,
    model: &mut BTreeMap<Bytes, Bytes>,
) {
    match random.below(20) {
        0 => store.reopen(),
        1..=6 => {
            let key = random.key();
            expect_get(&**store, &key, model.get(key.as_bytes()).map(|value| &value[..]));
        }
        7..=9 => {
            let range = KeyRange::half_open(random.key(), random.key());
            let found = scan(&**store, range.clone(), Direction::Forward);
            let inside = model.iter().filter(|(key, _)| range.contains(key));
            let expected = inside.map(|(key, value)| (key.clone(), value.clone()));
            if let Some(difference) = difference(&found.into_iter().collect(), &expected.collect())
            {
                panic!("a scan of {range:?} finds the wrong entries: {difference}");
            }
        }
        _ => {
            let changes = random.batch();
            let written = store.write(batch(&changes), random.durability());
            written.unwrap_or_else(|error| panic!("a write must work, and failed: {error}"));
            apply(model, &changes);
        }
    }
}
