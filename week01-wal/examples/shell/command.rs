//! What can be said, and what happens then.

use std::io::{self, Write};
use std::ops::Bound;
use std::path::PathBuf;

use wal::{Direction, Durability, KeyRange, Reader, Seq, WriteBatch};

use super::words::show;
use super::{Store, explain, note, options};

/// A command's name, its arguments, and what it does.
pub(crate) struct Usage {
    pub(crate) name: &'static str,
    arguments: &'static str,
    effect: &'static str,
}

const fn usage(name: &'static str, arguments: &'static str, effect: &'static str) -> Usage {
    Usage { name, arguments, effect }
}

/// Everything that can be said.
pub(crate) const COMMANDS: &[Usage] = &[
    usage("put", "KEY VALUE", "gives a key a value"),
    usage("get", "KEY", "prints a key's value"),
    usage("del", "KEY", "takes a key away; one that is not there is fine"),
    usage("scan", SCAN, "prints entries in key order, from FROM on, up to TO and without it"),
    usage("batch", "", "collects puts and dels until `commit` or `cancel`"),
    usage("commit", "", "writes the batch: all of it or nothing"),
    usage("cancel", "", "forgets the batch"),
    usage("sync", "", "makes durable what was written so far"),
    usage("checkpoint", "", "writes all entries to a checkpoint, and removes the log before it"),
    usage("snapshot", "", "from now on, `get` and `scan` read the store as it is now"),
    usage("now", "", "reads the newest again"),
    usage("durability", "[buffered|flushed|synced]", "what a write waits for, from now on"),
    usage("stats", "", "prints the store's counters"),
    usage("help", "[COMMAND]", "prints this"),
    usage("quit", "", "leaves, as Ctrl-D does"),
];

const SCAN: &str = "[FROM [TO]] [--prefix P] [--reverse] [--limit N]";

const QUOTES: &str = r#"
Keys and values are words. Quote what is none: "two words", 'as it stands', "\x00\xff\n".
What is printed is written in the same way. Behind # comes a comment.
"#;

/// One line, understood.
pub(crate) enum Command {
    Put { key: Vec<u8>, value: Vec<u8> },
    Get { key: Vec<u8> },
    Del { key: Vec<u8> },
    Scan { range: KeyRange, direction: Direction, limit: usize },
    Batch,
    Commit,
    Cancel,
    Sync,
    Checkpoint,
    Snapshot,
    Now,
    Durability(Option<Durability>),
    Stats,
    Help(Option<&'static Usage>),
    Quit,
}

impl Command {
    /// The command that these words are; `None` for none at all.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and how the command is used.
    pub(crate) fn parse(words: &[Vec<u8>]) -> Result<Option<Command>, String> {
        let Some((name, arguments)) = words.split_first() else { return Ok(None) };
        let name = String::from_utf8_lossy(name);
        let usage = find(&name)?;
        let command = match (usage.name, arguments) {
            ("put", [key, value]) => Command::Put { key: key.clone(), value: value.clone() },
            ("get", [key]) => Command::Get { key: key.clone() },
            ("del", [key]) => Command::Del { key: key.clone() },
            ("scan", arguments) => parse_scan(arguments)?,
            ("batch", []) => Command::Batch,
            ("commit", []) => Command::Commit,
            ("cancel", []) => Command::Cancel,
            ("sync", []) => Command::Sync,
            ("checkpoint", []) => Command::Checkpoint,
            ("snapshot", []) => Command::Snapshot,
            ("now", []) => Command::Now,
            ("durability", []) => Command::Durability(None),
            ("durability", [name]) => Command::Durability(Some(options::durability(&text(name))?)),
            ("stats", []) => Command::Stats,
            ("help", []) => Command::Help(None),
            ("help", [name]) => Command::Help(Some(find(&text(name))?)),
            ("quit", []) => Command::Quit,
            _ => return Err(format!("usage: {} {}", usage.name, usage.arguments)),
        };
        Ok(Some(command))
    }
}

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

/// The command called `name`, or begun so if only one is.
fn find(name: &str) -> Result<&'static Usage, String> {
    let begun: Vec<_> = COMMANDS.iter().filter(|usage| usage.name.starts_with(name)).collect();
    if let Some(usage) = COMMANDS.iter().find(|usage| usage.name == name) {
        return Ok(usage);
    }
    match begun[..] {
        [usage] => Ok(usage),
        [] => Err(format!("no command `{name}`; `help` says which there are")),
        _ => {
            let names: Vec<_> = begun.iter().map(|usage| usage.name).collect();
            Err(format!("`{name}` may be {}", names.join(" or ")))
        }
    }
}

fn parse_scan(arguments: &[Vec<u8>]) -> Result<Command, String> {
    let (mut direction, mut limit, mut prefix) = (Direction::Forward, usize::MAX, None);
    let mut keys = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("`{}` needs a value", text(word)));
        match word.as_slice() {
            b"--reverse" => direction = Direction::Backward,
            b"--prefix" => prefix = Some(KeyRange::prefix(value()?.clone())),
            b"--limit" => {
                let count = text(value()?);
                limit = count.parse().map_err(|_| format!("`{count}` is no number of entries"))?;
            }
            _ => keys.push(word.clone()),
        }
    }
    let range = match (prefix, keys.as_slice()) {
        (Some(range), []) => range,
        (None, []) => KeyRange::all(),
        (None, [from]) => {
            KeyRange { start: Bound::Included(from.clone().into()), end: Bound::Unbounded }
        }
        (None, [from, to]) => KeyRange::half_open(from.clone(), to.clone()),
        _ => return Err(format!("usage: scan {SCAN}")),
    };
    Ok(Command::Scan { range, direction, limit })
}

/// Whether there is more to come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Leave,
}

/// Why a command came to nothing.
pub(crate) enum Failure {
    /// In words.
    Said(String),
    /// What it had to say could not be printed.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// A store, and what has been said about it so far.
pub(crate) struct Shell<'a, S> {
    store: &'a S,
    dir: PathBuf,
    durability: Durability,
    /// Whether someone is there to be told how it went.
    watched: bool,
    batch: Option<WriteBatch>,
    /// What is read, instead of the newest.
    snapshot: Option<Box<dyn Reader>>,
}

impl<'a, S: Store> Shell<'a, S> {
    /// A shell on `store`, which is in `dir`.
    pub(crate) fn new(store: &'a S, options: &options::Options, watched: bool) -> Shell<'a, S> {
        let (dir, durability) = (options.dir.clone(), options.durability);
        Shell { store, dir, durability, watched, batch: None, snapshot: None }
    }

    /// What is read.
    fn reader(&self) -> &dyn Reader {
        self.snapshot.as_deref().unwrap_or(self.store)
    }

    /// Whether puts and dels are being collected.
    pub(crate) fn in_batch(&self) -> bool {
        self.batch.is_some()
    }

    /// Forgets the batch, and says whether there was one.
    pub(crate) fn drop_batch(&mut self) -> bool {
        self.batch.take().is_some()
    }

    /// Does what `command` says, and prints what it asks for.
    ///
    /// # Errors
    ///
    /// The store's, in words, with advice; or the output's.
    pub(crate) fn run(
        &mut self,
        command: Command,
        out: &mut impl Write,
    ) -> Result<Outcome, Failure> {
        match command {
            Command::Put { key, value } => self.change(|batch| batch.put(&key, &value))?,
            Command::Del { key } => self.change(|batch| batch.delete(&key))?,
            Command::Get { key } => match self.told(self.reader().get(&key))? {
                Some(value) => writeln!(out, "{}", show(&value))?,
                None => note(&format!("nothing under {}", show(&key))),
            },
            Command::Scan { range, direction, limit } => {
                self.scan(range, direction, limit, out)?;
            }
            Command::Batch if self.in_batch() => {
                return Err(Failure::Said("a batch was begun: `commit` or `cancel` it".into()));
            }
            Command::Batch => self.batch = Some(WriteBatch::new()),
            Command::Commit => match self.batch.take() {
                Some(batch) => self.write(batch)?,
                None => return Err(Failure::Said("there is no batch: begin with `batch`".into())),
            },
            Command::Cancel => {
                if !self.drop_batch() {
                    return Err(Failure::Said("there is no batch to cancel".into()));
                }
            }
            Command::Sync => self.told(self.store.sync())?,
            Command::Checkpoint => match self.store.checkpoint() {
                Some(written) => self.told(written)?,
                None => return Err(Failure::Said("this week's store has no checkpoints".into())),
            },
            Command::Snapshot => self.snapshot = Some(self.told(self.store.snapshot())?),
            Command::Now => {
                if self.snapshot.take().is_none() {
                    return Err(Failure::Said("nothing but the newest was read".into()));
                }
            }
            Command::Durability(Some(durability)) => self.durability = durability,
            Command::Durability(None) => {
                writeln!(out, "{}", format!("{:?}", self.durability).to_lowercase())?;
            }
            Command::Stats => self.stats(out)?,
            Command::Help(command) => help(command, out)?,
            Command::Quit => return Ok(Outcome::Leave),
        }
        Ok(Outcome::Done)
    }

    /// Adds to the batch, or writes at once.
    fn change(&mut self, change: impl FnOnce(&mut WriteBatch)) -> Result<(), Failure> {
        match &mut self.batch {
            Some(batch) => {
                change(batch);
                Ok(())
            }
            None => {
                let mut batch = WriteBatch::new();
                change(&mut batch);
                self.write(batch)
            }
        }
    }

    fn write(&self, batch: WriteBatch) -> Result<(), Failure> {
        let count = batch.len() as Seq;
        let last = self.told(self.store.write(batch, self.durability))?;
        if self.watched {
            let durability = format!("{:?}", self.durability).to_lowercase();
            match count {
                0 => note("an empty batch: nothing was written"),
                1 => note(&format!("number {last}, {durability}")),
                _ => note(&format!("numbers {} to {last}, {durability}", last + 1 - count)),
            }
        }
        Ok(())
    }

    fn scan(
        &self,
        range: KeyRange,
        direction: Direction,
        limit: usize,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        for entry in self.told(self.reader().scan(range, direction))?.take(limit) {
            let (key, value) = self.told(entry)?;
            writeln!(out, "{} {}", show(&key), show(&value))?;
        }
        Ok(())
    }

    fn stats(&self, out: &mut impl Write) -> Result<(), Failure> {
        let stats = self.store.stats();
        let width = stats.counters.iter().map(|counter| counter.name.len()).max().unwrap_or(0);
        for counter in stats.counters {
            let line = format!("{:width$} {:>12} {}", counter.name, counter.value, counter.unit);
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// The store's answer, or its error with advice.
    fn told<T>(&self, result: wal::Result<T>) -> Result<T, Failure> {
        result.map_err(|error| Failure::Said(explain(&error, &self.dir)))
    }
}

fn help(command: Option<&Usage>, out: &mut impl Write) -> io::Result<()> {
    match command {
        Some(Usage { name, arguments, effect }) => writeln!(out, "{name} {arguments}\n  {effect}"),
        None => {
            for Usage { name, arguments, effect } in COMMANDS {
                let said = format!("{name} {arguments}");
                match said.len() {
                    0..=20 => writeln!(out, "{said:20} {effect}")?,
                    _ => writeln!(out, "{said}\n{:20} {effect}", "")?,
                }
            }
            write!(out, "{QUOTES}")
        }
    }
}
