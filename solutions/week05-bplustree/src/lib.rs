//! Week 5: slotted pages, a buffer pool, a B+tree and recovery in the manner of ARIES: the second engine.
//!
//! This week is not open yet.
