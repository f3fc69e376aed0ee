//! What can be wrong with an engine.

/// One thing that is wrong with the toy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    Nothing,

    // Keys, values, batches and their numbers.
    KeepsOneKey,
    FindsTheNextKey,
    KeepsTheFirstValue,
    IgnoresDeletes,
    TakesEmptyForDeleted,
    CutsKeysAtZero,
    CutsLongValues,
    AppliesInReverse,
    NumbersBatches,
    NumbersEmptyBatches,
    StartsNumbersAgain,

    // Scans and snapshots.
    IncludesTheEnd,
    PanicsAtInvertedRanges,
    SharesSnapshots,
    ScansTheLiveMap,
    ShowsHalfBatches,

    // Who may open, and what comes after the end.
    HoldsNoLock,
    KeepsTheLockAfterClose,
    KeepsTheLockForEver,
    ServesAfterClose,

    // The disk.
    SavesNothing,
    FlushesNothing,
    SavesOperationsOneByOne,
    NeverSyncs,
    RenamesBeforeItSyncs,
    ForgetsTheDirectory,
    ForgetsItsOwnDirectory,
    ForgetsToSyncOnClose,
    RetriesASync,
    GoesOnAfterAFailure,
    IgnoresAFullDisk,
    AnswersWithoutReading,
}
