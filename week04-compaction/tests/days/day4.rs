//! Day 4: which tables are merged next, so that each level is ten times the one above.

mod due;
mod given;
mod loads;
mod tables;
mod targets;

use given::*;

// Scripts: what a simulated store does, step by step.

#[test]
fn a_small_store_does_as_the_script_says() {
    script("small.txt", include_str!("day4/scripts/small.txt"));
}

#[test]
fn a_store_that_grows_does_as_the_script_says() {
    script("grows.txt", include_str!("day4/scripts/grows.txt"));
}

#[test]
fn keys_in_order_are_moved_as_the_script_says() {
    script("in-order.txt", include_str!("day4/scripts/in-order.txt"));
}

#[test]
fn level_0_overlaps_as_the_script_says() {
    script("level0.txt", include_str!("day4/scripts/level0.txt"));
}
