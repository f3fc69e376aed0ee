//! Day 1.
