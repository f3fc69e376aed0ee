//! Which table is written anew.

use lsm::values::pick;

use super::given::*;

/// Level and number of the table that is picked, of which the output's level is its own.
#[track_caller]
fn picked(files: &[(u32, u64)], tables: &[Table<'_>]) -> Option<(usize, u64)> {
    let sim = disk(1);
    let picked = pick(&version_of(&sim, files, tables), 50)?;
    let [(level, table)] = &picked.inputs[..] else { panic!("one table, not {picked} {MOVES}") };
    assert_eq!(picked.output_level, *level, "table {} stays in its level {MOVES}", table.number);
    Some((*level, table.number))
}

#[test]
fn nothing_is_picked_if_no_file_is_due() {
    assert_eq!(picked(&[], &[(0, 11, &[]), (1, 12, &[])]), None, "no value files {MOVES}");
    let half = picked(&[(8, 1_000)], &[(0, 11, &[(8, 250)]), (6, 12, &[(8, 250)])]);
    assert_eq!(half, None, "500 of 1000 are garbage, and 50 percent may be {MOVES}");
}

#[test]
fn the_file_with_most_garbage_goes_first_and_of_equal_ones_the_first() {
    // Garbage: 90, 700, 700 and 0. The first of all is due, too, and has the larger part.
    let files = [(7, 100), (8, 1_000), (9, 1_000), (10, 5_000)];
    let tables: [Table<'_>; 4] =
        [(6, 11, &[(7, 10)]), (5, 12, &[(8, 300)]), (4, 13, &[(9, 300)]), (0, 14, &[(10, 5_000)])];
    let came = picked(&files, &tables);
    assert_eq!(came, Some((5, 12)), "files 8 and 9 have 700 bytes of garbage each {MOVES}");
}

#[test]
fn of_the_tables_that_point_there_the_uppermost_goes_first() {
    let files = [(8, 1_000), (9, 100)];
    let tables: [Table<'_>; 4] = [
        (1, 11, &[(9, 100)]),
        (3, 12, &[(8, 100)]),
        (3, 13, &[(8, 100)]),
        (6, 14, &[(8, 100), (9, 0)]),
    ];
    let came = picked(&files, &tables);
    assert_eq!(came, Some((3, 12)), "12, 13 and 14 point into file 8, which is due {MOVES}");
    // A table of level 0 is as good as any.
    let came = picked(&files, &[(0, 15, &[(8, 100)]), (3, 16, &[(8, 100)])]);
    assert_eq!(came, Some((0, 15)), "15 and 16 point into file 8, which is due {MOVES}");
}
