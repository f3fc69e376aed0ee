//! Week 7: elections, a replicated log, snapshots, membership and a real service on top.
//!
//! This week is not open yet.
