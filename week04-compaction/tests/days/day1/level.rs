//! A level's cursor: where a list would be, what it reads, and what it is after an error.

use lsm::LevelCursor;
use memtable::Cursor;
use wal::fs::{Fault, Operation};
use wal::testing::{Workload, seeds};

use super::given::*;
use crate::{MEMORY, allocated_by};

/// So many tables of so many keys.
fn tables(table_count: usize, count: usize, value_size: usize) -> Vec<Vec<Entry>> {
    let entry =
        |n: usize| Entry::put(format!("key{:05}", 2 * n), 7, vec![b'a' + n as u8 % 26; value_size]);
    let entries: Vec<Entry> = (0..table_count * count).map(entry).collect();
    entries.chunks(count).map(<[Entry]>::to_vec).collect()
}

// Where it is.

#[test]
fn a_walk_meets_all_entries_from_either_end() {
    for given in [
        level_of(&tables(5, 4, 10)),
        level_of(&tables(1, 9, 30)),
        level_of(&tables(7, 1, 300)),
        level_of(&[entries("@9=x @5- a@3=x"), entries("b@9- b@2=x"), entries("c@1=")]),
    ] {
        let mut walk = given.walk();
        walk.go(First);
        (0..=given.entries.len()).for_each(|_| walk.go(Next));
        walk.go(Last);
        (0..=given.entries.len()).for_each(|_| walk.go(Prev));
    }
}

#[test]
fn a_level_cursor_is_where_a_list_would_be_after_any_moves() {
    for seed in seeds(80) {
        let mut dice = Workload::new(seed);
        let text = "a@9=1 a@4- b@8=2 bb@7=3 c@9=4 c@5=5 c@1- d@2=6 f@6=7 g@5- g@3=8 h@1=9";
        let mut rest = entries(text);
        let mut lists = Vec::new();
        while !rest.is_empty() {
            let mut end = rest.len().min(1 + dice.below(4));
            while end < rest.len() && rest[end].user_key == rest[end - 1].user_key {
                end += 1;
            }
            let others = rest.split_off(end);
            lists.push(rest);
            rest = others;
        }
        let given = level_of(&lists);
        let targets =
            entries("@5= a@10= a@4- a@1= ab@3= bb@7=3 c@6= c@1- c@0- d@9= e@5= g@4= h@1=9 z@1=");
        let mut walk = given.walk();
        for _ in 0..100 {
            let target = &targets[dice.below(targets.len())];
            let steps =
                [Next, Next, Next, Prev, Prev, Prev, First, Last, Seek(target), SeekBack(target)];
            walk.go(steps[dice.below(steps.len())]);
        }
    }
}

#[test]
fn seeks_lead_across_the_border_of_two_tables() {
    // The first table ends with two versions of c, the second begins with two of e.
    let given = level_of(&[entries("a@9=x c@7=x c@5=y"), entries("e@8=x e@6- g@1=x")]);
    for target in entries("c@8= c@7=x c@6= c@5=y c@4= c@0- d@5= e@9= e@8=x e@7= e@6- e@1=") {
        let mut walk = given.walk();
        [
            Seek(&target),
            Prev,
            Seek(&target),
            Next,
            SeekBack(&target),
            Next,
            SeekBack(&target),
            Prev,
        ]
        .into_iter()
        .for_each(|step| walk.go(step));
    }
}

#[test]
fn seeks_before_the_first_and_behind_the_last_entry_end_at_none_or_at_the_end() {
    let given = level_of(&[entries("b@5=x"), entries("d@5=x d@3=y")]);
    let targets = entries("@9= a@1= b@9= d@2= d@0- z@9=");
    let mut walk = given.walk();
    for target in &targets {
        for step in [Seek(target), Next, SeekBack(target), Prev, Seek(target), SeekBack(target)] {
            walk.go(step);
        }
    }
}

#[test]
fn a_cursor_at_none_does_not_come_back_by_itself() {
    let given = level_of(&tables(3, 2, 10));
    for start in [None, Some((Last, Next)), Some((First, Prev))] {
        let mut walk = given.walk();
        if let Some((end, off)) = start {
            walk.go(end);
            walk.go(off);
        }
        [Next, Next, Prev, Prev, Next].into_iter().for_each(|step| walk.go(step));
    }
}

#[test]
fn a_level_without_tables_has_no_entry() {
    let target = &entries("a@1=")[0];
    for step in [First, Last, Next, Prev, Seek(target), SeekBack(target)] {
        let mut cursor = LevelCursor::new(&[]);
        let result = step.on(&mut cursor);
        assert!(
            result.is_ok() && cursor.key().is_none(),
            "{step} in no table says {result:?} and is at {:?} {WALKS}",
            cursor.key()
        );
    }
}

// What it reads, holds and allocates.

#[test]
fn a_move_enters_only_the_tables_that_it_has_to() {
    let given = level_of(&[entries("b@5=x d@5=x"), entries("f@5=x h@5=x"), entries("k@5=x m@5=x")]);
    // Target, tables read by seek, tables read by seek_back.
    for (target, forward, back) in [
        ("a@1=", &[1][..], &[][..]),
        ("c@1=", &[1], &[1]),
        ("d@5=x", &[1], &[1]),
        ("d@4=", &[2], &[1]),
        ("e@1=", &[2], &[1]),
        ("f@9=", &[2], &[1, 2]),
        ("g@1=", &[2], &[2]),
        ("z@1=", &[], &[3]),
    ] {
        let target = &entries(target)[0];
        for (step, want) in [(Seek(target), forward), (SeekBack(target), back)] {
            let read = given.asked_by(|version| {
                step.on(&mut LevelCursor::new(version.level(1))).expect("a good disk");
            });
            let each_once = read.is_sorted_by(|one, other| one < other);
            assert!(
                each_once && read.iter().all(|number| want.contains(number)),
                "{step} of a new cursor over b … d, f … h, k … m reads the tables {read:?}: want \
                 {want:?} at most, and each once {HOLDS}"
            );
        }
    }
}

#[test]
fn the_table_of_a_seek_is_found_by_halving() {
    // All targets are behind the last of many tables. A walk along the tables runs into the time
    // limit.
    let given = many_tables();
    let target = &Entry::put(number(99_999), 7, "");
    let mut cursor = LevelCursor::new(given.version.level(1));
    for _ in 0..100_000 {
        cursor.seek(target.key()).expect("a good disk");
        assert_eq!(cursor.key(), None, "behind all tables {WALKS}");
    }
}

#[test]
fn a_walk_reads_each_block_once() {
    let given = level_of(&tables(6, 10, 30));
    for (start, step) in [(First, Next), (Last, Prev)] {
        let stats = || given.version.tables().map(|table| table.table.stats().blocks_read).sum();
        let before: u64 = stats();
        let mut cursor = LevelCursor::new(given.version.level(1));
        start.on(&mut cursor).expect("a good disk");
        while cursor.key().is_some() {
            step.on(&mut cursor).expect("a good disk");
        }
        let blocks = given.version.tables().map(|table| table.table.properties().block_count());
        let (came, want) = (stats() - before, blocks.sum::<usize>() as u64);
        assert!(
            came == want,
            "{start} and {step} to the end: want each of {want} blocks read once, got {came} reads \
             {HOLDS}"
        );
    }
}

#[test]
fn a_move_in_the_block_that_it_is_in_reads_and_allocates_nothing() {
    let given = level_of(&[entries("a@1=x"), entries("b@1=x c@1=x d@1=x"), entries("e@1=x")]);
    let middle = &given.entries[1..4];
    let mut cursor = LevelCursor::new(given.version.level(1));
    Seek(&middle[0]).on(&mut cursor).expect("a good disk");
    let mut allocated = 0;
    let read = given.asked_by(|_| {
        allocated = allocated_by(300, || {
            for entry in middle {
                Seek(entry).on(&mut cursor).expect("a good disk");
                SeekBack(entry).on(&mut cursor).expect("a good disk");
            }
            for step in [Prev, Prev, Next, Next] {
                step.on(&mut cursor).expect("a good disk");
            }
        });
    });
    assert!(
        read.is_empty() && allocated == 0,
        "seeks and steps in one block, which the cursor has: want no read and no byte allocated, got \
         reads of the tables {read:?} and {allocated} bytes {HOLDS}"
    );
}

#[test]
fn a_cursor_holds_one_block_of_one_table() {
    let given = level_of(&tables(40, 2, 60_000));
    let mut cursor = LevelCursor::new(given.version.level(1));
    let (before, mut least) = (MEMORY.allocated(), usize::MAX);
    for (start, step) in [(First, Next), (Last, Prev)] {
        start.on(&mut cursor).expect("a good disk");
        for number in 0..79 {
            step.on(&mut cursor).expect("a good disk");
            if number > 40 {
                least = least.min(MEMORY.allocated().saturating_sub(before));
            }
        }
    }
    assert!(
        least < 100_000,
        "a cursor that has been in more than 20 tables holds {least} bytes: want one block of 60 KB \
         {HOLDS}"
    );
}

// After an error.

#[test]
fn a_failing_read_leaves_the_cursor_at_none_and_usable() {
    let given = level_of(&tables(4, 2, 100));
    let all = &given.entries;
    // Behind the last version of table 1's last key, and before the first of table 2's first.
    let (behind, before) = (&Entry::put("key00002", 3, ""), &Entry::put("key00004", 9, ""));
    let seeks = [Seek(&all[0]), Seek(&all[4]), Seek(&all[7]), Seek(behind), SeekBack(before)];
    for from in all {
        for step in seeks.into_iter().chain([SeekBack(&all[7]), First, Last, Next, Prev]) {
            // Each read of it alone, and all from the first on.
            let reads = given.reads_of(from, step) as u64;
            for nth in (0..=reads).filter(|_| reads > 0) {
                let mut walk = given.walk();
                walk.go(Seek(from));
                match nth {
                    0 => given.sim.fail_from(Operation::Read, 1, Fault::Io),
                    _ => given.sim.fail(Operation::Read, nth, Fault::Io),
                }
                let result = step.on(&mut walk.cursor);
                let none = walk.cursor.key().is_none();
                let gone = [Next, Prev].map(|step| step.on(&mut walk.cursor).is_ok());
                given.sim.clear_faults();
                assert!(
                    result.is_err() && none && gone == [true, true],
                    "{step} from {from} needs a read, which fails; it says {result:?}, and then the \
                     cursor must be at none, and stay there without an error {FAILS}"
                );
                (walk.at, walk.moves) = (None, vec![format!("{step} that failed, from {from}")]);
                [Seek(from), Next, Prev, Prev, Last, First]
                    .into_iter()
                    .for_each(|step| walk.go(step));
            }
        }
    }
}

#[test]
fn a_seek_that_fails_in_one_table_does_not_go_on_in_another() {
    // e@8 is behind e@9: the seek has to look into table 2, and goes on into table 1.
    let given = level_of(&[entries("a@9=x c@7=x"), entries("e@8=x g@1=x")]);
    let target = &entries("e@9=")[0];
    for (nth, want) in [(1, "table 2, which begins with e"), (2, "table 1, which ends before e")] {
        let mut cursor = LevelCursor::new(given.version.level(1));
        given.sim.fail(Operation::Read, nth, Fault::Io);
        let result = cursor.seek_back(target.key());
        given.sim.clear_faults();
        assert!(
            result.is_err() && cursor.key().is_none(),
            "seek_back {target} reads {want}, and that fails: it says {result:?} and is at {:?} \
             {FAILS}",
            cursor.key()
        );
    }
}
