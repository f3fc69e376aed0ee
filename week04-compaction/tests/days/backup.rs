//! Lab backup: files that never change can be copied while they are in use.

// Built for those who ask for it: see the features in `Cargo.toml`.
#![cfg(feature = "backup")]

mod bucket;
mod given;
mod linking;

// A checkpoint.
mod checkpoint;
mod crashes;
mod meanwhile;

// Backups.
mod send;

// And back.
mod restore;

mod remove;

mod faults;

// Of a store with a value log.
mod values;
