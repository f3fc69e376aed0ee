//! Which level is due.

use lsm::leveled::{Targets, pick, score};
use lsm::{LEVEL_COUNT, LsmOptions};
use wal::testing::{Workload, seeds};

use super::given::*;

// Scores.

#[test]
fn the_score_of_level_0_counts_tables_and_not_bytes() {
    let levels = levels("0: a-f 1000, c-d 1, x-z 5000 / 6: a-z 900");
    expect_score(&levels, &options(), 0, 0.75);
    expect_score(&levels, &LsmOptions { level0_tables: 2, ..options() }, 0, 1.5);
    expect_score(&levels_of([]), &options(), 0, 0.0);
}

#[test]
fn the_score_of_a_level_is_its_size_divided_by_its_target() {
    let levels = levels("4: a-c 30, d-f 15 / 5: a-f 200, g-k 300, x-z 250 / 6: a-z 5000");
    expect_score(&levels, &options(), 4, 0.9);
    expect_score(&levels, &options(), 5, 1.5);
}

#[test]
fn the_last_level_is_never_due() {
    for size in [1, 100, 1_000_000, u64::MAX] {
        let levels = levels_of_sizes(&[(6, size)]);
        expect_score(&levels, &options(), 6, 0.0);
        expect_pick_in(&levels, &options(), "nothing");
    }
}

#[test]
fn an_empty_level_is_never_due() {
    let levels = levels("6: a-z 5000");
    (1..6).for_each(|level| expect_score(&levels, &options(), level, 0.0));
    let options = LsmOptions { level_ratio: u64::MAX, ..options() };
    (1..6).for_each(|level| expect_score(&levels, &options, level, 0.0));
    expect_pick_in(&levels, &options, "nothing");
}

#[test]
fn a_level_above_the_base_is_due_before_all_else() {
    let levels =
        levels("0: a-z 9, a-z 9, a-z 9, a-z 9, a-z 9 / 2: m-n 1 / 5: a-z 5000 / 6: a-z 1000");
    let targets = Targets::of(&levels, &options());
    let came = score(&levels, &targets, 2, &options());
    assert!(
        came > 1e9,
        "the score of level 2, a table of one byte above base {}: want more than that of any other \
         level, whatever that has, got {came} {DUE}",
        targets.base
    );
    // Else level 0 would pass by what is older: newer entries below older ones.
    expect_pick_in(&levels, &options(), "level 2: 6 → level 3");
}

#[test]
fn of_levels_above_the_base_the_upper_one_is_due_first() {
    let text = "3: m-n 1 / 4: a-z 50 / 6: a-z 100";
    expect_pick(text, "level 3: 1, level 4: 2 → level 4");
    expect_pick("4: a-z 50 / 6: a-z 100", "level 4: 1 → level 5");
}

// Which one.

#[test]
fn nothing_is_due_below_a_score_of_1() {
    expect_pick("", "nothing");
    expect_pick("0: a-z 9, a-z 9, a-z 9", "nothing");
    expect_pick("5: a-z 499 / 6: a-z 4999", "level 5: 1, level 6: 2 → level 6");
    expect_pick("5: a-z 499 / 6: a-z 5000", "nothing");
    expect_pick("0: a-z 9, a-z 9, a-z 9 / 4: a-z 49 / 5: a-z 499 / 6: a-z 5000", "nothing");
}

#[test]
fn a_score_of_exactly_1_is_due() {
    let want = "level 0: 4 3 2 1 → level 6";
    expect_pick("0: a-z 9, a-z 9, a-z 9, a-z 9", want);
    expect_pick("5: a-z 500 / 6: a-z 5000", "level 5: 1, level 6: 2 → level 6");
    let one = LsmOptions { level0_tables: 1, ..options() };
    expect_pick_in(&levels("0: a-z 9"), &one, "level 0: 1 → level 6");
}

#[test]
fn the_largest_score_is_due() {
    // 1.25, 1.2 and 1.1; then 1.25, 1.2 and 1.3; then 1.25, 1.4 and 1.3.
    let level0 = "0: a-b 9, a-b 9, a-b 9, a-b 9, a-b 9";
    let after = |sizes| levels(&format!("{level0} / {sizes} / 6: a-z 5000"));
    let want = "level 0: 5 4 3 2 1, level 4: 6 → level 4";
    expect_pick_in(&after("4: a-c 60 / 5: x-z 550"), &options(), want);
    let want = "level 5: 7, level 6: 8 → level 6";
    expect_pick_in(&after("4: a-c 60 / 5: x-z 650"), &options(), want);
    let want = "level 4: 6 → level 5";
    expect_pick_in(&after("4: a-c 70 / 5: x-z 650"), &options(), want);
}

#[test]
fn of_equal_scores_the_upper_level_is_due() {
    let level0 = "0: a-b 9, a-b 9, a-b 9, a-b 9";
    let want = "level 0: 4 3 2 1, level 4: 5 → level 4";
    expect_pick(&format!("{level0} / 4: a-c 50 / 5: x-z 500 / 6: a-z 5000"), want);
    expect_pick("4: a-c 60 / 5: x-z 600 / 6: a-z 5000", "level 4: 1 → level 5");
}

#[test]
fn the_level_that_is_due_is_the_one_that_the_scores_name() {
    for seed in seeds(3_000) {
        let mut dice = Workload::new(seed);
        let (levels, options) = (random_levels(&mut dice), random_options(&mut dice));
        let targets = Targets::of(&levels, &options);
        let scores: [f64; LEVEL_COUNT] =
            std::array::from_fn(|level| score(&levels, &targets, level, &options));
        let largest = scores.iter().copied().fold(0.0, f64::max);
        let want = scores.iter().position(|&score| score == largest && score >= 1.0);
        let came = picked(&levels, &options).map(|compaction| compaction.inputs[0].0);
        assert!(
            came == want,
            "seed {seed}: by scores of {scores:.3?} the level that is due is {want:?}, and one of \
             {came:?} is picked {DUE}{}",
            describe(&levels)
        );
    }
}

#[test]
fn the_same_levels_have_the_same_answer() {
    let mut dice = Workload::new(1);
    let asked: Vec<_> =
        (0..200).map(|_| (random_levels(&mut dice), random_options(&mut dice))).collect();
    let first: Vec<_> = asked.iter().map(|(levels, options)| pick(levels, options)).collect();
    for ((levels, options), first) in asked.iter().zip(&first).rev() {
        let again = pick(&levels.clone(), options);
        assert!(
            again == *first,
            "first {} was picked, and when asked again {}: the answer depends on levels and \
             options, and not on what was asked before {DUE}{}",
            shown(first),
            shown(&again),
            describe(levels)
        );
    }
}
