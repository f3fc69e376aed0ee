//! The command line. Built by hand and not derived: so it is the same `clap` as that of `cargo x`,
//! and nobody waits for a second one.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};

use crate::block::Which;
use crate::text;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) what: What,
    /// With `block`: the bytes, too.
    pub(crate) hex: bool,
    /// With `key`: the snapshot's number.
    pub(crate) seq: Option<u64>,
}

/// What is shown instead of the whole.
#[derive(Debug)]
pub(crate) struct What {
    pub(crate) block: Option<Which>,
    pub(crate) key: Option<Typed>,
    pub(crate) keys: bool,
    pub(crate) blocks: bool,
    pub(crate) svg: bool,
    pub(crate) check: bool,
    pub(crate) demo: Option<PathBuf>,
}

/// A key, from what was typed.
#[derive(Debug, Clone)]
pub(crate) struct Typed(pub(crate) Vec<u8>);

impl Args {
    /// Those of this process; tells who typed them what is wrong with them, and ends it.
    pub(crate) fn parse() -> Args {
        Args::read(command().get_matches())
    }

    /// Those of a test; the first is the program's name.
    #[cfg(test)]
    pub(crate) fn try_parse_from<T>(all: impl IntoIterator<Item = T>) -> Result<Args, clap::Error>
    where
        T: Into<std::ffi::OsString> + Clone,
    {
        command().try_get_matches_from(all).map(Args::read)
    }

    fn read(mut given: ArgMatches) -> Args {
        let what = What {
            block: given.remove_one("block"),
            key: given.remove_one("key"),
            keys: given.get_flag("keys"),
            blocks: given.get_flag("blocks"),
            svg: given.get_flag("svg"),
            check: given.get_flag("check"),
            demo: given.remove_one("demo"),
        };
        let files = given.remove_many("files").map(Iterator::collect).unwrap_or_default();
        Args { files, what, hex: given.get_flag("hex"), seq: given.remove_one("seq") }
    }
}

/// The program's arguments, and its help.
pub(crate) fn command() -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let about = "Shows a sorted file: its parts to scale, its blocks and entries, and whatever is wrong \
         with it";
    Command::new("inspect").about(about).after_help(EXAMPLES).args([
        Arg::new("files")
            .value_name("FILE")
            .help("Tables")
            .num_args(1..)
            .required_unless_present("demo")
            .value_parser(value_parser!(PathBuf)),
        option(
            "block",
            "PART",
            "One part entry by entry: a data block's number, or filter, index, properties, footer; \
             of a table with partitions top, filter0, index0 and so on",
        )
        .value_parser(str::parse::<Which>),
        option("key", "KEY", "The way of a lookup; bytes may be written as \\x00")
            .value_parser(|text: &str| text::read(text).map(Typed)),
        flag("keys", "All entries, a line each: key, number, kind, value, with tabs between them"),
        flag("blocks", "The whole, with all data blocks and not only the first and last"),
        flag("svg", "A picture, to standard output"),
        flag("check", "Only what is wrong, if anything"),
        option("demo", "PATH", "Writes a small table to look at; a file that is there stays as it is")
            .conflicts_with("files")
            .value_parser(value_parser!(PathBuf)),
        flag("hex", "With --block: the bytes, and which field each belongs to").requires("block"),
        option("seq", "NUMBER", "With --key: as a snapshot at this number sees it [default: the newest]")
            .requires("key")
            .value_parser(value_parser!(u64)),
    ])
    .group(ArgGroup::new("what").args(["block", "key", "keys", "blocks", "svg", "check", "demo"]))
}

const EXAMPLES: &str = concat!(
    "Examples, behind `cargo run -q -p ",
    env!("CARGO_PKG_NAME"),
    " --example inspect --`:
  --demo stones.sst                    a small table to look at
  stones.sst                           the whole
  stones.sst --block 1                 the entries of a data block
  stones.sst --block index --hex       the bytes of the index, with their fields
  stones.sst --key stone/flint/wall    the way of a lookup
  stones.sst --keys | head             entries, a line each
  stones.sst --svg > stones.svg        a picture
  *.sst --check                        is anything wrong with them?

Exit status: 0 good · 1 a table is damaged · 2 wrong usage, or a file cannot be read"
);
