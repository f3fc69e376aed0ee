//! Week 4: levels, the manifest, compaction and back-pressure: the LSM engine.
//!
//! This week is not open yet.

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
