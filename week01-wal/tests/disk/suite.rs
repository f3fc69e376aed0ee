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

/// Each mistake with the check that must find it.
const MISTAKES: [(Mistake, &str); 20] = [
    (ForgetsTheDirectory, "a_power_cut_at_any_operation_leaves_whole_batches_in_order"),
    (ForgetsItsOwnDirectory, "a_power_cut_at_any_operation_leaves_whole_batches_in_order"),
    (NeverSyncs, "a_power_cut_at_any_operation_leaves_whole_batches_in_order"),
    (RenamesBeforeItSyncs, "a_power_cut_at_any_operation_leaves_whole_batches_in_order"),
    (SavesOperationsOneByOne, "a_power_cut_at_any_operation_leaves_whole_batches_in_order"),
    (FlushesNothing, "what_was_flushed_survives_a_kill"),
    (ForgetsToSyncOnClose, "close_makes_durable_what_was_buffered"),
    (RetriesASync, "after_a_failed_sync_nothing_is_acknowledged"),
    (GoesOnAfterAFailure, "after_a_failed_write_nothing_is_acknowledged"),
    (AnswersWithoutReading, "a_failed_read_is_an_error_and_never_a_wrong_answer"),
    (HoldsNoLock, "a_second_opener_is_refused"),
    (KeepsTheLock, "the_directory_is_free_after_close"),
    (AppliesInReverse, "operations_of_a_batch_take_effect_in_order"),
    (NumbersBatches, "sequence_numbers_count_operations"),
    (StartsNumbersAgain, "sequence_numbers_go_on_after_reopening"),
    (ServesAfterClose, "a_closed_store_refuses_everything"),
    (IncludesTheEnd, "all_nine_kinds_of_bounds_agree_with_a_model"),
    (PanicsAtInvertedRanges, "an_empty_or_inverted_range_gives_nothing"),
    (SharesSnapshots, "a_snapshot_never_changes"),
    (ScansTheLiveMap, "a_scan_sees_one_instant"),
];

#[test]
fn an_engine_that_keeps_the_contract_passes() {
    conformance::all(&open(Nothing));
}

#[test]
fn every_mistake_is_found_by_its_check() {
    for (mistake, name) in MISTAKES {
        let check = CHECKS.iter().find(|(known, _)| *known == name);
        let (_, check) = check.unwrap_or_else(|| panic!("there is no check {name}"));
        let found = panic_of(|| check(&open(mistake)));
        assert!(found.is_some(), "an engine that {mistake:?} passes the check {name}");
    }
}
