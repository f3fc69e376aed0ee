//! `cargo x`: everything the course can do for you.
//!
//! Read in this order: [`cli`] names the commands, [`repo`] knows where things are, [`week`] what a
//! week consists of, [`source`] how a skeleton comes out of a solution, [`runner`] how a test is
//! run so that whatever it does costs that one test, and then the commands in [`cmd`].

mod ask;
mod backup;
mod cargo;
mod chart;
mod cli;
mod cmd;
#[cfg(test)]
mod fixture;
mod gate;
mod hints;
mod holes;
mod items;
mod nearest;
mod rebase;
mod reference;
mod repo;
mod results;
mod road;
mod runner;
mod source;
mod style;
mod toml;
mod verify;
mod week;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
