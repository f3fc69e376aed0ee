//! Which tables go.

use std::sync::Arc;

use lsm::compaction::Compaction;
use lsm::leveled::Targets;
use lsm::{LEVEL_COUNT, Levels, LsmOptions, TableMeta};
use wal::testing::{Workload, seeds};

use super::given::*;

// From level 0.

#[test]
fn the_oldest_table_of_level_0_is_the_last_whatever_its_number() {
    // A table that was made of older ones has a number of today, and entries of yesterday.
    let made =
        TableMeta { smallest_seq: 1, largest_seq: 3, ..TableMeta::clone(&table(9, ("a", "c"), 9)) };
    let flushed = [table(5, ("d", "f"), 9), table(6, ("g", "i"), 9), table(7, ("j", "l"), 9)];
    let levels = levels_of(flushed.into_iter().chain([Arc::new(made)]).map(|table| (0, table)));
    expect_pick_in(&levels, &options(), "level 0: 9 → level 6");
}

#[test]
fn what_overlaps_the_oldest_table_of_level_0_goes_along() {
    expect_pick("0: d-f 9, a-d 9, f-k 9, e-e 9", "level 0: 4 3 2 1 → level 6");
    expect_pick("0: d-f 9, a-c 9, g-k 9, e-e 9", "level 0: 4 1 → level 6");
}

#[test]
fn what_overlaps_through_others_goes_along() {
    // The last ones join through those before, in either direction of age.
    expect_pick("0: a-c 9, c-e 9, e-g 9, g-i 9", "level 0: 4 3 2 1 → level 6");
    expect_pick("0: a-c 9, g-i 9, e-g 9, c-e 9", "level 0: 4 3 2 1 → level 6");
    expect_pick("0: m-o 9, k-m 9, a-b 9, i-k 9", "level 0: 4 2 1 → level 6");
}

#[test]
fn an_older_table_may_not_stay_above_a_newer_one_that_goes() {
    // 3 overlaps 1, and 2 overlaps 3 only. Without 2, level 0 would keep an old `f`.
    expect_pick("0: a-c 9, e-g 9, b-f 9, x-z 9", "level 0: 3 2 1 → level 6");
}

#[test]
fn a_table_of_level_0_that_overlaps_nothing_stays() {
    expect_pick("0: a-c 9, d-f 9, g-i 9, j-l 9", "level 0: 1 → level 6");
    expect_pick("0: j-l 9, d-f 9, g-i 9, a-c 9", "level 0: 1 → level 6");
    // Between the spans of two that go, and in nobody's.
    let text = "0: a-c 9, f-h 9, a-z 9, e-e 9, A-B 9";
    expect_pick(text, "level 0: 4 3 2 1 → level 6");
}

#[test]
fn level_0_goes_to_the_base_past_levels_that_are_empty() {
    let level0 = "0: a-c 9, a-c 9, a-c 9, a-c 9";
    for (size, base) in [(100, 6), (1_000, 5), (10_000, 4), (100_000, 3), (1_000_000, 2)] {
        let want = format!("level 0: 4 3 2 1 → level {base}");
        expect_pick(&format!("{level0} / 6: x-z {size}"), &want);
    }
}

#[test]
fn of_the_base_all_goes_along_that_lies_in_the_span_of_what_comes() {
    // Also 6, whose keys nobody has: what is made lies around it.
    let text = "0: a-b 9, b-c 9, c-r 9, r-s 9 / 6: a-a 9, f-g 9, s-t 9, u-z 9";
    expect_pick(text, "level 0: 4 3 2 1, level 6: 5 6 7 → level 6");
    let text = "0: f-g 9, x-z 9, x-z 9, x-z 9 / 6: a-f 9, g-k 9, l-z 9";
    expect_pick(text, "level 0: 1, level 6: 5 6 → level 6");
}

#[test]
fn from_level_0_goes_what_a_search_for_overlaps_finds() {
    for seed in seeds(2_000) {
        let mut dice = Workload::new(seed);
        let options = LsmOptions { level0_tables: 1, ..options() };
        let levels = random_levels(&mut dice);
        let only_0 = levels_of(levels.tables().filter(|(level, _)| *level == 0).map(owned));
        let Some(oldest) = only_0.level(0).last() else { continue };
        let mut want = vec![Arc::clone(oldest)];
        while let Some(table) = only_0.level(0).iter().find(|table| {
            let joins = |other: &Arc<TableMeta>| table.overlaps(&other.smallest, &other.largest);
            !want.contains(table) && want.iter().any(joins)
        }) {
            want.push(Arc::clone(table));
        }
        want.sort_by_key(|table| std::cmp::Reverse(table.number));
        let inputs = want.into_iter().map(|table| (0, table)).collect();
        let want = Compaction { inputs, output_level: 6 };
        let came = picked(&only_0, &options);
        assert!(
            came.as_ref() == Some(&want),
            "seed {seed}: want {want}; got {} {LEVEL0}{}",
            shown(&came),
            describe(&only_0)
        );
    }
}

// From another level.

#[test]
fn one_table_goes_to_the_next_level() {
    // A store of four levels: level 4 is due, and 5 is next.
    let text = "4: a-c 60, x-z 20 / 5: b-g 10, v-y 200 / 6: a-z 5000";
    expect_pick(text, "level 4: 1, level 5: 3 → level 5");
}

#[test]
fn the_table_that_overlaps_least_for_its_size_goes() {
    // 12 bytes for 10 are more than 22 for 20, and 3 for 2 are more than either.
    let text = "5: a-b 10, c-d 20, e-f 2, x-z 470 / 6: a-b 12, c-d 22, e-f 3, x-z 4963";
    expect_pick(text, "level 5: 2, level 6: 6 → level 6");
}

#[test]
fn neither_the_smallest_nor_the_largest_table_goes_for_its_size() {
    let text = "5: a-b 300, c-d 150, e-f 60 / 6: a-b 3000, c-d 1400, e-f 600";
    expect_pick(text, "level 5: 2, level 6: 5 → level 6");
}

#[test]
fn what_overlaps_is_counted_whole() {
    // One byte of a span is enough: 1 meets both neighbours at their ends.
    let text = "5: c-e 250, k-m 250 / 6: a-c 1000, e-g 1000, l-l 1990, x-z 1000";
    expect_pick(text, "level 5: 2, level 6: 5 → level 6");
    let text = "5: c-e 250, k-m 250 / 6: a-c 990, e-g 990, l-l 2000, x-z 1000";
    expect_pick(text, "level 5: 1, level 6: 3 4 → level 6");
}

#[test]
fn a_table_that_overlaps_nothing_goes_first() {
    let text = "5: a-b 400, c-d 1, e-f 400 / 6: a-b 1, e-f 4000";
    expect_pick(text, "level 5: 2 → level 6");
}

#[test]
fn of_tables_that_overlap_equally_the_first_goes() {
    let text = "5: a-b 100, c-d 200, e-f 300 / 6: a-b 500, c-d 1000, e-f 1500";
    expect_pick(text, "level 5: 1, level 6: 4 → level 6");
    let text = "5: a-b 100, c-d 200, e-f 300 / 6: a-b 501, c-d 1000, e-f 1500";
    expect_pick(text, "level 5: 2, level 6: 5 → level 6");
    expect_pick("5: c-d 300, e-f 300 / 6: x-z 5000", "level 5: 1 → level 6");
}

#[test]
fn sizes_beyond_all_disks_are_compared() {
    // In 64 bits, the larger product would be nothing: its factors are powers of two.
    let huge = 1_u64 << 61;
    let options = LsmOptions { base_level_size: huge, level_ratio: 2, ..options() };
    let tables = [
        (5, table(1, ("a", "c"), huge / 2 + 1)),
        (5, table(2, ("d", "f"), huge / 2)),
        (6, table(3, ("a", "b"), huge)),
        (6, table(4, ("c", "d"), huge / 4)),
        (6, table(5, ("e", "z"), huge / 4 * 3)),
    ];
    let levels = levels_of(tables);
    expect_targets(&levels, &options, 5, &[huge, 2 * huge]);
    expect_score(&levels, &options, 5, 1.0);
    expect_pick_in(&levels, &options, "level 5: 2, level 6: 4 5 → level 6");
}

#[test]
fn what_overlaps_in_the_next_level_goes_along_and_its_neighbours_stay() {
    let text = "5: g-m 500 / 6: a-f 900, g-g 900, h-k 900, m-o 900, p-z 900";
    expect_pick(text, "level 5: 1, level 6: 3 4 5 → level 6");
    let text = "5: g-m 500 / 6: a-f 900, f-g 900, h-k 900, l-o 900, p-z 900";
    let text = text.replace("a-f", "a-e");
    expect_pick(&text, "level 5: 1, level 6: 3 4 5 → level 6");
}

#[test]
fn no_other_level_is_touched() {
    for seed in seeds(3_000) {
        let mut dice = Workload::new(seed);
        let (levels, options) = (random_levels(&mut dice), random_options(&mut dice));
        let Some(compaction) = picked(&levels, &options) else { continue };
        let from = compaction.inputs[0].0;
        let want = match from {
            0 => Targets::of(&levels, &options).base,
            _ => from + 1,
        };
        assert!(
            compaction.output_level == want,
            "seed {seed}: {compaction}: want level {want} {}{}",
            if from == 0 { LEVEL0 } else { CHEAPEST },
            describe(&levels)
        );
        let from_one = compaction.inputs.iter().filter(|(level, _)| *level == from).count();
        assert!(
            from == 0 || from_one == 1,
            "seed {seed}: {compaction}: {from_one} tables of level {from} go {CHEAPEST}{}",
            describe(&levels)
        );
        expect_beside(&levels, &compaction, from, seed);
    }
}

#[test]
fn no_other_table_of_a_level_overlaps_less_for_its_size() {
    for seed in seeds(3_000) {
        let mut dice = Workload::new(seed);
        let (levels, options) = (random_levels(&mut dice), random_options(&mut dice));
        let Some(compaction) = picked(&levels, &options) else { continue };
        let (from, chosen) = &compaction.inputs[0];
        if *from == 0 {
            continue;
        }
        let cost = |table: &TableMeta| -> u64 {
            let next = levels.overlapping(from + 1, &table.smallest, &table.largest);
            next.iter().map(|table| table.size).sum()
        };
        for table in levels.level(*from) {
            let (one, other) = (cost(table) * chosen.size, cost(chosen) * table.size);
            let is_first = levels.level(*from).iter().position(|table| table == chosen)
                <= levels.level(*from).iter().position(|other| other == table);
            assert!(
                one > other || (one == other && is_first),
                "seed {seed}: of level {from} table {} goes, of {} bytes, which overlaps {}; table \
                 {} has {} bytes, and overlaps {} {CHEAPEST}{}",
                chosen.number,
                chosen.size,
                cost(chosen),
                table.number,
                table.size,
                cost(table),
                describe(&levels)
            );
        }
    }
}

// Moves.

#[test]
fn a_table_that_comes_alone_is_moved() {
    expect_move("0: a-c 9, d-f 9, g-i 9, j-l 9 / 6: d-z 90", true);
    expect_move("5: g-m 500 / 6: a-f 900, n-z 4000", true);
    expect_move("3: m-n 1 / 6: a-z 100", true);
    expect_move("0: a-c 9, a-f 9, g-i 9, j-l 9", false);
    expect_move("5: g-m 500 / 6: a-g 900, n-z 4000", false);
    let table = table(1, ("a", "c"), 9);
    for (level, want) in [(0, true), (3, true), (4, false), (5, true)] {
        let compaction = Compaction { inputs: vec![(level, Arc::clone(&table))], output_level: 4 };
        let came = compaction.is_move();
        assert!(came == want, "{compaction}: want is_move() {want}, got {came} {BESIDE}");
    }
}

#[track_caller]
fn expect_move(text: &str, want: bool) {
    let levels = levels(text);
    let compaction = picked(&levels, &options());
    let Some(compaction) = compaction else { panic!("nothing is due {DUE}{}", describe(&levels)) };
    let came = compaction.is_move();
    assert!(
        came == want,
        "{compaction}: want is_move() {want}, got {came} {BESIDE}{}",
        describe(&levels)
    );
}

/// Of the output's level goes along what lies in the span of what comes, and nothing else; and no
/// table goes twice.
#[track_caller]
fn expect_beside(levels: &Levels, compaction: &Compaction, from: usize, seed: u64) {
    let inputs = &compaction.inputs;
    let comes = || inputs.iter().filter(|(level, _)| *level == from).map(|(_, table)| table);
    let smallest = comes().map(|table| &table.smallest).min().expect("a compaction has inputs");
    let largest = comes().map(|table| &table.largest).max().expect("a compaction has inputs");
    for (level, table) in levels.tables().filter(|(level, _)| *level != from) {
        let goes = inputs.iter().filter(|(_, other)| other == table).count();
        let overlaps = table.overlaps(smallest, largest);
        let want = usize::from(level == compaction.output_level && overlaps);
        assert!(
            goes == want,
            "seed {seed}: {compaction}: table {} of level {level} goes {goes} times, want {want} \
             {BESIDE}{}",
            table.number,
            describe(levels)
        );
    }
    assert!((0..LEVEL_COUNT).contains(&compaction.output_level), "there is no such level");
}

fn owned((level, table): (usize, &Arc<TableMeta>)) -> (usize, Arc<TableMeta>) {
    (level, Arc::clone(table))
}
