//! Week 4 of Cairn: levels, the manifest, compaction and back-pressure: an LSM engine.
//!
//! ```text
//!   Lsm          the engine: a store is a function of its directory                 day 6
//!   Pressure     writers slow down before they stop                                 day 5
//!   tiered       runs of like size: fewer bytes written                             day 5
//!   leveled      each level ten times the one above: fewer runs to read             day 4
//!   Tree         flush and compaction: a merge, and rules for what is left out      day 3
//!   Manifest     the set of live files is itself a log                              day 2
//!   Version      what a read sees: one picture of files that never changes          day 1
//! ```
//!
//! Read it in that order, from the bottom: `version.rs` with `version/level.rs`; `levels.rs`, `edit.rs`
//! and `manifest.rs`, with the names in `files.rs`; `compaction.rs` and `tree.rs`, with `tree/merge.rs`;
//! `leveled.rs`; `tiered.rs`, and `control.rs` with `tree/background.rs`; `store.rs`. `simulator.rs`
//! runs the pickers without a disk. The labs: `values.rs`, where large values live apart; `draft.rs`,
//! `store/checkpoint.rs` and `backup.rs`; `parts.rs`, `compaction/bounded.rs`, `pacer.rs` and
//! `tree/parallel.rs`, a compaction on several threads. `moments.rs` is there for tests.

#[cfg(feature = "backup")]
pub mod backup;
pub mod compaction;
pub mod control;
pub mod draft;
pub mod edit;
pub mod files;
pub mod leveled;
pub mod levels;
pub mod manifest;
#[doc(hidden)]
pub mod moments;
mod options;
pub mod pacer;
pub mod parts;
pub mod simulator;
mod snapshots;
mod source;
mod store;
pub mod tiered;
mod tree;
pub mod values;
mod version;

pub use edit::Edit;
pub use levels::{BadEdit, LEVEL_COUNT, Levels, TableMeta};
pub use manifest::{Manifest, State};
pub use options::{LsmOptions, Strategy};
pub use snapshots::Snapshots;
pub use source::Source;
pub use store::Lsm;
pub use tree::{Counters, Tree};
pub use version::{LevelCursor, LiveTable, Version};
// Their types are a part of this crate's interface.
pub use {memtable, sstable, wal};
