//! The commands, one a file. Each declares itself as a `COMMAND`, and has a `run`.

pub(crate) mod base;
pub(crate) mod bench;
pub(crate) mod board;
pub(crate) mod book;
pub(crate) mod ci;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod hint;
pub(crate) mod lab;
pub(crate) mod reset;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod skeleton;
pub(crate) mod test;
pub(crate) mod verify;
