//! Week 3: blocks, tables that describe themselves from their end, filters, a block cache and compression.
//!
//! This week is not open yet.
