//! Day 3: a cursor is a position, not a copy.

#[path = "day3/given.rs"]
mod given;

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use given::*;
use memtable::{Cursor, InternalKey, SEQ_MAX, cursor};
use wal::testing::{Workload, seeds};
use wal::{Direction, KeyRange, Seq};

use super::MemTable;

// Moving.

#[test]
fn first_and_last_are_the_ends_of_the_table() {
    let (table, mut entries) = (MemTable::new(), Vec::new());
    for entry in [put("m", 1), put("m", 9), delete("x", 3), put("", 4), delete("m", 2)] {
        let mut cursor = table.cursor();
        for end in [Move::First, Move::Last] {
            end.make(&mut cursor);
            let expected = end.of_model(None, &entries);
            let why = format!("`{end}` of {} entries", entries.len());
            expect_at(&cursor, expected.as_ref(), &why);
        }
        entry.insert_into(&table);
        entries = sorted(entries.into_iter().chain([entry]));
    }
}

#[test]
fn next_meets_every_version_in_order() {
    let entries = all_versions();
    let table = table_of(&entries);
    let mut cursor = table.cursor();
    Move::First.make(&mut cursor);
    for entry in &entries {
        let why = "`next` goes to the next entry, be it an old version or a tombstone (rule 3)";
        expect_at(&cursor, Some(entry), why);
        Move::Next.make(&mut cursor);
    }
}

#[test]
fn prev_from_the_end_meets_the_same_in_reverse() {
    let entries = all_versions();
    let table = table_of(&entries);
    let mut cursor = table.cursor();
    Move::Last.make(&mut cursor);
    for entry in entries.iter().rev() {
        let why = "`prev` goes to the entry before, be it an old version or a tombstone (rule 3)";
        expect_at(&cursor, Some(entry), why);
        Move::Prev.make(&mut cursor);
    }
}

#[test]
fn a_step_off_either_end_leaves_the_cursor_at_no_entry() {
    for count in 1..=3 {
        let table = table_of(&all_versions()[..count]);
        let mut cursor = table.cursor();
        for (end, step) in [(Move::Last, Move::Next), (Move::First, Move::Prev)] {
            end.make(&mut cursor);
            step.make(&mut cursor);
            let why = format!("`{end}`, `{step}` in a table of {count}: it has run off (rule 1)");
            expect_at(&cursor, None, &why);
        }
    }
}

#[test]
fn at_no_entry_next_and_prev_do_nothing() {
    let entries = [put("b", 2), put("b", 1)];
    let table = table_of(&entries);
    let ways = [
        vec![],
        vec![Move::Last, Move::Next],
        vec![Move::First, Move::Prev],
        vec![Move::First, Move::Seek(put("c", 1))],
        vec![Move::Last, Move::SeekBack(put("a", 1))],
    ];
    for way in ways {
        let mut cursor = table.cursor();
        way.iter().for_each(|step| step.make(&mut cursor));
        for step in [Move::Next, Move::Prev, Move::Prev, Move::Next] {
            step.make(&mut cursor);
            let why = format!("`{step}` at no entry, where {way:?} had led, does nothing (rule 1)");
            expect_at(&cursor, None, &why);
        }
        Move::Seek(put("b", 1)).make(&mut cursor);
        expect_at(&cursor, Some(&entries[1]), "a seek finds entries again (rule 1)");
    }
}

// Seeking.

#[test]
fn seek_stops_at_the_first_entry_at_or_behind_its_target() {
    let entries = all_versions();
    let table = table_of(&entries);
    let mut cursor = table.cursor();
    for target in targets() {
        // From another entry than the one that it led to last.
        Move::Last.make(&mut cursor);
        let seek = Move::Seek(target);
        seek.make(&mut cursor);
        let expected = seek.of_model(None, &entries);
        expect_at(&cursor, expected.as_ref(), &format!("`{seek}`, at or behind (rule 2)"));
    }
}

#[test]
fn seek_back_stops_at_the_last_entry_at_or_before_its_target() {
    let entries = all_versions();
    let table = table_of(&entries);
    let mut cursor = table.cursor();
    for target in targets() {
        Move::First.make(&mut cursor);
        let seek = Move::SeekBack(target);
        seek.make(&mut cursor);
        let expected = seek.of_model(None, &entries);
        expect_at(&cursor, expected.as_ref(), &format!("`{seek}`, at or before (rule 2)"));
    }
}

/// A search takes some twenty comparisons here. A walk takes some ten thousand, and this test then
/// does not end within its time.
#[test]
fn every_move_is_a_search_or_less_and_never_a_walk() {
    const COUNT: usize = 30_000;
    let key = |index: usize| format!("{index:08}");
    let table = MemTable::new();
    (0..COUNT).for_each(|index| put(key(index), 1).insert_into(&table));
    let mut cursor = table.cursor();
    let (first, last) = (put(key(0), 1), put(key(COUNT - 1), 1));
    for index in 1..COUNT {
        let (here, before) = (put(key(index), 1), put(key(index - 1), 1));
        let range = KeyRange::half_open(here.key.clone(), key(COUNT));
        cursor::enter(&mut cursor, &range, Direction::Forward).expect("memory does not fail");
        for (step, expected) in [
            (Move::Prev, &before),
            (Move::Next, &here),
            (Move::SeekBack(before.clone()), &before),
            (Move::Seek(here.clone()), &here),
            (Move::Last, &last),
            (Move::First, &first),
        ] {
            step.make(&mut cursor);
            expect_at(&cursor, Some(expected), &format!("`{step}` among {COUNT} entries"));
        }
    }
    let table = MemTable::new();
    let version = |seq| put("key", seq);
    (1..=COUNT as Seq).for_each(|seq| version(seq).insert_into(&table));
    let mut cursor = table.cursor();
    for seq in 1..=COUNT as Seq {
        for step in [Move::Seek(version(seq)), Move::SeekBack(version(seq))] {
            step.make(&mut cursor);
            expect_at(&cursor, Some(&version(seq)), &format!("`{step}` among {COUNT} versions"));
        }
    }
}

#[test]
fn a_search_ends_where_it_should_whatever_is_inserted_meanwhile() {
    let table = MemTable::new();
    let a = put("a", 1);
    a.insert_into(&table);
    let range = KeyRange::half_open("a", "b");
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        // Each one comes right behind `a`, in front of all that came before.
        scope.spawn(|| {
            let wanted = (1..1_000_000).take_while(|_| !is_done.load(Ordering::Relaxed));
            wanted.for_each(|seq| put("b", seq).insert_into(&table));
        });
        let mut cursor = table.cursor();
        for _ in 0..20_000 {
            cursor.seek_back(InternalKey::oldest(b"a")).expect("memory does not fail");
            expect_at(
                &cursor,
                Some(&a),
                "`seek_back` behind all of `a`, while `b`s come in (rule 4)",
            );
            cursor::enter(&mut cursor, &range, Direction::Backward).expect("memory does not fail");
            expect_at(
                &cursor,
                Some(&a),
                "entering a up to b backward, while `b`s come in (rule 4)",
            );
        }
        is_done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn several_cursors_move_as_their_models_do_whatever_is_inserted() {
    for seed in seeds(200) {
        let mut random = Workload::new(seed);
        let (table, mut entries) = (MemTable::new(), Vec::new());
        let mut cursors = [(); 3].map(|()| (table.cursor(), None));
        for seq in 1..60 {
            let mut place = || put(KEYS[random.below(KEYS.len())], random.below(60) as u64);
            let (step, new) = match seq % 3 {
                0 => (Move::Seek(place()), None),
                1 => (Move::SeekBack(place()), Some(put(place().key, seq))),
                _ => (Move::First, Some(delete(place().key, seq))),
            };
            if let Some(new) = new {
                new.insert_into(&table);
                entries = sorted(entries.into_iter().chain([new]));
            }
            let step = match random.below(6) {
                0 => step,
                1 => Move::Last,
                2 | 3 => Move::Next,
                _ => Move::Prev,
            };
            let (cursor, at) = &mut cursors[random.below(3)];
            step.make(cursor);
            *at = step.of_model(at.as_ref(), &entries);
            for (index, (cursor, at)) in cursors.iter().enumerate() {
                let why = format!("seed {seed}, cursor {index} of 3, one did `{step}` (rule 4)");
                expect_at(cursor, at.as_ref(), &why);
            }
        }
    }
}

// While others write.

#[test]
fn what_is_inserted_ahead_is_met_and_what_is_inserted_behind_is_not() {
    let old = sorted(["b", "d", "f"].iter().flat_map(versions));
    let new = ["a", "b", "c", "d", "e", "f", "g"];
    let new = sorted(new.iter().flat_map(|key| [1, 4, 6, 9].map(move |seq| put(key, seq))));
    let all = sorted(old.iter().chain(&new).cloned());
    for at in &old {
        for step in [Move::Next, Move::Prev] {
            let table = table_of(&old);
            let mut cursor = table.cursor();
            Move::Seek(at.clone()).make(&mut cursor);
            new.iter().for_each(|entry| entry.insert_into(&table));
            let why = format!("at {at}, then {} entries were inserted (rule 4)", new.len());
            expect_at(&cursor, Some(at), &why);
            let place = all.iter().position(|entry| entry == at).expect("it is one of them");
            let ahead = match step {
                Move::Next => all[place + 1..].to_vec(),
                _ => all[..place].iter().rev().cloned().collect(),
            };
            expect_ahead(&mut cursor, &step, &ahead, &format!("{why}, then `{step}`"));
        }
    }
}

#[test]
fn while_threads_insert_a_cursor_meets_all_that_was_there_in_order() {
    let key = |index: u64| format!("{:06}", index * 7919 % 100_000);
    for step in [Move::Next, Move::Prev] {
        let old = sorted((0..1000).map(|index| put(key(index), 1)));
        let (table, start) = (table_of(&old), Barrier::new(5));
        thread::scope(|scope| {
            for thread in 1..=4 {
                let (table, start) = (&table, &start);
                scope.spawn(move || {
                    start.wait();
                    (0..2000).for_each(|index| put(key(index), 1 + thread).insert_into(table));
                });
            }
            let mut cursor = table.cursor();
            start.wait();
            let is_next = matches!(step, Move::Next);
            if is_next { Move::First } else { Move::Last }.make(&mut cursor);
            let (mut met, mut met_old) = (entry_at(&cursor), Vec::new());
            while let Some(entry) = met {
                met_old.extend((entry.seq == 1).then(|| entry.clone()).filter(|e| old.contains(e)));
                step.make(&mut cursor);
                met = entry_at(&cursor);
                let goes_on = met.iter().all(|new| {
                    (new.internal_key() > entry.internal_key()) == is_next && *new != entry
                });
                assert!(goes_on, "`{step}` at {entry} led to {met:?}, the wrong way (rule 4)");
            }
            if !is_next {
                met_old.reverse();
            }
            assert!(met_old == old, "of the entries that were there, some were not met (rule 4)");
        });
    }
}

// Ranges.

#[test]
fn all_nine_kinds_of_bounds_agree_with_a_model_going_forward() {
    expect_every_walk(Direction::Forward);
}

#[test]
fn all_nine_kinds_of_bounds_agree_with_a_model_going_backward() {
    expect_every_walk(Direction::Backward);
}

/// Every table that has some of the keys, and every range with bounds at or between them.
fn expect_every_walk(direction: Direction) {
    let ranges = ranges(&["", "\0", "\0\0", "a", "a\0", "a\0\0", "b", "c"]);
    for subset in 0..1 << KEYS.len() {
        let chosen = (0..KEYS.len()).filter(|index| subset & 1 << index != 0);
        let entries = sorted(chosen.flat_map(|index| versions(KEYS[index])));
        let table = table_of(&entries);
        for range in &ranges {
            expect_walk(&table, &entries, range, direction);
        }
    }
}

#[test]
fn a_version_with_the_largest_number_is_inside_or_outside_with_its_key() {
    let newest = [put("a", SEQ_MAX), delete("b", SEQ_MAX), put("c", SEQ_MAX), delete("", SEQ_MAX)];
    let older = ["", "a", "c"].map(|key| put(key, 1));
    let entries = sorted(newest.iter().chain(&older).cloned());
    for entries in [&newest[..1], &newest[1..2], &entries] {
        let table = table_of(entries);
        for range in ranges(&["", "a", "b", "c"]) {
            expect_walk(&table, entries, &range, Direction::Forward);
            expect_walk(&table, entries, &range, Direction::Backward);
        }
    }
}

#[test]
fn entering_a_range_takes_two_moves_at_most() {
    let keys = ["a", "b", "c", "d"];
    let entries = sorted(keys.iter().flat_map(|key| (1..20).map(move |seq| put(key, seq))));
    let table = table_of(&entries);
    for range in ranges(&keys) {
        for direction in [Direction::Forward, Direction::Backward] {
            let mut cursor = Watched::new(table.cursor(), None);
            cursor::enter(&mut cursor, &range, direction).expect("memory does not fail");
            assert!(
                matches!(cursor.moves, 1..=2),
                "{} moves to enter {range:?}, {direction:?}: a search and at most one step lead \
                 there, whatever the table and the range hold (rule 5 of day 3)",
                cursor.moves
            );
        }
    }
}

#[test]
fn entering_a_range_passes_on_what_the_cursor_says() {
    let table = table_of(&[put("a", 1), put("b", SEQ_MAX), put("b", 1), put("c", 1)]);
    for range in ranges(&["a", "b", "c"]) {
        for direction in [Direction::Forward, Direction::Backward] {
            let mut good = Watched::new(table.cursor(), None);
            cursor::enter(&mut good, &range, direction).expect("memory does not fail");
            for fails_at in 1..=good.moves {
                let mut bad = Watched::new(table.cursor(), Some(fails_at));
                let entered = cursor::enter(&mut bad, &range, direction);
                assert!(
                    entered.is_err() && bad.key().is_none(),
                    "{direction:?} into {range:?}, the cursor's move number {fails_at} failed, and \
                     `enter` must return that error and stop (rule 5 of day 3)"
                );
            }
        }
    }
}
