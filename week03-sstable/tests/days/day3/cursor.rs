//! A table's cursor: where a list would be, what it reads, and what it is after an error.

use memtable::Cursor;
use sstable::TableCursor;
use wal::fs::{Fault, Operation};
use wal::testing::{Workload, seeds};

use super::given::*;
use crate::walk::{First, Last, Next, Prev, Seek, SeekBack, Walk};
use crate::{MEMORY, allocated_by};

fn walk_of(given: &Given) -> Walk<'_, TableCursor<'_>> {
    Walk::new(&given.entries, given.table.cursor(), WALKS)
}

// Where it is.

#[test]
fn a_walk_meets_all_entries_from_either_end() {
    let mut all = entries("@5- @2=x a@9=1 a@4- a@1= aa@3=2 b@7=6 b@6- b@5=7 c@70000- c@69999=9");
    all.extend(numbered(40, 10));
    for block_size in [1, 50, 100, 300, 4096] {
        let given = given(block_size, &all);
        let mut walk = walk_of(&given);
        walk.go(First);
        (0..=all.len()).for_each(|_| walk.go(Next));
        walk.go(Last);
        (0..=all.len()).for_each(|_| walk.go(Prev));
    }
}

#[test]
fn a_table_cursor_is_where_a_list_would_be_after_any_moves() {
    for seed in seeds(120) {
        let mut dice = Workload::new(seed);
        let entries = random(&mut dice, 40);
        let given = given([1, 60, 150, 4096][dice.below(4)], &entries);
        let (targets, mut walk) = (targets(&entries), walk_of(&given));
        for _ in 0..120 {
            let target = &targets[dice.below(targets.len())];
            let steps =
                [Next, Next, Next, Prev, Prev, Prev, First, Last, Seek(target), SeekBack(target)];
            walk.go(steps[dice.below(steps.len())]);
        }
    }
}

#[test]
fn seeks_lead_across_the_border_of_two_blocks() {
    // Between the blocks of the chapter: behind quartz@9, at and around the separator r.
    let given = given(64, &entries(STONES));
    for target in entries("quartz@9=y quartz@8= quill@5= r@72057594037927935= r@9= ram@1= stone@8=")
    {
        let mut walk = walk_of(&given);
        walk.go(Seek(&target));
        walk.go(Prev);
        walk.go(SeekBack(&target));
        walk.go(Next);
    }
}

#[test]
fn seeks_before_the_first_and_behind_the_last_entry_end_at_none_or_at_the_end() {
    let (before, behind) = (entries("marble@8= a@9= @1="), entries("stove@8= stove@0- z@9="));
    for block_size in [1, 64, 4096] {
        let given = given(block_size, &entries(STONES));
        let mut walk = walk_of(&given);
        for target in before.iter().chain(&behind) {
            for step in [Seek(target), Next, SeekBack(target), Prev, SeekBack(target), Next] {
                walk.go(step);
            }
        }
    }
}

#[test]
fn a_cursor_at_none_does_not_come_back_by_itself() {
    for block_size in [1, 64, 4096] {
        let given = given(block_size, &entries(STONES));
        for start in [None, Some((Last, Next)), Some((First, Prev))] {
            let mut walk = walk_of(&given);
            if let Some((end, off)) = start {
                walk.go(end);
                walk.go(off);
            }
            [Next, Next, Prev, Prev, Next].into_iter().for_each(|step| walk.go(step));
        }
    }
}

// What it reads, holds and allocates.

#[test]
fn a_walk_reads_each_block_once() {
    let given = given(200, &numbered(300, 10));
    let block_count = u64::from(given.table.properties().block_counts[0]);
    for (start, step) in [(First, Next), (Last, Prev)] {
        let (mut cursor, reads) = (given.table.cursor(), given.reads());
        start.on(&mut cursor).expect("a good disk");
        while cursor.key().is_some() {
            step.on(&mut cursor).expect("a good disk");
        }
        let came = given.reads() - reads;
        assert_eq!(came, block_count, "reads by {start} and {step} to the end {WALKS}");
    }
}

#[test]
fn a_move_in_the_block_that_it_is_in_reads_nothing() {
    let given = given(4096, &numbered(50, 10));
    let mut walk = walk_of(&given);
    walk.go(First);
    let reads = given.reads();
    for entry in &given.entries {
        [Seek(entry), Next, SeekBack(entry), Prev].into_iter().for_each(|step| walk.go(step));
    }
    walk.go(Last);
    walk.go(First);
    assert_eq!(given.reads() - reads, 0, "reads by moves inside of the only block {WALKS}");
}

#[test]
fn a_seek_enters_a_second_block_only_if_the_first_has_nothing() {
    let given = given(64, &entries(STONES));
    // Target, reads by seek, reads by seek_back.
    let cases = [
        ("marble@8=", 1, 1),
        ("marble@7=", 1, 1),
        ("quartz@9=", 1, 1),
        ("quill@5=", 2, 1),
        ("r@5=", 1, 2),
        ("stone@7=", 1, 1),
        ("stove@9=", 1, 1),
        ("stove@8=", 0, 1),
    ];
    for (target, forward, back) in cases {
        let target = &entries(target)[0];
        for (step, want) in [(Seek(target), forward), (SeekBack(target), back)] {
            let (mut cursor, reads) = (given.table.cursor(), given.reads());
            step.on(&mut cursor).expect("a good disk");
            assert_eq!(given.reads() - reads, want, "reads by {step} of a new cursor {WALKS}");
        }
    }
}

#[test]
fn a_cursor_holds_one_block() {
    let all: Vec<Entry> =
        (0..64).map(|n| Entry::put(format!("key{n:02}"), 7, vec![0; 60_000])).collect();
    let given = given(64 << 10, &all);
    let mut cursor = given.table.cursor();
    let (before, mut least) = (MEMORY.allocated(), usize::MAX);
    for (start, step) in [(First, Next), (Last, Prev)] {
        start.on(&mut cursor).expect("a good disk");
        for number in 0..63 {
            step.on(&mut cursor).expect("a good disk");
            if number > 31 {
                least = least.min(MEMORY.allocated().saturating_sub(before));
            }
        }
    }
    assert!(
        least < 100_000,
        "a cursor that has been in more than 32 blocks of 60 KB holds {least} bytes: want one \
         block {WALKS}"
    );
}

#[test]
fn moves_in_a_block_allocate_nothing() {
    let given = given(1 << 20, &numbered(300, 10));
    let mut cursor = given.table.cursor();
    cursor.last().expect("a good disk");
    let allocated = allocated_by(3000, || {
        for entry in &given.entries {
            for step in [Seek(entry), Next, SeekBack(entry), Prev] {
                step.on(&mut cursor).expect("a good disk");
            }
        }
    });
    assert_eq!(allocated, 0, "bytes allocated by 1 200 moves in one block at hand {WALKS}");
}

// After an error.

#[test]
fn a_failing_read_leaves_the_cursor_at_none_and_the_table_usable() {
    let given = given(64, &entries("a@1=1 b@2=2 c@3=3 d@4=4 e@5=5 f@6=6 g@7=7 h@8=8"));
    let all = &given.entries;
    for from in all {
        for step in [First, Last, Next, Prev, Seek(&all[0]), Seek(&all[4]), SeekBack(&all[7])] {
            let mut walk = walk_of(&given);
            walk.go(Seek(from));
            given.sim.fail_from(Operation::Read, 1, Fault::Io);
            let result = step.on(&mut walk.cursor);
            let gone = [Next, Prev].map(|step| step.on(&mut walk.cursor).is_ok());
            let none = walk.cursor.key().is_none();
            given.sim.clear_faults();
            if result.is_err() {
                assert!(
                    none && gone == [true, true],
                    "{step} from {from} fails; then the cursor must be at none, and stay there \
                     without an error {FAILS}"
                );
                (walk.at, walk.moves) = (None, vec![format!("{step} that failed, from {from}")]);
            } else {
                walk = walk_of(&given);
            }
            [Seek(from), Next, Prev, Prev, Last, First].into_iter().for_each(|step| walk.go(step));
            given.expect_get(&from.user_key, 99);
        }
    }
}

#[test]
fn a_cursor_knows_which_block_it_is_in_when_another_could_not_be_read() {
    let given = given(64, &entries(STONES));
    let stones = &given.entries;
    for (from, lost) in [(0, 2), (1, 3), (2, 0), (3, 1)] {
        let mut walk = walk_of(&given);
        walk.go(Seek(&stones[from]));
        given.sim.fail(Operation::Read, 1, Fault::Io);
        let result = Seek(&stones[lost]).on(&mut walk.cursor);
        let kind = result.as_ref().map_err(|error| error.io_kind().is_some());
        assert_eq!(kind, Err(true), "a seek into a block that cannot be read: {result:?} {FAILS}");
        walk.at = None;
        [Seek(&stones[lost]), Next, Seek(&stones[from]), Prev].into_iter().for_each(|s| walk.go(s));
    }
}

#[test]
fn a_get_that_failed_is_tried_again() {
    let given = given(64, &entries(STONES));
    for entry in &given.entries {
        given.sim.fail(Operation::Read, 1, Fault::Io);
        let came = given.table.get(&entry.user_key, 9);
        let is_io = came.as_ref().is_err_and(|error| error.io_kind().is_some());
        assert!(
            is_io,
            "{entry} whose block cannot be read: want the disk's error, got {came:?} {FAILS}"
        );
        given.expect_get(&entry.user_key, 9);
    }
}
