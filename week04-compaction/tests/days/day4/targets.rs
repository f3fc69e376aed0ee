//! How large each level should be.

use lsm::LsmOptions;

use super::given::*;

#[test]
fn a_store_of_one_base_has_no_level_above() {
    expect_targets(&levels(""), &options(), 6, &[100]);
    expect_targets(&levels_of_sizes(&[(6, 99)]), &options(), 6, &[100]);
    expect_targets(&levels_of_sizes(&[(6, 100)]), &options(), 6, &[100]);
}

#[test]
fn a_last_level_of_more_than_a_base_has_one_above() {
    expect_targets(&levels_of_sizes(&[(6, 101)]), &options(), 5, &[10, 101]);
    expect_targets(&levels_of_sizes(&[(6, 1_000)]), &options(), 5, &[100, 1_000]);
    expect_targets(&levels_of_sizes(&[(6, 1_009)]), &options(), 5, &[100, 1_009]);
    expect_targets(&levels_of_sizes(&[(6, 1_010)]), &options(), 4, &[10, 101, 1_010]);
}

#[test]
fn targets_are_those_of_the_chapter() {
    let mib = |size: u64| size << 20;
    let options = LsmOptions::default();
    let sizes = [(4, mib(31)), (5, mib(190)), (6, mib(2_600))];
    expect_targets(&levels_of_sizes(&sizes), &options, 4, &[mib(26), mib(260), mib(2_600)]);
}

#[test]
fn targets_depend_on_the_last_level_only() {
    for others in [[0, 0, 0], [1_000_000, 1, 5_000], [7, 1_000_000, 0], [3, 2, 1_000_000]] {
        let sizes = [(0, others[0]), (3, others[1]), (5, others[2]), (6, 5_000)];
        let sizes: Vec<_> = sizes.into_iter().filter(|(_, size)| *size > 0).collect();
        expect_targets(&levels_of_sizes(&sizes), &options(), 4, &[50, 500, 5_000]);
    }
}

#[test]
fn targets_of_last_levels_of_any_size_go_up_to_the_base() {
    for (ratio, base_size) in [(2, 1), (2, 100), (3, 70), (8, 1_000), (10, 10), (10, 100)] {
        let options = LsmOptions { level_ratio: ratio, base_level_size: base_size, ..options() };
        for size in (1..3_000).chain([99_999, 100_000, 100_001, 10_000_000]) {
            let mut want = vec![size.max(base_size)];
            while want.len() < 6 && want[0] > base_size {
                want.insert(0, want[0] / ratio);
            }
            let base = 7 - want.len();
            expect_targets(&levels_of_sizes(&[(6, size)]), &options, base, &want);
        }
    }
}

#[test]
fn the_uppermost_base_is_level_1_however_large_the_store() {
    let options = LsmOptions { level_ratio: 2, ..options() };
    let size = u64::MAX;
    let want = [size / 32, size / 16, size / 8, size / 4, size / 2, size];
    expect_targets(&levels_of_sizes(&[(6, size)]), &options, 1, &want);
}

#[test]
fn a_ratio_beyond_all_sizes_leaves_targets_of_nothing() {
    let options = LsmOptions { level_ratio: u64::MAX, ..options() };
    expect_targets(&levels_of_sizes(&[(6, 1 << 40)]), &options, 5, &[0, 1 << 40]);
}
