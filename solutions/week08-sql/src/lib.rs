//! Week 8: a parser, a planner, an executor, an optimizer, and a server that real clients speak to.
//!
//! This week is not open yet.
