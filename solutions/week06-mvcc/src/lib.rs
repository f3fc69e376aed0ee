//! Week 6: timestamps, snapshots, four isolation levels and locks, over either engine.
//!
//! This week is not open yet.
