//! Edits and the levels that they change.

use std::sync::Arc;

use lsm::{Edit, LEVEL_COUNT, Levels, State, TableMeta};
use memtable::LogMark;
use wal::testing::{Workload, seeds};

use super::given::*;

/// Levels with these tables.
#[track_caller]
fn levels_of(tables: &[(usize, Arc<TableMeta>)]) -> Levels {
    apply(&Levels::default(), &add(tables))
}

/// The levels that the chapter's edit changes.
fn of_the_chapter() -> Levels {
    levels_of(&[
        (0, table(8, (81, 100), ("basalt", "zinc"))),
        (0, table(7, (41, 80), ("agate", "lamp"))),
        (1, table(5, (12, 40), ("agate", "granite"))),
        (1, table(6, (3, 40), ("onyx", "zinc"))),
    ])
}

#[test]
fn the_edit_of_the_chapter_makes_of_the_levels_what_it_says() {
    let levels = apply(&of_the_chapter(), &edit_of_the_chapter());
    assert_eq!(numbers(&levels), [&[8][..], &[9, 6]], "tables of each level {FITS}");
}

#[test]
fn level_0_has_the_newest_table_first_in_whatever_order_they_come() {
    let tables = [(2, (1, 3)), (9, (4, 4)), (4, (5, 9)), (1, (12, 20))];
    let tables = tables.map(|(number, seqs)| (0, table(number, seqs, ("a", "z"))));
    for order in permutations(&tables) {
        let together = levels_of(&order);
        assert_eq!(numbers(&together), [[1, 4, 9, 2]], "added together {FITS_LEVEL_0}");
        let one_by_one = order.into_iter().fold(Levels::default(), |l, t| apply(&l, &add(&[t])));
        assert!(
            one_by_one == together,
            "added one by one: {} {FITS_LEVEL_0}",
            show_levels(&one_by_one)
        );
    }
}

#[test]
fn a_level_below_is_in_the_order_of_keys_in_whatever_order_tables_come() {
    // Neither by their numbers nor by their sequence numbers.
    let tables = [
        (2, (7, 9), ("", "a")),
        (9, (1, 2), ("aa", "ab")),
        (4, (1, 9), ("b", "c")),
        (1, (3, 3), ("d", "d")),
    ];
    for level in 1..LEVEL_COUNT {
        let tables = tables.map(|(number, seqs, span)| (level, table(number, seqs, span)));
        for order in permutations(&tables) {
            let came = numbers(&levels_of(&order)).pop();
            assert_eq!(
                came.as_deref(),
                Some(&[2, 9, 4, 1][..]),
                "tables of level {level} {FITS_BELOW}"
            );
        }
    }
}

#[test]
fn tables_of_level_0_have_no_sequence_number_in_common() {
    for (one, other) in pairs_of_ranges() {
        let added = [(0, table(1, one, ("a", "b"))), (0, table(2, other, ("y", "z")))];
        let is_good = one.1 < other.0 || other.1 < one.0;
        match is_good {
            true => drop(levels_of(&added)),
            false => {
                let why = format!("sequence numbers {one:?} and {other:?} in level 0");
                expect_bad(&Levels::default(), &add(&added), &why, FITS_LEVEL_0);
            }
        }
    }
}

#[test]
fn tables_of_a_level_below_have_no_key_in_common() {
    const KEYS: [&str; 5] = ["", "a", "aa", "b", "c"];
    for level in 1..LEVEL_COUNT {
        for (one, other) in pairs_of_ranges() {
            let span = |range: (u64, u64)| (KEYS[range.0 as usize], KEYS[range.1 as usize]);
            let tables =
                [(level, table(1, (1, 1), span(one))), (level, table(2, (2, 2), span(other)))];
            let first = levels_of(&tables[..1]);
            let is_good = one.1 < other.0 || other.1 < one.0;
            match is_good {
                true => drop(apply(&first, &add(&tables[1..]))),
                false => {
                    let why = format!("{:?} and {:?} in level {level}", span(one), span(other));
                    expect_bad(&first, &add(&tables[1..]), &why, FITS_BELOW);
                    expect_bad(&Levels::default(), &add(&tables), &why, FITS_BELOW);
                }
            }
        }
    }
}

#[test]
fn tables_of_level_0_and_of_two_levels_may_have_keys_in_common() {
    let all = |level: usize| {
        (level, table(10 - level as u64, (10 - level as u64, 10 - level as u64), ("a", "z")))
    };
    let tables: Vec<_> =
        (0..LEVEL_COUNT).map(all).chain([(0, table(11, (11, 11), ("a", "z")))]).collect();
    let came = numbers(&levels_of(&tables));
    assert_eq!(
        came,
        [&[11, 10][..], &[9], &[8], &[7], &[6], &[5], &[4]],
        "tables of each level {FITS}"
    );
}

#[test]
fn what_is_removed_must_be_there() {
    let levels = of_the_chapter();
    for (removed, why) in [
        (&[(0, 9)][..], "no level has table 9"),
        (&[(1, 7)], "table 7 is in level 0"),
        (&[(0, 5)], "table 5 is in level 1"),
        (&[(2, 5)], "table 5 is in level 1"),
        (&[(1, 5), (1, 5)], "table 5 is there once"),
        (&[(0, 7), (1, 7)], "table 7 is in level 0 alone"),
        (&[(0, 8), (0, 7), (6, 1)], "no level has table 1"),
    ] {
        expect_bad(&levels, &remove(removed), why, FITS_REMOVED);
    }
    let came = apply(&levels, &remove(&[(1, 6), (0, 8), (1, 5), (0, 7)]));
    assert!(came == Levels::default(), "all were removed: got {} {FITS}", show_levels(&came));
}

#[test]
fn no_number_is_there_twice() {
    let levels = of_the_chapter();
    for (added, why) in [
        (&[(0, table(7, (200, 200), ("a", "b")))][..], "level 0 has table 7"),
        (&[(2, table(7, (200, 200), ("a", "b")))], "level 0 has table 7"),
        (&[(0, table(5, (200, 200), ("a", "b")))], "level 1 has table 5"),
        (&[(6, table(5, (20, 40), ("a", "f")))], "level 1 has table 5"),
        (
            &[(2, table(9, (1, 1), ("a", "b"))), (2, table(9, (1, 1), ("c", "d")))],
            "table 9 is added twice",
        ),
        (
            &[(2, table(9, (1, 1), ("a", "b"))), (3, table(9, (1, 1), ("a", "b")))],
            "table 9 is added twice",
        ),
    ] {
        expect_bad(&levels, &add(added), why, FITS_NUMBER);
    }
    drop(apply(&levels, &add(&[(2, table(9, (1, 1), ("a", "b")))])));
}

#[test]
fn a_table_can_move_to_another_level_in_one_edit() {
    let levels = of_the_chapter();
    for (from, number) in [(0, 8), (0, 7), (1, 5), (1, 6)] {
        let table = levels.level(from).iter().find(|table| table.number == number);
        let table = table.expect("it is one of the chapter's");
        for to in [2, 6] {
            let edit = Edit { removed: vec![(from, number)], ..add(&[(to, Arc::clone(table))]) };
            let moved = apply(&levels, &edit);
            let came: Vec<u64> = moved.level(to).iter().map(|table| table.number).collect();
            assert_eq!(came, [number], "table {number} moves from level {from} to {to} {FITS}");
        }
    }
    let edit = Edit { removed: vec![(1, 5)], ..add(&[(1, table(9, (20, 40), ("a", "f")))]) };
    assert_eq!(numbers(&apply(&levels, &edit)), [[8, 7], [9, 6]], "9 in the place of 5 {FITS}");
}

#[test]
fn random_edits_fit_exactly_if_no_two_tables_of_what_they_make_conflict() {
    for seed in seeds(300) {
        let mut dice = Workload::new(seed);
        let mut tables: Vec<(usize, Arc<TableMeta>)> = Vec::new();
        let mut levels = Levels::default();
        for _ in 0..12 {
            let (edit, want) = random_change(&mut dice, &tables);
            match (levels.apply(&edit), want) {
                (Ok(next), Some(want)) => (levels, tables) = (next, want),
                (Err(_), None) => {}
                (Ok(next), None) => panic!(
                    "seed {seed}: {} does not fit {}, and makes {} {FITS}",
                    show_edit(&edit),
                    show_levels(&levels),
                    show_levels(&next)
                ),
                (Err(bad), Some(_)) => {
                    panic!(
                        "seed {seed}: {} fits {}, and is refused: {bad} {FITS}",
                        show_edit(&edit),
                        show_levels(&levels)
                    )
                }
            }
            let mut came: Vec<_> =
                levels.tables().map(|(level, table)| (level, table.number)).collect();
            let mut want: Vec<_> =
                tables.iter().map(|(level, table)| (*level, table.number)).collect();
            came.sort_unstable();
            want.sort_unstable();
            assert_eq!(came, want, "seed {seed}: level and number of all tables {FITS}");
        }
    }
}

#[test]
fn neither_the_log_nor_the_numbers_go_back() {
    let base = State { flushed: LogMark { lsn: 100, seq: 10 }, next_number: 8, ..State::new() };
    let add = add(&[flushed(7)]);
    let state = base.apply(&add).unwrap_or_else(|bad| panic!("it fits: {bad} {FITS}"));
    let mark = |lsn, seq| Edit { flushed: Some(LogMark { lsn, seq }), ..Edit::default() };
    let next = |number| Edit { next_number: Some(number), ..Edit::default() };
    for (edit, is_good) in [
        (mark(100, 10), true),
        (mark(101, 11), true),
        (mark(99, 10), false),
        (mark(100, 9), false),
        (mark(200, 9), false),
        (next(8), true),
        (next(1 << 31), true),
        (next(7), false),
        (next((1 << 31) + 1), false),
        (super::add(&[flushed(8)]), false),
        (Edit { next_number: Some(9), ..super::add(&[flushed(8)]) }, true),
    ] {
        match state.apply(&edit) {
            Ok(_) if is_good => {}
            Err(_) if !is_good => {}
            Ok(next) => panic!(
                "{} does not fit {}, and makes {} {FITS}",
                show_edit(&edit),
                show_state(&state),
                show_state(&next)
            ),
            Err(bad) => panic!(
                "{} fits {}, and is refused: {bad} {FITS}",
                show_edit(&edit),
                show_state(&state)
            ),
        }
    }
}

/// All orders of four.
fn permutations<T: Clone>(items: &[T; 4]) -> Vec<Vec<T>> {
    let mut orders = Vec::new();
    for code in 0..256 {
        let places = [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6];
        if (0..4).all(|place| places.contains(&place)) {
            orders.push(places.iter().map(|&place| items[place].clone()).collect());
        }
    }
    assert_eq!(orders.len(), 24, "orders of four");
    orders
}

/// All pairs of ranges in 0 to 4.
fn pairs_of_ranges() -> Vec<((u64, u64), (u64, u64))> {
    let ranges: Vec<(u64, u64)> =
        (0..5).flat_map(|start| (start..5).map(move |end| (start, end))).collect();
    ranges.iter().flat_map(|&one| ranges.iter().map(move |&other| (one, other))).collect()
}

type Tables = Vec<(usize, Arc<TableMeta>)>;

/// An edit, and what it makes of the tables; nothing, if it does not fit.
fn random_change(dice: &mut Workload, tables: &Tables) -> (Edit, Option<Tables>) {
    const LETTERS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let mut edit = Edit::default();
    let mut after = Some(tables.clone());
    for _ in 0..dice.below(3) {
        let mut known =
            tables.get(dice.below(tables.len() + 1)).map(|(level, table)| (*level, table.number));
        if dice.below(12) == 0 {
            known = Some((dice.below(3), dice.below(30) as u64));
        }
        let Some((level, number)) = known else { continue };
        edit.removed.push((level, number));
        let at = |after: &Tables| after.iter().position(|(l, t)| (*l, t.number) == (level, number));
        after = after.and_then(|mut after| {
            let at = at(&after)?;
            after.remove(at);
            Some(after)
        });
    }
    for _ in 0..1 + dice.below(2) {
        let (seq, key) = (1 + dice.below(60) as u64, dice.below(11));
        let (seqs, span) =
            ((seq, seq + dice.below(4) as u64), (LETTERS[key], LETTERS[key + dice.below(2)]));
        let (level, table) = (dice.below(3), table(dice.below(60) as u64, seqs, span));
        edit.added.push((level, table.clone()));
        after = after.and_then(|mut after| {
            let fits = |(other_level, other): &(usize, Arc<TableMeta>)| {
                let apart = match level {
                    0 => {
                        other.largest_seq < table.smallest_seq
                            || table.largest_seq < other.smallest_seq
                    }
                    _ => !table.overlaps(&other.smallest, &other.largest),
                };
                other.number != table.number && (*other_level != level || apart)
            };
            after.iter().all(fits).then_some(())?;
            after.push((level, table));
            Some(after)
        });
    }
    (edit, after)
}
