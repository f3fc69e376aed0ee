//! Week 2: versioned keys, a concurrent memtable, cursors, the merge that every read is, and a store whose
//! readers never wait for a lock.
//!
//! This week is not open yet.
