//! What every engine must do, as checks with names: week 1's log store passes the same ones as
//! week 7's replicated store.
//!
//! ```text
//!   contract in `engine.rs`        checks in
//!   get, put, delete               basics.rs
//!   atomic, ordered, numbered      batches.rs
//!   scans, isolated                scans.rs, snapshots.rs
//!   one opener, close              lifetime.rs
//!   threads                        threads.rs
//!   durable                        crashes.rs, faults.rs
//! ```
//!
//! A check panics with the rule that was broken. None sleeps or looks at a clock.

mod basics;
mod batches;
mod crashes;
mod faults;
mod lifetime;
mod scans;
mod snapshots;
mod threads;

use std::panic::{self, AssertUnwindSafe};

use super::OpenEngine;

/// One check: panics if the engine that is opened so does not pass.
pub type Check = fn(&OpenEngine);

macro_rules! checks {
    ($($module:ident { $($name:ident,)+ })+) => {
        $(pub use $module::{$($name),+};)+

        /// Every check with its name, simple ones first.
        pub const CHECKS: &[(&str, Check)] = &[$($((stringify!($name), $name)),+),+];
    };
}

checks! {
    basics {
        what_was_put_is_found,
        a_key_never_put_is_absent,
        the_latest_value_counts,
        a_deleted_key_is_absent,
        the_empty_key_and_the_empty_value_are_like_any_other,
        every_byte_is_allowed_in_keys_and_values,
        a_key_that_begins_another_is_not_that_other,
        large_values_come_back_whole,
    }
    batches {
        operations_of_a_batch_take_effect_in_order,
        an_empty_batch_changes_nothing,
        sequence_numbers_count_operations,
        sequence_numbers_go_on_after_reopening,
        random_operations_agree_with_a_model,
    }
    scans {
        all_nine_kinds_of_bounds_agree_with_a_model,
        an_empty_or_inverted_range_gives_nothing,
        a_prefix_gives_the_keys_that_begin_with_it,
        a_scan_sees_one_instant,
    }
    snapshots {
        a_snapshot_never_changes,
        a_snapshot_does_not_see_later_batches_in_any_scan,
        snapshots_do_not_disturb_each_other,
    }
    lifetime {
        reopening_finds_everything,
        a_second_opener_is_refused,
        the_directory_is_free_after_close,
        the_directory_is_free_after_drop,
        a_closed_store_refuses_everything,
    }
    threads {
        readers_see_whole_batches_while_many_write,
        the_order_of_writes_is_that_of_their_numbers,
        synced_writes_of_many_threads_survive_a_power_cut,
    }
    crashes {
        what_was_flushed_survives_a_kill,
        what_was_synced_survives_a_power_cut,
        sync_makes_durable_what_was_buffered,
        close_makes_durable_what_was_buffered,
        a_power_cut_at_any_operation_leaves_whole_batches_in_order,
        a_kill_at_any_operation_leaves_whole_batches_in_order,
    }
    faults {
        after_a_failed_sync_nothing_is_acknowledged,
        after_a_failed_write_nothing_is_acknowledged,
        a_full_disk_is_an_error_and_loses_nothing,
        a_failed_read_is_an_error_and_never_a_wrong_answer,
    }
}

/// Runs every check on the engine that `open` opens.
pub fn all(open: &OpenEngine) {
    for (name, check) in CHECKS {
        if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| check(open))) {
            eprintln!("this was the check `{name}` of the conformance suite");
            panic::resume_unwind(panic);
        }
    }
}

/// Makes a test of each check, for the engine that a function opens. They are listed, so that each
/// has its place in a gate, and none may be left out.
///
/// ```text
/// wal::conformance! {
///     open;
///     #[test] fn what_was_put_is_found();
///     // … and all others
/// }
/// ```
#[macro_export]
macro_rules! conformance {
    ($open:path; $(#[test] fn $check:ident();)+) => {
        $(#[test] fn $check() { $crate::testing::conformance::$check(&$open); })+

        const _: () = assert!(
            [$(stringify!($check)),+].len() == $crate::testing::conformance::CHECKS.len(),
            "a check of the conformance suite is missing here"
        );
    };
}
