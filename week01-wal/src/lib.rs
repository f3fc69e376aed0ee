//! Week 1: the log, the disk under it, and the first store.
