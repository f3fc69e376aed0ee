//! The conformance suite passes an engine that is right and finds each that is wrong.

use std::path::Path;
use std::sync::Arc;

use wal::fs::Fs;
use wal::testing::conformance::{self, CHECKS};
use wal::{Engine, Result};

use super::panic_of;
use super::toy::Mistake::{self, *};
use super::toy::Toy;

/// Opens the toy with one mistake in it.
fn open(mistake: Mistake) -> impl Fn(Arc<dyn Fs>, &Path) -> Result<Box<dyn Engine>> + Sync {
    move |fs, dir| Ok(Box::new(Toy::open(fs, dir, mistake)?))
}

/// Mistakes with the checks that must find them: every mistake, and every check, at least once.
const FINDS: &[(Mistake, &str)] = &[
    (KeepsOneKey, "what_was_put_is_found"),
    (FindsTheNextKey, "a_key_never_put_is_absent"),
    (KeepsTheFirstValue, "the_latest_value_counts"),
    (IgnoresDeletes, "a_deleted_key_is_absent"),
    (TakesEmptyForDeleted, "the_empty_key_and_the_empty_value_are_like_any_other"),
    (CutsKeysAtZero, "every_byte_is_allowed_in_keys_and_values"),
    (CutsKeysAtZero, "a_key_that_begins_another_is_not_that_other"),
    (CutsLongValues, "large_values_come_back_whole"),
    (AppliesInReverse, "operations_of_a_batch_take_effect_in_order"),
    (NumbersEmptyBatches, "an_empty_batch_changes_nothing"),
    (NumbersBatches, "sequence_numbers_count_operations"),
    (StartsNumbersAgain, "sequence_numbers_go_on_after_reopening"),
    (KeepsTheFirstValue, "random_operations_agree_with_a_model"),
    (IncludesTheEnd, "all_nine_kinds_of_bounds_agree_with_a_model"),
    (PanicsAtInvertedRanges, "an_empty_or_inverted_range_gives_nothing"),
    (IncludesTheEnd, "a_prefix_gives_the_keys_that_begin_with_it"),
    (ScansTheLiveMap, "a_scan_sees_one_instant"),
    (SharesSnapshots, "a_snapshot_never_changes"),
    (SharesSnapshots, "a_snapshot_does_not_see_later_batches_in_any_scan"),
    (SharesSnapshots, "snapshots_do_not_disturb_each_other"),
    (ForgetsToSyncOnClose, "reopening_finds_everything"),
    (HoldsNoLock, "a_second_opener_is_refused"),
    (KeepsTheLockAfterClose, "the_directory_is_free_after_close"),
    (KeepsTheLockForEver, "the_directory_is_free_after_drop"),
    (ServesAfterClose, "a_closed_store_refuses_everything"),
    (ShowsHalfBatches, "readers_see_whole_batches_while_many_write"),
    (NumbersBatches, "the_order_of_writes_is_that_of_their_numbers"),
    (SavesNothing, "synced_writes_of_many_threads_survive_a_power_cut"),
    (FlushesNothing, "what_was_flushed_survives_a_kill"),
    (SavesNothing, "what_was_synced_survives_a_power_cut"),
    (SavesNothing, "sync_makes_durable_what_was_buffered"),
    (ForgetsToSyncOnClose, "close_makes_durable_what_was_buffered"),
    (NeverSyncs, POWER_CUT),
    (RenamesBeforeItSyncs, POWER_CUT),
    (ForgetsTheDirectory, POWER_CUT),
    (ForgetsItsOwnDirectory, POWER_CUT),
    (SavesOperationsOneByOne, POWER_CUT),
    (SavesOperationsOneByOne, "a_kill_at_any_operation_leaves_whole_batches_in_order"),
    (RetriesASync, "after_a_failed_sync_nothing_is_acknowledged"),
    (GoesOnAfterAFailure, "after_a_failed_write_nothing_is_acknowledged"),
    (IgnoresAFullDisk, "a_full_disk_is_an_error_and_loses_nothing"),
    (AnswersWithoutReading, "a_failed_read_is_an_error_and_never_a_wrong_answer"),
];

const POWER_CUT: &str = "a_power_cut_at_any_operation_leaves_whole_batches_in_order";

#[test]
fn an_engine_that_keeps_the_contract_passes() {
    conformance::all(&open(Nothing));
}

#[test]
fn every_mistake_is_found() {
    for (mistake, name) in FINDS {
        let check = CHECKS.iter().find(|(known, _)| known == name);
        let (_, check) = check.unwrap_or_else(|| panic!("there is no check {name}"));
        let found = panic_of(|| check(&open(*mistake)));
        assert!(found.is_some(), "an engine that {mistake:?} passes the check {name}");
    }
}

#[test]
fn every_check_finds_a_mistake() {
    for (name, _) in CHECKS {
        let finds = FINDS.iter().any(|(_, known)| known == name);
        assert!(finds, "a check that never fails is none: which mistake does {name} find?");
    }
}
