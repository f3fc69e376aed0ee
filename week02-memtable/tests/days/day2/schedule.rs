//! Day 2, in many orders of steps.

use std::sync::Arc;

use scheduled::{Lookup, SEQ_MAX};
use shuttle::thread;
use wal::Operation;

use super::super::{STEPS_OF_TWO_GETS, ScheduledTable};
use crate::orders::in_many_orders;

/// An entry, and then two writers with one each: all of the same size, but of different bytes. Runs
/// `meanwhile` beside them.
fn two_writers(meanwhile: impl FnOnce(&ScheduledTable)) -> Arc<ScheduledTable> {
    let table = Arc::new(ScheduledTable::new());
    let insert = |table: &ScheduledTable, letter: u8| {
        let seq = u64::from(letter);
        table.insert(seq, Operation::Put { key: &[letter], value: &[letter; 20] });
    };
    insert(&table, b'a');
    let writers = [b'b', b'c'].map(|letter| {
        let table = Arc::clone(&table);
        thread::spawn(move || insert(&table, letter))
    });
    meanwhile(&table);
    let _ = writers.map(|writer| writer.join().expect("a writer ends"));
    table
}

#[test]
fn writers_mix_nothing_up_in_many_orders_of_steps() {
    in_many_orders(500, || {
        let table = two_writers(|_| ());
        for letter in [b'a', b'b', b'c'] {
            let found = table.get(&[letter], SEQ_MAX);
            let expected = Lookup::Value(vec![letter; 20].into());
            assert_eq!(
                found, expected,
                "of key {}, when two write at once: rule 4",
                letter as char
            );
        }
    });
}

/// What the first entry of `two_writers` adds to the size of a table, and what each further one does.
fn sizes() -> (usize, usize) {
    let table = ScheduledTable::new();
    let after = [b'a', b'b'].map(|letter| {
        table.insert(1, Operation::Put { key: &[letter], value: &[letter; 20] });
        table.size()
    });
    (after[0], after[1] - after[0])
}

#[test]
fn the_size_counts_every_entry_in_many_orders_of_steps() {
    in_many_orders(500, || {
        let (first, each) = sizes();
        let table = two_writers(|_| ());
        assert_eq!(
            table.size(),
            first + 2 * each,
            "the size of three entries, two of them at once: rule 5"
        );
    });
}

#[test]
fn an_entry_is_in_the_size_before_it_is_seen() {
    in_many_orders(500, || {
        let (first, each) = sizes();
        two_writers(|table| {
            let is_there = |letter: &u8| table.get(&[*letter], SEQ_MAX) != Lookup::Absent;
            let seen = [b'a', b'b', b'c'].iter().filter(|letter| is_there(letter)).count();
            let size = table.size();
            assert!(
                seen == 0 || size >= first + (seen - 1) * each,
                "{seen} entries of {each} bytes were seen, and then `size` says {size}: what is in \
                 the list is seen, so the list comes last (rule 3 of day 2)"
            );
        });
    });
}

#[test]
fn a_reader_stops_nowhere_that_a_writer_could_hold_it_up() {
    in_many_orders(2, || {
        let table = two_writers(|_| ());
        let before = shuttle::current::context_switches();
        let found = [b"a", b"x"].map(|key| table.get(key, SEQ_MAX) != Lookup::Absent);
        let steps = shuttle::current::context_switches() - before;
        assert_eq!(found, [true, false], "one key is there, the other is not");
        assert!(
            STEPS_OF_TWO_GETS.contains(&steps),
            "two `get`s stopped {steps} times at something of `src/sync.rs`, at which another \
             thread may hold them up; {} would do: a reader takes no lock (rule 3)",
            STEPS_OF_TWO_GETS.end()
        );
    });
}
