//! Day 3.
