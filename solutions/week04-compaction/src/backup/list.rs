//! The list of a backup: the state of a store, and its files, each with its checksum.
//!
//! ```text
//!  offset         size    field
//! ┌────────────┬────────────┬───────────┬─────────────────────────────────────────────────────┐
//! │          0 │          8 │ checksum  │ XXH3 of all that follows                            │
//! │          8 │          4 │ version   │ 1                                                   │
//! │         12 │          4 │ count     │ how many files there are                            │
//! │         16 │ 25 × count │ files     │ the tables, in the order of levels; the value files │
//! │          … │          … │ edit      │ that makes the state of a new one: day 2's bytes    │
//! └────────────┴────────────┴───────────┴─────────────────────────────────────────────────────┘
//!
//!                from a file's start:
//! ┌────────────┬────────────┬───────────┬─────────────────────────────────────────────────────┐
//! │          0 │          1 │ kind      │ 0 a table, 1 a value file                           │
//! │          1 │          8 │ number    │ of the file                                         │
//! │          9 │          8 │ size      │ of the file                                         │
//! │         17 │          8 │ checksum  │ XXH3 of the file                                    │
//! └────────────┴────────────┴───────────┴─────────────────────────────────────────────────────┘
//! ```
//!
//! Integers are little-endian. Kind, number, size and checksum together say the name of an object. So to
//! find what a backup needs, nobody has to understand what is in its files, or in the notes of its state.
//!
//! Why not CRC-32? Each block of a table has one behind it. Bytes and their own CRC together have
//! always the same CRC: it is the remainder of a division, and the second takes away what the first has
//! left. So two tables whose blocks are of the same sizes have the same CRC, whatever is in them. (That
//! is why LevelDB stores its checksums masked.) XXH3 is Yann Collet's, of 64 bits.

use std::path::{Path, PathBuf};

use wal::fs::Fs;
use wal::{Error, Result};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use crate::edit::Edit;
use crate::files::{table_path, value_path};
use crate::levels::BadEdit;
use crate::manifest::{Manifest, State};
use crate::values;

/// The folder of the files.
pub const FILES: &str = "files";

const VERSION: u32 = 1;
/// Size of what stands in front of the files, in bytes.
const HEADER_SIZE: usize = 16;
/// Size of what is said of one file, in bytes.
const SEALED_SIZE: usize = 25;
/// How much of a file is read at once, in bytes.
const PIECE_SIZE: usize = 256 << 10;

/// What a backup consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The store: its tables, the number up to which all is in them, and what is noted with them. Where
    /// its log was is nobody's business: what comes back has a log of its own, elsewhere.
    pub state: State,
    /// Its files: the tables in the order of [`Levels::tables`](crate::Levels::tables), then the value
    /// files, by number.
    pub files: Vec<Sealed>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A table.
    Table,
    /// A value file, of a store with a value log.
    Values,
}

/// A file that never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// What it is.
    pub kind: Kind,
    /// Its number.
    pub number: u64,
    /// In bytes.
    pub size: u64,
    /// XXH3 of all of it.
    pub checksum: u64,
}

impl List {
    /// That of the store in `dir`, which nobody has open.
    ///
    /// # Errors
    ///
    /// Those of [`Manifest::recover`]; [`Error::Corruption`] if a table has another size than the
    /// manifest says; [`Error::Io`], also if a file is missing. Of a store with a value log, those of
    /// [`values::needed`].
    ///
    /// # Cost
    ///
    /// Reads all files, in pieces of `PIECE_SIZE`.
    pub fn of(fs: &dyn Fs, dir: &Path) -> Result<List> {
        let mut state = Manifest::recover(fs, dir)?;
        state.flushed.lsn = 0;
        let mut files = Vec::new();
        for (_, table) in state.levels.tables() {
            let file = Sealed::read(fs, dir, Kind::Table, table.number)?;
            if file.size != table.size {
                let reason = format!("it has {} bytes, and should have {}", file.size, table.size);
                let end = file.size.min(table.size);
                return Err(Error::corruption(&file.path(dir), end, reason));
            }
            files.push(file);
        }
        for number in values::needed(dir, &state)? {
            files.push(Sealed::read(fs, dir, Kind::Values, number)?);
        }
        Ok(List { state, files })
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; 8];
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(self.files.len() as u32).to_le_bytes());
        self.files.iter().for_each(|file| bytes.extend_from_slice(&file.encode()));
        self.state.as_edit().encode(&mut bytes);
        let checksum = xxh3_64(&bytes[8..]);
        bytes[..8].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads what [`encode`](List::encode) wrote.
    ///
    /// # Errors
    ///
    /// [`BadEdit`] says what is wrong with the bytes.
    pub fn decode(bytes: &[u8]) -> Result<List, BadEdit> {
        let bad = |reason: &str| BadEdit { reason: reason.to_owned() };
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER_SIZE>() else {
            return Err(bad("it is too short for a list"));
        };
        let four = |at: usize| header[at..at + 4].try_into().expect("there are four");
        let [version, count] = [8, 12].map(|at| u32::from_le_bytes(four(at)));
        if number_at(header, 0) != xxh3_64(&bytes[8..]) {
            return Err(bad("its checksum is wrong"));
        }
        if version != VERSION {
            return Err(bad("it is a list of another version"));
        }
        let size = (count as usize).saturating_mul(SEALED_SIZE);
        let cut = || bad("its files are cut off");
        let (files, edit) = rest.split_at_checked(size).ok_or_else(cut)?;
        let (files, _) = files.as_chunks::<SEALED_SIZE>();
        let files: Option<Vec<Sealed>> = files.iter().map(Sealed::decode).collect();
        let files = files.ok_or_else(|| bad("one of its files is of a kind that is none"))?;
        let state = State::new().apply(&Edit::decode(edit)?)?;
        let named = state.levels.tables().map(|(_, table)| (table.number, table.size));
        let tables = files.iter().filter(|file| file.kind == Kind::Table);
        if !tables.map(|file| (file.number, file.size)).eq(named) {
            return Err(bad("its tables are not those of its state"));
        }
        Ok(List { state, files })
    }

    /// The names of the objects that it needs.
    pub fn objects(&self) -> impl Iterator<Item = String> + use<'_> {
        self.files.iter().map(Sealed::object)
    }
}

impl Sealed {
    /// That file in the directory of a store.
    fn read(fs: &dyn Fs, dir: &Path, kind: Kind, number: u64) -> Result<Sealed> {
        let mut sealed = Sealed { kind, number, size: 0, checksum: 0 };
        let file = fs.open(&sealed.path(dir))?;
        let (mut sum, mut piece) = (Xxh3Default::new(), vec![0; PIECE_SIZE]);
        loop {
            let filled = file.read_at(sealed.size, &mut piece)?;
            if filled == 0 {
                sealed.checksum = sum.digest();
                return Ok(sealed);
            }
            sum.update(&piece[..filled]);
            sealed.size += filled as u64;
        }
    }

    /// Where it is in the directory of a store.
    pub fn path(&self, dir: &Path) -> PathBuf {
        match self.kind {
            Kind::Table => table_path(dir, self.number),
            Kind::Values => value_path(dir, self.number),
        }
    }

    /// The name of its object: its number, its size, its checksum, and what it is.
    ///
    /// The number alone would do for one store that never goes back. Two stores have the same numbers,
    /// and so have a store and its copy, which go on from the same one.
    pub fn object(&self) -> String {
        let end = match self.kind {
            Kind::Table => "sst",
            Kind::Values => "val",
        };
        format!("{FILES}/{:06}-{}-{:016x}.{end}", self.number, self.size, self.checksum)
    }

    /// Whether an object of this name is a file of some store.
    pub fn is_object(name: &str) -> bool {
        let parse = || {
            let (rest, end) = name.strip_prefix(FILES)?.strip_prefix('/')?.rsplit_once('.')?;
            let kind = match end {
                "sst" => Kind::Table,
                "val" => Kind::Values,
                _ => return None,
            };
            let mut parts = rest.splitn(3, '-');
            let (number, size) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            let checksum = u64::from_str_radix(parts.next()?, 16).ok()?;
            Some(Sealed { kind, number, size, checksum })
        };
        // Only names that are made here.
        parse().is_some_and(|sealed| sealed.object() == name)
    }

    fn encode(&self) -> [u8; SEALED_SIZE] {
        let mut bytes = [0; SEALED_SIZE];
        bytes[0] = self.kind as u8;
        bytes[1..9].copy_from_slice(&self.number.to_le_bytes());
        bytes[9..17].copy_from_slice(&self.size.to_le_bytes());
        bytes[17..].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; SEALED_SIZE]) -> Option<Sealed> {
        let kind = [Kind::Table, Kind::Values].into_iter().find(|kind| *kind as u8 == bytes[0])?;
        let (number, size) = (number_at(bytes, 1), number_at(bytes, 9));
        Some(Sealed { kind, number, size, checksum: number_at(bytes, 17) })
    }
}

/// The eight bytes at `at` as a number.
fn number_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("there are eight"))
}
