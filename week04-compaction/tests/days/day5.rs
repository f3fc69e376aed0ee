//! Day 5: trade reads for writes; slow down before you stop.

mod given;

use std::time::Duration;

use lsm::control::Pressure;
use lsm::{LsmOptions, leveled, tiered};
use wal::testing::{Workload, seeds};

use self::given::*;
use crate::script::{Session, expect_script};

/// Each block's commands give what stands below them.
#[track_caller]
fn script(name: &str, script: &str, options: &LsmOptions) {
    let mut session = Session::new(options.clone());
    expect_script(&format!("day5/scripts/{name}.txt"), script, |command| session.run(command));
}

// Back-pressure.

/// What rule 3 and rule 4 say, counted with fractions.
fn wanted(count: usize, options: &LsmOptions) -> Pressure {
    let stop = options.level0_stop.max(options.level0_tables).max(2);
    if count >= stop {
        return Pressure::Stop;
    }
    if count < options.level0_slow {
        return Pressure::None;
    }
    let way = (count - options.level0_slow) as f64 / (stop - options.level0_slow) as f64;
    let ms = [(0.75, 8), (0.5, 4), (0.25, 2), (0.0, 1)].into_iter().find(|(part, _)| way >= *part);
    Pressure::Slow(Duration::from_millis(ms.expect("it is not below 0").1))
}

#[track_caller]
fn expect_pressure(count: usize, options: &LsmOptions, rule: &str) {
    let want = wanted(count, options);
    let came = guarded("asked for the pressure", rule, || Pressure::of(count, options));
    let LsmOptions { level0_tables, level0_slow, level0_stop, .. } = options;
    assert!(
        came == want,
        "with {count} tables in level 0, slow from {level0_slow} on, stop from {level0_stop} on, and \
         {level0_tables} to a compaction: want {want:?}, got {came:?} {rule}"
    );
}

#[test]
fn writes_go_on_then_are_slowed_then_stop() {
    let options = LsmOptions::default();
    let slow = |ms| Pressure::Slow(Duration::from_millis(ms));
    let table = [
        (0..20, Pressure::None),
        (20..24, slow(1)),
        (24..28, slow(2)),
        (28..32, slow(4)),
        (32..36, slow(8)),
        (36..100, Pressure::Stop),
    ];
    for (counts, want) in table {
        for count in counts {
            let what = "asked for the pressure by default";
            let came = guarded(what, PRESSURE, || Pressure::of(count, &options));
            assert!(
                came == want,
                "by default, with {count} tables in level 0: want {want:?}, got {came:?} {PRESSURE}"
            );
        }
    }
}

#[test]
fn each_quarter_of_the_way_doubles_the_delay() {
    for slow in 2..12 {
        for way in 1..20 {
            let options = limits(slow, slow + way);
            (0..40).for_each(|count| expect_pressure(count, &options, PRESSURE));
        }
    }
}

#[test]
fn one_table_more_never_makes_a_write_faster() {
    let rank = |pressure| match pressure {
        Pressure::None => Duration::ZERO,
        Pressure::Slow(delay) => delay,
        Pressure::Stop => Duration::MAX,
    };
    for seed in seeds(300) {
        let mut dice = Workload::new(seed);
        let options =
            LsmOptions { level0_tables: dice.below(10), ..limits(dice.below(50), dice.below(80)) };
        for count in 0..90 {
            let LsmOptions { level0_tables, level0_slow, level0_stop, .. } = options;
            let given = format!(
                "slow from {level0_slow} on, stop from {level0_stop} on, {level0_tables} to a \
                 compaction: asked for the pressure of {count} tables and of one more"
            );
            let (one, next) = guarded(&given, PRESSURE, || {
                (Pressure::of(count, &options), Pressure::of(count + 1, &options))
            });
            assert!(
                rank(one) <= rank(next),
                "{given}, which are {one:?} and then {next:?} {PRESSURE}"
            );
        }
    }
}

#[test]
fn without_a_way_from_slow_to_stop_nobody_is_slowed() {
    for (slow, stop) in [(8, 8), (9, 8), (36, 8), (usize::MAX, 8), (usize::MAX, usize::MAX)] {
        let options = limits(slow, stop);
        (0..60).for_each(|count| expect_pressure(count, &options, PRESSURE));
    }
}

#[test]
fn a_limit_may_be_out_of_reach() {
    for (slow, stop) in [(4, usize::MAX), (0, usize::MAX), (0, 4_000_000_000), (4, 1 << 40)] {
        let options = limits(slow, stop);
        for count in [0, 3, 4, 5, 1000, 100_000] {
            expect_pressure(count, &options, PRESSURE);
        }
    }
}

#[test]
fn no_write_stops_while_level_0_is_too_small_to_be_compacted() {
    for level0_tables in 0..9 {
        for (slow, stop) in [(0, 0), (1, 1), (2, 1), (0, 3), (5, 5), (6, 4), (3, 12)] {
            let options = LsmOptions { level0_tables, ..limits(slow, stop) };
            (0..20).for_each(|count| expect_pressure(count, &options, AT_WORK));
        }
    }
}

// Tiers.

#[test]
fn a_tier_has_no_run_more_than_twice_as_large_as_its_newest() {
    let four = tiers_of(4);
    expect_pick("0: 10 20 20 20", &four, "level 0: 1 2 3 4 → level 6", TIERS);
    expect_pick("0: 10 20 20 21", &four, "nothing", TIERS);
    expect_pick("0: 10 21 20 20", &four, "nothing", TIERS);
    expect_pick("0: 10 20 20 20 21", &four, "level 0: 1 2 3 4 → level 0", TIERS);
    // Twice the neighbour is not twice the newest, and half of it is no smaller than needed.
    expect_pick("0: 10 20 40 80", &four, "nothing", TIERS);
    expect_pick("0: 10 15 20 25", &four, "nothing", TIERS);
}

#[test]
fn a_run_that_is_smaller_than_the_newest_is_of_its_tier() {
    let four = tiers_of(4);
    expect_pick("0: 10 1 1 1", &four, "level 0: 1 2 3 4 → level 6", TIERS);
    expect_pick("0: 100 1 200 3  6: 201", &four, "level 0: 1 2 3 4 → level 5", TIERS);
    expect_pick("0: 10 1 3 20  6: 21", &four, "level 0: 1 2 3 4 → level 5", TIERS);
}

#[test]
fn fewer_runs_than_asked_for_are_left_alone() {
    for wanted in 0..7 {
        let options = LsmOptions { space_max_percent: 0, ..tiers_of(wanted) };
        let enough = wanted.max(2);
        for count in 0..enough {
            expect_pick(&format!("0: {}", "10 ".repeat(count)), &options, "nothing", TIERS);
        }
        let numbers: Vec<String> = (1..=enough).map(|number| number.to_string()).collect();
        let want = format!("level 0: {} → level 6", numbers.join(" "));
        expect_pick(&format!("0: {}", "10 ".repeat(enough)), &tiers_of(wanted), &want, TIERS);
    }
}

#[test]
fn all_runs_of_the_tier_are_merged() {
    let four = tiers_of(4);
    expect_pick("0: 1 1 1 1 1 1 1  6: 9", &four, "level 0: 1 2 3 4 5 6 7 → level 5", TIERS);
    expect_pick(
        "0: 10 10 10  4: 15  5: 20  6: 21",
        &four,
        "level 0: 1 2 3, level 4: 4, level 5: 5 → level 5",
        TIERS,
    );
}

#[test]
fn a_tier_that_is_short_is_passed_over() {
    let four = tiers_of(4);
    expect_pick("0: 1 1 1 4 4 4 4  6: 40", &four, "level 0: 4 5 6 7 → level 5", TIERS);
    expect_pick("0: 1 3 3 3 7 7 7 7", &four, "level 0: 5 6 7 8 → level 6", TIERS);
    let want = "level 2: 3, level 3: 4, level 4: 5, level 5: 6 → level 5";
    expect_pick("0: 1 3  2: 7  3: 9  4: 11  5: 13  6: 99", &four, want, TIERS);
    expect_pick("0: 1 1 1 4 4 4  5: 16  6: 64", &four, "nothing", TIERS);
}

#[test]
fn of_two_full_tiers_the_newest_is_picked() {
    let (four, two) = (tiers_of(4), tiers_of(2));
    expect_pick("0: 1 1 1 1 4 4 4 4  6: 40", &four, "level 0: 1 2 3 4 → level 0", TIERS);
    expect_pick("0: 4 4 1 1  6: 40", &two, "level 0: 1 2 3 4 → level 5", TIERS);
    expect_pick("0: 1 2  5: 9  6: 9", &two, "level 0: 1 2 → level 4", TIERS);
}

#[test]
fn a_run_below_level_0_is_all_tables_of_its_level() {
    let (three, four) = (tiers_of(3), tiers_of(4));
    // Three runs, not nine tables; and the run of level 6 is as large as its tables together.
    expect_pick("0: 10 10  6: 3 3 3 3 3 3 3", &four, "nothing", TIERS);
    expect_pick("0: 10 10  6: 3 3 3 3 3 3 3", &three, "nothing", TIERS);
    expect_pick(
        "0: 10 10  6: 3 3 3 3 3 3",
        &three,
        "level 0: 1 2, level 6: 3 4 5 6 7 8 → level 6",
        TIERS,
    );
    expect_pick(
        "0: 10  2: 5 5 5  5: 20  6: 7 7 7",
        &three,
        "level 0: 1, level 2: 2 3 4, level 5: 5 → level 5",
        TIERS,
    );
}

#[test]
fn a_run_goes_directly_above_the_next_older_one() {
    let two = tiers_of(2);
    for older in 1..=6 {
        let want = format!("level 0: 1 2 → level {}", older - 1);
        expect_pick(&format!("0: 1 1  {older}: 9"), &two, &want, TIERS);
    }
    expect_pick("0: 1 1 9 30", &two, "level 0: 1 2 → level 0", TIERS);
    expect_pick("0: 1 1  3: 5  6: 20", &two, "level 0: 1 2 → level 2", TIERS);
    expect_pick("0: 1 3  1: 3  6: 20", &two, "level 0: 2, level 1: 3 → level 5", TIERS);
    expect_pick("0: 1 3  1: 9  4: 9", &two, "level 1: 3, level 4: 4 → level 6", TIERS);
    // Nothing is older, and so it goes as deep as it can, though its inputs are elsewhere.
    expect_pick("0: 1  3: 1", &two, "level 0: 1, level 3: 2 → level 6", TIERS);
}

#[test]
fn sizes_may_be_huge() {
    let (huge, more) = (1_u64 << 62, (1_u64 << 63) + 1);
    for size in [1_u64 << 58, huge, u64::MAX] {
        let text = format!("0: {size} {size} {size} {size}");
        expect_pick(&text, &tiers_of(4), "level 0: 1 2 3 4 → level 6", TIERS);
        let text = format!("0: {size} {size} {size}  6: {size} ");
        let all = "level 0: 1 2 3, level 6: 4 → level 6";
        expect_pick(&text, &space_of(299), all, SPACE);
        expect_pick(&text, &space_of(0), all, SPACE);
    }
    expect_pick(&format!("0: 1 1 {huge}  6: {more}"), &space_of(100), "nothing", SPACE);
    expect_pick(&format!("0: 1 1 1  6: {}", u64::MAX), &tiers_of(4), "nothing", SPACE);
}

#[test]
fn four_runs_of_like_size_become_one() {
    script("tiers", include_str!("day5/scripts/tiers.txt"), &tiers_of(4));
}

#[test]
fn runs_go_as_deep_as_there_are_levels_and_then_stay_in_level_0() {
    script("levels", include_str!("day5/scripts/levels.txt"), &tiers_of(4));
}

// Room.

#[test]
fn so_many_percent_of_the_oldest_run_are_allowed_and_not_a_byte_more() {
    for (percent, oldest, most) in [
        (100, 1000, 1000),
        (100, 7, 7),
        (200, 1000, 2000),
        (25, 1000, 250),
        (25, 1003, 250),
        (25, 1004, 251),
        (33, 100, 33),
        (1, 100_000, 1000),
        (1, 99_999, 999),
        (150, 333, 499),
    ] {
        // Three tiers of one run each: nothing else is due.
        let newer = |sum: u64| format!("0: 1 3 {}", sum - 4);
        expect_pick(&format!("{}  6: {oldest}", newer(most)), &space_of(percent), "nothing", SPACE);
        expect_pick(
            &format!("{}  6: {oldest}", newer(most + 1)),
            &space_of(percent),
            "level 0: 1 2 3, level 6: 4 → level 6",
            SPACE,
        );
    }
}

#[test]
fn room_comes_before_tiers() {
    // A full tier, and beside the oldest run a byte too much.
    expect_pick(
        "0: 1 1 1 1 5  5: 12  6: 20",
        &space_of(100),
        "level 0: 1 2 3 4 5, level 5: 6, level 6: 7 → level 6",
        SPACE,
    );
    expect_pick("0: 1 1 1 1 5  5: 11  6: 20", &space_of(100), "level 0: 1 2 3 4 → level 0", SPACE);
}

#[test]
fn with_few_runs_room_is_not_asked_for() {
    expect_pick("0: 900 10  6: 1", &space_of(100), "nothing", SPACE);
    expect_pick("0: 1 900 10  6: 1", &space_of(100), "level 0: 1 2 3, level 6: 4 → level 6", SPACE);
    expect_pick("0: 900 10  6: 1 1 1 1", &space_of(100), "nothing", SPACE);
    let five = LsmOptions { level0_tables: 5, ..space_of(0) };
    expect_pick("0: 1 1 1  6: 1", &five, "nothing", SPACE);
}

#[test]
fn the_oldest_run_may_be_in_any_level_and_of_many_tables() {
    let all = "level 0: 1 2 3 4 → level 6";
    expect_pick("0: 1 1 1 2", &space_of(100), all, SPACE);
    expect_pick("0: 1 3 7 10", &space_of(100), all, SPACE);
    expect_pick("0: 1 3 7 11", &space_of(100), "nothing", SPACE);
    expect_pick("0: 1 3 7  2: 2 3 6", &space_of(100), "nothing", SPACE);
    let all = "level 0: 1 2 3, level 2: 4 5 6 → level 6";
    expect_pick("0: 1 3 7  2: 2 3 5", &space_of(100), all, SPACE);
}

#[test]
fn too_much_beside_the_oldest_run_makes_one_of_all() {
    script("space", include_str!("day5/scripts/space.txt"), &tiers_of(4));
}

// Nobody waits for nothing.

#[test]
fn level_0_is_merged_as_soon_as_writes_wait_and_not_before() {
    let options = |slow, stop| LsmOptions { level0_slow: slow, level0_stop: stop, ..tiers_of(4) };
    let text = "0: 1 3 7 15  2: 31  6: 99";
    expect_pick(text, &options(5, 9), "nothing", AT_WORK);
    expect_pick(text, &options(4, 9), "level 0: 1 2 3 4 → level 1", AT_WORK);
    expect_pick(text, &options(9, 4), "level 0: 1 2 3 4 → level 1", AT_WORK);
    expect_pick(text, &options(9, 5), "nothing", AT_WORK);
    // A full tier comes first, wherever it is, and so does room.
    let text = "0: 1 3 7 15  2: 31  3: 31  4: 31  5: 31  6: 99";
    let want = "level 2: 5, level 3: 6, level 4: 7, level 5: 8 → level 5";
    expect_pick(text, &options(2, 3), want, AT_WORK);
    let cramped = LsmOptions { space_max_percent: 100, ..options(2, 3) };
    let want = "level 0: 1 2 3 4, level 6: 5 → level 6";
    expect_pick("0: 1 3 7 15  6: 25", &cramped, want, AT_WORK);
}

#[test]
fn a_table_alone_in_level_0_is_not_merged_with_itself() {
    for slow in [0, 1] {
        let options = LsmOptions { level0_slow: slow, ..tiers_of(4) };
        expect_pick("0: 1  2: 3  4: 7  6: 15", &options, "nothing", AT_WORK);
        expect_pick("1: 1  2: 3  4: 7  6: 15", &options, "nothing", AT_WORK);
        let want = "level 0: 1 2 → level 1";
        expect_pick("0: 1 3  2: 7  4: 15  6: 31", &options, want, AT_WORK);
        expect_pick("0: 1 3  6: 31", &options, "nothing", AT_WORK);
    }
}

#[test]
fn when_writes_are_slowed_and_no_tier_is_full_level_0_is_merged() {
    let options = LsmOptions { level0_slow: 4, level0_stop: 6, ..tiers_of(3) };
    script("waits", include_str!("day5/scripts/waits.txt"), &options);
}

#[test]
fn who_is_stopped_has_a_compaction_to_wait_for() {
    for seed in seeds(400) {
        let mut dice = Workload::new(seed);
        let options = LsmOptions {
            level0_tables: dice.below(6),
            base_level_size: 1_000,
            space_max_percent: [0, 100, u64::MAX][dice.below(3)],
            ..limits(dice.below(8), dice.below(8))
        };
        // Grown from the oldest run upwards, each smaller than the one below it, or as large.
        let mut size = 1 << 20;
        let mut below = String::new();
        for level in (1..=6).rev() {
            if dice.below(2) == 0 {
                below = format!("  {level}: {size}{below}");
                size /= 1 + dice.below(5);
            }
        }
        let mut newest = String::new();
        for _ in 0..12 {
            newest = format!("{size} {newest}");
            size = (size / (1 + dice.below(5))).max(1);
            let text = format!("0: {newest}{below}");
            let levels = levels(&text);
            let count = levels.level(0).len();
            if Pressure::of(count, &options) != Pressure::Stop {
                continue;
            }
            let picks = [
                ("tiered", tiered::pick(&levels, &options)),
                ("leveled", leveled::pick(&levels, &options)),
            ];
            for (strategy, picked) in picks {
                assert!(
                    picked.is_some(),
                    "with {count} tables in level 0 writes stop, and {strategy} compaction has \
                     nothing to do: sizes {text}, {} runs to a compaction, slow from {} on, \
                     stop from {} on {AT_WORK}",
                    options.level0_tables,
                    options.level0_slow,
                    options.level0_stop
                );
            }
        }
    }
}

mod cost;

mod admit;
