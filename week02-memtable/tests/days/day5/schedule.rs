//! Day 5, in many orders of steps.

use std::sync::Arc;

use scheduled::{MemOptions, MemStore};
use shuttle::thread;
use wal::fs::SimFs;
use wal::{Durability, Engine, Reader, WriteBatch};

use super::given::dir;
use crate::orders::in_many_orders;

/// A store in which every batch finds the table full.
fn store() -> Arc<MemStore> {
    let options = MemOptions { memtable_size: 1, ..MemOptions::default() };
    let store = MemStore::open(Arc::new(SimFs::new(1)), dir(), options);
    Arc::new(store.expect("a new store opens"))
}

/// Writes batch `number`, of two operations: a key of its own, and one that all have in common.
fn write(store: &MemStore, number: u8) {
    let mut batch = WriteBatch::new();
    batch.put(&[number], &[number]);
    batch.put(b"last", &[number]);
    store.write(batch, Durability::Buffered).expect("a write works");
}

/// Checks that a snapshot of a store that one writer writes is what its number says.
fn expect_whole(store: &MemStore) {
    let snapshot = store.now().expect("an open store answers");
    let count = snapshot.seq / 2;
    assert_eq!(snapshot.seq % 2, 0, "half of a batch is published, of two operations: rule 3");
    for number in 1..=4 {
        let found = snapshot.get(&[number]).expect("memory answers").is_some();
        let expected = u64::from(number) <= count;
        let [is, should] = [found, expected].map(|there| if there { "there" } else { "absent" });
        assert!(
            found == expected,
            "the snapshot's number says that {count} batches are seen; batch {number} is {is}, and \
             should be {should}: rule 3"
        );
    }
    let last = snapshot.get(b"last").expect("memory answers").map_or(0, |value| value[0]);
    assert_eq!(u64::from(last), count, "the last batch that a snapshot of {count} sees: rule 3");
}

#[test]
fn a_snapshot_holds_what_its_number_says_in_many_orders_of_steps() {
    in_many_orders(2_000, || {
        let store = store();
        write(&store, 1);
        let writer = thread::spawn({
            let store = Arc::clone(&store);
            move || write(&store, 2)
        });
        expect_whole(&store);
        writer.join().expect("the writer ends");
        expect_whole(&store);
    });
}

#[test]
fn snapshots_hold_what_their_numbers_say_while_tables_are_frozen() {
    in_many_orders(1_000, || {
        let store = store();
        let readers = [(); 2].map(|()| {
            let store = Arc::clone(&store);
            thread::spawn(move || (0..3).for_each(|_| expect_whole(&store)))
        });
        (1..=4).for_each(|number| write(&store, number));
        let _ = readers.map(|reader| reader.join().expect("a reader ends"));
        expect_whole(&store);
    });
}

#[test]
fn two_writers_get_each_number_once_in_many_orders_of_steps() {
    in_many_orders(1_000, || {
        let store = store();
        let writers = [10, 20].map(|first| {
            let store = Arc::clone(&store);
            thread::spawn(move || {
                [first, first + 1].map(|number| {
                    let put = store.put(&[number], &[number], Durability::Buffered);
                    put.expect("a write works")
                })
            })
        });
        let mut numbers = writers.map(|writer| writer.join().expect("a writer ends")).concat();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4], "the numbers of four writes by two writers");
        for number in [10, 11, 20, 21] {
            let found = store.get(&[number]).expect("memory answers");
            assert!(found.is_some(), "the write of {number} was acknowledged and is not found");
        }
    });
}
