//! Day 6: recovery is a pure function of the directory.

use std::path::Path;
use std::sync::Arc;

use lsm::{Lsm, LsmOptions};
use wal::Engine;
use wal::fs::Fs;

use self::given::small;

/// Twice the memtable of the other tests: a store of half as many files has a quarter of the work to be
/// cut off at every operation.
fn open_small(fs: Arc<dyn Fs>, dir: &Path) -> wal::Result<Box<dyn Engine>> {
    Ok(Box::new(Lsm::open(fs, dir, LsmOptions { memtable_size: 800, ..small() })?))
}

// The suite that every engine of the course passes, with memtables of a few entries.

wal::conformance! {
    open_small;

    #[test] fn what_was_put_is_found();
    #[test] fn a_key_never_put_is_absent();
    #[test] fn the_latest_value_counts();
    #[test] fn a_deleted_key_is_absent();
    #[test] fn the_empty_key_and_the_empty_value_are_like_any_other();
    #[test] fn every_byte_is_allowed_in_keys_and_values();
    #[test] fn a_key_that_begins_another_is_not_that_other();
    #[test] fn large_values_come_back_whole();
    #[test] fn operations_of_a_batch_take_effect_in_order();
    #[test] fn an_empty_batch_changes_nothing();
    #[test] fn sequence_numbers_count_operations();
    #[test] fn sequence_numbers_go_on_after_reopening();
    #[test] fn random_operations_agree_with_a_model();
    #[test] fn all_nine_kinds_of_bounds_agree_with_a_model();
    #[test] fn an_empty_or_inverted_range_gives_nothing();
    #[test] fn a_prefix_gives_the_keys_that_begin_with_it();
    #[test] fn a_scan_sees_one_instant();
    #[test] fn a_snapshot_never_changes();
    #[test] fn a_snapshot_does_not_see_later_batches_in_any_scan();
    #[test] fn snapshots_do_not_disturb_each_other();
    #[test] fn reopening_finds_everything();
    #[test] fn a_second_opener_is_refused();
    #[test] fn the_directory_is_free_after_close();
    #[test] fn the_directory_is_free_after_drop();
    #[test] fn a_closed_store_refuses_everything();
    #[test] fn readers_see_whole_batches_while_many_write();
    #[test] fn the_order_of_writes_is_that_of_their_numbers();
    #[test] fn synced_writes_of_many_threads_survive_a_power_cut();
    #[test] fn what_was_flushed_survives_a_kill();
    #[test] fn what_was_synced_survives_a_power_cut();
    #[test] fn sync_makes_durable_what_was_buffered();
    #[test] fn close_makes_durable_what_was_buffered();
    #[test] fn a_power_cut_at_any_operation_leaves_whole_batches_in_order();
    #[test] fn a_kill_at_any_operation_leaves_whole_batches_in_order();
    #[test] fn after_a_failed_sync_nothing_is_acknowledged();
    #[test] fn after_a_failed_write_nothing_is_acknowledged();
    #[test] fn a_full_disk_is_an_error_and_loses_nothing();
    #[test] fn a_failed_read_is_an_error_and_never_a_wrong_answer();
}

mod background;
mod crashes;
mod damage;
mod given;
mod interrupted;
mod life;
mod readers;
