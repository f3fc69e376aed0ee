//! Lab backup: files that never change can be copied while they are in use.

mod checkpoint;
mod crashes;
mod faults;
mod given;
mod meanwhile;
mod remove;
mod restore;
mod send;
