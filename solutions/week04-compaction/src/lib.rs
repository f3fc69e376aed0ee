//! Week 4: levels, the manifest, compaction and back-pressure: the LSM engine.
//!
//! This week is not open yet.
