//! Runs tests, each in a process of its own.
