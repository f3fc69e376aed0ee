//! Day 4: which tables are merged next, so that each level is ten times the one above.

mod given;

use given::*;

// How large each level should be.

mod targets;

// Which level is due.

mod due;

// Which of its tables go, and what goes along.

mod tables;

// Long loads, step by step, and what they cost.

mod loads;

// Scripts: what a simulated store does, step by step.

#[test]
fn a_small_store_does_as_the_script_says() {
    scripts(&[("small.txt", include_str!("day4/scripts/small.txt"))]);
}

#[test]
fn a_store_that_grows_does_as_the_script_says() {
    let grows = ("grows.txt", include_str!("day4/scripts/grows.txt"));
    scripts(&[grows, ("example.txt", include_str!("day4/scripts/example.txt"))]);
}

#[test]
fn keys_in_order_are_moved_as_the_script_says() {
    scripts(&[("in-order.txt", include_str!("day4/scripts/in-order.txt"))]);
}

#[test]
fn level_0_overlaps_as_the_script_says() {
    scripts(&[("level0.txt", include_str!("day4/scripts/level0.txt"))]);
}
